//! Every option of the config, section by section: what this version reads, and what only a later one will.
//!
//! A key that is in no list is refused with the nearest one; a reader refuses to leave a key of a list unread.

/// The keys of one table.
#[derive(Debug)]
pub struct Section {
    /// As the file spells the table, for people.
    pub name: &'static str,
    pub keys: &'static [&'static str],
    /// Keys of later versions, and what there is instead.
    pub later: &'static [(&'static str, &'static str)],
    /// Values of later versions: key, value, and what there is instead.
    pub later_values: &'static [(&'static str, &'static str, &'static str)],
}

impl Section {
    /// A table of which nothing is left to a later version.
    const fn plain(name: &'static str, keys: &'static [&'static str]) -> Self {
        Self { name, keys, later: NOTHING_LATER, later_values: NO_LATER_VALUES }
    }

    /// What there is instead of a key that only a later version reads.
    pub fn later_key(&self, key: &str) -> Option<&'static str> {
        self.later.iter().find(|(later, _)| *later == key).map(|(_, instead)| *instead)
    }

    /// What there is instead of a value that only a later version knows.
    pub fn later_value(&self, key: &str, value: &str) -> Option<&'static str> {
        self.later_values.iter().find(|later| (later.0, later.1) == (key, value)).map(|(_, _, instead)| *instead)
    }
}

const NOTHING_LATER: &[(&str, &str)] = &[];
const NO_LATER_VALUES: &[(&str, &str, &str)] = &[];
const LEDGERS_ONLY: &str = "\"embedded\" and \"ledger\" are there";
const NOT_A_LEDGERS: &str = "no backend of this version has it: kind = \"ledger\" needs company, url and token";

pub const ROOT: Section = Section {
    name: "the config",
    keys: &["agent", "directory", "pool", "seats", "leavers", "guard", "backend", "log", "status", "notify", "ledger"],
    later: NOTHING_LATER,
    later_values: NO_LATER_VALUES,
};

pub const AGENT: Section = Section {
    name: "[agent]",
    keys: &["name", "state_dir", "poll", "full", "dry_run"],
    later: &[("push", "a cycle every `poll` finds what changed")],
    later_values: NO_LATER_VALUES,
};

pub const DIRECTORY: Section = Section {
    name: "[[directory]]",
    keys: &[
        "name",
        "kind",
        "url",
        "path",
        "ca_file",
        "start_tls",
        "allow_plaintext",
        "bind",
        "bind_dn",
        "bind_password",
        "base",
        "filter",
        "groups",
        "exclude_groups",
        "page_size",
        "timeout",
        "attributes",
    ],
    later: &[
        ("keytab", "bind = \"simple\" with bind_dn and bind_password"),
        ("principal", "bind = \"simple\" with bind_dn and bind_password"),
        ("client_cert", "bind = \"simple\" with bind_dn and bind_password"),
        ("client_key", "bind = \"simple\" with bind_dn and bind_password"),
    ],
    later_values: &[
        ("kind", "389ds", "\"active-directory\", \"openldap\" and \"ldif\" are there"),
        ("bind", "kerberos", "\"simple\" and \"anonymous\" are there"),
        ("bind", "external", "\"simple\" and \"anonymous\" are there"),
    ],
};

/// What only a ledger has that is asked over HTTP.
pub const HTTP_KEYS: &[&str] = &["url", "token", "ca_file", "timeout"];

/// What only a server has, and an LDIF file has not.
pub const SERVER_KEYS: &[&str] =
    &["url", "ca_file", "start_tls", "allow_plaintext", "bind", "bind_dn", "bind_password", "page_size", "timeout"];

pub const ATTRIBUTES: Section = Section::plain(
    "[directory.attributes]",
    &["user_name", "email", "given_name", "family_name", "display_name", "anchor"],
);

pub const SECRET: Section = Section::plain("a secret", &["file", "env", "credential", "dpapi"]);

pub const POOL: Section = Section::plain("[[pool]]", &["name", "groups", "priority", "fallback", "seats"]);

pub const SEATS: Section = Section::plain("[seats]", &["match", "joiners", "promotion", "approved_domains"]);

pub const LEAVERS: Section =
    Section::plain("[leavers]", &["disabled", "deleted", "out_of_scope", "remove_after", "suspended_keeps_seat"]);

pub const GUARD: Section = Section::plain("[guard]", &["percent", "floor", "window", "confirm_within"]);

pub const BACKEND: Section = Section {
    name: "[backend]",
    keys: &["kind", "company", "path", "url", "token", "ca_file", "timeout", "adopt", "drift"],
    later: &[
        ("token_url", NOT_A_LEDGERS),
        ("tenant", NOT_A_LEDGERS),
        ("client_id", NOT_A_LEDGERS),
        ("client_secret", NOT_A_LEDGERS),
        ("client_cert", NOT_A_LEDGERS),
        ("usage_location", NOT_A_LEDGERS),
        ("create_users", NOT_A_LEDGERS),
        ("concurrency", "a ledger takes one batch at a time"),
    ],
    later_values: &[
        ("kind", "scim", LEDGERS_ONLY),
        ("kind", "microsoft-graph", LEDGERS_ONLY),
        ("kind", "hubspot", LEDGERS_ONLY),
    ],
};

pub const LOG: Section = Section::plain("[log]", &["format", "level"]);

pub const STATUS: Section = Section::plain("[status]", &["listen", "tls_cert", "tls_key", "token"]);

pub const NOTIFY: Section = Section::plain("[notify]", &["webhook", "email", "after_failures", "digest"]);

pub const WEBHOOK: Section = Section::plain("[notify.webhook]", &["url", "secret", "ca_file"]);

pub const EMAIL: Section = Section::plain("[notify.email]", &["smtp", "ca_file", "user", "password", "from", "to"]);

pub const LEDGER: Section = Section::plain("[ledger]", &["listen", "tls_cert", "tls_key", "database", "first", "smtp"]);

pub const FIRST: Section = Section::plain("[ledger.first]", &["company", "pool", "seats", "token_file"]);

pub const SMTP: Section = Section::plain("[ledger.smtp]", &["url", "ca_file", "from", "user", "password"]);

/// Tables without which there is no agent: a config that has none of them is a ledger's alone.
pub const OF_AN_AGENT: &[&str] =
    &["agent", "directory", "pool", "seats", "leavers", "guard", "backend", "status", "notify"];

/// Every table, to tell where a misplaced key belongs.
pub const ALL: &[&Section] = &[
    &ROOT,
    &AGENT,
    &DIRECTORY,
    &ATTRIBUTES,
    &SECRET,
    &POOL,
    &SEATS,
    &LEAVERS,
    &GUARD,
    &BACKEND,
    &LOG,
    &STATUS,
    &NOTIFY,
    &WEBHOOK,
    &EMAIL,
    &LEDGER,
    &FIRST,
    &SMTP,
];
