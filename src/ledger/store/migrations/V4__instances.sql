-- Which run of an agent has the lease, and since when: a copy of an agent calls itself as the agent does.
ALTER TABLE company ADD COLUMN lease_instance TEXT;
ALTER TABLE company ADD COLUMN lease_since TEXT;
UPDATE company SET lease_since = lease_expires WHERE lease_holder IS NOT NULL;
