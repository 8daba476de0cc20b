//! Single people as `users` and `explain` show them, with their places in the queues.

use std::collections::BTreeMap;

use crate::model::memory::LastKnown;
use crate::model::report::{PendingRow, SeatRow, SeatWord, UserRow};
use crate::model::{Account, Anchor, Assignment, Name, Standing};

/// Places in the queues, by who waits there.
pub struct Places<'a>(BTreeMap<(Option<Anchor>, &'a str, &'a Name), &'a PendingRow>);

impl<'a> Places<'a> {
    /// Of everyone who waits.
    pub fn of(waiting: &'a [PendingRow]) -> Self {
        Self(waiting.iter().map(|row| ((row.anchor, &*row.user_name, &row.pool), row)).collect())
    }

    fn seat(&self, known: &LastKnown, account: &Account, seat: &Assignment) -> Option<SeatRow> {
        let found = self.0.get(&(known.anchor, &*account.profile.user_name, &seat.pool));
        let found = found.filter(|_| seat.is_waiting());
        let row = SeatRow::of(seat, found.map(|place| place.position))?;
        Some(SeatRow { why: found.map(|place| place.why.clone()), ..row })
    }

    /// Of somebody whose whole account another hand deleted.
    fn bereft(&self, known: &LastKnown) -> Vec<SeatRow> {
        let Some(((since, pools), facts)) = known.bereft().zip(known.facts.as_ref()) else { return Vec::new() };
        let row = |pool: &Name| {
            let place = self.0.get(&(known.anchor, &*facts.user_name, pool))?;
            Some(SeatRow {
                pool: pool.clone(),
                state: SeatWord::Waiting,
                reason: Some(place.reason),
                since,
                position: Some(place.position),
                approved: place.approved,
                why: Some(place.why.clone()),
            })
        };
        pools.iter().filter_map(|wanted| row(&wanted.pool)).collect()
    }
}

/// One person as `users` shows them.
pub fn user_row(known: &LastKnown, places: &Places<'_>) -> UserRow {
    let account = known.account.as_ref();
    let facts = known.facts.as_ref();
    let profile = account.map(|account| &account.profile);
    let text = |ours: Option<&String>, theirs: Option<&str>| {
        ours.cloned().or_else(|| theirs.map(str::to_owned)).filter(|text| !text.is_empty())
    };
    let judged = facts.filter(|facts| facts.judgement.in_scope && facts.judgement.standing == Standing::Enabled);
    let quarantine = facts.filter(|_| known.anchor.is_none()).or(judged);
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
            || places.bereft(known),
            |account| account.seats.iter().filter_map(|seat| places.seat(known, account, seat)).collect(),
        ),
        managed: account.is_some_and(Account::is_managed),
        quarantine: quarantine.and_then(|facts| facts.judgement.quarantine.clone()).map(std::borrow::Cow::into_owned),
    }
}
