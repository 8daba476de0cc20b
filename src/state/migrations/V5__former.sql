PRAGMA user_version = 5;

-- DNs that groups list still, where nobody is now and somebody was before.
CREATE TABLE former (
    directory INTEGER NOT NULL REFERENCES directory,
    anchor    BLOB NOT NULL,
    dn        TEXT NOT NULL,
    PRIMARY KEY (directory, anchor, dn)
) STRICT, WITHOUT ROWID;
