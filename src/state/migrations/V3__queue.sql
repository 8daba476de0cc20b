PRAGMA user_version = 3;

-- For backends without a queue: the accounts with all their places, and one row of what is kept besides them.
CREATE TABLE queue_account (
    id           TEXT PRIMARY KEY,
    account_json TEXT NOT NULL
) STRICT, WITHOUT ROWID;
