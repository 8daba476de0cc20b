//! The page: what a person sees. Everything in it is escaped by the templates, and nothing of it runs in the browser.

mod chart;
pub mod forecast;
mod view;

pub use view::{explained, login, refused, status};

/// The one stylesheet.
pub const STYLE: &str = include_str!("../../../templates/style.css");
