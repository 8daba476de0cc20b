//! What goes on beside the passes: the lease is kept, or waited for, and the ledger's events are followed.

mod waiting;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use self::waiting::Waiting;
use super::failure::Failure;
use super::http::{Http, Request};
use crate::ledger::wire;
use crate::model::lease::{Lease, Standby};
use crate::ports::News;

/// The lease ends so long after its last renewal: then another agent may work.
const LEASE: u32 = 15;
/// Renewed this often. (One that ran out and that nobody took can still be renewed.)
const RENEWAL: Duration = Duration::from_secs(5);
/// Asked for this often by who stands by: with `LEASE` it makes the time without an agent, which must stay below 30 s.
const ATTEMPT: Duration = Duration::from_secs(3);
/// Where our own name has the lease: look again so much later.
const LOOK: Duration = Duration::from_millis(500);
/// So many questions in a row without an answer, and the ledger is not reachable.
const IN_VAIN: u32 = 3;
/// One request about the lease may take so long.
const PROMPT: Duration = Duration::from_secs(10);
/// What is refused for good is asked for again so much later.
const REFUSED: Duration = Duration::from_hours(1);
/// At most so long an answer without events is waited for: proxies end connections on which nothing happens.
const POLL: Duration = Duration::from_secs(25);

/// What passes and watch know together.
#[derive(Debug)]
pub struct Watch {
    http: Arc<Http>,
    /// What the ledger calls this agent,
    holder: String,
    /// and this run of it: whoever works on a copy of our state calls itself the same.
    instance: String,
    /// Held while it is asked about, so that two questions never take two leases.
    epoch: tokio::sync::Mutex<Option<u64>>,
    copy: Mutex<Copy>,
    seen: Mutex<Seen>,
}

/// Somebody with our own name has the lease: an earlier run of ours, until that one's lease ran out, or a copy of us.
#[derive(Debug, Default)]
struct Copy {
    /// It was waited for, and is none of ours.
    known: bool,
    /// The latest epoch that it may have had.
    others: u64,
}

/// How far the passes and the events have come.
#[derive(Debug, Default)]
struct Seen {
    /// As read, or as answered to our own batch.
    known: Option<u64>,
    /// As the events told.
    latest: u64,
    last_event: Option<u64>,
    /// Events were missed, or the lease came to us: a pass is due whatever the versions say.
    due: bool,
    /// So many questions beside the passes had no answer, one after the other,
    in_vain: u32,
    /// and no pass told it yet.
    untold: bool,
    /// It answers again.
    back: bool,
}

impl Watch {
    pub fn new(http: Arc<Http>, holder: String) -> Self {
        let instance = Uuid::new_v4().simple().to_string();
        Self {
            http,
            holder,
            instance,
            epoch: tokio::sync::Mutex::default(),
            copy: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// As one run and the next of a test that cannot wait until the lease ran out between them.
    #[must_use]
    pub fn with_instance(self, instance: &str) -> Self {
        Self { instance: instance.to_owned(), ..self }
    }

    /// Renews the lease that we have, or takes it, for a pass.
    ///
    /// # Errors
    /// Where the ledger cannot be asked, or refuses.
    pub async fn lease(&self) -> Result<Lease, Failure> {
        self.seen().untold = false;
        let mut waiting = Waiting::begin();
        loop {
            match self.renew_or_take(|request| request).await?.0 {
                Lease::Others(standby) if standby.holder == self.holder => {
                    if waiting.is_for_a_copy(&standby) || self.copy().known {
                        self.copy().known = true;
                        return Ok(Lease::Others(Standby { copy: true, ..standby }));
                    }
                    sleep(LOOK).await;
                }
                lease => return Ok(lease),
            }
        }
    }

    /// The lease, and whether it came to us just now. `manner` says how often, and how long, to ask.
    async fn renew_or_take(&self, manner: impl Fn(Request<'_>) -> Request<'_>) -> Result<(Lease, bool), Failure> {
        let mut epoch = self.epoch.lock().await;
        if let Some(ours) = *epoch {
            let request = self.http.request("renew the lease", Method::PUT, &["lease"]).epoch(ours);
            let (holder, instance) = (Some(self.holder.clone()), Some(self.instance.clone()));
            let request = manner(request.body(&wire::LeaseRenew { seconds: LEASE, holder, instance }));
            match self.http.ask::<wire::Lease>(&request).await {
                Ok(lease) if lease.is_of(ours, &self.holder, &self.instance) => {
                    return Ok((self.ours(ours, lease.others), false));
                }
                Ok(_) => *epoch = None,
                Err(failure) if failure.is("stale-epoch") => *epoch = None,
                Err(failure) => return Err(failure),
            }
        }
        let request = self.http.request("take the lease", Method::POST, &["lease"]);
        let take =
            wire::LeaseTake { holder: self.holder.clone(), instance: Some(self.instance.clone()), seconds: LEASE };
        let request = manner(request.body(&take));
        match self.http.ask::<wire::Lease>(&request).await {
            Ok(lease) => {
                *epoch = Some(lease.epoch);
                let mut copy = self.copy();
                if std::mem::take(&mut copy.known) {
                    copy.others = lease.epoch - 1;
                }
                drop(copy);
                Ok((self.ours(lease.epoch, lease.others), true))
            }
            Err(failure) => match failure.standby() {
                Some(standby) => Ok((Lease::Others(standby), false)),
                None => Err(failure),
            },
        }
    }

    /// The ledger cannot tell the epochs of our copy from ours.
    fn ours(&self, epoch: u64, others: u64) -> Lease {
        Lease::Ours { epoch: Some(epoch), others: others.max(self.copy().others) }
    }

    fn copy(&self) -> std::sync::MutexGuard<'_, Copy> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up an epoch under which something may still be on its way: the next one shuts it out.
    pub async fn doubt(&self) {
        *self.epoch.lock().await = None;
    }

    /// Gives the lease back. Where that fails it runs out by itself.
    pub async fn give_back(&self) {
        let Some(epoch) = self.epoch.lock().await.take() else { return };
        let request = self.http.request("give the lease back", Method::DELETE, &["lease"]);
        if let Err(failure) = self.http.ask::<()>(&request.epoch(epoch).once(PROMPT / 2)).await {
            tracing::debug!(%failure, "The lease could not be given back; it runs out by itself.");
        }
    }

    /// A pass read the company.
    pub fn read(&self, version: u64, last_event: u64) {
        let mut seen = self.seen();
        seen.known = Some(version);
        seen.last_event = Some(seen.last_event.unwrap_or_default().max(last_event));
        seen.due = false;
    }

    /// Our own batch made one version of another. What another hand did before it is in neither: that stays news.
    pub fn made(&self, previous: u64, version: u64) {
        let mut seen = self.seen();
        if seen.known.is_some_and(|known| known >= previous) {
            seen.known = Some(version);
        }
    }

    /// Whether a pass is due before its time.
    pub fn news(&self) -> News {
        let mut seen = self.seen();
        if std::mem::take(&mut seen.back) {
            return News::Back;
        }
        let news = seen.due || seen.untold || seen.known.is_some_and(|known| seen.latest > known);
        if news { News::Some } else { News::None }
    }

    /// The ledger answered.
    fn heard(&self) {
        let mut seen = self.seen();
        seen.back |= seen.in_vain >= IN_VAIN;
        seen.in_vain = 0;
    }

    /// It did not. Unless that was a matter of a moment, a pass tells it, which fails as well.
    fn in_vain(&self, failure: &Failure) {
        let mut seen = self.seen();
        seen.in_vain = if failure.needs_somebody() { IN_VAIN } else { seen.in_vain + 1 };
        seen.untold |= seen.in_vain == IN_VAIN;
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the lease that we have; with `wait_for_it`, asks for it where we have none. Never ends.
    async fn keep(&self, wait_for_it: bool) {
        loop {
            let ours = self.epoch.lock().await.is_some();
            sleep(if ours { RENEWAL } else { ATTEMPT }).await;
            if !ours && !wait_for_it {
                continue;
            }
            match self.renew_or_take(|request| request.once(PROMPT)).await {
                Ok((_, came)) => {
                    self.heard();
                    self.seen().due |= came;
                }
                Err(failure) => {
                    self.in_vain(&failure);
                    rest(&failure).await;
                }
            }
        }
    }

    /// Follows the events while the lease is ours. Never ends.
    async fn follow(&self) {
        loop {
            let after = self.seen().last_event;
            let ours = self.epoch.lock().await.is_some();
            match after.filter(|_| ours) {
                None => sleep(ATTEMPT / 3).await,
                Some(after) => match self.listen(after).await {
                    Ok(()) => self.heard(),
                    Err(failure) => {
                        self.in_vain(&failure);
                        rest(&failure).await;
                    }
                },
            }
        }
    }

    /// Waits for what happens after an event.
    async fn listen(&self, after: u64) -> Result<(), Failure> {
        let patience = POLL.min(self.http.timeout() / 2).max(Duration::from_secs(1));
        let request = self.http.request("follow the events", Method::GET, &["events"]);
        let request = request.query("after", &after.to_string()).query("wait", &patience.as_secs().to_string());
        let events = match self.http.ask::<wire::Events>(&request.once(patience + PROMPT)).await {
            Err(failure) if failure.is("events-expired") => {
                let mut seen = self.seen();
                // Also where the ledger was restored: its numbers begin again further down.
                (seen.due, seen.last_event, seen.latest) = (true, None, 0);
                return Ok(());
            }
            other => other?,
        };
        // A version is the number of the last event, so that this says it all.
        let mut seen = self.seen();
        seen.latest = seen.latest.max(events.last);
        seen.last_event = Some(events.last.max(after));
        Ok(())
    }
}

/// What failed is tried again soon, whatever answered: an odd answer of a moment must not cost the lease. What was refused
/// is asked much later, or when a pass is let in again: somebody must act first.
async fn rest(failure: &Failure) {
    sleep(if failure.needs_somebody() { REFUSED } else { ATTEMPT }).await;
}

/// Tasks that end with their owner.
#[derive(Debug, Default)]
pub struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    /// Keeps the lease while one pass is made.
    pub fn keep(watch: &Arc<Watch>) -> Self {
        let keeper = Arc::clone(watch);
        Self(vec![tokio::spawn(async move { keeper.keep(false).await })])
    }

    /// Keeps the lease or waits for it, and follows the events, as long as the agent runs.
    pub fn watch(watch: &Arc<Watch>) -> Self {
        let (keeper, follower) = (Arc::clone(watch), Arc::clone(watch));
        Self(vec![
            tokio::spawn(async move { keeper.keep(true).await }),
            tokio::spawn(async move { follower.follow().await }),
        ])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::model::settings::LedgerAccess;

    fn watch() -> Watch {
        let access = LedgerAccess {
            url: "http://127.0.0.1:1".to_owned(),
            token: SecretString::from("secret"),
            ca_file: None,
            timeout: Duration::from_secs(1),
        };
        Watch::new(Arc::new(Http::new(&access, "acme", "dc01").unwrap()), "dc01/1".to_owned())
    }

    #[test]
    fn our_own_batches_are_no_news_and_what_others_did_before_or_after_is() {
        let watch = watch();
        assert_eq!(watch.news(), News::None, "nothing is known yet");
        watch.read(7, 7);
        watch.made(7, 12);
        watch.made(12, 15);
        watch.seen().latest = 15;
        assert_eq!(watch.news(), News::None);
        watch.seen().latest = 16;
        assert_eq!(watch.news(), News::Some);
        watch.read(16, 16);
        assert_eq!(watch.news(), News::None);
        // Another hand was quicker than our batch.
        watch.made(18, 20);
        watch.seen().latest = 20;
        assert_eq!(watch.news(), News::Some);
    }

    #[tokio::test]
    async fn a_ledger_that_does_not_answer_is_news_once_and_its_return_is() {
        let watch = watch();
        let failure = watch.lease().await.unwrap_err();
        watch.read(7, 7);
        for _ in 1..IN_VAIN {
            watch.in_vain(&failure);
        }
        assert_eq!(watch.news(), News::None, "a moment");
        watch.heard();
        assert_eq!(watch.news(), News::None);
        for _ in 0..IN_VAIN {
            watch.in_vain(&failure);
        }
        assert_eq!(watch.news(), News::Some);
        watch.lease().await.unwrap_err();
        watch.in_vain(&failure);
        assert_eq!(watch.news(), News::None, "a pass told it");
        watch.heard();
        assert_eq!((watch.news(), watch.news()), (News::Back, News::None));
    }

    #[test]
    fn a_lease_that_came_to_us_and_events_that_were_missed_are_news_until_the_company_is_read() {
        let watch = watch();
        watch.read(7, 7);
        watch.seen().due = true;
        assert_eq!(watch.news(), News::Some);
        watch.read(7, 7);
        assert_eq!(watch.news(), News::None);
    }
}
