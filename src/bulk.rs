//! Many rows into a table of SQLite that has none yet.

use rusqlite::{Connection, Result};

/// For fewer rows the indexes stay.
const MANY: usize = 1_000;

/// The indexes of an empty table that many rows are about to come into: they are made after the rows, each at a third of what
/// it takes row by row, in the order of its own. Within a transaction: where it fails, rows and indexes are as they were.
#[must_use = "a table without its indexes"]
#[derive(Debug)]
pub struct SetAside(Vec<String>);

impl SetAside {
    /// Takes the indexes away where the table is empty and the rows are many. No statement may be under way.
    ///
    /// # Errors
    /// Where SQLite fails.
    pub fn of(connection: &Connection, table: &str, rows: usize) -> Result<Self> {
        if rows < MANY || !is_empty(connection, table)? {
            return Ok(Self(Vec::new()));
        }
        let (names, made): (Vec<String>, Vec<String>) = indexes(connection, table)?.into_iter().unzip();
        for name in names {
            connection.execute_batch(&format!("DROP INDEX {name}"))?;
        }
        Ok(Self(made))
    }

    /// Makes them of the rows there are now.
    ///
    /// # Errors
    /// Where SQLite fails: of values that are not unique no unique index can be made.
    pub fn put_back(self, connection: &Connection) -> Result<()> {
        self.0.iter().try_for_each(|sql| connection.execute_batch(sql))
    }
}

fn is_empty(connection: &Connection, table: &str) -> Result<bool> {
    let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {table})");
    connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))
}

/// The names of those that SQL made, with it; not those of a PRIMARY KEY or UNIQUE.
fn indexes(connection: &Connection, table: &str) -> Result<Vec<(String, String)>> {
    let sql =
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL ORDER BY name";
    connection.prepare_cached(sql)?.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE person (id INTEGER, name TEXT UNIQUE); CREATE UNIQUE INDEX by_id ON person (id);",
            )
            .unwrap();
        connection
    }

    fn insert(connection: &Connection, ids: impl Iterator<Item = i64>) -> Result<bool> {
        let mut insert = connection.prepare("INSERT INTO person (id) VALUES (?1)")?;
        // Whether the index is there while rows come.
        let indexed = !indexes(connection, "person")?.is_empty();
        ids.map(|id| insert.execute([id])).collect::<Result<Vec<_>>>()?;
        Ok(indexed)
    }

    fn load_ids(connection: &Connection, ids: impl ExactSizeIterator<Item = i64>) -> Result<bool> {
        let indexes = SetAside::of(connection, "person", ids.len())?;
        let indexed = insert(connection, ids)?;
        indexes.put_back(connection)?;
        Ok(indexed)
    }

    #[test]
    fn the_indexes_of_an_empty_table_are_made_after_many_rows_and_are_as_before() {
        let connection = table();
        let before = indexes(&connection, "person").unwrap();
        assert!(!load_ids(&connection, (0..2_000).collect::<Vec<_>>().into_iter()).unwrap(), "made afterwards");
        assert_eq!(indexes(&connection, "person").unwrap(), before);
        let found: i64 = connection
            .query_row("SELECT id FROM person INDEXED BY by_id WHERE id = 1999", [], |row| row.get(0))
            .unwrap();
        assert_eq!(found, 1_999);
        assert!(insert(&connection, [7].into_iter()).is_err(), "unique again");
    }

    #[test]
    fn they_stay_where_rows_are_few_or_the_table_has_some() {
        let connection = table();
        assert!(load_ids(&connection, vec![1, 2].into_iter()).unwrap(), "few");
        assert!(load_ids(&connection, (10..2_000).collect::<Vec<_>>().into_iter()).unwrap(), "not empty");
    }

    #[test]
    fn values_that_are_not_unique_leave_the_table_as_it_was() {
        let mut connection = table();
        let transaction = connection.transaction().unwrap();
        let twice: Vec<i64> = (0..2_000).chain([5]).collect();
        assert!(load_ids(&transaction, twice.into_iter()).is_err());
        transaction.rollback().unwrap();
        assert!(is_empty(&connection, "person").unwrap());
        assert_eq!(indexes(&connection, "person").unwrap().len(), 1);
    }
}
