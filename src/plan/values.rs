//! Values that must be unique in the backend: who cannot have theirs yet, and in which order the others get theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::conflict;
use super::diff::{Action, Intent};
use super::world::World;
use crate::model::user::Quarantine;
use crate::model::{Account, PersonId, Profile, folded};

/// Reads a field.
type Read = fn(&Profile) -> &str;

/// The unique fields: what people call them, and how to read them.
const FIELDS: [(&str, Read); 2] = [("email", |profile| &profile.email), ("user_name", |profile| &profile.user_name)];

/// A value of one of the unique fields, folded.
pub type Value = (usize, String);

/// Who holds the values that a plan would give to others.
#[derive(Debug)]
pub struct Values<'a> {
    holders: HashMap<Value, &'a Account>,
}

impl<'a> Values<'a> {
    /// Looks among these accounts for the values that are wanted, and for no others.
    #[must_use]
    pub fn of(accounts: &[&'a Account], intents: &[Intent<'a>]) -> Self {
        let mut asked: [HashSet<String>; FIELDS.len()] = Default::default();
        for (field, value) in intents.iter().flat_map(wanted) {
            asked[field].insert(value);
        }
        let mut holders = HashMap::new();
        for (field, ((_, read), asked)) in
            FIELDS.iter().zip(&asked).enumerate().filter(|(_, (_, asked))| !asked.is_empty())
        {
            for &account in accounts {
                let value = folded(read(&account.profile));
                if asked.contains(&*value) {
                    let holder = holders.entry((field, value.into_owned())).or_insert(account);
                    // Unmanaged accounts come in no order, and no backend promises that they share nothing.
                    if (&account.owner, &account.id) < (&holder.owner, &holder.id) {
                        *holder = account;
                    }
                }
            }
        }
        Self { holders }
    }

    /// Those whose value belongs to an account that does not give it up in this plan, with the reason. `held`: who leaves, were it
    /// not for the guard.
    #[must_use]
    pub fn conflicts(
        &self,
        world: &World<'_>,
        intents: &[Intent<'_>],
        held: &BTreeSet<&PersonId>,
    ) -> BTreeMap<PersonId, Quarantine> {
        let by_person: HashMap<&PersonId, &Intent<'_>> =
            intents.iter().map(|intent| (&intent.person, intent)).collect();
        let owner = |account: &Account| by_person.get(account.owner.as_ref()?).copied();
        let mut conflicts: BTreeMap<PersonId, Quarantine> = BTreeMap::new();
        loop {
            let before = conflicts.len();
            for intent in intents.iter().filter(|intent| !wanted(intent).is_empty()) {
                if conflicts.contains_key(&intent.person) {
                    continue;
                }
                let frees = |account: &Account, value: &Value| {
                    let holder = owner(account).filter(|holder| !conflicts.contains_key(&holder.person));
                    holder.is_some_and(|holder| gives_up(holder, value))
                };
                let stuck = wanted(intent).into_iter().find_map(|value| {
                    let holder = self.other_holder(intent, &value)?;
                    (!frees(holder, &value)).then_some((value.0, holder))
                });
                if let Some((field, holder)) = stuck {
                    let is_held = holder.owner.as_ref().is_some_and(|owner| held.contains(owner));
                    let why = conflict::of(world, FIELDS[field].0, intent, holder, is_held);
                    conflicts.insert(intent.person.clone(), why);
                }
            }
            if conflicts.len() == before {
                return conflicts;
            }
        }
    }

    /// The renames among the intents, ordered so that each finds its values free; a ring is opened by a temporary value.
    ///
    /// Each item is a person, the profile to go from and the profile to go to.
    #[must_use]
    pub fn renames(&self, intents: &[Intent<'_>]) -> Vec<Rename> {
        let of = |intent: &Intent<'_>| {
            let (account, desired) = intent.account.zip(intent.update.clone())?;
            let wanted = wanted(intent);
            let rename = Rename { person: intent.person.clone(), current: account.profile.clone(), desired };
            (!wanted.is_empty()).then(|| (rename, self.holders_of(intent, &wanted)))
        };
        let mut open: BTreeMap<PersonId, (Rename, Vec<PersonId>)> = BTreeMap::new();
        let mut ordered = Vec::new();
        for (rename, holders) in intents.iter().filter_map(of) {
            if holders.is_empty() {
                ordered.push(rename);
            } else {
                open.insert(rename.person.clone(), (rename, holders));
            }
        }
        // Who sits on a wanted value and is renamed already, or is not renamed at all, is in nobody's way.
        let mut in_the_way: BTreeSet<PersonId> = open.keys().cloned().collect();
        while let Some(first) = open.keys().next().cloned() {
            let free =
                |(_, holders): &(Rename, Vec<PersonId>)| !holders.iter().any(|holder| in_the_way.contains(holder));
            let next = open.iter().find(|(_, waiting)| free(waiting)).map(|(person, _)| person.clone());
            if let Some((rename, _)) = next.as_ref().and_then(|person| open.remove(person)) {
                in_the_way.remove(&rename.person);
                ordered.push(rename);
                continue;
            }
            let aside = on_a_ring(&open, &in_the_way, &first).clone();
            in_the_way.remove(&aside);
            ordered.extend(open.get_mut(&aside).map(|(rename, _)| rename.park()));
        }
        ordered
    }

    fn holders_of(&self, intent: &Intent<'_>, wanted: &[Value]) -> Vec<PersonId> {
        wanted.iter().filter_map(|value| self.other_holder(intent, value)?.owner.clone()).collect()
    }

    fn other_holder(&self, intent: &Intent<'_>, value: &Value) -> Option<&'a Account> {
        self.holders.get(value).copied().filter(|holder| holder.owner.as_ref() != Some(&intent.person))
    }
}

/// From somebody who waits for others, who all wait for others: somebody who in the end waits for himself.
fn on_a_ring<'a>(
    open: &'a BTreeMap<PersonId, (Rename, Vec<PersonId>)>,
    in_the_way: &BTreeSet<PersonId>,
    first: &'a PersonId,
) -> &'a PersonId {
    let mut passed = BTreeSet::new();
    let mut person = first;
    while passed.insert(person) {
        let holders = open.get(person).map_or(&[][..], |(_, holders)| holders);
        let Some(next) = holders.iter().find(|holder| in_the_way.contains(*holder)) else { break };
        person = next;
    }
    person
}

/// The unique values an intent would take that its account does not have.
#[must_use]
pub fn wanted(intent: &Intent<'_>) -> Vec<Value> {
    let profile = match (&intent.action, &intent.update) {
        (Action::Create { .. }, _) => intent.profile,
        (_, Some(update)) => Some(update),
        _ => None,
    };
    let Some(profile) = profile else { return Vec::new() };
    let current = intent.account.map(|account| &account.profile);
    let fields = FIELDS.iter().enumerate();
    let values =
        fields.map(|(field, (_, read))| ((field, folded(read(profile))), current.map(|current| folded(read(current)))));
    values.filter(|((_, wanted), has)| has.as_ref() != Some(wanted)).map(|((f, v), _)| (f, v.into_owned())).collect()
}

/// The holder of a value is removed in this plan, or takes another one.
fn gives_up(holder: &Intent<'_>, (field, value): &Value) -> bool {
    let read = FIELDS[*field].1;
    holder.action == Action::Remove
        || holder.update.as_ref().is_some_and(|update| folded(read(update)) != value.as_str())
}

/// A profile with the unique values of another.
#[must_use]
pub fn keep_names(profile: Profile, current: &Profile) -> Profile {
    Profile { user_name: current.user_name.clone(), email: current.email.clone(), ..profile }
}

/// Whether two profiles differ in a value that must be unique.
#[must_use]
pub fn renames(current: &Profile, desired: &Profile) -> bool {
    FIELDS.iter().any(|(_, read)| folded(read(current)) != folded(read(desired)))
}

/// Values that nobody else has, in the order of the fields.
#[must_use]
pub fn placeholders(person: &PersonId) -> [String; FIELDS.len()] {
    let name = format!("seatsync-swap-{}", person.anchor);
    [format!("{name}@swap.invalid"), name]
}

/// The unique values of a profile, folded.
pub fn of_profile(profile: &Profile) -> impl Iterator<Item = Value> {
    FIELDS.iter().enumerate().map(|(field, (_, read))| (field, folded(read(profile)).into_owned()))
}

/// One person's step from one profile to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    pub person: PersonId,
    pub current: Profile,
    pub desired: Profile,
}

impl Rename {
    /// Steps aside to temporary values, so that others can have the present ones; what remains starts from there.
    fn park(&mut self) -> Self {
        let [email, user_name] = placeholders(&self.person);
        let aside = Profile { user_name, email, ..self.current.clone() };
        let step = Self { desired: aside.clone(), ..self.clone() };
        self.current = aside;
        step
    }
}
