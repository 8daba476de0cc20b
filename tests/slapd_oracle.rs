//! 2,400 people with everything that goes wrong in an OpenLDAP directory: seats agree with a second opinion.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::thread::sleep;
use std::time::Duration;

use support::oracle::{Population, assert_agreement};
use support::process::wait_until;
use support::{Agent, Slapd};

const PEOPLE: u32 = 2400;

fn agent_of(slapd: &Slapd, population: &Population, standard_seats: u32) -> Agent {
    let agent = Agent::new("");
    agent.secret("password", &slapd.password);
    agent.write_config(&config(slapd, population, standard_seats));
    agent
}

fn config(slapd: &Slapd, population: &Population, standard_seats: u32) -> String {
    format!(
        "[guard]\npercent = 100\nfloor = 100000\n\n[[directory]]\nname = \"corp\"\nkind = \"openldap\"\n\
         url = [\"{}\"]\nca_file = \"{}\"\nbind_dn = \"{}\"\nbind_password = {{ file = \"password\" }}\n{}",
        slapd.ldaps_url,
        slapd.ca.display(),
        slapd.sync_dn,
        population.scope(standard_seats)
    )
}

/// Waits until the refint overlay has mended all memberships after renames: it does so in its own time.
fn wait_for_memberships(slapd: &Slapd) {
    let (mut last, mut same) = (String::new(), 0);
    wait_until("members follow their people", Duration::from_mins(1), || {
        let found = slapd.search("(objectClass=groupOfNames)", &["member"]);
        same = if found == last { same + 1 } else { 0 };
        last = found;
        sleep(Duration::from_millis(100));
        same == 20
    });
}

#[test]
fn everyone_gets_what_they_should_at_first_and_after_a_day_of_changes() {
    let population = Population::new("openldap", PEOPLE);
    let slapd = Slapd::start_with(&population.ldif("entries"));
    let agent = agent_of(&slapd, &population, 100_000);
    let (code, report) = agent.sync();
    assert_eq!(code, 0, "{report}");
    assert_agreement(&agent, "first", None);

    slapd.modify(&population.ldif("changes"));
    wait_for_memberships(&slapd);
    // Whoever is gone without a trace is believed gone when a second read says so again.
    for _ in 0..2 {
        let (code, report) = agent.sync_full();
        assert_eq!(code, 0, "{report}");
    }
    assert_agreement(&agent, "second", Some("first"));
}

#[test]
fn scarce_seats_go_to_the_right_people_in_the_first_cycle() {
    let population = Population::new("openldap", PEOPLE);
    let slapd = Slapd::start_with(&population.ldif("entries"));
    let agent = agent_of(&slapd, &population, 700);
    let (code, report) = agent.sync();
    assert_eq!(code, 0, "{report}");
    assert_agreement(&agent, "first", None);
}
