//! An unreliable network: whatever it does, nothing is lost, nothing is doubled, no seat is given too many, a sentence
//! says what went wrong, and the next cycle makes it good.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use seatsync::clock;
use serde_json::Value;

use super::ledger::{LONG, Served, backend, company};
use crate::support::company::Company;
use crate::support::process::{lab, now, tool, wait_until};
use crate::support::{Fault, HttpProxy};

const PEOPLE: usize = 30;
const SEATS: u32 = 20;

/// A ledger with seats for some, an agent for all, and the network between them.
fn set_up() -> (Served, HttpProxy, Company) {
    let ledger = Served::start();
    ledger.buy("standard", SEATS);
    let proxy = HttpProxy::start(&ledger.address());
    let company = company(PEOPLE, "", &proxy.url(), &ledger.connector, "");
    (ledger, proxy, company)
}

/// Five people, two seats, and whoever waits is promoted as soon as there are more.
fn set_up_promoting() -> (Served, HttpProxy, Company) {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let proxy = HttpProxy::start(&ledger.address());
    let company = company(5, "", &proxy.url(), &ledger.connector, "[seats]\npromotion = \"automatic\"\n");
    (ledger, proxy, company)
}

/// Everybody has one account, the first have the seats, and everybody else a place in the queue.
fn all_is_well(ledger: &Served, company: &Company, what: &str) {
    let accounts = ledger.accounts();
    assert_eq!(accounts.len(), PEOPLE, "{what}");
    assert_eq!(ledger.pool("standard"), (SEATS.into(), SEATS.into(), (PEOPLE as u64) - u64::from(SEATS)), "{what}");
    let places: Vec<u64> =
        company.agent.pending().iter().map(|row| row["position"].as_u64().expect("a position")).collect();
    assert_eq!(places, (1..=(PEOPLE as u64 - u64::from(SEATS))).collect::<Vec<u64>>(), "{what}");
    assert_eq!(company.agent.names("active"), ledger.holders(), "{what}: the agent knows what is so");
    let (code, plan) = company.agent.plan();
    assert_eq!((code, &plan["changes"]), (0, &Value::Array(vec![])), "{what}: nothing is left to do");
}

/// Every cause of a failure, as one text.
fn causes(failure: &Value) -> String {
    let error = &failure["error"];
    let mut told = vec![error["message"].as_str().unwrap_or_default()];
    told.extend(error["causes"].as_array().into_iter().flatten().filter_map(Value::as_str));
    told.join("; ")
}

#[test]
fn what_passes_by_itself_is_hardly_noticed() {
    for (of, fault, times) in [
        ("POST /v1/companies/acme/batches", Fault::LoseAnswer, 1),
        ("POST /v1/companies/acme/batches", Fault::LoseAnswer, 2),
        ("POST /v1/companies/acme/batches", Fault::Twice, 1),
        ("POST /v1/companies/acme/batches", Fault::Cut(200), 2),
        ("POST /v1/companies/acme/batches", Fault::CutClosed, 2),
        ("POST /v1/companies/acme/batches", Fault::Body(""), 2),
        ("POST /v1/companies/acme/batches", Fault::Problem(429, "rate-limited", Some(1)), 2),
        ("POST /v1/companies/acme/batches", Fault::Problem(503, "unavailable", Some(1)), 2),
        ("POST /v1/companies/acme/batches", Fault::Problem(500, "internal", None), 2),
        ("POST /v1/companies/acme/batches", Fault::Page(502, "bad gateway"), 2),
        ("POST /v1/companies/acme/batches", Fault::Late(Duration::from_secs(1)), 1),
        ("POST /v1/companies/acme/lease", Fault::LoseAnswer, 2),
        ("POST /v1/companies/acme/lease", Fault::Cut(60), 1),
        ("POST /v1/companies/acme/lease", Fault::CutClosed, 2),
        ("GET /v1/companies/acme/changes", Fault::Cut(300), 2),
        ("GET /v1/companies/acme/changes", Fault::CutClosed, 2),
        ("GET /v1/companies/acme/accounts", Fault::Cut(100), 2),
        ("GET /v1/companies/acme/accounts", Fault::CutClosed, 2),
        ("GET /v1/companies/acme/accounts", Fault::Page(200, "<html>Please log in</html>"), 2),
    ] {
        let (ledger, proxy, company) = set_up();
        let what = format!("{times} times {fault:?} of {of}");
        proxy.fault(of, fault, times);
        let (code, report) = company.sync();
        assert_eq!((code, &report["outcome"]), (0, &"ok".into()), "{what}: {report}");
        assert_eq!(report["changes"]["provisioned"], SEATS, "{what}: {report}");
        assert_eq!(proxy.faults_left(), 0, "{what}");
        all_is_well(&ledger, &company, &what);
    }
}

#[test]
fn what_lasts_fails_the_cycle_with_a_sentence_and_the_next_makes_it_good() {
    for (of, fault, said) in [
        ("batches", Fault::LoseAnswer, "the answer broke off"),
        ("batches", Fault::Cut(100), "the answer broke off"),
        ("batches", Fault::CutClosed, "the answer broke off (EOF"),
        ("batches", Fault::Body(""), "the answer is empty"),
        ("batches", Fault::Body("{}"), "Is the ledger of another version?"),
        ("batches", Fault::Late(Duration::from_secs(3)), "the answer broke off"),
        ("batches", Fault::Problem(503, "unavailable", Some(600)), "the network says unavailable"),
        (
            "batches",
            Fault::Page(200, "<html>Please log in</html>"),
            "something else than a ledger answered (status 200, text/html)",
        ),
        ("accounts", Fault::CutClosed, "the answer broke off (EOF"),
        ("accounts", Fault::Page(302, "elsewhere"), "something else than a ledger answered (status 302"),
        ("changes", Fault::Page(200, "<html>Please log in</html>"), "a login page of the network may stand between"),
        ("lease", Fault::Problem(401, "unauthorized", None), "backend.token"),
        ("lease", Fault::Problem(403, "tier-required", None), "\"advanced\""),
        ("lease", Fault::Cut(30), "the answer broke off"),
    ] {
        let (ledger, proxy, company) = set_up();
        let what = format!("{fault:?} of {of}");
        proxy.fault(of, fault, usize::MAX);
        let clock = now();
        let (code, failure) = company.sync();
        assert_eq!(code, 1, "{what}: {failure}");
        assert!(causes(&failure).contains(said), "{what}: {}", causes(&failure));
        assert!(!causes(&failure).contains("https://") || of == "lease", "it spoke HTTP: {}", causes(&failure));
        assert!(clock.elapsed() < LONG, "{what}: {:?}", clock.elapsed());
        assert!(ledger.pool("standard").1 <= SEATS.into(), "{what}");
        proxy.heal();
        // What was late arrives now, in the middle of everything or after it.
        let (code, report) = company.sync();
        assert_eq!((code, &report["outcome"]), (0, &"ok".into()), "{what}: {report}");
        std::thread::sleep(Duration::from_secs(u64::from(what.starts_with("Late")) * 4));
        all_is_well(&ledger, &company, &what);
    }
}

#[test]
fn what_a_cycle_did_whose_answer_was_lost_is_told_once_by_the_next() {
    let (ledger, proxy, mut company) = set_up();
    assert_eq!(company.sync().0, 0);
    let leavers: Vec<String> = company.agent.names("active").into_iter().take(3).collect();
    for name in &leavers {
        company.disable(name);
    }
    company.join("z1");
    proxy.fault("POST /v1/companies/acme/batches", Fault::LoseAnswer, usize::MAX);
    assert_eq!(company.sync().0, 1);
    assert_eq!(ledger.accounts().len(), PEOPLE + 1, "it was carried out");
    proxy.heal();
    let report = company.sync().1;
    let told = |report: &Value| ["suspended", "waiting"].map(|verb| report["changes"][verb].as_u64());
    assert_eq!(told(&report), [Some(3), Some(1)], "{report}");
    assert_eq!(report["elsewhere"], Value::Array(vec![]), "nobody else did it: {report}");
    assert_eq!(told(&company.sync().1), [Some(0), Some(0)]);
    let history = company.agent.run(&["--json", "history"]);
    let rows = history.json_lines();
    assert_eq!(rows.iter().map(|row| row["cycle"].as_u64()).collect::<Vec<_>>(), [1, 2, 3, 4].map(Some), "no gaps");
    assert!(rows[1]["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{}", rows[1]);
    assert_eq!(told(&rows[2]), [Some(3), Some(1)]);
}

#[test]
fn a_list_of_many_pages_is_read_whole_or_not_at_all() {
    let (ledger, proxy, company) = set_up();
    proxy.page(7);
    assert_eq!(company.sync().0, 0);
    all_is_well(&ledger, &company, "five pages");
    let pages = proxy.count("GET /v1/companies/acme/accounts");
    for fault in [Fault::ShortList, Fault::Cut(500)] {
        // The first page comes, the second not.
        proxy.fault("&cursor=", fault.clone(), usize::MAX);
        let (code, failure) = company.agent.sync();
        assert_eq!(code, 1, "{fault:?}: {failure}");
        let (code, failure) = company.agent.plan();
        assert_eq!(code, 1, "{fault:?}: from half a list nothing is planned: {failure}");
        proxy.heal();
    }
    assert!(proxy.count("GET /v1/companies/acme/accounts") > pages + 8);
    assert_eq!(company.sync().0, 0);
    all_is_well(&ledger, &company, "after half a list");
}

#[test]
fn an_answer_in_drops_ends_in_its_time() {
    let (ledger, proxy, company) = set_up();
    proxy.fault("accounts", Fault::Drip(1), usize::MAX);
    let clock = now();
    let (code, failure) = company.sync();
    assert_eq!(code, 1, "{failure}");
    assert!(causes(&failure).contains("did not answer in time"), "{}", causes(&failure));
    assert!(clock.elapsed() < LONG, "{:?}", clock.elapsed());
    proxy.heal();
    assert_eq!(company.sync().0, 0);
    all_is_well(&ledger, &company, "after drops");
}

/// A CA of our own, and a certificate for `name` alone.
fn certificate(folder: &Path, name: &str) {
    let script =
        format!(". {} && certificates {} {name} 127.9.9.9", lab("certificates.sh").display(), folder.display());
    tool(Command::new("bash").arg("-c").arg(script.replace("DNS:localhost,", "")), "");
}

#[test]
fn a_certificate_is_verified_and_what_is_wrong_with_it_is_said() {
    let ledger = Served::start();
    ledger.buy("standard", SEATS);
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "ledger.lab.test");
    let file = |name: &str| folder.path().join(name);
    let proxy = HttpProxy::start_tls(&ledger.address(), &file("server.crt"), &file("server.key"));
    let with = |host: &str, ca: &str| {
        let company = company(PEOPLE, "", "http://127.0.0.1:1", &ledger.connector, "");
        let url = format!("https://{host}:{}", proxy.port);
        let config = std::fs::read_to_string(company.agent.config_file()).unwrap();
        let before = config.split("[backend]").next().unwrap();
        company.agent.write_config(&format!("{before}{}", backend(&url, ca)));
        company
    };
    let ours = format!("ca_file = \"{}\"\n", file("ca.crt").display());

    let (code, failure) = with("localhost", "").sync();
    assert_eq!(code, 1, "{failure}");
    assert!(causes(&failure).contains("not from an authority we trust"), "{}", causes(&failure));

    let (code, failure) = with("127.0.0.1", &ours).sync();
    assert_eq!(code, 1, "{failure}");
    assert!(causes(&failure).contains("its certificate is for another host name"), "{}", causes(&failure));

    let company = with("localhost", &ours);
    let (code, report) = company.sync();
    assert_eq!((code, &report["outcome"]), (0, &"ok".into()), "{report}");
    all_is_well(&ledger, &company, "over TLS");
}

#[test]
fn a_ledger_that_is_not_there_is_named_and_the_agent_recovers_by_itself() {
    let (ledger, proxy, company) = set_up();
    proxy.lead_to("127.0.0.1:1");
    let (code, failure) = company.sync();
    assert_eq!(code, 1, "{failure}");
    let told = causes(&failure);
    assert!(told.contains(&proxy.url()) && told.contains("the answer broke off"), "{told}");
    let running = company.agent.start();
    wait_until("a cycle fails", LONG, || {
        company.agent.history().last().is_some_and(|cycle| cycle["outcome"] == "failed")
    });
    // Its turn is in five minutes; it is tried again long before.
    let soon = || {
        let next = company.agent.status()["next_cycle"].as_str().and_then(|next| next.parse::<Timestamp>().ok());
        next.is_some_and(|next| next < clock::now() + SignedDuration::from_mins(1))
    };
    wait_until("status shows when it is tried again", LONG, soon);
    proxy.lead_to(&ledger.address());
    let clock = Instant::now();
    wait_until("the seats are given", LONG, || ledger.holders().len() == SEATS as usize);
    assert!(clock.elapsed() < Duration::from_secs(30), "{:?}", clock.elapsed());
    wait_until("the agent knows", LONG, || company.agent.names("active").len() == SEATS as usize);
    assert_eq!(running.terminate().code, 0);
    all_is_well(&ledger, &company, "after a while without a ledger");
}

#[test]
fn a_fingerprint_that_nothing_has_is_said_to_be_none_also_where_a_secret_is_missing() {
    let company = company(2, "", "http://127.0.0.1:1", "none", "");
    std::fs::remove_file(company.agent.folder().join("token")).expect("the token was there");
    let (code, failure) = company.agent.confirm("zzz");
    assert_eq!((code, &failure["error"]["code"]), (2, &"wrong_fingerprint".into()), "{failure}");
    let told = failure["error"]["details"].to_string();
    assert!(
        told.contains("the last cycle held back alone: a secret of the config") && told.contains("token"),
        "{told}"
    );
}

#[test]
fn a_saved_config_that_no_reload_takes_is_told_by_status_with_the_agents_reason() {
    let ledger = Served::start();
    ledger.buy("standard", 2);
    let company = company(2, "", &ledger.url(), &ledger.connector, "");
    company.write();
    let running = company.agent.start();
    wait_until("the first cycle", LONG, || !company.agent.history().is_empty());
    let good = std::fs::read_to_string(company.agent.config_file()).expect("the config");
    company.agent.write_config(&good.replace("company = \"acme\"", "company = \"acmee\""));
    running.signal("HUP");
    let problem = || company.agent.status()["config_problem"].as_str().map(str::to_owned);
    wait_until("status has the reason", LONG, || {
        problem().is_some_and(|said| {
            said.contains("no reload takes backend.company = \"acmee\"") && said.contains("restart")
        })
    });
    let told = company.agent.run(&["status"]).stdout;
    assert!(told.contains("the one before is in force: no reload takes backend.company"), "{told}");
    company.agent.write_config(&good);
    running.signal("HUP");
    wait_until("nothing is said of it any more", LONG, || problem().is_none());
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_proxy_of_the_environment_is_used_and_its_exceptions_are_heeded() {
    let ledger = Served::start();
    ledger.buy("standard", SEATS);
    let proxy = HttpProxy::start(&ledger.address());
    let mut company = company(PEOPLE, "", &ledger.url(), &ledger.connector, "");
    company.agent.set_environment("HTTP_PROXY", &proxy.url());
    company.agent.set_environment("NO_PROXY", "ledger.lab.test");
    assert_eq!(company.sync().0, 0);
    let through = proxy.asked().len();
    assert!(through >= 4 && proxy.asked()[0].contains(&format!(" {}/v1/", ledger.url())), "{:?}", proxy.asked());
    company.agent.set_environment("NO_PROXY", "127.0.0.1");
    assert_eq!(company.agent.sync().0, 0);
    assert_eq!(proxy.asked().len(), through);
    all_is_well(&ledger, &company, "through a proxy");
}

#[test]
fn a_proxy_that_is_not_there_or_wants_a_login_is_named_without_its_password() {
    let ledger = Served::start();
    let mut company = company(5, "", &ledger.url(), &ledger.connector, "");
    let mut told = |proxy: &str| {
        company.agent.set_environment("HTTP_PROXY", proxy);
        let (code, failure) = company.sync();
        assert_eq!(code, 1, "{failure}");
        let told = causes(&failure);
        assert!(!told.contains("geheim"), "{told}");
        told
    };
    let gone = told("http://agent:geheim@127.0.0.1:1");
    assert!(gone.contains("through the proxy http://127.0.0.1:1: the ledger cannot be reached"), "{gone}");
    assert!(gone.contains("HTTPS_PROXY") && gone.contains("NO_PROXY"), "{gone}");
    let proxy = HttpProxy::start(&ledger.address());
    proxy.fault("/v1/", Fault::Page(407, "Who are you?"), 99);
    let login = told(&proxy.url());
    assert!(login.contains("status 407") && login.contains("The proxy wants a login"), "{login}");
}

#[test]
fn plain_http_to_a_port_that_speaks_tls_is_taken_for_what_it_is() {
    let ledger = Served::start();
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "ledger.lab.test");
    let file = |name: &str| folder.path().join(name);
    let proxy = HttpProxy::start_tls(&ledger.address(), &file("server.crt"), &file("server.key"));
    let company = company(5, "", &format!("http://127.0.0.1:{}", proxy.port), &ledger.connector, "");
    let (code, failure) = company.sync();
    assert_eq!(code, 1, "{failure}");
    assert!(causes(&failure).contains("url must begin with https://"), "{}", causes(&failure));
}

#[test]
fn an_odd_answer_of_a_moment_costs_neither_the_lease_nor_the_news() {
    let (ledger, proxy, company) = set_up_promoting();
    let running = company.agent.start();
    wait_until("two seats are given", LONG, || company.agent.names("active").len() == 2);
    proxy.fault("GET /v1/companies/acme/events", Fault::Problem(404, "not-found", None), 1);
    proxy.fault("PUT /v1/companies/acme/lease", Fault::Problem(418, "some-day-new", None), 1);
    wait_until("both were answered oddly", LONG, || proxy.faults_left() == 0);
    ledger.buy("standard", 4);
    wait_until("the agent knows all the same", Duration::from_secs(30), || company.agent.names("active").len() == 4);
    assert_eq!(running.terminate().code, 0);
}

#[test]
fn a_ledger_that_does_not_answer_is_told_long_before_the_next_cycle_and_its_return_at_once() {
    let (ledger, proxy, company) = set_up_promoting();
    let running = company.agent.start();
    wait_until("two seats are given", LONG, || company.agent.names("active").len() == 2);
    let is_reachable = || company.agent.status()["backend"]["reachable"] == true;
    assert!(is_reachable());
    proxy.lead_to("127.0.0.1:9");
    // The next cycle is in five minutes.
    wait_until("status tells it", Duration::from_secs(45), || !is_reachable());
    std::thread::sleep(Duration::from_secs(15));
    ledger.buy("standard", 4);
    proxy.lead_to(&ledger.address());
    wait_until("the agent knows", Duration::from_secs(15), || company.agent.names("active").len() == 4);
    // The accounts are known a moment before the end of the cycle that found them.
    wait_until("status tells it", Duration::from_secs(15), is_reachable);
    assert_eq!(running.terminate().code, 0);
}
