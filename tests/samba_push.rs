//! A running agent that makes a cycle once a day by itself follows what a real Active Directory domain tells it as it happens.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on ends here; it shows how long things took"
)]

mod support;

use std::time::Duration;

use support::process::{now, wait_until};
use support::{Agent, Samba, ldif};

const AT_ONCE: Duration = Duration::from_secs(2);
const SOON: Duration = Duration::from_secs(30);

fn agent(samba: &Samba, ou: &str) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &samba.password);
    agent.write_config(&format!(
        "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"24h\"\n\
         [[directory]]\nname = \"corp\"\nurl = [\"{}\"]\nca_file = \"{}\"\nbind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
         base = [\"{ou}\"]\ntimeout = \"10s\"\n\
         [[pool]]\nname = \"standard\"\nseats = 50\n[guard]\npercent = 100\nfloor = 1000\n",
        samba.ldaps_url,
        samba.ca.display(),
        samba.admin_dn,
    ));
    agent
}

#[test]
fn who_joins_leaves_or_is_deleted_is_served_at_once() {
    let samba = Samba::shared();
    let ou = samba.ou("push");
    let name = |number: usize| format!("push{}-{number}", std::process::id());
    samba.load(&(1..=5).map(|number| ldif::ad_person(&ou, &name(number))).collect::<String>());
    // Until somebody was deleted nobody knows whether deletions are told.
    samba.add(&ldif::ad_person(&ou, &name(99)));
    samba.delete(&format!("CN={},{ou}", name(99)));
    let agent = agent(&samba, &ou);
    let running = agent.spawn(&["-v", "run"], &[]);
    wait_until("the first cycle", SOON, || !agent.history().is_empty());
    // The first cycle on a new ledger leaves nothing to follow from.
    assert_eq!(agent.sync().0, 0);
    std::thread::sleep(AT_ONCE);
    for number in 11..=13 {
        samba.add(&ldif::ad_person(&ou, &name(number)));
        let added = now();
        let user = format!("{}@lab.test", name(number));
        wait_until("a seat", AT_ONCE, || agent.names("active").contains(&user));
        eprintln!("{user} held a seat {} ms after the entry was there", added.elapsed().as_millis());
    }
    samba.modify(&ldif::replace(&format!("CN={},{ou}", name(1)), "userAccountControl", &["546"]));
    let disabled = format!("{}@lab.test", name(1));
    wait_until("the seat is lost", AT_ONCE, || agent.names("suspended").contains(&disabled));
    samba.delete(&format!("CN={},{ou}", name(2)));
    let deleted = format!("{}@lab.test", name(2));
    wait_until("the seat of who was deleted is lost", AT_ONCE, || agent.names("suspended").contains(&deleted));
    let ended = running.terminate();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.stderr.matches("Changes are told as they happen").count(), 1, "{}", ended.stderr);
}

#[test]
fn a_domain_controller_that_pushes_is_found_to() {
    let samba = Samba::shared();
    let ou = samba.ou("push-check");
    let (_, checked) = agent(&samba, &ou).check(true);
    let probes = checked["probes"].as_array().expect("probes");
    let push = probes.iter().find(|probe| probe["what"] == "corp: push").expect("the probe");
    assert!(push["ok"] == true && push["lost"].is_null(), "{push}");
}
