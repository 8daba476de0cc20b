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

/// What came of one message.
enum Came {
    Done,
    /// Kept, and the next may do better.
    Refused,
    /// Kept; no other is tried before then.
    Stopped {
        extent: Extent,
        next: Timestamp,
    },
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
        let (mut sent, mut blocked) = (Sent::default(), BTreeMap::new());
        for queue in queues.into_values().filter(|queue| queue.iter().any(|parcel| parcel.next <= now)) {
            let way = way(&queue[0].channel);
            let mut queue = queue.iter().filter(|parcel| !parcel.refused || parcel.next <= now);
            let mut stopped = blocked.get(way).copied();
            while stopped.is_none() && !*halt.borrow() {
                let Some(parcel) = queue.next() else { break };
                match self.send(outbox, courier, parcel, now, &mut sent).await? {
                    Came::Done | Came::Refused => {}
                    Came::Stopped { extent, next } => {
                        stopped = Some(next);
                        if extent == Extent::Way {
                            blocked.insert(way, next);
                        }
                    }
                }
            }
            if let Some(next) = stopped {
                postpone(outbox, queue, next, now)?;
            }
        }
        Ok(sent)
    }

    async fn send(
        &mut self,
        outbox: &mut dyn Outbox,
        courier: &Courier,
        parcel: &Parcel,
        now: Timestamp,
        sent: &mut Sent,
    ) -> Result<Came, StateError> {
        let way = way(&parcel.channel);
        let Some(result) = courier.deliver(parcel).await else {
            // Taken out of the config meanwhile.
            outbox.parcel_done(parcel.id)?;
            return Ok(Came::Done);
        };
        fault::point("notify.sent");
        let Err(undelivered) = result else {
            outbox.parcel_done(parcel.id)?;
            sent.sent += 1;
            self.works(way);
            return Ok(Came::Done);
        };
        let next = next(parcel, &undelivered, now);
        self.fails(way, &undelivered.reason, next, end(parcel));
        if is_too_old(parcel, now) {
            give_up(outbox, parcel, &undelivered.reason)?;
        } else {
            outbox.parcel_failed(parcel.id, next, undelivered.extent == Extent::Message)?;
        }
        sent.failed.insert(undelivered.reason);
        Ok(match undelivered.extent {
            Extent::Message => Came::Refused,
            extent => Came::Stopped { extent, next },
        })
    }

    fn fails(&mut self, way: &'static str, reason: &str, next: Timestamp, end: Timestamp) {
        if self.failing.insert(way) {
            tracing::warn!(name: "notify.undelivered", way, reason, next_try = %format_args!("{next:.0}"), "A message about the agent was not taken. It is kept, and tried again until {end:.0}; `seatsync check --connect` tries the way without sending anything.");
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

/// When to try again: not before the receiver wants it.
fn next(parcel: &Parcel, undelivered: &Undelivered, now: Timestamp) -> Timestamp {
    let due = next_try(now, parcel.attempts);
    let rest = undelivered.rest.and_then(|rest| now.checked_add(rest).ok());
    rest.map_or(due, |rest| rest.max(due))
}

/// Those behind one that failed wait with it: were they due, that one would be tried before its time, again and again.
fn postpone<'a>(
    outbox: &mut dyn Outbox,
    rest: impl Iterator<Item = &'a Parcel>,
    next: Timestamp,
    now: Timestamp,
) -> Result<(), StateError> {
    let (old, others): (Vec<&Parcel>, Vec<&Parcel>) = rest.partition(|parcel| is_too_old(parcel, now));
    for parcel in old {
        give_up(outbox, parcel, "those before it were not taken")?;
    }
    let ids: Vec<i64> = others.iter().map(|parcel| parcel.id).collect();
    if ids.is_empty() { Ok(()) } else { outbox.postpone_parcels(&ids, next) }
}

fn is_too_old(parcel: &Parcel, now: Timestamp) -> bool {
    end(parcel) < now
}

/// From then on it is given up.
fn end(parcel: &Parcel) -> Timestamp {
    parcel.notice.at.checked_add(GIVE_UP).unwrap_or(Timestamp::MAX)
}

fn give_up(outbox: &mut dyn Outbox, parcel: &Parcel, reason: &str) -> Result<(), StateError> {
    let (way, kind) = (way(&parcel.channel), parcel.notice.kind.as_str());
    tracing::error!(name: "notify.given_up", way, kind, made = %parcel.notice.at, reason, "A message about the agent is given up: nobody took it for three days.");
    outbox.parcel_done(parcel.id)
}
