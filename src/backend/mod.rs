//! The write edge: one file a licensing system, each behind `ports::Backend`.

pub mod embedded;
