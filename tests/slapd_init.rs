//! `init` against a real OpenLDAP: what it finds, what it writes, and that the config it wrote works.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use support::agent::Ended;
use support::ledger_process::Place;
use support::process::{free_port, lab, tool};
use support::{Agent, Slapd, ldif};

/// A folder without a config, and a server with three people, one without mail, and two who share one.
fn scene() -> (Agent, Slapd) {
    let base = "dc=lab,dc=test";
    let without = ldif::person(base, "nomail").replace("mail: nomail@lab.test\n", "");
    let twin = ldif::person(base, "twin").replace("mail: twin@lab.test", "mail: TWO@lab.test");
    let seed = ldif::people(base, 3) + &without + &twin + &ldif::person(base, "two");
    let crew = ldif::group(base, "crew", &[format!("uid=u0000001,ou=people,{base}")]);
    let agent = Agent::new("");
    std::fs::remove_file(agent.config_file()).expect("no config yet");
    agent.secret("password", "secret");
    (agent, Slapd::start_with(&(seed + &crew)))
}

/// Answers as few as there can be.
fn answers(slapd: &Slapd, directory: &str) -> String {
    format!(
        "[agent]\nstate_dir = \"state\"\n[directory]\nurl = [\"{}\"]\nbind_dn = \"{}\"\nbind_password = {{ file = \
         \"password\" }}\n{directory}\n[backend]\nkind = \"embedded\"\n[[pool]]\nname = \"standard\"\nseats = 2\n",
        slapd.ldaps_url, slapd.sync_dn
    )
}

fn init(agent: &Agent, answers: &str, more: &[&str]) -> Ended {
    std::fs::write(agent.folder().join("answers.toml"), answers).expect("writing answers");
    let file = agent.folder().join("answers.toml").display().to_string();
    agent.run(&[&["--json", "init", "--answers", &file], more].concat())
}

fn files(agent: &Agent) -> Vec<String> {
    let entries = std::fs::read_dir(agent.folder()).expect("the folder").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_it_wrote_is_checked_planned_and_carried_out_as_it_foretold() {
    let (agent, slapd) = scene();
    let ended = init(&agent, &answers(&slapd, &format!("ca_file = \"{}\"", slapd.ca.display())), &[]);
    let report = ended.json();
    assert_eq!(report["directory"]["kind"], "openldap", "{ended:?}");
    assert_eq!(report["directory"]["base"], serde_json::json!([slapd.base]), "all there is, where nobody says less");
    assert_eq!(report["directory"]["name"], "lab", "by its domain");
    let people = &report["people"];
    assert_eq!(people["without_mail"], serde_json::json!([slapd.dn("nomail")]), "{people}");
    assert_eq!(people["sharing"].as_array().map(Vec::len), Some(2), "{people}");
    assert_eq!((&people["pools"][0]["held"], &people["waiting"]), (&2.into(), &1.into()), "{people}");
    assert_eq!((ended.code, &report["check"]["ok"]), (0, &true.into()), "{report:#}");
    assert_eq!(report["next"], "seatsync plan");

    let (code, plan) = agent.plan();
    let provisioned =
        plan["changes"].as_array().expect("changes").iter().filter(|row| row["change"] == "provision").count();
    assert_eq!((code, provisioned), (0, 2), "{plan:#}");
    let (code, synced) = agent.sync();
    assert_eq!((code, &synced["pools"][0]["held"]), (0, &2.into()), "{synced:#}");
}

#[test]
fn the_ledgers_file_is_where_the_answers_say() {
    let (agent, slapd) = scene();
    let answers = answers(&slapd, &format!("ca_file = \"{}\"", slapd.ca.display()));
    let wrong = answers.replace("\"embedded\"", "\"ledger\"\npath = \"data/ours.db\"");
    let refused = init(&agent, &wrong, &[]);
    assert!(refused.code == 2 && refused.stdout.contains("backend.path: has no meaning"), "{refused:?}");
    let ended = init(&agent, &answers.replace("\"embedded\"", "\"embedded\"\npath = \"data/ours.db\""), &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(agent.sync().0, 0);
    assert!(agent.folder().join("data/ours.db").exists());
}

#[cfg(unix)]
#[test]
fn the_config_is_readable_to_the_service_and_the_password_stands_apart_from_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (agent, slapd) = scene();
    let ended = init(&agent, &answers(&slapd, &format!("ca_file = \"{}\"", slapd.ca.display())), &[]);
    let mode = |path: PathBuf| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    let secret = agent.folder().join("secrets/lab");
    assert_eq!((mode(agent.config_file()), mode(secret.clone())), (0o640, 0o600), "{ended:?}");
    assert_eq!(std::fs::read_to_string(secret).expect("the secret"), "secret");
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    assert!(config.contains("bind_password = { credential = \"secrets_lab\" }"), "{config}");
    let mut above = "";
    for line in config.lines() {
        assert!(!line.contains(" = ") || above.starts_with("# ") || line.starts_with("# "), "{line:?} has no comment");
        above = line;
    }
    assert_eq!(files(&agent), ["answers.toml", "password", "seatsync.toml", "secrets"]);
}

#[test]
fn a_certificate_that_is_not_trusted_is_shown_and_nobody_is_asked_to_trust_it() {
    let (agent, slapd) = scene();
    let ended = init(&agent, &answers(&slapd, ""), &[]);
    let error = &ended.json()["error"];
    let next = error["next"].as_str().unwrap_or_default();
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(error["message"].as_str().is_some_and(|told| told.contains("directory.ca_file")), "{error}");
    let fingerprint = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(slapd.ca.with_file_name("server.crt"))
        .output()
        .expect("openssl runs");
    let fingerprint = String::from_utf8_lossy(&fingerprint.stdout).into_owned();
    let fingerprint = fingerprint.trim().split('=').next_back().unwrap_or_default();
    assert!(fingerprint.len() > 60 && next.contains(fingerprint), "{fingerprint}: {next}");
    assert!(next.contains("issued by"), "{next}");
    assert_eq!(files(&agent), ["answers.toml", "password"]);
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_machine_without_authorities_the_authoritys_file_is_asked_for_and_why_a_server_cannot_be_asked_is_said() {
    let (mut agent, slapd) = scene();
    let none = agent.folder().join("none");
    std::fs::create_dir(&none).expect("an empty folder");
    agent.set_environment("SSL_CERT_DIR", &none.display().to_string());
    agent.set_environment("SSL_CERT_FILE", &none.join("none.pem").display().to_string());
    let ended = init(&agent, &answers(&slapd, ""), &[]);
    let error = &ended.json()["error"];
    assert!(error["message"].as_str().is_some_and(|told| told.contains("directory.ca_file")), "{ended:?}");
    assert!(error["next"].as_str().is_some_and(|told| told.contains("issued by")), "{error}");
    let closed = format!("ldaps://127.0.0.1:{}", free_port());
    let ended = init(&agent, &answers(&slapd, "").replace(&slapd.ldaps_url, &closed), &[]);
    let error = &ended.json()["error"];
    assert!(error["message"].as_str().is_some_and(|told| told.contains("no directory server")), "{ended:?}");
    assert!(!error["causes"].to_string().contains("authorities"), "not for want of authorities: {error}");
    let ended = init(&agent, &answers(&slapd, &format!("ca_file = \"{}\"", slapd.ca.display())), &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn refused_credentials_and_wrong_answers_write_nothing() {
    let (agent, slapd) = scene();
    let good = answers(&slapd, &format!("ca_file = \"{}\"", slapd.ca.display()));
    agent.secret("password", "wrong");
    let ended = init(&agent, &good, &[]);
    assert_eq!((ended.code, &ended.json()["error"]["code"]), (1, &"directory".into()), "{ended:?}");
    agent.secret("password", "secret\n\n");
    let ended = init(&agent, &good, &[]);
    let next = ended.json()["error"]["next"].clone();
    assert!(next.as_str().is_some_and(|next| next.contains("ends with an empty line")), "{ended:?}");
    agent.secret("password", "secret");

    let ended = init(&agent, &good.replace("bind_dn", "bind_nd").replace("[[pool]]", "[[pool]]\nseat = 3"), &[]);
    let error = ended.json()["error"].clone();
    assert_eq!((ended.code, error["details"].as_array().map(Vec::len)), (2, Some(2)), "{ended:?}");
    assert!(error["details"].to_string().contains("did you mean directory.bind_dn?"), "{error}");
    assert!(error["details"].to_string().contains("did you mean pool.seats?"), "{error}");

    let ended = init(&agent, &good.replace("{ file = \"password\" }", "\"secret\""), &[]);
    assert!(ended.code == 2 && ended.stdout.contains("must not stand here itself"), "{ended:?}");
    assert_eq!(files(&agent), ["answers.toml", "password"]);
}

#[test]
fn an_account_that_may_read_nothing_gets_a_config_and_the_commands_that_let_it_read() {
    let (agent, slapd) = scene();
    let directory = format!("ca_file = \"{}\"\nbase = [\"ou=people,{}\"]", slapd.ca.display(), slapd.base);
    let answers = answers(&slapd, &directory).replace(&slapd.sync_dn, "cn=nobody,dc=lab,dc=test");
    let refused = init(&agent, &answers, &[]);
    assert!(refused.code == 1 && refused.stdout.contains("seatsync init --anyway"), "{refused:?}");
    assert!(!agent.config_file().exists(), "{refused:?}");
    let ended = init(&agent, &answers, &["--anyway"]);
    let report = ended.json();
    assert_eq!((ended.code, &report["check"]["ok"]), (1, &false.into()), "{report:#}");
    let probes = report["check"]["probes"].as_array().expect("probes");
    let base = probes.iter().find(|probe| probe["what"] == "lab: base ou=people,dc=lab,dc=test").expect("the base");
    assert!(base["remedy"].as_str().is_some_and(|remedy| remedy.contains("olcAccess")), "{base}");
    assert_eq!(report["next"], "seatsync check --connect");
    assert!(agent.config_file().exists());
}

#[test]
fn a_base_or_group_that_is_not_there_is_told_with_those_that_are_and_nothing_is_written() {
    let (agent, slapd) = scene();
    let (ca, base) = (slapd.ca.display(), &slapd.base);
    let mistakes = [
        (format!("base = [\"ou=peple,{base}\"]"), format!("\"ou=people,{base}\" is there")),
        (format!("base = [\"ou=machines,{base}\"]"), "There are ou=groups, ou=people right under".to_owned()),
        (format!("groups = [\"cn=crw,ou=groups,{base}\"]"), format!("\"cn=crew,ou=groups,{base}\" is there")),
    ];
    for (mistake, near) in mistakes {
        let ended = init(&agent, &answers(&slapd, &format!("ca_file = \"{ca}\"\n{mistake}")), &[]);
        let error = &ended.json()["error"];
        assert_eq!((ended.code, &error["code"]), (1, &"directory".into()), "{mistake}: {ended:?}");
        assert!(error["causes"][0].as_str().is_some_and(|told| told.contains(&near)), "{mistake}: {error}");
        assert_eq!(files(&agent), ["answers.toml", "password"], "{mistake}");
    }
}

#[test]
fn a_config_that_is_there_is_left_unless_it_is_forced_and_then_kept_beside() {
    let (agent, slapd) = scene();
    let good = answers(&slapd, &format!("ca_file = \"{}\"", slapd.ca.display()));
    std::fs::write(agent.config_file(), "# mine\n").expect("a config");
    let ended = init(&agent, &good, &[]);
    assert_eq!((ended.code, &ended.json()["error"]["code"]), (2, &"usage".into()), "{ended:?}");
    assert_eq!(std::fs::read_to_string(agent.config_file()).expect("the config"), "# mine\n");
    let ended = init(&agent, &good, &["--force"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let before: Value = ended.json()["before"].clone();
    let before = std::fs::read_to_string(before.as_str().expect("the config before")).expect("the config before");
    assert_eq!(before, "# mine\n");
}

#[cfg(unix)]
#[test]
fn the_pools_of_a_ledger_are_asked_of_it_and_its_token_stands_apart() {
    let (agent, slapd) = scene();
    let place = Place::new("");
    place.json(&["ledger", "company", "add", "acme"]);
    place.json(&["ledger", "pool", "set", "vault", "--seats", "3"]);
    let token = place.json(&["ledger", "connector", "add", "main"])["token"].as_str().expect("a token").to_owned();
    let serving = place.serve();
    agent.secret("token", &token);
    let embedded = answers(&slapd, &format!("ca_file = \"{}\"", slapd.ca.display()));
    let (above, _) = embedded.split_once("[backend]").expect("a backend");
    let answers = |token: &str| {
        format!(
            "{above}[backend]\nkind = \"ledger\"\ncompany = \"acme\"\nurl = \"{}\"\ntoken = {{ file = \"{token}\" }}\n",
            serving.url
        )
    };
    agent.secret("stale", "sst_nobody");
    let ended = init(&agent, &answers("stale"), &[]);
    assert_eq!((ended.code, &ended.json()["error"]["code"]), (1, &"backend".into()), "{ended:?}");
    assert!(!agent.config_file().exists());

    let ended = init(&agent, &answers("token"), &[]);
    let report = ended.json();
    assert_eq!((ended.code, &report["people"]["pools"][0]["name"]), (0, &"vault".into()), "{report:#}");
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    assert!(!config.contains(&token) && config.contains("secrets_ledger-token"), "{config}");
    let (code, synced) = agent.sync();
    assert_eq!((code, &synced["pools"][0]["held"]), (0, &3.into()), "{synced:#}");
}

/// Types at a real terminal: waits for each prompt, then sends the keys. Gives what was shown.
fn typed(agent: &Agent, script: &[(&str, &str)]) -> String {
    let mut command = Command::new("/usr/bin/python3");
    command.arg(lab("terminal.py")).args(script.iter().flat_map(|(prompt, keys)| [*prompt, *keys])).arg("--");
    command.arg(env!("CARGO_BIN_EXE_seatsync")).arg("--config").arg(agent.config_file()).arg("init");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEATSYNC_")) {
        command.env_remove(name);
    }
    tool(command.env("NO_COLOR", "1").current_dir(agent.folder()), "")
}

#[test]
fn a_person_at_a_terminal_is_asked_and_asked_again_and_gets_a_config_that_works() {
    let (agent, slapd) = scene();
    let ca = slapd.ca.display().to_string();
    let shown = typed(
        &agent,
        &[
            ("Which directory servers?", &format!("{}\r", slapd.ldaps_url)),
            ("Which file has the authority's certificate?", &format!("{ca}\r")),
            ("As which account?", &format!("{}\r", slapd.sync_dn)),
            ("Its password?", "n0t-it\r"),
            ("As which account?", &format!("{}\r", slapd.sync_dn)),
            ("Its password?", "secret\r"),
            ("What shall the directory be called?", "corp\r"),
            ("Where do people lie?", "\r"),
            ("Only members of which groups?", " \r"),
            ("Where does the agent keep its state?", &format!("{}\r", agent.folder().join("state").display())),
            ("Where are the seats kept?", "\r"),
            ("Which company?", "\r"),
            ("What are the seats called?", "\r"),
            ("How many seats of \"standard\" were bought?", "many\r"),
            ("How many seats of \"standard\" were bought?", "5\r"),
            ("Write the config?", "y\r"),
        ],
    );
    assert!(shown.contains("ended with 0"), "{shown}");
    assert!(shown.contains("issued by") && shown.contains("1 person is in scope"), "{shown}");
    assert!(!shown.contains("n0t-it") && !shown.contains("secret\n"), "a password is not shown: {shown}");
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    assert!(config.contains("groups = [\"cn=crew,ou=groups,dc=lab,dc=test\"]"), "{config}");
}

#[test]
fn ctrl_c_in_the_middle_writes_nothing() {
    let (agent, slapd) = scene();
    let shown = typed(
        &agent,
        &[
            ("Which directory servers?", &format!("{}\r", slapd.ldaps_url)),
            ("Which file has the authority's certificate?", "\u{3}"),
        ],
    );
    assert!(shown.contains("nothing was written") && shown.contains("ended with 1"), "{shown}");
    assert_eq!(files(&agent), ["password"]);
}

/// Accounts that somebody else made in the ledger for these people, which no agent manages yet.
#[cfg(unix)]
fn make_accounts(slapd: &Slapd, company: &str, admin: &str, people: &[&str]) {
    for name in people {
        let found = slapd.search(&format!("(uid={name})"), &["entryUUID"]);
        let anchor = found.lines().find_map(|line| line.strip_prefix("entryUUID: ")).expect("an entryUUID");
        let mut put = Command::new("curl");
        put.args([
            "--noproxy",
            "*",
            "-sSf",
            "-X",
            "PUT",
            "-H",
            "If-None-Match: *",
            "-H",
            "Content-Type: application/json",
        ]);
        put.arg("-H").arg(format!("Authorization: Bearer {admin}"));
        put.arg("-d").arg(format!("{{\"user_name\":\"{name}\",\"email\":\"{name}@lab.test\"}}"));
        tool(put.arg(format!("{company}/accounts/by-external-id/{anchor}")), "");
    }
}

#[cfg(unix)]
#[test]
fn a_person_at_a_terminal_chooses_one_pool_of_a_ledger_and_is_told_which_accounts_would_be_adopted() {
    const DOWN: &str = "\u{1b}[B\r";
    let (agent, slapd) = scene();
    let place = Place::new("");
    place.json(&["ledger", "company", "add", "acme"]);
    for pool in ["desk", "vault"] {
        place.json(&["ledger", "pool", "set", pool, "--seats", "2"]);
    }
    let token = place.json(&["ledger", "connector", "add", "main"])["token"].as_str().expect("a token").to_owned();
    let admin = place.json(&["ledger", "token", "add", "admin"])["token"].as_str().expect("a token").to_owned();
    let serving = place.serve();
    make_accounts(&slapd, serving.company("").trim_end_matches('/'), &admin, &["u0000001", "u0000002"]);
    let shown = typed(
        &agent,
        &[
            ("Which directory servers?", &format!("{}\r", slapd.ldaps_url)),
            ("Which file has the authority's certificate?", &format!("{}\r", slapd.ca.display())),
            ("As which account?", &format!("{}\r", slapd.sync_dn)),
            ("Its password?", "secret\r"),
            ("What shall the directory be called?", "corp\r"),
            ("Where do people lie?", "\r"),
            ("Only members of which groups?", "\r"),
            ("Where does the agent keep its state?", &format!("{}\r", agent.folder().join("state").display())),
            ("Where are the seats kept?", DOWN),
            ("The ledger's URL?", &format!("{}\r", serving.url)),
            ("Which company?", "acme\r"),
            ("The agent's token?", &format!("{token}\r")),
            ("Seats of which pool?", DOWN),
            ("Write the config?", "y\r"),
        ],
    );
    assert!(shown.contains("ended with 0") && !shown.contains(&token), "{shown}");
    assert!(shown.contains("2 accounts that are there already would be adopted."), "{shown}");
    assert!(shown.contains("Pool vault: of 2 seats 1 would be held"), "{shown}");
    let config = std::fs::read_to_string(agent.config_file()).expect("the config");
    assert!(config.contains("name = \"vault\"") && !config.contains("desk"), "{config}");
    assert!(config.contains(&format!("state_dir = \"{}\"", agent.folder().join("state").display())), "{config}");
    let (code, synced) = agent.sync();
    assert_eq!((code, &synced["changes"]["adopted"]), (0, &2.into()), "{synced:#}");
}
