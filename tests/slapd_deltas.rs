//! A running agent follows what changes on a real OpenLDAP server: after each change it has given out just what a twin has
//! that reads everything, and it read no more than changed.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on ends here")]

mod support;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::json;
use support::rights::{lack, lacking};
use support::twins::Twins;
use support::{Slapd, ldif};

const SEATS: usize = 8;

/// Everyone under `ou=people` who is in the group `vault`; the rank is of the group `first`.
fn config(slapd: &Slapd, groups: bool) -> String {
    let base = &slapd.base;
    let scope = if groups { format!("groups = [\"cn=vault,ou=groups,{base}\"]\n") } else { String::new() };
    let rank = if groups { format!("priority = [\"cn=first,ou=groups,{base}\"]\n") } else { String::new() };
    format!(
        "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"1h\"\n\
         [[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\n\
         bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{base}\"]\ntimeout = \"10s\"\n{scope}\
         [[pool]]\nname = \"standard\"\nseats = {SEATS}\n{rank}\
         [seats]\npromotion = \"automatic\"\n[guard]\npercent = 100\nfloor = 1000\n",
        slapd.url, slapd.sync_dn,
    )
}

fn twins(slapd: &Slapd, groups: bool) -> Twins {
    Twins::of(&config(slapd, groups), &slapd.password)
}

#[test]
fn nothing_changed_is_nothing_read() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 12));
    let twins = twins(&slapd, false);
    let read = twins.delta("nothing");
    assert_eq!(read["entries"], 0, "{read}");
    let (_, report) = twins.follows.sync_full();
    assert_eq!((&report["directories"][0]["mode"], &report["directories"][0]["entries"]), (&json!("full"), &json!(12)));
}

#[test]
fn each_change_of_a_person_reaches_the_account_at_the_cost_of_that_person() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 12));
    let twins = twins(&slapd, false);
    let dn = |number: usize| slapd.dn(&format!("u{number:07}"));
    slapd.modify(&ldif::replace(&dn(1), "displayName", &["Another Name"]));
    assert_eq!(twins.delta("a new name")["entries"], 1);
    slapd.modify(&ldif::replace(&dn(2), "pwdAccountLockedTime", &["000001010000Z"]));
    twins.delta("one disabled, whose seat goes to who waited");
    slapd.modify(&ldif::replace(&dn(2), "pwdAccountLockedTime", &[]));
    twins.delta("the same enabled");
    slapd.delete(&dn(3));
    twins.delta("one deleted, missed once");
    twins.cycle("the same, missed twice");
    assert!(twins.follows.names("suspended").contains(&"u0000003".to_owned()));
    twins.cycle("the deletion");
    slapd.modify(&ldif::replace(&dn(4), "mail", &[]));
    twins.delta("a mail address taken away");
    slapd.modify(&ldif::replace(&dn(4), "mail", &["u0000005@lab.test"]));
    twins.delta("the address of somebody else");
    slapd.modify(&ldif::replace(&dn(5), "mail", &["u0000004@lab.test"]));
    twins.delta("a swap of addresses");
    slapd.modify(&ldif::rename(&dn(6), "uid=u6", None));
    twins.delta("a rename");
    slapd.add(&ldif::people(&slapd.base, 14).split("\n\n").skip(12).map(|e| format!("{e}\n\n")).collect::<String>());
    twins.delta("two who join");
    slapd.modify(&ldif::rename(&dn(7), "uid=u0000007", Some(&format!("ou=groups,{}", slapd.base))));
    twins.delta("one moved out of the base");
}

#[test]
fn a_membership_that_changes_reaches_the_members() {
    let base = "dc=lab,dc=test";
    let dn = |number: usize| format!("uid=u{number:07},ou=people,{base}");
    let people = ldif::people(base, 12);
    let first = ldif::group(base, "first", &[dn(12)]);
    let inner = ldif::group(base, "inner", &[dn(9), dn(10)]);
    let members: Vec<String> = (1..=8).map(dn).chain([format!("cn=inner,ou=groups,{base}")]).collect();
    let slapd = Slapd::start_with(&(people + &first + &inner + &ldif::group(base, "vault", &members)));
    let twins = twins(&slapd, true);
    twins.delta("nothing");
    let change = |group: &str, what: &str, number: usize| {
        slapd.modify(&format!(
            "dn: cn={group},ou=groups,{base}\nchangetype: modify\n{what}: member\nmember: {}\n-\n\n",
            dn(number)
        ));
    };
    change("inner", "add", 11);
    twins.delta("one more in a group within the group");
    assert!(twins.follows.names("pending").contains(&"u0000011".to_owned()));
    change("vault", "delete", 1);
    twins.delta("one taken out");
    change("first", "add", 11);
    twins.delta("one who comes first now");
    slapd.modify(&ldif::replace(&dn(2), "displayName", &["Another Name"]));
    twins.delta("a name of a member");
    let joiner = ldif::people(base, 13).split("\n\n").nth(12).map(|entry| format!("{entry}\n\n")).unwrap_or_default();
    slapd.add(&joiner);
    twins.delta("one who joins, in no group");
    change("vault", "add", 13);
    assert_eq!(twins.delta("the same, in a group now")["entries"], 1, "the group alone");
    // The server takes them out of the group, too (the overlay refint).
    slapd.delete(&dn(13));
    twins.delta("the same deleted, missed once");
    twins.cycle("the same, missed twice");
    twins.cycle("the deletion");
    slapd.modify(&ldif::rename(&format!("cn=inner,ou=groups,{base}"), "cn=within", None));
    twins.cycle("a group within the group renamed");
    slapd.delete(&format!("cn=within,ou=groups,{base}"));
    twins.cycle("the group within deleted, missed once");
    twins.cycle("the same, missed twice");
}

#[test]
fn a_user_id_that_nobody_under_the_base_has_stops_no_following() {
    let base = "dc=lab,dc=test";
    let group = format!(
        "dn: cn=vault,ou=groups,{base}\nobjectClass: posixGroup\ncn: vault\ngidNumber: 7\nmemberUid: u0000001\n\
         memberUid: u0000009\nmemberUid: system\n\n"
    );
    let first = ldif::group(base, "first", &[format!("uid=u0000001,ou=people,{base}")]);
    let slapd = Slapd::start_with(&(ldif::people(base, 6) + &group + &first));
    let twins = twins(&slapd, true);
    assert_eq!(twins.delta("nothing")["dangling"], 2);
    let joiner = ldif::people(base, 9).split("\n\n").nth(8).map(|entry| format!("{entry}\n\n")).unwrap_or_default();
    slapd.add(&joiner);
    twins.delta("one who joins, and was listed before");
    assert_eq!(twins.follows.names("active"), ["u0000001", "u0000009"]);
    slapd.modify(&format!(
        "dn: cn=vault,ou=groups,{base}\nchangetype: modify\nadd: memberUid\nmemberUid: u0000003\n-\n\n"
    ));
    twins.delta("one more is listed");
    slapd.modify(&ldif::rename(&slapd.dn("u0000003"), "uid=married", None));
    twins.cycle("the listed one gets another user id, and keeps the seat");
    assert!(twins.follows.names("active").len() == 3);
}

#[test]
fn a_server_that_forgot_what_was_deleted_tells_who_is_there_and_nobody_else_is_believed_gone() {
    let group = ldif::group("dc=lab,dc=test", "vault", &["uid=u0000001,ou=people,dc=lab,dc=test".to_owned()]);
    let mut slapd = Slapd::start_without_session_log(&(ldif::people("dc=lab,dc=test", 12) + &group));
    let twins = twins(&slapd, false);
    assert_eq!(twins.delta("nothing")["entries"], 0);
    slapd.modify(&ldif::replace(&slapd.dn("u0000001"), "displayName", &["Another Name"]));
    assert_eq!(twins.delta("a new name")["entries"], 1);
    slapd.delete(&slapd.dn("u0000003"));
    twins.delta("one deleted, missed once");
    twins.cycle("the same, missed twice");
    twins.cycle("the deletion");
    assert!(twins.follows.names("suspended").contains(&"u0000003".to_owned()));
    slapd.modify(&ldif::rename(&slapd.dn("u0000007"), "uid=u0000007", Some(&format!("ou=groups,{}", slapd.base))));
    twins.delta("one moved out of the base");
    // Nobody is there for the account any more, and the server says that of nobody.
    let rule = format!("to dn.regex=\"^uid=u000000[45],\" by dn.exact=\"{}\" none by * break", slapd.sync_dn);
    slapd.restrict(&rule);
    slapd.modify(&ldif::replace(&slapd.dn("u0000001"), "displayName", &["A Third Name"]));
    let before = twins.follows.names("active");
    twins.follows.sync();
    assert_eq!(twins.follows.names("active"), before, "closed to the account is not gone");
}

#[test]
fn a_server_that_was_restarted_has_forgotten_and_is_followed_all_the_same() {
    let mut slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 12));
    let twins = twins(&slapd, false);
    slapd.delete(&slapd.dn("u0000003"));
    slapd.down();
    slapd.up();
    slapd.modify(&ldif::replace(&slapd.dn("u0000001"), "displayName", &["Another Name"]));
    twins.delta("one deleted before the restart, missed once");
    twins.cycle("the same, missed twice");
    twins.cycle("the deletion");
    assert!(twins.follows.names("suspended").contains(&"u0000003".to_owned()));
}

#[test]
fn without_the_overlay_changes_are_told_by_their_times_and_deletions_by_the_next_full_cycle() {
    let base = "dc=lab,dc=test";
    let dn = |number: usize| format!("uid=u{number:07},ou=people,{base}");
    let members: Vec<String> = (1..=9).map(dn).collect();
    let groups = ldif::group(base, "first", &[dn(12)]) + &ldif::group(base, "vault", &members);
    let slapd = Slapd::start_without_syncprov(&(ldif::people(base, 12) + &groups));
    let twins = twins(&slapd, true);
    twins.delta("nothing");
    slapd.modify(&ldif::replace(&dn(1), "displayName", &["Another Name"]));
    twins.delta("a new name");
    slapd.modify(&ldif::replace(&dn(2), "pwdAccountLockedTime", &["000001010000Z"]));
    twins.delta("one disabled");
    slapd.modify(&format!(
        "dn: cn=vault,ou=groups,{base}
changetype: modify
add: member
member: {}
-

",
        dn(10)
    ));
    twins.delta("one more in the group");
    assert!(twins.follows.names("pending").contains(&"u0000010".to_owned()));
    slapd.modify(&ldif::rename(&dn(4), "uid=u0000004", Some(&format!("ou=groups,{base}"))));
    twins.delta("one moved out of the base");
    slapd.delete(&dn(5));
    let (code, report) = twins.follows.sync();
    assert_eq!((code, &report["directories"][0]["mode"]), (0, &json!("delta")), "{report}");
    assert!(!twins.follows.names("suspended").contains(&"u0000005".to_owned()), "nobody told of it yet");
    twins.follows.sync_full();
    twins.follows.sync_full();
    assert!(twins.follows.names("suspended").contains(&"u0000005".to_owned()));
    let told = lacking(&twins.follows);
    let probe = lack(&told, "changes");
    assert!(probe["lost"].as_str().is_some_and(|lost| lost.contains("next full cycle")), "{probe}");
}

#[test]
fn who_may_not_see_when_entries_were_changed_reads_everything() {
    let mut slapd = Slapd::start_without_syncprov(&ldif::people("dc=lab,dc=test", 6));
    let rule = format!("to attrs=modifyTimestamp by dn.exact=\"{}\" none by * break", slapd.sync_dn);
    slapd.restrict(&rule);
    let twins = twins(&slapd, false);
    slapd.modify(&ldif::replace(&slapd.dn("u0000001"), "displayName", &["Another Name"]));
    assert_eq!(twins.cycle("a new name")["mode"], "full");
}

/// The agent that follows ends as the one that reads everything: partial, and nobody has another seat than before.
fn both_are_partial(twins: &Twins, after: &str) {
    let before = twins.follows.names("active");
    let (code, report) = twins.follows.sync();
    assert_eq!((code, &report["directories"][0]["complete"]), (1, &json!(false)), "after {after}: {report}");
    assert_eq!(twins.follows.names("active"), before, "after {after}");
}

#[test]
fn a_base_whose_own_entry_cannot_be_read_takes_nobody_away() {
    let mut slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 10));
    let twins = twins(&slapd, false);
    let rule = format!("to dn.exact=\"ou=people,{}\" by dn.exact=\"{}\" none by * break", slapd.base, slapd.sync_dn);
    slapd.restrict(&rule);
    slapd.modify(&ldif::replace(&slapd.dn("u0000001"), "displayName", &["Another Name"]));
    both_are_partial(&twins, "the base is closed");
}

#[test]
fn a_group_of_the_config_that_is_deleted_gives_nobody_s_seat_away() {
    let base = "dc=lab,dc=test";
    let dn = |number: usize| format!("uid=u{number:07},ou=people,{base}");
    let members: Vec<String> = (1..=10).map(dn).collect();
    let groups = ldif::group(base, "first", &[dn(10)]) + &ldif::group(base, "vault", &members);
    let slapd = Slapd::start_with(&(ldif::people(base, 12) + &groups));
    let twins = twins(&slapd, true);
    slapd.delete(&format!("cn=vault,ou=groups,{base}"));
    slapd.modify(&ldif::replace(&dn(1), "pwdAccountLockedTime", &["000001010000Z"]));
    both_are_partial(&twins, "the group is gone");
}

#[test]
fn a_process_that_begins_counts_on_nothing_that_somebody_decided_since() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 12));
    let twins = twins(&slapd, false);
    twins.delta("nothing");
    twins.decide("deny", "u0000009");
    twins.cycle("one who waited was denied a seat");
    twins.decide("release", "u0000001");
    twins.cycle("one seat taken back, which goes to who waited");
    assert!(!twins.follows.names("active").contains(&"u0000001".to_owned()));
    twins.cycle("nothing");
    twins.delta("nothing once more");
}

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
    Join(bool, usize),
    Leave(bool, usize),
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
        (any::<bool>(), who()).prop_map(|(outer, who)| Change::Join(outer, who)),
        (any::<bool>(), who()).prop_map(|(outer, who)| Change::Leave(outer, who)),
        Just(Change::Nothing),
    ]
}

/// Carries out a change; what does not fit the server as it is does nothing.
fn make(slapd: &Slapd, change: &Change) {
    let base = &slapd.base;
    let find = |who: usize| {
        let found = slapd.search(&format!("(employeeNumber={who})"), &["1.1"]);
        found.strip_prefix("dn: ").map(|dn| dn.trim().to_owned())
    };
    let group = |outer: bool| format!("cn={},ou=groups,{base}", if outer { "vault" } else { "inner" });
    let uid = |who: usize| format!("u{who:07}");
    let modify = |who: usize, attribute: &str, values: &[&str]| {
        if let Some(dn) = find(who) {
            slapd.try_modify(&ldif::replace(&dn, attribute, values));
        }
    };
    match *change {
        Change::Add(who) if find(who).is_none() => {
            let entry = ldif::person(base, &uid(who));
            slapd.add(&format!("{}employeeNumber: {who}\n\n", entry.strip_suffix('\n').unwrap_or(&entry)));
        }
        Change::Delete(who) => find(who).iter().for_each(|dn| slapd.delete(dn)),
        Change::Lock(who) => modify(who, "pwdAccountLockedTime", &["000001010000Z"]),
        Change::Unlock(who) => modify(who, "pwdAccountLockedTime", &[]),
        Change::Name(who, name) => modify(who, "displayName", &[&format!("Name {name}")]),
        Change::Mail(who, whose) => modify(who, "mail", &[&format!("{}@lab.test", uid(whose))]),
        Change::NoMail(who) => modify(who, "mail", &[]),
        Change::Out(who) | Change::Back(who) | Change::Rename(who) => {
            let Some(dn) = find(who) else { return };
            let (rdn, parent) = dn.split_once(',').expect("a parent");
            let (rdn, parent) = match change {
                Change::Out(_) => (rdn.to_owned(), format!("ou=groups,{base}")),
                Change::Back(_) => (rdn.to_owned(), format!("ou=people,{base}")),
                _ if rdn.ends_with('x') => (rdn.trim_end_matches('x').to_owned(), parent.to_owned()),
                _ => (format!("{rdn}x"), parent.to_owned()),
            };
            slapd.try_modify(&ldif::rename(&dn, &rdn, Some(&parent)));
        }
        Change::Join(outer, who) | Change::Leave(outer, who) => {
            let Some(dn) = find(who) else { return };
            let what = if matches!(change, Change::Join(..)) { "add" } else { "delete" };
            slapd.try_modify(&format!("dn: {}\nchangetype: modify\n{what}: member\nmember: {dn}\n-\n\n", group(outer)));
        }
        Change::Add(_) | Change::Nothing => {}
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
    let made = people
        + &ldif::group(base, "first", &[dn(12)])
        + &ldif::group(base, "inner", &[dn(9), nobody.clone()])
        + &ldif::group(base, "vault", &[members, vec![nobody]].concat());
    let slapd = Slapd::start_with(&made);
    let twins = twins(&slapd, groups);
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
