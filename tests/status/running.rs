//! The real agent: its page is there while it runs, and its address is its own.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::harness::client;
use crate::support::agent::Running;
use crate::support::company::{Company, company_of, pool};
use crate::support::process::{free_port, wait_until};

const SOON: Duration = Duration::from_secs(30);

/// Five people, two seats, and a status page at an address of its own.
fn company(port: u16) -> Company {
    let company = company_of(5, &format!("[status]\nlisten = \"127.0.0.1:{port}\"\n{}", pool(2)));
    company.write();
    company
}

/// An agent that runs and has made its first cycle.
pub struct Ran {
    pub company: Company,
    running: Running,
    port: u16,
}

impl Ran {
    pub fn new(more: &str) -> Self {
        let port = free_port();
        let company = company_of(5, &format!("[status]\nlisten = \"127.0.0.1:{port}\"\n{more}{}", pool(2)));
        company.write();
        let running = company.agent.start();
        wait_until("it is ready", SOON, || get(port, "/readyz").is_some_and(|(status, _)| status == 200));
        Self { company, running, port }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

pub fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let ask = async {
        let answer = client().get(format!("http://127.0.0.1:{port}{path}")).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(ask)
}

pub fn has(port: u16, line: &str) -> bool {
    get(port, "/metrics").is_some_and(|(_, text)| text.lines().any(|found| found == line))
}

#[test]
fn the_running_agent_is_ready_after_its_first_cycle_and_counts_what_it_did() {
    let port = free_port();
    let company = company(port);
    let running = company.agent.start();
    wait_until("it is ready", SOON, || get(port, "/readyz").is_some_and(|(status, _)| status == 200));
    assert_eq!(get(port, "/healthz").unwrap(), (200, "ok\n".to_owned()));
    // Somebody who connects and says nothing holds nobody up.
    let _idle = TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(company.agent.sync().0, 0);
    for line in [
        "seatsync_cycles_total{outcome=\"ok\"} 2",
        "seatsync_changes_total{change=\"provisioned\"} 2",
        "seatsync_pool_held{pool=\"standard\"} 2.0",
        "seatsync_accounts{state=\"active\"} 2.0",
        "seatsync_accounts{state=\"pending\"} 3.0",
        "seatsync_backend_reachable{kind=\"embedded\"} 1.0",
    ] {
        wait_until(line, SOON, || has(port, line));
    }
    assert_eq!(running.terminate().code, 0);
    assert_eq!(get(port, "/healthz"), None);
}

#[test]
fn a_saved_config_that_is_refused_is_told_by_the_page_and_leaves_it_ready() {
    let ran = Ran::new("");
    let config = ran.company.agent.config_file();
    let right = std::fs::read_to_string(&config).unwrap();
    let says = |text: &str| get(ran.port, "/").is_some_and(|(_, page)| page.contains(text));
    assert!(says("All is well"));
    ran.company.agent.write_config(&right.replace("seats = 2", "seats = \"many\""));
    ran.running.signal("HUP");
    wait_until("the page says so", SOON, || says("the config that was saved is refused"));
    let command = format!("<code>seatsync check --config {}</code>", config.display());
    assert!(says(&command), "{command}");
    assert!(says("pool.standard.seats"), "the page has the reason");
    assert!(has(ran.port, "seatsync_config_refused 1.0") && has(ran.port, "seatsync_ready 1.0"));
    ran.company.agent.write_config(&right);
    ran.running.signal("HUP");
    wait_until("all is well again", SOON, || says("All is well") && has(ran.port, "seatsync_config_refused 0.0"));
}

#[test]
fn a_directory_that_cannot_be_read_makes_it_unready_once_the_last_good_cycle_is_old() {
    let port = free_port();
    let company = company(port);
    std::fs::remove_file(company.agent.folder().join("corp.ldif")).unwrap();
    let _running = company.agent.start();
    let unready = |(status, text): (u16, String)| {
        let answer: Value = serde_json::from_str(&text).unwrap();
        status == 503 && answer["reasons"].to_string().contains("the directory corp could not be read: ")
    };
    wait_until("it says why", SOON, || get(port, "/readyz").is_some_and(unready));
    assert_eq!(get(port, "/healthz").unwrap().0, 200);
}

#[test]
fn a_directory_that_hangs_is_told_before_its_timeout_is_over_and_without_a_first_cycle() {
    // Whoever connects is let in by the system, and answered by nobody.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (port, at) = (free_port(), silent.local_addr().unwrap().port());
    let hangs = format!(
        "[status]\nlisten = \"127.0.0.1:{port}\"\n[[directory]]\nname = \"hangs\"\nkind = \"openldap\"\n\
         url = [\"ldap://127.0.0.1:{at}\"]\nbind = \"anonymous\"\nbase = [\"dc=lab,dc=test\"]\n{}",
        pool(2)
    );
    let company = company_of(5, &hangs);
    company.write();
    let running = company.agent.start();
    wait_until("status says what is read", SOON, || company.agent.status()["reading"][0]["name"] == "hangs");
    let told = company.agent.run(&["status"]).stdout;
    assert!(told.contains("reading hangs for ") && told.contains("and nothing has come yet"), "{told}");
    assert!(told.contains("the agent makes the first now") && !told.contains("does the first"), "{told}");
    let readiness: Value = serde_json::from_str(&get(port, "/readyz").unwrap().1).unwrap();
    assert_eq!(readiness["reading"][0]["name"], "hangs", "{readiness}");
    let page = get(port, "/").unwrap().1;
    assert!(page.contains("reading hangs for "), "{page}");
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_ledger_that_hangs_is_told_before_its_timeout_is_over_and_without_a_first_cycle() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (port, at) = (free_port(), silent.local_addr().unwrap().port());
    let company = company_of(
        2,
        &format!(
            "[status]\nlisten = \"127.0.0.1:{port}\"\n[[pool]]\nname = \"standard\"\n\
             [backend]\nkind = \"ledger\"\ncompany = \"acme\"\nurl = \"http://127.0.0.1:{at}\"\ntoken = {{ file = \"token\" }}\n"
        ),
    );
    company.write();
    company.agent.secret("token", "seatsync_0123456789abcdef_secret");
    let _running = company.agent.start();
    let whom = format!("the ledger at 127.0.0.1:{at}");
    wait_until("status says who is waited for", SOON, || company.agent.status()["awaited"]["whom"] == *whom);
    let waits = format!("waiting for {whom} for ");
    let told = company.agent.run(&["status"]).stdout;
    assert!(told.contains(&waits), "{told}");
    let readiness: Value = serde_json::from_str(&get(port, "/readyz").unwrap().1).unwrap();
    assert_eq!(readiness["awaited"]["whom"], *whom, "{readiness}");
    let page = get(port, "/").unwrap().1;
    assert!(page.contains(&format!(" A cycle is being made: {waits}")), "{page}");
}

#[test]
fn a_cycle_that_fails_or_is_not_whole_is_shown_at_once_and_what_it_left_undone() {
    let ran = Ran::new("");
    let right = std::fs::read_to_string(ran.company.agent.config_file()).unwrap();
    let take = |config: &str| {
        ran.company.agent.write_config(config);
        ran.running.signal("HUP");
    };
    let says = |text: &str| get(ran.port, "/").is_some_and(|(_, page)| page.contains(text));
    let unready = || get(ran.port, "/readyz").is_some_and(|(status, _)| status == 503);
    take(&right.replace("name = \"standard\"", "name = \"gold\""));
    wait_until("it says that the cycle failed", SOON, || says("Not well: the last cycle failed: "));
    assert!(unready() && has(ran.port, "seatsync_ready 0.0") && !says("All is well") && says("check --connect"));
    take(&right.replace("base = [", "base = [\"ou=gone,dc=lab,dc=test\", "));
    wait_until("it says that a base is missing", SOON, || says("the directory corp was not read whole: "));
    assert!(!unready() && !says("All is well") && says("ou=gone"));
    take(&right);
    wait_until("all is well again", SOON, || says("All is well"));
}

#[test]
fn whom_the_guard_holds_back_is_named() {
    let mut ran = Ran::new("");
    for name in ["p001", "p002", "p003", "p004"] {
        ran.company.disable(name);
    }
    ran.company.write();
    ran.company.agent.sync();
    let held = || {
        let (_, page) = get(ran.port, "/")?;
        Some(page.split("<section id=\"held\">").nth(1)?.split("</section>").next()?.to_owned())
    };
    wait_until("it says what is held back", SOON, || held().is_some());
    let held = held().unwrap();
    for text in [
        "corp: 4 of 5 people would lose their seat or account; the limit is 3.",
        "<bdi>p004</bdi>",
        "the suspension of the account: disabled in the directory",
    ] {
        assert!(held.contains(text), "{text} in {held}");
    }
    assert!(!held.contains("p005"), "{held}");
}

#[test]
fn an_address_of_the_config_that_is_taken_is_told_by_check_and_ends_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let company = company(port);
    let ended = company.agent.run(&["--json", "run"]);
    let message = ended.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!((ended.code, message), (1, format!("could not listen on 127.0.0.1:{port}")));
    let (code, report) = company.agent.check(false);
    assert_eq!((code, &report["ok"], &report["probes"][0]["ok"]), (1, &false.into(), &false.into()), "{report}");
    assert!(report["probes"][0]["message"].as_str().unwrap().contains(&port.to_string()), "{report}");
    drop(taken);
    // A process that another test begins at this moment may still have it.
    wait_until("it is free", SOON, || company.agent.check(false).0 == 0);
    // Its own address is no trouble to an agent that runs.
    let _running = company.agent.start();
    wait_until("it listens", SOON, || get(port, "/healthz").is_some());
    wait_until("it works", SOON, || !company.agent.history().is_empty());
    let (code, report) = company.agent.check(true);
    assert_eq!(code, 0, "{report}");
}

#[test]
fn another_address_and_another_token_of_a_saved_config_are_followed_and_one_that_is_taken_is_not() {
    let ran = Ran::new("");
    let config = ran.company.agent.config_file();
    let right = std::fs::read_to_string(&config).unwrap();
    let take = |text: &str| {
        ran.company.agent.write_config(text);
        ran.running.signal("HUP");
    };
    let at = |address: String| right.replace(&format!("127.0.0.1:{}", ran.port), &address);
    let lives = |port: u16| get(port, "/healthz").is_some();
    let other = free_port();
    take(&at(format!("127.0.0.1:{other}")));
    wait_until("the page is at the new address alone", SOON, || lives(other) && !lives(ran.port));

    // Where it cannot be had, it stays: the config is taken all the same.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = at(format!("127.0.0.1:{}", taken.local_addr().unwrap().port()));
    take(&text.replace("seats = 2", "seats = 3"));
    wait_until("the config is taken", SOON, || ran.company.agent.status()["pools"][0]["seats"] == 3);
    assert!(lives(other));
    let problem = || ran.company.agent.status()["page_problem"].as_str().map(str::to_owned);
    wait_until("status says why", SOON, || problem().is_some_and(|said| said.contains("could not listen on")));
    assert!(
        ran.company.agent.run(&["status"]).stdout.contains("the status page is not where the config says: could not")
    );
    let (code, checked) = ran.company.agent.check(false);
    let said = "the status page is not where the config says: could not listen on";
    assert!(code == 1 && checked["probes"].to_string().contains(said), "{checked}");
    let page = get(other, "/").unwrap().1;
    assert!(page.contains("Somebody must look: the status page is not where the config says"), "{page}");
    // It is free by now, and had with the next cycle.
    let freed = taken.local_addr().unwrap().port();
    drop(taken);
    wait_until("the page is there after a cycle", SOON, || ran.company.agent.sync().0 == 0 && lives(freed));
    wait_until("nothing is said of it any more", SOON, || problem().is_none());
    assert_eq!(ran.company.agent.check(false).0, 0);
    take(&at(format!("127.0.0.1:{other}")));
    wait_until("it is back", SOON, || lives(other));

    // Another address of the same port, and back. Then with and without a token at one address.
    ran.company.agent.secret("token", "0123456789abcdef");
    take(&at(format!("127.0.0.2:{other}")));
    let on = |host: &str| TcpStream::connect((host, other)).is_ok();
    wait_until("it is at the other address of the port", SOON, || on("127.0.0.2") && !on("127.0.0.1"));
    take(&at(format!("127.0.0.1:{other}")).replace("[status]\n", "[status]\ntoken = { file = \"token\" }\n"));
    wait_until("and back, with a token", SOON, || get(other, "/metrics").is_some_and(|(status, _)| status == 401));
    take(&at(format!("127.0.0.1:{other}")));
    wait_until("the same address without one", SOON, || {
        get(other, "/metrics").is_some_and(|(status, _)| status == 200)
    });
    take(&at("off".to_owned()));
    wait_until("none", SOON, || !lives(other));
}

#[test]
fn the_default_address_is_not_worth_the_agents_start() {
    // Taken by this test, or by somebody else.
    let _taken = TcpListener::bind("127.0.0.1:8750");
    let company = company_of(5, &format!("[status]\n{}", pool(2)));
    company.write();
    let (code, report) = company.agent.check(false);
    assert_eq!((code, &report["probes"][0]["ok"]), (0, &true.into()), "{report}");
    assert_eq!(report["probes"][0]["lost"], "the agent runs without its status page");
    let running = company.agent.start();
    wait_until("the first cycle", SOON, || !company.agent.history().is_empty());
    let ended = running.terminate();
    assert!(ended.code == 0 && ended.stderr.contains("without its status page"), "{ended:?}");
}
