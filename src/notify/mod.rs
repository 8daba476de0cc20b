//! One message for each change of state, and a daily digest: what a finished cycle's report says against what was told
//! before. Pure: what comes of it is stored with the end of the cycle, and sent by others.

mod digest;
mod held;
mod letter;
mod pools;
#[cfg(test)]
mod tests;
mod troubles;
mod watch;

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use self::letter::Letter;
use self::watch::Patience;
use crate::model::change::Promotion;
use crate::model::notice::{Channel, News, Told};
use crate::model::report::{CycleOutcome, SyncReport};
use crate::model::settings::{NotifySettings, Settings};

/// Who speaks, of what, and to whom.
#[derive(Clone, Debug)]
pub struct House<'a> {
    pub agent: &'a str,
    pub company: &'a str,
    pub promotion: Promotion,
    pub notify: &'a NotifySettings,
    /// A cycle is made this often.
    pub poll: Duration,
    /// Nothing is ever changed.
    pub dry_run: bool,
    /// As in `AgentSettings`.
    pub options: &'a str,
    /// Whose clock decides when the digest is due, and is shown.
    pub zone: TimeZone,
}

impl<'a> House<'a> {
    /// None: nobody is to be told.
    #[must_use]
    pub fn of(settings: &'a Settings, zone: TimeZone) -> Option<Self> {
        Some(Self {
            agent: &settings.agent.name,
            company: &settings.backend.company,
            promotion: settings.seats.promotion,
            notify: settings.notify.as_ref()?,
            poll: settings.agent.poll,
            dry_run: settings.agent.dry_run,
            options: &settings.agent.options,
            zone,
        })
    }

    /// Everyone who gets each message.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        channels(self.notify)
    }

    /// As many cycles in a row as the config says, and as long as they take in their turn: after a failure cycles may come
    /// much faster.
    fn patience(&self) -> Patience {
        let cycles = self.notify.after_failures;
        let span = SignedDuration::try_from(self.poll).unwrap_or_default();
        let between = i32::try_from(cycles.saturating_sub(1)).unwrap_or(i32::MAX);
        Patience { cycles, span: span.checked_mul(between).unwrap_or(SignedDuration::MAX) }
    }

    /// A point in time, for people.
    fn moment(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }
}

/// Everyone whom these settings name.
#[must_use]
pub fn channels(notify: &NotifySettings) -> Vec<Channel> {
    let mails = notify.email.iter().flat_map(|email| email.to.iter().cloned().map(Channel::Mail));
    notify.webhook.iter().map(|_| Channel::Webhook).chain(mails).collect()
}

/// What is to be told after a cycle, given what was told before. The same report twice tells nothing twice.
#[must_use]
pub fn news(mut told: Told, report: &SyncReport, house: &House<'_>, now: Timestamp) -> News {
    let mut letters: Vec<Letter> = Vec::new();
    if report.outcome != CycleOutcome::Standby {
        letters.extend(troubles::cycles(&mut told.cycles, report, house, now));
        if came_to_something(report) {
            letters.extend(held::changes(&mut told, report, house, now));
            letters.extend(troubles::directories(&mut told.directories, report, house, now));
            letters.extend(troubles::accounts(&mut told.failed, report, house, now));
            letters.extend(pools::pools(&mut told.pools, report, house, now));
        }
        letters.extend(digest::digest(&mut told, report, house, now));
    }
    let notices = letters.into_iter().map(|letter| letter.seal(house, report.cycle, now)).collect();
    News { told, notices, channels: house.channels() }
}

/// Of a cycle that failed nothing is known: every config has a directory.
fn came_to_something(report: &SyncReport) -> bool {
    !report.directories.is_empty()
}
