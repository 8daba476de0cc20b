//! Changes as they happen: searches that do not end, on a connection of their own beside those of the cycles.
//!
//! What comes of them is a hint that a cycle is due, and nothing else: the cycle asks what changed. A watch that lies or is lost
//! costs time alone, for a cycle is made every `agent.poll` all the same.
//!
//! | what happens | then |
//! |---|---|
//! | a change | a cycle is due |
//! | the connection is lost, or a question on it is not answered within `timeout` | another one, to the next server; a cycle is due unless the last one saw all that there is |
//! | cycles read another server | that one is watched |
//! | the credentials are refused | the end; whoever owns the watch begins another once a cycle was let in |
//! | the server cannot push | it is asked again later |

mod late;
mod search;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

pub(super) use self::search::Unable;

use self::late::{Late, asked};
use self::search::{Said, begin, contexts, is_change, unable};
use super::budget::Budget;
use super::connect::Connection;
use super::family::RootDse;
use super::position;
use super::search::nothing;
use super::session::Session;
use crate::model::Dn;
use crate::model::settings::{DirectorySettings, LdapSettings};
use crate::model::snapshot::{ScopeKey, Watermark};
use crate::ports::{Persistence, Pushes, ReadError};
use crate::retry::Waits;

/// About the first wait for another connection, and the longest. Each connection is a bind.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);
/// A connection that lived for so long was a good one: the waits begin anew.
const STEADY: Duration = Duration::from_mins(1);
/// Somebody may set up the server meanwhile, or mend what does not mend itself.
const AGAIN: Duration = Duration::from_mins(10);
/// A silent connection is asked at least this often whether it is there still.
const SELDOM: Duration = Duration::from_mins(1);
const OFTEN: Duration = Duration::from_secs(1);
/// Opening a watch may take so many timeouts, a question on it one.
const TIMEOUTS: u32 = 5;
/// Who refuses to push does so at once.
const REFUSAL: Duration = Duration::from_millis(500);

const DOING: &str = "Could not watch for changes";

/// How far the cycles have come.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The server that the last one read,
    pub(super) server: Option<String>,
    /// and where that stood before it.
    pub(super) mark: Option<Watermark>,
}

/// What is watched, and how.
pub(super) struct Watcher {
    pub(super) settings: DirectorySettings,
    pub(super) ldap: LdapSettings,
    pub(super) keys: Vec<ScopeKey>,
    pub(super) pushes: Pushes,
}

/// A task that keeps watch as long as this lives.
pub(super) struct Watch {
    seen: watch::Sender<Seen>,
    refused: Arc<OnceLock<String>>,
}

impl Watch {
    pub(super) fn begin(watcher: Watcher, seen: Seen) -> Self {
        let (seen, ear) = watch::channel(seen);
        let refused = Arc::new(OnceLock::new());
        let place = Arc::clone(&refused);
        tokio::spawn(async move {
            if let Kept::Refused(said) = watcher.keep(ear).await {
                let _ = place.set(said);
            }
        });
        Self { seen, refused }
    }

    /// A cycle read everything.
    pub(super) fn tell(&self, seen: Seen) {
        self.seen.send_replace(seen);
    }

    /// What the server said where it refused the credentials.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refused.get().cloned()
    }
}

/// How a watch ended for good.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Unwanted,
    /// With what the server said.
    Refused(String),
}

/// How one connection ended.
enum End {
    Unwanted,
    /// Cycles read another server.
    Elsewhere,
    Lost(ReadError),
    Unable(Unable),
}

/// What is known of the connections before.
struct Before {
    /// The server of the last one.
    server: Option<String>,
    /// It was given up for the server that cycles read.
    moves: bool,
    /// Why it could not push.
    unable: Option<Unable>,
    waits: Waits,
}

impl From<ReadError> for End {
    fn from(error: ReadError) -> Self {
        Self::Lost(error)
    }
}

/// Ready once the owner is gone.
async fn unwanted(seen: &mut watch::Receiver<Seen>) {
    while seen.changed().await.is_ok() {}
}

impl Watcher {
    /// One connection after another.
    async fn keep(self, mut seen: watch::Receiver<Seen>) -> Kept {
        let mut before = Before { server: None, moves: false, unable: None, waits: Waits::new(FIRST, LONGEST) };
        loop {
            let begun = Instant::now();
            let end = self.connect(&mut seen, &mut before).await;
            if begun.elapsed() > STEADY {
                before.waits = Waits::new(FIRST, LONGEST);
            }
            let wait = match self.wait_after(end, &mut before) {
                Ok(wait) => wait,
                Err(kept) => return kept,
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = unwanted(&mut seen) => return Kept::Unwanted,
            }
        }
    }

    /// How long to wait until the next connection, if there is to be one.
    fn wait_after(&self, end: End, before: &mut Before) -> Result<Duration, Kept> {
        let name = &self.settings.name;
        match end {
            End::Unwanted => Err(Kept::Unwanted),
            End::Elsewhere => {
                (before.server, before.moves) = (None, true);
                Ok(Duration::ZERO)
            }
            End::Lost(error) => {
                tracing::debug!(directory = %name, "{}. Until it is watched again a cycle every `agent.poll` finds what changed.", error.doing);
                match error.persistence {
                    Persistence::Credentials => Err(Kept::Refused(error.doing)),
                    Persistence::Permanent => Ok(AGAIN),
                    _ => Ok(before.waits.next().unwrap_or(LONGEST)),
                }
            }
            End::Unable(why) => {
                if before.unable.as_ref() != Some(&why) {
                    tracing::debug!(directory = %name, "The server does not push changes: {why}. A cycle every `agent.poll` finds them.");
                }
                before.unable = Some(why);
                Ok(AGAIN)
            }
        }
    }

    /// One connection, until it ends.
    async fn connect(&self, seen: &mut watch::Receiver<Seen>, before: &mut Before) -> End {
        let read = seen.borrow().server.clone();
        let opened = tokio::select! {
            opened = self.open(read, before.server.as_deref()) => opened,
            () = unwanted(seen) => return End::Unwanted,
        };
        let session = match opened {
            Ok(session) => session,
            Err(error) => return End::Lost(error),
        };
        let moves = std::mem::take(&mut before.moves);
        before.server = Some(session.connection.url.clone());
        let told = seen.clone();
        let end = tokio::select! {
            end = self.listen(&session, &told, moves) => end.unwrap_or_else(|end| end),
            () = unwanted(seen) => End::Unwanted,
        };
        session.connection.close().await;
        end
    }

    /// A session with the server that cycles read, where that did not just fail, else with the next one.
    async fn open(&self, read: Option<String>, failed: Option<&str>) -> Result<Session, ReadError> {
        let (ldap, kind) = (&self.ldap, self.settings.kind);
        let budget = Budget::new(ldap.timeout, TIMEOUTS);
        let read = read.filter(|read| Some(read.as_str()) != failed);
        if let Some(read) = &read {
            match Session::open_one(ldap, kind, read, &budget).await {
                Err(error) if error.persistence != Persistence::Credentials => {}
                other => return other,
            }
        }
        Session::open(ldap, kind, read.as_deref().or(failed), &budget).await
    }

    /// Tells of changes, until that cannot go on. Who `moves` from one server to the other missed no more than a moment.
    async fn listen(&self, session: &Session, seen: &watch::Receiver<Seen>, moves: bool) -> Result<End, End> {
        let (connection, patience) = (&session.connection, self.ldap.timeout);
        let budget = Budget::new(patience, TIMEOUTS);
        let mut said = begin(session, &self.settings, &self.keys, &budget).await?;
        // Later than the searches began: what is not in the one is in the other.
        let here = self.stands(session, &budget).await?;
        tracing::debug!(directory = %self.settings.name, server = connection.url, "Changes are told as they happen.");
        if !moves && has_missed(seen.borrow().mark.as_ref(), here.as_ref()) {
            self.pushes.changed();
        }
        let is_late = session.root.is_samba();
        let mut late =
            is_late.then(|| Late::new(contexts(session, &self.settings, &self.keys), here.as_ref())).flatten();
        let mut look = interval(patience.clamp(OFTEN, SELDOM));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.tick().await;
        loop {
            tokio::select! {
                next = said.next() => match next {
                    // What comes late was followed already.
                    Some(Said::Message(message)) => if late.is_none() && is_change(session.kind, &message) {
                        self.pushes.changed();
                    },
                    Some(Said::End(result)) => return Err(unable(connection, result).map_or_else(End::Lost, End::Unable)),
                    Some(Said::Error(error)) => return Err(End::Lost(connection.error(DOING, error).await)),
                    None => return Err(End::Unable(Unable::EndedAll)),
                },
                changed = asked(&mut late, connection, patience) => if changed? {
                    self.pushes.changed();
                },
                _ = look.tick() => {
                    is_there(connection, patience).await?;
                    if seen.borrow().server.as_ref().is_some_and(|read| *read != connection.url) {
                        return Ok(End::Elsewhere);
                    }
                }
            }
        }
    }

    /// Where the server stands now, as a cycle would note it.
    async fn stands(&self, session: &Session, budget: &Budget) -> Result<Option<Watermark>, ReadError> {
        let bases: Vec<Dn> = self.settings.bases.iter().filter_map(|base| Dn::parse(base).ok()).collect();
        let root = RootDse::read(&session.connection, budget).await?;
        position::standing(session, &root, &bases, budget).await
    }
}

/// Whether more may have changed than the cycles know: while nobody watched, or before they did.
fn has_missed(known: Option<&Watermark>, here: Option<&Watermark>) -> bool {
    let (Some(known), Some(here)) = (known, here) else { return true };
    let is_known = |(key, at): (&String, &String)| known.position.get(key) == Some(at);
    known.server != here.server || !here.position.iter().all(is_known)
}

/// Asks what every server answers: a connection that is silent may be dead.
async fn is_there(connection: &Connection, patience: Duration) -> Result<(), ReadError> {
    connection.entry(DOING, "", &nothing(), &Budget::new(patience, TIMEOUTS)).await.map(drop)
}

/// Tries to watch. Gives why that cannot be.
///
/// # Errors
/// Where it is not known.
pub(super) async fn probe(
    session: &Session,
    settings: &DirectorySettings,
    keys: &[ScopeKey],
    budget: &Budget,
) -> Result<Option<Unable>, ReadError> {
    let begun = match begin(session, settings, keys, budget).await {
        Ok(mut told) => timeout(REFUSAL, told.next()).await,
        Err(End::Unable(why)) => return Ok(Some(why)),
        Err(End::Lost(error)) => return Err(error),
        Err(End::Unwanted | End::Elsewhere) => return Ok(None),
    };
    match begun {
        Ok(Some(Said::End(result))) => unable(&session.connection, result).map(Some),
        Ok(Some(Said::Error(error))) => Err(session.connection.error(DOING, error).await),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_cycle_is_due_where_the_server_stands_elsewhere_than_the_last_one_saw() {
        let at = |server: &str, positions: &[(&str, &str)]| {
            let position = positions.iter().map(|(key, at)| ((*key).to_owned(), (*at).to_owned())).collect();
            Watermark { server: server.to_owned(), position, at: None }
        };
        let known = at("one", &[("usn", "7"), ("noted", "5")]);
        assert!(!has_missed(Some(&known), Some(&at("one", &[("usn", "7")]))));
        assert!(has_missed(Some(&known), Some(&at("one", &[("usn", "8")]))));
        assert!(has_missed(Some(&known), Some(&at("two", &[("usn", "7")]))));
        assert!(has_missed(Some(&known), Some(&at("one", &[("usn", "7"), ("other", "1")]))));
        assert!(has_missed(None, Some(&known)) && has_missed(Some(&known), None), "nobody knows");
        let nothing = Watermark { server: "one".to_owned(), position: BTreeMap::new(), at: None };
        assert!(!has_missed(Some(&nothing), Some(&nothing)));
    }
}
