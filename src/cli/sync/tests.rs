use super::*;
use crate::model::WaitReason;
use crate::model::report::{
    ChangeCounts, DirectoryReport, HeldKind, HeldRow, PoolRow, ProblemRow, ReadMode, WaitingRow,
};

fn report() -> SyncReport {
    SyncReport {
        cycle: 1,
        outcome: CycleOutcome::Ok,
        directories: vec![DirectoryReport {
            name: "demo".into(),
            mode: ReadMode::Full,
            complete: true,
            entries: 1_062,
            users: 3,
            quarantined: 0,
            foreign: 0,
            dangling: 1,
            seconds: 0.12,
            problem: None,
        }],
        changes: ChangeCounts { provisioned: 2, waiting: 1, ..ChangeCounts::default() },
        pools: vec![PoolRow { name: "standard".into(), seats: 2, held: 2, waiting: 1, free: 0 }],
        held: None,
        fingerprint: None,
        problems: Vec::new(),
        seconds: 0.41,
        started: "2026-01-01T00:00:00Z".parse().unwrap(),
        granted: vec![granted_row("ada", Some("Ada Lovelace")), granted_row("yamada", Some("山田 太郎"))],
        waiting: vec![waiting_row("grace", 1)],
        lost: Vec::new(),
        elsewhere: Vec::new(),
        standby: None,
        would: None,
    }
}

fn granted_row(user_name: &str, display_name: Option<&str>) -> GrantedRow {
    GrantedRow {
        anchor: None,
        user_name: user_name.to_owned(),
        display_name: display_name.map(str::to_owned),
        email: format!("{user_name}@x.example"),
        pool: "standard".into(),
    }
}

fn waiting_row(user_name: &str, position: u64) -> WaitingRow {
    WaitingRow {
        anchor: None,
        user_name: user_name.to_owned(),
        display_name: None,
        email: format!("{user_name}@x.example"),
        pool: "standard".into(),
        position,
        reason: WaitReason::NoSeat,
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
        approved: false,
        passed_over: false,
        stopped: None,
    }
}

fn rendered(report: &SyncReport, brief: bool) -> String {
    let mut page = Page::default();
    render(report, brief, Promotion::Manual, &mut page);
    page.plain()
}

#[test]
fn a_report_says_who_got_a_seat_and_who_waits_at_which_place() {
    let expected = "\
Cycle 1

DIRECTORY  READ  ENTRIES  PEOPLE  QUARANTINED  FOREIGN  DANGLING   TIME
demo       full    1,062       3            0        0         1  0.1 s

Got a seat
POOL      WHO           USER NAME  MAIL
standard  Ada Lovelace  ada        ada@x.example
standard  山田 太郎     yamada     yamada@x.example

Waiting
POOL      PLACE  WHO    USER NAME  REASON
standard      1  grace  grace      no free seat

POOL      SEATS  HELD  WAITING  FREE
standard      2     2        1     0

Changes: 2 provisioned, 1 began to wait

ok: 2 got a seat, 1 waits, nothing held back (0.4 s)
";
    assert_eq!(rendered(&report(), false), expected);
}

#[test]
fn who_lost_a_seat_is_listed_with_the_cause() {
    let row = |user_name: &str, cause: Option<&str>| LostRow {
        anchor: None,
        user_name: user_name.to_owned(),
        display_name: None,
        email: format!("{user_name}@x.example"),
        pool: "standard".into(),
        cause: cause.map(str::to_owned),
    };
    let mut less = report();
    less.lost = vec![row("bob", Some("deleted")), row("cleo", None)];
    let expected = "
Lost a seat
POOL      WHO   USER NAME  WHY
standard  bob   bob        deleted from the directory
standard  cleo  cleo       the pool takes this person no more

Waiting
";
    let text = rendered(&less, false);
    assert!(text.contains(expected), "{text}");
    assert!(text.ends_with("ok: 2 got a seat, 2 lost one, 1 waits, nothing held back (0.4 s)\n"), "{text}");
}

#[test]
fn what_is_held_back_comes_with_numbers_limit_and_command() {
    let mut held = report();
    held.outcome = CycleOutcome::Held;
    held.changes = ChangeCounts { held: 25, ..ChangeCounts::default() };
    held.granted.clear();
    held.fingerprint = Some("3f9a1c".to_owned());
    held.held = Some(vec![HeldRow {
        directory: "demo".into(),
        kind: HeldKind::Leaving,
        count: 25,
        recent: 4,
        of: 60,
        limit: 6,
        old: None,
        new: None,
        dn: None,
    }]);
    let expected = "\
Held back until confirmed; so far nobody has lost anything by it
  - demo: 25 of 60 people would lose their seat or account, and 4 did so already within the guard's window; the limit is 6.
  look at it: seatsync plan
  if this is right: seatsync confirm 3f9a1c
  if it is wrong: mend the directory or the config; what is right again is held back no more

held back: 0 got a seat, 1 waits, 25 people held back (0.4 s)
";
    assert_eq!(rendered(&held, true), expected);
}

#[test]
fn refusals_show_three_and_how_many_more() {
    let mut failed = report();
    failed.outcome = CycleOutcome::SomeFailed;
    let problem = |number: u32| ProblemRow {
        pool: Some("standard".into()),
        ..ProblemRow::general("refused", format!("number {number}"))
    };
    failed.problems = (1..=3).map(problem).collect();
    assert!(!rendered(&failed, true).contains("more"), "{}", rendered(&failed, true));
    failed.problems = (1..=5).map(problem).collect();
    let expected = "\
Failed
  - number 1 (refused, pool standard)
  - number 2 (refused, pool standard)
  - number 3 (refused, pool standard)
and 2 more (--json lists them all)

some failed: 2 got a seat, 1 waits, nothing held back (0.4 s)
";
    assert_eq!(rendered(&failed, true), expected);
}

#[test]
fn a_hundred_people_are_shown_and_the_rest_is_counted() {
    let mut large = report();
    large.waiting = (1..=100).map(|place| waiting_row(&format!("user{place}"), place)).collect();
    assert!(!rendered(&large, false).contains("more"));
    large.waiting = (1..=1_101).map(|place| waiting_row(&format!("user{place}"), place)).collect();
    let text = rendered(&large, false);
    assert!(text.contains("and 1,001 more (seatsync pending)"), "{text}");
    assert!(text.contains("user100 ") && !text.contains("user101 "));
}

#[test]
fn a_partial_read_says_what_was_wrong() {
    let mut partial = report();
    partial.outcome = CycleOutcome::Partial;
    partial.directories[0].complete = false;
    partial.directories[0].problem = Some("page 3 ended with busy (51)".to_owned());
    partial.changes = ChangeCounts::default();
    let text = rendered(&partial, false);
    assert!(text.contains("full, partial") && text.contains("demo: page 3 ended with busy (51)"), "{text}");
    assert!(
        text.contains("Changes: none") && text.contains("  next: mend what is named above; `seatsync check"),
        "{text}"
    );
    assert!(text.ends_with("partial: 2 got a seat, 1 waits, nothing held back (0.4 s)\n"), "{text}");
}

#[test]
fn the_json_has_every_key_of_the_contract() {
    let value = serde_json::to_value(report()).unwrap();
    let keys = ["cycle", "outcome", "directories", "changes", "pools", "held", "fingerprint", "problems", "seconds"];
    assert!(keys.iter().all(|key| value.get(key).is_some()), "{value}");
    assert_eq!(value["outcome"], "ok");
    assert_eq!(value["directories"][0]["mode"], "full");
    assert!(value["held"].is_null() && value["fingerprint"].is_null());
    assert_eq!(serde_json::from_value::<SyncReport>(value).unwrap(), report());
}

#[test]
fn an_agent_that_stands_by_says_who_works_and_nothing_of_a_cycle() {
    let expires = "2026-01-01T00:00:15Z".parse().unwrap();
    let standby =
        crate::model::lease::Standby { holder: "dc02/1f3a9c2e".to_owned(), since: None, expires, copy: false };
    let said = rendered(&SyncReport { outcome: CycleOutcome::Standby, standby: Some(standby), ..report() }, false);
    assert!(said.contains("dc02/1f3a9c2e works for the company") && said.contains("standard"), "{said}");
    assert!(!said.contains("Cycle") && !said.contains("ada"), "{said}");
}

#[test]
fn a_dry_run_says_what_it_would_have_done_and_where_to_see_to_whom() {
    let mut dry = report();
    dry.would = Some(std::mem::take(&mut dry.changes));
    (dry.granted, dry.waiting) = (Vec::new(), Vec::new());
    let expected = "
Changes: none
This is a dry run (agent.dry_run). Without it: 2 provisioned, 1 began to wait
  who, and why: seatsync plan

ok: a dry run, 0 got a seat, 0 wait, nothing held back (0.4 s)
";
    let text = rendered(&dry, false);
    assert!(text.ends_with(expected), "{text}");
    assert!(rendered(&dry, true).ends_with("ok: a dry run, 0 got a seat, 0 wait, nothing held back (0.4 s)\n"));
}
