//! A running agent follows what changes on a real OpenLDAP server: after each change it has given out just what a twin has
//! that reads everything, and it read no more than changed.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on ends here")]

mod support;

use std::time::Duration;

use serde_json::json;
use support::agent::Running;
use support::counting_proxy::CountingProxy;
use support::process::wait_until;
use support::rights::{lack, lacking};
use support::twins::Twins;
use support::{Agent, Slapd, ldif};

fn twins(slapd: &Slapd, groups: bool) -> Twins {
    Twins::on(slapd, groups)
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
    assert_eq!(twins.cycle("one deleted, missed once")["mode"], "full");
    assert_eq!(twins.cycle("the same, missed twice")["mode"], "delta", "looked up again");
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
    twins.cycle("the same deleted, missed once");
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
    twins.cycle("one deleted, missed once");
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
    twins.cycle("one deleted before the restart, missed once");
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
    twins.misses_with_the_next_full_cycles("u0000005");
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

#[test]
fn whose_change_cannot_be_seen_is_found_by_reading_everything() {
    let base = "dc=lab,dc=test";
    let dn = |number: usize| format!("uid=u{number:07},ou=people,{base}");
    let groups =
        ldif::group(base, "first", &[dn(6)]) + &ldif::group(base, "vault", &(1..=4).map(dn).collect::<Vec<_>>());
    let mut slapd = Slapd::start_with(&(ldif::people(base, 6) + &groups));
    let hide = |whose: &str| format!("to {whose} attrs=entryCSN by dn.exact=\"cn=sync,{base}\" none by * break");
    slapd.restrict(&hide(&format!("dn.exact=\"{}\"", dn(2))));
    let twins = twins(&slapd, true);
    slapd.modify(&ldif::replace(&dn(2), "displayName", &["Another Name"]));
    let read = twins.cycle("a new name of whose entry shows no change");
    assert_eq!(read["mode"], "full", "{read}");
    let told = lacking(&twins.follows);
    let probe = lack(&told, "changes");
    assert!(probe["message"].as_str().is_some_and(|message| message.contains("u0000002")), "{probe}");
    slapd.unrestrict();
    twins.cycle("it is shown again");
    slapd.modify(&ldif::replace(&dn(2), "displayName", &["A Third Name"]));
    assert_eq!(twins.delta("and followed")["entries"], 1);
    // A group may hide it at any time: that is looked at in each cycle.
    slapd.restrict(&hide(&format!("dn.exact=\"cn=vault,ou=groups,{base}\"")));
    slapd.modify(&format!("dn: cn=vault,ou=groups,{base}\nchangetype: modify\nadd: member\nmember: {}\n-\n\n", dn(5)));
    assert_eq!(twins.cycle("one more in a group that shows no change")["mode"], "full");
    assert!(twins.follows.names("active").contains(&"u0000005".to_owned()));
    let told = lacking(&twins.follows);
    let probe = lack(&told, "changes");
    assert!(probe["message"].as_str().is_some_and(|message| message.contains("cn=vault")), "{probe}");
}

#[test]
fn a_place_that_cannot_be_seen_may_move_with_its_people_and_everything_is_read() {
    let base = "dc=lab,dc=test";
    let place = format!("ou=sub,ou=people,{base}");
    let inside = ldif::person(base, "u0000007").replace(",ou=people,", ",ou=sub,ou=people,");
    let seed = ldif::people(base, 6) + &format!("dn: {place}\nobjectClass: organizationalUnit\nou: sub\n\n") + &inside;
    let mut slapd = Slapd::start_with(&seed);
    slapd.restrict(&format!("to filter=(ou=sub) by dn.exact=\"{}\" none by * break", slapd.sync_dn));
    let twins = twins(&slapd, false);
    slapd.modify(&ldif::rename(&place, "ou=sub", Some(&format!("ou=groups,{base}"))));
    assert_eq!(twins.cycle("a hidden place moved out")["mode"], "full");
    assert_eq!(twins.follows.names("suspended"), ["u0000007"]);
    slapd.unrestrict();
    twins.cycle("it is shown, and nobody lies there any more");
    twins.delta("nothing");
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

/// A running agent of that many people, who all have a seat, in its second cycle; nobody else need be looked up.
fn everyone_has_a_seat(slapd: &Slapd, filter: &str) -> (Agent, Running) {
    let agent = Agent::new("");
    agent.secret("pw", &slapd.password);
    agent.write_config(&format!(
        "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"24h\"\npush = false\n\
         [[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\n\
         bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{}\"]\n{filter}\
         [[pool]]\nname = \"standard\"\nseats = 1000\n",
        slapd.url, slapd.sync_dn, slapd.base,
    ));
    let running = agent.start();
    wait_until("the first cycle", Duration::from_secs(20), || !agent.history().is_empty());
    slapd.modify(&ldif::replace(&slapd.dn("u0000001"), "displayName", &["Somebody"]));
    agent.sync_full();
    assert_eq!(agent.sync().1["directories"][0]["mode"], "delta");
    (agent, running)
}

/// The account may not see this of people any more, and three of them change.
fn closed(slapd: &mut Slapd, what: &str) {
    let people = format!("dn.children=\"ou=people,{}\"", slapd.base);
    let rule = format!("to {people} {what} by dn.exact=\"{}\" none by * break", slapd.sync_dn);
    slapd.restrict(&rule);
    for number in 1..=3 {
        slapd.modify(&ldif::replace(&slapd.dn(&format!("u{number:07}")), "displayName", &["Another Name"]));
    }
}

#[test]
fn a_right_that_is_lost_is_missed_of_all_at_once_and_not_of_the_few_who_changed() {
    const PEOPLE: usize = 40;
    let mut slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", PEOPLE));
    let (agent, _running) = everyone_has_a_seat(&slapd, "filter = \"(sn=*)\"\n");
    closed(&mut slapd, "attrs=sn");
    let (code, report) = agent.sync();
    assert_eq!((code, report["held"][0]["count"].as_u64()), (4, Some(PEOPLE as u64)), "{report}");
    assert_eq!(agent.names("active").len(), PEOPLE, "{report}");
}

#[test]
fn entries_that_were_closed_to_the_account_and_changed_then_are_not_taken_for_deleted() {
    const PEOPLE: usize = 40;
    let mut slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", PEOPLE));
    let (agent, _running) = everyone_has_a_seat(&slapd, "");
    closed(&mut slapd, "");
    let (code, report) = agent.sync();
    assert_eq!(report["changes"]["suspended"], 0, "the server says of them that they were deleted: {code} {report}");
    assert_eq!(report["directories"][0]["mode"], "full", "{report}");
    assert_eq!(agent.names("active").len(), PEOPLE, "{report}");
}

#[test]
fn who_waits_comes_with_a_read_of_everyone_and_need_not_be_looked_up() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 120));
    let proxy = CountingProxy::start(&slapd.address());
    let agent = Agent::new("");
    agent.secret("pw", &slapd.password);
    let searches = |seats: usize| {
        agent.write_config(&format!(
            "[[directory]]\nname = \"corp\"\nkind = \"openldap\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\n\
             bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{}\"]\n\
             [[pool]]\nname = \"standard\"\nseats = {seats}\n[seats]\npromotion = \"automatic\"\n",
            proxy.url, slapd.sync_dn, slapd.base,
        ));
        // The first with a config takes in everyone; so may the next, after what the first one gave out.
        agent.sync_full();
        agent.sync_full();
        let before = proxy.searches();
        agent.sync_full();
        (agent.names("active").len(), agent.names("pending").len(), proxy.searches() - before)
    };
    let (few, waiting, with_waiting) = searches(8);
    let (all, nobody, with_nobody) = searches(1000);
    assert_eq!((few, waiting, all, nobody), (8, 112, 120, 0));
    assert_eq!(with_waiting, with_nobody);
}
