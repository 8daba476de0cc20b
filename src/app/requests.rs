//! What other verbs ask for, carried out by whoever owns the state.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::engine::{Engine, Stop, state_error};
use super::pass::{cycle_error, pass};
use super::{AppError, Code};
use crate::clock;
use crate::cycle::Asked;
use crate::model::change::{Confirmation, Decision, Verdict};
use crate::model::memory::Request;
use crate::model::report::SyncReport;
use crate::ports::{Accounts as _, BackendError, History as _, Journal as _, Persistence, Requests as _, Silent};
use crate::state::State;

/// The answer to a request, as it is stored for who asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Synced(Box<SyncReport>),
    Done,
    Failed(AppError),
}

impl Reply {
    /// An answer of a kind that was not asked for.
    #[must_use]
    pub fn unexpected(self) -> AppError {
        match self {
            Self::Failed(error) => error,
            _ => AppError::new(Code::Failed, "the agent answered something else than was asked"),
        }
    }
}

/// Reads a stored answer; a failure comes back as the error it was.
pub fn read_reply(answer: &str) -> Result<Reply, AppError> {
    match serde_json::from_str(answer) {
        Ok(Reply::Failed(error)) => Err(error),
        Ok(reply) => Ok(reply),
        Err(error) => {
            Err(AppError::new(Code::Failed, "the agent's answer cannot be read; is it another version?")
                .caused_by(&error))
        }
    }
}

/// Carries out one request. A `sync` is a pass; the others change something that the next pass acts on.
pub async fn carry_out(engine: &mut Engine, request: Request) -> Result<Reply, AppError> {
    if let Request::Sync { full } = request {
        let report = pass(engine, Asked { by_person: true, full }, &Silent, Stop::default()).await;
        return report.map(|report| Reply::Synced(Box::new(report))).map_err(|error| cycle_error(&error));
    }
    // What the next pass finds is not as the last one left it.
    engine.baseline = None;
    engine.state.forget_baseline().map_err(|error| state_error(&error))?;
    match request {
        Request::Sync { .. } => {}
        Request::Confirm(confirmation) => confirm(engine, &confirmation).await?,
        Request::Decide(decisions) => decide(engine, &decisions).await?,
        Request::Relink { old, new } => {
            engine.backend.relink(&old, &new).await.map_err(|error| backend_error(&error))?;
            engine.state.relinked(&old, &new).map_err(|error| state_error(&error))?;
        }
    }
    Ok(Reply::Done)
}

/// Carries out everything that was left while no agent ran. What fails is told to who asked, and stops nothing.
pub async fn take_pending(engine: &mut Engine) -> Result<(), AppError> {
    while let Some((id, request)) = engine.state.next_request(clock::now()).map_err(|error| state_error(&error))? {
        let reply = match request {
            Request::Sync { .. } => Ok(Reply::Done),
            other => carry_out(engine, other).await,
        };
        answer(engine, id, reply)?;
    }
    Ok(())
}

/// Stores an answer for who asked.
pub fn answer(
    engine: &mut Engine,
    id: crate::model::memory::RequestId,
    reply: Result<Reply, AppError>,
) -> Result<(), AppError> {
    let reply = reply.unwrap_or_else(Reply::Failed);
    let json = crate::cycle::report::to_json(&reply);
    engine.state.answer(id, &json, clock::now()).map_err(|error| state_error(&error))
}

async fn confirm(engine: &mut Engine, confirmation: &Confirmation) -> Result<(), AppError> {
    engine.backend.confirm(confirmation).await.map_err(|error| backend_error(&error))?;
    engine.state.keep_confirmation(confirmation).map_err(|error| state_error(&error))
}

/// Approving somebody whose whole account another hand deleted lets it be made again, and is kept until it is; the rest is
/// the backend's.
async fn decide(engine: &mut Engine, decisions: &[Decision]) -> Result<(), AppError> {
    let (mut approved, mut rest) = (Vec::new(), Vec::new());
    for decision in decisions {
        if decision.verdict == Verdict::Approve && gives_back(&engine.state, decision)? {
            approved.push((decision.person.clone(), decision.pool.clone()));
        } else {
            rest.push(decision.clone());
        }
    }
    if !rest.is_empty() {
        decide_in_backend(engine, &rest).await?;
    }
    engine.state.give_back(&approved).map_err(|error| state_error(&error))?;
    engine.state.note_decided(decisions).map_err(|error| state_error(&error))
}

/// Whether the agent alone knows what the decision is about: an account that another hand deleted, and a pool of it.
fn gives_back(state: &State, decision: &Decision) -> Result<bool, AppError> {
    let known = state.person(&decision.person).map_err(|error| state_error(&error))?;
    let Some(known) = known.filter(|known| known.taken.is_some() && known.account.is_none()) else { return Ok(false) };
    let Some(pool) = &decision.pool else { return Ok(true) };
    Ok(known.bereft().is_some_and(|(_, pools)| pools.iter().any(|wanted| wanted.pool == *pool)))
}

/// Written down before it is sent: where the answer is lost, the next pass asks what came of it.
async fn decide_in_backend(engine: &mut Engine, decisions: &[Decision]) -> Result<(), AppError> {
    let key = Uuid::new_v4().to_string();
    engine.state.decision_sent(&key).map_err(|error| state_error(&error))?;
    let decided = engine.backend.decide_keyed(&key, decisions, clock::now()).await;
    let settled = match &decided {
        Ok(answer) => engine.state.decision_settled(&key, Some(answer)),
        // It may have been carried out all the same.
        Err(error) if error.persistence == Persistence::Transient => Ok(()),
        Err(_) => engine.state.decision_settled(&key, None),
    };
    settled.map_err(|error| state_error(&error))?;
    match decided {
        Ok(_) => Ok(()),
        Err(error) if error.is_no_account() => Err(AppError::new(Code::NoAccount, error.to_string())),
        Err(error) => Err(backend_error(&error)),
    }
}

fn backend_error(error: &BackendError) -> AppError {
    AppError::new(Code::Backend, error.to_string()).caused_by(error)
}
