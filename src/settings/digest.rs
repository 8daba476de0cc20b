//! The digest of everything that decides who has a seat. Another one than last time forces a full cycle.
//!
//! Each type is taken apart field by field, so that a new field cannot be forgotten here.

use std::borrow::Cow;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::model::change::Promotion;
use crate::model::settings::{
    Adopt, AgentSettings, AttributeSettings, BackendKind, BackendSettings, Bind, DirectorySettings, Drift, GroupRef,
    LdapSettings, LeaverRule, LeaverSettings, LedgerAccess, Match, PoolSettings, SeatSettings, Settings, Source,
    TlsFiles,
};

/// SHA-256 in hexadecimal. Neither secrets nor what only says how often, how fast and how loudly we work are in it.
pub fn of(settings: &Settings) -> String {
    let Settings {
        agent,
        directories,
        pools,
        seats,
        leavers,
        guard: _,
        backend,
        log: _,
        status: _,
        notify: _,
        digest: _,
    } = settings;
    let AgentSettings { name: _, state_dir: _, poll: _, full: _, push: _, dry_run: _, options: _ } = agent;
    let deciding = json!({
        "version": 1,
        "directories": directories.iter().map(directory).collect::<Vec<_>>(),
        "pools": pools.iter().map(pool).collect::<Vec<_>>(),
        "seats": seat_rules(seats),
        "leavers": leaver_rules(leavers),
        "backend": backend_rules(backend),
    });
    format!("{:x}", Sha256::digest(deciding.to_string()))
}

fn directory(directory: &DirectorySettings) -> Value {
    let DirectorySettings { name, kind, source, bases, filter, groups, exclude_groups, attributes } = directory;
    let AttributeSettings { user_name, email, given_name, family_name, display_name, anchor } = attributes;
    json!({
        "name": name,
        "kind": kind,
        "source": source_of(source),
        "bases": bases,
        "filter": filter,
        "groups": groups,
        "exclude_groups": exclude_groups,
        "attributes": [user_name, email, given_name, family_name, display_name, anchor],
    })
}

/// Who asks decides what is seen; how the question travels does not.
fn source_of(source: &Source) -> Value {
    match source {
        Source::Ldif { path } => json!({ "path": path.to_string_lossy() }),
        Source::Ldap(ldap) => {
            let LdapSettings { urls, ca_file: _, start_tls: _, allow_plaintext: _, bind, page_size: _, timeout: _ } =
                ldap;
            let reader = match bind {
                Bind::Anonymous => None,
                Bind::Simple { dn, password: _ } => Some(dn.clone()),
                Bind::Kerberos { keytab, principal } => Some(format!("{keytab:?} {principal:?}")),
                Bind::External(TlsFiles { cert, key: _ }) => Some(cert.to_string_lossy().into_owned()),
            };
            json!({ "urls": urls, "reader": reader })
        }
    }
}

fn pool(pool: &PoolSettings) -> Value {
    let PoolSettings { name, groups, priority, fallback, seats } = pool;
    json!({
        "name": name,
        "groups": groups.as_ref().map(|groups| group_refs(groups)),
        "priority": group_refs(priority),
        "fallback": fallback,
        "seats": seats,
    })
}

fn group_refs(groups: &[GroupRef]) -> Vec<Value> {
    groups.iter().map(|GroupRef { directory, dn }| json!([directory, dn])).collect()
}

fn seat_rules(seats: &SeatSettings) -> Value {
    let SeatSettings { match_, approve_joiners, promotion, approved_domains } = seats;
    json!({
        "match_all": *match_ == Match::All,
        "approve_joiners": approve_joiners,
        "automatic": *promotion == Promotion::Automatic,
        "approved_domains": approved_domains,
    })
}

fn leaver_rules(leavers: &LeaverSettings) -> Value {
    let LeaverSettings { disabled, deleted, out_of_scope, remove_after, suspended_keeps_seat } = leavers;
    json!({
        "rules": [rule(*disabled), rule(*deleted), rule(*out_of_scope)],
        "remove_after": remove_after.map(|time| time.as_secs()),
        "suspended_keeps_seat": suspended_keeps_seat,
    })
}

const fn rule(rule: LeaverRule) -> &'static str {
    match rule {
        LeaverRule::Keep => "keep",
        LeaverRule::Suspend => "suspend",
        LeaverRule::Remove => "remove",
    }
}

fn backend_rules(backend: &BackendSettings) -> Value {
    let BackendSettings { kind, company, adopt, drift } = backend;
    let place = match kind {
        BackendKind::Embedded { path } => path.to_string_lossy(),
        BackendKind::Ledger(LedgerAccess { url, token: _, ca_file: _, timeout: _ }) => Cow::Borrowed(url.as_str()),
    };
    let adopt = match adopt {
        Adopt::None => "none",
        Adopt::Anchor => "anchor",
        Adopt::Email => "email",
    };
    json!({
        "path": place,
        "company": company,
        "adopt": adopt,
        "repair": *drift == Drift::Repair,
    })
}
