//! Groups within groups that an earlier read walked through and this one finds no more, though they are listed still.
//!
//! Their people are in no list that can be read, and nothing says that they left: a group that is hidden, or that a lagging
//! server has not got, looks as if it had been deleted.
//!
//! One that is found by its anchor was renamed or moved, and is followed as a group of the config is: the group above meant
//! it, whatever it is called now.
//!
//! | nothing at the place, nor by the anchor, still listed | means |
//! |---|---|
//! | Active Directory, which takes deleted objects out of every list by itself | no right to read it: the read is partial |
//! | the place above cannot be read either | nothing: partial |
//! | for the first time | nothing yet: partial |
//! | so once before, in a read that was whole in all else | it is gone, and its members with it |
//! | it was never read, and in Active Directory somebody says to be a member of it | no right to read it: partial |
//! | it was never read | a dangling member |
//!
//! Where nobody lists it any more, its people were taken out of the group like anybody else.

use jiff::Timestamp;

use super::{GroupSource, Object, Walked};
use crate::model::snapshot::{Kind, Nested};
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// What the next read is to know, and why this one cannot vouch for everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    pub nested: Vec<Nested>,
    /// A sentence each.
    pub problems: Vec<String>,
}

/// Looks for a group by its anchor that is not where it was.
pub(super) async fn find_again(before: &[Nested], dn: &Dn, source: &mut dyn GroupSource) -> Result<Object, ReadError> {
    let known = before.iter().find(|group| group.dn == *dn).and_then(|group| group.anchor);
    let Some(anchor) = known else { return Ok(Object::Gone) };
    Ok(source.find(anchor, dn).await?.map_or(Object::Gone, Object::Group))
}

/// Judges what a walk did not find, and takes the groups of the config to which it belongs out of `walked`: who is in
/// them is not known. `whole`: nothing else stands in the way of calling the read complete.
///
/// # Errors
/// Those of the source.
pub async fn missed(
    before: &[Nested],
    walked: &mut Walked,
    source: &mut dyn GroupSource,
    (kind, whole, now): (Kind, bool, Timestamp),
) -> Result<Missed, ReadError> {
    let mut judged = Missed::default();
    for group in before {
        let Some(dangling) = walked.gone.get(&group.dn) else { continue };
        let above = match group.dn.parent() {
            _ if kind == Kind::ActiveDirectory => false,
            Some(parent) => source.is_readable(&parent).await?,
            None => true,
        };
        if above && whole && group.missed.is_some() {
            continue;
        }
        judged.problems.push(problem(group, kind, above));
        judged.nested.push(Nested { missed: group.missed.or((above && whole).then_some(now)), ..group.clone() });
        for key in &dangling.of {
            walked.members.remove(key);
        }
    }
    let never: Vec<Dn> = walked.gone.keys().filter(|dn| before.iter().all(|group| group.dn != **dn)).cloned().collect();
    for (dn, has_members) in never.iter().zip(source.have_members(&never).await?) {
        if has_members {
            judged.problems.push(closed(dn));
            walked
                .gone
                .get(dn)
                .into_iter()
                .flat_map(|dangling| &dangling.of)
                .for_each(|key| drop(walked.members.remove(key)));
        }
    }
    // Behind a group that cannot be read there may be others, of which nothing new is known.
    let stay = before.iter().filter(|_| !whole || !judged.problems.is_empty());
    let stay = stay.filter(|group| !walked.gone.contains_key(&group.dn) && !walked.nested.contains_key(&group.dn));
    judged.nested.extend(stay.cloned());
    let found = |(dn, anchor): (&Dn, &Anchor)| Nested { dn: dn.clone(), anchor: Some(*anchor), missed: None };
    judged.nested.extend(walked.nested.iter().map(found));
    judged.nested.sort_by(|one, other| one.dn.cmp(&other.dn));
    Ok(judged)
}

fn closed(dn: &Dn) -> String {
    let dn = dn.as_str();
    format!(
        "The group {dn:?}, a member of a group of the config, cannot be read, and people are members of it. Grant the account the \
         right to read it, or take it out of the groups that list it"
    )
}

fn problem(group: &Nested, kind: Kind, above: bool) -> String {
    let dn = group.dn.as_str();
    let remedy = match (kind, above) {
        (Kind::ActiveDirectory, _) => {
            "Grant the account the right to read it, or take it out of the groups that list it"
        }
        (_, true) => "If the next complete read does not find it either, it counts as deleted",
        (_, false) => {
            "The place above it cannot be read either: grant the account the right to, or take the group out of those \
             that list it"
        }
    };
    format!("The group {dn:?}, a member of a group of the config, was read before and is not found. {remedy}")
}
