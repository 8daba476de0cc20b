//! Root looks after an agent that runs as somebody else: what root's verbs write, the agent must be able to open.
#![cfg(unix)]
#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::company::{Company, company_of, pool};
use support::process::tool;

/// `nobody` on every Linux: stands for the user of the service.
const SERVICE: u32 = 65534;

/// A company whose agent runs as the service's user, in a folder that its config names: `data`, or one below it.
fn company(state_dir: &str, ledger: &str) -> Company {
    let agent = format!("[agent]\nname = \"test\"\nstate_dir = \"{state_dir}\"\n");
    let backend = format!("[backend]\nkind = \"embedded\"\ncompany = \"acme\"\n{ledger}");
    let company = company_of(3, &format!("{}{agent}{backend}", pool(2)));
    company.write();
    let data = company.agent.folder().join("data");
    std::fs::create_dir(&data).expect("a folder for data");
    for path in [company.agent.folder(), &data, &company.agent.folder().join("corp.ldif")] {
        chown(path, Some(SERVICE), Some(SERVICE)).expect("only root can run this test");
    }
    company
}

/// Everything in a folder.
fn all(folder: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(folder).expect("a folder");
    let paths: Vec<PathBuf> = listed.map(|entry| entry.expect("an entry").path()).collect();
    let below: Vec<PathBuf> = paths.iter().filter(|path| path.is_dir()).flat_map(|path| all(path)).collect();
    paths.into_iter().chain(below).collect()
}

fn as_the_service(company: &Company, verb: &str) -> Output {
    let user = SERVICE.to_string();
    let binary = company.agent.folder().join("seatsync");
    // By another process: a copy that this one writes stays open for writing in what a test beside it has just forked,
    // and until that has become its program, running the copy fails with "Text file busy".
    tool(Command::new("install").args(["-m", "755", env!("CARGO_BIN_EXE_seatsync")]).arg(&binary), "");
    Command::new("setpriv")
        .args(["--reuid", &user, "--regid", &user, "--clear-groups"])
        .arg(binary)
        .arg("--config")
        .arg(company.agent.config_file())
        .arg(verb)
        .output()
        .expect("setpriv runs")
}

#[test]
fn what_root_makes_belongs_to_the_owner_of_the_folder_it_lies_in() {
    let ways =
        [("data", "path = \"data/ledger.db\"\n"), ("data/state", ""), ("data/new/state", "path = \"data/l/l.db\"\n")];
    for (state_dir, ledger) in ways {
        let company = company(state_dir, ledger);
        assert_eq!(company.agent.sync().0, 0, "{state_dir}");
        for path in all(&company.agent.folder().join("data")) {
            let owner = std::fs::symlink_metadata(&path).expect("its owner").uid();
            assert_eq!(owner, SERVICE, "{}", path.display());
        }
        let ended = as_the_service(&company, "sync");
        assert_eq!(ended.status.code(), Some(0), "{state_dir}: {ended:?}");
    }
}

#[test]
fn root_asks_the_agent_of_another_user_and_leaves_nothing_of_its_own() {
    let company = company("data", "path = \"data/ledger.db\"\n");
    assert_eq!(as_the_service(&company, "sync").status.code(), Some(0));
    let waiting = company.agent.names("pending");
    assert_eq!(company.agent.decide("deny", &[&waiting[0]]).code, 0);
    assert_eq!(company.agent.sync().0, 0);
    let of_root = all(&company.agent.folder().join("data"))
        .into_iter()
        .filter(|path| std::fs::symlink_metadata(path).expect("its owner").uid() == 0);
    assert_eq!(of_root.collect::<Vec<_>>(), Vec::<PathBuf>::new());
    assert_eq!(as_the_service(&company, "sync").status.code(), Some(0));
}

#[test]
fn a_link_that_the_agent_put_in_its_folder_gives_it_nothing_of_root() {
    let company = company("data", "path = \"data/ledger.db\"\n");
    let of_root = company.agent.folder().join("of-root");
    std::fs::write(&of_root, "kept").expect("a file of root");
    std::os::unix::fs::symlink(&of_root, company.agent.folder().join("data/agent.lock")).expect("a link");
    company.agent.run(&["sync"]);
    assert_eq!(std::fs::metadata(&of_root).expect("the file").uid(), 0);
    tool(Command::new("grep").args(["-qx", "kept"]).arg(&of_root), "");
}

#[test]
fn the_services_own_check_fails_where_it_may_not_write_the_ledger_and_says_whose_it_must_be() {
    let company = company("data", "path = \"data/ledger.db\"\n");
    assert_eq!(company.agent.sync().0, 0);
    assert_eq!(as_the_service(&company, "check").status.code(), Some(0));
    let data = company.agent.folder().join("data");
    for path in all(&data).iter().filter(|path| path.to_string_lossy().contains("ledger.db")) {
        chown(path, Some(0), Some(0)).expect("only root can run this test");
    }
    let said = |verb: &str| {
        let ended = as_the_service(&company, verb);
        let said = [ended.stdout, ended.stderr].concat();
        (ended.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    let (code, checked) = said("check");
    let command = format!("{}*", data.join("ledger.db").display());
    assert!(code == Some(2) && checked.contains("wrong") && checked.contains(&command), "{checked}");
    let (code, synced) = said("sync");
    let command = format!("chown -R nobody: {}`", data.display());
    assert!(code == Some(1) && synced.contains(&command), "{synced}");

    // Root could write it, and the service cannot.
    let (code, checked) = company.agent.check(false);
    assert!(
        code == 2 && checked["problems"][0]["message"].to_string().contains("ledger.db, which is root's"),
        "{checked}"
    );

    let elsewhere = company_elsewhere();
    let ended = as_the_service(&elsewhere, "check");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.code() == Some(2) && said.contains("may not write"), "{said}");
}

#[test]
fn a_state_that_became_roots_is_told_by_roots_check_with_the_command_that_gives_it_back() {
    let company = company("data", "path = \"data/ledger.db\"\n");
    assert_eq!((company.agent.sync().0, company.agent.check(false).0), (0, 0));
    let file = company.agent.folder().join("data/state.db");
    chown(&file, Some(0), Some(0)).expect("only root can run this test");
    let (code, checked) = company.agent.check(false);
    let said = checked["problems"][0]["message"].as_str().expect("a problem");
    let command = format!("run: chown nobody: {}*", file.display());
    assert!(code == 2 && said.contains("state.db, which is root's") && said.ends_with(&command), "{checked}");
    let status = company.agent.run(&["status"]);
    assert!(status.stdout.contains(&command), "{status:?}");
    assert!(status.stdout.contains("not well: the service could not start"), "{status:?}");
}

/// Its ledger is to lie in a folder of root's.
fn company_elsewhere() -> Company {
    let company = company("data", "path = \"roots/ledger.db\"\n");
    std::fs::create_dir(company.agent.folder().join("roots")).expect("a folder of root's");
    company
}
