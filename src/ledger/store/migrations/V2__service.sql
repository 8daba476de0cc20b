-- What the ledger needs to serve companies over HTTP: settings, terms of pools, events, mail, tokens.

ALTER TABLE company ADD COLUMN tier TEXT NOT NULL DEFAULT 'advanced' CHECK (tier IN ('standard', 'advanced'));
-- A JSON list, case-folded; empty: any mail domain.
ALTER TABLE company ADD COLUMN approved_domains TEXT;
-- How a connector last said that pools are settled: JSON.
ALTER TABLE company ADD COLUMN allocation TEXT;
ALTER TABLE company ADD COLUMN renewal_at TEXT;
ALTER TABLE company ADD COLUMN renewal_every TEXT CHECK (renewal_every IN ('month', 'year'));
ALTER TABLE company ADD COLUMN confirmation_mail INTEGER NOT NULL DEFAULT 1 CHECK (confirmation_mail IN (0, 1));
-- Number of the last event; there is none for numbers that are lower and gone.
ALTER TABLE company ADD COLUMN last_event INTEGER NOT NULL DEFAULT 0;
-- The lease: the latest epoch ever given, and who has it.
ALTER TABLE company ADD COLUMN lease_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE company ADD COLUMN lease_holder TEXT;
ALTER TABLE company ADD COLUMN lease_connector TEXT;
ALTER TABLE company ADD COLUMN lease_expires TEXT;

ALTER TABLE pool ADD COLUMN min_seats INTEGER NOT NULL DEFAULT 0 CHECK (min_seats BETWEEN 0 AND 4294967295);
ALTER TABLE pool ADD COLUMN reduction_seats INTEGER CHECK (reduction_seats BETWEEN 0 AND 4294967295);
ALTER TABLE pool ADD COLUMN reduction_at TEXT;
ALTER TABLE pool ADD COLUMN reduction_since TEXT;
-- A config file says how many seats there are. Until now that was so for every pool.
ALTER TABLE pool ADD COLUMN config_owned INTEGER NOT NULL DEFAULT 0 CHECK (config_owned IN (0, 1));
UPDATE pool SET config_owned = 1;

CREATE INDEX pool_reduction ON pool (company, reduction_at) WHERE reduction_at IS NOT NULL;

ALTER TABLE account ADD COLUMN invitation TEXT NOT NULL DEFAULT 'none'
    CHECK (invitation IN ('none', 'mailed', 'accepted'));
ALTER TABLE account ADD COLUMN last_active TEXT;

CREATE INDEX account_external ON account (company, external) WHERE external IS NOT NULL;
CREATE INDEX account_anchor ON account (company, anchor) WHERE anchor IS NOT NULL;

-- SHA-256 of the request that brought the batch; none where it came from the config's own agent.
ALTER TABLE batch ADD COLUMN request TEXT;

CREATE TABLE policy (
    company  TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    advanced INTEGER NOT NULL CHECK (advanced IN (0, 1)),
    enabled  INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    PRIMARY KEY (company, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE connector (
    company TEXT NOT NULL,
    name    TEXT NOT NULL,
    added   TEXT NOT NULL,
    PRIMARY KEY (company, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    id        TEXT NOT NULL PRIMARY KEY,
    company   TEXT NOT NULL,
    role      TEXT NOT NULL CHECK (role IN ('connector', 'approver', 'admin')),
    connector TEXT,
    label     TEXT NOT NULL,
    -- SHA-256 of the secret half, in hexadecimal. The secret itself is kept nowhere.
    hash      TEXT NOT NULL,
    made      TEXT NOT NULL,
    expires   TEXT,
    -- When its connector was removed: whoever still has it is told so.
    ended     TEXT,
    CHECK ((role = 'connector') = (connector IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX token_company ON token (company, id);

CREATE TABLE event (
    company TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    at      TEXT    NOT NULL,
    type    TEXT    NOT NULL,
    account INTEGER,
    pool    TEXT,
    -- A JSON object, where there is more to say.
    data    TEXT,
    PRIMARY KEY (company, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_at ON event (company, at);

-- Answers to requests with an idempotency key, other than batches.
CREATE TABLE request (
    company TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    at      TEXT    NOT NULL,
    -- SHA-256 of what was asked.
    request TEXT    NOT NULL,
    status  INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    PRIMARY KEY (company, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX request_at ON request (company, at);

-- Confirmation mails that are still to be sent.
CREATE TABLE mail (
    id       INTEGER PRIMARY KEY,
    company  TEXT    NOT NULL,
    account  INTEGER NOT NULL,
    pool     TEXT    NOT NULL,
    made     TEXT    NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due      TEXT    NOT NULL
) STRICT;

CREATE INDEX mail_due ON mail (due);
