//! What an administrator runs into first: a ledger that is elsewhere, decisions that wait, verbs before any cycle.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod support;

use serde_json::Value;
use support::Agent;
use support::company::{company_of, pool};

#[test]
fn a_ledger_that_is_not_where_the_config_says_is_told_with_the_place_where_it_was() {
    let company = company_of(3, &pool(2));
    company.write();
    assert_eq!(company.agent.sync().0, 0);
    let place = company.agent.folder().join("ledger.db").display().to_string();
    let config = std::fs::read_to_string(company.agent.config_file()).unwrap();
    let moved = config.replace("\"ledger.db\"", "\"elsewhere.db\"");
    assert_ne!(moved, config);
    std::fs::write(company.agent.config_file(), moved).unwrap();
    let synced = company.agent.run(&["--json", "sync"]);
    assert_eq!(synced.code, 1);
    let next = synced.json()["error"]["next"].as_str().unwrap().to_owned();
    assert!(next.contains(&format!("the ledger was {place}")), "{next}");
    let (code, checked) = company.agent.check(true);
    let said = checked["problems"][0]["message"].as_str().unwrap();
    assert!(code == 2 && said.contains(&next) && said.contains("elsewhere.db"), "{checked}");
    assert_eq!(company.agent.check(false).1["problems"], checked["problems"], "with the servers or without");
    assert!(!company.agent.folder().join("elsewhere.db").exists(), "nothing is made anew");

    std::fs::rename(&place, company.agent.folder().join("lost.db")).unwrap();
    std::fs::write(company.agent.config_file(), config).unwrap();
    let told = company.agent.run(&["sync"]).stderr;
    assert!(told.contains("put the file back") && !told.contains("was changed"), "{told}");

    // Those that open nothing say so, too.
    let says_it = |message: &Value| {
        message
            .as_str()
            .is_some_and(|said| said.contains("there is no ledger at") && said.contains("put the file back"))
    };
    let (code, checked) = company.agent.check(false);
    let problem = &checked["problems"][0];
    assert!(code == 2 && problem["key"] == "backend.path" && says_it(&problem["message"]), "{checked}");
    let status = company.agent.status();
    assert_eq!(status["backend"]["reachable"], false);
    assert!(says_it(&status["backend"]["problem"]), "{status}");
    assert!(company.agent.run(&["status"]).stdout.contains("not well: the licence ledger cannot be opened"));
}

#[test]
fn a_state_or_a_ledger_that_is_spoilt_is_told_by_check_which_changes_nothing() {
    let company = company_of(3, &pool(2));
    company.write();
    assert_eq!(company.agent.sync().0, 0);
    assert_eq!(company.agent.check(false).0, 0);
    let state = company.agent.folder().join("state");
    for (file, key, remedy) in [
        (state.join("state.db"), "agent.state_dir", "state.db* "),
        (company.agent.folder().join("ledger.db"), "backend.path", "restore the backup of the ledger"),
    ] {
        let good = std::fs::read(&file).unwrap();
        std::fs::write(&file, "this is no database, and long enough to be looked at as one".repeat(40)).unwrap();
        let lying = || {
            let mut names: Vec<_> = std::fs::read_dir(&state).unwrap().map(|one| one.unwrap().file_name()).collect();
            names.sort();
            (names, std::fs::read(&file).unwrap())
        };
        let before = lying();
        let (code, checked) = company.agent.check(false);
        let problem = &checked["problems"][0];
        assert!(code == 2 && problem["key"] == key, "{checked}");
        let said = problem["message"].as_str().unwrap();
        assert!(said.contains(&file.display().to_string()) && said.contains(remedy), "{said}");
        assert_eq!(lying(), before);
        std::fs::write(&file, good).unwrap();
        assert_eq!(company.agent.check(false).0, 0);
    }
}

#[test]
fn a_ledger_that_is_spoilt_in_the_middle_is_told_with_what_to_do() {
    let company = company_of(60, &pool(40));
    company.write();
    assert_eq!(company.agent.sync().0, 0);
    let file = company.agent.folder().join("ledger.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // Every page but the first, which has the header and the schema, loses its own header.
    for page in bytes.chunks_mut(4096).skip(1).step_by(2) {
        page[..64].fill(0xA5);
    }
    std::fs::write(&file, bytes).unwrap();
    let says_it = |said: &Value| {
        let said = said.to_string();
        assert!(said.contains("ledger.db") && said.contains("stop the agent, put a backup"), "{said}");
        assert!(!said.contains("Error code"), "{said}");
    };
    let (code, checked) = company.agent.check(false);
    assert!(code == 2 && checked["problems"][0]["key"] == "backend.path", "{checked}");
    says_it(&checked["problems"][0]["message"]);
    assert_eq!(company.agent.check(true).1["problems"], checked["problems"]);
    says_it(&company.agent.status()["backend"]["problem"]);
    assert!(company.agent.run(&["status"]).stdout.contains("not well: "));
    let cycle = company.agent.run(&["sync"]);
    assert!(cycle.code == 1 && cycle.stderr.contains("stop the agent, put a backup"), "{cycle:?}");
}

#[test]
fn before_the_first_cycle_stdout_is_empty_and_stderr_says_how_to_make_one() {
    let company = company_of(3, &pool(2));
    for verb in ["users", "pending", "history"] {
        let said = company.agent.run(&[verb]);
        assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{verb}");
        assert!(said.stderr.starts_with("no cycle yet: `seatsync sync"), "{verb}: {said:?}");
        let said = company.agent.run(&["--json", verb]);
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""), "{verb}");
    }
    let nobody = company.agent.run(&["explain", "p001"]);
    assert!(nobody.code == 2 && nobody.stderr.contains("no cycle yet"), "{nobody:?}");
    company.sync();
    assert!(company.agent.run(&["users"]).stderr.is_empty());
    assert!(!company.agent.run(&["explain", "nobody"]).stderr.contains("no cycle yet"));
}

#[test]
fn approving_the_next_twice_reaches_the_next_people_and_shows_who_was_approved() {
    let mut company = company_of(6, &pool(1));
    company.sync();
    let names = |rows: &[Value]| -> Vec<String> {
        rows.iter().map(|row| row["user_name"].as_str().unwrap().to_owned()).collect()
    };
    let queue = names(&company.agent.pending());
    assert_eq!(queue.len(), 5);
    let approve = |what: &[&str]| {
        let ended = company.agent.run(&[&["--json", "pending", "approve"], what].concat());
        names(&ended.json_lines())
    };
    assert_eq!(approve(&[&queue[1]]), [queue[1].as_str()]);
    assert_eq!(approve(&["--next", "2"]), [queue[0].as_str(), &queue[2]], "the one named is not counted again");
    assert_eq!(approve(&["--next", "2"]), [queue[3].as_str(), &queue[4]]);
    assert!(approve(&["--next", "2"]).is_empty());
    let shown = company.agent.run(&["pending"]).stdout;
    assert_eq!(shown.matches("approved, with the next cycle").count(), 5, "{shown}");
    assert!(company.agent.pending().iter().all(|row| row["decided"] == "approve" && row["approved"] == false));
    company.join("p007");
    company.sync();
    let rows = company.agent.pending();
    assert!(rows.iter().all(|row| row["decided"].is_null()), "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row["approved"] == true).count(), 5);
}

#[test]
fn what_was_decided_by_hand_is_told_once_by_the_next_cycle() {
    let company = company_of(4, &pool(2));
    company.sync();
    let holder = company.agent.names("active").remove(0);
    let waiting = company.agent.names("pending");
    assert_eq!(company.agent.decide("release", &[&holder]).code, 0);
    assert_eq!(company.agent.decide("deny", &[&waiting[0]]).code, 0);
    assert_eq!(company.agent.decide("approve", &[&waiting[1]]).code, 0);
    let told = company.agent.run(&["-v", "sync"]);
    assert_eq!(told.code, 0, "{told:?}");
    let (_, rows) = told.stdout.split_once("Done by hand, or by others, since the last cycle").unwrap();
    for (name, what) in [(&holder, "released: lost the seat"), (&waiting[0], "denied"), (&waiting[1], "approved")] {
        assert!(rows.lines().any(|line| line.contains(name.as_str()) && line.contains(what)), "{name} {what}: {rows}");
    }
    let history = company.agent.history();
    let counts = serde_json::json!({ "released": 1, "approved": 1, "denied": 1 });
    assert_eq!(history.last().unwrap()["elsewhere"], counts);
    assert!(company.agent.run(&["history"]).stdout.contains("by hand or others: 1 released, 1 approved, 1 denied"));
    let shown = company.agent.run(&["explain", &holder]).stdout;
    assert!(shown.contains("released by hand") && !shown.contains("in the backend"), "{shown}");
    let (_, again) = company.agent.sync();
    assert_eq!(again["elsewhere"], serde_json::json!([]), "{again}");
}

#[test]
fn a_config_that_the_environment_names_is_told_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("gone.toml");
    let said = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_seatsync"));
        let ended = command.args(arguments).env("SEATSYNC_CONFIG", &missing).output().unwrap();
        format!("{}{}", String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap())
    };
    for verb in ["sync", "status", "check"] {
        assert!(said(&[verb]).contains("SEATSYNC_CONFIG names"), "{verb}: {}", said(&[verb]));
        let path = missing.display().to_string();
        assert!(!said(&[verb, "--config", &path]).contains("SEATSYNC_CONFIG"), "{verb}");
    }
}

#[test]
fn a_secret_that_only_the_service_has_is_missed_by_the_verbs_alone_that_use_it() {
    let secret = "secret = { env = \"OF_THE_UNIT\" }";
    let hook = format!("[notify.webhook]\nurl = \"http://127.0.0.1:1/\"\n{secret}\n");
    let company = company_of(3, &format!("{}{hook}", pool(1)));
    company.write();
    let here = [("OF_THE_UNIT", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];
    assert_eq!(company.agent.run_with(&["sync"], &here).code, 0);

    assert_eq!(company.agent.users().len(), 3);
    assert_eq!((company.agent.pending().len(), company.agent.history().len()), (2, 1));
    assert_eq!(company.agent.explain("p001").0, 0);
    assert_eq!(company.agent.status()["last_cycle"]["outcome"], "ok");
    assert_eq!(company.agent.decide("approve", &["p002"]).code, 0);
    assert_eq!(company.agent.plan().0, 0, "a plan tells nobody");
    for verb in ["sync", "run"] {
        let refused = company.agent.run(&["--json", verb]);
        let error = &refused.json()["error"];
        assert!(refused.code == 2 && error["code"] == "config", "{error}");
        let (cause, next) = (error["causes"][0].as_str().unwrap(), error["next"].as_str().unwrap());
        assert!(cause.contains("notify.webhook.secret.env") && cause.contains("The service reads its own"), "{cause}");
        assert!(!next.contains("correct the file"), "{next}");
    }
    let (code, checked) = company.agent.check(false);
    assert_eq!((code, checked["problems"][0]["key"].as_str()), (2, Some("notify.webhook.secret.env")), "{checked}");
}

#[test]
fn explain_names_the_directory_whose_password_is_missing_here() {
    let company = company_of(2, &pool(2));
    company.write();
    assert_eq!(company.agent.sync().0, 0);
    let config = std::fs::read_to_string(company.agent.config_file()).unwrap();
    let server = "[[directory]]\nname = \"far\"\nurl = [\"ldaps://127.0.0.1:1\"]\nbase = [\"dc=far\"]\nbind_dn = \"cn=reader\"\n\
                  bind_password = { env = \"OF_THE_UNIT\" }\n";
    company.agent.write_config(&format!("{config}\n{server}"));
    assert_eq!(company.agent.users().len(), 2);
    let refused = company.agent.run(&["--json", "explain", "nobody"]);
    let error = refused.json()["error"].to_string();
    assert!(
        refused.code == 2 && error.contains("far could not be asked: ") && error.contains("OF_THE_UNIT"),
        "{error}"
    );
    let refused = company.agent.run(&["--json", "plan"]);
    assert!(refused.code == 2 && refused.stdout.contains("directory.far.bind_password.env"), "{refused:?}");
}

#[test]
fn a_ledger_is_administered_without_the_password_of_its_mail_server_and_not_served() {
    let smtp = "[ledger.smtp]\nurl = \"smtps://mail.lab.test\"\nuser = \"u\"\nfrom = \"a@lab.test\"\npassword = { env = \"OF_THE_UNIT\" }\n";
    let ledger = Agent::new("");
    let text = format!("[ledger]\ndatabase = \"ledger.db\"\n{smtp}");
    std::fs::write(ledger.config_file(), text).unwrap();
    let added = ledger.run(&["ledger", "company", "add", "acme"]);
    assert_eq!(added.code, 0, "{added:?}");
    let refused = ledger.run(&["--json", "ledger", "serve"]);
    assert!(refused.code == 2 && refused.stdout.contains("ledger.smtp.password.env"), "{refused:?}");
}
