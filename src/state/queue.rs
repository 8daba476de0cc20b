//! The queue that the agent keeps for a backend without one.

use rusqlite::params;

use super::State;
use super::requests::{note_json, set_note};
use super::values::{json, to_json};
use crate::model::{Account, AccountId};
use crate::ports::StateError;
use crate::ports::plain::{Ledger, QueueMemory};

impl QueueMemory for State {
    fn accounts(&self) -> Result<Vec<Account>, StateError> {
        self.read("reading the queue", |connection| {
            let sql = "SELECT account_json FROM queue_account ORDER BY id";
            connection.prepare(sql)?.query_map([], |row| json(row, 0))?.collect()
        })
    }

    fn ledger(&self) -> Result<Ledger, StateError> {
        self.read("reading what is kept with the queue", |connection| {
            Ok(note_json(connection, "queue")?.unwrap_or_default())
        })
    }

    fn keep(&mut self, changed: &[Account], gone: &[AccountId], ledger: &Ledger) -> Result<(), StateError> {
        self.write("queue", "storing the queue", |transaction| {
            let mut forget = transaction.prepare_cached("DELETE FROM queue_account WHERE id = ?1")?;
            for id in gone {
                forget.execute([&*id.0])?;
            }
            let mut keep = transaction.prepare_cached("INSERT OR REPLACE INTO queue_account VALUES (?1, ?2)")?;
            for account in changed {
                keep.execute(params![&*account.id.0, to_json(account)?])?;
            }
            drop((forget, keep));
            set_note(transaction, "queue", Some(&to_json(ledger)?))
        })
    }
}
