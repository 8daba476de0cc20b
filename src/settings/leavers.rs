//! `[leavers]`: what becomes of people who leave.

use config::{Value, ValueKind};

use super::duration::{self, CENTURY};
use super::reader::Reader;
use crate::model::settings::{LeaverRule, LeaverSettings};

const NEVER: &str = "never";
const RULES: &[(&str, LeaverRule)] =
    &[("keep", LeaverRule::Keep), ("suspend", LeaverRule::Suspend), ("remove", LeaverRule::Remove)];

pub fn compile(reader: &Reader) -> LeaverSettings {
    let rule = |key| reader.choice(key, RULES).unwrap_or(LeaverRule::Suspend);
    let settings = LeaverSettings {
        disabled: rule("disabled"),
        deleted: rule("deleted"),
        out_of_scope: rule("out_of_scope"),
        remove_after: duration::read_signed_unless(reader, "remove_after", NEVER, CENTURY),
        suspended_keeps_seat: reader.flag("suspended_keeps_seat"),
    };
    check_removal(reader, &settings);
    settings
}

/// Removal needs both: a rule that says so, and the time after which it happens.
fn check_removal(reader: &Reader, settings: &LeaverSettings) {
    let rules =
        [("disabled", settings.disabled), ("deleted", settings.deleted), ("out_of_scope", settings.out_of_scope)];
    let removing = || rules.iter().filter(|(_, rule)| *rule == LeaverRule::Remove);
    let says_never = |value: &Value| matches!(&value.kind, ValueKind::String(text) if text == NEVER);
    if reader.raw("remove_after").is_none_or(says_never) {
        removing().for_each(|(key, _)| {
            reader.problem(key, "needs a time after which it happens: set remove_after, for instance to \"30d\"");
        });
    } else if removing().next().is_none() {
        reader.warn("remove_after", "has no effect: none of disabled, deleted and out_of_scope says \"remove\"");
    }
}
