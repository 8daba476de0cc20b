//! What is shown, gathered from the state.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Turn;
use super::held::held_people;
use crate::app::answers::{earlier_pools, is_unrecorded, past_cycles};
use crate::app::engine::state_error;
use crate::app::people::{Places, user_row};
use crate::app::who::counts;
use crate::app::{App, AppError};
use crate::model::memory::LastKnown;
use crate::model::report::{StatusReport, UserRow};
use crate::model::settings::{BackendKind, Settings};
use crate::model::{AccountState, Assignment};
use crate::state::State;
use crate::status::{Earlier, Facts};

/// A page that people still read to its end.
const SHOWN: usize = 200;
/// Cycles in the chart.
const CHART: u32 = 60;
/// A forecast looks so far back.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What is said of everybody, taken in one by one: there may be a million.
#[derive(Default)]
struct Crowd {
    accounts: BTreeMap<AccountState, u64>,
    waiting: Vec<LastKnown>,
    quarantined: Vec<UserRow>,
}

impl Crowd {
    fn of(state: &State, settings: &Settings) -> Result<Self, AppError> {
        let mut crowd = Self::default();
        let nobody = Places::of(&[]);
        let mut take = |known| {
            if counts(settings, &known) {
                crowd.take(known, &nobody);
            }
        };
        state.users(&mut take).map_err(|error| state_error(&error))?;
        Ok(crowd)
    }

    fn take(&mut self, known: LastKnown, nobody: &Places<'_>) {
        let has = |known: &LastKnown| known.facts.as_ref().is_some_and(|facts| facts.judgement.quarantine.is_some());
        if self.quarantined.len() < SHOWN && has(&known) {
            self.quarantined.extend(Some(user_row(&known, nobody)).filter(|row| row.quarantine.is_some()));
        }
        if known.bereft().is_some() {
            self.waiting.push(known);
            return;
        }
        let Some(account) = &known.account else { return };
        *self.accounts.entry(account.state()).or_default() += 1;
        if account.seats.iter().any(Assignment::is_waiting) {
            self.waiting.push(known);
        }
    }
}

impl App {
    /// How things stand, for whoever asks next.
    pub(super) fn facts(&self, turn: Turn, now: Timestamp) -> Result<Facts, AppError> {
        let state = self.state_beside()?;
        let Crowd { accounts, waiting, quarantined } = Crowd::of(&state, &self.settings)?;
        let mut waiting = self.waiting(&state, &waiting)?;
        let more_waiting = waiting.len().saturating_sub(SHOWN) as u64;
        waiting.truncate(SHOWN);
        let (held, more_held) = held_people(&state)?;
        let since = now.saturating_sub(BACK).unwrap_or(now);
        let earlier = earlier_pools(&state, since)?.map(|(at, pools)| Earlier { at, pools });
        let agent = &self.settings.agent;
        let status = self.status(now)?;
        let failing = turn.failing.filter(|failing| is_unrecorded(failing, status.last_cycle.as_ref()));
        Ok(Facts {
            // The rest of what the sign of life says is asked of the agent itself.
            status: StatusReport {
                next_cycle: turn.next_cycle,
                reading: Vec::new(),
                awaited: None,
                silent_since: None,
                page_problem: None,
                config_problem: turn.config_problem,
                failing,
                ..status
            },
            tally: turn.tally,
            accounts,
            waiting,
            more_waiting,
            quarantined,
            history: past_cycles(&state, CHART)?,
            earlier,
            held,
            more_held,
            decides: matches!(self.settings.backend.kind, BackendKind::Embedded { .. }),
            poll: agent.poll,
            dry_run: agent.dry_run,
            options: agent.options.clone(),
        })
    }
}
