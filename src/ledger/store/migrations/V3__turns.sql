-- Who took the lease last, and the latest epoch that was given to somebody else.
ALTER TABLE company ADD COLUMN lease_others INTEGER NOT NULL DEFAULT 0;
ALTER TABLE company ADD COLUMN lease_last TEXT;
UPDATE company SET lease_others = lease_epoch;

-- The queue of a pool in its order, so that a place in it can be counted; and the places that another hand wrote.
CREATE INDEX assignment_queue ON assignment (company, pool, rank, approved, since, created, ours) WHERE state = 'waiting';
CREATE INDEX assignment_by_hand ON assignment (company, pool) WHERE state = 'waiting' AND ours = 0;
