//! Messages to those who look after the agent, and what is remembered of those that were told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::anchor::Name;
use super::report::ChangeCounts;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    PoolFull,
    PoolFree,
    PoolWaiting,
    PoolNobodyWaits,
    ChangesHeld,
    ChangesFree,
    DirectoryUnreadable,
    DirectoryReadable,
    CycleFailing,
    CycleWorking,
    AccountsFailed,
    AccountsWell,
    Digest,
}

impl NoticeKind {
    pub const ALL: [Self; 13] = [
        Self::PoolFull,
        Self::PoolFree,
        Self::PoolWaiting,
        Self::PoolNobodyWaits,
        Self::ChangesHeld,
        Self::ChangesFree,
        Self::DirectoryUnreadable,
        Self::DirectoryReadable,
        Self::CycleFailing,
        Self::CycleWorking,
        Self::AccountsFailed,
        Self::AccountsWell,
        Self::Digest,
    ];

    /// As a webhook message spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PoolFull => "pool.full",
            Self::PoolFree => "pool.free",
            Self::PoolWaiting => "pool.waiting",
            Self::PoolNobodyWaits => "pool.nobody_waits",
            Self::ChangesHeld => "changes.held",
            Self::ChangesFree => "changes.free",
            Self::DirectoryUnreadable => "directory.unreadable",
            Self::DirectoryReadable => "directory.readable",
            Self::CycleFailing => "cycle.failing",
            Self::CycleWorking => "cycle.working",
            Self::AccountsFailed => "accounts.failed",
            Self::AccountsWell => "accounts.well",
            Self::Digest => "digest",
        }
    }
}

/// A message, written out: what is sent is the same in every try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub kind: NoticeKind,
    pub at: Timestamp,
    /// One line.
    pub subject: String,
    /// What a mail says, in lines that end with a line feed.
    pub text: String,
    /// What a webhook is sent: JSON, without anybody's name.
    pub body: String,
}

/// One way to one receiver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Webhook,
    /// To this address.
    Mail(String),
}

/// A message that one receiver has not got yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    pub id: i64,
    /// Names the message in every try, and to every receiver: 32 hexadecimal digits.
    pub message: String,
    pub channel: Channel,
    pub notice: Notice,
    /// Tries that came to nothing.
    pub attempts: u32,
    /// Not before.
    pub next: Timestamp,
    /// The last try was answered: it is this message that the receiver does not take.
    pub refused: bool,
}

/// What a cycle leaves to be told: stored with its end, whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    pub told: Told,
    pub notices: Vec<Notice>,
    /// Who gets them.
    pub channels: Vec<Channel>,
}

/// What was told so far, and what the next cycle's report is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    pub pools: BTreeMap<Name, PoolTold>,
    pub directories: BTreeMap<Name, Watch>,
    /// Of cycles that come to nothing.
    pub cycles: CycleTold,
    /// By directory, kind and scope object.
    pub held: BTreeMap<String, HeldTold>,
    /// With the last message about what is held back.
    pub fingerprint: Option<String>,
    pub failed: FailedTold,
    pub day: Day,
    /// When the last digest was sent, or the one that is left out on the first day is due.
    pub digest: Option<Timestamp>,
}

/// One thing that may be wrong, from cycle to cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// That it is wrong was told, and that it is over was not.
    pub told: bool,
    /// Cycles in a row that saw the opposite of what was told.
    pub run: u32,
    /// When the first of those was.
    pub turned: Option<Timestamp>,
    /// Since when it is wrong.
    pub since: Option<Timestamp>,
}

/// A pool as the last cycle saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolTold {
    pub full: Watch,
    pub waits: Watch,
    pub seats: u32,
    pub held: u32,
    pub free: u32,
    pub waiting: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CycleTold {
    pub watch: Watch,
    /// Why, as the last message had it.
    pub code: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTold {
    pub watch: Watch,
    pub directory: Name,
    /// People, as the last message had it.
    pub count: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailedTold {
    pub watch: Watch,
    /// Accounts, as the last message had it.
    pub count: u64,
}

/// What happened since the last digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Day {
    /// None before the first cycle.
    pub since: Option<Timestamp>,
    pub cycles: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that did not read everything.
    pub partial: u64,
    /// Sums; of `failed` and `held`, which are no sums, nothing.
    pub changes: ChangeCounts,
    /// People whose account others changed.
    pub elsewhere: u64,
}
