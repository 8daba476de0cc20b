//! A real OpenLDAP server and the real binary: groups whose members cannot be told for a while take nobody's seat.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use support::{Agent, Slapd, ldif};

const PEOPLE: usize = 12;

/// An agent for everyone in the group `vault`, whose guard lets anybody leave but all of them.
fn agent(slapd: &Slapd, directory: &str) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &slapd.password);
    agent.write_config(&format!(
        "[[directory]]\nname = \"corp\"\nurl = [\"{}\"]\nca_file = \"{}\"\nbind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
         base = [\"ou=people,{base}\"]\ngroups = [\"cn=vault,ou=groups,{base}\"]\ntimeout = \"5s\"\n{directory}\n\
         [[pool]]\nname = \"standard\"\nseats = 50\n[guard]\nfloor = 11\n",
        slapd.ldaps_url,
        slapd.ca.display(),
        slapd.sync_dn,
        base = slapd.base,
    ));
    agent
}

/// Two people directly in the group `vault`, the others in the group `inner` within it. `vault` is of a kind that no
/// overlay of the server takes deleted members out of.
fn seeded() -> Slapd {
    let slapd = Slapd::start();
    slapd.seed(PEOPLE);
    let base = &slapd.base;
    slapd.add(&inner(&slapd));
    slapd.add(&format!(
        "dn: cn=vault,ou=groups,{base}\nobjectClass: groupOfUniqueNames\ncn: vault\nuniqueMember: {}\nuniqueMember: {}\n\
         uniqueMember: cn=inner,ou=groups,{base}\n\n",
        slapd.dn("u0000001"),
        slapd.dn("u0000002"),
    ));
    slapd
}

fn inner(slapd: &Slapd) -> String {
    let members: Vec<String> = (3..=PEOPLE).map(|n| slapd.dn(&format!("u{n:07}"))).collect();
    ldif::group(&slapd.base, "inner", &members)
}

/// Exit code, people with a seat, and what is wrong with the directory.
fn sync(agent: &Agent) -> (i32, usize, String) {
    let (code, report) = agent.sync();
    let problem = report["directories"][0]["problem"].as_str().unwrap_or_default().to_owned();
    (code, agent.names("active").len(), problem)
}

#[test]
fn a_nested_group_deleted_for_one_cycle_costs_nobody_the_seat_and_for_good_it_does() {
    let slapd = seeded();
    let agent = agent(&slapd, "");
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()));
    let dn = format!("cn=inner,ou=groups,{}", slapd.base);
    slapd.delete(&dn);
    let (code, active, problem) = sync(&agent);
    assert_eq!((code, active), (1, PEOPLE), "{problem}");
    assert!(problem.contains(&dn) && problem.contains("is not found"), "{problem}");
    slapd.add(&inner(&slapd));
    assert_eq!(sync(&agent), (0, PEOPLE, String::new()));
    slapd.delete(&dn);
    assert_eq!(sync(&agent).0, 1);
    assert_eq!(sync(&agent), (0, 2, String::new()), "two reads say so");
    assert_eq!(sync(&agent), (0, 2, String::new()), "a name that dangles for ever is no matter");
}

#[test]
fn a_nested_group_that_is_hidden_with_its_container_costs_nobody_the_seat_however_long() {
    let mut slapd = seeded();
    slapd.modify(&format!(
        "dn: ou=north,{0}\nchangetype: add\nobjectClass: organizationalUnit\nou: north\n\n\
         dn: cn=vault,ou=groups,{0}\nchangetype: modify\nreplace: uniqueMember\nuniqueMember: cn=inner,ou=north,{0}\n-\n\n{1}",
        slapd.base,
        ldif::rename(&format!("cn=inner,ou=groups,{}", slapd.base), "cn=inner", Some(&format!("ou=north,{}", slapd.base))),
    ));
    let agent = agent(&slapd, "");
    assert_eq!(sync(&agent), (0, PEOPLE - 2, String::new()));
    slapd.restrict(&format!("to dn.subtree=\"ou=north,{}\" by * none", slapd.base));
    for _ in 0..3 {
        let (code, active, problem) = sync(&agent);
        assert_eq!((code, active), (1, PEOPLE - 2), "{problem}");
        assert!(problem.contains("grant the account the right"), "{problem}");
    }
}

#[test]
fn people_whom_a_group_lists_by_user_id_keep_the_seat_where_the_id_cannot_be_read() {
    let mut slapd = Slapd::start();
    slapd.seed(PEOPLE);
    let uids: String = (1..=PEOPLE).map(|n| format!("memberUid: u{n:07}\n")).collect();
    slapd.add(&format!(
        "dn: cn=vault,ou=groups,{}\nobjectClass: posixGroup\ncn: vault\ngidNumber: 7\n{uids}\n",
        slapd.base
    ));
    let agent = agent(&slapd, "[directory.attributes]\nuser_name = \"mail\"\n");
    assert_eq!(sync(&agent).1, PEOPLE);
    slapd.restrict("to attrs=uid by * none");
    for _ in 0..3 {
        let (code, active, problem) = sync(&agent);
        assert_eq!((code, active), (0, PEOPLE), "{problem}");
    }
    let user = agent.user("u0000001@lab.test");
    assert_eq!((&user["quarantine"]["attribute"], &user["quarantine"]["reason"]), (&"uid".into(), &"missing".into()));
    slapd.unrestrict();
    slapd.modify(&format!(
        "dn: cn=vault,ou=groups,{}\nchangetype: modify\ndelete: memberUid\nmemberUid: u0000001\n-\n\n",
        slapd.base
    ));
    assert_eq!(sync(&agent), (0, PEOPLE - 1, String::new()), "what can be read again counts again");
    assert_eq!(agent.user("u0000002@lab.test")["quarantine"], serde_json::Value::Null);
}

#[test]
fn groups_whose_members_are_hidden_are_not_empty_whatever_they_are_for() {
    let mut slapd = seeded();
    let uids: String = (1..=PEOPLE).map(|n| format!("memberUid: u{n:07}\n")).collect();
    slapd.add(&format!(
        "dn: cn=blue,ou=groups,{0}\nobjectClass: posixGroup\ncn: blue\ngidNumber: 7\n{uids}\n{1}",
        slapd.base,
        ldif::group(&slapd.base, "out", &[slapd.dn("u0000012")]),
    ));
    let scope = format!(
        "exclude_groups = [\"cn=out,ou=groups,{0}\"]\n[[pool]]\nname = \"blue\"\nseats = 50\ngroups = [\"cn=blue,ou=groups,{0}\"]",
        slapd.base
    );
    let agent = agent(&slapd, &scope);
    assert_eq!(sync(&agent), (0, PEOPLE - 1, String::new()));
    for (group, attribute) in [("inner", "member"), ("vault", "uniqueMember"), ("blue", "memberUid"), ("out", "member")]
    {
        let dn = format!("cn={group},ou=groups,{}", slapd.base);
        slapd.restrict(&format!("to dn.base=\"{dn}\" attrs={attribute} by * none"));
        for _ in 0..2 {
            let (code, active, problem) = sync(&agent);
            assert_eq!((code, active), (1, PEOPLE - 1), "{group}: {problem}");
            assert!(problem.contains(&dn) && problem.contains(&format!("right to read {attribute}")), "{problem}");
            let moved = agent.history().last().map(|cycle| cycle["changes"].clone()).unwrap_or_default();
            assert_eq!((&moved["moved"], &moved["released"]), (&0.into(), &0.into()), "{group}: {moved}");
        }
        slapd.unrestrict();
        assert_eq!(sync(&agent), (0, PEOPLE - 1, String::new()), "{group} can be seen again");
    }
}
