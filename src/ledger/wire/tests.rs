//! What is written is read back as it was, and what nobody knows is refused.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::ledger::records::{Invitation, Listed};
use crate::model::change::{self, Claim, Counted, GuardKind, Operation, Outcome, Promotion};
use crate::model::{AccountId, Assignment, LeaveCause, Name};

fn any_name() -> impl Strategy<Value = Name> {
    "[a-zA-Zäß中 \"/.:]{1,12}".prop_map(Name::from)
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (-62_000_000_000..200_000_000_000_i64, 0..1_000_000_000_i32)
        .prop_map(|(second, nano)| Timestamp::new(second, nano).unwrap())
}

fn any_person() -> impl Strategy<Value = PersonId> {
    (any_name(), any::<[u8; 16]>()).prop_map(|(directory, bytes)| PersonId::new(directory, Anchor::from_bytes(bytes)))
}

fn any_profile() -> impl Strategy<Value = model::Profile> {
    let text = || prop::option::of("\\PC{0,8}");
    ("\\PC{1,8}", "\\PC{1,8}", text(), text(), text()).prop_map(
        |(user_name, email, given_name, family_name, display_name)| model::Profile {
            user_name,
            email,
            given_name,
            family_name,
            display_name,
        },
    )
}

fn any_reason() -> impl Strategy<Value = WaitReason> {
    prop::sample::select(vec![
        WaitReason::NoSeat,
        WaitReason::ApprovalRequired,
        WaitReason::DomainNotApproved,
        WaitReason::RemovedElsewhere,
    ])
}

fn any_cause() -> impl Strategy<Value = LeaveCause> {
    prop::sample::select(vec![LeaveCause::Disabled, LeaveCause::Expired, LeaveCause::Deleted, LeaveCause::OutOfScope])
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let gate = any_reason().prop_filter("a gate is more than a seat", |reason| *reason != WaitReason::NoSeat);
    let pools = prop::collection::vec(any_name(), 0..3);
    let instead = (prop::option::of(any_name()), pools);
    let claim = (any_name(), any::<u32>(), any_time(), any_time(), prop::option::of(gate), instead, any::<bool>());
    let claim = claim.prop_map(|(pool, rank, since, created, gate, (fallback_for, instead_of), approved)| {
        Operation::Claim(Claim { pool, rank, since, created, gate, fallback_for, instead_of, approved })
    });
    prop_oneof![
        claim,
        "[0-9]{1,9}".prop_map(|id| Operation::Adopt { account: AccountId(id.into()) }),
        (any_profile(), any_time()).prop_map(|(profile, created)| Operation::Create { profile, created }),
        (any_profile(), any_profile()).prop_map(|(current, desired)| Operation::Update { current, desired }),
        (any_cause(), any::<bool>()).prop_map(|(cause, keep_seats)| Operation::Suspend { cause, keep_seats }),
        Just(Operation::Resume),
        Just(Operation::Remove),
        any_name().prop_map(|pool| Operation::Release { pool }),
    ]
}

prop_compose! {
    fn any_step()(person in any_person(), operation in any_operation(), renaming: bool, confirmed: bool, counted: bool) -> change::Step {
        let kind = if renaming { GuardKind::Renaming } else { GuardKind::Leaving };
        let counts = matches!(operation, Operation::Update { .. } | Operation::Suspend { .. } | Operation::Remove | Operation::Release { .. });
        let counted = (counted && counts).then_some(Counted { kind, confirmed });
        change::Step { person: Some(person), operation, counted }
    }
}

prop_compose! {
    fn any_account()(
        id in 1..1000u32, owner in prop::option::of(any_person()), adopted: bool, profile in any_profile(),
        suspension in prop::option::of((any::<bool>(), any_time(), prop::option::of(any_cause()))),
        seats in prop::collection::btree_map(any_name(), (0..4u8, any_reason(), any_time(), any_time(), any::<u32>(), any::<bool>(), any::<bool>()), 0..3),
    ) -> model::Account {
        let seat = |(pool, (state, reason, since, created, rank, approved, ours))| {
            let state = match state {
                0 => model::SeatState::Held,
                1 => model::SeatState::Waiting(reason),
                2 => model::SeatState::Denied,
                _ => model::SeatState::Past(Some(reason).filter(|reason| *reason != WaitReason::NoSeat)),
            };
            Assignment { pool, state, since, created, rank, approved, ours, fallback_for: None, instead_of: vec![] }
        };
        model::Account {
            id: AccountId(id.to_string().into()),
            owner,
            external: None,
            adopted,
            profile,
            suspension: suspension.map(|(by_agent, at, cause)| model::Suspension { by_agent, at, cause }),
            seats: seats.into_iter().map(seat).collect(),
        }
    }
}

fn through_json<T: Serialize + for<'de> Deserialize<'de>>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn a_batch_comes_back_as_it_was_sent(
        steps in prop::collection::vec(any_step(), 0..10), at in any_time(), automatic: bool,
        passed_over in prop::collection::btree_set(any_person(), 0..3), frozen in prop::collection::btree_set(any_name(), 0..3),
    ) {
        let promotion = if automatic { Promotion::Automatic } else { Promotion::Manual };
        let allocation = change::Allocation { promotion, passed_over, frozen };
        let batch = change::Batch { key: "k".to_owned(), at, steps, allocation };
        let sent = through_json(&Batch::of(&batch).unwrap());
        prop_assert_eq!(sent.into_model("k".to_owned()).unwrap(), batch);
    }

    #[test]
    fn an_account_comes_back_as_it_is(account in any_account()) {
        let listed = Listed { account, external: None, invitation: Invitation::None, last_active: None };
        let shown = through_json(&Account::of(&listed, "e".to_owned()));
        prop_assert_eq!(model::Account::try_from(shown).unwrap(), listed.account);
    }
}

fn answer(steps: usize, refused: &[usize]) -> BatchAnswer {
    let refused = refused.iter().map(|&index| Refused { index, code: "conflict".into(), message: "x".into() });
    BatchAnswer {
        steps,
        refused: refused.collect(),
        accounts: vec![],
        removed: vec![],
        pools: vec![],
        version: 1,
        previous: 0,
    }
}

#[test]
fn an_answer_names_the_refused_steps_and_all_others_were_done() {
    let outcomes = answer(3, &[1]).into_model(3).unwrap().outcomes;
    assert_eq!(outcomes[0], Outcome::Done);
    assert!(matches!(&outcomes[1], Outcome::Refused { code, .. } if code == "conflict"));
    assert_eq!(outcomes[2], Outcome::Done);
}

#[test]
fn an_answer_to_something_else_is_not_believed() {
    assert!(answer(2, &[]).into_model(3).is_err());
    assert!(answer(3, &[3]).into_model(3).is_err());
}

#[test]
fn seats_are_not_set_over_the_wire() {
    let operation = Operation::SetSeats { pool: "a".into(), from: None, to: 5 };
    let steps = vec![change::Step { person: None, operation, counted: None }];
    let at = Timestamp::UNIX_EPOCH;
    let batch = change::Batch { key: "k".to_owned(), at, steps, allocation: change::Allocation::default() };
    assert!(Batch::of(&batch).is_err());
    let json = r#"{"do":"set_seats","pool":"a","to":5}"#;
    assert!(serde_json::from_str::<Step>(json).is_err());
}

#[test]
fn a_request_with_a_field_nobody_knows_is_refused_and_an_answer_is_read() {
    let person = r#"{"directory":"corp","anchor":"92adf353-9ff9-459d-b97f-c48e21dadbf8"}"#;
    let step = |more: &str| format!(r#"{{"do":"resume","person":{person}{more}}}"#);
    assert!(serde_json::from_str::<Step>(&step("")).is_ok());
    assert!(serde_json::from_str::<Step>(&step(r#","really":true"#)).is_err());
    assert!(serde_json::from_str::<PoolPatch>(r#"{"seat":5}"#).is_err());
    let lease = r#"{"epoch":1,"others":0,"holder":null,"connector":null,"expires":null,"colour":"blue"}"#;
    assert_eq!(serde_json::from_str::<Lease>(lease).unwrap().epoch, 1);
}

#[test]
fn a_name_is_short_and_printable() {
    assert!(name("pool", "a").is_ok() && name("pool", &"ä".repeat(128)).is_ok());
    for bad in ["", "a\nb", "\u{7f}", &"a".repeat(129)] {
        assert!(name("pool", bad).is_err(), "{bad:?}");
    }
    let nobody = Person { directory: String::new(), anchor: Uuid::nil() };
    assert!(PersonId::try_from(&nobody).is_err(), "unmanaged accounts stand there");
}

#[test]
fn null_takes_away_and_what_is_left_out_stays() {
    let patch: CompanyPatch = serde_json::from_str(r#"{"approved_domains":null}"#).unwrap();
    assert_eq!((patch.approved_domains, patch.renewal), (Some(None), None));
    let patch: CompanyPatch = serde_json::from_str(r#"{"approved_domains":["x@y"]}"#).unwrap();
    assert!(patch.check().is_err());
}

#[test]
fn decisions_name_one_account_in_one_way() {
    let post = |text: &str| {
        let post: DecisionPost = serde_json::from_str(text).unwrap();
        crate::ledger::operations::decisions::Ruling::try_from(post)
    };
    assert!(post(r#"{"account":"1","verdict":"approve"}"#).is_ok());
    assert!(post(r#"{"verdict":"approve"}"#).is_err());
    let both = r#"{"account":"1","person":{"directory":"a","anchor":"92adf353-9ff9-459d-b97f-c48e21dadbf8"},"verdict":"deny"}"#;
    assert!(post(both).is_err());
}
