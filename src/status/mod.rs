//! What the running agent shows at `[status].listen`: whether the process lives, whether it is well, and its numbers, and a page for people. It
//! is handed what it shows (`Facts`), and asks neither directory, backend nor state itself.

mod access;
pub mod facts;
mod health;
pub mod metrics;
pub mod page;
mod server;
mod session;
mod trouble;

pub use access::Guard;
pub use facts::{Facts, HeldPerson, Tally};
pub use page::forecast::Earlier;
pub use server::{Desk, Refusal, Window, router};
pub use session::Sessions;
