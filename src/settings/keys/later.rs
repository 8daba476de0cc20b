//! What this version does not read, and what there is instead.

/// Keys, and what there is instead.
pub type Keys = &'static [(&'static str, &'static str)];
/// Keys, values, and what there is instead.
pub type Values = &'static [(&'static str, &'static str, &'static str)];

const LEDGERS_ONLY: &str = "\"embedded\" and \"ledger\" are there";
const NOT_A_LEDGERS: &str = "no backend of this version has it: kind = \"ledger\" needs company, url and token";

pub const NO_KEYS: Keys = &[];
pub const NO_VALUES: Values = &[];

pub const DIRECTORY: Keys = &[];

pub const BACKEND: Keys = &[
    ("token_url", NOT_A_LEDGERS),
    ("tenant", NOT_A_LEDGERS),
    ("client_id", NOT_A_LEDGERS),
    ("client_secret", NOT_A_LEDGERS),
    ("client_cert", NOT_A_LEDGERS),
    ("usage_location", NOT_A_LEDGERS),
    ("create_users", NOT_A_LEDGERS),
    ("concurrency", "a ledger takes one batch at a time"),
];

pub const BACKEND_VALUES: Values =
    &[("kind", "scim", LEDGERS_ONLY), ("kind", "microsoft-graph", LEDGERS_ONLY), ("kind", "hubspot", LEDGERS_ONLY)];
