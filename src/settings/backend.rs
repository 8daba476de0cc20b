//! `[backend]`: who keeps the accounts and seats, and for which company.

use std::path::{Path, PathBuf};

use super::naming;
use super::reader::Reader;
use crate::model::Name;
use crate::model::settings::{Adopt, BackendKind, BackendSettings, Drift};

pub fn compile(reader: &Reader, state_dir: &Path) -> BackendSettings {
    reader.require("kind", "what keeps the accounts: \"embedded\"");
    reader.choice("kind", &[("embedded", ())]);
    BackendSettings {
        kind: BackendKind::Embedded { path: ledger(reader, state_dir) },
        company: company(reader),
        adopt: reader
            .choice("adopt", &[("none", Adopt::None), ("anchor", Adopt::Anchor), ("email", Adopt::Email)])
            .unwrap_or(Adopt::Anchor),
        drift: reader.choice("drift", &[("repair", Drift::Repair), ("report", Drift::Report)]).unwrap_or(Drift::Repair),
    }
}

fn company(reader: &Reader) -> Name {
    reader.required("company", "whose seats these are, for instance \"acme\"", naming::check).into()
}

/// The ledger's file: beside the state, not in it, so that losing the one does not lose the other.
fn ledger(reader: &Reader, state_dir: &Path) -> PathBuf {
    let Some(path) = reader.path("path") else {
        return state_dir.parent().unwrap_or(state_dir).join("ledger").join("ledger.db");
    };
    if path.is_dir() || path.file_name().is_none() {
        reader.problem("path", "is a folder; name the ledger's file in it, for instance \"ledger.db\"");
    } else if path == state_dir {
        reader.problem("path", "is agent.state_dir; name a file elsewhere");
    }
    path
}
