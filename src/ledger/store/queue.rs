//! Somebody's place in a queue, without loading the queue.

use rusqlite::{Connection, OptionalExtension as _, named_params};

use crate::ledger::LedgerError;
use crate::ledger::error::Doing;

/// Places the ledger may fill, as `Account::is_served` has it.
const SERVED: &str = "(s.ours = 1 OR EXISTS (SELECT 1 FROM account AS o
    WHERE o.company = s.company AND o.id = s.account AND o.directory IS NOT NULL))";

/// What decides last: as `Account::claimant` has it.
const ANCHOR: &str = "CASE WHEN a.directory IS NULL
    THEN printf('00000000-0000-0000-%04x-%012x', a.id >> 48, a.id & 281474976710655) ELSE a.anchor END";

/// So many at most are counted from the end: who is asked about came last, mostly.
const FEW: i64 = 500;

/// Which part of the queue.
#[derive(Clone, Copy)]
enum Side {
    Before,
    Behind,
}

/// Values that decide the order (`plan::seats::order`), of one place.
struct Place {
    rank: i64,
    approved: bool,
    since: String,
    created: String,
    anchor: String,
    directory: String,
}

/// The place of an account in the queue of a pool, from 1; none where it does not wait.
pub(super) fn position(
    connection: &Connection,
    company: &str,
    id: i64,
    pool: &str,
) -> Result<Option<u32>, LedgerError> {
    let found = place(connection, company, id, pool).and_then(|place| match place {
        Some(place) => count(connection, company, pool, &place).map(Some),
        None => Ok(None),
    });
    Ok(found
        .doing(|| format!("looking up the place of account {id}"))?
        .map(|place| u32::try_from(place).unwrap_or(u32::MAX)))
}

fn place(connection: &Connection, company: &str, id: i64, pool: &str) -> rusqlite::Result<Option<Place>> {
    let sql = format!(
        "SELECT s.rank, s.approved, s.since, s.created, {ANCHOR}, coalesce(a.directory, '')
         FROM assignment AS s JOIN account AS a ON a.company = s.company AND a.id = s.account
         WHERE s.company = ?1 AND s.account = ?2 AND s.pool = ?3 AND s.state = 'waiting' AND {SERVED}"
    );
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Place {
            rank: row.get(0)?,
            approved: row.get(1)?,
            since: row.get(2)?,
            created: row.get(3)?,
            anchor: row.get(4)?,
            directory: row.get(5)?,
        })
    };
    connection.prepare_cached(&sql)?.query_row((company, id, pool), read).optional()
}

fn count(connection: &Connection, company: &str, pool: &str, place: &Place) -> rusqlite::Result<i64> {
    let behind = side(connection, company, pool, place, Side::Behind, FEW)?;
    if behind < FEW {
        return Ok(all(connection, company, pool)? - behind);
    }
    Ok(1 + side(connection, company, pool, place, Side::Before, i64::MAX)?)
}

/// Everybody with a place that may be filled. The counter counts the others, too; there are hardly any.
fn all(connection: &Connection, company: &str, pool: &str) -> rusqlite::Result<i64> {
    let sql = format!(
        "SELECT waiting - (SELECT count(*) FROM assignment AS s INDEXED BY assignment_by_hand
             WHERE s.company = ?1 AND s.pool = ?2 AND s.state = 'waiting' AND s.ours = 0 AND NOT {SERVED})
         FROM pool WHERE company = ?1 AND name = ?2"
    );
    connection.prepare_cached(&sql)?.query_row((company, pool), |row| row.get(0))
}

fn side(
    connection: &Connection,
    company: &str,
    pool: &str,
    place: &Place,
    side: Side,
    limit: i64,
) -> rusqlite::Result<i64> {
    // Who is approved comes first, though 1 is more than 0.
    let (less, more) = match side {
        Side::Before => ("<", ">"),
        Side::Behind => (">", "<"),
    };
    let queue = format!("s.company = :company AND s.pool = :pool AND s.state = 'waiting' AND {SERVED}");
    let sql = format!(
        "SELECT count(*) FROM (
         SELECT 1 FROM assignment AS s WHERE {queue} AND s.rank {less} :rank
         UNION ALL
         SELECT 1 FROM assignment AS s WHERE {queue} AND s.rank = :rank AND s.approved {more} :approved
         UNION ALL
         SELECT 1 FROM assignment AS s
         WHERE {queue} AND s.rank = :rank AND s.approved = :approved AND s.since {less} :since
         UNION ALL
         SELECT 1 FROM assignment AS s
         WHERE {queue} AND s.rank = :rank AND s.approved = :approved AND s.since = :since AND s.created {less} :created
         UNION ALL
         SELECT 1 FROM assignment AS s JOIN account AS a ON a.company = s.company AND a.id = s.account
         WHERE {queue} AND s.rank = :rank AND s.approved = :approved AND s.since = :since AND s.created = :created
             AND ({ANCHOR}, coalesce(a.directory, '')) {less} (:anchor, :directory)
         LIMIT :limit)"
    );
    let Place { rank, approved, since, created, anchor, directory } = place;
    let parameters = named_params! {
        ":company": company, ":pool": pool, ":rank": rank, ":approved": approved, ":since": since,
        ":created": created, ":anchor": anchor, ":directory": directory, ":limit": limit,
    };
    connection.prepare_cached(&sql)?.query_row(parameters, |row| row.get(0))
}
