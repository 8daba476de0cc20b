//! The retro changelog of 389 Directory Server, read by ourselves where its plugin for content synchronisation is off: a numbered
//! entry for each change of any of its databases, deletions among them (draft-good-ldap-changelog).
//!
//! It counts where it tells of every number, and by its id of which entry (`nsslapd-attribute: nsuniqueid:targetUniqueId`). Whose
//! entries changed is all that is read of it: what a change is may hold passwords.

use std::collections::BTreeSet;

use super::MOST;
use super::look::Told;
use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::identity::anchor_in;
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::page::Pager;
use crate::directory::ldap::session::Session;
use crate::model::snapshot::Kind;
use crate::model::{Anchor, Dn};
use crate::ports::{Persistence, ReadError};

/// Where it lies.
const PLACE: &str = "cn=changelog";
const NUMBER: &str = "changeNumber";
const TARGET: &str = "targetDn";
const ID: &str = "targetUniqueId";
const TYPE: &str = "changeType";
/// Changes that leave every other entry where it is.
const ONE_S_OWN: [&str; 2] = ["add", "modify"];
/// More changes than this are not worth it: one entry may have many.
const MOST_CHANGES: u64 = 10 * MOST as u64;

/// Whose entries in this database changed after `before`, up to `latest` at least. None: it does not tell of all of them, or
/// there are too many.
///
/// # Errors
/// Where the answer broke off.
pub(super) async fn told(
    session: &Session,
    context: &Dn,
    (before, latest): (u64, u64),
    budget: &Budget,
) -> Result<Option<Told>, ReadError> {
    if latest.saturating_sub(before) > MOST_CHANGES {
        return Ok(None);
    }
    let from = before.saturating_add(1);
    let (filter, attributes) = (format!("({NUMBER}>={from})"), [NUMBER, TARGET, ID, TYPE].map(str::to_owned));
    let (mut numbers, mut told) = (BTreeSet::new(), Told::default());
    let doing = "Could not read the log of changes";
    let size = session.root.pages().then_some(1000);
    let mut pages = Pager::new(&session.connection, PLACE, &filter, &attributes, size).doing(doing.to_owned());
    loop {
        let page = match pages.next(budget).await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            // The log is not there, or has limits of its own.
            Err(error) if error.persistence == Persistence::Permanent => return Ok(None),
            Err(error) => return Err(error),
        };
        for entry in session.connection.decoded(doing, page)? {
            numbers.extend(number(&entry));
            match whose(&entry, context) {
                Ok(None) => {}
                Ok(Some(id)) => {
                    told.ids.insert(id);
                    let side = if entry.says(TYPE, "delete") { &mut told.deleted } else { &mut told.moved };
                    if !ONE_S_OWN.iter().any(|kind| entry.says(TYPE, kind)) {
                        side.insert(id);
                    }
                }
                Err(Unclear) => return Ok(None),
            }
        }
    }
    told.moved = &told.moved - &told.deleted;
    Ok((from..=latest).all(|number| numbers.contains(&number)).then_some(told))
}

/// Whether the account may read it, and it says by their ids whose entries changed.
///
/// # Errors
/// Where it could not be asked.
pub(in crate::directory::ldap) async fn is_open(session: &Session, budget: &Budget) -> Result<bool, ReadError> {
    let Some(latest) = &session.root.last_change else { return Ok(false) };
    let dn = format!("{NUMBER}={latest},{PLACE}");
    let doing = "Could not find out whether the log of changes can be read";
    let entry = session.connection.entry(doing, &dn, &[NUMBER, TARGET, ID].map(str::to_owned), budget).await?;
    Ok(entry.is_some_and(|entry| [NUMBER, TARGET, ID].iter().all(|name| entry.has(name))))
}

fn number(entry: &RawEntry) -> Option<u64> {
    entry.text(NUMBER)?.ok()?.parse().ok()
}

/// It does not say whose entry it was.
struct Unclear;

/// Whose entry a change was of; None: one in another database.
fn whose(entry: &RawEntry, context: &Dn) -> Result<Option<Anchor>, Unclear> {
    let target = entry.text(TARGET).and_then(Result::ok).and_then(|dn| Dn::parse(dn).ok()).ok_or(Unclear)?;
    if !target.is_under(context) {
        return Ok(None);
    }
    anchor_in(Kind::Ds389, entry, ID).map(Some).map_err(|_| Unclear)
}
