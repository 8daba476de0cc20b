//! The file: made, found, refused.

use super::*;

fn refused(path: &Path, must_exist: bool) -> LedgerError {
    Ledger::open(path, must_exist).map(drop).unwrap_err()
}

#[test]
fn a_missing_ledger_is_made_where_it_may_be_new_with_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger").join("deep").join("ledger.db");
    open_company(&path, "acme");
    assert_eq!(Ledger::open(&path, true).unwrap().companies().unwrap(), ["acme"]);
}

/// An agent that starts for the first time, beside `check` or `plan`.
#[test]
fn a_new_ledger_that_several_make_at_one_moment_opens_for_all_of_them() {
    const AT_ONCE: usize = 4;
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let together = std::sync::Barrier::new(AT_ONCE);
        let open = || {
            together.wait();
            Ledger::open(&path, false).map(drop)
        };
        std::thread::scope(|scope| {
            let opening: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(open)).collect();
            for one in opening {
                one.join().unwrap().unwrap();
            }
        });
    }
}

#[test]
fn a_missing_ledger_that_must_exist_is_an_error_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    assert!(matches!(refused(&path, true), LedgerError::Missing { .. }));
    assert!(!path.exists());
}

#[test]
fn an_emptied_ledger_that_must_exist_is_missing_and_one_that_may_be_new_is_filled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    std::fs::write(&path, "").unwrap();
    assert!(matches!(refused(&path, true), LedgerError::Missing { .. }));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    Ledger::open(&path, false).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let other = "not a database, but long enough to be taken for one. ".repeat(40);
    std::fs::write(&path, &other).unwrap();
    for must_exist in [false, true] {
        assert!(matches!(refused(&path, must_exist), LedgerError::Foreign { .. }));
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE account (id)").unwrap();
    assert!(matches!(refused(&path, false), LedgerError::Foreign { .. }));
}

#[test]
fn a_newer_ledger_is_refused_with_both_versions() {
    let place = Place::new();
    place.by_hand("INSERT INTO refinery_schema_history VALUES (99, 'later', '2099-01-01T00:00:00Z', '0')");
    let error = refused(&place.path(), true);
    assert!(matches!(error, LedgerError::Newer { found: 99, known: 4, .. }), "{error}");
    assert!(error.to_string().contains("schema version 99"), "{error}");
}

#[test]
fn a_ledger_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut old = Connection::open(&path).unwrap();
    let first = refinery::Target::Version(1);
    open::migrations::migrations::runner().set_grouped(true).set_target(first).run(&mut old).unwrap();
    old.execute_batch(
        "INSERT INTO company (name, next_account) VALUES ('acme', 3);
         INSERT INTO pool (company, name, seats) VALUES ('acme', 'a', 1);
         INSERT INTO account (company, id, directory, anchor, user_name, email)
             VALUES ('acme', 1, 'corp', '00000000-0000-0000-0000-000000000001', 'user1', 'user1@corp.example'),
                    ('acme', 2, 'corp', '00000000-0000-0000-0000-000000000002', 'user2', 'user2@corp.example');
         INSERT INTO assignment (company, account, pool, state, ours) VALUES ('acme', 1, 'a', 'held', 1);
         INSERT INTO batch (company, key, at, outcomes) VALUES ('acme', 'k', '2026-01-01T00:00:00Z',
             '{\"steps\":1,\"refused\":{},\"changed\":[],\"removed\":[]}');",
    )
    .unwrap();
    drop(old);
    let mut ledger = Ledger::open(&path, true).unwrap();
    let state = ledger.read("acme").unwrap();
    assert_eq!((state.accounts.len(), state.pools["a"].held), (2, 1));
    assert_eq!(ledger.answer("acme", "k").unwrap().unwrap().outcomes, [Outcome::Done]);
    let pools = ledger.view(|view| view.pools("acme")).unwrap();
    assert!(pools[0].terms.config_owned, "until now a config file owned every pool");
    let answer = ledger.apply("acme", &batch("k2", vec![ask(2, "a")])).unwrap();
    assert_eq!(answer.accounts[0].seats[0].state, WAITS);
}

#[test]
fn a_crash_before_the_first_migration_is_mended_by_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let begun = Connection::open(&path).unwrap();
    begun
        .execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE refinery_schema_history
             (version int4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))",
        )
        .unwrap();
    drop(begun);
    assert!(matches!(refused(&path, true), LedgerError::Missing { .. }));
    open_company(&path, "acme");
}

#[test]
fn a_company_that_must_exist_and_does_not_is_an_error_that_lists_the_others() {
    let mut place = Place::new();
    let error = place.ledger.company("acne", true).unwrap_err();
    assert!(error.to_string().contains("it has acme"), "{error}");
    assert_eq!(place.ledger.companies().unwrap(), ["acme"]);
}

#[cfg(unix)]
#[test]
fn the_file_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut place = Place::new();
    place.done("k", vec![create(1)]);
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let mode = std::fs::metadata(place.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// Runs only as root, who alone can give files away.
#[cfg(unix)]
#[test]
fn what_root_makes_belongs_to_the_folders_owner() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let folder = tempfile::tempdir().unwrap();
    if chown(folder.path(), Some(12345), Some(12346)).is_err() {
        return;
    }
    let path = folder.path().join("ledger").join("ledger.db");
    let mut ledger = open_company(&path, "acme");
    ledger.apply("acme", &batch("k", vec![create(1)])).unwrap();
    for part in ["ledger", "ledger/ledger.db", "ledger/ledger.db-wal", "ledger/ledger.db-shm"] {
        let file = std::fs::metadata(folder.path().join(part)).unwrap();
        assert_eq!((file.uid(), file.gid()), (12345, 12346), "{part}");
    }
}

#[cfg(unix)]
#[test]
fn a_ledger_whose_file_is_taken_away_or_replaced_answers_nothing_more() {
    for replaced in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = Ledger::open(&path, false).unwrap();
        ledger.company("acme", false).unwrap();
        std::fs::rename(&path, folder.path().join("away.db")).unwrap();
        if replaced {
            std::fs::copy(folder.path().join("away.db"), &path).unwrap();
        }
        let written = ledger.write(|records| records.add_company("other")).unwrap_err();
        let viewed = ledger.view(|view| view.answer("acme", "key")).unwrap_err();
        let read = ledger.read("acme").map(drop).unwrap_err();
        for error in [written, viewed, read] {
            assert!(matches!(error, LedgerError::Gone { .. }), "{error}");
        }
    }
}
