//! The real binary as a ledger: its administrator's verbs, TLS, its demo, and its end by signal.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on ends here")]
#![cfg(unix)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use support::ledger_process::{Place, Serving};

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(Duration::from_mins(1)).build().unwrap()
}

#[test]
fn an_administrator_keeps_companies_pools_connectors_and_tokens() {
    let place = Place::new("");
    let (code, error) = place.refused(&["ledger", "company"]);
    assert_eq!((code, &error["code"]), (1, &"backend".into()));
    assert!(error["next"].as_str().unwrap().contains("ledger company add"), "{error}");
    assert_eq!(place.json(&["ledger", "company", "add", "acme"])["tier"], "advanced");
    assert_eq!(place.refused(&["ledger", "company", "add", "acme"]).0, 2);
    assert_eq!(place.json(&["ledger", "pool", "set", "standard", "--seats", "50"])["seats"], 50);
    let pool = place.json(&["ledger", "pool", "reduce", "standard", "--seats", "40", "--at", "2999-01-01T00:00:00Z"]);
    assert_eq!((&pool["billed"], &pool["reduction"]["seats"]), (&50.into(), &40.into()));
    assert_eq!(place.json(&["ledger", "pool", "cancel", "standard"])["reduction"], Value::Null);
    let connector = place.run(&["ledger", "connector", "add", "main"]);
    let token = String::from_utf8(connector.stdout).unwrap();
    assert!(token.starts_with("seatsync_") && token.lines().count() == 1, "a file takes it as it is: {token:?}");
    let (code, error) = place.refused(&["ledger", "company", "set", "--tier", "standard"]);
    assert_eq!((code, &error["details"]), (1, &json!(["connector main is registered"])));
    place.json(&["ledger", "connector", "remove", "main"]);
    assert_eq!(place.json(&["ledger", "company", "set", "--tier", "standard"])["tier"], "standard");
    let made = place.json(&["ledger", "token", "add", "admin", "--label", "portal"]);
    let listed = place.json(&["ledger", "token"]);
    assert_eq!((&listed["id"], &listed["label"]), (&made["id"], &"portal".into()));
    place.json(&["ledger", "token", "remove", made["id"].as_str().unwrap()]);
    assert!(place.run(&["--json", "ledger", "token"]).stdout.is_empty());
    assert_eq!(place.refused(&["ledger", "token", "remove", "x"]).0, 2);
    place.json(&["ledger", "company", "add", "globex"]);
    let (code, error) = place.refused(&["ledger", "pool"]);
    assert_eq!((code, &error["details"]), (2, &json!(["acme", "globex"])));
    assert!(place.run(&["ledger", "pool", "--company", "globex"]).status.success());
    assert_eq!(place.refused(&["ledger", "pool", "--company", "acne"]).0, 2);
}

#[test]
fn a_ledger_that_is_served_is_not_served_twice_and_its_administrator_goes_on() {
    let place = Place::new("");
    place.json(&["ledger", "company", "add", "acme"]);
    let serving = place.serve();
    let (code, error) = place.refused(&["ledger", "serve"]);
    assert_eq!((code, &error["code"]), (5, &"busy".into()), "{error}");
    let said = error["message"].as_str().unwrap();
    assert!(said.contains(&format!("process {}", serving.child.id())) && said.contains("ledger.db"), "{said}");
    assert_eq!(place.json(&["ledger", "pool", "set", "standard", "--seats", "5"])["seats"], 5);
    serving.signal("KILL");
    place.serve();
}

#[tokio::test]
async fn a_ledger_that_was_stopped_is_one_file() {
    let place = Place::new("");
    place.json(&["ledger", "company", "add", "acme"]);
    let admin = place.json(&["ledger", "token", "add", "admin"])["token"].as_str().unwrap().to_owned();
    let mut serving = place.serve();
    let pool = serving.company("pools/standard");
    let put = client().put(&pool).header("If-None-Match", "*").bearer_auth(&admin).json(&json!({"seats": 50}));
    assert!(put.send().await.unwrap().status().is_success());
    // Somebody reads, too: and waits for news while it ends.
    assert!(client().get(&pool).bearer_auth(&admin).send().await.unwrap().status().is_success());
    let news = client().get(serving.company("events?after=999&wait=30")).bearer_auth(&admin).send();
    let waiting = tokio::spawn(news);
    tokio::time::sleep(Duration::from_secs(1)).await;
    serving.signal("TERM");
    assert_eq!(serving.ended(), Some(0));
    drop(waiting.await);
    let log = place.path("data/ledger.db-wal");
    assert!(std::fs::metadata(&log).map_or(0, |log| log.len()) == 0, "what was written lies in {}", log.display());
}

#[test]
fn a_mistyped_pool_or_company_is_said_at_once_and_can_be_taken_back() {
    let place = Place::new("");
    let said = |arguments: &[&str]| {
        let ended = place.run(arguments);
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap()
    };
    assert!(said(&["ledger", "company", "add", "acme"]).contains("company acme was not there and is made, the first"));
    let set = |name: &str| said(&["ledger", "pool", "set", name, "--seats", "5", "--company", "acme"]);
    assert!(set("standard").contains("pool standard was not there and is made, the first"));
    assert!(!set("standard").contains("was not there"));
    let mistyped = set("standart");
    assert!(mistyped.contains("beside standard; did you mean standard?"), "{mistyped}");
    assert!(mistyped.contains("seatsync ledger pool remove standart"), "{mistyped}");
    let (code, error) = place.refused(&["ledger", "pool", "reduce", "standrad", "--seats", "1"]);
    assert_eq!((code, &error["code"]), (2, &json!("unknown_pool")), "{error}");
    assert_eq!(error["details"], json!(["standard", "standart"]), "{error}");
    assert!(error["next"].as_str().unwrap().contains("did you mean"), "{error}");
    said(&["ledger", "pool", "remove", "standart"]);
    assert_eq!(place.refused(&["ledger", "pool", "remove", "standart"]).1["code"], "unknown_pool");
    said(&["ledger", "pool", "set", "standard", "--min-seats", "2"]);
    let floor = place.refused(&["ledger", "pool", "remove", "standard"]);
    assert!(floor.1["message"].as_str().unwrap().contains("the floor is 2 seats"), "{floor:?}");

    assert!(said(&["ledger", "company", "add", "acmee"]).contains("beside acme; did you mean acme?"));
    let (code, error) = place.refused(&["ledger", "company", "remove", "acmeee"]);
    assert_eq!((code, error["next"].as_str()), (2, Some("did you mean \"acmee\"?")), "{error}");
    said(&["ledger", "connector", "add", "main", "--company", "acmee"]);
    let (code, error) = place.refused(&["ledger", "company", "remove", "acmee"]);
    assert!(error["message"].as_str().unwrap().contains("0 accounts and 1 registered connectors"), "{code} {error}");
    said(&["ledger", "connector", "remove", "main", "--company", "acmee"]);
    said(&["ledger", "company", "remove", "acmee"]);
    assert_eq!(place.json(&["ledger", "pool"])["name"], "standard", "the other one is as it was");
}

/// The two commands of the README, in a folder of their own and on another port.
#[test]
fn the_demo_serves_a_ledger_and_an_agent_works_against_it() {
    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("config");
    std::fs::create_dir(&config).unwrap();
    for name in ["demo-ledger.toml", "demo-agent.toml", "demo.ldif"] {
        std::fs::copy(format!("{}/config/{name}", env!("CARGO_MANIFEST_DIR")), config.join(name)).unwrap();
    }
    let command = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seatsync"));
        command.env_remove("SEATSYNC_CONFIG").env("SEATSYNC__LEDGER__LISTEN", "127.0.0.1:0");
        command.arg("--config").arg(config.join(name)).arg("--json").args(arguments);
        command
    };
    let serve = || Serving::start(&mut command("demo-ledger.toml", &["ledger", "serve"]));
    let sync = |url: &str| {
        let mut command = command("demo-agent.toml", &["sync"]);
        let output =
            command.env("SEATSYNC__BACKEND__URL", url).env_remove("SEATSYNC__LEDGER__LISTEN").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let mut serving = serve();
    let report = sync(&serving.url);
    assert_eq!(
        (&report["changes"]["provisioned"], &report["changes"]["waiting"]),
        (&50.into(), &10.into()),
        "{report}"
    );
    serving.signal("TERM");
    assert_eq!(serving.ended(), Some(0));
    // Another start goes on with what there is.
    let mut serving = serve();
    let report = sync(&serving.url);
    assert_eq!((&report["pools"][0]["held"], &report["changes"]["provisioned"]), (&50.into(), &0.into()), "{report}");
    serving.signal("TERM");
    serving.ended();
    // A ledger that is gone is not made anew.
    std::fs::remove_file(place.path().join("target/demo-ledger/ledger.db")).unwrap();
    let output = command("demo-ledger.toml", &["ledger", "serve"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains("shows that there was one"), "{error}");
    assert!(!place.path().join("target/demo-ledger/ledger.db").exists());
}

#[test]
fn check_looks_at_a_ledgers_config_and_at_its_servers() {
    let place = Place::new("[ledger.smtp]\nurl = \"smtp://127.0.0.1:1\"\nfrom = \"a@b.example\"");
    assert_eq!(place.json(&["check"])["ok"], true);
    let output = place.run(&["--json", "check", "--connect"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failed: Vec<&str> = report["probes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|probe| probe["ok"] == false)
        .map(|probe| probe["what"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["ledger: open the database", "ledger: reach the mail server"]);
    place.json(&["ledger", "company", "add", "acme"]);
    let output = place.run(&["--json", "check", "--connect"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["probes"][0]["ok"], true);
    let (code, error) = place.refused(&["sync"]);
    assert_eq!((code, &error["code"]), (2, &"config".into()), "a ledger's config makes no agent");
}

#[test]
fn check_looks_at_the_ledgers_own_file_and_changes_nothing_of_it() {
    let place = Place::new("");
    place.json(&["ledger", "company", "add", "acme"]);
    let good = std::fs::read(place.path("data/ledger.db")).unwrap();
    let spoilt = [&good[..good.len() / 2], &[7; 4096]].concat();
    for bad in [b"this is no database, and long enough to be looked at as one".repeat(40), spoilt] {
        std::fs::write(place.path("data/ledger.db"), &bad).unwrap();
        for arguments in [&["--json", "check"][..], &["--json", "check", "--connect"]] {
            let output = place.run(arguments);
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            let problem = &report["problems"][0];
            assert_eq!((output.status.code(), &problem["key"]), (Some(2), &"ledger.database".into()), "{report}");
            assert!(problem["message"].to_string().contains("backup"), "{report}");
        }
        assert_eq!(std::fs::read(place.path("data/ledger.db")).unwrap(), bad);
    }
    std::fs::write(place.path("data/ledger.db"), good).unwrap();
    assert_eq!(place.json(&["check"])["ok"], true);
}

#[test]
fn it_serves_no_ledger_that_is_not_there_and_no_address_that_is_taken() {
    let place = Place::new("");
    assert_eq!(place.refused(&["ledger", "serve"]).0, 1);
    place.json(&["ledger", "company", "add", "acme"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let output = place.command(&["ledger", "serve"]).env("SEATSYNC__LEDGER__LISTEN", &listen).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("could not listen on {listen}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_answers_what_is_in_hand_and_ends_it_with_0() {
    let place = Place::new("");
    place.json(&["ledger", "company", "add", "acme"]);
    let token = place.json(&["ledger", "token", "add", "admin"])["token"].as_str().unwrap().to_owned();
    let mut serving = place.serve();
    let client = client();
    let events = client.get(serving.company("events")).bearer_auth(&token).send().await.unwrap();
    let last = events.json::<Value>().await.unwrap()["last"].as_u64().unwrap();
    let poll = client.get(serving.company(&format!("events?wait=60&after={last}"))).bearer_auth(&token);
    let poll = tokio::spawn(async move { poll.send().await.unwrap().status() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    serving.signal("TERM");
    assert_eq!(serving.ended(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(poll.await.unwrap(), StatusCode::OK);
    assert!(client.get(serving.company("pools")).bearer_auth(&token).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_administrator_does_beside_it_counts_at_once() {
    let place = Place::new("");
    place.json(&["ledger", "company", "add", "acme"]);
    let token = place.json(&["ledger", "token", "add", "admin"]);
    let serving = place.serve();
    let client = client();
    let get = async |path: &str| {
        let request = client.get(serving.company(path)).bearer_auth(token["token"].as_str().unwrap());
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    place.json(&["ledger", "pool", "set", "standard", "--seats", "7"]);
    assert_eq!(get("pools/standard").await.1["seats"], 7);
    let told = get("events?wait=5").await.1;
    assert_eq!(told["events"][0]["type"], "pool.created");
    place.json(&["ledger", "token", "remove", token["id"].as_str().unwrap()]);
    assert_eq!(get("pools").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_served_and_a_renewed_certificate_is_taken() {
    let place = Place::new("tls_cert = \"ledger.pem\"\ntls_key = \"ledger.key\"");
    let certify = || {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        for (name, text) in [("ledger.key", made.signing_key.serialize_pem()), ("ledger.pem", made.cert.pem())] {
            std::fs::write(place.path(name), text).unwrap();
            std::fs::set_permissions(place.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        made.cert.pem()
    };
    let old = certify();
    place.json(&["ledger", "company", "add", "acme"]);
    let serving = place.serve();
    assert!(serving.url.starts_with("https://"), "{}", serving.url);
    let trusting = |pem: &str| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificate = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
        Client::builder().tls_certs_only([certificate]).timeout(Duration::from_secs(10)).build().unwrap()
    };
    let url = format!("{}/healthz", serving.url);
    assert_eq!(trusting(&old).get(&url).send().await.unwrap().status(), StatusCode::OK);
    assert!(client().get(&url).send().await.is_err(), "nobody else vouches for it");
    let plain = client().get(url.replace("https", "http")).send().await;
    assert!(plain.is_err() || !plain.unwrap().status().is_success());
    let renewed = certify();
    let mut taken = false;
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        taken = trusting(&renewed).get(&url).send().await.is_ok();
        if taken {
            break;
        }
    }
    assert!(taken && trusting(&old).get(&url).send().await.is_err());
}

#[test]
fn nothing_secret_is_logged() {
    let place = Place::new("[log]\nlevel = \"trace\"\nformat = \"json\"");
    place.json(&["ledger", "company", "add", "acme"]);
    let token = place.json(&["ledger", "token", "add", "admin"])["token"].as_str().unwrap().to_owned();
    let mut child =
        place.command(&["--json", "ledger", "serve"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let base = format!("{}/v1/companies/acme/", told["listening"].as_str().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let profile = json!({ "user_name": "ada-lovelace", "email": "ada@corp.example" });
        let put = client().put(format!("{base}accounts/by-external-id/x")).header("If-None-Match", "*");
        assert!(put.bearer_auth(&token).json(&profile).send().await.unwrap().status().is_success());
    });
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    child.wait().unwrap();
    assert!(log.contains("The ledger serves.") && !log.contains("ERROR"), "{log}");
    for secret in [token.splitn(3, '_').nth(2).unwrap(), "ada-lovelace", "ada@corp.example"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

/// A ledger under `ulimit FILES` is asked while so many connections send it no byte: how long until it answers, and its log.
async fn besieged(files: &str, silent: usize) -> (Duration, String) {
    let place = Place::new("");
    place.json(&["ledger", "company", "add", "acme"]);
    let plain = place.command(&["--json", "ledger", "serve"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit {files} && exec \"$0\" \"$@\"")]).arg(plain.get_program());
    limited.args(plain.get_args()).env_remove("SEATSYNC_CONFIG");
    let log = place.path("log");
    let serving = Serving::start_logging(&mut limited, std::fs::File::create(&log).unwrap().into());
    let address = serving.url.strip_prefix("http://").unwrap();
    let mut all = Vec::new();
    for _ in 0..silent {
        all.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let clock = Instant::now();
    while client().get(format!("{}/readyz", serving.url)).send().await.is_err() {
        assert!(clock.elapsed() < Duration::from_secs(30), "it locks everybody out");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    (clock.elapsed(), std::fs::read_to_string(log).unwrap())
}

#[tokio::test]
async fn it_takes_what_files_it_may_open_and_says_once_when_connections_fill_them() {
    let (answered, log) = besieged("-Sn 64", 400).await;
    assert!(answered < Duration::from_secs(5), "it may open more than 64: {answered:?}");
    assert!(!log.contains("turned away"), "{log}");
    let (_, log) = besieged("-n 200", 400).await;
    assert_eq!(log.matches("others are turned away").count(), 1, "{log}");
    assert!(log.contains("\"connections\":100") && log.contains("LimitNOFILE"), "{log}");
    assert!(log.contains("There is room for connections again"), "{log}");
}
