//! Messages about the agent are sent beside its cycles, which wait for nobody. Without an agent `sync` sends them at its end.

use std::time::Duration;

use tokio::sync::watch;

use super::engine::Engine;
use super::showing::Turn;
use crate::clock;
use crate::cycle::reading::with_causes;
use crate::delivery::{Courier, Round, Sent};
use crate::model::report::Probe;
use crate::model::settings::Settings;
use crate::ports::{Outbox as _, StateError};
use crate::state::State;

/// How often to look for what is due again; after a cycle at once.
const LOOK: Duration = Duration::from_secs(15);
/// A `sync` ends after this time, whatever a mail server does.
const LIMIT: Duration = Duration::from_secs(20);

/// Sends for as long as the agent runs, under the settings of its last cycle.
pub async fn beside(mut turns: watch::Receiver<Turn>, mut halt: watch::Receiver<bool>) {
    let mut sender = Sender::default();
    let mut state: Option<State> = None;
    while !*halt.borrow() {
        let settings = turns.borrow_and_update().settings.clone();
        if let Err(error) = sender.look(&mut state, &settings, &halt).await {
            tracing::warn!(name: "notify.state", %error, "Messages about the agent could not be looked for, or noted as sent; it is tried again.");
        }
        tokio::select! {
            _ = tokio::time::timeout(LOOK, turns.changed()) => {}
            _ = halt.wait_for(|halt| *halt) => {}
        }
    }
}

/// Sends what a cycle left, and what was left before, within a short time; says what could not be sent.
pub async fn at_the_end(engine: &mut Engine, halt: &watch::Receiver<bool>) {
    let Engine { settings, state, .. } = engine;
    let mut sender = Sender::default();
    match tokio::time::timeout(LIMIT, sender.send(state, settings, halt)).await {
        Ok(Ok(sent)) if sent.failed.is_empty() => {}
        Ok(Ok(sent)) => {
            let reasons = sent.failed.into_iter().collect::<Vec<_>>().join("; ");
            tracing::warn!(name: "notify.kept", reasons, "Not all messages about this cycle were taken; the next `sync` tries again.");
        }
        Ok(Err(error)) => {
            tracing::warn!(name: "notify.state", %error, "Messages about this cycle could not be read, or noted as sent; the next `sync` tries again.");
        }
        Err(_) => {
            let reasons = format!("no end within {} seconds", LIMIT.as_secs());
            tracing::warn!(name: "notify.kept", reasons, "Not all messages about this cycle were taken; the next `sync` tries again.");
        }
    }
}

/// What `check --connect` asks those whom messages go to.
pub async fn probes(settings: &Settings) -> Vec<Probe> {
    let Some(notify) = &settings.notify else { return Vec::new() };
    match Courier::new(notify, &settings.agent.name) {
        Ok(courier) => courier.probe().await,
        Err(error) => vec![Probe {
            what: "notify: set it up".to_owned(),
            ok: false,
            message: with_causes(&error),
            lost: Some("nobody is told when something is wrong".to_owned()),
            remedy: Some("correct [notify]".to_owned()),
        }],
    }
}

#[derive(Default)]
struct Sender {
    round: Round,
    /// What was last said of settings that nothing can be sent by.
    complaint: Option<String>,
}

impl Sender {
    /// Opens the state beside the agent, and again where that failed.
    async fn look(
        &mut self,
        state: &mut Option<State>,
        settings: &Settings,
        halt: &watch::Receiver<bool>,
    ) -> Result<(), StateError> {
        if state.is_none() {
            *state = State::open_beside(&settings.agent.state_dir)?;
        }
        if let Some(state) = state {
            self.send(state, settings, halt).await?;
        }
        Ok(())
    }

    async fn send(
        &mut self,
        state: &mut State,
        settings: &Settings,
        halt: &watch::Receiver<bool>,
    ) -> Result<Sent, StateError> {
        let now = clock::now();
        let Some(notify) = &settings.notify else { return Ok(Sent::default()) };
        if state.parcels()?.iter().all(|parcel| parcel.next > now) {
            return Ok(Sent::default());
        }
        match Courier::new(notify, &settings.agent.name) {
            Ok(courier) => {
                self.complaint = None;
                self.round.send_due(state, &courier, halt, now).await
            }
            Err(error) => Ok(self.complain(with_causes(&error))),
        }
    }

    fn complain(&mut self, problem: String) -> Sent {
        if self.complaint.as_ref() != Some(&problem) {
            tracing::error!(name: "notify.unusable", problem, "No message about the agent can be sent; correct [notify].");
            self.complaint = Some(problem.clone());
        }
        Sent { sent: 0, failed: [problem].into() }
    }
}
