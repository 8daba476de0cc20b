PRAGMA user_version = 8;

-- By which a group within a group is found when it is not where it was.
ALTER TABLE nested ADD COLUMN anchor BLOB;
