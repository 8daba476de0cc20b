//! What another hand does to the file with the sqlite3 shell.

use super::*;

/// One person who holds the only seat of "a", and one who waits for it.
fn two_people() -> Place {
    let mut place = Place::new();
    place.done("1", vec![set_seats("a", 1), create(1), ask(1, "a"), create(2), ask(2, "a")]);
    place
}

fn unreadable(place: &mut Place) -> String {
    let error = place.ledger.read("acme").unwrap_err();
    assert!(matches!(error, LedgerError::Unreadable { .. }), "{error}");
    error.to_string()
}

#[test]
fn an_inserted_account_is_unmanaged_and_its_seat_counts_and_is_not_ours() {
    let mut place = Place::new();
    place.done("1", vec![set_seats("a", 1), create(1)]);
    place.by_hand(
        "INSERT INTO account (company, id, user_name, email, external)
             VALUES ('acme', 1000, 'hand', 'Hand@corp.example', '00000000-0000-0000-0000-000000000007');
         INSERT INTO assignment (company, account, pool, state) VALUES ('acme', 1000, 'a', 'held');",
    );
    let state = place.read();
    let account = &state.accounts[1];
    assert_eq!((account.owner.clone(), account.external), (None, Some(person(7).anchor)));
    assert!(account.seats[0].is_held() && !account.seats[0].ours);
    assert_eq!(place.counts("a"), (1, 1, 0));
    place.done("2", vec![ask(1, "a")]);
    assert_eq!(place.state(1, "a"), Some(WAITS));
    place.done("3", vec![create(3)]);
    assert_eq!(&*place.of(3).id.0, "1001", "numbers go on above the highest");
}

#[test]
fn an_inserted_name_is_taken_whatever_its_case_once_it_was_read() {
    let mut place = Place::new();
    place.by_hand("INSERT INTO account (company, id, user_name, email) VALUES ('acme', 5, 'USER1', 'x')");
    place.read();
    let answer = place.apply("1", vec![create(1)]);
    assert!(matches!(&answer.outcomes[0], Outcome::Refused { code, .. } if code == "conflict"));
}

#[test]
fn a_changed_name_frees_the_old_one_and_takes_the_new_once_it_was_read() {
    let mut place = Place::new();
    place.done("1", vec![create(1)]);
    place.by_hand("UPDATE account SET user_name = 'Émile', email = 'É@x' WHERE id = 1");
    place.read();
    let named = |n, name: &str| step(n, Operation::Create { profile: profile(name), created: at(0) });
    place.done("2", vec![named(2, "user1")]);
    let answer = place.apply("3", vec![named(3, "émile")]);
    assert!(matches!(&answer.outcomes[0], Outcome::Refused { .. }));
}

#[test]
fn two_accounts_made_equal_by_hand_are_read_all_the_same() {
    let mut place = two_people();
    place.by_hand("UPDATE account SET email = 'same@x'");
    assert_eq!(place.read().accounts.len(), 2);
    assert_eq!(place.read().accounts.len(), 2);
}

#[test]
fn a_deleted_account_frees_its_seat() {
    let mut place = two_people();
    place.by_hand("DELETE FROM account WHERE id = 1");
    assert_eq!(place.counts("a"), (1, 0, 1));
    place.done("2", vec![]);
    assert_eq!(place.state(2, "a"), Some(SeatState::Held));
}

#[test]
fn a_deleted_assignment_frees_its_seat() {
    let mut place = two_people();
    place.by_hand("DELETE FROM assignment WHERE account = 1");
    assert_eq!(place.counts("a"), (1, 0, 1));
    assert!(place.of(1).seats.is_empty());
}

#[test]
fn a_seat_given_by_changing_the_state_counts() {
    let mut place = two_people();
    place.by_hand("UPDATE assignment SET state = 'held' WHERE account = 2");
    assert_eq!(place.counts("a"), (1, 2, 0));
    assert_eq!(place.state(2, "a"), Some(SeatState::Held));
}

#[test]
fn a_replaced_assignment_is_counted_right_after_the_next_read() {
    let mut place = two_people();
    place.by_hand("INSERT OR REPLACE INTO assignment (company, account, pool, state) VALUES ('acme', 1, 'a', 'held')");
    assert_eq!(place.read().pools["a"].held, 1);
    assert_eq!(place.counts("a"), (1, 1, 1));
    assert_eq!(place.read().pools["a"].seats, 1, "the pool was not replaced with it");
}

#[test]
fn a_pool_that_nobody_bought_has_no_seats() {
    let mut place = two_people();
    place.by_hand("INSERT INTO assignment (company, account, pool, state) VALUES ('acme', 1, 'gift', 'held')");
    assert_eq!(place.counts("gift"), (0, 1, 0));
}

#[test]
fn a_deleted_pool_comes_back_with_the_seats_that_are_held_so_that_none_is_given_twice() {
    let mut place = two_people();
    place.by_hand("DELETE FROM pool");
    place.read();
    assert_eq!(place.counts("a"), (0, 1, 1));
    place.done("2", vec![set_seats("a", 1), create(3), ask(3, "a")]);
    assert_eq!(place.counts("a"), (1, 1, 2));
    assert_eq!(place.state(3, "a"), Some(WAITS));
}

#[test]
fn a_suspension_by_hand_is_not_the_agents_also_after_one_that_was() {
    let mut place = two_people();
    place.by_hand("UPDATE account SET suspended = 1 WHERE id = 1");
    let suspension = place.of(1).suspension.unwrap();
    assert!(!suspension.by_agent);
    place.done("2", vec![suspend(2)]);
    place.by_hand("UPDATE account SET suspended = 0 WHERE id = 2");
    assert_eq!(place.of(2).suspension, None);
    place.by_hand("UPDATE account SET suspended = 1 WHERE id = 2");
    assert!(!place.of(2).suspension.unwrap().by_agent);
}

#[test]
fn values_that_cannot_be_read_name_their_row_and_stop_the_read() {
    for (sql, table, column) in [
        ("UPDATE assignment SET since = 'yesterday' WHERE account = 2", "assignment", "since"),
        ("UPDATE assignment SET instead_of = 'b' WHERE account = 2", "assignment", "instead_of"),
        ("UPDATE account SET anchor = 'nobody' WHERE id = 2", "account", "anchor"),
        ("UPDATE account SET suspended = 1, suspended_at = 'now' WHERE id = 2", "account", "suspended_at"),
        ("UPDATE account SET suspended = 1, suspended_cause = 'bored' WHERE id = 2", "account", "suspended_cause"),
    ] {
        let mut place = two_people();
        place.by_hand(sql);
        let message = unreadable(&mut place);
        assert!(message.contains(&format!("table {table}")) && message.contains('2'), "{message}");
        assert!(message.contains(column), "{message}");
    }
}

#[test]
fn values_that_make_no_sense_are_not_taken_by_the_file() {
    let place = two_people();
    for sql in [
        "UPDATE assignment SET state = 'perhaps'",
        "UPDATE assignment SET rank = -1",
        "UPDATE pool SET seats = -1",
        "UPDATE pool SET seats = 'many'",
        "UPDATE account SET anchor = NULL",
        "UPDATE account SET user_name = NULL",
        "INSERT INTO assignment (company, account, pool, state) VALUES ('acme', 77, 'a', 'held')",
    ] {
        assert!(place.shell().execute_batch(sql).is_err(), "{sql}");
    }
}

#[test]
fn a_seat_of_no_account_stops_the_read() {
    let mut place = two_people();
    place.by_hand("UPDATE account SET id = 9 WHERE id = 1");
    assert!(unreadable(&mut place).contains("is no account of the ledger"));
}

#[test]
fn the_outcomes_of_a_batch_that_cannot_be_read_are_not_guessed() {
    let mut place = two_people();
    place.by_hand("UPDATE batch SET outcomes = '{'");
    let error = place.ledger.answer("acme", "1").unwrap_err();
    assert!(error.to_string().contains("table batch"), "{error}");
}

#[test]
fn an_external_id_is_looked_up_without_walking_the_company() {
    let place = Place::new();
    let shell = place.shell();
    let mut statement = shell.prepare(&format!("EXPLAIN QUERY PLAN {}", list::BY_EXTERNAL)).unwrap();
    let steps = statement.query_map(["acme", "x"], |row| row.get::<_, String>(3)).unwrap();
    let steps: Vec<String> = steps.map(Result::unwrap).filter(|step| step.starts_with('S')).collect();
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert!(steps.iter().all(|step| step.contains("INDEX account_") && step.contains("company=? AND")), "{steps:?}");
}
