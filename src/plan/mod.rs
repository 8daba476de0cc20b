//! What must change, who gets a seat, whether that is safe, and in which order it is done. Pure: no clock, no I/O, no log.

pub mod seats;
