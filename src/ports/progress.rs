//! How far long work has come, and who is waited for, told to whoever wants to know.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::model::report::Awaited;

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

/// Somebody outside who is asked: seen from any thread, and cheap to clone.
#[derive(Clone, Debug)]
pub struct Awaiting(Arc<Asked>);

#[derive(Debug)]
struct Asked {
    /// "the ledger at ledger.corp.example".
    whom: String,
    waits: Mutex<Waits>,
}

#[derive(Debug, Default)]
struct Waits {
    /// So many are not answered yet.
    questions: u32,
    /// When something came last; when the first of them was asked, where nothing did.
    since: Option<Timestamp>,
}

/// A question is on its way as long as this lives, however often it is sent.
#[derive(Debug)]
pub struct Question(Arc<Asked>);

impl Awaiting {
    #[must_use]
    pub fn new(whom: String) -> Self {
        Self(Arc::new(Asked { whom, waits: Mutex::default() }))
    }

    /// A question is asked.
    #[must_use]
    pub fn ask(&self, now: Timestamp) -> Question {
        self.0.change(|waits| {
            waits.questions += 1;
            waits.since.get_or_insert(now);
        });
        Question(Arc::clone(&self.0))
    }

    /// Something of an answer came.
    pub fn heard(&self, now: Timestamp) {
        self.0.change(|waits| waits.since = waits.since.map(|_| now));
    }

    /// Who is waited for, where somebody is.
    #[must_use]
    pub fn awaited(&self) -> Option<Awaited> {
        let since = self.0.change(|waits| waits.since)?;
        Some(Awaited { whom: self.0.whom.clone(), since })
    }
}

impl Asked {
    fn change<T>(&self, change: impl FnOnce(&mut Waits) -> T) -> T {
        change(&mut self.waits.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.0.change(|waits| {
            waits.questions = waits.questions.saturating_sub(1);
            if waits.questions == 0 {
                waits.since = None;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_waited_for_since_something_came_last_and_while_a_question_is_open() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let ledger = Awaiting::new("the ledger at h".to_owned());
        let since = || ledger.awaited().map(|awaited| awaited.since);
        assert_eq!(since(), None);
        let first = ledger.ask(at(0));
        let second = ledger.ask(at(5));
        assert_eq!(since(), Some(at(0)));
        ledger.heard(at(7));
        drop(first);
        assert_eq!(since(), Some(at(7)), "the other is open still");
        drop(second);
        ledger.heard(at(9));
        assert_eq!(since(), None);
        let awaited = Awaited { whom: "the ledger at h".to_owned(), since: at(0) };
        assert_eq!(awaited.in_words(at(42)), "waiting for the ledger at h for 42 s");
        assert!(awaited.is_silent(at(30)) && !awaited.is_silent(at(29)));
    }
}
