//! The groups of the config once more, by the people who are known: at the cost of the groups, however many people there are.
//!
//! Walked by the same functions as in a full read. Where that would call its answer partial, or would have to look for people
//! by names of before, everything is read.

use super::{Asked, Untold};
use crate::directory::group::{PeopleIndex, Walked, hidden, missed, walk};
use crate::directory::ldap::budget::Budget;
use crate::directory::ldap::members::LdapGroups;
use crate::directory::ldap::replication::Rests;
use crate::directory::ldap::scope;
use crate::directory::ldap::session::Session;
use crate::model::snapshot::{Groups, Kind, Listed, Nested};
use crate::ports::{ReadError, Roster};

/// Who is in the groups of the config, of the people in `roster`.
///
/// # Errors
/// Where an answer did not come whole.
pub(in crate::directory::ldap) async fn groups(
    session: &Session,
    asked: &Asked<'_>,
    roster: &mut dyn Roster,
    budget: &Budget,
) -> Result<(Listed, Rests), ReadError> {
    let request = asked.request;
    let resolved = scope::resolve(session, asked.keys, &request.pins, budget).await?;
    let anchor = asked.settings.attributes.anchor.as_deref();
    let mut source = LdapGroups { session, anchor, budget };
    let mut people = PeopleIndex::of_roster(roster);
    let mut walked = walk(&resolved.groups, &request.nested, &mut people, &mut source).await?;
    let mut problems = resolved.problems;
    problems.extend(hidden(&mut walked, &mut source).await?);
    let how = (session.kind, problems.is_empty(), request.now);
    let missed = missed(&request.nested, &mut walked, &mut source, how).await?;
    problems.extend(missed.problems);
    let rests = rests(&request.nested, Some(&missed.nested), walked.changed);
    let why = problems.into_iter().next().or_else(|| unclear(session.kind, &walked));
    let listed = why.map_or_else(
        || {
            let Walked { members, by_uid, gone_uids, foreign, dangling, .. } = walked;
            let gone_uids = gone_uids.into_keys().collect();
            Listed::Groups(Groups { members, by_uid, gone_uids, nested: Some(missed.nested), foreign, dangling })
        },
        Listed::Untold,
    );
    Ok((listed, rests))
}

/// On which updates it rests who is in the groups: one of them that lists another no more may not show why (the other was
/// deleted).
pub(in crate::directory::ldap) fn rests(before: &[Nested], now: Option<&[Nested]>, changed: Option<u64>) -> Rests {
    let mut rests = Rests::default();
    rests.on_number(changed);
    let is_there = |group: &Nested| now.is_some_and(|now| now.iter().any(|other| other.anchor == group.anchor));
    if !before.iter().all(is_there) {
        rests.on_unseen();
    }
    rests
}

/// Why it takes everyone's entry to tell who is meant.
fn unclear(kind: Kind, walked: &Walked) -> Option<Untold> {
    if walked.computed {
        Some("the server works out who is in a group".to_owned())
    } else if !walked.followed.is_empty() {
        Some("a group is listed by a name of before".to_owned())
    } else if kind != Kind::ActiveDirectory && !walked.gone.is_empty() {
        Some("a group lists what is not there".to_owned())
    } else {
        None
    }
}
