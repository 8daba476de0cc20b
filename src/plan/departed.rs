//! Who left keeps the names of the account until the directory gives one to somebody else, and the entry shows another.
//!
//! | the entry of who left | somebody who is there is given the value | then the account |
//! |---|---|---|
//! | shows it still, or cannot be read or used | | keeps it |
//! | shows another | no | keeps it |
//! | shows another | yes | takes the other, where nobody has it, shows it or may show it unread; else a placeholder |
//!
//! Nobody who left is in need of a value, so none is ever taken from, or before, somebody who is there.

use std::collections::HashSet;

use super::diff::{Action, Departed, Draft, Intent};
use super::values::{Value, of_profile, placeholders, wanted};
use super::world::World;
use crate::desired::Wish;
use crate::model::Profile;

/// Lets those who left go of what the intents need.
pub fn let_go<'a>(world: &World<'a>, draft: &Draft<'a>, intents: &mut Vec<Intent<'a>>) {
    if draft.departed.is_empty() {
        return;
    }
    let needed: HashSet<Value> = intents.iter().flat_map(wanted).collect();
    let letting: Vec<&Departed<'a>> = draft.departed.iter().filter(|departed| lets_go(departed, &needed)).collect();
    if letting.is_empty() {
        return;
    }
    let mut taken = needed.clone();
    taken.extend(taken_by_others(world, &letting));
    for departed in letting {
        let profile = freed(world, departed, &needed, &mut taken);
        match intents.binary_search_by(|intent| intent.person.cmp(departed.person)) {
            // Removed: the values go with the account.
            Ok(at) if intents[at].action == Action::Remove => {}
            Ok(at) => intents[at].update = Some(profile),
            Err(at) => {
                let intent = Intent::new(departed.person, Some(departed.account), None);
                intents.insert(at, Intent { update: Some(profile), ..intent });
            }
        }
    }
}

fn lets_go(departed: &Departed<'_>, needed: &HashSet<Value>) -> bool {
    let shown: Vec<Value> = of_profile(departed.shows).collect();
    of_profile(&departed.account.profile).any(|value| needed.contains(&value) && !shown.contains(&value))
}

/// Of the values that those who let go would take, the ones that somebody else has, or shows.
fn taken_by_others(world: &World<'_>, letting: &[&Departed<'_>]) -> HashSet<Value> {
    let candidates: HashSet<Value> = letting.iter().flat_map(|departed| of_profile(departed.shows)).collect();
    let shown = world.desired.wishes.iter().filter_map(|(_, wish)| match wish {
        Wish::Seats { sighting, .. } => Some(&sighting.profile),
        Wish::Quarantined { shows, .. } => Some(*shows),
        Wish::Leaves { .. } | Wish::Unproven => None,
    });
    let profiles = world.accounts.iter().map(|account| &account.profile).chain(shown);
    profiles.flat_map(of_profile).filter(|value| candidates.contains(value)).collect()
}

/// The account's profile without what is needed.
fn freed(world: &World<'_>, departed: &Departed<'_>, needed: &HashSet<Value>, taken: &mut HashSet<Value>) -> Profile {
    let mut profile = departed.account.profile.clone();
    let [email, user_name] = placeholders(departed.person);
    let fields = [
        (&mut profile.email, &departed.shows.email, email),
        (&mut profile.user_name, &departed.shows.user_name, user_name),
    ];
    let values = of_profile(&departed.account.profile).zip(of_profile(departed.shows));
    for ((field, shown, placeholder), (has, shows)) in fields.into_iter().zip(values) {
        if !needed.contains(&has) || has == shows {
            continue;
        }
        // Of a directory that was not read whole nobody knows who shows what.
        let is_free = world.desired.frozen.is_empty() && taken.insert(shows);
        *field = if is_free { shown.clone() } else { placeholder };
    }
    profile
}
