//! A disk that is truly full, or mounted read-only: what the agent says of it, and that nobody loses anything meanwhile.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::running::{get, has};
use crate::support::company::{Company, company_of, pool};
use crate::support::process::{free_port, tool, try_tool, wait_until};

const LONG: Duration = Duration::from_mins(1);

/// A file system of its own in memory. Root only; gone with this.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Self {
        std::fs::create_dir(at).unwrap();
        tool(Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(at), "");
        Self(at.to_owned())
    }

    /// Takes what room there is.
    fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).unwrap();
        let mut piece = vec![1_u8; 64 << 10];
        while !piece.is_empty() {
            if filler.write_all(&piece).is_err() {
                piece.truncate(piece.len() / 2);
            }
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }

    fn remount(&self, how: &str) {
        tool(Command::new("mount").args(["-o", how]).arg(&self.0), "");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        try_tool(Command::new("umount").arg("--lazy").arg(&self.0), "");
    }
}

/// Five people for two seats, with state and ledger on a disk of their own.
fn company(port: u16) -> (Company, Disk) {
    let own = format!(
        "[agent]\nname = \"test\"\nstate_dir = \"disk/state\"\npoll = \"1s\"\n[status]\nlisten = \"127.0.0.1:{port}\"\n\
         [backend]\nkind = \"embedded\"\ncompany = \"acme\"\npath = \"disk/ledger.db\"\n"
    );
    let company = company_of(5, &format!("{own}{}", pool(2)));
    company.write();
    let disk = Disk::mount(&company.agent.folder().join("disk"));
    (company, disk)
}

/// `check` as a user who is not root, as the service's start has it: `nobody` on every Linux, whose the state is.
fn check_as_the_service(company: &Company) -> std::process::Output {
    let (folder, user) = (company.agent.folder(), "65534");
    let binary = folder.join("seatsync");
    tool(Command::new("install").args(["-m", "755", env!("CARGO_BIN_EXE_seatsync")]).arg(&binary), "");
    Command::new("setpriv")
        .args(["--reuid", user, "--regid", user, "--clear-groups"])
        .arg(binary)
        .arg("--config")
        .arg(company.agent.config_file())
        .arg("check")
        .output()
        .unwrap()
}

fn held(company: &Company) -> u64 {
    company.agent.run(&["--json", "ledger", "pool"]).json()["held"].as_u64().unwrap()
}

#[test]
fn on_a_full_disk_nobody_loses_a_seat_or_gets_one_and_with_room_the_agent_goes_on_by_itself() {
    let port = free_port();
    let (mut company, disk) = company(port);
    let running = company.agent.start();
    wait_until("the first cycle", LONG, || company.agent.names("active").len() == 2);
    let holders = company.agent.names("active");
    disk.fill();
    company.disable(&holders[0]);
    company.join("p006");
    company.write();
    let counts = "seatsync_cycles_total{outcome=\"failed\"} ";
    let is_failed = |line: &str| line.strip_prefix(counts).is_some_and(|count| count != "0");
    let failed = || get(port, "/metrics").is_some_and(|(_, text)| text.lines().any(is_failed));
    wait_until("a cycle fails", LONG, failed);
    let full = "the disk of the state is full: make room on it";
    let page = get(port, "/").unwrap().1;
    assert!(page.contains("Not well: ") && page.contains(full), "{page}");
    let status = company.agent.run(&["status"]);
    assert!(status.code == 0 && status.stdout.contains(full) && status.stdout.contains("not well"), "{status:?}");
    let (code, checked) = company.agent.check(false);
    assert!(code == 1 && checked["probes"].to_string().contains(full), "{checked}");
    assert_eq!((company.agent.names("active"), held(&company)), (holders.clone(), 2), "nobody is suspended");
    assert_eq!(company.agent.users().len(), 5, "and nobody new is taken for there");

    disk.make_room();
    wait_until("it goes on by itself", LONG, || company.agent.names("suspended") == holders[..1]);
    wait_until("all is well again", LONG, || has(port, "seatsync_ready 1.0"));
    assert_eq!((company.agent.names("active"), held(&company)), (holders[1..].to_vec(), 1));
    assert_eq!(company.agent.users().len(), 6);
    let ended = running.terminate();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn on_a_disk_that_is_mounted_read_only_nothing_is_done_and_each_verb_says_why() {
    let (mut company, disk) = company(free_port());
    assert_eq!(company.agent.sync().0, 0);
    let holders = company.agent.names("active");
    company.disable(&holders[0]);
    company.write();
    tool(Command::new("chown").args(["-R", "65534:65534"]).arg(company.agent.folder()), "");
    disk.remount("remount,ro");
    let checked = check_as_the_service(&company);
    let said = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    assert!(said.contains("is mounted read-only") && !said.contains("chown"), "the disk alone is named: {said}");
    assert_eq!(checked.status.code(), Some(1), "the config is right: {said}");
    for verb in [&["sync"][..], &["run"], &["pending", "release", &holders[1]]] {
        let ended = company.agent.run(verb);
        assert!(ended.code == 1 && ended.stderr.contains("for writing; `dmesg`"), "{verb:?}: {ended:?}");
    }
    let (code, checked) = company.agent.check(false);
    assert!(code == 1 && checked["probes"].to_string().contains("read-only"), "{checked}");
    for verb in [&["status"][..], &["users"], &["history"], &["pending"], &["explain", &holders[1]]] {
        let ended = company.agent.run(verb);
        assert!(ended.code == 0 && !ended.stderr.contains("error"), "what was known can be read, {verb:?}: {ended:?}");
    }
    let status = company.agent.run(&["status"]);
    assert!(status.stdout.contains("is mounted read-only"), "{status:?}");
    disk.remount("remount,rw");
    assert_eq!((company.agent.names("active"), held(&company)), (holders.clone(), 2), "nobody was suspended");
    let (code, synced) = company.agent.sync();
    assert_eq!((code, &synced["changes"]["suspended"]), (0, &1.into()), "{synced}");
}
