//! `[backend]`: who keeps the accounts and seats, and for which company.

use std::path::{Path, PathBuf};

use config::ValueKind;

use super::duration::{self, HOUR, MINUTE};
use super::keys::HTTP_KEYS;
use super::reader::Reader;
use super::url::{self, Url};
use super::{certificates, naming, secret};
use crate::model::Name;
use crate::model::settings::{Adopt, BackendKind, BackendSettings, Drift, LedgerAccess};

/// Where the accounts and seats are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// In a file of ours; the config is the authority for the number of seats.
    Embedded,
    /// Behind HTTP; it knows how many seats were bought.
    Ledger,
}

const KINDS: &[(&str, Keeper)] = &[("embedded", Keeper::Embedded), ("ledger", Keeper::Ledger)];

/// What `[backend]` of a whole config names; None where it names none that there is.
pub fn keeper(root: &Reader) -> Option<Keeper> {
    let ValueKind::Table(backend) = &root.raw("backend")?.kind else { return None };
    let ValueKind::String(kind) = &backend.get("kind")?.kind else { return None };
    KINDS.iter().find(|(word, _)| word == kind).map(|(_, keeper)| *keeper)
}

pub fn compile(reader: &Reader, state_dir: &Path) -> BackendSettings {
    reader.require("kind", "what keeps the accounts: \"embedded\" or \"ledger\"");
    BackendSettings {
        kind: kind(reader, state_dir),
        company: company(reader),
        adopt: reader
            .choice("adopt", &[("none", Adopt::None), ("anchor", Adopt::Anchor), ("email", Adopt::Email)])
            .unwrap_or(Adopt::Anchor),
        drift: reader.choice("drift", &[("repair", Drift::Repair), ("report", Drift::Report)]).unwrap_or(Drift::Repair),
    }
}

fn kind(reader: &Reader, state_dir: &Path) -> BackendKind {
    match reader.choice("kind", KINDS) {
        Some(Keeper::Embedded) => reader.refuse(HTTP_KEYS, "has no meaning with kind = \"embedded\""),
        Some(Keeper::Ledger) => {
            reader.refuse(&["path"], "has no meaning with kind = \"ledger\": the ledger keeps its own file");
            return BackendKind::Ledger(ledger(reader));
        }
        // The problem is `kind` itself; what another would need is not known.
        None => HTTP_KEYS.iter().for_each(|key| {
            reader.has(key);
        }),
    }
    BackendKind::Embedded { path: path(reader, state_dir) }
}

fn company(reader: &Reader) -> Name {
    reader.required("company", "whose seats these are, for instance \"acme\"", naming::check).into()
}

/// The ledger's file, where the config names none: beside the state, not in it, so that losing the one does not lose the other.
#[must_use]
pub fn default_path(state_dir: &Path) -> PathBuf {
    state_dir.parent().unwrap_or(state_dir).join("ledger").join("ledger.db")
}

fn path(reader: &Reader, state_dir: &Path) -> PathBuf {
    let Some(path) = reader.path("path") else {
        return default_path(state_dir);
    };
    if path.is_dir() || path.file_name().is_none() {
        reader.problem("path", "is a folder; name the ledger's file in it, for instance \"ledger.db\"");
    } else if path == state_dir {
        reader.problem("path", "is agent.state_dir; name a file elsewhere");
    }
    path
}

fn ledger(reader: &Reader) -> LedgerAccess {
    let (url, meant) = address(reader);
    LedgerAccess {
        url,
        token: secret::required(reader, "token"),
        ca_file: certificates::file(reader, meant.is_none_or(|url| url.tls), "url is http://"),
        timeout: duration::read(reader, "timeout", HOUR).unwrap_or(MINUTE),
    }
}

/// Where the ledger is asked. A token crosses no wire in the clear (rule 23).
fn address(reader: &Reader) -> (String, Option<Url>) {
    reader.require("url", "where the ledger is asked, for instance \"https://ledger.corp.example\"");
    let Some(text) = reader.text("url") else { return (String::new(), None) };
    let url = match url::parse_http(&text) {
        Ok(url) => url,
        Err(refusal) if refusal.secret => {
            let place = reader.place.key("url");
            reader.context.problem(&place, Some("[redacted]".to_owned()), refusal.message);
            return (String::new(), None);
        }
        Err(refusal) => {
            reader.problem("url", refusal.message);
            return (String::new(), None);
        }
    };
    if !url.tls && !url.loopback {
        reader.problem("url", "would send the token in the clear; use https://");
    }
    (text.trim_end_matches('/').to_owned(), Some(url))
}
