//! Pools of a served ledger that the config does not name any more.

use serde_json::{Value, json};

use super::ledger::{Served, company};
use crate::support::company::Company;

#[test]
fn a_pool_named_anew_is_refused_where_the_ledger_has_none_and_else_gives_no_seat_twice() {
    let ledger = Served::start();
    ledger.buy("standard", 3);
    let mut company = company(4, "", &ledger.url(), &ledger.connector, "[seats]\npromotion = \"automatic\"\n");
    assert_eq!(company.sync().0, 0);
    let before = ledger.holders();
    assert_eq!(before.len(), 3);
    let file = company.agent.config_file();
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, config.replace("name = \"standard\"", "name = \"vault\"")).unwrap();
    assert_ne!(company.sync().0, 0, "the ledger has no such pool");
    assert_eq!((ledger.holders(), ledger.pool("standard")), (before.clone(), (3, 3, 1)));
    ledger.buy("vault", 3);
    company.join("q1");
    for _ in 0..2 {
        let (code, report) = company.sync();
        assert_eq!(code, 0, "{report}");
        assert_eq!((ledger.pool("standard"), ledger.pool("vault")), ((3, 3, 0), (3, 2, 0)), "holders ask for no other");
    }
    let released = company.agent.run(&["pending", "release", &before[0], "--pool", "standard"]);
    assert_eq!(released.code, 0, "{}", released.stderr);
    assert_eq!(company.sync().0, 0);
    assert_eq!((ledger.pool("standard"), ledger.pool("vault")), ((3, 2, 0), (3, 3, 0)));
}

/// Twenty people, two seats of the pool they prefer, and the fallback for the others.
fn with_fallback() -> (Served, Company) {
    let ledger = Served::start();
    ledger.buy("advanced", 2);
    ledger.buy("standard", 100);
    let options = "[seats]\npromotion = \"automatic\"\n[guard]\npercent = 10\nfloor = 3\n";
    let company = company(20, "", &ledger.url(), &ledger.connector, options);
    let file = company.agent.config_file();
    let config = std::fs::read_to_string(&file).unwrap();
    let pools = "[[pool]]\nname = \"advanced\"\nfallback = \"standard\"\n[[pool]]\nname = \"standard\"\n";
    std::fs::write(&file, config.replace("[[pool]]\nname = \"standard\"\n", pools)).unwrap();
    assert_eq!(company.sync().0, 0);
    assert_eq!((ledger.pool("advanced"), ledger.pool("standard")), ((2, 2, 18), (100, 18, 0)));
    (ledger, company)
}

/// Who holds a seat of a pool, by the number of the account.
fn holders_of(ledger: &Served, pool: &str) -> Vec<String> {
    let holds = |account: &&Value| {
        let seats = account["seats"].as_array().unwrap();
        seats.iter().any(|seat| seat["pool"] == pool && seat["state"] == "held")
    };
    let id = |account: &Value| account["id"].as_str().unwrap().to_owned();
    ledger.accounts().iter().filter(holds).map(id).collect()
}

#[test]
fn a_promoted_seat_that_is_taken_away_before_anybody_looked_takes_no_fallback_with_it() {
    for verdicts in [vec!["release"], vec!["release", "deny"], vec!["release", "approve"]] {
        let (ledger, company) = with_fallback();
        let before = holders_of(&ledger, "advanced");
        ledger.buy("advanced", 12);
        let mut promoted = holders_of(&ledger, "advanced");
        promoted.retain(|id| !before.contains(id));
        // More than the guard lets leave, were they taken for seats of the fallback.
        let last = &promoted[5..];
        assert_eq!(last.len(), 5);
        for verdict in &verdicts {
            for id in last {
                let decision = json!({ "account": id, "pool": "advanced", "verdict": verdict });
                let (status, answer) = ledger.post("decisions", &json!({ "decisions": [decision] }));
                assert!(status.is_success(), "{answer}");
            }
        }
        for _ in 0..2 {
            let (code, report) = company.sync();
            assert_eq!((code, &report["problems"]), (0, &json!([])), "{verdicts:?}: {report}");
        }
        assert!(ledger.pool("advanced").1 == 12, "{verdicts:?}: whoever waited has them");
        let standing = |id: &String| {
            let account = ledger.get(&format!("accounts/{id}"));
            let seats = account["seats"].as_array().unwrap().clone();
            let of = |pool: &str| seats.iter().find(|seat| seat["pool"] == pool).unwrap()["state"].clone();
            (of("advanced"), of("standard"))
        };
        let expected = match verdicts.last() {
            Some(&"release") => (json!("waiting"), json!("past")),
            Some(&"deny") => (json!("denied"), json!("past")),
            // Approved, they wait before all others, and have a fallback meanwhile like them.
            _ => (json!("waiting"), json!("held")),
        };
        assert!(
            last.iter().all(|id| standing(id) == expected),
            "{verdicts:?}: {:?}",
            last.iter().map(standing).collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_raised_pool_takes_fallbacks_back_and_no_other_hand_did() {
    let (ledger, company) = with_fallback();
    // More at once than the guard lets leave.
    ledger.buy("advanced", 12);
    assert_eq!(
        (ledger.pool("advanced"), ledger.pool("standard")),
        ((12, 12, 8), (100, 8, 0)),
        "the ledger promotes by itself"
    );
    for _ in 0..2 {
        let planned = company.agent.run(&["--json", "plan"]);
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        let (code, report) = company.sync();
        assert_eq!((code, report["problems"].as_array().map(Vec::len)), (0, Some(0)), "{report}");
        assert_eq!((ledger.pool("advanced"), ledger.pool("standard")), ((12, 12, 8), (100, 8, 0)));
    }
}
