PRAGMA application_id = 1397047636;
PRAGMA user_version = 1;

-- Times are Unix seconds, anchors and digests 16 bytes, everything named *_json is serde's JSON of a type of the model.

CREATE TABLE directory (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    read_json      TEXT,
    watermark_json TEXT,
    unreachable    TEXT,
    unreachable_at INTEGER,
    refused_bind   BLOB,
    refused_at     INTEGER
) STRICT;

-- Narrow: read whole by every full cycle. gone: 0 disabled, 1 expired, 2 deleted, 3 out of scope.
CREATE TABLE person (
    directory     INTEGER NOT NULL REFERENCES directory,
    anchor        BLOB NOT NULL,
    digest        BLOB NOT NULL,
    first_seen    INTEGER NOT NULL,
    missing_since INTEGER,
    gone          INTEGER,
    PRIMARY KEY (directory, anchor)
) STRICT, WITHOUT ROWID;

-- Wide: read for single people and by verbs.
CREATE TABLE facts (
    directory      INTEGER NOT NULL REFERENCES directory,
    anchor         BLOB NOT NULL,
    dn             TEXT NOT NULL,
    user_name      TEXT NOT NULL,
    email          TEXT NOT NULL,
    display_name   TEXT,
    judgement_json TEXT NOT NULL,
    PRIMARY KEY (directory, anchor)
) STRICT, WITHOUT ROWID;

CREATE TABLE unidentified (
    directory       INTEGER NOT NULL REFERENCES directory,
    dn              TEXT NOT NULL,
    quarantine_json TEXT NOT NULL
) STRICT;

CREATE TABLE pin (
    directory INTEGER NOT NULL REFERENCES directory,
    key_json  TEXT NOT NULL,
    pin_json  TEXT NOT NULL,
    PRIMARY KEY (directory, key_json)
) STRICT, WITHOUT ROWID;

-- Managed accounts, narrow and wide as above.
CREATE TABLE account (
    directory INTEGER NOT NULL REFERENCES directory,
    anchor    BLOB NOT NULL,
    digest    BLOB NOT NULL,
    profile   BLOB NOT NULL,
    held_json TEXT NOT NULL,
    suspended INTEGER NOT NULL,
    PRIMARY KEY (directory, anchor)
) STRICT, WITHOUT ROWID;

CREATE TABLE account_details (
    directory    INTEGER NOT NULL REFERENCES directory,
    anchor       BLOB NOT NULL,
    account_json TEXT NOT NULL,
    PRIMARY KEY (directory, anchor)
) STRICT, WITHOUT ROWID;

-- Accounts that the agent does not manage.
CREATE TABLE stranger (
    id           TEXT PRIMARY KEY,
    digest       BLOB NOT NULL,
    account_json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE taken (
    directory INTEGER NOT NULL REFERENCES directory,
    anchor    BLOB NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (directory, anchor)
) STRICT, WITHOUT ROWID;

-- state: 0 planned, 1 sent, 2 finished. outcomes_json: what the backend said of each step.
CREATE TABLE batch (
    id            INTEGER PRIMARY KEY,
    key           TEXT NOT NULL UNIQUE,
    cycle         INTEGER NOT NULL,
    state         INTEGER NOT NULL DEFAULT 0,
    batch_json    TEXT NOT NULL,
    outcomes_json TEXT
) STRICT;
CREATE INDEX batch_open ON batch (id) WHERE state < 2;
CREATE INDEX batch_cycle ON batch (cycle);

CREATE TABLE request (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    request_json TEXT NOT NULL,
    asked_at     INTEGER NOT NULL,
    expires_at   INTEGER,
    taken        INTEGER NOT NULL DEFAULT 0,
    answer_json  TEXT,
    answered_at  INTEGER
) STRICT;

CREATE TABLE cycle (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    started INTEGER NOT NULL,
    seconds REAL,
    outcome TEXT,
    report  TEXT
) STRICT;

CREATE TABLE confirmation (
    fingerprint       TEXT PRIMARY KEY,
    confirmation_json TEXT NOT NULL,
    expires_at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Single values: heartbeat, held, config_digest.
CREATE TABLE note (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
