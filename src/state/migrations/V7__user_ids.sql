PRAGMA user_version = 7;

-- By which user id groups list somebody, for finding who had an id that nobody has any more.
CREATE INDEX facts_uid ON facts (directory, judgement_json ->> 'uid') WHERE judgement_json ->> 'uid' IS NOT NULL;

-- User ids by which groups list people still who have another one now.
CREATE TABLE former_uid (
    directory INTEGER NOT NULL REFERENCES directory,
    anchor    BLOB NOT NULL,
    uid       TEXT NOT NULL,
    PRIMARY KEY (directory, uid, anchor)
) STRICT, WITHOUT ROWID;
