//! One round through the messages that wait to be sent. Sending and noting it are two steps: where the process dies between
//! them the message is sent again, under the same id, by which receivers know it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{Courier, Extent, Undelivered, way};
use crate::fault;
use crate::model::notice::{Channel, Parcel};
use crate::ports::{Outbox, StateError};
use crate::retry::next_try;

/// A message that does not arrive for so long is given up.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(3 * 24);

/// What a round came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub sent: usize,
    /// Why something was not, as far as it was tried: each reason once.
    pub failed: BTreeSet<String>,
}

/// Makes rounds, and tells once which way does not work.
#[derive(Debug, Default)]
pub struct Round {
    /// Ways of which it was told.
    failing: BTreeSet<&'static str>,
}

impl Round {
    /// Sends what is due. Where something new is to be sent, or anything is due, all for that receiver is tried, the oldest
    /// first, until it fails: nobody reads of an end before its beginning. `halt` says when to begin with no further one.
    ///
    /// # Errors
    /// Where the state cannot be read or written.
    pub async fn send_due(
        &mut self,
        outbox: &mut dyn Outbox,
        courier: &Courier,
        halt: &watch::Receiver<bool>,
        now: Timestamp,
    ) -> Result<Sent, StateError> {
        let mut queues: BTreeMap<Channel, Vec<Parcel>> = BTreeMap::new();
        for parcel in outbox.parcels()? {
            queues.entry(parcel.channel.clone()).or_default().push(parcel);
        }
        let (mut sent, mut blocked) = (Sent::default(), BTreeSet::new());
        let due = queues.into_values().filter(|queue| queue.iter().any(|parcel| parcel.next <= now));
        for queue in due {
            for parcel in queue.iter().filter(|parcel| !parcel.refused || parcel.next <= now) {
                let way = way(&parcel.channel);
                if blocked.contains(way) || *halt.borrow() {
                    break;
                }
                let Some(result) = courier.deliver(parcel).await else {
                    // Taken out of the config meanwhile.
                    outbox.parcel_done(parcel.id)?;
                    continue;
                };
                fault::point("notify.sent");
                let Err(undelivered) = result else {
                    outbox.parcel_done(parcel.id)?;
                    sent.sent += 1;
                    self.works(way);
                    continue;
                };
                self.fails(way, &undelivered.reason);
                note(outbox, parcel, &undelivered, now)?;
                sent.failed.insert(undelivered.reason);
                match undelivered.extent {
                    Extent::Message => {}
                    Extent::Receiver => break,
                    Extent::Way => drop(blocked.insert(way)),
                }
            }
        }
        Ok(sent)
    }

    fn fails(&mut self, way: &'static str, reason: &str) {
        if self.failing.insert(way) {
            tracing::warn!(name: "notify.undelivered", way, reason, "A message about the agent was not taken; it is kept and tried again.");
        } else {
            tracing::debug!(way, reason, "A message about the agent was not taken again.");
        }
    }

    fn works(&mut self, way: &'static str) {
        if self.failing.remove(way) {
            tracing::info!(name: "notify.delivered_again", way, "Messages about the agent are taken again.");
        }
    }
}

/// Keeps what was not taken for later, or gives it up.
fn note(outbox: &mut dyn Outbox, parcel: &Parcel, undelivered: &Undelivered, now: Timestamp) -> Result<(), StateError> {
    if parcel.notice.at.checked_add(GIVE_UP).is_ok_and(|end| end < now) {
        let (way, kind) = (way(&parcel.channel), parcel.notice.kind.as_str());
        tracing::error!(name: "notify.given_up", way, kind, made = %parcel.notice.at, reason = undelivered.reason, "A message about the agent is given up: nobody took it for three days.");
        return outbox.parcel_done(parcel.id);
    }
    let due = next_try(now, parcel.attempts);
    let rest = undelivered.rest.and_then(|rest| now.checked_add(rest).ok());
    outbox.parcel_failed(parcel.id, rest.map_or(due, |rest| rest.max(due)), undelivered.extent == Extent::Message)
}
