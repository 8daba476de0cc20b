//! 2,400 people with everything that goes wrong in an Active Directory: seats agree with a second opinion.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use support::oracle::{Population, assert_agreement};
use support::{Agent, Samba};

const PEOPLE: u32 = 2400;

fn agent_of(samba: &Samba, population: &Population) -> Agent {
    let agent = Agent::new("");
    agent.secret("password", &samba.password);
    agent.write_config(&format!(
        "[guard]\npercent = 100\nfloor = 100000\n\n[[directory]]\nname = \"corp\"\nkind = \"active-directory\"\n\
         url = [\"{}\"]\nca_file = \"{}\"\nbind_dn = \"{}\"\nbind_password = {{ file = \"password\" }}\n{}",
        samba.ldaps_url,
        samba.ca.display(),
        samba.admin_dn,
        population.scope(100_000)
    ));
    agent
}

/// The relative id of a group: the last part of its SID.
fn rid(samba: &Samba, name: &str) -> String {
    let found = samba.search_under(&samba.base, &format!("(cn={name})"), &["primaryGroupToken"]);
    let token = found.lines().find_map(|line| line.strip_prefix("primaryGroupToken: "));
    token.expect("a group has a primaryGroupToken").to_owned()
}

#[test]
fn everyone_gets_what_they_should_at_first_and_after_a_day_of_changes() {
    let population = Population::new("ad", PEOPLE);
    let samba = Samba::own();
    samba.load(&population.ldif("entries"));
    samba.modify(&population.ldif("then"));
    samba.modify(&population.ldif("primary").replace("@RID@", &rid(&samba, "primes")));
    let agent = agent_of(&samba, &population);
    let (code, report) = agent.sync();
    assert_eq!(code, 0, "{report}");
    assert_agreement(&agent, "first", None);

    samba.modify(&population.ldif("changes"));
    for _ in 0..2 {
        let (code, report) = agent.sync_full();
        assert_eq!(code, 0, "{report}");
    }
    assert_agreement(&agent, "second", Some("first"));
}
