//! Accounts: adopted, created, updated, suspended, resumed, removed.

use super::*;

fn create(n: u8, name: &str) -> Step {
    step(n, Operation::Create { profile: profile(name), created: at(0) })
}

fn update(n: u8, from: &str, to: &str) -> Step {
    step(n, Operation::Update { current: profile(from), desired: profile(to) })
}

fn suspend(n: u8, keep_seats: bool) -> Step {
    step(n, Operation::Suspend { cause: LeaveCause::Deleted, keep_seats })
}

fn adopt(n: u8, account: u8) -> Step {
    step(n, Operation::Adopt { account: id(account) })
}

#[test]
fn a_created_account_is_managed_and_has_no_seat() {
    let mut company = Company::new(&[], vec![]);
    let answer = company.done(vec![create(1, "ann")]);
    let account = company.of(1);
    assert!(account.is_managed() && !account.adopted && account.seats.is_empty());
    assert_eq!(answer.accounts, std::slice::from_ref(account));
}

#[test]
fn created_accounts_get_numbers_never_used_before() {
    let mut company = Company::new(&[], vec![]);
    company.done(vec![create(1, "ann"), create(2, "ben")]);
    assert_eq!([&*company.of(1).id.0, &*company.of(2).id.0], ["100", "101"]);
    assert_eq!(company.next, 102);
}

#[test]
fn nobody_gets_a_second_account() {
    let mut company = Company::new(&[], vec![account(1)]);
    assert_eq!(company.refused(create(1, "other")), "conflict");
}

#[test]
fn a_user_name_or_mail_address_taken_in_another_case_is_a_conflict() {
    let taken = Account { profile: profile("STRASSE.Émile"), ..unmanaged(7) };
    let mut company = Company::new(&[], vec![taken]);
    assert_eq!(company.refused(create(1, "straße.éMILE")), "conflict");
    let mail_only = Profile { user_name: "else".to_owned(), ..profile("strasse.émile") };
    assert_eq!(company.refused(step(1, Operation::Create { profile: mail_only, created: at(0) })), "conflict");
    company.done(vec![create(1, "strasse.emile")]);
}

#[test]
fn a_refused_step_stops_no_other() {
    let mut company = Company::new(&[], vec![account(1)]);
    let answer = company.apply(&batch(vec![create(2, "user1"), create(3, "new")]));
    assert!(matches!(&answer.outcomes[..], [Outcome::Refused { .. }, Outcome::Done]));
    assert_eq!(company.accounts.len(), 2);
}

#[test]
fn two_new_people_with_one_mail_address_get_one_account() {
    let mut company = Company::new(&[], vec![]);
    let answer = company.apply(&batch(vec![create(1, "same"), create(2, "Same")]));
    assert!(matches!(&answer.outcomes[..], [Outcome::Done, Outcome::Refused { .. }]));
}

#[test]
fn an_update_changes_the_profile_and_nothing_else() {
    let seats = vec![seat("a", SeatState::Held)];
    let mut company = Company::new(&[("a", 1)], vec![with(account(1), seats)]);
    let before = company.of(1).clone();
    company.done(vec![update(1, "user1", "renamed")]);
    assert_eq!(company.of(1), &Account { profile: profile("renamed"), ..before });
}

#[test]
fn an_update_to_a_value_that_another_has_is_a_conflict() {
    let mut company = Company::new(&[], vec![account(1), unmanaged(2)]);
    assert_eq!(company.refused(update(1, "user1", "USER2")), "conflict");
}

#[test]
fn a_change_of_case_alone_is_no_conflict_with_oneself() {
    let mut company = Company::new(&[], vec![account(1)]);
    company.done(vec![update(1, "user1", "USER1")]);
    assert_eq!(company.of(1).profile.user_name, "USER1");
}

#[test]
fn values_are_swapped_through_a_temporary_one() {
    let mut company = Company::new(&[], vec![account(1), account(2)]);
    let steps = vec![update(1, "user1", "temporary"), update(2, "user2", "user1"), update(1, "temporary", "user2")];
    company.done(steps);
    assert_eq!([&*company.of(1).profile.user_name, &*company.of(2).profile.user_name], ["user2", "user1"]);
}

#[test]
fn a_name_let_go_by_one_can_be_taken_by_another_in_the_same_batch() {
    let mut company = Company::new(&[], vec![account(1)]);
    company.done(vec![update(1, "user1", "moved"), create(2, "user1")]);
    assert_eq!(company.of(2).profile.user_name, "user1");
}

#[test]
fn adopting_makes_the_account_managed_and_changes_nothing_else() {
    let other = with(unmanaged(7), vec![Assignment { ours: false, ..seat("a", SeatState::Held) }]);
    let other = suspended(other, false);
    let mut company = Company::new(&[("a", 1)], vec![other.clone()]);
    company.done(vec![adopt(1, 7)]);
    assert_eq!(company.of(1), &Account { owner: Some(person(1)), adopted: true, ..other });
}

#[test]
fn what_is_managed_already_is_not_adopted() {
    let mut company = Company::new(&[], vec![account(7)]);
    assert_eq!(company.refused(adopt(1, 7)), "conflict");
}

#[test]
fn who_has_an_account_adopts_no_other() {
    let mut company = Company::new(&[], vec![account(1), unmanaged(7)]);
    assert_eq!(company.refused(adopt(1, 7)), "conflict");
}

#[test]
fn an_account_that_is_not_there_is_not_adopted() {
    let mut company = Company::new(&[], vec![]);
    assert_eq!(company.refused(adopt(1, 7)), "not_found");
}

#[test]
fn suspending_frees_seats_and_places_and_remembers_them() {
    let held = Assignment { approved: true, ..seat("a", SeatState::Held) };
    let seats = vec![held.clone(), seat("b", WAITS), seat("c", TAKEN_AWAY), seat("d", SeatState::Denied)];
    let mut company = Company::new(&[("a", 1), ("b", 0), ("c", 1), ("d", 1)], vec![with(account(1), seats)]);
    let answer = company.done(vec![suspend(1, false)]);
    let account = company.of(1);
    let suspension = Suspension { by_agent: true, at: at(100), cause: Some(LeaveCause::Deleted) };
    assert_eq!(account.suspension, Some(suspension));
    assert_eq!(account.seats[0], Assignment { state: SeatState::Past(None), ..held });
    assert_eq!(account.seats[1].state, SeatState::Past(None));
    assert_eq!(account.seats[2].state, SeatState::Past(Some(WaitReason::RemovedElsewhere)));
    assert_eq!(account.seats[3].state, SeatState::Denied);
    assert_eq!(counts(&answer)["a"], (1, 0, 0));
    assert_eq!(counts(&answer)["b"], (0, 0, 0));
}

#[test]
fn suspending_with_keep_seats_leaves_what_is_held() {
    let seats = vec![seat("a", SeatState::Held), seat("b", WAITS)];
    let mut company = Company::new(&[("a", 1), ("b", 0)], vec![with(account(1), seats)]);
    let answer = company.done(vec![suspend(1, true)]);
    assert_eq!(company.state(1, "a"), Some(SeatState::Held));
    assert_eq!(company.state(1, "b"), Some(SeatState::Past(None)));
    assert_eq!(counts(&answer)["a"], (1, 1, 0));
}

#[test]
fn suspending_again_keeps_the_hand_and_for_the_same_cause_the_day() {
    let mut company = Company::new(&[], vec![suspended(account(1), true), suspended(account(2), false)]);
    company.done(vec![suspend(1, false), suspend(2, false)]);
    let since_now = Suspension { by_agent: true, at: at(100), cause: Some(LeaveCause::Deleted) };
    assert_eq!(company.of(1).suspension, Some(since_now.clone()));
    let later = Batch { at: at(200), ..batch(vec![suspend(1, false)]) };
    company.apply(&later);
    assert_eq!(company.of(1).suspension, Some(since_now));
    assert_eq!(
        company.of(2).suspension,
        Some(Suspension { by_agent: false, at: at(1), cause: Some(LeaveCause::Disabled) })
    );
}

#[test]
fn a_seat_freed_by_a_leaver_is_granted_in_the_same_batch() {
    let leaver = with(account(1), vec![seat("a", SeatState::Held)]);
    let next = with(account(2), vec![seat("a", WAITS)]);
    let mut company = Company::new(&[("a", 1)], vec![leaver, next]);
    let answer = company.done(vec![suspend(1, false)]);
    assert_eq!(company.state(2, "a"), Some(SeatState::Held));
    assert_eq!(answer.accounts.len(), 2);
    assert_eq!(counts(&answer)["a"], (1, 1, 0));
}

#[test]
fn the_agent_resumes_whom_it_suspended_and_nobody_else() {
    let mut company = Company::new(&[], vec![suspended(account(1), true), suspended(account(2), false)]);
    company.done(vec![step(1, Operation::Resume)]);
    assert_eq!(company.of(1).suspension, None);
    assert_eq!(company.refused(step(2, Operation::Resume)), "suspended_elsewhere");
}

#[test]
fn resuming_who_is_not_suspended_is_done_already() {
    let mut company = Company::new(&[], vec![account(1)]);
    assert!(company.done(vec![step(1, Operation::Resume)]).accounts.is_empty());
}

#[test]
fn removing_deletes_the_account_and_frees_the_seat_it_kept() {
    let kept = with(suspended(account(1), true), vec![seat("a", SeatState::Held)]);
    let mut company = Company::new(&[("a", 1)], vec![kept, with(account(2), vec![seat("a", WAITS)])]);
    let answer = company.done(vec![step(1, Operation::Remove)]);
    assert_eq!(answer.removed, [person(1)]);
    assert_eq!(company.accounts.len(), 1);
    assert_eq!(company.state(2, "a"), Some(SeatState::Held));
}

#[test]
fn what_was_adopted_or_is_not_suspended_by_the_agent_is_not_removed() {
    let adopted = Account { adopted: true, ..suspended(account(1), true) };
    let mut company = Company::new(&[], vec![adopted, account(2), suspended(account(3), false), unmanaged(4)]);
    assert_eq!(company.refused(step(1, Operation::Remove)), "adopted");
    assert_eq!(company.refused(step(2, Operation::Remove)), "not_suspended");
    assert_eq!(company.refused(step(3, Operation::Remove)), "not_suspended");
    assert_eq!(company.refused(step(4, Operation::Remove)), "not_found");
}

#[test]
fn a_name_is_free_again_once_its_account_is_removed() {
    let mut company = Company::new(&[], vec![suspended(account(1), true)]);
    company.done(vec![step(1, Operation::Remove), create(2, "user1")]);
    assert_eq!(company.of(2).profile.user_name, "user1");
}

#[test]
fn unmanaged_accounts_are_never_changed() {
    let mut company = Company::new(&[("a", 1)], vec![unmanaged(1)]);
    for operation in [
        Operation::Update { current: profile("user1"), desired: profile("x") },
        Operation::Suspend { cause: LeaveCause::Deleted, keep_seats: false },
        Operation::Resume,
        Operation::Claim(claim("a")),
        Operation::Release { pool: "a".into() },
    ] {
        assert_eq!(company.refused(step(1, operation)), "not_found");
    }
}

#[test]
fn steps_that_change_nothing_are_done_and_not_answered() {
    let mut company = Company::new(&[("a", 1)], vec![account(1)]);
    let steps = vec![update(1, "user1", "user1"), step(1, Operation::Release { pool: "a".into() })];
    assert!(company.done(steps).accounts.is_empty());
}
