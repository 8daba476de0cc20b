PRAGMA user_version = 2;

-- Groups within groups that the config names, by where they were read last.
CREATE TABLE nested (
    directory    INTEGER NOT NULL REFERENCES directory,
    dn           TEXT NOT NULL,
    missed_since INTEGER,
    PRIMARY KEY (directory, dn)
) STRICT, WITHOUT ROWID;
