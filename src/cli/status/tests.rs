use super::*;
use crate::model::report::{Awaited, BackendStatus, ChangeCounts, DirectoryStatus, ReadingRow, SyncReport};
use crate::model::snapshot::Kind;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn before_the_first_cycle() -> StatusReport {
    StatusReport {
        agent: "dc01".to_owned(),
        version: "0.1.0".to_owned(),
        running: false,
        last_cycle: None,
        next_cycle: None,
        pools: Vec::new(),
        held: None,
        fingerprint: None,
        confirmations: Vec::new(),
        backend: None,
        directories: Vec::new(),
        standby: None,
        cannot_start: Vec::new(),
        full_disks: Vec::new(),
        failing: None,
        silent_since: None,
        page_problem: None,
        config_problem: None,
        reading: Vec::new(),
        awaited: None,
        other_state: None,
        dry_run: false,
    }
}

fn running() -> StatusReport {
    let cycle = SyncReport {
        cycle: 7,
        outcome: CycleOutcome::Ok,
        directories: Vec::new(),
        changes: ChangeCounts::default(),
        pools: Vec::new(),
        held: None,
        fingerprint: None,
        problems: Vec::new(),
        seconds: 0.4,
        started: at("2026-01-01T00:00:00Z"),
        granted: Vec::new(),
        waiting: Vec::new(),
        lost: Vec::new(),
        elsewhere: Vec::new(),
        standby: None,
        would: None,
    };
    StatusReport {
        running: true,
        last_cycle: Some(cycle),
        next_cycle: Some(at("2026-01-01T00:05:00Z")),
        pools: vec![PoolRow { name: "standard".into(), seats: 50, held: 50, waiting: 10, free: 0 }],
        backend: Some(BackendStatus { kind: "embedded".to_owned(), reachable: Some(true), problem: None }),
        directories: vec![DirectoryStatus {
            name: "corp".into(),
            kind: Some(Kind::OpenLdap),
            server: Some("ldaps://ldap.corp.example".to_owned()),
            watermark: None,
            reachable: Some(true),
            problem: None,
        }],
        ..before_the_first_cycle()
    }
}

#[test]
fn a_saved_config_that_is_refused_is_told_with_the_agents_own_reason() {
    let config_problem = Some("no reload takes backend.company = \"b\"; restart the agent".to_owned());
    let said = rendered(&StatusReport { config_problem, ..running() });
    let told = "the config that was saved is refused, and the one before is in force: no reload takes backend.company";
    assert!(said.contains(told), "{said}");
    assert!(said.contains("look at it") && !said.contains("seatsync check"), "{said}");
}

fn rendered(report: &StatusReport) -> String {
    let mut page = Page::default();
    render(report, at("2026-01-01T00:01:00Z"), &mut page);
    page.plain()
}

#[test]
fn it_shows_the_agent_its_cycles_the_servers_and_the_pools() {
    let expected = "\
dc01, seatsync 0.1.0
  agent        running
  last cycle   7, 60 s ago: ok, took 0.4 s
  next cycle   2026-01-01 00:05:00 UTC, in 4 min
  backend      embedded, reachable: yes

DIRECTORY  KIND      SERVER                     REACHABLE  WATERMARK
corp       openldap  ldaps://ldap.corp.example  yes        -

POOL      SEATS  HELD  WAITING  FREE
standard     50    50       10     0

ok: 10 places in queues
";
    assert_eq!(rendered(&running()), expected);
}

#[test]
fn before_the_first_cycle_it_says_how_to_begin_and_the_json_has_nulls() {
    let report = before_the_first_cycle();
    let text = rendered(&report);
    assert!(text.contains("last cycle   none yet") && text.ends_with("`seatsync sync` does the first\n"), "{text}");
    let value = serde_json::to_value(&report).unwrap();
    for key in ["last_cycle", "next_cycle", "held", "fingerprint", "backend"] {
        assert!(value.get(key).is_some_and(serde_json::Value::is_null), "{key}");
    }
}

#[test]
fn the_json_has_every_key_of_the_contract() {
    let value = serde_json::to_value(running()).unwrap();
    let keys = [
        "agent",
        "version",
        "running",
        "last_cycle",
        "next_cycle",
        "pools",
        "held",
        "fingerprint",
        "backend",
        "directories",
    ];
    assert!(keys.iter().all(|key| value.get(key).is_some()), "{value}");
    assert_eq!(value["backend"], serde_json::json!({"kind": "embedded", "reachable": true, "problem": null}));
    let keys = ["name", "kind", "server", "watermark", "reachable"];
    assert!(keys.iter().all(|key| value["directories"][0].get(key).is_some()), "{value}");
    assert_eq!(value["next_cycle"], "2026-01-01T00:05:00Z");
}

#[test]
fn an_agent_that_stands_by_says_so_whatever_its_last_cycle_was() {
    let standby = crate::model::lease::Standby {
        holder: "dc02/1f3a9c2e".to_owned(),
        since: Some(at("2026-01-01T00:00:15Z")),
        expires: at("2026-01-01T00:01:15Z"),
        copy: false,
    };
    let said = rendered(&StatusReport { standby: Some(standby.clone()), ..running() });
    assert!(said.contains("standby") && said.contains("dc02/1f3a9c2e works for the company"), "{said}");
    let copy = crate::model::lease::Standby { copy: true, ..standby };
    let said = rendered(&StatusReport { standby: Some(copy), ..running() });
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["this one's identity, dc02/1f3a9c2e,", "since 2026-01-01 00:00:15 UTC", "delete state.db"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_confirmation_that_holds_is_shown_with_what_it_lets_through_and_until_when() {
    let mut report = running();
    report.confirmations = vec![ConfirmationRow {
        fingerprint: "3f9a".to_owned(),
        leaving: 5,
        renaming: 1,
        scope: 0,
        expires: at("2026-01-02T00:01:00Z"),
    }];
    let expected = "
Confirmed, and not carried out yet
  - 3f9a: 5 changes leaving, 1 change renamed may pass until 2026-01-02 00:01:00 UTC (in 24 h)
  if it is wrong after all: mend the directory or the config before the next cycle, and nobody loses anything
";
    assert!(rendered(&report).contains(expected), "{}", rendered(&report));
}

#[test]
fn what_is_confirmed_is_not_asked_to_be_confirmed_again() {
    use crate::model::report::{HeldKind, HeldRow};
    let mut report = running();
    report.fingerprint = Some("3f9a".to_owned());
    report.held = Some(vec![HeldRow {
        directory: "corp".into(),
        kind: HeldKind::Leaving,
        count: 5,
        recent: 0,
        of: 20,
        limit: 3,
        old: None,
        new: None,
        dn: None,
    }]);
    assert!(rendered(&report).contains("if this is right: seatsync confirm 3f9a"), "{}", rendered(&report));
    report.confirmations = vec![ConfirmationRow {
        fingerprint: "3f9a".to_owned(),
        leaving: 5,
        renaming: 0,
        scope: 0,
        expires: at("2026-01-02T00:01:00Z"),
    }];
    let text = rendered(&report);
    assert!(!text.contains("if this is right") && text.contains("if it is wrong after all"), "{text}");
}

#[test]
fn it_says_how_many_entries_are_quarantined_and_where_to_see_why() {
    let mut report = running();
    let directory = crate::model::report::DirectoryReport {
        name: "corp".into(),
        mode: crate::model::report::ReadMode::Full,
        complete: true,
        entries: 9,
        users: 9,
        quarantined: 2,
        foreign: 0,
        dangling: 0,
        seconds: 0.1,
        problem: None,
    };
    if let Some(cycle) = &mut report.last_cycle {
        cycle.directories = vec![directory];
    }
    let text = rendered(&report);
    assert!(text.contains("2 entries are quarantined: `seatsync users --state quarantined` says why."), "{text}");
}

#[test]
fn seats_that_are_free_while_people_wait_are_not_passed_over_in_silence() {
    let mut report = running();
    report.pools[0].free = 2;
    let text = rendered(&report);
    assert!(text.contains("standard has 2 free seats while 10 wait: `seatsync pending` says for what."), "{text}");
}

#[test]
fn after_a_cycle_that_did_not_read_everything_it_says_what_to_run_next() {
    let mut report = running();
    let next = "next: mend what is named above; `seatsync check --connect`";
    assert!(!rendered(&report).contains(next));
    for outcome in [CycleOutcome::Partial, CycleOutcome::Failed] {
        report.last_cycle.as_mut().unwrap().outcome = outcome;
        assert!(rendered(&report).contains(next), "{}", rendered(&report));
    }
}

#[test]
fn a_full_disk_is_told_before_all_though_the_last_cycle_written_down_was_well() {
    let full = "the disk of the state is full (/var/lib/seatsync)".to_owned();
    let said = rendered(&StatusReport { full_disks: vec![full.clone()], ..running() });
    assert!(said.contains(&format!("{full}.\n  nobody loses anything meanwhile")), "{said}");
    assert!(said.contains("\nnot well: nothing can be written down; 10 places in queues"), "{said}");
}

#[test]
fn cycles_that_fail_and_cannot_be_written_down_are_told_before_all() {
    let failing = Some(Failing { since: at("2026-01-01T00:01:00Z"), problem: "writing state.db: no room".to_owned() });
    let said = rendered(&StatusReport { failing, ..running() });
    assert!(said.contains("(the last that could be written down)"), "{said}");
    assert!(said.contains("each cycle fails, and cannot be written down: writing state.db: no room"), "{said}");
    assert!(said.contains("not well: cycles fail, and cannot be written down"), "{said}");
    let silent = StatusReport { silent_since: Some(at("2026-01-01T00:00:00Z")), ..running() };
    let said = rendered(&silent);
    assert!(said.contains("it cannot write to its state, or hangs. Its log says why."), "{said}");
    assert!(said.contains("not well: the agent gives no sign of life"), "{said}");
}

#[test]
fn a_directory_from_which_nothing_comes_is_told_beside_what_is_held_back() {
    let now = at("2026-01-01T00:00:42Z");
    let row = ReadingRow {
        name: "corp".into(),
        since: at("2026-01-01T00:00:00Z"),
        entries: 0,
        heard: at("2026-01-01T00:00:00Z"),
    };
    let report = StatusReport { reading: vec![row], held: Some(Vec::new()), ..running() };
    let mut page = Page::default();
    render(&report, now, &mut page);
    let said = page.plain();
    let reading = "reading corp for 42 s, and nothing has come yet";
    assert!(said.contains(&format!("look at it: {reading}; changes wait for a person")), "{said}");
    let awaited = Some(Awaited { whom: "the ledger at h".to_owned(), since: at("2026-01-01T00:00:00Z") });
    let mut page = Page::default();
    render(&StatusReport { awaited, ..running() }, now, &mut page);
    let said = page.plain();
    assert!(said.contains("look at it: waiting for the ledger at h for 42 s; "), "{said}");
    let first = StatusReport { running: true, ..before_the_first_cycle() };
    assert!(rendered(&first).contains("no cycle yet; the agent makes the first now"));
}

#[test]
fn a_dry_run_is_told_with_what_the_last_cycle_would_have_done() {
    let mut report = running();
    assert!(!rendered(&report).contains("dry run"));
    report.dry_run = true;
    let text = rendered(&report);
    assert!(text.contains("dry run      no cycle changes anything (agent.dry_run)\n"), "{text}");
    if let Some(cycle) = &mut report.last_cycle {
        cycle.would = Some(ChangeCounts { provisioned: 3, ..ChangeCounts::default() });
    }
    let text = rendered(&report);
    assert!(text.contains("(agent.dry_run); the last one changed nothing; without it: 3 provisioned\n"), "{text}");
    assert!(text.contains("what it would do, and why: seatsync plan") && text.contains("ok: a dry run; 10"), "{text}");
    report.dry_run = false;
    let text = rendered(&report);
    assert!(text.contains("dry run      the last one changed nothing; without it: 3 provisioned. The next"), "{text}");
}
