//! A running agent follows what changes in a real Active Directory domain, and has given out after each change just what a
//! twin has that reads everything.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seatsync::clock;
use support::rights::{lack, lacking, remedy};
use support::spoiled::{NONE, Spoiled, says_why};
use support::twins::Twins;
use support::{Agent, Samba, ldif};

/// Everyone of this OU, or those of its group `vault`.
fn config(samba: &Samba, ou: &str, scope: &str) -> String {
    format!(
        "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"1h\"\n\
         [[directory]]\nname = \"corp\"\nurl = [\"{}\"]\nca_file = \"{}\"\nbind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
         base = [\"{ou}\"]\ntimeout = \"10s\"\n{scope}\
         [[pool]]\nname = \"standard\"\nseats = 6\n[seats]\npromotion = \"automatic\"\n[guard]\npercent = 100\nfloor = 1000\n",
        samba.ldaps_url,
        samba.ca.display(),
        samba.admin_dn,
    )
}

/// So many people of an OU, and one who was deleted: until somebody was, nobody knows whether deletions are told.
/// Gives the beginning of their names, which nobody else's have.
fn domain(name: &str, count: usize) -> (Samba, String, String) {
    let samba = Samba::shared();
    let ou = samba.ou(name);
    let name = format!("{name}{}-", std::process::id());
    let entries: String = (1..=count).map(|number| ldif::ad_person(&ou, &format!("{name}{number}"))).collect();
    samba.load(&entries);
    samba.add(&ldif::ad_person(&ou, &format!("{name}gone")));
    samba.delete(&format!("CN={name}gone,{ou}"));
    (samba, ou, name)
}

/// A time in the units of `accountExpires`: 100 ns since 1601 (MS-ADTS 2.2.9 and 3.1.1.5.3.1).
fn file_time(ahead: Duration) -> String {
    let at = clock::now() + jiff::SignedDuration::try_from(ahead).expect("a short time");
    ((at.as_second() + 11_644_473_600) * 10_000_000).to_string()
}

/// One test at a time: whatever another one does to the domain makes everything be read.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn each_change_of_a_person_reaches_the_account_at_the_cost_of_that_person() {
    let _alone = alone();
    let (samba, ou, name) = domain("follow", 8);
    let elsewhere = samba.ou("follow-out");
    let twins = Twins::of(&config(&samba, &ou, ""), &samba.password);
    let dn = |number: usize| format!("CN={name}{number},{ou}");
    twins.delta("nothing");
    samba.modify(&ldif::replace(&dn(1), "displayName", &["Another Name"]));
    twins.delta("a new name");
    samba.modify(&ldif::replace(&dn(2), "userAccountControl", &["546"]));
    twins.delta("one disabled, whose seat goes to who waited");
    samba.modify(&ldif::replace(&dn(2), "userAccountControl", &["544"]));
    twins.delta("the same enabled");
    samba.delete(&dn(3));
    twins.delta("one deleted");
    assert!(twins.follows.names("suspended").contains(&format!("{name}3@lab.test")));
    samba.modify(&ldif::replace(&dn(4), "mail", &[&format!("{name}5@lab.test")]));
    samba.modify(&ldif::replace(&dn(5), "mail", &[&format!("{name}4@lab.test")]));
    twins.delta("a swap of addresses");
    samba.modify(&ldif::rename(&dn(6), "CN=Doe\\, Jane", None));
    twins.delta("a rename");
    samba.add(&ldif::ad_person(&ou, &format!("{name}9")));
    twins.delta("one who joins");
    samba.modify(&ldif::rename(&dn(7), &format!("CN={name}7"), Some(&elsewhere)));
    twins.delta("one moved out of the base");
    samba.modify(&ldif::rename(&format!("CN={name}7,{elsewhere}"), &format!("CN={name}7"), Some(&ou)));
    twins.delta("the same moved back");
}

#[test]
fn an_expiry_that_comes_due_needs_no_change() {
    let _alone = alone();
    let (samba, ou, name) = domain("expire", 3);
    samba.modify(&ldif::replace(&format!("CN={name}1,{ou}"), "accountExpires", &[&file_time(Duration::from_secs(8))]));
    let twins = Twins::of(&config(&samba, &ou, ""), &samba.password);
    assert_eq!(twins.follows.names("active").len(), 3);
    std::thread::sleep(Duration::from_secs(9));
    twins.delta("the expiry");
    assert_eq!(twins.follows.names("suspended"), [format!("{name}1@lab.test")]);
}

#[test]
fn a_membership_that_changes_reaches_the_members() {
    let _alone = alone();
    let (samba, ou, name) = domain("member", 5);
    let dn = |number: usize| format!("CN={name}{number},{ou}");
    let (inner, vault) = (format!("{name}inner"), format!("{name}vault"));
    samba.load(&ldif::ad_group(&ou, &inner, &[dn(2)]));
    samba.load(&ldif::ad_group(&ou, &vault, &[dn(1), dn(4), format!("CN={inner},{ou}")]));
    let scope = format!("groups = [\"CN={vault},{ou}\"]\n");
    let twins = Twins::of(&config(&samba, &ou, &scope), &samba.password);
    twins.delta("nothing");
    let change = |group: &str, what: &str, member: &str| {
        samba.modify(&format!("dn: CN={group},{ou}\nchangetype: modify\n{what}: member\nmember: {member}\n-\n\n"));
    };
    change(&inner, "add", &dn(3));
    twins.delta("one more in the group within the group");
    assert!(twins.follows.names("active").contains(&format!("{name}3@lab.test")));
    change(&vault, "delete", &dn(1));
    twins.delta("one taken out");
    let elsewhere = samba.ou("member-out");
    samba.modify(&ldif::rename(&dn(1), &format!("CN={name}1"), Some(&elsewhere)));
    twins.delta("the same moved out of the base");
    change(&vault, "add", &format!("CN={name}1,{elsewhere}"));
    twins.delta("and into the group");
    samba.modify(&ldif::rename(&format!("CN={name}1,{elsewhere}"), &format!("CN={name}1"), Some(&ou)));
    twins.delta("and back under the base");
    assert!(twins.follows.names("active").contains(&format!("{name}1@lab.test")));
    samba.modify(&ldif::replace(&dn(2), "displayName", &["Another Name"]));
    twins.delta("a name of a member");
    samba.modify(&ldif::rename(&dn(4), &format!("CN={name}4"), Some(&elsewhere)));
    twins.delta("one moved out of the base");
    change(&inner, "delete", &dn(3));
    twins.delta("one taken out of the group within");
    samba.modify(&ldif::rename(&format!("CN={name}4,{elsewhere}"), &format!("CN={name}4"), Some(&ou)));
    twins.delta("the same moved back, and never out of the group");
    assert!(twins.follows.names("active").contains(&format!("{name}4@lab.test")));
    samba.modify(&ldif::rename(&format!("CN={inner},{ou}"), &format!("CN={name}within"), None));
    twins.delta("the group within renamed");
    samba.delete(&format!("CN={name}within,{ou}"));
    twins.delta("the group within deleted");
    assert_eq!(twins.follows.names("active"), [1, 4].map(|number| format!("{name}{number}@lab.test")));
}

#[test]
fn who_joins_is_in_the_primary_group_though_nobody_changed_that_group() {
    let _alone = alone();
    let (samba, ou, name) = domain("primary", 2);
    let scope = format!("groups = [\"CN=Domain Users,CN=Users,{}\"]\n", samba.base);
    let twins = Twins::of(&config(&samba, &ou, &scope), &samba.password);
    samba.add(&ldif::ad_person(&ou, &format!("{name}3")));
    twins.delta("one who joins");
    assert_eq!(twins.follows.names("active").len(), 3);
    samba.modify(&ldif::rename(&format!("CN={name}1,{ou}"), &format!("CN={name}one"), None));
    twins.delta("a rename");
    assert_eq!(twins.follows.names("active").len(), 3);
}

#[test]
fn an_account_that_may_list_deleted_objects_and_not_replicate_is_told_what_it_may_read() {
    let _alone = alone();
    let (samba, ou, name) = domain("modest", 4);
    let account = format!("{name}sync");
    samba.administer(&format!("samba-tool user create {account} Passw0rd.modest"));
    let config = config(&samba, &ou, "").replace(&samba.admin_dn, &format!("{account}@lab.test"));
    let agent = Agent::new(&config);
    agent.secret("pw", "Passw0rd.modest");
    samba.administer(&remedy(lack(&lacking(&agent), "deleted objects")));
    let twins = Twins::of(&config, "Passw0rd.modest");
    twins.delta("nothing, by numbers");
    let dn = |number: usize| format!("CN={name}{number},{ou}");
    samba.modify(&ldif::replace(&dn(1), "displayName", &["Another Name"]));
    twins.delta("a new name");
    samba.delete(&dn(2));
    twins.delta("one deleted");
    assert_eq!(twins.follows.names("suspended"), [format!("{name}2@lab.test")]);
    let (_, checked) = twins.follows.check(true);
    let probes = checked["probes"].as_array().expect("probes");
    let changes = probes.iter().find(|probe| probe["what"] == "corp: changes").expect("the probe");
    assert_eq!(changes["message"], "told by DirSync", "{changes}");
}

#[test]
fn whose_update_shows_no_number_is_found_by_reading_everything() {
    /// `schemaIDGUID` of uSNChanged (MS-ADA3 2.372).
    const CHANGED: &str = "bf967a6f-0de6-11d0-a285-00aa003049e2";
    let _alone = alone();
    let (samba, ou, name) = domain("hides", 3);
    let account = format!("{name}sync");
    samba.administer(&format!("samba-tool user create {account} Passw0rd.hides"));
    let config = config(&samba, &ou, "").replace(&samba.admin_dn, &format!("{account}@lab.test"));
    let agent = Agent::new(&config);
    agent.secret("pw", "Passw0rd.hides");
    samba.administer(&remedy(lack(&lacking(&agent), "deleted objects")));
    let twins = Twins::of(&config, "Passw0rd.hides");
    twins.delta("nothing");
    samba.administer(&format!(
        "sid=$(samba-tool user show {account} --attributes=objectSid | sed -n 's/^objectSid: //p') && samba-tool dsacl set \
         --objectdn='CN={name}2,{ou}' --action=deny --sddl=\"(OD;;RP;{CHANGED};;$sid)\""
    ));
    let hidden = lacking(&twins.follows);
    let message = &lack(&hidden, "changes")["message"];
    assert!(
        message.as_str().is_some_and(|says| says.contains("uSNChanged") && says.contains(&format!("{name}2"))),
        "{hidden:?}"
    );
    twins.follows.sync_full();
    samba.modify(&ldif::replace(&format!("CN={name}2,{ou}"), "userAccountControl", &["546"]));
    assert_eq!(twins.cycle("one disabled whose entry shows no number")["mode"], "full");
    assert_eq!(twins.follows.names("suspended"), [format!("{name}2@lab.test")]);
}

#[test]
fn who_may_not_list_deleted_objects_reads_everything() {
    let _alone = alone();
    let (samba, ou, name) = domain("blind", 2);
    let name = format!("{name}sync");
    samba.administer(&format!("samba-tool user create {name} Passw0rd.blind"));
    let config = config(&samba, &ou, "").replace(&samba.admin_dn, &format!("{name}@lab.test"));
    let twins = Twins::of(&config, "Passw0rd.blind");
    let read = twins.cycle("nothing");
    assert_eq!((&read["mode"], &read["entries"]), (&"full".into(), &2.into()), "{read}");
}

#[test]
fn whatever_breaks_off_what_dirsync_tells_nobody_loses_a_seat_and_the_next_cycle_makes_up_for_it() {
    // What loses all that is told, and nothing else, nobody can see until everything is read.
    const EMPTY: &str = "syncempty";
    let _alone = alone();
    let (samba, ou, name) = domain("spoiled", 4);
    let spoiled = Spoiled::before(&samba.address(), &samba.password, |url| {
        let config = config(&samba, &ou, "").replace(&samba.ldaps_url, url).replace("\"10s\"", "\"1s\"");
        config.replace("[agent]\n", "[agent]\npush = false\n")
    });
    spoiled.agent.sync_full();
    for fault in ["synccut", "syncstall", "syncrc=51", "syncrc=8", "syncdone", "synccookie", EMPTY] {
        spoiled.delta(NONE);
        assert_eq!(spoiled.delta(NONE)["entries"], 0, "from a cookie, before {fault}");
        samba.modify(&ldif::replace(&format!("CN={name}1,{ou}"), "displayName", &[fault]));
        let ended = spoiled.cycle(fault, false);
        says_why(fault, &ended);
        assert_eq!(spoiled.agent.names("suspended"), Vec::<String>::new(), "{fault}: {}", ended.1);
        let (code, report) = spoiled.cycle(NONE, fault == EMPTY);
        assert_eq!(code, 0, "after {fault}: {report}");
        assert_eq!(spoiled.agent.user(&format!("{name}1@lab.test"))["display_name"], fault, "{report}");
    }
    assert_eq!(spoiled.agent.names("active").len(), 4);
}
