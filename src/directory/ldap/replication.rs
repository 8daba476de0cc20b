//! Whether a domain controller has got what another one showed before it.
//!
//! Each controller numbers updates for itself (MS-ADTS 3.1.1.1.9), so two of them cannot be compared by their numbers. But
//! each notes for every other up to which of that one's numbers it has received all there was: `replUpToDateVector`, at
//! the head of each naming context (on Samba 4.17 any user may read it). What the last read showed goes up to the highest
//! `uSNChanged` of all that said something: people and groups, the places between the bases and the people, whoever was looked up
//! for not being there, tombstones among them, and what earlier reads of that controller showed. Who has received that much from
//! the controller that was read can vouch for who is not there. `highestCommittedUSN` would ask for too much: logons raise it
//! too, and a controller that died soon after one would never be caught up with. It counts where something shows no number:
//! somebody is nowhere, a group is not among the others any more, a place is hidden.
//!
//! Who has not received it, or does not say, lacks people, memberships and changes of mind, and nobody knows which: the
//! read is partial. Not for ever: a controller that died with its last changes must not stop its heirs, and a day after
//! the last whole read whatever can be replicated has been. (Between sites it takes three hours where nobody set it.)

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::budget::Budget;
use super::family::COMMITTED;
use super::position;
use super::session::Session;
use crate::directory::entry::Entry;
use crate::model::snapshot::{Kind, Watermark};
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// Up to which update of the server's own this read shows people and groups; its place in a watermark.
pub(super) const CHANGED: &str = "uSNChanged";
pub(super) const RECEIVED: &str = "replUpToDateVector";

/// The number of an entry's last update on the server that shows it; None where it does not show it.
pub(super) fn changed(entry: &impl Entry) -> Option<u64> {
    entry.text(CHANGED)?.ok()?.parse().ok()
}

/// Up to which update of the server's own that says something which it was read for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rests {
    changed: Option<u64>,
    /// On more than shows its number.
    on_unseen: bool,
}

impl Rests {
    /// On what an entry shows.
    pub(super) fn on(&mut self, entry: &impl Entry) {
        match changed(entry) {
            Some(number) => self.on_number(Some(number)),
            None => self.on_unseen(),
        }
    }

    pub(super) fn on_number(&mut self, number: Option<u64>) {
        self.changed = self.changed.max(number);
    }

    /// On what is not there, or does not show its number.
    pub(super) const fn on_unseen(&mut self) {
        self.on_unseen = true;
    }

    pub(super) fn join(&mut self, other: Self) {
        self.on_number(other.changed);
        self.on_unseen |= other.on_unseen;
    }

    /// Adds it to the watermark of the read. What shows no number happened before the read began.
    pub(super) fn note_in(self, here: &mut Watermark) {
        let number = |key: &str| here.position.get(key).and_then(|text| text.parse::<u64>().ok());
        let Some(committed) = number(COMMITTED) else { return };
        let unseen = self.on_unseen.then_some(committed);
        let shown = number(CHANGED).max(self.changed).max(unseen);
        here.position.extend(shown.map(|number| (CHANGED.to_owned(), number.to_string())));
    }
}

/// Where the server stands, to be taken before a read, and the sentence to report where a read that follows `last` cannot
/// vouch for who is not there.
///
/// # Errors
/// Where it could not be asked.
pub(super) async fn standing(
    session: &Session,
    last: Option<&Watermark>,
    bases: &[Dn],
    (now, budget): (Timestamp, &Budget),
) -> Result<(Option<Watermark>, Option<String>), ReadError> {
    let here = position::watermark(session, bases, now, budget).await?;
    let lags = lags(session, last, here.as_ref(), bases, (now, budget)).await?;
    let problem = position::went_back(last, here.as_ref(), now).or(lags);
    Ok((here, problem))
}

/// The sentence to report where this is another controller than the one read last, and not known to have caught up.
///
/// # Errors
/// Where it could not be asked.
pub(super) async fn lags(
    session: &Session,
    last: Option<&Watermark>,
    here: Option<&Watermark>,
    bases: &[Dn],
    (now, budget): (Timestamp, &Budget),
) -> Result<Option<String>, ReadError> {
    let Some(last) = last.filter(|last| session.kind == Kind::ActiveDirectory && is_other(last, here)) else {
        return Ok(None);
    };
    let Ok(server) = last.server.parse() else { return Ok(None) };
    let mut received = None;
    for (number, context) in contexts(session, bases).into_iter().enumerate() {
        let all = vector(session, context, budget).await?;
        let from_there = all.and_then(|all| all.get(&server).copied());
        received = if number == 0 { from_there } else { received.min(from_there) };
    }
    Ok(judge(last, received, now).map(|why| {
        format!(
            "{} is another domain controller than the one read before ({server}), and {why}",
            session.connection.url
        )
    }))
}

fn is_other(last: &Watermark, here: Option<&Watermark>) -> bool {
    here.is_none_or(|here| here.server != last.server)
}

/// The naming contexts of the bases, each once.
fn contexts<'a>(session: &'a Session, bases: &[Dn]) -> Vec<&'a Dn> {
    let mut contexts: Vec<&Dn> = bases.iter().filter_map(|base| session.root.context_of(base)).collect();
    contexts.sort_unstable();
    contexts.dedup();
    contexts
}

async fn vector(session: &Session, context: &Dn, budget: &Budget) -> Result<Option<BTreeMap<Anchor, u64>>, ReadError> {
    let doing = "Could not find out what the server has got from others";
    let entry = session.connection.entry(doing, context.as_str(), &[RECEIVED.to_owned()], budget).await?;
    Ok(entry.as_ref().and_then(|entry| cursors(entry.first(RECEIVED)?)))
}

/// Why a read cannot vouch for who is not there; `received`: up to which update of the last server this one has all.
fn judge(last: &Watermark, received: Option<u64>, now: Timestamp) -> Option<String> {
    let shown: Option<u64> = last.position.get(CHANGED).and_then(|text| text.parse().ok());
    let why = match (shown, received) {
        _ if position::is_old(last, now) => return None,
        (None, _) => return None,
        (Some(shown), Some(received)) if received >= shown => return None,
        (Some(shown), Some(received)) => {
            format!("lags behind it: it has its changes up to {received}, and {shown} was seen there")
        }
        (Some(_), None) => format!("does not say what it has got from that one ({RECEIVED})"),
    };
    Some(format!("{why}. Nobody leaves until it has caught up, or a day has passed since the last whole read"))
}

/// The highest update received from each server, by its invocationId (MS-DRSR `UPTODATE_VECTOR_V1_EXT` and `_V2_EXT`: version,
/// a gap, the number of cursors, a gap; a cursor is a GUID, a number and in version 2 a time).
fn cursors(bytes: &[u8]) -> Option<BTreeMap<Anchor, u64>> {
    let (head, mut rest) = bytes.split_at_checked(16)?;
    let number = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let size = match number(0)? {
        1 => 24,
        2 => 32,
        _ => return None,
    };
    let mut cursors = BTreeMap::new();
    for _ in 0..number(8)? {
        let (cursor, others) = rest.split_at_checked(size)?;
        let server = Anchor::from_guid_le(cursor[..16].try_into().ok()?);
        cursors.insert(server, u64::from_le_bytes(cursor[16..24].try_into().ok()?));
        rest = others;
    }
    Some(cursors)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "b0d2cb60-8c41-4abf-b5d5-ed7252ccad07";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn last(shown: Option<u64>) -> Watermark {
        let position = shown.map(|shown| (CHANGED.to_owned(), shown.to_string())).into_iter().collect();
        Watermark { server: SERVER.to_owned(), position, at: Some(at(0)) }
    }

    #[test]
    fn a_controller_can_vouch_once_it_has_got_what_was_seen_on_the_other() {
        assert_eq!(judge(&last(Some(4107)), Some(4107), at(60)), None);
        let behind = judge(&last(Some(4107)), Some(4106), at(60)).unwrap();
        assert!(behind.contains("4106") && behind.contains("4107"), "{behind}");
        let silent = judge(&last(Some(4107)), None, at(60)).unwrap();
        assert!(silent.contains("replUpToDateVector"), "{silent}");
    }

    #[test]
    fn a_controller_that_died_with_its_last_changes_stops_its_heirs_for_a_day() {
        for received in [Some(4106), None] {
            assert!(judge(&last(Some(4107)), received, at(24 * 3600 - 1)).is_some());
            assert_eq!(judge(&last(Some(4107)), received, at(24 * 3600)), None);
        }
    }

    #[test]
    fn of_a_read_that_showed_no_numbers_nothing_can_be_missing() {
        assert_eq!(judge(&last(None), None, at(60)), None);
        assert_eq!(judge(&Watermark { at: None, ..last(Some(1)) }, None, at(60)), None);
    }

    /// As Samba 4.17 wrote it on a second controller: one cursor, number 4084.
    const SAMBAS: &str = "02000000000000000100000000000000\
        60cbd2b0418cbf4ab5d5ed7252ccad07f40f000000000000803ed5deb19d0100";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_vector_is_read_in_both_its_versions_and_cut_short_is_none() {
        let mut vector = bytes(SAMBAS);
        let read = BTreeMap::from([(SERVER.parse().unwrap(), 4084)]);
        assert_eq!(cursors(&vector), Some(read.clone()));
        for length in 0..vector.len() {
            assert_eq!(cursors(&vector[..length]), None, "{length} bytes");
        }
        vector[0] = 1;
        assert_eq!(cursors(&vector[..40]), Some(read));
        vector[0] = 3;
        assert_eq!(cursors(&vector), None);
    }
}
