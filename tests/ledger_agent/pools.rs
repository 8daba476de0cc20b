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
        assert_eq!((ledger.pool("standard"), ledger.pool("vault")), ((3, 3, 0), (3, 0, 2)));
    }
    ledger.buy("vault", 4);
    assert_eq!(ledger.pool("vault"), (4, 1, 1), "one more was bought, and three stay free");
    let released = company.agent.run(&["pending", "release", &before[0], "--pool", "standard"]);
    assert_eq!(released.code, 0, "{}", released.stderr);
    assert_eq!(company.sync().0, 0);
    assert_eq!((ledger.pool("standard"), ledger.pool("vault")), ((3, 2, 0), (4, 2, 1)));
}
