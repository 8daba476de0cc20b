//! `explain`: why one person has a seat or not, from the state alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::answers::{Places, accounts, everyone, last_cycle, user_row};
use super::engine::state_error;
use super::ring::ring;
use super::who::who;
use super::{App, AppError, Code};
use crate::model::change::Promotion;
use crate::model::memory::{Absence, LastKnown};
use crate::model::report::{EntryRow, ExplainReport, PoolExplained, ScopeExplained, SeatRow, SeatWord, UserRow};
use crate::model::{AccountState, LeaveCause, Name, PersonId, Standing, WaitReason};
use crate::ports::Accounts as _;
use crate::state::{State, Who};

/// Of somebody whose whole account is gone.
const TAKEN: &str = "the account was deleted in the backend by another hand; not made again until approved";

impl App {
    /// By anchor, DN, user name or mail address.
    ///
    /// # Errors
    /// Where the name fits nobody or several, or the state cannot be read.
    pub fn explain(&self, user: &str) -> Result<ExplainReport, AppError> {
        let state = self.state_beside()?;
        let everyone = everyone(&state)?;
        let known = match who(&state, user)? {
            Who::Person(person) => state.person(&person).map_err(|error| state_error(&error))?,
            Who::Stranger(id) => {
                everyone.iter().find(|known| known.account.as_ref().is_some_and(|account| account.id == id)).cloned()
            }
        };
        let known = known.ok_or_else(|| AppError::new(Code::UnknownUser, format!("nobody is known by {user:?}")))?;
        let row = user_row(&known, &Places::of(&everyone));
        let wanted = known.facts.as_ref().and_then(|facts| facts.judgement.pools.first());
        let bought = self.bought(&state)?;
        let ring = known.account.as_ref().and_then(|own| ring(own, &accounts(&everyone), &bought));
        let ring = ring.map(|pools| pools.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> "));
        let taken = is_taken(&state, &known)?;
        let decision = if taken { TAKEN.to_owned() } else { decision(&known, &row, ring.as_deref()) };
        let mut would_change = self.would_change(&known, &row, ring.as_deref());
        if taken {
            would_change.insert(0, approval(&row));
        }
        Ok(ExplainReport {
            entry: entry(&state, &known)?,
            scope: scope(&known),
            pool: wanted.map(|pool| PoolExplained { name: pool.pool.clone(), because: lines(&pool.because) }),
            rank: wanted.map(|pool| pool.rank),
            would_change,
            decision,
            user: row,
        })
    }

    /// The seats of each pool: as the config says, else as the last cycle saw them.
    fn bought(&self, state: &State) -> Result<BTreeMap<Name, u32>, AppError> {
        let last = last_cycle(state)?.map(|cycle| cycle.pools).unwrap_or_default();
        let told = last.into_iter().map(|pool| (pool.name, pool.seats));
        let configured = self.settings.pools.iter().filter_map(|pool| Some((pool.name.clone(), pool.seats?)));
        Ok(told.chain(configured).collect())
    }

    /// What somebody could do about it.
    fn would_change(&self, known: &LastKnown, row: &UserRow, ring: Option<&str>) -> Vec<String> {
        let mut advice = Vec::new();
        if let Some(pools) = ring {
            advice.push(format!(
                "one more seat in any pool of the ring {pools}, or somebody who leaves one of them: then its people move, in \
                 the order of the queues"
            ));
        }
        if row.state.is_some() && !row.managed {
            advice.push(
                "an entry of a directory that it belongs to as backend.adopt says: it is then adopted".to_owned(),
            );
            return advice;
        }
        if let Some(quarantine) = &row.quarantine {
            advice.push(format!("a usable value of {} in the directory", quarantine.attribute));
        }
        for seat in row.seats.iter().filter(|seat| seat.state == SeatWord::Waiting) {
            advice.push(self.advice(row, seat));
        }
        if row.seats.iter().any(|seat| seat.state == SeatWord::Denied) {
            advice.push(approval(row));
        }
        let out = known.facts.as_ref().is_some_and(|facts| !facts.judgement.in_scope);
        if out {
            advice.push(
                "what stands above under \"scope\" being otherwise: a member of one of the configured groups, of none that is \
                 excluded, and of a pool that matches"
                    .to_owned(),
            );
        }
        if is_suspended_by_hand(known) {
            advice.push(approval(row));
        } else if row.state == Some(AccountState::Suspended) {
            advice.push("being enabled and in scope again: the account is then resumed with its old place".to_owned());
        }
        advice
    }

    fn by_hand(&self) -> bool {
        self.settings.seats.promotion == Promotion::Manual
    }

    fn advice(&self, row: &UserRow, seat: &SeatRow) -> String {
        let approve = approval(row);
        match (seat.reason, seat.position) {
            (Some(WaitReason::NoSeat), Some(position)) if !seat.approved && self.by_hand() => format!(
                "{approve}, since promotion is manual, and a free seat of {}: now at place {position}, and then before all \
                 of the same rank who are not approved",
                seat.pool
            ),
            (Some(WaitReason::NoSeat), Some(1)) => format!("one free seat of {}: it is given by itself", seat.pool),
            (Some(WaitReason::NoSeat), Some(position)) => {
                format!(
                    "{position} free seats of {}, one for each up to place {position}: given by themselves",
                    seat.pool
                )
            }
            (Some(WaitReason::DomainNotApproved), _) => {
                format!("the mail domain in seats.approved_domains, or {approve}")
            }
            _ => approve,
        }
    }
}

fn approval(row: &UserRow) -> String {
    format!("`seatsync pending approve {}`", name(row))
}

/// Whether another hand deleted the whole account.
fn is_taken(state: &State, known: &LastKnown) -> Result<bool, AppError> {
    let Some((directory, anchor)) = known.directory.clone().zip(known.anchor) else { return Ok(false) };
    let taken = state.taken().map_err(|error| state_error(&error))?;
    Ok(taken.contains_key(&PersonId::new(directory, anchor)))
}

fn is_suspended_by_hand(known: &LastKnown) -> bool {
    let suspension = known.account.as_ref().and_then(|account| account.suspension.as_ref());
    suspension.is_some_and(|suspension| !suspension.by_agent)
}

fn name(row: &UserRow) -> String {
    row.user_name.clone().or_else(|| row.anchor.map(|anchor| anchor.to_string())).unwrap_or_default()
}

fn lines(lines: &[Cow<'_, str>]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

/// None: no directory shows the person any more, or ever did.
fn entry(state: &State, known: &LastKnown) -> Result<Option<EntryRow>, AppError> {
    let (Some(directory), Some(facts)) = (&known.directory, &known.facts) else { return Ok(None) };
    let directories = state.directories().map_err(|error| state_error(&error))?;
    let read = directories.into_iter().find(|status| status.name == *directory).and_then(|status| status.read);
    Ok(Some(EntryRow {
        dn: facts.dn.to_string(),
        directory: directory.clone(),
        server: read.as_ref().map(|read| read.server.clone()),
        read_at: read.map(|read| read.read_at),
    }))
}

fn scope(known: &LastKnown) -> ScopeExplained {
    let Some(facts) = &known.facts else {
        let why =
            if known.directory.is_some() { "no entry of this person is known" } else { "no entry owns this account" };
        return ScopeExplained { in_scope: false, because: vec![why.to_owned()] };
    };
    let mut because = lines(&facts.judgement.because);
    match known.absence {
        Some(Absence::Missing { since }) => {
            because.push(format!("not found by id since {since}; a second look decides whether the entry is gone"));
        }
        Some(Absence::Gone(cause)) => because.push(format!("not in the last read: {}", left(cause))),
        None => {}
    }
    ScopeExplained { in_scope: facts.judgement.in_scope && known.absence.is_none(), because }
}

/// One sentence on how things stand.
fn decision(known: &LastKnown, row: &UserRow, ring: Option<&str>) -> String {
    let seats = |word| {
        row.seats
            .iter()
            .filter(move |seat| seat.state == word)
            .map(|seat| seat.pool.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(quarantine) = &row.quarantine {
        return format!("cannot be served: {}", quarantine.message);
    }
    if row.state.is_some() && !row.managed {
        return "an account that the agent does not manage: it is read, counted, and never changed".to_owned();
    }
    match row.state {
        Some(AccountState::Active) => match (seats(SeatWord::Waiting), ring) {
            (waiting, _) if waiting.is_empty() => format!("holds a seat of {}", seats(SeatWord::Held)),
            (waiting, None) => format!("holds a seat of {} and waits for one of {waiting}", seats(SeatWord::Held)),
            (waiting, Some(pools)) => format!(
                "holds a seat of {} and waits for one of {waiting}, in a ring of movers between full pools ({pools}): each \
                 holds a seat that another one waits for",
                seats(SeatWord::Held)
            ),
        },
        Some(AccountState::Pending) => format!("waits for a seat of {}", seats(SeatWord::Waiting)),
        Some(AccountState::Denied) => "was denied; not asked for again until approved".to_owned(),
        Some(AccountState::Suspended) if is_suspended_by_hand(known) => {
            "suspended in the backend by another hand; not resumed until approved".to_owned()
        }
        Some(AccountState::Suspended) => {
            let cause = known.account.as_ref().and_then(|account| account.suspension.as_ref()?.cause);
            cause.map_or_else(|| "suspended".to_owned(), |cause| format!("suspended as a leaver: {}", left(cause)))
        }
        None => no_account(known),
    }
}

const fn left(cause: LeaveCause) -> &'static str {
    match cause {
        LeaveCause::Disabled => "disabled in the directory",
        LeaveCause::Expired => "expired in the directory",
        LeaveCause::Deleted => "deleted from the directory",
        LeaveCause::OutOfScope => "out of scope",
    }
}

fn no_account(known: &LastKnown) -> String {
    match known.facts.as_ref().map(|facts| (facts.judgement.standing, facts.judgement.in_scope)) {
        Some((Standing::Disabled, _)) => "disabled in the directory; has no account and gets none".to_owned(),
        Some((Standing::Expired, _)) => "expired in the directory; has no account and gets none".to_owned(),
        Some((Standing::Enabled, true)) => "in scope; the next cycle gives an account".to_owned(),
        Some((Standing::Enabled, false)) => "not in scope; has no account and gets none".to_owned(),
        None => "has no account".to_owned(),
    }
}
