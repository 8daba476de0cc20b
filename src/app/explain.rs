//! `explain`: why one person has a seat or not, from the state alone.

mod advice;
mod decision;
mod held;
pub(super) mod leaving;
mod outside;
mod sought;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use self::held::HeldBack;
use super::answers::{accounts, pools_now};
use super::engine::state_error;
use super::people::{Places, user_row};
use super::ring::ring;
use super::stopped::Stops;
use super::who::anybody;
use super::{App, AppError, Code};
use crate::model::change::Promotion;
use crate::model::lease::Standby;
use crate::model::memory::{Absence, DirectoryStatus, Facts, LastKnown};
use crate::model::report::{
    EntryRow, ExplainReport, PoolExplained, PoolRow, ScopeExplained, SeatRow, SeatWord, Stopped, UserRow,
};
use crate::model::settings::Settings;
use crate::model::text::some_of_by;
use crate::model::{AccountState, LeaveCause, Name, Standing};
use crate::state::{State, Who};

/// All that is known of one person, and of what decides about them.
struct Case<'a> {
    settings: &'a Settings,
    known: LastKnown,
    row: UserRow,
    /// The pools of a ring of movers that the person is in.
    ring: Option<String>,
    held: Option<HeldBack>,
    /// How the person's directory was read last.
    directory: Option<DirectoryStatus>,
    /// As the last cycle left them.
    pools: Vec<PoolRow>,
    /// Why the person, who waits, gets nothing now.
    stopped: Option<Stopped>,
    /// Who works, while this agent stands by.
    standby: Option<Standby>,
    /// What brings somebody who left the scope back, as the directory says now. Empty: it was not asked.
    needed: Vec<String>,
}

impl App {
    /// By anchor, DN, user name, mail address or display name.
    ///
    /// # Errors
    /// Where the name fits nobody or several, or the state cannot be read.
    pub fn explain(&self, user: &str) -> Result<ExplainReport, AppError> {
        Ok(self.case(&self.state_that_counts()?, user)?.report())
    }

    fn case(&self, state: &State, user: &str) -> Result<Case<'_>, AppError> {
        let everyone = self.everyone(state)?;
        let known = match anybody(state, &self.settings, user)? {
            Who::Person(person) => state.person(&person).map_err(|error| state_error(&error))?,
            Who::Stranger(id) => {
                everyone.iter().find(|known| known.account.as_ref().is_some_and(|account| account.id == id)).cloned()
            }
        };
        let known = known.ok_or_else(|| AppError::new(Code::UnknownUser, format!("nobody is known by {user:?}")))?;
        let pools = pools_now(state)?;
        let waiting = self.waiting(state, &everyone)?;
        let ring = known.account.as_ref().and_then(|own| ring(own, &accounts(&everyone), &self.bought(&pools)));
        let directories = state.directories().map_err(|error| state_error(&error))?;
        let person = known.person();
        let waits = waiting.iter().any(|row| row.anchor.is_some() && row.anchor == known.anchor);
        let stopped = if waits { Stops::of(state)?.why(&known) } else { None };
        Ok(Case {
            settings: &self.settings,
            row: user_row(&known, &Places::of(&waiting)),
            ring: ring.map(|pools| pools.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> ")),
            held: person.as_ref().map(|person| HeldBack::find(state, person)).transpose()?.flatten(),
            directory: directories.into_iter().find(|status| known.directory.as_ref() == Some(&status.name)),
            pools,
            stopped,
            standby: state.standby().map_err(|error| state_error(&error))?,
            needed: Vec::new(),
            known,
        })
    }

    /// The seats of each pool: as the config says, else as the last cycle saw them.
    fn bought(&self, last: &[PoolRow]) -> BTreeMap<Name, u32> {
        let told = last.iter().map(|pool| (pool.name.clone(), pool.seats));
        let configured = self.settings.pools.iter().filter_map(|pool| Some((pool.name.clone(), pool.seats?)));
        told.chain(configured).collect()
    }
}

impl Case<'_> {
    fn report(self) -> ExplainReport {
        let facts = self.known.facts.as_ref().filter(|_| self.known.absence.is_none());
        let wanted = facts.and_then(|facts| facts.judgement.pools.first());
        ExplainReport {
            entry: self.entry(),
            scope: scope(&self),
            pool: wanted.map(|pool| PoolExplained { name: pool.pool.clone(), because: lines(&pool.because) }),
            rank: wanted.map(|pool| pool.rank),
            leaving: leaving::sentences(&self),
            decision: decision::sentence(&self),
            would_change: advice::sentences(&self),
            user: self.row,
        }
    }

    /// None: no directory shows the person any more, or ever did.
    fn entry(&self) -> Option<EntryRow> {
        let is_deleted = self.known.absence == Some(Absence::Gone(LeaveCause::Deleted));
        let facts = self.known.facts.as_ref().filter(|_| !is_deleted)?;
        let read = self.directory.as_ref().and_then(|status| status.read.as_ref());
        Some(EntryRow {
            dn: facts.dn.to_string(),
            directory: self.known.directory.clone()?,
            server: read.map(|read| read.server.clone()),
            read_at: read.map(|read| read.read_at),
        })
    }

    /// Why the last read of the person's directory does not count as complete.
    fn partial(&self) -> Option<&str> {
        self.directory.as_ref()?.unread()
    }

    /// The person's directory, where this agent never read it: it stands by since its start.
    fn unread(&self) -> Option<&Name> {
        let is_unread = self.directory.as_ref().is_none_or(|status| status.read.is_none());
        self.known.directory.as_ref().filter(|_| self.standby.is_some() && is_unread)
    }

    /// Pools that the config does not name, of which the person holds a seat.
    fn unnamed(&self) -> Vec<&Name> {
        let held = self.row.seats.iter().filter(|seat| seat.state == SeatWord::Held).map(|seat| &seat.pool);
        held.filter(|pool| !self.settings.pools.iter().any(|known| known.name == **pool)).collect()
    }

    /// Seats that are free in a pool, and are given to nobody by themselves.
    fn free(&self, seat: &SeatRow) -> u32 {
        let pool = self.pools.iter().find(|pool| pool.name == seat.pool);
        pool.filter(|_| self.by_hand() && !seat.approved && self.stopped.is_none()).map_or(0, |pool| pool.free)
    }

    /// Neither holds a seat, nor waits for one, nor was denied one: nobody asked for one yet, as of an account just adopted.
    fn is_unasked(&self) -> bool {
        self.row.state == Some(AccountState::Denied) && self.row.seats.is_empty()
    }

    /// In scope and not leaving, as the last read showed it.
    fn is_wanted(&self) -> bool {
        let wants = |facts: &Facts<'_>| facts.judgement.in_scope && facts.judgement.standing == Standing::Enabled;
        self.known.absence.is_none() && self.known.facts.as_ref().is_some_and(wants)
    }

    fn by_hand(&self) -> bool {
        self.settings.seats.promotion == Promotion::Manual
    }

    fn is_suspended_by_hand(&self) -> bool {
        let suspension = self.known.account.as_ref().and_then(|account| account.suspension.as_ref());
        suspension.is_some_and(|suspension| !suspension.by_agent)
    }
}

fn lines(lines: &[Cow<'_, str>]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

/// The first three, and how many more.
fn list(names: &[Arc<str>]) -> String {
    some_of_by(names.iter().map(ToString::to_string), "; ").unwrap_or_default()
}

fn scope(case: &Case<'_>) -> ScopeExplained {
    let known = &case.known;
    if let Some(name) = case.unread() {
        // The agent that works keeps the account: it saw the person in scope.
        let keeps = |account: &crate::model::Account| account.is_managed() && account.suspension.is_none();
        let because = vec![format!("this agent did not read {name} yet; what the backend has says it")];
        return ScopeExplained { in_scope: known.account.as_ref().is_some_and(keeps), because };
    }
    let Some(facts) = &known.facts else {
        let why =
            if known.directory.is_some() { "no entry of this person is known" } else { "no entry owns this account" };
        return ScopeExplained { in_scope: false, because: vec![why.to_owned()] };
    };
    let because = match known.absence {
        // What was true of the entry is nobody's reason any more.
        Some(Absence::Missing { since }) => {
            vec![format!("not found by id since {since}; a second look decides whether the entry is gone")]
        }
        Some(Absence::Gone(cause)) => vec![leaving::gone(case, cause, &facts.dn)],
        None if facts.judgement.in_scope => lines(&facts.judgement.because),
        None => outside::seen(case, &facts.judgement.because),
    };
    ScopeExplained { in_scope: facts.judgement.in_scope && known.absence.is_none(), because }
}
