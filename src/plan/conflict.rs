//! A value that belongs to another account: whose it is, and what would truly free it.

use super::diff::Intent;
use super::world::World;
use crate::desired::Wish;
use crate::model::user::{Defect, Quarantine};
use crate::model::{Account, PersonId};

/// Why somebody cannot have a value, and the way out. `is_held`: the guard holds back that its holder leaves.
#[must_use]
pub fn of(world: &World<'_>, field: &str, intent: &Intent<'_>, holder: &Account, is_held: bool) -> Quarantine {
    let whose = match &holder.owner {
        Some(owner) if !world.settings.has_directory(&owner.directory) => format!(
            "the managed account of {} in {}, a directory that the config does not name",
            owner.anchor, owner.directory
        ),
        Some(owner) => format!("the managed account of {}", owner.anchor),
        None => format!("the unmanaged account {} (\"{}\")", holder.id, holder.profile.user_name),
    };
    let way_out = match &holder.owner {
        Some(owner) => of_managed(world, field, intent, (owner, holder), is_held),
        None if field == "email" && intent.account.is_none() => {
            "take it over with adopt = \"email\", or change one of the two".to_owned()
        }
        None => "one of the two must change".to_owned(),
    };
    Quarantine {
        attribute: field.to_owned(),
        reason: Defect::Conflict,
        message: format!("the {field} of {} belongs to {whose}: {way_out}", intent.person.anchor),
    }
}

/// | the owner | what frees the value |
/// |---|---|
/// | is there | a change in the directory, of either |
/// | left, and the entry is read | the same: the account of a leaver lets go of what the entry does not show |
/// | left, and no usable entry is read | nothing in the directory |
/// | of a directory that the config does not name | the old name, where the directory only got another one |
///
/// Where only one of the two has an account it may be the same person. (Whoever has one of his own cannot be given
/// another's.)
fn of_managed(
    world: &World<'_>,
    field: &str,
    intent: &Intent<'_>,
    (owner, holder): (&PersonId, &Account),
    is_held: bool,
) -> String {
    let wish = world.desired.wish_of(owner);
    let left = holder.suspension.is_some() || matches!(wish, Some(Wish::Leaves { .. }));
    let (old, new) = (owner.anchor, intent.person.anchor);
    let change = match wish {
        _ if !left && !world.settings.has_directory(&owner.directory) => {
            let old = &owner.directory;
            return format!("if it is the same directory, write its name {old} again; else one of the two must change");
        }
        _ if !left => return format!("one of the two must get another {field} in the directory"),
        Some(Wish::Seats { .. } | Wish::Quarantined { .. } | Wish::Leaves { sighting: Some(_), .. }) => {
            format!("give one of the two another {field} in the directory")
        }
        _ => format!(
            "the directory shows no usable entry of theirs that the account could follow, so give {new} another {field}, \
             or let the account be removed (leavers, \"remove\" with remove_after)"
        ),
    };
    let same = format!("if this is the same person: `seatsync relink {old} {new}`; else ");
    let left = if is_held {
        "its owner leaves, and the guard holds that back (`seatsync status` has the command that lets it through); then, "
    } else {
        "its owner left; "
    };
    format!("{left}{}{change}", if intent.account.is_none() { &same } else { "" })
}
