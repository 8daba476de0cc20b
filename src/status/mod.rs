//! What the running agent shows at `[status].listen`: whether the process lives, whether it is well, and its numbers. It
//! is handed what it shows (`Facts`), and asks neither directory, backend nor state itself.

mod access;
pub mod facts;
mod health;
pub mod metrics;
mod server;

pub use access::Guard;
pub use facts::{Facts, Tally};
pub use server::{Window, router};
