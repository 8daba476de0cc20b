//! The config: every sample loads, every rule has a file that breaks it and the words it is answered with.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

#[path = "settings/bad.rs"]
mod bad;
#[path = "settings/bind.rs"]
mod bind;
#[path = "settings/folder.rs"]
mod folder;
#[path = "settings/ledger.rs"]
mod ledger;
#[path = "settings/merge.rs"]
mod merge;
#[path = "settings/notify.rs"]
mod notify;
#[path = "settings/rules.rs"]
mod rules;
#[path = "settings/samples.rs"]
mod samples;
#[path = "settings/schema.rs"]
mod schema;
#[path = "settings/secrets.rs"]
mod secrets;
#[path = "settings/status.rs"]
mod status;
