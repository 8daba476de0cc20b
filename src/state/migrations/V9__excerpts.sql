PRAGMA user_version = 9;

-- What a cycle that looks at changes alone finds people by. Rows of before have none of it until the next full cycle,
-- which writes every row anew: their digests are others now.
ALTER TABLE facts ADD COLUMN naming BLOB;
ALTER TABLE facts ADD COLUMN user_name_folded TEXT;
ALTER TABLE facts ADD COLUMN email_folded TEXT;
ALTER TABLE facts ADD COLUMN due INTEGER;
CREATE INDEX facts_user_name ON facts (user_name_folded);
CREATE INDEX facts_email ON facts (email_folded);
CREATE INDEX facts_due ON facts (directory, due) WHERE due IS NOT NULL;

ALTER TABLE account_details ADD COLUMN user_name_folded TEXT;
ALTER TABLE account_details ADD COLUMN email_folded TEXT;
CREATE INDEX account_user_name ON account_details (user_name_folded);
CREATE INDEX account_email ON account_details (email_folded);
UPDATE account SET digest = zeroblob(16);

-- Groups of the config, and who is in them by which way. digest: of all members.
CREATE TABLE scope_group (
    id        INTEGER PRIMARY KEY,
    directory INTEGER NOT NULL REFERENCES directory,
    key_json  TEXT NOT NULL,
    digest    BLOB NOT NULL,
    UNIQUE (directory, key_json)
) STRICT;

CREATE TABLE way (
    id       INTEGER PRIMARY KEY,
    way_json TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE member (
    scope_group INTEGER NOT NULL REFERENCES scope_group,
    anchor      BLOB NOT NULL,
    way         INTEGER NOT NULL REFERENCES way,
    PRIMARY KEY (scope_group, anchor)
) STRICT, WITHOUT ROWID;

-- Whoever has not just what is asked for.
CREATE TABLE open (
    directory INTEGER NOT NULL REFERENCES directory,
    anchor    BLOB NOT NULL,
    PRIMARY KEY (directory, anchor)
) STRICT, WITHOUT ROWID;
