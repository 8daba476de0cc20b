//! The licence ledger over HTTP, for an agent: `docs/ledger-api.md` is the contract.
//!
//! `http` sends and tries again, `failure` judges and words what went wrong, `read` reads a company whole, `watch` keeps
//! the lease and follows the events beside the passes. The JSON is `ledger::wire`: what the one writes the other reads.

mod failure;
mod http;
mod read;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Method;
use tokio::time::Instant;
use uuid::Uuid;

use crate::clock::Clock;
use crate::ledger::wire;
use crate::model::PersonId;
use crate::model::change::{Answer, BackendState, Batch, Confirmation, Decision};
use crate::model::lease::Lease;
use crate::model::settings::LedgerAccess;
use crate::ports::{Awaiting, Backend, BackendError, Capabilities, News, Persistence, Probe};
use crate::retry::Waits;
use failure::Failure;
use http::{Http, MIB};
use watch::{Tasks, Watch};

/// One company of a ledger, for the agent of one connector.
#[derive(Debug)]
pub struct Ledger {
    http: Arc<Http>,
    watch: Arc<Watch>,
    /// What is done beside the passes.
    tasks: Tasks,
    is_watching: bool,
    /// Of the lease under which this pass works. Another one, taken meanwhile, is not for what it planned.
    epoch: Option<u64>,
    /// The version last read or answered.
    moment: Option<u64>,
    /// The same, as long as nobody else changed anything since everything was read.
    unbroken: Option<u64>,
    refused: Option<Refusal>,
    clock: Clock,
}

/// The ledger lets us in no more: not asked again with every pass (rule 20).
#[derive(Debug)]
struct Refusal {
    message: String,
    persistence: Persistence,
    until: Instant,
    waits: Waits,
}

impl Ledger {
    /// Connects to nothing yet. `agent` names it in the ledger's log; `holder` tells it from every other agent, and is the
    /// same after a restart.
    ///
    /// # Errors
    /// Where the certificate authorities cannot be read, or the address or the token cannot be used.
    pub fn new(settings: &LedgerAccess, company: &str, agent: &str, holder: String) -> Result<Self, BackendError> {
        let http = Arc::new(Http::new(settings, company, agent)?);
        let watch = Arc::new(Watch::new(Arc::clone(&http), holder));
        Ok(Self {
            http,
            watch,
            tasks: Tasks::default(),
            is_watching: false,
            epoch: None,
            moment: None,
            unbroken: None,
            refused: None,
            clock: Clock::default(),
        })
    }

    /// Goes on as the run of this name does: its lease is ours.
    #[must_use]
    pub fn with_instance(mut self, instance: &str) -> Self {
        let watch = Watch::new(Arc::clone(&self.http), self.watch.holder().to_owned());
        self.watch = Arc::new(watch.with_instance(instance));
        self
    }

    /// Tells whether its answer is waited for that a pass needs.
    #[must_use]
    pub fn awaiting(&self) -> Awaiting {
        self.http.awaiting()
    }

    /// Says of what it confirms that it was by this clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    fn start_tasks(&mut self) {
        self.tasks = if self.is_watching { Tasks::watch(&self.watch) } else { Tasks::keep(&self.watch) };
    }

    /// Remembers that we are not let in.
    fn refuse(&mut self, failure: &Failure) {
        let Some(problem) = failure.problem() else { return };
        let first = match problem.name() {
            "unauthorized" | "forbidden" => Duration::from_secs(30),
            // Until somebody acts, says the contract.
            "tier-required" | "connector-removed" => HOUR,
            _ => return,
        };
        let mut waits = self.refused.take().map_or_else(|| Waits::new(first, HOUR), |refused| refused.waits);
        let wait = waits.next().unwrap_or(HOUR);
        self.refused = Some(Refusal {
            message: failure.message.clone(),
            persistence: failure.persistence(),
            until: Instant::now() + wait,
            waits,
        });
    }

    /// A request that changes something outside of a batch, done once.
    async fn change(&self, doing: &str, path: &str, body: &impl serde::Serialize) -> Result<(), BackendError> {
        let key = Uuid::new_v4().to_string();
        let request = self.http.request(doing, Method::POST, &[path]).key(&key).body(body);
        self.http.ask::<serde::de::IgnoredAny>(&request).await.map_err(|failure| failure.in_doubt(DOUBT))?;
        Ok(())
    }

    /// What came of decisions.
    fn ruled(&self, doing: &str, decided: wire::Decided) -> Result<Answer, Failure> {
        Answer::try_from(decided).map_err(|error| self.http.malformed(doing, error))
    }
}

/// Said of what was sent and not answered.
const DOUBT: &str = "It may have been done all the same";
const DECISION_IN_DOUBT: &str = "It may have been carried out all the same; the next cycle asks the ledger: `seatsync sync` makes \
    one now, `seatsync explain USER` says then what came of it";

/// Steps of one batch: some 600 bytes each, and 256 MiB are taken.
const BATCH: usize = 300_000;

/// What came of ten thousand decisions.
const LONGEST_DECIDED: usize = 64 * MIB;
/// What one batch changed, at most: every account of a company of half a million.
const LONGEST_OUTCOME: usize = 512 * MIB;

/// The longest that a refusal keeps the agent from asking again.
const HOUR: Duration = Duration::from_hours(1);

#[async_trait]
impl Backend for Ledger {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            allocates: true,
            counts_seats: true,
            batch: BATCH,
            idempotent: true,
            swaps: true,
            suspended_keeps_seat: false,
            validates: false,
        }
    }

    /// An epoch that was never given is refused after the right to write was looked at, and nothing is done.
    async fn probe(&mut self) -> Vec<Probe> {
        let doing = "try the connector's rights";
        let request = self.http.request(doing, Method::PUT, &["lease"]).epoch(u64::MAX);
        let renew = wire::LeaseRenew { seconds: 60, holder: None, instance: None };
        let tried = self.http.ask::<wire::Lease>(&request.body(&renew)).await;
        let failure = tried.err().filter(|failure| !failure.is("stale-epoch"));
        vec![Probe {
            what: "backend: write as a connector".to_owned(),
            ok: failure.is_none(),
            message: failure.as_ref().map_or_else(|| "the token may".to_owned(), ToString::to_string),
            lost: failure.map(|_| "nothing can be changed: no account made, no seat given".to_owned()),
            remedy: None,
        }]
    }

    async fn lease(&mut self, insist: bool) -> Result<Lease, BackendError> {
        if let Some(refused) = self.refused.as_ref().filter(|refused| !insist && Instant::now() < refused.until) {
            let doing = format!("{} (not asked again yet)", refused.message);
            return Err(BackendError { doing, persistence: refused.persistence, source: None });
        }
        self.http.begin();
        match self.watch.lease().await {
            Ok(lease) => {
                // The tasks may rest from a refusal that is over now.
                if self.refused.take().is_some() || self.tasks.is_empty() {
                    self.start_tasks();
                }
                self.epoch = match lease {
                    Lease::Ours { epoch, .. } => epoch,
                    Lease::Others(_) => None,
                };
                Ok(lease)
            }
            Err(failure) => {
                self.refuse(&failure);
                Err(failure.into())
            }
        }
    }

    async fn end_lease(&mut self) {
        self.tasks = Tasks::default();
        self.watch.give_back().await;
    }

    fn news(&mut self) -> News {
        if !self.is_watching {
            self.is_watching = true;
            self.start_tasks();
        }
        self.watch.news()
    }

    async fn read(&mut self) -> Result<BackendState, BackendError> {
        let moment = read::company(&self.http, self.epoch).await?;
        self.watch.read(moment.version, moment.last_event);
        self.moment = Some(moment.version);
        self.unbroken = Some(moment.version);
        Ok(moment.state)
    }

    fn generation(&self) -> Option<u64> {
        self.unbroken
    }

    async fn unchanged(&mut self, generation: u64) -> Result<Option<BackendState>, BackendError> {
        Ok(read::unchanged(&self.http, generation, self.epoch).await?)
    }

    fn moment(&self) -> Option<u64> {
        self.moment
    }

    async fn moment_made(&mut self, moment: u64) -> Result<Option<Timestamp>, BackendError> {
        let Some(before) = moment.checked_sub(1) else { return Ok(None) };
        let request = self.http.request("look at an earlier change", Method::GET, &["events"]);
        let request = request.query("after", &before.to_string()).query("limit", "1");
        match self.http.ask::<wire::Events>(&request).await {
            Ok(found) => Ok(found.events.into_iter().find(|event| event.seq == moment).map(|event| event.at)),
            // Too long ago, or not yet.
            Err(failure) if failure.is("events-expired") => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn doubt(&mut self) {
        self.watch.doubt().await;
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Answer, BackendError> {
        let doing = "carry out the changes";
        let steps = wire::Batch::of(batch).map_err(|error| self.http.impossible(doing, &error.to_string()))?;
        let request = self.http.request(doing, Method::POST, &["batches"]).key(&batch.key).body(&steps);
        let request = request.at_most(LONGEST_OUTCOME);
        let Some(epoch) = self.epoch else {
            return Err(self.http.impossible(doing, "no lease was taken for it").into());
        };
        match self.http.ask::<wire::BatchAnswer>(&request.epoch(epoch)).await {
            Ok(answer) => {
                let understood = self.understood(doing, answer, batch.steps.len());
                if understood.is_err() {
                    self.watch.doubt().await;
                }
                understood
            }
            Err(failure) => {
                // It may still arrive, and comes too late under the next epoch; or this one is over already.
                if failure.is_uncertain() || failure.persistence() == Persistence::Superseded {
                    self.watch.doubt().await;
                }
                Err(failure.into())
            }
        }
    }

    async fn answer(&mut self, key: &str) -> Result<Option<Answer>, BackendError> {
        let doing = "ask what became of the changes that were sent before";
        let request = self.http.request(doing, Method::GET, &["batches", key]).at_most(LONGEST_OUTCOME);
        match self.http.ask::<wire::BatchAnswer>(&request).await {
            Ok(answer) => {
                let steps = answer.steps;
                self.understood(doing, answer, steps).map(Some)
            }
            Err(failure) if failure.is("not-found") => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn decide(&mut self, decisions: &[Decision], at: Timestamp) -> Result<(), BackendError> {
        self.decide_keyed(&Uuid::new_v4().to_string(), decisions, at).await.map(drop)
    }

    async fn decide_keyed(
        &mut self,
        key: &str,
        decisions: &[Decision],
        _at: Timestamp,
    ) -> Result<Answer, BackendError> {
        let doing = "carry out the decision";
        let body = wire::Decisions::of(decisions);
        let request = self.http.request(doing, Method::POST, &["decisions"]).key(key).body(&body);
        let request = request.at_most(LONGEST_DECIDED);
        let decided = self.http.ask(&request).await.and_then(|decided| self.ruled(doing, decided));
        decided.map_err(|failure| match failure.problem().filter(|problem| problem.name() == "not-found") {
            Some(problem) => self.http.no_account(doing, problem).into(),
            None => failure.in_doubt(DECISION_IN_DOUBT).into(),
        })
    }

    async fn decided(&mut self, key: &str) -> Result<Option<Answer>, BackendError> {
        let doing = "ask what became of a decision";
        let request = self.http.request(doing, Method::GET, &["decisions", key]).at_most(LONGEST_DECIDED);
        match self.http.ask(&request).await {
            Ok(decided) => Ok(Some(self.ruled(doing, decided)?)),
            Err(failure) if failure.is("not-found") => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn confirm(&mut self, confirmation: &Confirmation) -> Result<(), BackendError> {
        let sent = wire::Confirmation { at: Some(self.clock.now()), ..confirmation.into() };
        self.change("let the changes through", "confirmations", &sent).await
    }

    async fn relink(&mut self, old: &PersonId, new: &PersonId) -> Result<(), BackendError> {
        self.change("relink the account", "relinks", &wire::Relink { old: old.into(), new: new.into() }).await
    }
}

impl Ledger {
    /// The answer to a batch, if it is one to so many steps.
    fn understood(&mut self, doing: &str, answer: wire::BatchAnswer, steps: usize) -> Result<Answer, BackendError> {
        let (previous, version) = (answer.previous, answer.version);
        let answer = answer.into_model(steps).map_err(|error| self.http.malformed(doing, error))?;
        self.watch.made(previous, version);
        self.unbroken = self.unbroken.filter(|known| *known == previous).map(|_| version);
        self.moment = self.moment.max(Some(version));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
