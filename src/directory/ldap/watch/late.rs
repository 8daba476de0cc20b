//! Samba, which tells late: a process of it notifies at once of what it wrote itself, and every five seconds of what its others
//! did (4.17; of the process models `prefork`, the default, has several). So it is also asked where it stands.

use std::time::Duration;

use ldap3::Scope;
use ldap3::controls::RawControl;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{DOING, TIMEOUTS};
use crate::directory::entry::Entry as _;
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::connect::Connection;
use crate::directory::ldap::family::COMMITTED;
use crate::directory::ldap::locate::SHOW_DELETED;
use crate::directory::ldap::search::{Query, critical, nothing};
use crate::model::Dn;
use crate::model::snapshot::Watermark;
use crate::ports::ReadError;

/// This often; a question costs it less than a millisecond.
const OFTEN: Duration = Duration::from_millis(500);

/// How far a server had come when it was last asked.
pub(super) struct Late {
    contexts: Vec<Dn>,
    last: u64,
    tick: Interval,
}

impl Late {
    /// From where the server stood. None: it does not say.
    pub(super) fn new(contexts: Vec<Dn>, here: Option<&Watermark>) -> Option<Self> {
        let last = here?.position.get(COMMITTED)?.parse().ok()?;
        let mut tick = interval(OFTEN);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Some(Self { contexts, last, tick })
    }

    /// Asks at its time. Says whether anybody changed: computers do all the time.
    async fn ask(&mut self, connection: &Connection, patience: Duration) -> Result<bool, ReadError> {
        self.tick.tick().await;
        let budget = Budget::new(patience, TIMEOUTS);
        let root = connection.entry(DOING, "", &[COMMITTED.to_owned()], &budget).await?;
        let here = root.and_then(|root| root.text(COMMITTED).and_then(Result::ok).and_then(|here| here.parse().ok()));
        let Some(here) = here.filter(|here| *here != self.last) else { return Ok(false) };
        let filter = format!("(&(uSNChanged>={})(!(objectClass=computer)))", self.last.saturating_add(1));
        let mut changed = false;
        for context in &self.contexts {
            let controls = vec![RawControl { crit: false, ..critical(SHOW_DELETED) }];
            let (base, scope, attributes) = (context.as_str(), Scope::Subtree, nothing());
            let query = Query { base, scope, filter: &filter, attributes: &attributes, controls };
            changed |= connection.finds(DOING, &query, &budget).await?;
        }
        self.last = here;
        Ok(changed)
    }
}

/// Ready after each question; never, where none is needed. May be given up at any time.
pub(super) async fn asked(
    late: &mut Option<Late>,
    connection: &Connection,
    patience: Duration,
) -> Result<bool, ReadError> {
    match late {
        Some(late) => late.ask(connection, patience).await,
        None => std::future::pending().await,
    }
}
