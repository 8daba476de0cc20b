//! How far long work has come, told to whoever wants to know.

/// How far long work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<'a> {
    /// Something outside must happen first, said as a sentence: another instance ends its cycle, the agent does ours.
    Waiting(&'a str),
    /// Entries received so far; none when a directory is about to be asked.
    Reading {
        directory: &'a str,
        entries: u64,
    },
    /// The read of a directory ended.
    Read {
        directory: &'a str,
        entries: u64,
        complete: bool,
    },
    /// The read of a directory failed.
    Unread {
        directory: &'a str,
    },
    Planning,
    /// Steps carried out, of all.
    Applying {
        done: u64,
        total: u64,
    },
}

/// Hears how far long work has come. Called from any thread, as often as it pleases the worker.
pub trait Progress: Send + Sync {
    fn tell(&self, stage: Stage<'_>);
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn tell(&self, _stage: Stage<'_>) {}
}
