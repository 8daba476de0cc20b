//! Measured by hand: `cargo test --release ledger::store::tests::speed -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

#[test]
#[ignore = "takes seconds, and means something in a release build only"]
fn a_hundred_thousand_people() {
    let mut place = Place::new();
    let people = 100_000_u128;
    let mut steps = vec![set_seats("a", 60_000), set_seats("b", 20_000)];
    for n in 0..people {
        steps.push(create(n));
        steps.push(ask(n, if n % 4 == 0 { "b" } else { "a" }));
    }
    let batch = batch("1", steps);
    measure("create and claim", || place.ledger.apply("acme", &batch).unwrap());
    measure("the same key again", || place.ledger.apply("acme", &batch).unwrap());
    for _ in 0..3 {
        measure("read", || place.read());
    }
    for n in 0..3 {
        let key = format!("one {n}");
        measure("one suspended, one promoted", || place.done(&key, vec![suspend(1 + 4 * n)]));
    }
    let moves = |n| step(n, Operation::Update { current: profile(""), desired: profile(&format!("new{n}")) });
    measure("rename all", || place.done("2", (0..people).map(moves).collect()));
    println!("{:>40} {} MB", "file", std::fs::metadata(place.path()).unwrap().len() / 1_000_000);
}

fn measure<T>(what: &str, work: impl FnOnce() -> T) {
    let start = Instant::now();
    let result = work();
    println!("{what:>40} {:?}", start.elapsed());
    drop(result);
}
