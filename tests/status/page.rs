//! The page: everything in it is escaped, and what it does, only whoever was shown it may do.

use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use seatsync::model::PersonId;
use seatsync::model::report::{CycleOutcome, HistoryRow, PendingRow, UserRow};
use seatsync::status::{Facts, HeldPerson};
use serde_json::json;

use crate::harness::{Served, client, facts, failed, minutes_ago, now, partial, reading, report};
use crate::running::Ran;

const TOKEN: &str = "0123456789abcdef";
const EVIL: &str = "<script>alert('\"')</script>";

/// Somebody waits, an entry is quarantined, and a cycle was made, all with names that would do harm unescaped.
fn full() -> Facts {
    let mut facts = facts();
    let waiting: PendingRow = serde_json::from_value(json!({"anchor": null, "user_name": EVIL, "display_name": EVIL,
        "email": EVIL, "pool": EVIL, "position": 1, "reason": "no_seat", "why": EVIL, "since": now(), "approved": false}))
    .unwrap();
    let quarantined: UserRow = serde_json::from_value(json!({"anchor": null, "directory": "corp", "dn": EVIL,
        "user_name": null, "email": null, "display_name": null, "state": null, "seats": [], "managed": false,
        "quarantine": {"attribute": EVIL, "reason": "missing", "message": EVIL}}))
    .unwrap();
    let cycle: HistoryRow = serde_json::from_value(json!({"cycle": 7, "started": minutes_ago(2), "seconds": 1.5,
        "outcome": "held", "changes": report()["changes"]}))
    .unwrap();
    (facts.waiting, facts.quarantined, facts.history) = (vec![waiting], vec![quarantined], vec![cycle]);
    facts
}

fn cookie(answer: &Response) -> String {
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

fn csrf(page: &str) -> String {
    page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn staying() -> Client {
    let _ = client();
    Client::builder().redirect(Policy::none()).build().unwrap()
}

async fn post(url: &str, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Response {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = staying().post(format!("{url}{path}")).header("content-type", "application/x-www-form-urlencoded");
    request.header("cookie", cookie).body(body.join("&")).send().await.unwrap()
}

#[tokio::test]
async fn every_value_is_escaped_and_nothing_runs_in_the_browser() {
    let served = Served::new(Some(full()), None);
    for path in ["/".to_owned(), "/explain?user=%3Cscript%3Ealert(1)%3C/script%3E".to_owned()] {
        let page = served.get(&path).await.text().await.unwrap();
        for harm in ["<script", " style=", "onclick", "javascript:"] {
            assert!(!page.contains(harm), "{harm} in {page}");
        }
        assert!(page.contains("alert("), "{page}");
    }
}

#[tokio::test]
async fn it_says_whether_all_is_well_what_is_held_back_and_the_command() {
    let page = Served::new(Some(full()), None).get("/").await.text().await.unwrap();
    for text in [
        "Somebody must look",
        "seatsync confirm f00d",
        "corp: 4 of 5 people would lose their seat or account; the limit is 3.",
        "Nothing was taken away",
        "2 of 3",
        "too early to say",
        "<rect",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    let mut refused = Facts { options: " --config /srv/x.toml".to_owned(), ..full() };
    refused.status.config_problem = Some("no reload takes backend.company; restart the agent".to_owned());
    let page = Served::new(Some(refused), None).get("/").await.text().await.unwrap();
    for text in [
        "the config that was saved is refused, and the one before is in force: no reload takes backend.company; restart the agent",
        "<code>seatsync check --config /srv/x.toml</code>",
        "confirm f00d --config /srv/x.toml",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    let mut unwell = full();
    unwell.status.directories[0].reachable = Some(false);
    let page = Served::new(Some(unwell), None).get("/").await.text().await.unwrap();
    assert!(page.contains("Not well: the directory corp cannot be reached; the guard holds changes back"), "{page}");
}

#[tokio::test]
async fn a_read_that_goes_on_is_told_beside_what_is_held_back() {
    let mut facts = full();
    let (mut row, silent) = (reading(1), reading(1));
    (row.entries, row.heard) = (500, minutes_ago(0));
    facts.status.reading = vec![row];
    let page = Served::new(Some(facts.clone()), None).get("/").await.text().await.unwrap();
    assert!(page.contains("Somebody must look: the guard holds changes back"), "{page}");
    assert!(page.contains(" A cycle is being made: reading corp for "), "{page}");
    assert!(page.contains(" s, and 500 entries came so far."), "{page}");
    facts.status.reading = vec![silent];
    let page = Served::new(Some(facts), None).get("/").await.text().await.unwrap();
    assert!(page.contains("Not well: reading corp for "), "{page}");
    assert!(page.contains(" s, and nothing has come yet; the guard holds changes back"), "{page}");
}

#[tokio::test]
async fn before_the_first_cycle_of_a_run_nothing_is_said_to_be_well() {
    let mut facts = facts();
    facts.status.held = None;
    facts.status.fingerprint = None;
    let last = facts.status.last_cycle.as_mut().unwrap();
    (last.outcome, last.changes.failed) = (CycleOutcome::Ok, 0);
    (facts.tally.last, facts.tally.last_good) = (None, Some(minutes_ago(2)));
    let page = Served::new(Some(facts.clone()), None).get("/").await.text().await.unwrap();
    assert!(page.contains("the first cycle since then has not come to its end yet"), "{page}");
    facts.tally.last = Some(CycleOutcome::Ok);
    let last = facts.status.last_cycle.as_mut().unwrap();
    last.directories[0].quarantined = 5;
    let page = Served::new(Some(facts), None).get("/").await.text().await.unwrap();
    assert!(page.contains("Somebody must look: of the directory corp everybody in scope (5) is quarantined"), "{page}");
}

/// So that nobody has to ask elsewhere: the cause, since when, what it comes to, and the command.
#[tokio::test]
async fn what_is_wrong_stands_there_with_its_cause_since_when_and_the_command() {
    let mut facts = Facts { options: " --config /srv/x.toml".to_owned(), ..full() };
    facts.status.directories[0].server = Some("ldaps://dc1.corp.example".to_owned());
    partial(&mut facts, "Could not find the base ou=gone. Correct `base`");
    let mut since = facts.history[0].clone();
    (since.started, since.outcome) = (minutes_ago(9), CycleOutcome::Partial);
    facts.history.push(since.clone());
    let page = Served::new(Some(facts.clone()), None).get("/").await.text().await.unwrap();
    for text in [
        "Somebody must look: the directory corp was not read whole: Could not find the base ou=gone. Correct <code>base</code>.",
        "Directory corp",
        "ldaps://dc1.corp.example",
        &format!("Since {:.0}.", since.started),
        "Nobody loses anything by it",
        "<code>seatsync check --connect --config /srv/x.toml</code>",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    facts.status.last_cycle = Some(failed("the ledger has no pool &quot;gold&quot;"));
    let page = Served::new(Some(facts), None).get("/").await.text().await.unwrap();
    assert!(page.contains("Not well: the last cycle failed: the ledger has no pool"), "{page}");
    assert!(!page.contains("All is well"), "{page}");
}

#[tokio::test]
async fn accounts_that_the_backend_refused_are_shown_with_what_it_said() {
    let mut facts = facts();
    let last = facts.status.last_cycle.as_mut().unwrap();
    (last.outcome, facts.status.held, facts.status.fingerprint) = (CycleOutcome::SomeFailed, None, None);
    last.problems[0].anchor = Some("00000000-0000-0000-0000-000000000007".parse().unwrap());
    let page = Served::new(Some(facts), None).get("/").await.text().await.unwrap();
    for text in ["the backend refused to change 1 account.", "000000000007: no.", "<code>seatsync status</code>"] {
        assert!(page.contains(text), "{text} in {page}");
    }
}

#[tokio::test]
async fn whom_the_guard_holds_back_is_named_and_how_many_more_there_are() {
    let mut facts = full();
    let person = PersonId::new("corp".into(), "00000000-0000-0000-0000-000000000007".parse().unwrap());
    let what = "the suspension of the account: disabled in the directory".to_owned();
    facts.held =
        vec![HeldPerson { person, name: Some("Ada Lovelace".to_owned()), user_name: Some("ada".to_owned()), what }];
    facts.more_held = 3;
    let page = Served::new(Some(facts.clone()), None).get("/").await.text().await.unwrap();
    for text in
        ["Ada Lovelace", "<bdi>ada</bdi>", "disabled in the directory", "And 3 more: <code>seatsync plan</code>."]
    {
        assert!(page.contains(text), "{text} in {page}");
    }
    facts.status.confirmations = serde_json::from_value(json!([{"fingerprint": "f00d", "leaving": 4, "renaming": 0,
        "scope": 0, "expires": now()}]))
    .unwrap();
    let page = Served::new(Some(facts), None).get("/").await.text().await.unwrap();
    assert!(page.contains("It is confirmed") && !page.contains("seatsync confirm f00d"), "{page}");
}

#[tokio::test]
async fn only_a_form_that_this_session_was_shown_decides() {
    let served = Served::new(Some(full()), None);
    let answer = served.get("/").await;
    let cookie = cookie(&answer);
    let own = csrf(&answer.text().await.unwrap());
    let others = csrf(&served.get("/").await.text().await.unwrap());
    let decide = async |cookie: &str, csrf: &str| {
        let fields = [("csrf", csrf), ("user", "jdoe"), ("pool", "standard"), ("verdict", "approve")];
        post(&served.url, "/decide", cookie, &fields).await.status()
    };
    assert_eq!(decide(&cookie, &others).await, StatusCode::FORBIDDEN);
    assert_eq!(decide(&cookie, "").await, StatusCode::FORBIDDEN);
    assert_eq!(decide("", &own).await, StatusCode::FORBIDDEN);
    // The desk was asked, and knows nobody.
    assert_eq!(decide(&cookie, &own).await, StatusCode::CONFLICT);
}

#[tokio::test]
async fn where_the_ledger_keeps_the_queue_nobody_decides_here() {
    let served = Served::new(Some(Facts { decides: false, ..full() }), None);
    let page = served.get("/").await.text().await.unwrap();
    assert!(!page.contains("/decide") && page.contains("The ledger keeps the queue"), "{page}");
}

#[tokio::test]
async fn a_browser_is_asked_for_the_token_once() {
    let served = Served::new(Some(full()), Some(TOKEN));
    let answer = staying().get(&served.url).send().await.unwrap();
    assert_eq!((answer.status(), &answer.headers()["location"]), (StatusCode::SEE_OTHER, &"/login".parse().unwrap()));
    let refused = post(&served.url, "/login", "", &[("token", "0123456789abcdeg")]).await;
    assert!(refused.status() == StatusCode::FORBIDDEN && !refused.headers().contains_key("set-cookie"));
    let cookie = cookie(&post(&served.url, "/login", "", &[("token", TOKEN)]).await);
    let page = served.get_with("/", &[("cookie", &cookie)]).await;
    assert_eq!(page.status(), StatusCode::OK);
    // Nor does a decision come without it.
    let fields = [("csrf", "x"), ("user", "jdoe"), ("pool", "standard"), ("verdict", "approve")];
    assert_eq!(post(&served.url, "/decide", "", &fields).await.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn approving_on_the_page_gives_the_seat_and_explains_why() {
    let ran = Ran::new("[seats]\njoiners = \"approve\"\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = ran.url();
        let answer = staying().get(&url).send().await.unwrap();
        let cookie = cookie(&answer);
        let page = answer.text().await.unwrap();
        let anchor = page.split("name=\"user\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = [("csrf", &*csrf(&page)), ("user", anchor), ("pool", "standard"), ("verdict", "approve")];
        let answer = post(&url, "/decide", &cookie, &fields).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await.unwrap());
        let page = client().get(format!("{url}/?told=approved")).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("Approved.") && page.contains("1 of 2"), "{page}");
        let why = client().get(format!("{url}/explain?user={anchor}")).send().await.unwrap().text().await.unwrap();
        assert!(why.contains("standard: held"), "{why}");
    });
    assert_eq!(ran.company.agent.names("active").len(), 1);
}
