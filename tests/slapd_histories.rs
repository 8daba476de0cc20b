//! Random histories of a real OpenLDAP server: after each change an agent that follows, one that compares and one that takes in
//! everyone have given out the same.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on ends here")]

mod support;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use support::twins::Twins;
use support::{Slapd, ldif};

/// One thing that happens on the server.
#[derive(Clone, Debug)]
enum Change {
    Add(usize),
    Delete(usize),
    Lock(usize),
    Unlock(usize),
    Name(usize, u8),
    Mail(usize, usize),
    NoMail(usize),
    Out(usize),
    Back(usize),
    Rename(usize),
    Expire(usize),
    Unexpire(usize),
    /// Into a place below the base, which is renamed by another change.
    Below(usize),
    RenamePlace,
    Join(bool, usize),
    Leave(bool, usize),
    /// The group within the group is a member of it, or no more.
    Nest(bool),
    RenameGroup,
    DeleteGroup,
    MakeGroup,
    Nothing,
}

fn change() -> impl Strategy<Value = Change> {
    let who = || 1..=14_usize;
    prop_oneof![
        who().prop_map(Change::Add),
        who().prop_map(Change::Delete),
        who().prop_map(Change::Lock),
        who().prop_map(Change::Unlock),
        (who(), 0..9_u8).prop_map(|(who, name)| Change::Name(who, name)),
        (who(), who()).prop_map(|(who, whose)| Change::Mail(who, whose)),
        who().prop_map(Change::NoMail),
        who().prop_map(Change::Out),
        who().prop_map(Change::Back),
        who().prop_map(Change::Rename),
        who().prop_map(Change::Expire),
        who().prop_map(Change::Unexpire),
        who().prop_map(Change::Below),
        Just(Change::RenamePlace),
        any::<bool>().prop_map(Change::Nest),
        Just(Change::RenameGroup),
        Just(Change::DeleteGroup),
        Just(Change::MakeGroup),
        (any::<bool>(), who()).prop_map(|(outer, who)| Change::Join(outer, who)),
        (any::<bool>(), who()).prop_map(|(outer, who)| Change::Leave(outer, who)),
        Just(Change::Nothing),
    ]
}

/// The DN of the first entry that matches.
fn dn_of(slapd: &Slapd, filter: &str) -> Option<String> {
    let found = slapd.search(filter, &["1.1"]);
    found.lines().find_map(|line| line.strip_prefix("dn: ")).map(|dn| dn.trim().to_owned())
}

fn find(slapd: &Slapd, who: usize) -> Option<String> {
    dn_of(slapd, &format!("(employeeNumber={who})"))
}

/// Carries out a change; what does not fit the server as it is does nothing.
fn make(slapd: &Slapd, change: &Change) {
    let base = &slapd.base;
    let uid = |who: usize| format!("u{who:07}");
    let modify = |who: usize, attribute: &str, values: &[&str]| {
        if let Some(dn) = find(slapd, who) {
            slapd.try_modify(&ldif::replace(&dn, attribute, values));
        }
    };
    match *change {
        Change::Add(who) if find(slapd, who).is_none() => {
            let entry = ldif::person(base, &uid(who));
            slapd.add(&format!("{}employeeNumber: {who}\n\n", entry.strip_suffix('\n').unwrap_or(&entry)));
        }
        Change::Delete(who) => find(slapd, who).iter().for_each(|dn| slapd.delete(dn)),
        Change::Lock(who) => modify(who, "pwdAccountLockedTime", &["000001010000Z"]),
        Change::Unlock(who) => modify(who, "pwdAccountLockedTime", &[]),
        Change::Name(who, name) => modify(who, "displayName", &[&format!("Name {name}")]),
        Change::Mail(who, whose) => modify(who, "mail", &[&format!("{}@lab.test", uid(whose))]),
        Change::NoMail(who) => modify(who, "mail", &[]),
        Change::Expire(who) => modify(who, "pwdEndTime", &["20200101000000Z"]),
        Change::Unexpire(who) => modify(who, "pwdEndTime", &[]),
        Change::Out(who) | Change::Back(who) | Change::Rename(who) | Change::Below(who) => rename(slapd, change, who),
        Change::RenamePlace => {
            let Some(place) = dn_of(slapd, PLACE) else { return };
            let name = if place.starts_with("ou=staff") { "ou=team" } else { "ou=staff" };
            slapd.try_modify(&ldif::rename(&place, name, None));
        }
        _ => regroup(slapd, change),
    }
}

const PLACE: &str = "(|(ou=staff)(ou=team))";

/// One of the changes of somebody's DN.
fn rename(slapd: &Slapd, change: &Change, who: usize) {
    let Some(dn) = find(slapd, who) else { return };
    let (rdn, parent) = dn.split_once(',').expect("a parent");
    let (rdn, parent) = match change {
        Change::Out(_) => (rdn.to_owned(), format!("ou=groups,{}", slapd.base)),
        Change::Back(_) => (rdn.to_owned(), format!("ou=people,{}", slapd.base)),
        Change::Below(_) => (rdn.to_owned(), dn_of(slapd, PLACE).unwrap_or_else(|| parent.to_owned())),
        _ if rdn.ends_with('x') => (rdn.trim_end_matches('x').to_owned(), parent.to_owned()),
        _ => (format!("{rdn}x"), parent.to_owned()),
    };
    slapd.try_modify(&ldif::rename(&dn, &rdn, Some(&parent)));
}

/// One of the changes of groups.
fn regroup(slapd: &Slapd, change: &Change) {
    let base = &slapd.base;
    let within = || dn_of(slapd, "(|(cn=inner)(cn=within))");
    let group = |outer: bool| if outer { Some(format!("cn=vault,ou=groups,{base}")) } else { within() };
    let member = |group: Option<String>, what: &str, member: Option<String>| {
        if let (Some(group), Some(member)) = (group, member) {
            slapd.try_modify(&format!("dn: {group}\nchangetype: modify\n{what}: member\nmember: {member}\n-\n\n"));
        }
    };
    match *change {
        Change::Join(outer, who) => member(group(outer), "add", find(slapd, who)),
        Change::Leave(outer, who) => member(group(outer), "delete", find(slapd, who)),
        Change::Nest(is_in) => member(group(true), if is_in { "add" } else { "delete" }, within()),
        Change::RenameGroup => {
            let Some(group) = within() else { return };
            let name = if group.starts_with("cn=inner") { "cn=within" } else { "cn=inner" };
            slapd.try_modify(&ldif::rename(&group, name, None));
        }
        Change::DeleteGroup => within().iter().for_each(|dn| slapd.delete(dn)),
        Change::MakeGroup if within().is_none() => {
            slapd.add(&ldif::group(base, "inner", &[format!("ou=groups,{base}")]));
        }
        _ => {}
    }
}

/// `SEATSYNC_DELTAS_SEED=N` plays another history, `SEATSYNC_DELTAS_STEPS=N` a longer one.
fn play(groups: bool) {
    let number = |variable: &str, default: u64| {
        std::env::var(variable).map_or(default, |text| text.parse().expect("a number in SEATSYNC_DELTAS_..."))
    };
    let seed = number("SEATSYNC_DELTAS_SEED", 1);
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() });
    let base = "dc=lab,dc=test";
    let person = |who: usize| {
        let entry = ldif::person(base, &format!("u{who:07}"));
        format!("{}employeeNumber: {who}\n\n", entry.strip_suffix('\n').unwrap_or(&entry))
    };
    let people: String = (1..=12).map(person).collect();
    let dn = |who: usize| format!("uid=u{who:07},ou=people,{base}");
    let members: Vec<String> = (1..=9).map(dn).chain([format!("cn=inner,ou=groups,{base}")]).collect();
    // Nobody, but there: a group must not be empty, and one that lists what is not there is read whole.
    let nobody = format!("ou=groups,{base}");
    let place = format!("dn: ou=staff,ou=people,{base}\nobjectClass: organizationalUnit\nou: staff\n\n");
    let made = people
        + &place
        + &ldif::group(base, "first", &[dn(12)])
        + &ldif::group(base, "inner", &[dn(9), nobody.clone()])
        + &ldif::group(base, "vault", &[members, vec![nobody]].concat());
    let slapd = Slapd::start_with(&made);
    let twins = Twins::on(&slapd, groups);
    let (mut deltas, mut comparisons) = (0, 0);
    for step in 0..number("SEATSYNC_DELTAS_STEPS", 60) {
        let change = change().new_tree(&mut runner).expect("a change").current();
        make(&slapd, &change);
        let read = twins.cycle(&format!("step {step} of seed {seed}, {change:?}"));
        deltas += u64::from(read["mode"] == "delta");
        comparisons += u64::from(twins.compared());
    }
    eprintln!("seed {seed}: {deltas} cycles followed, {comparisons} compared");
    assert!(deltas > 0 && comparisons > 0);
}

#[test]
fn whatever_happens_who_follows_has_what_a_full_read_gives() {
    play(false);
}

#[test]
fn whatever_happens_to_groups_who_follows_has_what_a_full_read_gives() {
    play(true);
}
