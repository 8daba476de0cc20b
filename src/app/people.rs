//! Single people as `users` and `explain` show them, with their places in the queues.

use std::collections::BTreeMap;

use super::answers::accounts;
use super::bereft;
use crate::cycle::report::queue;
use crate::model::memory::LastKnown;
use crate::model::report::{SeatRow, UserRow};
use crate::model::{Account, AccountId, Name, PersonId, Standing};
use crate::plan::seats::positions;

/// Places in the queues.
pub struct Places {
    /// By account and pool.
    queued: BTreeMap<(AccountId, Name), u32>,
    /// Of people without an account.
    bereft: BTreeMap<PersonId, Vec<SeatRow>>,
}

impl Places {
    /// Of everyone who waits.
    pub fn of(known: &[LastKnown]) -> Self {
        let accounts = accounts(known);
        let queue = queue(&accounts);
        let ids: BTreeMap<&PersonId, &AccountId> =
            accounts.iter().filter_map(|account| Some((account.owner.as_ref()?, &account.id))).collect();
        let place = |((person, pool), place): ((&PersonId, &Name), u32)| {
            Some((((*ids.get(person)?).clone(), pool.clone()), place))
        };
        let queued: BTreeMap<(AccountId, Name), u32> = positions(&queue).into_iter().filter_map(place).collect();
        let mut bereft: BTreeMap<PersonId, Vec<SeatRow>> = BTreeMap::new();
        for place in bereft::places(known, queued.keys().map(|(_, pool)| pool)) {
            bereft.entry(place.person.clone()).or_default().push(place.seat());
        }
        Self { queued, bereft }
    }

    fn of_bereft(&self, known: &LastKnown) -> Vec<SeatRow> {
        known.person().and_then(|person| self.bereft.get(&person).cloned()).unwrap_or_default()
    }
}

/// One person as `users` shows them.
pub fn user_row(known: &LastKnown, places: &Places) -> UserRow {
    let account = known.account.as_ref();
    let facts = known.facts.as_ref();
    let profile = account.map(|account| &account.profile);
    let text = |ours: Option<&String>, theirs: Option<&str>| {
        ours.cloned().or_else(|| theirs.map(str::to_owned)).filter(|text| !text.is_empty())
    };
    let judged = facts.filter(|facts| facts.judgement.in_scope && facts.judgement.standing == Standing::Enabled);
    let quarantine = facts.filter(|_| known.anchor.is_none()).or(judged);
    let row = |account: &Account, seat| {
        let place = places.queued.get(&(account.id.clone(), Name::clone(&crate::model::Assignment::clone(seat).pool)));
        SeatRow::of(seat, place.copied().map(u64::from).filter(|_| seat.is_waiting()))
    };
    UserRow {
        anchor: known.anchor.or_else(|| account.and_then(|account| account.external)),
        directory: known.directory.clone(),
        dn: facts.map(|facts| facts.dn.to_string()),
        user_name: text(profile.map(|profile| &profile.user_name), facts.map(|facts| &*facts.user_name)),
        email: text(profile.map(|profile| &profile.email), facts.map(|facts| &*facts.email)),
        display_name: text(
            profile.and_then(|profile| profile.display_name.as_ref()),
            facts.and_then(|facts| facts.display_name.as_deref()),
        ),
        state: account.map(Account::state),
        seats: account.map_or_else(
            || places.of_bereft(known),
            |account| account.seats.iter().filter_map(|seat| row(account, seat)).collect(),
        ),
        managed: account.is_some_and(Account::is_managed),
        quarantine: quarantine.and_then(|facts| facts.judgement.quarantine.clone()).map(std::borrow::Cow::into_owned),
    }
}
