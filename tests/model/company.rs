//! The world of one history: a company's config and its people, small enough to read in a failure.

use seatsync::model::LeaveCause;
use seatsync::model::settings::LeaverRule;

/// People and pools by their place in the lists below.
pub type Who = usize;
pub type Pool = usize;
/// Minutes since the history began.
pub type Time = i64;

pub const HOUR: Time = 60;
/// The guard's window, and how long a confirmation holds.
pub const DAY: Time = 24 * HOUR;
pub const REMOVE_AFTER: Time = 48 * HOUR;

#[derive(Clone, Debug)]
pub struct Company {
    pub directories: usize,
    pub pools: Vec<PoolRule>,
    pub people: Vec<Person>,
    pub match_all: bool,
    pub approve_joiners: bool,
    pub automatic: bool,
    /// Of the two mail domains there are, only one is approved.
    pub approved_domains: bool,
    pub suspended_keeps_seat: bool,
    pub disabled: LeaverRule,
    pub deleted: LeaverRule,
    pub out_of_scope: LeaverRule,
    pub percent: usize,
    pub floor: usize,
}

#[derive(Clone, Debug)]
pub struct PoolRule {
    pub seats: u32,
    /// Takes everyone in scope, not only the members of its group.
    pub everyone: bool,
    pub fallback: Option<Pool>,
}

/// Somebody, whatever a directory shows of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub place: Place,
    /// In the group of each pool.
    pub member: [bool; 3],
    /// In the first or the second priority group of every pool.
    pub priority: Option<usize>,
    /// The entry has no mail address.
    pub spoiled: bool,
    /// Of the mail domain that is not approved.
    pub outsider: bool,
    pub nickname: u8,
    /// Which mail address the person has now.
    pub mail: u8,
    /// None: the directory does not tell.
    pub created: Option<Time>,
}

/// Where somebody's entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Enabled,
    Disabled,
    /// Outside the bases.
    Outside,
    /// Deleted, and the directory says so.
    Tombstone,
    /// Deleted without a trace, or not there yet.
    Nowhere,
}

/// What goes wrong when a directory is read. People are a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// No server answers.
    Fails,
    /// The read broke off and says so: these people were not reached.
    Partial(u16),
    /// The read lost these people and does not say so.
    Loses(u16),
    /// The same, and nobody can be looked up by anchor.
    LookupFails(u16),
    /// The last known parent of whoever is nowhere cannot be read.
    ParentGone,
}

impl Fault {
    /// Whether the read reaches this person's entry, if it is under a base.
    pub const fn reaches(self, who: Who) -> bool {
        match self {
            Self::None | Self::ParentGone => true,
            Self::Fails => false,
            Self::Partial(hidden) | Self::Loses(hidden) | Self::LookupFails(hidden) => hidden >> who & 1 == 0,
        }
    }
}

impl Person {
    /// The mail address, told apart from the others this person may have.
    pub const fn address(&self) -> (u8, bool) {
        (self.mail, self.outsider)
    }
}

impl Company {
    pub const fn directory_of(&self, who: Who) -> usize {
        who % self.directories
    }

    /// The pools that take somebody, in the order of the config: the first, or all of them.
    pub fn wanted(&self, who: Who) -> Vec<Pool> {
        let takes = |pool: &Pool| self.pools[*pool].everyone || self.people[who].member[*pool];
        (0..self.pools.len()).filter(takes).take(if self.match_all { usize::MAX } else { 1 }).collect()
    }

    /// Place of the first priority group somebody is in: each directory has its own first and second.
    pub fn rank(&self, who: Who) -> u32 {
        let group = self.people[who].priority.map(|group| group * self.directories + self.directory_of(who));
        u32::try_from(group.unwrap_or(2 * self.directories)).expect("few")
    }

    pub const fn rule(&self, cause: LeaveCause) -> LeaverRule {
        match cause {
            LeaveCause::Disabled | LeaveCause::Expired => self.disabled,
            LeaveCause::Deleted => self.deleted,
            LeaveCause::OutOfScope => self.out_of_scope,
        }
    }
}
