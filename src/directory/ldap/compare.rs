//! One full read that takes in nobody whose entry is as it was.
//!
//! It vouches for who is not there as a read does, and for nothing else: whatever is out of order is for a read to sort out.

use std::sync::Arc;

use super::acquainted::Acquainted;
use super::budget::Budget;
use super::follow::{Asked, complete, stamp};
use super::people::{self, Harvest, MOST_CHANGED, Question};
use super::replication;
use super::scope;
use super::session::Session;
use crate::model::Dn;
use crate::model::memory::KnownEntry;
use crate::model::snapshot::{Compared, Comparison, Watermark};
use crate::ports::ReadError;

/// Why it cannot be told so.
type Untold = String;

/// How to read, and what for.
pub(super) struct How<'a> {
    pub(super) page_size: u32,
    /// Where the people are searched for.
    pub(super) bases: &'a [Dn],
    pub(super) progress: &'a (dyn Fn(u64) + Send + Sync),
    pub(super) budget: &'a Arc<Budget>,
}

/// Reads everything, and gives those whose entry is not as it is known.
///
/// # Errors
/// Where the read broke off.
pub(super) async fn run(
    session: &Session,
    asked: &Asked<'_>,
    how: &How<'_>,
    known: Vec<KnownEntry>,
) -> Result<Compared, ReadError> {
    let here = match stands(session, asked, how).await? {
        Ok(here) => here,
        Err(why) => return Ok(Compared::Untold(why)),
    };
    let stamp = stamp::of(session, asked, here.as_ref(), how.budget).await?;
    let question = Question::of(session, asked.settings, stamp);
    let (page_size, now, progress) = (how.page_size, asked.request.now, how.progress);
    let search = people::Asked { question: &question, page_size, now, progress };
    let mut harvest = Harvest::besides(Acquainted::with(known));
    for base in how.bases {
        people::read(session, base, &search, &mut harvest, how.budget).await?;
    }
    let shown = question.stamp_shown(session, how.bases, &mut harvest, how.budget).await?;
    Ok(judge(session, asked, harvest, (here, shown)).map_or_else(Compared::Untold, Compared::Whole))
}

/// Where the server stands; else what a full read has to report.
async fn stands(
    session: &Session,
    asked: &Asked<'_>,
    how: &How<'_>,
) -> Result<Result<Option<Watermark>, Untold>, ReadError> {
    if asked.settings.attributes.anchor.is_some() {
        return Ok(Err("people are known by an attribute of the config".to_owned()));
    }
    let (request, budget) = (asked.request, how.budget);
    let last = request.watermark.as_ref();
    let (here, why) = replication::standing(session, last, how.bases, (request.now, budget)).await?;
    let why = match why {
        Some(why) => Some(why),
        None => scope::moved(session, asked.keys, &request.pins, budget).await?,
    };
    Ok(why.map_or(Ok(here), Err))
}

fn judge(
    session: &Session,
    asked: &Asked<'_>,
    harvest: Harvest,
    (mut here, shown): (Option<Watermark>, stamp::Shown),
) -> Result<Comparison, Untold> {
    let Harvest { mut people, unidentified, entries, rests, known, .. } = harvest;
    if people.len() > MOST_CHANGED {
        return Err(format!("more than {MOST_CHANGED} people changed"));
    }
    if !unidentified.is_empty() {
        return Err("an entry shows no id".to_owned());
    }
    let known = known.ok_or_else(|| "the read lost what was known".to_owned())?;
    if known.is_doubled || !people::sort_out(&mut people).is_empty() {
        return Err("somebody came twice, or moved meanwhile".to_owned());
    }
    if let Some(here) = &mut here {
        complete(here, asked.request.watermark.as_ref(), rests, asked.request.now);
        shown.note_in(here);
    }
    let (kind, server) = (session.kind, session.connection.url.clone());
    Ok(Comparison { kind, server, changed: people, unseen: known.unseen(), entries, watermark: here })
}
