//! Messages that were not sent yet. They come with the end of a cycle, in its transaction.

use jiff::Timestamp;
use rusqlite::{Result, Row, Transaction, params};
use uuid::Uuid;

use super::State;
use super::requests::set_note;
use super::values::{json, time, to_json};
use crate::model::notice::{News, Parcel};
use crate::ports::{Outbox, StateError};

/// Stores what a cycle leaves to be told. None: nobody is told anything from here on.
pub(super) fn keep(transaction: &Transaction<'_>, news: Option<&News>, now: Timestamp) -> Result<()> {
    let Some(news) = news else {
        transaction.execute("DELETE FROM outbox", [])?;
        return set_note(transaction, "told", None);
    };
    let sql = "INSERT INTO outbox (message, channel_json, notice_json, next_at) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = transaction.prepare_cached(sql)?;
    for notice in &news.notices {
        let message = Uuid::new_v4().simple().to_string();
        let notice = to_json(notice)?;
        for channel in &news.channels {
            insert.execute(params![message, to_json(channel)?, notice, now.as_second()])?;
        }
    }
    set_note(transaction, "told", Some(&to_json(&news.told)?))
}

impl Outbox for State {
    fn parcels(&self) -> std::result::Result<Vec<Parcel>, StateError> {
        self.read("looking for messages to be sent", |connection| {
            let sql =
                "SELECT id, message, channel_json, notice_json, attempts, next_at, refused FROM outbox ORDER BY id";
            connection.prepare_cached(sql)?.query_map([], parcel)?.collect()
        })
    }

    fn parcel_done(&mut self, id: i64) -> std::result::Result<(), StateError> {
        self.write("parcel_done", "storing that a message was sent", |transaction| {
            transaction.execute("DELETE FROM outbox WHERE id = ?1", [id])?;
            Ok(())
        })
    }

    fn postpone_parcels(&mut self, ids: &[i64], next: Timestamp) -> std::result::Result<(), StateError> {
        self.write("postpone_parcels", "storing that messages could not be sent", |transaction| {
            let mut postpone = transaction.prepare_cached("UPDATE outbox SET next_at = ?2 WHERE id = ?1")?;
            for id in ids {
                postpone.execute(params![id, next.as_second()])?;
            }
            Ok(())
        })
    }

    fn parcel_failed(&mut self, id: i64, next: Timestamp, refused: bool) -> std::result::Result<(), StateError> {
        self.write("parcel_failed", "storing that a message could not be sent", |transaction| {
            let sql = "UPDATE outbox SET attempts = attempts + 1, next_at = ?2, refused = ?3 WHERE id = ?1";
            transaction.execute(sql, params![id, next.as_second(), refused])?;
            Ok(())
        })
    }
}

fn parcel(row: &Row<'_>) -> Result<Parcel> {
    Ok(Parcel {
        id: row.get(0)?,
        message: row.get(1)?,
        channel: json(row, 2)?,
        notice: json(row, 3)?,
        attempts: row.get(4)?,
        next: time(row, 5)?,
        refused: row.get(6)?,
    })
}
