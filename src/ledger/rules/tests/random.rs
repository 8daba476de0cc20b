//! Whatever is asked, in whatever order: never a seat too many, and nobody evicted.

use proptest::prelude::*;

use super::*;

const POOLS: [&str; 3] = ["a", "b", "c"];

fn any_operation() -> impl Strategy<Value = Operation> {
    let pool = || prop::sample::select(&POOLS[..]);
    let gate = prop::option::weighted(
        0.2,
        prop::sample::select(vec![
            WaitReason::ApprovalRequired,
            WaitReason::DomainNotApproved,
            WaitReason::RemovedElsewhere,
        ]),
    );
    let any_claim = (pool(), 0..3u32, prop::bool::weighted(0.5), prop::option::weighted(0.3, pool()), gate);
    let any_claim = any_claim.prop_map(|(pool, rank, falls_back, instead_of, gate)| {
        // A pool has one fallback, and fallbacks make no chain: `b` stands in for `a`.
        let fallback_for = (falls_back && pool == "b").then(|| Name::from("a"));
        let instead_of = instead_of.filter(|name| *name != pool).map(Name::from).into_iter().collect();
        Operation::Claim(Claim { rank, gate, fallback_for, instead_of, ..claim(pool) })
    });
    prop_oneof![
        6 => any_claim,
        2 => pool().prop_map(|pool| Operation::Release { pool: pool.into() }),
        1 => (pool(), 0..5u32).prop_map(|(pool, to)| Operation::SetSeats { pool: pool.into(), from: None, to }),
        1 => any::<bool>().prop_map(|keep_seats| Operation::Suspend { cause: LeaveCause::Disabled, keep_seats }),
        1 => Just(Operation::Resume),
        1 => Just(Operation::Remove),
        1 => (0..10u8).prop_map(|n| Operation::Create { profile: profile(&format!("user{n}")), created: at(0) }),
        1 => (0..10u8).prop_map(|n| Operation::Update { current: profile(""), desired: profile(&format!("user{n}")) }),
    ]
}

prop_compose! {
    fn any_batch()(
        steps in prop::collection::vec((0..10u8, any_operation()), 0..20), automatic: bool, over in 0..20u8, frozen in prop::bool::weighted(0.1),
    ) -> Batch {
        let mut batch = batch(steps.into_iter().map(|(n, operation)| step(n, operation)).collect());
        batch.allocation.promotion = if automatic { Promotion::Automatic } else { Promotion::Manual };
        batch.allocation.passed_over.insert(person(over));
        if frozen {
            batch.allocation.frozen.insert("corp".into());
        }
        batch
    }
}

fn held(company: &Company, pool: &str) -> u32 {
    let holders = company.accounts.iter().filter(|account| account.seat(pool).is_some_and(Assignment::is_held));
    u32::try_from(holders.count()).unwrap()
}

/// Whether the batch itself gives up somebody's seat of a pool, or asks for another in its place.
fn gives_up(batch: &Batch, account: &Account, seat: &Assignment) -> bool {
    let by_step = batch.steps.iter().filter(|step| step.person == account.owner).any(|step| match &step.operation {
        Operation::Suspend { .. } | Operation::Remove => true,
        Operation::Release { pool } => *pool == seat.pool,
        _ => false,
    });
    let claims =
        batch.steps.iter().filter(|step| step.person == account.owner).filter_map(|step| match &step.operation {
            Operation::Claim(claim) => Some(claim),
            _ => None,
        });
    let mut by_claim = claims.map(|claim| {
        let stands_in = seat.fallback_for.as_ref() == Some(&claim.pool);
        stands_in || claim.instead_of.contains(&seat.pool) || claim.pool == seat.pool
    });
    let by_place = account.seats.iter().any(|other| {
        other.is_waiting() && (other.instead_of.contains(&seat.pool) || seat.fallback_for.as_ref() == Some(&other.pool))
    });
    by_step || by_place || by_claim.any(|it| it)
}

proptest! {
    #[test]
    fn no_batch_exceeds_a_pool_or_evicts_a_holder(batches in prop::collection::vec(any_batch(), 1..8)) {
        let given = Account { seats: vec![Assignment { ours: false, ..seat("a", SeatState::Held) }], ..unmanaged(50) };
        let mut company = Company::new(&[("a", 2), ("b", 1), ("c", 3)], vec![given.clone()]);
        company.accounts.extend((0..5).map(account));
        for batch in batches {
            let before = company.clone();
            let answer = company.apply(&batch);
            prop_assert!(company.accounts.contains(&given), "an unmanaged account was changed");
            for pool in &answer.pools {
                let now = held(&company, &pool.name);
                prop_assert_eq!(pool.held, now);
                prop_assert!(now <= pool.seats.max(held(&before, &pool.name)), "{} of {}", now, pool.seats);
            }
            for account in &before.accounts {
                for seat in account.seats.iter().filter(|seat| seat.is_held()) {
                    let after = company.accounts.iter().find(|after| after.id == account.id);
                    let kept = after.and_then(|after| after.seat(&seat.pool)).is_some_and(Assignment::is_held);
                    prop_assert!(kept || gives_up(&batch, account, seat), "{:?} lost {:?}", account.id, seat);
                }
            }
        }
    }

    #[test]
    fn unique_values_stay_unique(batches in prop::collection::vec(any_batch(), 1..6)) {
        let mut company = Company::new(&[("a", 2)], (0..5).map(account).collect());
        for batch in batches {
            company.apply(&batch);
            let names: BTreeSet<String> = company.accounts.iter().map(|account| fold(&account.profile.email)).collect();
            prop_assert_eq!(names.len(), company.accounts.len());
        }
    }

    /// After a batch of updates alone, which settles nothing, there may well be something to settle.
    #[test]
    fn settling_again_changes_nothing(batches in prop::collection::vec(any_batch(), 1..8)) {
        let mut company = Company::new(&[("a", 2), ("b", 1), ("c", 3)], (0..5).map(account).collect());
        for batch in batches {
            company.apply(&batch);
            if batch.settles() {
                let again = company.apply(&Batch { steps: Vec::new(), ..batch });
                prop_assert_eq!(again.accounts, Vec::new());
            }
        }
    }

    #[test]
    fn a_batch_of_updates_gives_and_takes_no_seat(
        before in any_batch(), updates in prop::collection::vec((0..10u8, 0..10u8), 1..8), automatic: bool,
    ) {
        let mut company = Company::new(&[("a", 2), ("b", 1), ("c", 3)], (0..5).map(account).collect());
        company.apply(&before);
        let seats = |company: &Company| -> Vec<Vec<Assignment>> {
            company.accounts.iter().map(|account| account.seats.clone()).collect()
        };
        let as_it_was = seats(&company);
        let update = |(n, to)| {
            step(n, Operation::Update { current: profile(""), desired: profile(&format!("user{to}")) })
        };
        let mut batch = batch(updates.into_iter().map(update).collect());
        batch.allocation.promotion = if automatic { Promotion::Automatic } else { Promotion::Manual };
        company.apply(&batch);
        prop_assert_eq!(seats(&company), as_it_was);
    }
}
