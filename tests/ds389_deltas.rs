//! A running agent follows what changes on a real 389 Directory Server: after each change it has given out just what a twin has
//! that reads everything.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::time::Duration;

use support::process::wait_until;
use support::rights::{lack, lacking};
use support::spoiled::{NONE, Spoiled, says_why};
use support::twins::Twins;
use support::{Agent, Ds389, ldif};

const BASE: &str = "dc=lab,dc=test";
const SOON: Duration = Duration::from_secs(20);
/// Within this a joiner is to hold a seat.
const AT_ONCE: Duration = Duration::from_secs(2);

fn config(ds: &Ds389, scope: &str) -> String {
    format!(
        "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"1h\"\n\
         [[directory]]\nname = \"corp\"\nurl = [\"{}\"]\nbind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
         base = [\"ou=people,{BASE}\"]\ntimeout = \"10s\"\n{scope}\
         [[pool]]\nname = \"standard\"\nseats = 8\n[seats]\npromotion = \"automatic\"\n[guard]\npercent = 100\nfloor = 1000\n",
        ds.url, ds.sync_dn,
    )
}

fn twins(ds: &Ds389, scope: &str) -> Twins {
    Twins::of(&config(ds, scope), &ds.password)
}

fn dn(number: usize) -> String {
    format!("uid=u{number:07},ou=people,{BASE}")
}

fn joiner(number: usize) -> String {
    ldif::person(BASE, &format!("u{number:07}"))
}

/// What happens to people alone, whatever way the server tells it.
fn people_change(ds: &Ds389, twins: &Twins) {
    ds.modify(&ldif::replace(&dn(1), "displayName", &["Another Name"]));
    twins.delta("a new name");
    ds.modify(&ldif::replace(&dn(2), "nsAccountLock", &["true"]));
    twins.delta("one locked, whose seat goes to who waited");
    ds.modify(&ldif::replace(&dn(2), "nsAccountLock", &[]));
    twins.delta("the same unlocked");
    ds.modify(&ldif::replace(&dn(4), "mail", &["u0000005@lab.test"]));
    ds.modify(&ldif::replace(&dn(5), "mail", &["u0000004@lab.test"]));
    twins.delta("a swap of addresses");
    ds.modify(&ldif::rename(&dn(6), "uid=u6", None));
    twins.delta("a rename");
    ds.add(&joiner(13));
    twins.delta("one who joins");
    ds.modify(&ldif::rename(&dn(7), "uid=u0000007", Some(&format!("ou=groups,{BASE}"))));
    twins.delta("one moved out of the base");
}

#[test]
fn each_change_of_a_person_is_told_by_content_synchronisation_at_the_cost_of_that_person() {
    let ds = Ds389::start(&ldif::people(BASE, 12), &["content-sync"]);
    let twins = twins(&ds, "");
    assert_eq!(twins.delta("nothing")["entries"], 0);
    ds.modify(&ldif::replace(&dn(1), "displayName", &["First"]));
    assert_eq!(twins.delta("a name")["entries"], 1);
    people_change(&ds, &twins);
    ds.delete(&dn(3));
    twins.cycle("one deleted, missed once");
    twins.cycle("the same, missed twice");
    twins.cycle("the deletion");
    assert!(twins.follows.names("suspended").contains(&"u0000003".to_owned()));
}

#[test]
fn a_membership_that_changes_reaches_the_members() {
    for marks in [["content-sync", "memberof"].as_slice(), &["content-sync"], &["long-ago"]] {
        let inner = ldif::group(BASE, "inner", &[dn(9), dn(10)]);
        let members: Vec<String> = (1..=6).map(dn).chain([format!("cn=inner,ou=groups,{BASE}")]).collect();
        let ds = Ds389::start(&(ldif::people(BASE, 12) + &inner + &ldif::group(BASE, "vault", &members)), marks);
        let twins = twins(&ds, &format!("groups = [\"cn=vault,ou=groups,{BASE}\"]\n"));
        let change = |group: &str, what: &str, number: usize| {
            ds.modify(&format!(
                "dn: cn={group},ou=groups,{BASE}\nchangetype: modify\n{what}: member\nmember: {}\n-\n\n",
                dn(number)
            ));
        };
        change("inner", "add", 11);
        twins.delta("one more in a group within the group");
        assert_eq!(twins.follows.names("pending"), ["u0000011"], "{marks:?}");
        change("vault", "delete", 1);
        twins.delta("one taken out");
        assert!(twins.follows.names("active").contains(&"u0000011".to_owned()), "{marks:?}");
        ds.modify(&ldif::rename(&format!("cn=inner,ou=groups,{BASE}"), "cn=within", None));
        twins.cycle("a group within the group renamed");
    }
}

#[test]
fn without_plugins_changes_are_told_by_their_times_and_deletions_by_the_next_full_cycle() {
    let ds = Ds389::start(&ldif::people(BASE, 12), &["long-ago"]);
    let twins = twins(&ds, "");
    twins.delta("nothing");
    people_change(&ds, &twins);
    ds.delete(&dn(3));
    let report = twins.misses_with_the_next_full_cycles("u0000003");
    assert_eq!(report["directories"][0]["mode"], "delta", "{report}");
}

#[test]
fn a_changelog_that_may_be_read_tells_who_changed_and_who_is_gone_without_the_plugin() {
    let ds = Ds389::start(&ldif::people(BASE, 12), &["retro-changelog", "long-ago"]);
    let twins = twins(&ds, "");
    ds.modify(&ldif::replace(&dn(1), "displayName", &["First"]));
    twins.delta("a name, told by its time");
    let told = lacking(&twins.follows);
    assert!(lack(&told, "changes")["message"].as_str().is_some_and(|message| message.contains("modifyTimestamp")));
    ds.modify(&format!(
        "dn: cn=changelog\nchangetype: modify\nadd: aci\naci: (targetattr != \"changes\")(version 3.0; acl \"Seatsync\"; \
         allow (read, search, compare) userdn = \"ldap:///{}\";)\n-\n\n",
        ds.sync_dn
    ));
    let (_, checked) = twins.follows.check(true);
    let probes = checked["probes"].as_array().expect("probes");
    assert!(probes.iter().any(|probe| probe["message"] == "told by the retro changelog"), "{checked}");
    assert_eq!(twins.delta("nothing")["entries"], 0);
    people_change(&ds, &twins);
    ds.delete(&dn(3));
    twins.deletion("one deleted");
    assert!(twins.follows.names("suspended").contains(&"u0000003".to_owned()), "at once");
    assert_eq!(twins.cycle("the same, missed twice by who reads everything")["mode"], "delta");
    for number in 1..=3 {
        ds.delete(&format!("changenumber={number},cn=changelog"));
    }
    ds.modify(&ldif::replace(&dn(8), "displayName", &["Another Name"]));
    twins.delta("a name, with the beginning of the log trimmed");
}

#[test]
fn whatever_the_changelog_may_have_kept_to_itself_makes_everything_read() {
    let place = format!("ou=sub,ou=people,{BASE}");
    let inside = ldif::person(BASE, "u0000007").replace(",ou=people,", ",ou=sub,ou=people,");
    let seed = ldif::people(BASE, 6) + &format!("dn: {place}\nobjectClass: organizationalUnit\nou: sub\n\n") + &inside;
    let mut ds = Ds389::start(&seed, &["retro-changelog", "long-ago"]);
    let log = |change: &str| {
        ds.modify(&format!(
            "dn: cn=changelog\nchangetype: modify\n{change}: aci\naci: (targetattr != \"changes\")(version 3.0; acl \"Seatsync\"; \
             allow (read, search, compare) userdn = \"ldap:///{}\";)\n-\n\n",
            ds.sync_dn
        ));
    };
    log("add");
    ds.modify(&format!(
        "dn: {BASE}\nchangetype: modify\nadd: aci\naci: (targetfilter = \"(ou=sub)\")(targetattr = \"*\")(version 3.0; acl \"hidden\"; \
         deny (all) userdn = \"ldap:///{}\";)\n-\n\n",
        ds.sync_dn
    ));
    let twins = twins(&ds, "");
    twins.delta("nothing");
    ds.modify(&ldif::rename(&place, "ou=sub", Some(&format!("ou=groups,{BASE}"))));
    assert_eq!(twins.cycle("a hidden place moved out")["mode"], "full");
    assert_eq!(twins.follows.names("suspended"), ["u0000007"]);
    twins.delta("nothing");
    ds.delete(&dn(3));
    log("delete");
    assert_eq!(twins.cycle("one deleted, and the log is closed")["mode"], "full");
    twins.cycle("the same, missed twice");
    assert!(twins.follows.names("suspended").contains(&"u0000003".to_owned()));
    ds.down();
    ds.up();
    assert_eq!(twins.cycle("started anew, perhaps with its log off meanwhile")["mode"], "full");
    twins.delta("nothing");
}

#[test]
fn a_changelog_that_does_not_say_whose_entries_changed_loses_no_change() {
    let ds = Ds389::start(&ldif::people(BASE, 12), &["content-sync", "unmapped", "long-ago"]);
    let twins = twins(&ds, "");
    people_change(&ds, &twins);
}

#[test]
fn a_changelog_that_was_trimmed_makes_everything_read() {
    let mut ds = Ds389::start(&ldif::people(BASE, 6), &["content-sync"]);
    let twins = twins(&ds, "");
    for number in 1..=4 {
        ds.modify(&ldif::replace(&dn(1), "displayName", &[&format!("Name {number}")]));
    }
    for number in 1..=3 {
        ds.delete(&format!("changenumber={number},cn=changelog"));
    }
    ds.down();
    ds.up();
    assert_eq!(twins.cycle("the server forgot")["mode"], "full");
    ds.modify(&ldif::replace(&dn(2), "displayName", &["Another Name"]));
    twins.delta("and goes on");
}

#[test]
fn a_role_that_locks_people_whose_entries_stay_as_they_are_is_seen() {
    let role = format!(
        "dn: cn=gone,{BASE}\nobjectClass: LDAPsubentry\nobjectClass: nsRoleDefinition\nobjectClass: nsSimpleRoleDefinition\n\
         objectClass: nsManagedRoleDefinition\ncn: gone\n\n\
         dn: cn=templates,{BASE}\nobjectClass: nsContainer\ncn: templates\n\n\
         dn: cn=\"cn=gone,{BASE}\",cn=templates,{BASE}\nobjectClass: extensibleObject\nobjectClass: costemplate\n\
         objectClass: ldapsubentry\ncosPriority: 1\nnsAccountLock: false\n\n\
         dn: cn=inactivation,{BASE}\nobjectClass: LDAPsubentry\nobjectClass: cosSuperDefinition\n\
         objectClass: cosClassicDefinition\ncn: inactivation\ncosTemplateDn: cn=templates,{BASE}\ncosSpecifier: nsRole\n\
         cosAttribute: nsAccountLock operational\n\n"
    );
    let ds = Ds389::start(&ldif::people(BASE, 6), &["content-sync"]);
    ds.add(&role);
    ds.modify(&ldif::replace(&dn(2), "nsRoleDN", &[&format!("cn=gone,{BASE}")]));
    let twins = twins(&ds, "");
    assert!(twins.follows.names("suspended").is_empty());
    ds.modify(&ldif::replace(&format!("cn=\"cn=gone,{BASE}\",cn=templates,{BASE}"), "nsAccountLock", &["true"]));
    assert_eq!(twins.cycle("the role locks its people")["mode"], "full");
    assert_eq!(twins.follows.names("suspended"), ["u0000002"]);
    ds.modify(&ldif::replace(&dn(3), "nsRoleDN", &[&format!("cn=gone,{BASE}")]));
    twins.delta("one more has the role");
    assert_eq!(twins.follows.names("suspended"), ["u0000002", "u0000003"]);
}

#[test]
fn who_joins_is_told_of_by_content_synchronisation_that_goes_on_and_served_at_once() {
    let ds = Ds389::start(&ldif::people(BASE, 6), &["content-sync"]);
    let agent = Agent::new("");
    agent.secret("pw", &ds.password);
    agent.write_config(&config(&ds, "").replace("poll = \"1h\"", "poll = \"24h\""));
    let _running = agent.start();
    wait_until("the first cycle", SOON, || !agent.history().is_empty());
    // The first cycle on a new ledger leaves nothing to follow from.
    assert_eq!(agent.sync().0, 0);
    std::thread::sleep(Duration::from_secs(3));
    let cycles = agent.history().len();
    ds.add(&joiner(13));
    wait_until("the joiner holds a seat", AT_ONCE, || agent.names("active").contains(&"u0000013".to_owned()));
    assert_eq!(agent.history().len(), cycles + 1, "one cycle came of it");
}

#[test]
fn whatever_breaks_off_what_the_synchronisation_tells_nobody_loses_a_seat_and_the_next_cycle_makes_up_for_it() {
    let ds = Ds389::start(&ldif::people(BASE, 6), &["content-sync", "long-ago"]);
    let spoiled = Spoiled::before(&ds.address(), &ds.password, |url| {
        let config = config(&ds, "").replace(&ds.url, url).replace("\"10s\"", "\"1s\"");
        config.replace("[agent]\n", "[agent]\npush = false\n")
    });
    spoiled.agent.sync_full();
    for fault in ["synccut", "syncstall", "syncrc=51", "syncrc=4096", "syncdone", "synccookie", "syncempty"] {
        assert_eq!(spoiled.delta(NONE)["entries"], 0, "before {fault}");
        ds.modify(&ldif::replace(&dn(1), "displayName", &[fault]));
        let ended = spoiled.cycle(fault, false);
        says_why(fault, &ended);
        assert_eq!(spoiled.agent.names("suspended"), Vec::<String>::new(), "{fault}: {}", ended.1);
        let (code, report) = spoiled.cycle(NONE, false);
        assert_eq!(code, 0, "after {fault}: {report}");
        assert_eq!(spoiled.agent.user("u0000001")["display_name"], fault, "{report}");
    }
    assert_eq!(spoiled.agent.names("active").len(), 6);
}
