//! Rule 16: what the guard holds back, and how it is let through.

use super::scene::*;
use crate::model::change::GuardKind::{Leaving, Renaming};
use crate::model::change::{GuardKind, Promotion};
use crate::model::user::Standing;
use crate::plan::effects::Verb;
use crate::plan::{Held, Plan};

fn staff(people: u32) -> Scene {
    Scene::staffed(&[("standard", people)], people)
}

fn held(plan: &Plan) -> Vec<(GuardKind, u32, u32, u32, u32)> {
    let numbers = |held: &Held| (held.kind, held.count, held.recent, held.of, held.limit);
    plan.held.iter().map(numbers).collect()
}

#[test]
fn the_floor_always_passes_and_one_more_is_held() {
    let mut scene = staff(20);
    scene.disable(1..=3);
    assert!(scene.plan().held.is_empty());
    scene.disable([4]);
    let plan = scene.plan();
    assert_eq!(held(&plan), [(Leaving, 4, 0, 20, 3)]);
    assert!(plan.is_empty(), "that kind is held back whole");
}

#[test]
fn the_percentage_rounds_down() {
    let mut scene = staff(59);
    scene.disable(1..=5);
    assert!(scene.plan().held.is_empty());
    scene.disable([6]);
    assert_eq!(held(&scene.plan()), [(Leaving, 6, 0, 59, 5)]);
}

#[test]
fn the_limit_itself_passes_exactly() {
    let mut scene = staff(60);
    scene.disable(1..=6);
    let plan = scene.cycle();
    assert_eq!(plan.changes.len(), 6);
    assert!(plan.fingerprint.is_none());
}

#[test]
fn everyone_is_held_back_however_few_they_are() {
    let mut scene = staff(3);
    scene.disable([1, 2]);
    assert!(scene.plan().held.is_empty());
    scene.disable([3]);
    assert_eq!(held(&scene.plan()), [(Leaving, 3, 0, 3, 3)]);
    let mut scene = staff(1);
    scene.disable([1]);
    assert_eq!(held(&scene.plan()), [(Leaving, 1, 0, 1, 3)]);
}

#[test]
fn a_hundred_percent_still_holds_everyone_back() {
    let mut scene = staff(8);
    scene.settings.guard.percent = 100;
    scene.disable(1..=7);
    assert!(scene.plan().held.is_empty());
    scene.disable([8]);
    assert_eq!(held(&scene.plan()), [(Leaving, 8, 0, 8, 8)]);
}

#[test]
fn joiners_and_returners_of_the_plan_count_among_all() {
    let mut scene = staff(39);
    scene.disable(1..=4);
    assert_eq!(held(&scene.plan()), [(Leaving, 4, 0, 39, 3)]);
    scene.hire([40]);
    assert!(scene.plan().held.is_empty(), "of forty, four");
}

#[test]
fn what_is_held_leaves_the_rest_of_the_plan_as_it_is() {
    let mut scene = Scene::staffed(&[("standard", 21)], 20);
    scene.disable(1..=4);
    scene.hire([21, 22]);
    scene.rename(20, "new");
    let plan = scene.cycle();
    let expected = [(Verb::Update, 20, ""), (Verb::Provision, 21, "standard"), (Verb::Wait, 22, "standard")];
    assert_eq!(story(&plan), expected, "the seats of those held back are not free");
    let shown: Vec<u32> = plan.changes.iter().filter(|c| c.held).map(|c| number(c.person.anchor)).collect();
    assert_eq!(shown, [1, 2, 3, 4]);
}

#[test]
fn renaming_is_counted_apart_and_other_fields_flow() {
    let mut scene = staff(20);
    for n in 1..=4 {
        scene.rename(n, &format!("new{n}"));
        scene.entry(n).profile.display_name = Some("New Name".into());
    }
    scene.disable(5..=7);
    let plan = scene.cycle();
    assert_eq!(held(&plan), [(Renaming, 4, 0, 20, 3)]);
    assert_eq!(story(&plan).iter().filter(|(verb, ..)| *verb == Verb::Suspend).count(), 3);
    let profile = &scene.account(1).profile;
    assert_eq!((profile.display_name.as_deref(), &*profile.email), (Some("New Name"), "p1@acme.example"));
}

#[test]
fn a_user_name_alone_is_a_renaming_too() {
    let mut scene = staff(20);
    (1..=4).for_each(|n| scene.entry(n).profile.user_name = format!("new{n}"));
    assert_eq!(held(&scene.plan()), [(Renaming, 4, 0, 20, 3)]);
}

#[test]
fn directories_are_guarded_one_by_one() {
    let mut scene = staff(20);
    scene.add_directory("lab");
    for n in 1..=5 {
        let mut person = sighting(n);
        person.profile = profile(&format!("lab{n}"));
        scene.source("lab").people.push(person);
    }
    scene.pool("standard").seats = Some(25);
    scene.cycle();
    scene.disable(1..=4);
    scene.source("lab").people[0].standing = Standing::Disabled;
    let plan = scene.plan();
    assert_eq!(plan.held.len(), 1);
    assert_eq!(&*plan.held[0].directory, "corp");
    assert_eq!(story(&plan), [(Verb::Suspend, 1, "")], "the one of lab");
}

#[test]
fn what_is_confirmed_passes_and_counts_no_more() {
    let mut scene = staff(20);
    scene.disable(1..=10);
    scene.confirm();
    scene.disable([11, 12]);
    let plan = scene.cycle();
    assert!(plan.held.is_empty());
    assert_eq!(story(&plan).len(), 12);
    assert_eq!(scene.marks.iter().filter(|mark| mark.confirmed).count(), 10);
    scene.disable([13]);
    assert!(scene.plan().held.is_empty(), "three unconfirmed, of twenty");
    scene.disable([14]);
    assert_eq!(held(&scene.plan()), [(Leaving, 2, 2, 20, 3)]);
}

#[test]
fn a_confirmation_lets_those_people_and_nobody_else_through() {
    let mut scene = staff(20);
    scene.disable(1..=4);
    scene.confirm();
    scene.enable(4);
    scene.disable(5..=8);
    let plan = scene.cycle();
    assert_eq!(story(&plan).len(), 3);
    assert_eq!(held(&plan), [(Leaving, 4, 0, 20, 3)]);
}

#[test]
fn a_confirmation_is_spent_once_its_changes_are_done() {
    let mut scene = staff(20);
    scene.disable(1..=5);
    scene.confirm();
    assert_eq!(story(&scene.cycle()).len(), 5);
    (1..=5).for_each(|n| scene.enable(n));
    scene.cycle();
    scene.disable(1..=5);
    assert_eq!(held(&scene.plan()), [(Leaving, 5, 0, 20, 3)], "the same people, another time");
    (1..=5).for_each(|n| scene.enable(n));
    (1..=4).for_each(|n| scene.rename(n, &format!("new{n}")));
    scene.confirm();
    scene.cycle();
    (1..=4).for_each(|n| scene.rename(n, &format!("p{n}")));
    scene.wait(HOUR * 25);
    scene.confirm();
    scene.cycle();
    (1..=4).for_each(|n| scene.rename(n, &format!("new{n}")));
    assert_eq!(scene.plan().held.len(), 1, "the same names, another time");
}

#[test]
fn a_confirmation_ends_when_its_cause_is_mended_before_the_next_cycle() {
    let mut scene = staff(20);
    scene.disable(1..=5);
    scene.confirm();
    scene.source("corp").partial = true;
    (1..=5).for_each(|n| scene.enable(n));
    scene.cycle();
    scene.source("corp").partial = false;
    scene.disable(1..=2);
    assert_eq!(story(&scene.cycle()).len(), 2, "a partial read ends nothing; what is wanted still is done");
    scene.disable(3..=6);
    assert_eq!(held(&scene.plan()), [(Leaving, 4, 0, 20, 3)], "the accident of another day");
    assert!(scene.confirmations.iter().all(|kept| kept.changes.is_empty()));
}

#[test]
fn a_confirmed_renaming_that_only_waits_for_its_value_stays_confirmed() {
    let mut scene = staff(20);
    (1..=4).for_each(|n| scene.rename(n, &format!("new{n}")));
    scene.confirm();
    let unmanaged = profile("new1");
    scene.backend.add_unmanaged("theirs", unmanaged);
    scene.cycle();
    scene.backend.accounts.retain(|account| account.owner.is_some());
    assert!(scene.plan().held.is_empty());
}

#[test]
fn a_confirmation_expires_to_the_second() {
    let mut scene = staff(20);
    scene.disable(1..=4);
    scene.confirm();
    scene.wait(scene.settings.guard.confirm_within - jiff::SignedDuration::from_secs(1));
    assert!(scene.plan().held.is_empty());
    scene.wait(jiff::SignedDuration::from_secs(1));
    assert_eq!(scene.plan().held.len(), 1);
}

#[test]
fn a_confirmation_of_a_renaming_is_one_of_that_name_only() {
    let mut scene = staff(20);
    (1..=4).for_each(|n| scene.rename(n, &format!("new{n}")));
    scene.confirm();
    assert!(scene.plan().held.is_empty());
    (1..=4).for_each(|n| scene.rename(n, &format!("evil{n}")));
    assert_eq!(scene.plan().held.len(), 1);
}

#[test]
fn the_fingerprint_is_stable_and_changes_with_who_and_what() {
    let mut scene = staff(20);
    assert_eq!(scene.plan().fingerprint, None);
    (1..=4).for_each(|n| scene.rename(n, &format!("new{n}")));
    let first = scene.plan().fingerprint.unwrap();
    scene.wait(HOUR);
    scene.hire([30]);
    assert_eq!(scene.plan().fingerprint.as_ref(), Some(&first), "the same held changes, in another plan");
    scene.rename(1, "other");
    let renamed = scene.plan().fingerprint.unwrap();
    scene.rename(1, "new1");
    scene.rename(5, "new5");
    let more = scene.plan().fingerprint.unwrap();
    scene.rename(5, "p5");
    assert_eq!(scene.plan().fingerprint.as_ref(), Some(&first));
    assert!(first != renamed && first != more && renamed != more);
    assert!(first.len() == 16 && first.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn while_leaving_is_held_nobody_is_promoted_into_those_seats() {
    let mut scene = Scene::staffed(&[("standard", 20)], 21);
    scene.settings.seats.promotion = Promotion::Automatic;
    scene.disable(1..=4);
    let plan = scene.cycle();
    assert!(plan.is_empty());
    scene.confirm();
    assert!(story(&scene.cycle()).contains(&(Verb::Promote, 21, "standard")));
}

#[test]
fn a_held_renaming_keeps_the_value_from_who_wants_it() {
    let mut scene = staff(20);
    (1..=4).for_each(|n| scene.rename(n, &format!("new{n}")));
    scene.hire([21]);
    scene.rename(21, "p1");
    let plan = scene.cycle();
    assert_eq!(told(&plan, "conflict"), [21]);
    assert!(plan.is_empty());
}
