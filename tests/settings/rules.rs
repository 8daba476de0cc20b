//! What is allowed, at its limits, and what becomes of it.

use std::time::Duration;

use jiff::SignedDuration;
use seatsync::model::change::Promotion;
use seatsync::model::settings::{Adopt, BackendKind, Bind, Drift, LeaverRule, LogFormat, Match, Settings, Source};

use crate::folder::{BACKEND, DIRECTORY, Folder, POOL, config, config_of};

/// The settings of a config that is right.
fn settings(text: &str) -> Settings {
    Folder::new().load(text, &[]).unwrap().settings
}

/// What is said of a config that is wrong.
fn refusal(text: &str) -> String {
    Folder::new().load(text, &[]).unwrap_err().to_string()
}

/// What is said of a config that loads.
fn warnings(text: &str) -> Vec<String> {
    let loaded = Folder::new().load(text, &[]).unwrap();
    loaded.warnings.into_iter().map(|warning| format!("{}: {}", warning.key, warning.message)).collect()
}

fn server(keys: &str) -> String {
    config_of(&format!("[[directory]]\nname = \"corp\"\nbase = [\"dc=corp\"]\n{keys}"))
}

#[test]
fn what_is_left_out_has_the_defaults_of_the_design() {
    let settings = settings(&server("url = [\"ldaps://dc01\"]\nbind = \"anonymous\"\n"));
    assert!(!settings.agent.name.is_empty(), "the host's name");
    assert_eq!(settings.agent.poll, Duration::from_mins(5));
    assert_eq!(settings.agent.full, Duration::from_hours(24));
    assert!(settings.agent.push && !settings.agent.dry_run);
    let Source::Ldap(ldap) = &settings.directories[0].source else { panic!("a server") };
    assert_eq!((ldap.page_size, ldap.timeout), (1000, Duration::from_mins(1)));
    assert!(!ldap.start_tls && !ldap.allow_plaintext && ldap.ca_file.is_none());
    assert_eq!(settings.directories[0].kind, None);
    assert_eq!((settings.seats.match_, settings.seats.approve_joiners), (Match::First, false));
    assert_eq!((settings.seats.promotion, settings.seats.approved_domains), (Promotion::Manual, None));
    let leavers = &settings.leavers;
    assert_eq!([leavers.disabled, leavers.deleted, leavers.out_of_scope], [LeaverRule::Suspend; 3]);
    assert_eq!((leavers.remove_after, leavers.suspended_keeps_seat), (None, false));
    assert_eq!((settings.guard.percent, settings.guard.floor), (10, 3));
    let day = SignedDuration::from_hours(24);
    assert_eq!((settings.guard.window, settings.guard.confirm_within), (day, day));
    assert_eq!((settings.backend.adopt, settings.backend.drift), (Adopt::Anchor, Drift::Repair));
    assert_eq!((settings.log.format, settings.log.level.as_str()), (LogFormat::Auto, "info"));
}

#[cfg(unix)]
#[test]
fn the_state_and_the_ledger_lie_side_by_side_unless_told_otherwise() {
    let BackendKind::Embedded { path } = settings(&config("")).backend.kind else { panic!("a file") };
    assert_eq!(path.to_str(), Some("/var/lib/ledger/ledger.db"));
    let BackendKind::Embedded { path } = settings(&config("[agent]\nstate_dir = \"/srv/seats/state\"\n")).backend.kind
    else {
        panic!("a file")
    };
    assert_eq!(path.to_str(), Some("/srv/seats/ledger/ledger.db"));
}

#[test]
fn relative_paths_start_at_the_folder_of_the_config() {
    let folder = Folder::new();
    let settings = folder.load(&config("[agent]\nstate_dir = \"state\"\n"), &[]).unwrap().settings;
    assert_eq!(settings.agent.state_dir, folder.path("state"));
    let Source::Ldif { path } = &settings.directories[0].source else { panic!("a file") };
    assert_eq!(*path, folder.path("demo.ldif"));
}

#[test]
fn numbers_and_durations_are_allowed_up_to_their_limits() {
    let at_the_limit = "[agent]\npoll = \"7d\"\nfull = \"366d\"\n[guard]\npercent = 100\nfloor = 0\nwindow = \"1s\"\n";
    let settings = settings(&config(at_the_limit));
    assert_eq!((settings.guard.percent, settings.guard.floor), (100, 0));
    for beyond in ["[agent]\npoll = \"169h\"\n", "[agent]\nfull = \"367d\"\n", "[guard]\npercent = 101\n"] {
        assert!(refusal(&config(beyond)).contains("must be"), "{beyond}");
    }
    for (page_size, allowed) in [(0, false), (1, true), (10_000, true), (10_001, false)] {
        let text = server(&format!("url = [\"ldaps://dc01\"]\nbind = \"anonymous\"\npage_size = {page_size}\n"));
        assert_eq!(Folder::new().load(&text, &[]).is_ok(), allowed, "{page_size}");
    }
}

#[test]
fn full_may_be_as_short_as_poll_and_follows_it_where_left_out() {
    let same = settings(&config("[agent]\npoll = \"1h\"\nfull = \"1h\"\n"));
    assert_eq!(same.agent.full, Duration::from_hours(1));
    let rare = settings(&config("[agent]\npoll = \"2d\"\n"));
    assert_eq!(rare.agent.full, Duration::from_hours(48));
}

#[test]
fn a_password_crosses_no_plain_connection_but_loopback_unless_allowed() {
    const BIND: &str = "bind_dn = \"cn=reader\"\nbind_password = { file = \"corp.password\" }\n";
    for (keys, allowed) in [
        ("url = [\"ldap://dc01\"]\n", false),
        ("url = [\"ldap://dc01\"]\nallow_plaintext = true\n", true),
        ("url = [\"ldap://dc01\"]\nstart_tls = true\n", true),
        ("url = [\"ldaps://dc01\"]\n", true),
        ("url = [\"ldap://127.0.0.1:3389\"]\n", true),
        ("url = [\"ldap://localhost\", \"ldap://[::1]:389\"]\n", true),
        ("url = [\"ldap://localhost\", \"ldap://dc01\"]\n", false),
    ] {
        let loaded = Folder::new().load(&server(&format!("{keys}{BIND}")), &[]);
        assert_eq!(loaded.is_ok(), allowed, "{keys}");
    }
    settings(&server("url = [\"ldap://dc01\"]\nbind = \"anonymous\"\n"));
}

#[test]
fn a_simple_bind_is_what_bind_means_when_left_out() {
    let keys = "url = [\"ldaps://dc01\"]\nbind_dn = \"CORP\\\\svc\"\nbind_password = { file = \"corp.password\" }\n";
    let settings = settings(&server(keys));
    let Source::Ldap(ldap) = &settings.directories[0].source else { panic!("a server") };
    assert!(matches!(&ldap.bind, Bind::Simple { dn, .. } if dn == "CORP\\svc"), "{ldap:?}");
}

const TWO_DOMAINS: &str = "[[directory]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"a\"\nbase = [\"dc=corp,dc=example\"]\n\
    [[directory]]\nname = \"eu\"\nkind = \"ldif\"\npath = \"b\"\nbase = [\"ou=staff,dc=eu,dc=corp,dc=example\"]\n";

fn directory_of(directories: &str, group: &str) -> Result<String, String> {
    let text = format!("{directories}\n{POOL}groups = [\"{group}\"]\n{BACKEND}");
    let loaded = Folder::new().load(&text, &[]).map_err(|problems| problems.to_string())?;
    let group = &loaded.settings.pools[0].groups.as_ref().unwrap()[0];
    Ok(format!("{} {}", group.directory, group.dn))
}

#[test]
fn a_pools_group_lies_in_the_directory_of_its_domain() {
    let found = |group| directory_of(TWO_DOMAINS, group).unwrap();
    assert_eq!(found("cn=a,ou=groups,dc=corp,dc=example"), "corp cn=a,ou=groups,dc=corp,dc=example");
    assert_eq!(found("cn=a,dc=eu,dc=corp,dc=example"), "eu cn=a,dc=eu,dc=corp,dc=example");
    assert_eq!(found(r"cn=a\\,dc=b,dc=corp,dc=example"), r"corp cn=a\,dc=b,dc=corp,dc=example");
    assert_eq!(found("eu:cn=a,dc=corp,dc=example"), "eu cn=a,dc=corp,dc=example");
    assert_eq!(found("eu:cn=a:b,dc=corp,dc=example"), "eu cn=a:b,dc=corp,dc=example");
    assert_eq!(found("cn=a:b,dc=corp,dc=example"), "corp cn=a:b,dc=corp,dc=example");
}

#[test]
fn in_one_domain_a_pools_group_lies_in_the_directory_whose_base_is_around_it() {
    let two = TWO_DOMAINS
        .replace("dc=corp,dc=example\"]\n[", "ou=staff,dc=corp,dc=example\"]\n[")
        .replace("dc=eu,", "ou=eu,");
    let two = two.replace("ou=staff,ou=eu", "ou=eu");
    let found = |group| directory_of(&two, group);
    assert_eq!(found("cn=a,ou=staff,dc=corp,dc=example").unwrap(), "corp cn=a,ou=staff,dc=corp,dc=example");
    assert_eq!(found("cn=a,ou=eu,dc=corp,dc=example").unwrap(), "eu cn=a,ou=eu,dc=corp,dc=example");
    assert!(found("cn=a,ou=groups,dc=corp,dc=example").unwrap_err().contains("several directories"));
    assert!(found("dc=corp,dc=example").unwrap_err().contains("several directories"), "it lies above both");
}

#[test]
fn with_one_directory_a_pools_group_may_lie_anywhere() {
    assert_eq!(directory_of(DIRECTORY, "cn=a,o=elsewhere").unwrap(), "demo cn=a,o=elsewhere");
    assert_eq!(directory_of(DIRECTORY, "demo:cn=a,o=elsewhere").unwrap(), "demo cn=a,o=elsewhere");
}

#[test]
fn mail_domains_are_folded_and_an_empty_list_approves_any() {
    let approved =
        |list: &str| settings(&config(&format!("[seats]\napproved_domains = {list}\n"))).seats.approved_domains;
    assert_eq!(approved("[\"Corp.Example.\", \"straße.example\"]").unwrap(), ["corp.example", "xn--strae-oqa.example"]);
    assert_eq!(approved("[]"), None);
}

#[test]
fn remove_after_counts_with_a_rule_that_removes() {
    let settings = settings(&config("[leavers]\ndeleted = \"remove\"\nremove_after = \"30d\"\n"));
    assert_eq!(settings.leavers.deleted, LeaverRule::Remove);
    assert_eq!(settings.leavers.remove_after, Some(SignedDuration::from_hours(720)));
}

#[test]
fn what_is_hardly_meant_is_told_and_loads() {
    let told = warnings(&config("[leavers]\nremove_after = \"30d\"\n"));
    assert!(told[0].starts_with("leavers.remove_after: has no effect"), "{told:?}");
    let told = warnings(&format!("{DIRECTORY}groups = []\n{POOL}groups = []\n{BACKEND}"));
    assert!(told[0].starts_with("directory.demo.groups: names no group"), "{told:?}");
    assert!(told[1].starts_with("pool.standard.groups: names no group"), "{told:?}");
    let told = warnings(&server("url = [\"ldap://dc01\"]\nbind = \"anonymous\"\nca_file = \"corp-ca.pem\"\n"));
    assert!(told[0].starts_with("directory.corp.ca_file: has no effect"), "{told:?}");
    assert_eq!(warnings(&config("")), Vec::<String>::new());
}

#[test]
fn the_port_of_the_other_way_is_wondered_at() {
    let kind = "kind = \"openldap\"";
    let of =
        |url: &str, more: &str| warnings(&server(&format!("{kind}\nurl = [\"{url}\"]\nbind = \"anonymous\"\n{more}")));
    for (url, more, hint) in [
        ("ldaps://dc01:389", "", "leave the port out (636)"),
        ("ldaps://dc01:3268", "", "start_tls = true"),
        ("ldap://dc01:636", "start_tls = true\n", "write ldaps://"),
        ("ldap://dc01:636", "", "write ldaps://"),
    ] {
        let told = of(url, more);
        assert!(told.len() == 1 && told[0].contains(hint), "{url}: {told:?}");
    }
    for url in ["ldaps://dc01", "ldaps://dc01:636", "ldap://dc01:389", "ldaps://dc01:10636"] {
        assert_eq!(of(url, ""), Vec::<String>::new(), "{url}");
    }
}

#[test]
fn a_port_of_a_global_catalog_is_wondered_at_where_the_server_may_be_active_directory() {
    let of = |kind: &str, url: &str| {
        let keys = format!("url = [\"ldaps://dc01\", \"{url}\"]\nbind = \"anonymous\"\nstart_tls = false\n");
        warnings(&server(&format!("{kind}\n{keys}")))
    };
    for (kind, url) in [("kind = \"active-directory\"", "ldaps://dc01:3269"), ("", "ldap://dc01:3268")] {
        let told = of(kind, url);
        assert!(told.len() == 1 && told[0].contains("global catalog") && told[0].contains("(636)"), "{url}: {told:?}");
    }
    assert_eq!(of("kind = \"openldap\"", "ldaps://dc01:3269"), Vec::<String>::new());
    assert_eq!(of("kind = \"active-directory\"", "ldaps://dc01:636"), Vec::<String>::new());
}

#[test]
fn a_pool_behind_one_for_everyone_is_told_unless_people_fall_back_on_it() {
    let pools = |first: &str| format!("{DIRECTORY}\n{POOL}{first}\n[[pool]]\nname = \"basic\"\nseats = 5\n{BACKEND}");
    let told = warnings(&pools(""));
    assert!(told[0].starts_with("pool.basic.name: nobody gets a seat of it"), "{told:?}");
    assert_eq!(warnings(&pools("fallback = \"basic\"\n")), Vec::<String>::new());
    assert_eq!(warnings(&format!("[seats]\nmatch = \"all\"\n{}", pools(""))), Vec::<String>::new());
}

#[test]
fn a_level_may_be_a_filter_by_module() {
    let level = "info,seatsync::directory=debug";
    assert_eq!(settings(&config(&format!("[log]\nlevel = \"{level}\"\n"))).log.level, level);
}

#[test]
fn a_bare_bind_dn_is_wondered_at_and_every_form_that_servers_know_is_not() {
    let of = |name: &str| {
        let keys =
            format!("url = [\"ldaps://dc01\"]\nbind_dn = '{name}'\nbind_password = {{ file = \"corp.password\" }}\n");
        warnings(&server(&keys))
    };
    let told = of("svc-seatsync");
    assert!(told.len() == 1 && told[0].starts_with("directory.corp.bind_dn: is a bare name"), "{told:?}");
    for name in ["CN=svc,DC=corp,DC=example", "svc@corp.example", "CORP\\svc"] {
        assert_eq!(of(name), Vec::<String>::new(), "{name}");
    }
}
