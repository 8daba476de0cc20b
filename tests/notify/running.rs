//! The running agent sends beside its cycles.

use std::time::Duration;

use crate::harness::House;
use crate::support::process::wait_until;

const SOON: Duration = Duration::from_secs(30);

fn cycles(house: &House) -> u64 {
    house.agent.history().last().and_then(|cycle| cycle["cycle"].as_u64()).unwrap_or(0)
}

#[test]
fn a_running_agent_sends_after_the_cycle_and_after_a_restart_nothing_again() {
    let house = House::new();
    house.people(8);
    for _ in 0..2 {
        let agent = house.start();
        let before = cycles(&house);
        wait_until("some cycles are made", SOON, || cycles(&house) >= before + 3);
        wait_until("the messages arrive", SOON, || house.mails().len() + house.hooks().len() >= 2);
        let ended = agent.terminate();
        assert_eq!(ended.code, 0, "{ended:?}");
        house.expect(1, 1);
    }
}

#[test]
fn a_webhook_that_does_not_answer_delays_no_cycle() {
    let house = House::new();
    house.people(8);
    house.receiver.delay(Duration::from_mins(5));
    let agent = house.start();
    wait_until("five cycles are made", Duration::from_secs(20), || cycles(&house) >= 5);
    let ended = agent.terminate();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_webhook_that_fails_is_told_once_however_often_it_is_tried() {
    let house = House::new();
    house.people(8);
    house.receiver.answer(503);
    let agent = house.start();
    wait_until("it is tried", SOON, || house.receiver.asked() >= 1);
    for tries in 2..5 {
        // Noted before it is made due again, or the note would undo it.
        wait_until("it is tried again", SOON, || {
            house.make_due();
            house.receiver.asked() >= tries
        });
    }
    house.receiver.answer(204);
    wait_until("it is taken", SOON, || {
        house.make_due();
        !house.hooks().is_empty()
    });
    let ended = agent.terminate();
    assert_eq!(ended.stderr.matches("A message about the agent was not taken").count(), 1, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("Messages about the agent are taken again").count(), 1, "{}", ended.stderr);
    house.expect(1, 1);
}
