//! Pools that the config does not name any more, and the seats that the agent gave of them: kept, and with `match = "first"`
//! nobody gets a second one beside it (rule 10). A pool that got another name is refused before anything is planned.

use std::collections::BTreeMap;

use super::diff::Problem;
use super::world::World;
use crate::model::settings::Match;
use crate::model::text::counted;
use crate::model::{Account, Assignment, Name};

/// How many people hold such seats, by pool.
#[derive(Debug, Default)]
pub struct Unnamed(BTreeMap<Name, u32>);

impl Unnamed {
    /// Takes in somebody with an account.
    pub fn count(&mut self, world: &World<'_>, account: &Account) {
        for pool in held(world, account) {
            *self.0.entry(pool).or_default() += 1;
        }
    }

    /// Each pool said once, with the ways out.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let problem = |(pool, people): (&Name, &u32)| {
            let who = counted(u64::from(*people), "person holds", "people hold");
            let message = format!(
                "{who} a seat of {pool}, which the config does not name; it is kept. Name {pool} again, or take its seats back with \
                 `seatsync pending release USER --pool {pool}`"
            );
            Problem { person: None, pool: Some(pool.clone()), code: CODE, message }
        };
        self.0.iter().map(problem).collect()
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
    let held = account.seats.iter().filter(|seat| seat.is_given());
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

fn holds_named(world: &World<'_>, account: &Account) -> bool {
    account.seats.iter().any(|seat| seat.is_held() && is_configured(world, &seat.pool))
}
