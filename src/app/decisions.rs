//! What people decide of single people: about a seat or a place, and whose an account is. Refusals name people as whoever
//! decided knows them, and say what fits instead.

use super::engine::state_error;
use super::who::person;
use super::{App, AppError, Code};
use crate::model::change::{Decision, Verdict};
use crate::model::memory::{LastKnown, Request};
use crate::model::report::{DecisionRow, PendingRow, RelinkReport};
use crate::model::settings::BackendKind;
use crate::model::{Account, Anchor, Assignment, PersonId};
use crate::state::State;

/// What came of approving the first of a queue.
#[derive(Debug)]
pub struct NextApproved {
    pub rows: Vec<DecisionRow>,
    /// Who stood before them and gets nothing now, approved or not.
    pub skipped: Vec<PendingRow>,
}

/// Somebody decided on, and by what name people know them.
struct Named {
    person: PersonId,
    name: String,
    account: Option<Account>,
}

impl App {
    /// Approves, denies or releases, for every person named or for none.
    ///
    /// # Errors
    /// Where a name fits nobody or several, or somebody has nothing that the decision fits.
    pub async fn decide(
        &self,
        verdict: Verdict,
        users: &[String],
        pool: Option<&str>,
    ) -> Result<Vec<DecisionRow>, AppError> {
        if let Some(pool) = pool {
            self.known_pool(pool)?;
        }
        let state = self.state_that_counts()?;
        let named = users.iter().map(|user| named(&state, person(&state, &self.settings, user)?, user));
        let people = named.collect::<Result<Vec<Named>, AppError>>()?;
        drop(state);
        self.carry_out_decisions(verdict, &people, pool).await
    }

    /// Approves the first `next` people of one pool's queue who wait for approval, and whom nobody decided on since the last
    /// cycle; fewer, where fewer do. Who would get nothing by it now is skipped.
    ///
    /// # Errors
    /// Where people wait in several pools and none is named.
    pub async fn approve_next(&self, next: u32, pool: Option<&str>) -> Result<NextApproved, AppError> {
        let mut waiting = self.pending(pool)?;
        waiting.retain(|row| row.decided.is_none() && self.promotion().lacks_approval(row.reason, row.approved));
        let (waiting, mut skipped): (Vec<PendingRow>, Vec<PendingRow>) =
            waiting.into_iter().partition(|row| row.stopped.is_none());
        let Some(pool) = waiting.first().map(|row| row.pool.clone()) else {
            return Ok(NextApproved { rows: Vec::new(), skipped });
        };
        if waiting.iter().any(|row| row.pool != pool) {
            return Err(AppError::new(Code::Usage, "people wait for approval in several pools: which is meant?")
                .with_details(pools_of(&waiting))
                .with_next("name one with --pool POOL"));
        }
        let state = self.state_that_counts()?;
        let first = waiting.iter().take(next as usize).map(|row| {
            let known = row.anchor.map_or_else(|| row.user_name.clone(), |anchor| anchor.to_string());
            named(&state, person(&state, &self.settings, &known)?, &row.user_name)
        });
        let people = first.collect::<Result<Vec<Named>, AppError>>()?;
        drop(state);
        // Whoever stands behind the last of them was not come to.
        let last = waiting.get((next as usize).saturating_sub(1)).map_or(u64::MAX, |row| row.position);
        skipped.retain(|row| row.pool == pool && row.position < last);
        let rows = self.carry_out_decisions(Verdict::Approve, &people, Some(&pool)).await?;
        Ok(NextApproved { rows, skipped })
    }

    async fn carry_out_decisions(
        &self,
        verdict: Verdict,
        people: &[Named],
        pool: Option<&str>,
    ) -> Result<Vec<DecisionRow>, AppError> {
        let decision = |one: &Named| Decision { person: one.person.clone(), pool: pool.map(Into::into), verdict };
        let carried_out = self.carry_out(Request::Decide(people.iter().map(decision).collect())).await;
        let (_, running) = carried_out.map_err(|error| refusal(error, verdict, people))?;
        let served = matches!(self.settings.backend.kind, BackendKind::Ledger(_));
        let row = |one: &Named| DecisionRow {
            anchor: Some(one.person.anchor),
            user_name: one.name.clone(),
            pool: pool.map(Into::into),
            verdict,
            // A ledger that is served settles at once, agent or not; an account that is gone there only a cycle makes again.
            carried_out: running || (served && one.account.is_some()),
            known: running,
        };
        Ok(people.iter().map(row).collect())
    }

    /// Makes the account of one anchor that of another.
    ///
    /// # Errors
    /// Where the old anchor has no managed account, or nobody is known by the new one.
    pub async fn relink(&self, old: Anchor, new: Anchor) -> Result<RelinkReport, AppError> {
        let state = self.state_that_counts()?;
        let of =
            |anchor: Anchor| named(&state, person(&state, &self.settings, &anchor.to_string())?, &anchor.to_string());
        let (old, new) = (of(old)?, of(new)?);
        let known = state.person(&new.person).map_err(|error| state_error(&error))?;
        let dn = known.and_then(|known| known.facts).map(|facts| facts.dn.to_string());
        drop(state);
        let request = Request::Relink { old: old.person.clone(), new: new.person.clone() };
        let next = if old.account.is_none() {
            "`seatsync users` lists the accounts; OLD is the anchor of one of them"
        } else {
            "one person has one account: `seatsync explain` with the new anchor shows which"
        };
        let done = self.carry_out(request).await;
        let named = |error| by_name(by_name(error, &old), &new).with_next(next);
        let (_, running) = done.map_err(named)?;
        let profile = old.account.map(|account| account.profile);
        Ok(RelinkReport {
            old: old.person,
            new: new.person,
            user_name: profile.as_ref().map(|profile| profile.user_name.clone()),
            email: profile.map(|profile| profile.email),
            dn,
            running,
        })
    }
}

fn named(state: &State, person: PersonId, typed: &str) -> Result<Named, AppError> {
    let known: Option<LastKnown> = state.person(&person).map_err(|error| state_error(&error))?;
    let facts = known.as_ref().and_then(|known| known.facts.as_ref()).map(|facts| facts.user_name.to_string());
    let account = known.and_then(|known| known.account);
    let name = account.as_ref().map(|account| account.profile.user_name.clone()).or(facts);
    Ok(Named { person, name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| typed.to_owned()), account })
}

fn pools_of(rows: &[PendingRow]) -> Vec<String> {
    let mut pools: Vec<String> = rows.iter().map(|row| format!("pool: {}", row.pool)).collect();
    pools.dedup();
    pools
}

/// The backend's refusal, with names instead of ids, and what to do about it.
fn refusal(error: AppError, verdict: Verdict, people: &[Named]) -> AppError {
    if !matches!(error.code, Code::Backend | Code::NoAccount) {
        return error;
    }
    let whom = people.iter().find(|one| error.message.contains(&one.person.to_string()));
    let error = people.iter().fold(error, by_name);
    let Some(whom) = whom else { return error };
    let next = if error.code == Code::NoAccount { again(verdict, whom) } else { instead(verdict, whom) };
    let error = error.with_next(next);
    if people.len() > 1 {
        return error.with_details(["nothing was decided of the others either".to_owned()]);
    }
    error
}

/// The same with the person's name where the id stood.
fn by_name(mut error: AppError, one: &Named) -> AppError {
    let id = one.person.to_string();
    error.message = error.message.replace(&id, &one.name);
    error.causes.iter_mut().for_each(|cause| *cause = cause.replace(&id, &one.name));
    error
}

/// What to do where the backend has no account of somebody.
fn again(verdict: Verdict, whom: &Named) -> String {
    let name = &whom.name;
    if whom.account.is_none() {
        return instead(verdict, whom);
    }
    let gone =
        format!("somebody deleted the account of {name} there since the last cycle: `seatsync sync` takes note of it");
    match verdict {
        Verdict::Approve => format!("{gone}, and `seatsync pending approve {name}` then lets it be made again"),
        Verdict::Deny | Verdict::Release => gone,
    }
}

/// What fits somebody better than the verdict did.
fn instead(verdict: Verdict, whom: &Named) -> String {
    let name = &whom.name;
    let why = format!("`seatsync explain {name}` says why");
    let Some(account) = &whom.account else {
        return format!("there is no account to decide on; {why}");
    };
    let holds = account.seats.iter().any(Assignment::is_held);
    let waits = account.seats.iter().any(Assignment::is_waiting);
    match verdict {
        _ if account.suspension.is_some() => format!("a leaver comes back once enabled and in scope again; {why}"),
        Verdict::Approve if holds => format!("nothing: {name} has a seat already"),
        Verdict::Deny if holds => format!("`seatsync pending release {name}` takes a seat away"),
        Verdict::Release if waits => format!("`seatsync pending deny {name}` takes somebody out of a queue"),
        _ => why,
    }
}
