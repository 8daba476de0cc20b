//! Pools of a served ledger that the config does not name any more.

use super::ledger::{Served, company};

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

#[test]
fn a_raised_pool_takes_fallbacks_back_and_no_other_hand_did() {
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
