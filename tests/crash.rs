//! The process is killed before and after every write, started again, and must come to the accounts of a run that nobody
//! disturbed, never one seat too many.
#![cfg(feature = "fault-points")]
#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use support::Agent;

const CONFIG: &str = r#"
[[directory]]
name = "corp"
kind = "ldif"
path = "corp.ldif"
base = ["ou=people,dc=lab,dc=test"]
[[pool]]
name = "advanced"
seats = 2
groups = ["cn=advanced,dc=lab,dc=test"]
fallback = "standard"
[[pool]]
name = "standard"
seats = 4
[seats]
promotion = "automatic"
"#;

/// Who is there, and who of them is in the group of the first pool.
fn write(folder: &Path, people: &[(&str, &str)], advanced: &[&str]) {
    let base = "ou=people,dc=lab,dc=test";
    let mut ldif = format!("dn: {base}\nobjectClass: organizationalUnit\nou: people\n\n");
    ldif.push_str("dn: cn=advanced,dc=lab,dc=test\nobjectClass: groupOfNames\ncn: advanced\n");
    for name in advanced {
        ldif.push_str(&format!("member: uid={name},{base}\n"));
    }
    for (name, extra) in people {
        ldif.push_str(&format!(
            "\ndn: uid={name},{base}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\n\
             createTimestamp: 20240101000000Z\n{extra}"
        ));
    }
    std::fs::write(folder.join("corp.ldif"), ldif).expect("writing corp.ldif");
}

fn before(folder: &Path) {
    let people: Vec<(String, String)> = (1..=8).map(|n| (format!("u{n}"), format!("mail: u{n}@lab.test\n"))).collect();
    let people: Vec<(&str, &str)> = people.iter().map(|(name, mail)| (name.as_str(), mail.as_str())).collect();
    write(folder, &people, &["u1", "u2"]);
}

/// A leaver, a joiner, a mover, a rename and a swap, all at once.
fn after(folder: &Path) {
    let people = [
        ("u1", "mail: u1@lab.test\npwdAccountLockedTime: 000001010000Z\n"),
        ("u2", "mail: u3@lab.test\n"),
        ("u3", "mail: u2@lab.test\n"),
        ("u4", "mail: u4@lab.test\ngivenName: Four\n"),
        ("u5", "mail: u5@lab.test\n"),
        ("u6", "mail: u6@lab.test\n"),
        ("u7", "mail: u7@lab.test\n"),
        ("u8", "mail: u8@lab.test\n"),
        ("u9", "mail: u9@lab.test\n"),
    ];
    write(folder, &people, &["u2", "u4", "u9"]);
}

/// What matters of the accounts: not when, but who has what.
fn accounts(agent: &Agent) -> BTreeMap<String, Value> {
    let strip = |mut user: Value| {
        for seat in user["seats"].as_array_mut().into_iter().flatten() {
            seat.as_object_mut().expect("a seat").remove("since");
        }
        (user["user_name"].as_str().unwrap_or_default().to_owned(), user)
    };
    agent.users().into_iter().map(strip).collect()
}

fn held(agent: &Agent) -> Vec<(u64, u64)> {
    let pools = agent.status()["pools"].as_array().cloned().unwrap_or_default();
    pools.iter().map(|pool| (pool["held"].as_u64().unwrap_or(99), pool["seats"].as_u64().unwrap_or(0))).collect()
}

/// An agent that has made its first cycle, and finds everything changed.
fn prepared() -> Agent {
    let agent = Agent::new(CONFIG);
    before(agent.folder());
    assert_eq!(agent.sync().0, 0);
    after(agent.folder());
    agent
}

#[test]
fn a_kill_at_any_point_loses_nothing_and_doubles_nothing() {
    let undisturbed = prepared();
    let log = undisturbed.folder().join("points");
    let run = undisturbed.run_with(&["--json", "sync"], &[("SEATSYNC_FAULT_LOG", log.to_str().expect("a path"))]);
    assert_eq!(run.code, 0, "{run:?}");
    undisturbed.sync();
    let wanted = accounts(&undisturbed);
    let mut passed: BTreeMap<String, u32> = BTreeMap::new();
    for name in std::fs::read_to_string(&log).expect("the points").lines() {
        *passed.entry(name.to_owned()).or_default() += 1;
    }
    assert!(passed.len() >= 8, "only these points were passed: {passed:?}");
    for (name, times) in passed {
        for time in 1..=times {
            let agent = prepared();
            let point = format!("{name}:{time}");
            let killed = agent.run_with(&["sync"], &[("SEATSYNC_FAULT", &point)]);
            assert_eq!(killed.code, -1, "{point} did not kill: {killed:?}");
            let planned = agent.run(&["--json", "plan"]);
            let is_told_as_loss = planned.stdout.contains("removed_elsewhere");
            assert!(planned.code == 0 && !is_told_as_loss, "after {point}: {planned:?}");
            for _ in 0..2 {
                let again = agent.run(&["--json", "sync"]);
                assert_eq!(again.code, 0, "after {point}: {again:?}");
                assert!(held(&agent).iter().all(|(held, seats)| held <= seats), "{point}: a seat too many");
            }
            assert_eq!(accounts(&agent), wanted, "after {point}");
        }
    }
}

#[test]
fn a_kill_in_the_first_cycle_of_all_is_made_good_by_the_next() {
    let undisturbed = Agent::new(CONFIG);
    before(undisturbed.folder());
    let log = undisturbed.folder().join("points");
    undisturbed.run_with(&["sync"], &[("SEATSYNC_FAULT_LOG", log.to_str().expect("a path"))]);
    let wanted = accounts(&undisturbed);
    let text = std::fs::read_to_string(&log).expect("the points");
    let points: std::collections::BTreeSet<&str> = text.lines().collect();
    assert!(points.len() >= 8, "only these points were passed: {points:?}");
    for point in points {
        let agent = Agent::new(CONFIG);
        before(agent.folder());
        let killed = agent.run_with(&["sync"], &[("SEATSYNC_FAULT", &format!("{point}:1"))]);
        assert_eq!(killed.code, -1, "{point} did not kill: {killed:?}");
        let again = agent.run(&["--json", "sync"]);
        assert_eq!(again.code, 0, "after {point}: {again:?}");
        assert_eq!(accounts(&agent), wanted, "after {point}");
    }
}
