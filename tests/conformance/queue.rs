//! What only the agent's own queue can get wrong: the connection to the backend is lost at every single order.

use seatsync::backend::queue::Queue;
use seatsync::model::Account;
use seatsync::model::change::{Batch, Operation};
use seatsync::ports::Backend as _;
use seatsync::state::State;

use super::batches::{
    HELD, PAST, POOLS, at, automatic, batch, claim, claim_of, create, holders, name, person, release, seat, suspend,
};
use super::plain::{InMemory, Talents};

/// One who leaves, one who moves, one who waits and one who joins: all that may be cut short.
fn batches() -> Vec<Batch> {
    let seats = |pool: &str, to| {
        let operation = Operation::SetSeats { pool: name(pool), from: None, to };
        seatsync::model::change::Step { person: None, operation, counted: None }
    };
    let moves = claim_of(2, |claim| (claim.pool, claim.instead_of) = (name(POOLS[1]), vec![name(POOLS[0])]));
    vec![
        batch(0, vec![seats(POOLS[0], 2), seats(POOLS[1], 1)]),
        batch(1, (1..=3).map(create).chain((1..=3).map(|number| claim(number, 1))).collect()),
        automatic(batch(2, vec![suspend(1, false), create(4), moves, claim(4, 2)])),
    ]
}

fn backend() -> (InMemory, Queue<InMemory, State>) {
    let plain = InMemory::new(Talents::default());
    plain.world.lock().unwrap().seats.extend([(name(POOLS[0]), 2), (name(POOLS[1]), 1)]);
    (plain.clone(), Queue::new(plain, State::in_memory().unwrap()))
}

/// What the agent does after it lost the connection: it asks what became of the batch, and plans what is missing anew.
async fn make_good(queue: &mut Queue<InMemory, State>, lost: &Batch) -> Vec<Account> {
    let answer = queue.answer(&lost.key).await.unwrap();
    let accounts = answer.map_or_else(Vec::new, |answer| answer.accounts);
    let is_there =
        |person: &seatsync::model::PersonId| accounts.iter().any(|account| account.owner.as_ref() == Some(person));
    let mut again = Batch { key: format!("{}/again", lost.key), ..lost.clone() };
    again.steps.retain(|step| match (&step.operation, &step.person) {
        (Operation::Create { .. }, Some(person)) => !is_there(person),
        (Operation::Suspend { .. }, Some(person)) => {
            accounts.iter().any(|account| account.owner.as_ref() == Some(person) && account.suspension.is_none())
        }
        _ => true,
    });
    // Who has the new seat already gives up the old one.
    if seat(&accounts, 2, POOLS[1]) == HELD && seat(&accounts, 2, POOLS[0]) == HELD {
        again.steps.insert(0, release(2, POOLS[0]));
    }
    queue.apply(&again).await.unwrap();
    queue.read().await.unwrap().accounts
}

#[tokio::test]
async fn a_connection_lost_at_any_order_costs_nothing_and_doubles_nothing() {
    let (plain, mut queue) = backend();
    let mut undisturbed = Vec::new();
    for batch in batches() {
        queue.apply(&batch).await.unwrap();
        undisturbed.push(queue.read().await.unwrap().accounts);
    }
    let orders = plain.world.lock().unwrap().orders.len();
    assert!(orders >= 8, "{orders} orders");
    let expected = undisturbed.last().unwrap();
    assert_eq!((holders(expected, POOLS[0]), holders(expected, POOLS[1])), (vec![3, 4], vec![2]));
    for at_order in 1..=orders {
        for after in [false, true] {
            let (plain, mut queue) = backend();
            plain.world.lock().unwrap().fuse = Some((at_order, after));
            let mut accounts = Vec::new();
            for batch in batches() {
                accounts = match queue.apply(&batch).await {
                    Ok(_) => queue.read().await.unwrap().accounts,
                    Err(_) => make_good(&mut queue, &batch).await,
                };
                let world = plain.world.lock().unwrap();
                for (pool, seats) in &world.seats {
                    let held = world.accounts.values().filter(|account| account.held.contains(pool)).count();
                    assert!(held <= *seats as usize, "order {at_order}, {after}: {held} of {seats} of {pool}");
                }
            }
            let said = (holders(&accounts, POOLS[0]), holders(&accounts, POOLS[1]), accounts.len());
            assert_eq!(said, (vec![3, 4], vec![2], 4), "order {at_order}, after: {after}");
            assert!(accounts.iter().all(|account| account.is_managed() && !account.adopted), "{accounts:?}");
        }
    }
}

#[tokio::test]
async fn a_seat_that_another_hand_took_is_past_and_one_it_gave_is_not_ours() {
    let (plain, mut queue) = backend();
    for batch in batches() {
        queue.apply(&batch).await.unwrap();
    }
    {
        let mut world = plain.world.lock().unwrap();
        let by_anchor = |number| Some(person(number).anchor);
        let of = |world: &mut super::plain::World, number: u8, change: &dyn Fn(&mut seatsync::ports::plain::Plain)| {
            change(world.accounts.values_mut().find(|account| account.external == by_anchor(number)).unwrap());
        };
        of(&mut world, 3, &|account| account.held.clear());
        of(&mut world, 4, &|account| account.held.extend([name(POOLS[1])]));
    }
    let accounts = queue.read().await.unwrap().accounts;
    assert_eq!((seat(&accounts, 3, POOLS[0]), seat(&accounts, 4, POOLS[1])), (PAST, HELD));
    let given = accounts.iter().find(|account| account.owner == Some(person(4))).unwrap();
    assert!(!given.seat(POOLS[1]).unwrap().ours);
}

#[tokio::test]
async fn the_queue_is_what_the_state_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let holder = seatsync::state::Holder::this_process("test", "sync");
    let (plain, _) = backend();
    let open = || {
        let lock = seatsync::state::Lock::try_acquire(folder.path(), &holder).unwrap().unwrap();
        let state = State::open(&lock).unwrap();
        (Queue::new(plain.clone(), state), lock)
    };
    let before = {
        let (mut queue, _lock) = open();
        for batch in &batches()[..2] {
            queue.apply(batch).await.unwrap();
        }
        queue.read().await.unwrap()
    };
    let (mut queue, _lock) = open();
    let after = queue.read().await.unwrap();
    assert_eq!(after.accounts, before.accounts);
    assert_eq!(after.pools, before.pools);
    assert_eq!(after.accounts[2].seats[0].since, at(1));
}
