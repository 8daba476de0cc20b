-- The licence ledger. Many companies in one file; everything is found by company first.
-- Times are RFC 3339 in UTC. A row may be written by hand: what is left out has a sensible default, and what the agent
-- did not ask for is not its own (account.directory and anchor empty, assignment.ours = 0).

PRAGMA application_id = 1399152972;

CREATE TABLE company (
    name         TEXT    NOT NULL PRIMARY KEY,
    -- Numbers of deleted accounts are not used again.
    next_account INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

CREATE TABLE pool (
    company TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    seats   INTEGER NOT NULL DEFAULT 0 CHECK (seats BETWEEN 0 AND 4294967295),
    -- Counted by the triggers below, and checked by every full read.
    held    INTEGER NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (company, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    company          TEXT    NOT NULL REFERENCES company (name),
    id               INTEGER NOT NULL CHECK (id > 0),
    -- Whose account it is: both set on managed accounts only.
    directory        TEXT,
    anchor           TEXT CHECK (anchor = lower(anchor)),
    -- What an unmanaged account carries as external id.
    external         TEXT,
    adopted          INTEGER NOT NULL DEFAULT 0 CHECK (adopted IN (0, 1)),
    user_name        TEXT    NOT NULL,
    email            TEXT    NOT NULL,
    given_name       TEXT,
    family_name      TEXT,
    display_name     TEXT,
    -- Case-folded as Unicode does it. Left out or stale after a change by hand: set right by the next full read.
    user_name_folded TEXT,
    email_folded     TEXT,
    suspended        INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1)),
    -- 'agent', or another hand.
    suspended_by     TEXT,
    suspended_at     TEXT,
    suspended_cause  TEXT,
    PRIMARY KEY (company, id),
    CHECK ((directory IS NULL) = (anchor IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX account_owner ON account (company, directory, anchor);
CREATE UNIQUE INDEX account_user_name ON account (company, user_name_folded);
CREATE UNIQUE INDEX account_email ON account (company, email_folded);

CREATE TABLE assignment (
    company      TEXT    NOT NULL,
    account      INTEGER NOT NULL,
    pool         TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('held', 'waiting', 'denied', 'past')),
    -- Counts only where state is waiting or past.
    reason       TEXT CHECK (reason IN ('no_seat', 'approval_required', 'domain_not_approved', 'removed_elsewhere')),
    since        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    created      TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    rank         INTEGER NOT NULL DEFAULT 4294967295 CHECK (rank BETWEEN 0 AND 4294967295),
    approved     INTEGER NOT NULL DEFAULT 0 CHECK (approved IN (0, 1)),
    fallback_for TEXT,
    -- A JSON list of pools.
    instead_of   TEXT,
    ours         INTEGER NOT NULL DEFAULT 0 CHECK (ours IN (0, 1)),
    PRIMARY KEY (company, account, pool)
) STRICT, WITHOUT ROWID;

CREATE INDEX assignment_waiting ON assignment (company, account) WHERE state = 'waiting';

-- One row for each batch carried out: the same key again gets the same outcomes.
CREATE TABLE batch (
    company  TEXT NOT NULL,
    key      TEXT NOT NULL,
    at       TEXT NOT NULL,
    outcomes TEXT NOT NULL,
    PRIMARY KEY (company, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX batch_at ON batch (company, at);

-- Changes the guard counts.
CREATE TABLE guard_mark (
    company   TEXT    NOT NULL,
    directory TEXT    NOT NULL,
    anchor    TEXT    NOT NULL,
    kind      TEXT    NOT NULL CHECK (kind IN ('leaving', 'renaming')),
    -- Whose seat was lost where the account stayed, else ''.
    pool      TEXT    NOT NULL DEFAULT '',
    at        TEXT    NOT NULL,
    confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
    PRIMARY KEY (company, directory, anchor, kind, pool, at)
) STRICT, WITHOUT ROWID;

CREATE INDEX guard_mark_at ON guard_mark (company, at);

CREATE TABLE confirmation (
    company     TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    changes     TEXT NOT NULL,
    expires     TEXT NOT NULL,
    PRIMARY KEY (company, fingerprint)
) STRICT, WITHOUT ROWID;

-- The counts follow every change of an assignment, also one made by hand. No "OR IGNORE" here: in a trigger an outer
-- INSERT OR REPLACE would override it, and replace the pool.
CREATE TRIGGER assignment_inserted AFTER INSERT ON assignment BEGIN
    INSERT INTO pool (company, name) SELECT NEW.company, NEW.pool
        WHERE NOT EXISTS (SELECT 1 FROM pool WHERE company = NEW.company AND name = NEW.pool);
    UPDATE pool SET held = held + (NEW.state = 'held'), waiting = waiting + (NEW.state = 'waiting')
        WHERE company = NEW.company AND name = NEW.pool AND NEW.state IN ('held', 'waiting');
END;

CREATE TRIGGER assignment_changed AFTER UPDATE OF company, pool, state ON assignment
WHEN OLD.state <> NEW.state OR OLD.pool <> NEW.pool OR OLD.company <> NEW.company BEGIN
    UPDATE pool SET held = held - (OLD.state = 'held'), waiting = waiting - (OLD.state = 'waiting')
        WHERE company = OLD.company AND name = OLD.pool;
    INSERT INTO pool (company, name) SELECT NEW.company, NEW.pool
        WHERE NOT EXISTS (SELECT 1 FROM pool WHERE company = NEW.company AND name = NEW.pool);
    UPDATE pool SET held = held + (NEW.state = 'held'), waiting = waiting + (NEW.state = 'waiting')
        WHERE company = NEW.company AND name = NEW.pool;
END;

CREATE TRIGGER assignment_deleted AFTER DELETE ON assignment WHEN OLD.state IN ('held', 'waiting') BEGIN
    UPDATE pool SET held = held - (OLD.state = 'held'), waiting = waiting - (OLD.state = 'waiting')
        WHERE company = OLD.company AND name = OLD.pool;
END;

-- Triggers instead of foreign keys: the sqlite3 shell leaves those off.
CREATE TRIGGER assignment_needs_account BEFORE INSERT ON assignment
WHEN NOT EXISTS (SELECT 1 FROM account WHERE company = NEW.company AND id = NEW.account) BEGIN
    SELECT RAISE(ABORT, 'an assignment needs an account');
END;

CREATE TRIGGER account_deleted AFTER DELETE ON account BEGIN
    DELETE FROM assignment WHERE company = OLD.company AND account = OLD.id;
END;

-- Whoever lifts a suspension by hand lifts all of it: the next one is not the agent's.
CREATE TRIGGER account_resumed AFTER UPDATE OF suspended ON account
WHEN NEW.suspended = 0 AND NEW.suspended_by IS NOT NULL BEGIN
    UPDATE account SET suspended_by = NULL, suspended_at = NULL, suspended_cause = NULL
        WHERE company = NEW.company AND id = NEW.id;
END;
