//! The lab itself: the Samba domain controller does what the other tests rely on.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use support::{FaultProxy, Samba, ldif};

#[test]
fn the_shared_controller_takes_people_groups_and_changes() {
    let samba = Samba::shared();
    let ou = samba.ou("lab");
    let name = format!("lab{}", std::process::id());
    samba.add(&ldif::ad_person(&ou, &name));
    samba.load(&ldif::ad_group(&ou, &format!("{name}-crew"), &[format!("CN={name},{ou}")]));
    samba.modify(&ldif::replace(&format!("CN={name},{ou}"), "userAccountControl", &["546"]));
    let found = samba.search_under(&ou, "(objectClass=user)", &["userAccountControl", "memberOf"]);
    assert!(found.contains("userAccountControl: 546"), "{found}");
    assert!(found.contains(&format!("memberOf: CN={name}-crew,{ou}")), "{found}");
    samba.delete(&format!("CN={name},{ou}"));
    assert_eq!(samba.search_under(&ou, "(objectClass=user)", &["cn"]).matches("dn:").count(), 0);
}

#[test]
fn a_controller_of_ones_own_starts_empty_and_comes_back_after_a_restart() {
    let mut samba = Samba::own();
    let ou = samba.ou("own");
    samba.add(&ldif::ad_person(&ou, "ada"));
    samba.restart(|folder| assert!(folder.join("private/sam.ldb").exists()));
    assert!(samba.search_under(&ou, "(sAMAccountName=ada)", &["mail"]).contains("mail: ada@lab.test"));
}

#[test]
fn the_proxy_shows_a_controllers_members_in_ranges() {
    let samba = Samba::shared();
    let ou = samba.ou("ranges");
    let names: Vec<String> = (1..=12).map(|number| format!("range{}x{number}", std::process::id())).collect();
    let people: String = names.iter().map(|name| ldif::ad_person(&ou, name)).collect();
    let members: Vec<String> = names.iter().map(|name| format!("CN={name},{ou}")).collect();
    samba.load(&(people + &ldif::ad_group(&ou, &format!("{}-crew", names[0]), &members)));
    let proxy = FaultProxy::start(&samba.address(), "range=5");
    let output = std::process::Command::new("ldapsearch")
        .args(["-x", "-H", &proxy.url, "-D", &samba.admin_dn, "-w", &samba.password, "-LLL"])
        .args(["-b", &ou, "(objectClass=group)", "member"])
        .output()
        .expect("ldapsearch runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.matches("member;range=0-4:").count(), 5, "{text}");
}
