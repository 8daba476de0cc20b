PRAGMA user_version = 4;

-- Messages that are to be sent, a row for each receiver. What was told is the note "told".
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    message      TEXT NOT NULL,
    channel_json TEXT NOT NULL,
    notice_json  TEXT NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_at      INTEGER NOT NULL,
    refused      INTEGER NOT NULL DEFAULT 0
) STRICT;
