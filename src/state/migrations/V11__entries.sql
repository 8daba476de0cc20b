PRAGMA user_version = 11;

-- How an entry looked when it was last taken in, so that a read can tell who is as before. Not known until the next full cycle,
-- which writes every row anew: their digests are others now.
ALTER TABLE person ADD COLUMN entry BLOB;
