//! How a running agent will be told what changed, and what it will not be told.

use std::collections::BTreeSet;

use super::super::budget::Budget;
use super::super::follow::{BLIND, changelog, first_cookie, sees_deleted, shows_change_numbers, stamp};
use super::super::position;
use super::super::replication;
use super::super::session::Session;
use super::Prober;
use super::grant::{self, Attribute};
use super::people::Place;
use crate::directory::entry::Entry as _;
use crate::model::Dn;
use crate::model::snapshot::{Kind, Role};
use crate::ports::ReadError;

/// What the server tells changes by.
enum Told {
    DirSync,
    Numbers,
    Synchronisation,
    Changelog,
    /// In the same way, were it not for this entry.
    NotOf(String, &'static str),
    /// In the same way, were it not that nothing is seen of what was deleted.
    Blindly,
    /// Alone, for this reason, and what helps.
    Times(String, Option<String>),
    /// Not even those.
    Nothing,
}

impl Prober<'_> {
    /// Tells which way a cycle will ask. `bases`: those of the config, and those that are there.
    pub(super) async fn changes(&mut self, place: &Place<'_>, bases: (&[Dn], &[Dn]), budget: &Budget) {
        match self.told(place, bases, budget).await {
            Ok(Told::DirSync) => self.passed("changes", "told by DirSync".to_owned()),
            Ok(Told::Numbers) => self.less(
                "changes",
                "told by uSNChanged alone: the server refuses DirSync, or people and groups lie in several domains"
                    .to_owned(),
                "When another domain controller answers everything is read",
                None,
            ),
            Ok(Told::Synchronisation) => {
                self.passed("changes", "told by content synchronisation (RFC 4533)".to_owned());
            }
            Ok(Told::Changelog) => self.passed("changes", "told by the retro changelog".to_owned()),
            Ok(Told::NotOf(dn, stamp)) => {
                let suffix = place.suffix();
                let remedy = place.account.grantee.read_tree(suffix, suffix, &[attribute(stamp)]);
                let message = format!("not told of everyone: the account may not read {stamp} of {dn:?}");
                self.less("changes", message, "Each cycle reads everything", Some(&remedy));
            }
            Ok(Told::Blindly) => self.less(
                "changes",
                format!("not told as long as {BLIND} (see deleted objects)"),
                "Each cycle reads everything",
                None,
            ),
            Ok(Told::Times(why, remedy)) => self.less(
                "changes",
                format!("told by {} alone: {why}", position::TIMES),
                "Who was deleted keeps the seat until the next full cycle (`agent.full`)",
                remedy.as_deref(),
            ),
            Ok(Told::Nothing) => {
                let suffix = place.suffix();
                // Where the server synchronises, that is the better way, and needs the one before.
                let better = place.session.kind == Kind::OpenLdap && place.session.root.synchronises();
                let names = if better { &["entryCSN", position::TIMES][..] } else { &[position::TIMES] };
                let attributes: Vec<Attribute> = names.iter().map(|name| attribute(name)).collect();
                let remedy = place.account.grantee.read_tree(suffix, suffix, &attributes);
                let message = format!("not told: the account may not read {}", position::TIMES);
                self.less("changes", message, "Each cycle reads everything", Some(&remedy));
            }
            Err(error) => self.failed("changes", &error, "Nobody knows how changes are told"),
        }
    }

    async fn told(
        &self,
        place: &Place<'_>,
        (bases, there): (&[Dn], &[Dn]),
        budget: &Budget,
    ) -> Result<Told, ReadError> {
        let told = told(place, bases, budget).await?;
        let stamp = match (&told, place.session.kind) {
            (Told::Synchronisation, Kind::OpenLdap) => stamp::NUMBER,
            (Told::Times(..), _) => position::TIMES,
            (Told::DirSync | Told::Numbers, _) => replication::CHANGED,
            _ => return Ok(told),
        };
        let hidden = self.without_stamp(place.session, there, stamp, budget).await?;
        Ok(hidden.map_or(told, |dn| Told::NotOf(dn, stamp)))
    }

    /// A group of the config, or one of some people, of which the account cannot see when it was changed.
    async fn without_stamp(
        &self,
        session: &Session,
        bases: &[Dn],
        stamp: &str,
        budget: &Budget,
    ) -> Result<Option<String>, ReadError> {
        let attributes = [stamp.to_owned()];
        for key in self.keys.iter().filter(|key| key.role == Role::Group) {
            let dn = self.pins.get(key).map_or(&*key.dn, |pin| pin.dn.as_str());
            if Dn::parse(dn).is_ok_and(|dn| !super::is_placed(session, &dn)) {
                continue;
            }
            let doing = format!("Could not find out whether changes of {dn:?} are told");
            let entry = session.connection.entry(&doing, dn, &attributes, budget).await?;
            if entry.is_some_and(|entry| !entry.has(stamp)) {
                return Ok(Some(dn.to_owned()));
            }
        }
        for base in bases {
            let people = self.sample((session, base), &attributes, budget).await?;
            if let Some(person) = people.iter().find(|person| !person.has(stamp)) {
                return Ok(Some(String::from_utf8_lossy(&person.dn).into_owned()));
            }
        }
        Ok(None)
    }
}

async fn told(place: &Place<'_>, bases: &[Dn], budget: &Budget) -> Result<Told, ReadError> {
    let session = place.session;
    if session.kind == Kind::ActiveDirectory {
        let context = session.root.context_of(place.base).filter(|_| !spans_databases(session, bases));
        let cookie = match context {
            Some(context) => first_cookie(session, context, budget).await?,
            None => None,
        };
        let contexts: BTreeSet<&Dn> = bases.iter().filter_map(|base| session.root.context_of(base)).collect();
        for context in contexts {
            if !sees_deleted(session, context, budget).await? {
                return Ok(Told::Blindly);
            }
        }
        return Ok(if cookie.is_some() { Told::DirSync } else { Told::Numbers });
    }
    let Some((why, remedy)) = unfit(place, bases, budget).await? else { return Ok(Told::Synchronisation) };
    let is_one = session.kind == Kind::Ds389 && !spans_databases(session, bases);
    if is_one && changelog::is_open(session, budget).await? {
        return Ok(Told::Changelog);
    }
    let doing = "Could not find out whether changes are told";
    let entry = session.connection.entry(doing, place.base.as_str(), &[position::TIMES.to_owned()], budget).await?;
    let shows = entry.is_some_and(|entry| entry.has(position::TIMES));
    Ok(if shows { Told::Times(why, remedy) } else { Told::Nothing })
}

/// Why the server cannot be asked to synchronise, and what helps.
async fn unfit(
    place: &Place<'_>,
    bases: &[Dn],
    budget: &Budget,
) -> Result<Option<(String, Option<String>)>, ReadError> {
    let (session, suffix) = (place.session, place.suffix());
    if spans_databases(session, bases) {
        return Ok(Some(("people lie in several databases".to_owned(), None)));
    }
    let is_on = session.root.synchronises();
    Ok(match session.kind {
        Kind::Ds389 if is_on && session.root.last_change.is_some() => None,
        Kind::Ds389 => {
            let why = "the server keeps no changelog, or has the plugin for content synchronisation switched off";
            Some((why.to_owned(), Some(grant::keep_changelog())))
        }
        _ if !is_on => {
            Some(("the server does not synchronise (overlay syncprov)".to_owned(), Some(grant::load_syncprov(suffix))))
        }
        _ => {
            let suffix_dn = session.root.context_of(place.base).unwrap_or(place.base);
            let remedy = || place.account.grantee.read_tree(suffix, suffix, &[attribute("entryCSN")]);
            let shows = shows_change_numbers(session, suffix_dn, budget).await?;
            if !shows {
                Some(("the account may not read entryCSN".to_owned(), Some(remedy())))
            } else if position::standing(session, &session.root, bases, budget).await?.is_none() {
                Some(("the server does not say where it stands (see watermark)".to_owned(), None))
            } else {
                None
            }
        }
    })
}

/// One answer tells of one database.
fn spans_databases(session: &Session, bases: &[Dn]) -> bool {
    let mut contexts = bases.iter().filter_map(|base| session.root.context_of(base));
    let first = contexts.next();
    let has_below = |context| session.kind != Kind::ActiveDirectory && session.root.has_below(context);
    contexts.any(|other| Some(other) != first) || first.is_some_and(has_below)
}

fn attribute(name: &str) -> Attribute {
    Attribute { name: name.to_owned(), schema_id: String::new() }
}
