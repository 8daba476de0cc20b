//! `init` against a real Samba domain controller: what it wrote is then planned and carried out.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use support::{Agent, Samba, ldif};

#[test]
fn a_domain_controller_is_told_by_itself_and_the_config_for_a_group_of_it_works() {
    let samba = Samba::shared();
    let ou = samba.ou("init");
    let name = |who: &str| format!("init{}-{who}", std::process::id());
    samba.add(&(ldif::ad_person(&ou, &name("ada")) + &ldif::ad_person(&ou, &name("bob"))));
    let group = format!("CN={},{ou}", name("crew"));
    samba.add(&ldif::ad_group(&ou, &name("crew"), &[format!("CN={},{ou}", name("ada"))]));
    samba.administer(&format!("samba-tool user create {} Passw0rd.few", name("svc")));
    let agent = Agent::new("");
    std::fs::remove_file(agent.config_file()).expect("no config yet");
    agent.secret("password", "Passw0rd.few");
    // No scheme: LDAPS is tried first.
    let host = samba.ldaps_url.trim_start_matches("ldaps://");
    let answers = format!(
        "[agent]\nstate_dir = \"state\"\n[directory]\nurl = [\"{host}\"]\nca_file = \"{}\"\nbind_dn = \
         \"{}@lab.test\"\nbind_password = {{ file = \"password\" }}\nbase = [\"{ou}\"]\ngroups = [\"{group}\"]\n[backend]\nkind \
         = \"embedded\"\n[[pool]]\nname = \"standard\"\nseats = 5\n",
        samba.ca.display(),
        name("svc")
    );
    std::fs::write(agent.folder().join("answers.toml"), answers).expect("writing answers");
    let file = agent.folder().join("answers.toml").display().to_string();
    let ended = agent.run(&["--json", "init", "--answers", &file]);
    let report = ended.json();
    assert_eq!(ended.code, 0, "{report:#}");
    let directory = &report["directory"];
    assert_eq!((&directory["kind"], &directory["name"]), (&"active-directory".into(), &"lab".into()), "{directory}");
    assert_eq!(directory["url"], serde_json::json!([samba.ldaps_url]));
    assert!(directory["vendor"].as_str().is_some_and(|vendor| vendor.starts_with("Samba")), "{directory}");
    assert_eq!((&report["people"]["in_scope"], &report["people"]["complete"]), (&1.into(), &true.into()), "{report:#}");
    let (code, plan) = agent.plan();
    assert_eq!((code, plan["changes"].as_array().map(Vec::len)), (0, Some(1)), "{plan:#}");
    let (code, synced) = agent.sync();
    assert_eq!((code, &synced["pools"][0]["held"]), (0, &1.into()), "{synced:#}");
}
