use super::*;
use crate::model::report::{ChangeKind, CycleOutcome, HeldKind, HeldRow, PoolRow, QuarantinedRow, WaitingRow};
use crate::model::{Defect, WaitReason};

const CONTEXT: Context<'_> = Context { promotion: Promotion::Manual, what_if: &[] };

fn row(change: ChangeKind, user_name: &str) -> PlanRow {
    PlanRow {
        change,
        directory: "corp".into(),
        anchor: None,
        user_name: Some(user_name.to_owned()),
        display_name: None,
        email: Some(format!("{user_name}@x.example")),
        pool: Some("standard".into()),
        from_pool: None,
        reason: None,
        position: None,
        held: false,
        fields: std::collections::BTreeMap::new(),
    }
}

fn report() -> PlanReport {
    let mut waits = row(ChangeKind::Wait, "grace");
    (waits.position, waits.reason) = (Some(1), Some("no_seat".to_owned()));
    let mut moves = row(ChangeKind::Move, "mover");
    (moves.from_pool, moves.pool) = (Some("standard".into()), Some("advanced".into()));
    let mut renamed = row(ChangeKind::Update, "new");
    renamed.pool = None;
    renamed.fields.insert("email".to_owned(), (Some("old@x.example".to_owned()), Some("new@x.example".to_owned())));
    let mut leaves = row(ChangeKind::Suspend, "leaver");
    (leaves.reason, leaves.held) = (Some("disabled".to_owned()), true);
    PlanReport {
        outcome: CycleOutcome::Held,
        fingerprint: Some("3f9a".to_owned()),
        held: Some(vec![HeldRow {
            directory: "corp".into(),
            kind: HeldKind::Leaving,
            count: 1,
            recent: 0,
            of: 1,
            limit: 0,
            old: None,
            new: None,
            dn: None,
        }]),
        changes: vec![row(ChangeKind::Provision, "ada"), waits, moves, renamed, leaves],
        waiting: vec![WaitingRow {
            anchor: None,
            user_name: "grace".to_owned(),
            display_name: Some("Grace".to_owned()),
            email: "grace@x.example".to_owned(),
            pool: "standard".into(),
            position: 1,
            reason: WaitReason::NoSeat,
            since: "2026-01-01T00:00:00Z".parse().unwrap(),
            approved: false,
            passed_over: false,
            stopped: None,
        }],
        pools: vec![PoolRow { name: "standard".into(), seats: 2, held: 3, waiting: 1, free: 0 }],
        quarantined: Vec::new(),
        directories: Vec::new(),
        problems: Vec::new(),
        seconds: 0.2,
    }
}

#[test]
fn a_plan_shows_every_change_the_queue_the_pools_and_the_way_out() {
    let mut page = Page::default();
    render(&report(), CONTEXT, &mut page);
    let expected = "\
Changes
CHANGE     WHO     USER NAME  POOL                  PLACE  WHY
provision  ada     ada        standard                  -  -
wait       grace   grace      standard                  1  no free seat
move       mover   mover      standard -> advanced      -  -
update     new     new        -                         -  email: old@x.example -> new@x.example
suspend    leaver  leaver     standard                  -  disabled in the directory; held back

Waiting
POOL      PLACE  WHO    USER NAME  REASON
standard      1  Grace  grace      no free seat

POOL      SEATS  HELD  WAITING  FREE
standard      2     3        1     0
standard holds 1 seat more than were bought: nobody gets one until they fit.

Held back until confirmed; so far nobody has lost anything by it
  - corp: 1 of 1 person would lose their seat or account; the limit is 0.
  look at it: seatsync plan
  if this is right: seatsync confirm 3f9a
  if it is wrong: mend the directory or the config; what is right again is held back no more

held back: 5 changes, 1 place in a queue, 1 held back; nothing was changed (0.2 s)
";
    assert_eq!(page.plain(), expected);
}

#[test]
fn an_empty_plan_says_so() {
    let nothing = PlanReport {
        outcome: CycleOutcome::Ok,
        fingerprint: None,
        held: None,
        changes: Vec::new(),
        waiting: Vec::new(),
        pools: Vec::new(),
        quarantined: Vec::new(),
        directories: Vec::new(),
        problems: Vec::new(),
        seconds: 0.1,
    };
    let mut page = Page::default();
    render(&nothing, CONTEXT, &mut page);
    let expected = "ok: nothing to do, 0 places in queues, nothing would be held back; nothing was changed (0.1 s)\n";
    assert_eq!(page.plain(), expected);
}

#[test]
fn a_scope_object_that_was_replaced_is_named_with_both_anchors() {
    let old: crate::model::Anchor = "92adf353-9ff9-459d-b97f-c48e21dadbf8".parse().unwrap();
    let new: crate::model::Anchor = "5b1d2c44-7a0e-4c58-9d0f-0b6f1f1e9a10".parse().unwrap();
    let mut held = report();
    for row in held.held.iter_mut().flatten() {
        (row.kind, row.old, row.new) = (HeldKind::Scope, Some(old), Some(new));
        row.dn = Some("cn=staff,dc=x".to_owned());
    }
    let mut page = Page::default();
    render(&held, CONTEXT, &mut page);
    let text = page.plain();
    let expected =
        format!("corp: the base or group cn=staff,dc=x ({old}) is gone, and another one, {new}, has its name.");
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn the_json_has_every_key_of_the_contract() {
    let value = serde_json::to_value(report()).unwrap();
    for key in ["outcome", "fingerprint", "held", "changes", "waiting", "pools"] {
        assert!(value.get(key).is_some(), "{key}");
    }
    let change = &value["changes"][3];
    let keys =
        ["change", "directory", "anchor", "user_name", "email", "pool", "from_pool", "reason", "position", "held"];
    assert!(keys.iter().all(|key| change.get(key).is_some()), "{change}");
    assert_eq!(change["fields"], serde_json::json!({"email": ["old@x.example", "new@x.example"]}));
    let waiting = &value["waiting"][0];
    let keys = ["anchor", "user_name", "pool", "position", "reason", "since"];
    assert!(keys.iter().all(|key| waiting.get(key).is_some()), "{waiting}");
    assert_eq!(waiting["reason"], "no_seat");
    let held = &value["held"][0];
    let keys = ["directory", "kind", "count", "recent", "of", "limit", "old", "new"];
    assert!(keys.iter().all(|key| held.get(key).is_some()), "{held}");
}

#[test]
fn who_is_quarantined_is_listed_with_the_reason_and_the_entry_is_named_once() {
    let row = |dn: &str, message: &str| QuarantinedRow {
        directory: "corp".into(),
        anchor: None,
        dn: Some(dn.to_owned()),
        attribute: "mail".to_owned(),
        reason: Defect::Missing,
        message: message.to_owned(),
    };
    let rows = [row("uid=a", "mail of uid=a (1) has no value"), row("uid=b", "email \"x\" is also that of uid=c")];
    let mut quarantined = report();
    quarantined.quarantined = rows.to_vec();
    let mut page = Page::default();
    render(&quarantined, CONTEXT, &mut page);
    let expected = "\
Quarantined: they keep what they have and get nothing new until the entry is mended
  - mail of uid=a (1) has no value
  - uid=b: email \"x\" is also that of uid=c

Changes
";
    assert!(page.plain().starts_with(expected), "{}", page.plain());
}

#[test]
fn with_more_seats_to_try_the_plan_says_whom_approval_would_reach() {
    let mut larger = report();
    (larger.held, larger.fingerprint) = (None, None);
    larger.pools[0] = PoolRow { name: "standard".into(), seats: 9, held: 3, waiting: 1, free: 6 };
    let mut page = Page::default();
    render(&larger, Context { what_if: &["standard".into()], ..CONTEXT }, &mut page);
    let text = page.plain();
    assert!(text.contains("standard      1  Grace  grace      seat free, awaits approval\n"), "{text}");
    let expected = "standard: with these seats, approval would reach the first 1 person marked above.\n  \
                    once they are bought: seatsync pending approve --next 1 --pool standard\n";
    assert!(text.contains(expected), "{text}");
}
