//! A directory in an LDIF file: an export, read whole each time.

mod parse;

pub use parse::{LdifError, Record, Records};
