//! Bases and groups of the config, found in the file: by their pinned anchor first, else by DN.

use std::collections::BTreeMap;

use super::contents::{Contents, What};
use crate::directory::group::GroupObject;
use crate::model::snapshot::{Found, Pin, Role, ScopeKey};
use crate::model::{Anchor, Dn};

/// A base or group as the config names it, and its DN parsed.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub key: ScopeKey,
    pub dn: Dn,
}

/// What was found of all of them.
#[derive(Default)]
pub(super) struct Scope {
    pub found: BTreeMap<ScopeKey, Found>,
    /// Where the bases lie now.
    pub bases: Vec<Dn>,
    /// Some base is not where it was: whether somebody lies under one cannot be told.
    pub bases_lost: bool,
    pub groups: Vec<(ScopeKey, GroupObject)>,
    /// Why the file cannot vouch for who is not in it: a sentence each.
    pub problems: Vec<String>,
}

impl Scope {
    /// Looks for everything wanted.
    pub(super) fn find(wanted: &[Wanted], pins: &BTreeMap<ScopeKey, Pin>, contents: &Contents) -> Self {
        let mut scope = Self::default();
        for wanted in wanted {
            let found = find_one(wanted, pins.get(&wanted.key), contents);
            match &found {
                Found::Here { dn, .. } if wanted.key.role == Role::Base => scope.bases.push(dn.clone()),
                Found::Here { dn, .. } => match contents.at(dn).map(|item| &item.what) {
                    Some(What::Group(group)) => scope.groups.push((wanted.key.clone(), (**group).clone())),
                    _ => scope.problems.push(format!("the entry of the group {} is no group", wanted.key.dn)),
                },
                Found::Nowhere => scope.problems.push(absent(&wanted.key)),
                Found::Replaced { old, new } => scope.problems.push(replaced(&wanted.key, *old, *new)),
                Found::DoneWithout => {}
            }
            let lost = matches!(found, Found::Nowhere | Found::Replaced { .. });
            scope.bases_lost |= lost && wanted.key.role == Role::Base;
            scope.found.insert(wanted.key.clone(), found);
        }
        scope
    }

    /// What was found, as the next read is told of it.
    pub(super) fn as_pins(&self) -> BTreeMap<ScopeKey, Pin> {
        let pin = |key: &ScopeKey, anchor, dn: &str| Pin { key: key.clone(), anchor, dn: dn.to_owned() };
        let pins = self.found.iter().filter_map(|(key, found)| match found {
            Found::Here { anchor, dn } => Some(pin(key, Some(*anchor), dn.as_str())),
            Found::Replaced { old, .. } => Some(pin(key, Some(*old), &key.dn)),
            Found::DoneWithout => Some(pin(key, None, &key.dn)),
            Found::Nowhere => None,
        });
        pins.map(|pin| (pin.key.clone(), pin)).collect()
    }

    /// At or under one of the bases.
    pub(super) fn holds(&self, dn: &Dn) -> bool {
        self.bases.iter().any(|base| dn.is_under(base))
    }
}

/// Where one object is. A base is where an entry lies at or under it; a group has an entry of its own.
fn find_one(wanted: &Wanted, pin: Option<&Pin>, contents: &Contents) -> Found {
    let Some((pin, old)) = pin.and_then(|pin| Some((pin, pin.anchor?))) else {
        // Never found, or confirmed gone: whatever lies there now is it.
        let absent = if pin.is_some() { Found::DoneWithout } else { Found::Nowhere };
        return place(wanted, contents).map_or(absent, |(anchor, dn)| Found::Here { anchor, dn });
    };
    if let Some(item) = contents.by_anchor(old) {
        return Found::Here { anchor: item.anchor, dn: item.dn.clone() };
    }
    let last = Dn::parse(&pin.dn).ok().map(|dn| Wanted { dn, key: wanted.key.clone() });
    let Some((anchor, dn)) = place(wanted, contents).or_else(|| place(last.as_ref()?, contents)) else {
        return Found::Replaced { old, new: None };
    };
    if contents.at(&dn).is_none() {
        // A base whose own entry the export leaves out this time.
        Found::Here { anchor: old, dn }
    } else if old == Anchor::of_dn(&dn) {
        // Known by its DN alone until its entry came with an anchor.
        Found::Here { anchor, dn }
    } else {
        Found::Replaced { old, new: Some(anchor) }
    }
}

/// What lies at the place itself.
fn place(wanted: &Wanted, contents: &Contents) -> Option<(Anchor, Dn)> {
    let is_base = wanted.key.role == Role::Base;
    match contents.at(&wanted.dn) {
        Some(item) if is_base || matches!(item.what, What::Group(_)) => Some((item.anchor, item.dn.clone())),
        None if is_base && contents.reaches(&wanted.dn) => Some((Anchor::of_dn(&wanted.dn), wanted.dn.clone())),
        _ => None,
    }
}

pub(super) const fn role(key: &ScopeKey) -> &'static str {
    match key.role {
        Role::Base => "base",
        Role::Group => "group",
    }
}

fn absent(key: &ScopeKey) -> String {
    let what = match key.role {
        Role::Base => "no entry lies at or under it",
        Role::Group => "there is no such group",
    };
    format!("the {} {} was not found: {what}; correct the config or the export", role(key), key.dn)
}

fn replaced(key: &ScopeKey, old: Anchor, new: Option<Anchor>) -> String {
    match new {
        Some(new) => format!(
            "another entry ({new}) lies where the {} {} was ({old}); confirm it if that is right",
            role(key),
            key.dn
        ),
        None => format!("the {} {} ({old}) is gone; confirm it if that is right", role(key), key.dn),
    }
}
