//! Accounts that are nobody's yet: who may take one over, and who must not get a second one beside it.

use std::collections::BTreeMap;

use super::world::World;
use crate::model::settings::Adopt;
use crate::model::{Account, Anchor, PersonId, Sighting, folded};

/// Accounts that exist and are nobody's yet, by what they can be adopted by. None where several share it.
#[derive(Debug)]
pub struct Unmanaged<'a> {
    by_anchor: BTreeMap<Anchor, Option<&'a Account>>,
    by_email: BTreeMap<String, Option<&'a Account>>,
    /// The anchors of everyone wished for that an unmanaged account carries, and whether several people share it.
    carried: BTreeMap<Anchor, bool>,
}

impl<'a> Unmanaged<'a> {
    #[must_use]
    pub fn new(world: &World<'a>) -> Self {
        let mut this = Self { by_anchor: BTreeMap::new(), by_email: BTreeMap::new(), carried: BTreeMap::new() };
        for account in world.accounts.iter().take_while(|account| !account.is_managed()) {
            let email = folded(&account.profile.email).into_owned();
            this.by_email.entry(email).and_modify(|found| *found = None).or_insert(Some(account));
            if let Some(anchor) = account.external {
                this.by_anchor.entry(anchor).and_modify(|found| *found = None).or_insert(Some(account));
            }
        }
        if !this.by_anchor.is_empty() {
            let anchors = world.desired.wishes.iter().map(|(person, _)| person.anchor);
            for anchor in anchors.filter(|anchor| this.by_anchor.contains_key(anchor)) {
                this.carried.entry(anchor).and_modify(|shared| *shared = true).or_insert(false);
            }
        }
        this
    }

    /// Why somebody whose anchor an account carries that may not be adopted gets no second one.
    #[must_use]
    pub fn carries(&self, person: &PersonId) -> Option<String> {
        let anchor = person.anchor;
        Some(match (self.by_anchor.get(&anchor)?, self.carried.get(&anchor)) {
            (None, _) => format!("several unmanaged accounts carry the anchor of {anchor}: leave it to one of them"),
            (Some(account), Some(true)) => {
                format!("the unmanaged account {} carries an anchor that several people share, {anchor}", account.id)
            }
            (Some(account), _) => format!(
                "the unmanaged account {} (\"{}\") carries the anchor of {anchor}: take it over with adopt = \"anchor\"",
                account.id, account.profile.user_name
            ),
        })
    }

    /// The one account that matches exactly, as far as the config lets it be adopted.
    #[must_use]
    pub fn adoptable(&self, adopt: Adopt, sighting: &Sighting) -> Option<&'a Account> {
        if adopt == Adopt::None {
            return None;
        }
        let unique = self.carried.get(&sighting.anchor) == Some(&false);
        let by_anchor = self.by_anchor.get(&sighting.anchor).copied().flatten().filter(|_| unique);
        // An account that carries the anchor of somebody else is theirs, whatever its address.
        let others = |account: &&Account| {
            account.external.is_some_and(|anchor| anchor != sighting.anchor && self.carried.contains_key(&anchor))
        };
        let by_email =
            || self.by_email.get(&*folded(&sighting.profile.email)).copied().flatten().filter(|a| !others(a));
        by_anchor.or_else(|| if adopt == Adopt::Email { by_email() } else { None })
    }
}
