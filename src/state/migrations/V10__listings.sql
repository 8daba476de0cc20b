PRAGMA user_version = 10;

-- By what groups name people, where the config names groups: found by index. place: a digest of the DN. uid: the first of them.
-- Rows of before have none of it until the next full cycle, which writes every row anew: their digests are others now.
ALTER TABLE facts ADD COLUMN place BLOB;
ALTER TABLE facts ADD COLUMN uid TEXT;
ALTER TABLE facts ADD COLUMN primary_group INTEGER;
CREATE INDEX facts_place ON facts (directory, place) WHERE place IS NOT NULL;
CREATE INDEX facts_own_uid ON facts (directory, uid) WHERE uid IS NOT NULL;
CREATE INDEX facts_primary_group ON facts (directory, primary_group) WHERE primary_group IS NOT NULL;

-- Of who has several user ids, the others.
CREATE TABLE further_uid (
    directory INTEGER NOT NULL REFERENCES directory,
    anchor    BLOB NOT NULL,
    uid       TEXT NOT NULL,
    PRIMARY KEY (directory, anchor, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX further_uid_uid ON further_uid (directory, uid);
