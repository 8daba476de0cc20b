//! The tables of the config, and their keys.

use super::Shape::{Duration, Flag, Number, Path, Secret, Table, Tables, Text, Texts, Words};
use super::Without::{Default, Other, Refused};
use super::later::{self, NO_KEYS, NO_VALUES};
use super::{Key, Section, Shape, Without};

const fn section(name: &'static str, says: &'static str, keys: &'static [Key]) -> Section {
    Section { name, says, keys, later: NO_KEYS, later_values: NO_VALUES }
}

const fn key(name: &'static str, shape: Shape, without: Without, says: &'static str) -> Key {
    Key { name, shape, says, without }
}

/// More than any company buys; a bound so that a slip of the hand is seen.
pub const MOST_SEATS: u32 = 10_000_000;
/// The largest page: Active Directory answers with 1000 at most unless told otherwise, `OpenLDAP` with 500.
const LARGEST_PAGE: u32 = 10_000;

const CA_FILE: &str = "PEM file with the CA of the server's certificate. Left out: those the system trusts.";
const TLS_CERT: &str = "PEM file with the server's certificate and those of its issuers after it. Needed where others than this machine come there.";
const TLS_KEY: &str = "PEM file with the key of tls_cert, which nobody but its owner may read.";

pub const ROOT: Section = section(
    "the config",
    "Config of Seatsync: an agent's, a ledger's, or both.",
    &[
        key("agent", Table(&AGENT), Other, "Who the agent is, where its state lies, how often it makes a cycle."),
        key("directory", Tables(&DIRECTORY), Other, "Where people are read from; one or more."),
        key("pool", Tables(&POOL), Other, "Pools of seats, in order: a person takes the first that matches."),
        key("seats", Table(&SEATS), Other, "How seats are given."),
        key("leavers", Table(&LEAVERS), Other, "What becomes of people who leave."),
        key("guard", Table(&GUARD), Other, "How much may change at once without a person's word."),
        key("backend", Table(&BACKEND), Other, "Who keeps the accounts and seats, and for which company."),
        key("log", Table(&LOG), Other, "What is written to the log."),
        key("status", Table(&STATUS), Other, "Where the running agent shows how it is doing, and to whom."),
        key("notify", Table(&NOTIFY), Other, "Who is told when something begins to be wrong. Left out: nobody."),
        key("ledger", Table(&LEDGER), Other, "What `seatsync ledger serve` serves, and where."),
    ],
);

pub const AGENT: Section = section(
    "[agent]",
    "Who the agent is, where its state lies, how often it makes a cycle.",
    &[
        key("name", Text, Other, "What the agent is called. Left out: the host's name."),
        key(
            "state_dir",
            Path,
            Other,
            "The folder of its state, its own. Left out: /var/lib/seatsync, on Windows %ProgramData%\\Seatsync\\state.",
        ),
        key("poll", Duration(None), Default("5m"), "`run` makes a cycle this often."),
        key("full", Duration(None), Default("24h"), "Everything is read at least this often."),
        key(
            "push",
            Flag,
            Default("true"),
            "A change that the server tells of is followed at once. false: every `poll`.",
        ),
        key("dry_run", Flag, Default("false"), "true: read and plan for ever, change nothing."),
    ],
);

pub const DIRECTORY: Section = Section {
    later: later::DIRECTORY,
    ..section(
        "[[directory]]",
        "Where people are read from, and who of them is considered at all.",
        &[
            key("name", Text, Refused, "A short name for the directory: letters, digits, \"-\", \"_\" and \".\"."),
            key(
                "kind",
                Words(&["active-directory", "openldap", "389ds", "ldif"]),
                Other,
                "What kind of directory it is. Left out: asked of the server.",
            ),
            key(
                "url",
                Texts,
                Other,
                "The servers, tried in this order; \"srv:corp.example\" asks DNS. Not with kind = \"ldif\".",
            ),
            key("path", Path, Other, "The LDIF file. Only with kind = \"ldif\"."),
            key("ca_file", Path, Other, CA_FILE),
            key("start_tls", Flag, Default("false"), "TLS over ldap://."),
            key("allow_plaintext", Flag, Default("false"), "true: a password may cross the wire in the clear."),
            key(
                "bind",
                Words(&["simple", "external", "kerberos", "anonymous"]),
                Default("simple"),
                "How the agent logs on.",
            ),
            key("bind_dn", Text, Other, "Who logs on; in Active Directory also a UPN or DOMAIN\\user."),
            key("bind_password", Secret, Other, "The password of bind_dn."),
            key("client_cert", Path, Other, "PEM file with the certificate of bind = \"external\"."),
            key("client_key", Path, Other, "PEM file with its key, which nobody but its owner may read."),
            key("keytab", Path, Other, "The key of the account that logs on. Only with bind = \"kerberos\", on Linux."),
            key("principal", Text, Other, "Whose key of the keytab it is. Left out: the first there."),
            key("base", Texts, Refused, "The DNs under which people are looked for."),
            key(
                "filter",
                Text,
                Other,
                "And-ed to the kind's own filter for people, such as \"(employeeType=staff)\" (RFC 4515).",
            ),
            key(
                "groups",
                Texts,
                Other,
                "DNs of groups whose members, nested ones too, are considered. Left out: everyone under base.",
            ),
            key("exclude_groups", Texts, Other, "DNs of groups whose members are left out. Left out: none."),
            key("page_size", Number(1, LARGEST_PAGE), Default("1000"), "So many entries are asked for at once."),
            key("timeout", Duration(None), Default("60s"), "This long without an answer is a failure."),
            key(
                "attributes",
                Table(&ATTRIBUTES),
                Other,
                "What the directory calls its attributes. Left out: as the kind does.",
            ),
        ],
    )
};

pub const ATTRIBUTES: Section = section(
    "[directory.attributes]",
    "What the directory calls its attributes: ours = the directory's.",
    &[
        key("user_name", Text, Other, "Left out: userPrincipalName in Active Directory, elsewhere uid."),
        key("email", Text, Default("mail"), "The mail address."),
        key("given_name", Text, Default("givenName"), "The given name."),
        key("family_name", Text, Default("sn"), "The family name."),
        key("display_name", Text, Default("displayName"), "The name that is shown; cn where it has no value."),
        key("anchor", Text, Other, "The immutable id, for migrated domains. Left out: objectGUID, entryUUID."),
    ],
);

pub const SECRET: Section = section(
    "a secret",
    "Where a secret is taken from: one of these.",
    &[
        key("file", Path, Other, "A file that nobody but its owner may read."),
        key("env", Text, Other, "A variable of the environment."),
        key("credential", Text, Other, "A systemd credential."),
        key("dpapi", Text, Other, "What `seatsync secret set` keeps on Windows, by its name."),
    ],
);

pub const POOL: Section = section(
    "[[pool]]",
    "Seats of one kind, and who gets one.",
    &[
        key("name", Text, Refused, "What the pool is called, as the backend names it."),
        key(
            "groups",
            Texts,
            Other,
            "DNs of groups whose members take this pool; \"corp:CN=...\" where the directory is in doubt. Left out: everyone in scope.",
        ),
        key("priority", Texts, Other, "DNs of groups whose members come first when seats are short, in this order."),
        key("fallback", Text, Other, "The pool to take a seat of when this one is full. Left out: wait."),
        key(
            "seats",
            Number(0, MOST_SEATS),
            Other,
            "How many were bought. Only with backend.kind = \"embedded\", and needed there.",
        ),
    ],
);

pub const SEATS: Section = section(
    "[seats]",
    "How seats are given.",
    &[
        key(
            "match",
            Words(&["first", "all"]),
            Default("first"),
            "first: one pool a person; all: every pool that matches.",
        ),
        key("joiners", Words(&["seat", "approve"]), Default("seat"), "approve: a person approves every joiner."),
        key(
            "promotion",
            Words(&["manual", "automatic"]),
            Default("manual"),
            "When who waits gets a freed seat: manual: once approved; automatic: in order.",
        ),
        key(
            "approved_domains",
            Texts,
            Other,
            "People with another mail domain wait. Left out or empty: any domain is approved.",
        ),
    ],
);

const LEAVER_RULES: Shape = Words(&["keep", "suspend", "remove"]);

pub const LEAVERS: Section = section(
    "[leavers]",
    "What becomes of people who leave.",
    &[
        key("disabled", LEAVER_RULES, Default("suspend"), "Of people who are disabled or expired."),
        key("deleted", LEAVER_RULES, Default("suspend"), "Of people who were deleted from the directory."),
        key("out_of_scope", LEAVER_RULES, Default("suspend"), "Of people who are there and no longer in scope."),
        key(
            "remove_after",
            Duration(Some("never")),
            Default("never"),
            "Who left by a rule that says remove is suspended at once, and removed after this time.",
        ),
        key("suspended_keeps_seat", Flag, Default("false"), "true: a suspended account keeps its seat."),
    ],
);

pub const GUARD: Section = section(
    "[guard]",
    "How much may change at once without a person's word.",
    &[
        key(
            "percent",
            Number(0, 100),
            Default("10"),
            "More people than this, of the managed accounts of a directory, leaving or renamed are held back until confirmed.",
        ),
        key("floor", Number(0, 1_000_000), Default("3"), "Up to this many always pass, unless they are everyone."),
        key("window", Duration(None), Default("24h"), "What was changed within this time counts, too."),
        key("confirm_within", Duration(None), Default("24h"), "For so long a confirmation holds."),
    ],
);

pub const BACKEND: Section = Section {
    later: later::BACKEND,
    later_values: later::BACKEND_VALUES,
    ..section(
        "[backend]",
        "Who keeps the accounts and seats, and for which company.",
        &[
            key(
                "kind",
                Words(&["embedded", "ledger"]),
                Refused,
                "embedded: a ledger in a file; ledger: one that is served over HTTP.",
            ),
            key("company", Text, Refused, "Whose seats these are."),
            key("path", Path, Other, "The embedded ledger's file. Left out: ledger/ledger.db beside agent.state_dir."),
            key("url", Text, Other, "Where the ledger is asked. Needed with kind = \"ledger\"."),
            key("token", Secret, Other, "What the agent shows the ledger. Needed with kind = \"ledger\"."),
            key("ca_file", Path, Other, CA_FILE),
            key("timeout", Duration(None), Default("60s"), "This long without an answer is a failure."),
            key(
                "adopt",
                Words(&["none", "anchor", "email"]),
                Default("anchor"),
                "By what accounts that exist already are taken over.",
            ),
            key(
                "drift",
                Words(&["repair", "report"]),
                Default("repair"),
                "What becomes of attributes that another hand changed.",
            ),
        ],
    )
};

pub const LOG: Section = section(
    "[log]",
    "What is written to the log.",
    &[
        key(
            "format",
            Words(&["auto", "text", "json", "journald", "eventlog"]),
            Default("auto"),
            "How a line is written.",
        ),
        key(
            "level",
            Text,
            Default("info"),
            "off, error, warn, info, debug, trace, or by module: \"info,ldap3=debug\".",
        ),
    ],
);

pub const STATUS: Section = section(
    "[status]",
    "Where the running agent shows how it is doing, and to whom.",
    &[
        key(
            "listen",
            Text,
            Default("127.0.0.1:8750"),
            "Address and port of the status page, /metrics, /healthz and /readyz; \"off\": nowhere.",
        ),
        key("tls_cert", Path, Other, TLS_CERT),
        key("tls_key", Path, Other, TLS_KEY),
        key(
            "token",
            Secret,
            Other,
            "What a caller must know, 16 characters or more. Needed where others than this machine come there.",
        ),
    ],
);

pub const NOTIFY: Section = section(
    "[notify]",
    "Who is told when something begins to be wrong, and when it is over.",
    &[
        key("webhook", Table(&WEBHOOK), Other, "Messages by HTTP, signed."),
        key("email", Table(&EMAIL), Other, "Messages by mail."),
        key(
            "after_failures",
            Number(1, 10_000),
            Default("3"),
            "So many cycles in a row make a failure, and its end, worth telling.",
        ),
        key(
            "digest",
            Text,
            Default("08:00"),
            "When the daily digest is due, by this machine's clock; \"off\": there is none.",
        ),
    ],
);

pub const WEBHOOK: Section = section(
    "[notify.webhook]",
    "Messages by HTTP, signed.",
    &[
        key("url", Text, Refused, "Where messages are sent."),
        key(
            "secret",
            Secret,
            Refused,
            "What messages are signed with (Standard Webhooks): \"whsec_\" and 24 bytes or more in base64.",
        ),
        key("ca_file", Path, Other, CA_FILE),
    ],
);

const SMTP_URL: &str =
    "The mail server: smtps://, or smtp://, which begins TLS before anything is said; a port after the host.";
const SMTP_USER: &str = "Who logs in. Left out: nobody does, or the one of the URL.";
const SMTP_PASSWORD: &str = "The password of user.";
const SMTP_FROM: &str = "The sender, such as \"Seatsync <seatsync@corp.example>\".";

pub const EMAIL: Section = section(
    "[notify.email]",
    "Messages by mail.",
    &[
        key("smtp", Text, Refused, SMTP_URL),
        key("ca_file", Path, Other, CA_FILE),
        key("user", Text, Other, SMTP_USER),
        key("password", Secret, Other, SMTP_PASSWORD),
        key("from", Text, Refused, SMTP_FROM),
        key("to", Texts, Refused, "Who is told."),
    ],
);

pub const LEDGER: Section = section(
    "[ledger]",
    "What `seatsync ledger serve` serves, and where.",
    &[
        key("listen", Text, Default("127.0.0.1:8760"), "Address and port."),
        key("tls_cert", Path, Other, TLS_CERT),
        key("tls_key", Path, Other, TLS_KEY),
        key("database", Path, Refused, "The ledger's file."),
        key("first", Table(&FIRST), Other, "What a ledger begins with that is not there yet."),
        key("smtp", Table(&SMTP), Other, "How the ledger sends mail. Left out: it sends none."),
    ],
);

pub const FIRST: Section = section(
    "[ledger.first]",
    "What a ledger begins with that is not there yet.",
    &[
        key("company", Text, Refused, "The company."),
        key("pool", Text, Refused, "Its pool."),
        key("seats", Number(0, MOST_SEATS), Refused, "How many seats the pool has."),
        key("token_file", Path, Refused, "The file that the agent's token is put into."),
    ],
);

pub const SMTP: Section = section(
    "[ledger.smtp]",
    "How the ledger sends mail.",
    &[
        key("url", Text, Refused, SMTP_URL),
        key("ca_file", Path, Other, CA_FILE),
        key("from", Text, Refused, SMTP_FROM),
        key("user", Text, Other, SMTP_USER),
        key("password", Secret, Other, SMTP_PASSWORD),
    ],
);
