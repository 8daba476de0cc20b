//! The scope and the pools of one directory: what they say of somebody who was seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Ask, Known, Wish, standing_cause, usable};
use crate::model::settings::{DirectorySettings, GroupRef, Match, Settings};
use crate::model::snapshot::{FormerName, FormerNames, ListedAs, Members, Role, ScopeKey};
use crate::model::text::some_of;
use crate::model::user::{Defect, LeaveCause, Quarantine, Sighting};
use crate::model::{Anchor, Name};

/// The scope and the pools of one directory, ready to judge its people.
#[derive(Debug)]
pub struct Rules<'a> {
    settings: &'a Settings,
    groups: Vec<Group<'a>>,
    exclude: Vec<Group<'a>>,
    pools: Vec<PoolRules<'a>>,
    unlimited: bool,
    former: &'a FormerNames,
}

/// A group of the config and who is in it.
#[derive(Debug)]
struct Group<'a> {
    name: &'a str,
    key: ScopeKey,
    members: Option<&'a Members>,
}

impl Group<'_> {
    fn has(&self, anchor: &Anchor) -> bool {
        self.members.is_some_and(|members| members.contains_key(anchor))
    }

    /// A name by which this group lists somebody of these names, and by no other.
    fn lists<'f>(&self, anchor: &Anchor, names: &'f [FormerName]) -> Option<&'f FormerName> {
        names.iter().find(|name| name.dangling.of.contains(&self.key)).filter(|_| !self.has(anchor))
    }
}

#[derive(Debug)]
struct PoolRules<'a> {
    /// None: everyone in scope.
    groups: Option<Vec<Group<'a>>>,
    /// By rank; None is a group of another directory, which keeps its rank.
    priority: Vec<Option<Group<'a>>>,
    fallback: Option<usize>,
}

/// Why somebody is in scope or not, as facts a person can check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// In this group, or in no particular one.
    In {
        group: Option<&'a str>,
    },
    InNoGroup,
    Excluded {
        group: &'a str,
    },
    /// A group that decides lists the person by a name of before.
    Unclear {
        name: &'a FormerName,
    },
    MatchedByNoPool,
}

impl<'a> Rules<'a> {
    /// Looks up the members of every group once.
    #[must_use]
    pub fn new(
        settings: &'a Settings,
        directory: &'a DirectorySettings,
        members: &'a BTreeMap<ScopeKey, Members>,
        former: &'a FormerNames,
    ) -> Self {
        let group = |dn: &'a Arc<str>| {
            let key = ScopeKey { role: Role::Group, dn: dn.clone() };
            Group { name: dn, members: members.get(&key), key }
        };
        let here = |reference: &'a GroupRef| (reference.directory == directory.name).then(|| group(&reference.dn));
        let position = |name: &Name| settings.pools.iter().position(|pool| pool.name == *name);
        let pools = settings.pools.iter().map(|pool| PoolRules {
            groups: pool.groups.as_ref().map(|groups| groups.iter().filter_map(here).collect()),
            priority: pool.priority.iter().map(here).collect(),
            fallback: pool.fallback.as_ref().and_then(position),
        });
        Self {
            settings,
            groups: directory.groups.iter().map(group).collect(),
            exclude: directory.exclude_groups.iter().map(group).collect(),
            pools: pools.collect(),
            unlimited: directory.groups.is_empty(),
            former,
        }
    }

    /// What should become of somebody who was seen; nothing for those out of scope who have no account.
    pub(super) fn wish<'s>(
        &self,
        sighting: &'s Sighting,
        has_account: bool,
        known: &dyn Known,
        now: Timestamp,
    ) -> Option<Wish<'s>> {
        let leaves = |cause| has_account.then(|| Wish::Leaves { cause, sighting: usable(sighting, known) });
        if let Some(cause) = standing_cause(sighting.standing) {
            return leaves(cause);
        }
        // Neither in nor out of a group: nobody leaves, or gets something else, by an attribute that cannot be read.
        if known.is_unplaced(&sighting.anchor) {
            return Some(Wish::Quarantined { quarantine: uid_missing(sighting), shows: &sighting.profile });
        }
        match self.scope(&sighting.anchor) {
            Scope::In { .. } => {}
            Scope::Unclear { name } => {
                return Some(Wish::Quarantined { quarantine: renamed(sighting, name), shows: &sighting.profile });
            }
            Scope::InNoGroup | Scope::Excluded { .. } | Scope::MatchedByNoPool => {
                return leaves(LeaveCause::OutOfScope);
            }
        }
        if let Some(quarantine) = &sighting.quarantine {
            return Some(Wish::Quarantined { quarantine: quarantine.clone(), shows: &sighting.profile });
        }
        let created =
            sighting.created.or_else(|| known.first_seen(&sighting.anchor)).unwrap_or_else(|| seen_first(now));
        Some(Wish::Seats { sighting, created, asks: self.asks(&sighting.anchor) })
    }

    /// Whether somebody under the bases who matches the filter is in scope, and by what.
    #[must_use]
    pub fn scope(&self, anchor: &Anchor) -> Scope<'a> {
        let by = self.groups.iter().find(|group| group.has(anchor)).map(|group| group.name);
        if let Some(group) = self.exclude.iter().find(|group| group.has(anchor)) {
            return Scope::Excluded { group: group.name };
        }
        let names = self.former_names(anchor);
        let unclear = |groups: &[Group<'_>]| groups.iter().find_map(|group| group.lists(anchor, names));
        if let Some(name) = unclear(&self.exclude) {
            return Scope::Unclear { name };
        }
        if by.is_none() && !self.unlimited {
            return unclear(&self.groups).map_or(Scope::InNoGroup, |name| Scope::Unclear { name });
        }
        if let Some(name) = self.unclear_pool(anchor, names) {
            return Scope::Unclear { name };
        }
        if self.pools.iter().any(|pool| pool.matches(anchor)) {
            Scope::In { group: by }
        } else {
            Scope::MatchedByNoPool
        }
    }

    /// The names by which groups list somebody still: nearly always none.
    fn former_names(&self, anchor: &Anchor) -> &'a [FormerName] {
        self.former.get(anchor).map_or(&[], Vec::as_slice)
    }

    /// A name that leaves it open whether somebody should have a seat of a pool.
    fn unclear_pool(&self, anchor: &Anchor, names: &'a [FormerName]) -> Option<&'a FormerName> {
        if names.is_empty() {
            return None;
        }
        let unclear = |pool: &PoolRules<'_>| {
            let groups = pool.groups.as_deref().unwrap_or_default();
            groups.iter().find_map(|group| group.lists(anchor, names)).filter(|_| !pool.matches(anchor))
        };
        match self.settings.seats.match_ {
            // What comes after the first that surely matches is not asked for.
            Match::First => self.pools.iter().take_while(|pool| !pool.matches(anchor)).find_map(unclear),
            Match::All => self.pools.iter().find_map(unclear),
        }
    }

    /// The pools somebody in scope asks for.
    #[must_use]
    pub fn asks(&self, anchor: &Anchor) -> Vec<Ask> {
        let ask = |(index, pool): (usize, &PoolRules<'_>)| Ask {
            pool: index,
            rank: self.rank(pool, anchor),
            fallback: pool.fallback.map(|fallback| (fallback, self.rank(&self.pools[fallback], anchor))),
        };
        let matching = self.pools.iter().enumerate().filter(|(_, pool)| pool.matches(anchor)).map(ask);
        match self.settings.seats.match_ {
            Match::First => matching.take(1).collect(),
            Match::All => matching.collect(),
        }
    }

    /// The group through which a pool takes somebody; None where it takes everyone.
    #[must_use]
    pub fn pool_group(&self, pool: usize, anchor: &Anchor) -> Option<&'a str> {
        self.pools[pool].groups.as_ref()?.iter().find(|group| group.has(anchor)).map(|group| group.name)
    }

    /// The priority group that gives somebody the rank in a pool.
    #[must_use]
    pub fn priority_group(&self, pool: usize, anchor: &Anchor) -> Option<&'a str> {
        self.pools[pool].priority.iter().flatten().find(|group| self.prefers(group, anchor)).map(|group| group.name)
    }

    /// Index of the first priority group somebody is in; one past the last for everyone else.
    fn rank(&self, pool: &PoolRules<'_>, anchor: &Anchor) -> u32 {
        let prefers = |group: &Option<Group<'_>>| group.as_ref().is_some_and(|group| self.prefers(group, anchor));
        let first = pool.priority.iter().position(prefers);
        u32::try_from(first.unwrap_or(pool.priority.len())).unwrap_or(u32::MAX)
    }

    /// A place in a queue is not lost by a new name: here whom the group lists by a former one counts.
    fn prefers(&self, group: &Group<'_>, anchor: &Anchor) -> bool {
        group.has(anchor) || group.lists(anchor, self.former_names(anchor)).is_some()
    }
}

impl PoolRules<'_> {
    fn matches(&self, anchor: &Anchor) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.iter().any(|group| group.has(anchor)))
    }
}

fn uid_missing(sighting: &Sighting) -> Quarantine {
    let Sighting { dn, anchor, .. } = sighting;
    let message = format!("uid of {dn} ({anchor}) cannot be read any more, and groups list the person by it");
    Quarantine { attribute: "uid".to_owned(), reason: Defect::Missing, message }
}

fn renamed(sighting: &Sighting, name: &FormerName) -> Quarantine {
    let Sighting { dn, anchor, .. } = sighting;
    let groups = name.dangling.listed_by.iter().map(|group| format!("{:?}", group.as_str()));
    let groups = some_of(groups).unwrap_or_default();
    let (attribute, message) = match &name.name {
        ListedAs::Dn(former) => (
            "member",
            format!(
                "{dn} ({anchor}) was {former:?} before, and the group {groups} lists that name still, so nobody can tell \
                 whether the person is a member: put the new name in its place there, or take the old one out. The overlay \
                 refint of OpenLDAP does so by itself, with every rename to come",
                former = former.as_str(),
            ),
        ),
        ListedAs::Uid(former) => (
            "memberUid",
            format!(
                "{dn} ({anchor}) had the user id {former:?} before, and the group {groups} lists that one still, so nobody can \
                 tell whether the person is a member: put the new id in its place there (memberUid), or take the old one out",
            ),
        ),
    };
    Quarantine { attribute: attribute.to_owned(), reason: Defect::Missing, message }
}

/// Now, as it will be remembered: to the second. With a part of one, the place in the queue would be another with the next cycle.
fn seen_first(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
