//! A ledger that somebody restored from a backup: nobody was deleted by that, and who is missing in it is made again.

use serde_json::{Value, json};

use super::ledger::{Served, company};
use crate::support::company::Company;

const AUTOMATIC: &str = "[seats]\npromotion = \"automatic\"\n";

/// Five people, and p009, who came later.
fn six_people() -> (Served, Company) {
    let ledger = Served::start();
    ledger.buy("standard", 9);
    let mut company = company(5, "", &ledger.url(), &ledger.connector, AUTOMATIC);
    assert_eq!(company.sync().0, 0);
    company.join("p009");
    assert_eq!(company.sync().0, 0);
    (ledger, company)
}

/// As a backup from before p009 has it.
fn restore(ledger: &Served) {
    ledger.by_hand(
        "DELETE FROM account WHERE user_name = 'p009'; DELETE FROM event WHERE seq > 5; UPDATE company SET last_event = 5;
         UPDATE pool SET held = 5",
    );
}

/// What `plan` says: the exit code, what would be done, and what is said besides.
fn foreseen(company: &Company) -> (i32, Vec<String>, Vec<String>) {
    let (code, plan) = company.agent.plan();
    let texts = |list: &str, keys: &[&str]| {
        let text = |row: &Value| keys.iter().map(|key| row[*key].as_str().unwrap_or("-")).collect::<Vec<_>>().join(" ");
        plan[list].as_array().unwrap_or_else(|| panic!("no {list}: {plan}")).iter().map(text).collect()
    };
    (code, texts("changes", &["change", "user_name"]), texts("problems", &["code"]))
}

/// `plan` says that the next cycle fails, and what the one after it does, as often as it is asked.
fn is_foreseen(company: &Company) {
    for _ in 0..2 {
        let expected = (1, vec!["provision p009".to_owned()], vec!["went_back".to_owned()]);
        assert_eq!(foreseen(company), expected);
    }
}

/// The cycle that failed did nothing, and the next makes p009's account again.
fn is_made_again(ledger: &Served, company: &Company) {
    assert_eq!(ledger.accounts().len(), 5, "nothing was done");
    assert_eq!(foreseen(company), (0, vec!["provision p009".to_owned()], Vec::new()));
    let (code, report) = company.sync();
    assert_eq!((code, &report["problems"]), (0, &json!([])), "{report}");
    assert_eq!(company.agent.user("p009")["state"], "active", "made again, and given its seat");
    assert_eq!(company.sync().0, 0, "and that is that");
}

#[test]
fn a_restored_ledger_that_has_come_further_meanwhile_deleted_nobody() {
    let (ledger, company) = six_people();
    assert_eq!(company.sync().0, 0, "and once more, without a change");
    // In which others went on.
    let last = ledger.get("pools")["version"].as_u64().unwrap();
    restore(&ledger);
    let mut seats = 9;
    while ledger.get("pools")["version"].as_u64().unwrap() <= last {
        seats += 1;
        ledger.buy("standard", seats);
    }
    is_foreseen(&company);
    let (code, failure) = company.sync();
    let said = failure["error"]["message"].as_str().unwrap_or_default();
    assert!(code == 1 && said.contains("is another one than before"), "{failure}");
    is_made_again(&ledger, &company);
}

#[test]
fn a_ledger_that_went_back_in_time_deleted_nobody() {
    let (ledger, company) = six_people();
    restore(&ledger);
    is_foreseen(&company);
    let (code, failure) = company.sync();
    let said = failure["error"]["message"].as_str().unwrap_or_default();
    assert!(code == 1 && said.contains("the ledger shows an earlier moment than before"), "{failure}");
    is_made_again(&ledger, &company);
}

/// As a backup has it from when the last ten of twenty people were not there yet.
#[test]
fn a_ledger_restored_to_before_more_people_than_may_leave_says_so_and_what_it_says_to_do_helps() {
    let ledger = Served::start();
    ledger.buy("standard", 15);
    let company = company(20, "", &ledger.url(), &ledger.connector, AUTOMATIC);
    assert_eq!(company.sync().0, 0);
    ledger.by_hand(
        "DELETE FROM account WHERE user_name > 'p010'; DELETE FROM event WHERE seq > 5; UPDATE company SET last_event = 5;
         UPDATE pool SET held = (SELECT count(*) FROM assignment WHERE state = 'held'),
                         waiting = (SELECT count(*) FROM assignment WHERE state = 'waiting')",
    );
    let before = ledger.holders();
    for _ in 0..2 {
        let (code, failure) = company.sync();
        let said = failure["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(code, 1, "{failure}");
        for part in [
            "restored from a backup to an earlier moment, and 10 accounts of people of corp",
            "Restore a later backup",
            "move its state_dir away",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(company.agent.status()["last_cycle"]["problems"][0]["code"], "backend_lost");
        assert_eq!((ledger.accounts().len(), ledger.holders()), (10, before.clone()), "nothing was done");
    }
    let state = company.agent.folder().join("state");
    std::fs::rename(&state, state.with_extension("away")).unwrap();
    let (code, report) = company.sync();
    assert_eq!((code, &report["problems"]), (0, &json!([])), "{report}");
    assert_eq!((ledger.accounts().len(), ledger.pool("standard")), (20, (15, 15, 5)));
    assert!(before.iter().all(|name| ledger.holders().contains(name)));
}
