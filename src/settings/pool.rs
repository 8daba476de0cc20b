//! `[[pool]]`: which seats there are, and who gets one.

use config::ValueKind;

use super::backend::Keeper;
use super::keys::POOL;
use super::reader::Reader;
use super::{group, naming};
use crate::model::Name;
use crate::model::settings::{DirectorySettings, GroupRef, Match, PoolSettings};

/// All pools, each checked beside the others. `keeper` says whether their seats are counted here.
pub fn compile_all(
    root: &Reader,
    directories: &[DirectorySettings],
    match_: Match,
    keeper: Option<Keeper>,
) -> Vec<PoolSettings> {
    let (names, fallbacks) = (all(root, "name"), all(root, "fallback"));
    let mut takes_everyone: Option<Name> = None;
    root.tables("pool", &POOL, |reader| {
        let pool = compile(reader, directories, keeper);
        check_fallback(reader, &pool, &names, match_);
        match &takes_everyone {
            Some(first) if match_ == Match::First && !fallbacks.contains(&&*pool.name) => {
                warn_unreachable(reader, first);
            }
            None if pool.groups.is_none() => takes_everyone = Some(pool.name.clone()),
            _ => {}
        }
        pool
    })
}

fn compile(reader: &Reader, directories: &[DirectorySettings], keeper: Option<Keeper>) -> PoolSettings {
    PoolSettings {
        name: reader.required("name", "what the pool is called, for instance \"standard\"", naming::check).into(),
        groups: groups(reader, directories),
        priority: group::refs(reader, "priority", directories).unwrap_or_default(),
        fallback: reader.text("fallback").map(Name::from),
        seats: seats(reader, keeper),
    }
}

fn seats(reader: &Reader, keeper: Option<Keeper>) -> Option<u32> {
    match keeper {
        Some(Keeper::Embedded) => {
            reader.require("seats", "how many were bought; the embedded ledger takes the number from here");
        }
        Some(Keeper::Ledger) => {
            reader.refuse(&["seats"], "is for the ledger to say: take it away here, and buy seats there");
            return None;
        }
        // What is wrong is backend.kind, and said there.
        None => {}
    }
    reader.number("seats").or(Some(0))
}

fn groups(reader: &Reader, directories: &[DirectorySettings]) -> Option<Vec<GroupRef>> {
    let groups = group::refs(reader, "groups", directories)?;
    if groups.is_empty() {
        reader.warn("groups", "names no group, so the pool is for everyone in scope, as if it were left out");
        return None;
    }
    Some(groups)
}

/// A fallback is another pool of this file, and only where people take one pool at a time.
fn check_fallback(reader: &Reader, pool: &PoolSettings, names: &[&str], match_: Match) {
    let Some(fallback) = &pool.fallback else { return };
    if match_ == Match::All {
        reader.problem(
            "fallback",
            "has no meaning with seats.match = \"all\": everyone asks for every pool that matches",
        );
    } else if *fallback == pool.name {
        reader.problem("fallback", "must be another pool than this one");
    } else if !names.contains(&&**fallback) {
        let others = naming::quoted(names.iter().copied().filter(|name| *name != &*pool.name));
        let message =
            if others.is_empty() { "there is no other [[pool]]".to_owned() } else { format!("must be {others}") };
        reader.problem("fallback", message);
    }
}

fn warn_unreachable(reader: &Reader, first: &str) {
    reader.warn("name", format!("nobody gets a seat of it: pool {first:?} stands before it and takes everyone"));
}

/// The texts under one key of every pool, as far as they are texts.
fn all<'r>(root: &'r Reader, key: &str) -> Vec<&'r str> {
    let Some(ValueKind::Array(pools)) = root.raw("pool").map(|value| &value.kind) else { return Vec::new() };
    pools.iter().filter_map(|pool| naming::text_at(pool, key)).collect()
}
