//! Pools that the config does not name, taken out of it or named anew, and the seats that the agent gave of them: kept, and
//! nobody gets a second one for that (rule 10).

use std::collections::BTreeMap;

use super::diff::Problem;
use super::world::World;
use crate::desired::Ask;
use crate::model::settings::Match;
use crate::model::{Account, Assignment, Name, SeatState};

/// How many people hold such seats, and what follows for the pools of the config.
#[derive(Debug, Default)]
pub struct Unnamed {
    /// People by pool.
    people: BTreeMap<Name, u32>,
    /// Seats that stay free for them (`Allocation::kept_free`).
    pub kept_free: BTreeMap<Name, u32>,
}

impl Unnamed {
    /// Takes in somebody with an account, who is in scope.
    pub fn count(&mut self, world: &World<'_>, account: &Account, asks: &[Ask]) {
        let unnamed = held(world, account);
        let kept_free = kept_free(world, account, asks).filter(|_| !unnamed.is_empty());
        for pool in unnamed {
            *self.people.entry(pool).or_default() += 1;
        }
        if let Some(pool) = kept_free {
            *self.kept_free.entry(pool).or_default() += 1;
        }
    }

    /// Each pool said once, with the ways out.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let kept: Vec<String> = self.kept_free.iter().map(|(pool, seats)| format!("{seats} of {pool}")).collect();
        let kept =
            if kept.is_empty() { String::new() } else { format!("; seats kept free for them: {}", kept.join(", ")) };
        let problem = |(pool, people): (&Name, &u32)| {
            let who = if *people == 1 { "1 person holds".to_owned() } else { format!("{people} people hold") };
            let message = format!(
                "{who} a seat of {pool}, which the config does not name; it is kept, and no other is given beside it{kept}. If {pool} only got another \
                 name in the config, write the old one again; if it is given up, take its seats back with `seatsync \
                 pending release USER --pool {pool}`"
            );
            Problem { person: None, pool: Some(pool.clone()), code: CODE, message }
        };
        self.people.iter().map(problem).collect()
    }
}

/// Of a seat that stays though the config does not name its pool.
pub const CODE: &str = "pool_not_configured";

/// The config has a pool of this name.
#[must_use]
pub fn is_configured(world: &World<'_>, pool: &Name) -> bool {
    world.settings.pools.iter().any(|known| known.name == *pool)
}

/// Pools that the config does not name, of which the agent's word gave this account a seat.
#[must_use]
pub fn held(world: &World<'_>, account: &Account) -> Vec<Name> {
    let held = account.seats.iter().filter(|seat| seat.is_held() && seat.ours);
    held.filter(|seat| !is_configured(world, &seat.pool)).map(|seat| seat.pool.clone()).collect()
}

/// What is said of one such seat.
#[must_use]
pub fn sentence(world: &World<'_>, account: &Account, seat: &Assignment) -> String {
    let beside = match world.settings.seats.match_ {
        Match::First if holds_named(world, account) => ", beside another one",
        Match::First if seat.ours => ", and no other one is given beside it",
        _ => "",
    };
    format!("holds a seat of {}, which the config does not name; the seat is kept{beside}", seat.pool)
}

/// The pool of which a seat stays free for somebody who holds one of a pool that the config does not name: the pool that
/// would be asked for, or its fallback while that one is waited for. So a pool that was named anew gives no seat twice.
fn kept_free(world: &World<'_>, account: &Account, asks: &[Ask]) -> Option<Name> {
    let ask = asks.first().filter(|_| world.settings.seats.match_ == Match::First)?;
    let name = |pool: usize| &world.settings.pools[pool].name;
    let state = |pool: &Name| account.seat(pool).map(|seat| seat.state);
    let wanted = match state(name(ask.pool)) {
        Some(SeatState::Waiting(_)) => name(ask.fallback?.0),
        _ => name(ask.pool),
    };
    (!holds_named(world, account) && state(wanted) != Some(SeatState::Denied)).then(|| wanted.clone())
}

fn holds_named(world: &World<'_>, account: &Account) -> bool {
    account.seats.iter().any(|seat| seat.is_held() && is_configured(world, &seat.pool))
}
