//! How much one company, and all of them together, may have of what everybody shares. Whoever asks for more is told to ask
//! later; the others go on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::fault::Fault;
use crate::listen::Connections;
use crate::model::Name;

const MIB: usize = 1024 * 1024;

/// The limits of a service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Whoever is connected, known or not.
    pub connections: Connections,
    /// Requests that wait for events.
    pub polls: Limit,
    /// Requests in hand, waiting ones included.
    pub requests: Limit,
    /// Requests in hand with a body of more than `SPARED`.
    pub large: Limit,
    /// What the bodies of requests in hand hold, unpacked, beyond `SPARED` of each.
    pub bytes: Limit,
    /// A body must begin to come within this time, and go on at `SLOWEST`.
    pub patience: Duration,
}

/// So much of each body is not counted: `requests` bounds that.
pub const SPARED: usize = 16 * 1024;
/// A body may come as slowly as so many bytes a second, unpacked.
pub const SLOWEST: usize = 16 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: Connections::default(),
            polls: Limit::new("long polls", 64, 1024),
            requests: Limit::new("requests in hand", 2048, 8192),
            large: Limit::new("large requests in hand", 8, 64),
            bytes: Limit::new("bytes in hand", 256 * MIB, 512 * MIB),
            patience: Duration::from_secs(30),
        }
    }
}

/// So many of something for each company, and for all.
#[derive(Clone, Debug)]
pub struct Limit {
    what: &'static str,
    each: usize,
    all: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Nobody is listed with nothing.
    each: HashMap<Name, usize>,
}

impl Limit {
    #[must_use]
    pub fn new(what: &'static str, each: usize, all: usize) -> Self {
        Self { what, each, all, taken: Arc::default() }
    }

    /// Takes so many for a company; they are given back on drop.
    pub fn take(&self, company: &Name, count: usize) -> Result<Held, Fault> {
        let mut held = Held { limit: self.clone(), company: company.clone(), count: 0 };
        held.grow(count)?;
        Ok(held)
    }

    fn full(&self, limit: usize, whose: &str) -> Fault {
        let detail = format!("{whose} {limit} {} already, and no more can be had at once: ask again later", self.what);
        Fault::rate_limited(detail).with(|problem| {
            problem.limit = Some(limit as u64);
            problem.limited = Some(self.what.to_owned());
        })
    }
}

/// What a company has of a limit, until it is dropped.
#[derive(Debug)]
pub struct Held {
    limit: Limit,
    company: Name,
    count: usize,
}

impl Held {
    /// Takes more.
    pub fn grow(&mut self, count: usize) -> Result<(), Fault> {
        let mut taken = self.limit.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let each = taken.each.get(&self.company).copied().unwrap_or_default() + count;
        if each > self.limit.each {
            return Err(self.limit.full(self.limit.each, "the company has"));
        }
        if taken.all + count > self.limit.all {
            return Err(self.limit.full(self.limit.all, "all companies together have"));
        }
        if each > 0 {
            taken.each.insert(self.company.clone(), each);
        }
        taken.all += count;
        self.count += count;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.limit.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= self.count;
        if let Some(each) = taken.each.get_mut(&self.company) {
            *each -= self.count;
            if *each == 0 {
                taken.each.remove(&self.company);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_gets_its_share_all_get_theirs_and_what_is_dropped_can_be_had_again() {
        let limit = Limit::new("things", 2, 3);
        let (acme, globex): (Name, Name) = ("acme".into(), "globex".into());
        let mut first = limit.take(&acme, 1).unwrap();
        first.grow(1).unwrap();
        let fault = first.grow(1).unwrap_err();
        assert_eq!((fault.problem.limit, fault.problem.limited.as_deref()), (Some(2), Some("things")));
        let second = limit.take(&globex, 1).unwrap();
        assert_eq!(limit.take(&globex, 1).unwrap_err().problem.limit, Some(3));
        drop(first);
        assert!(limit.take(&globex, 1).is_ok() && limit.take(&acme, 2).is_ok());
        drop(second);
        let taken = limit.taken.lock().unwrap();
        assert_eq!((taken.all, taken.each.len()), (0, 0));
    }
}
