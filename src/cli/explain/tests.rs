use super::*;
use crate::model::report::{PoolExplained, ScopeExplained, SeatRow, SeatWord};
use crate::model::{AccountState, WaitReason};

fn report() -> ExplainReport {
    ExplainReport {
        user: UserRow {
            anchor: Some("92adf353-9ff9-459d-b97f-c48e21dadbf8".parse().unwrap()),
            directory: Some("corp".into()),
            dn: Some("uid=ada,ou=people,dc=corp".to_owned()),
            user_name: Some("ada".to_owned()),
            email: Some("ada@corp.example".to_owned()),
            display_name: Some("Ada Lovelace".to_owned()),
            state: Some(AccountState::Pending),
            seats: vec![SeatRow {
                pool: "advanced".into(),
                state: SeatWord::Waiting,
                reason: Some(WaitReason::NoSeat),
                since: "2026-01-01T00:00:00Z".parse().unwrap(),
                position: Some(3),
                approved: false,
                why: Some("no free seat".to_owned()),
            }],
            managed: true,
            quarantine: None,
        },
        entry: Some(EntryRow {
            dn: "uid=ada,ou=people,dc=corp".to_owned(),
            directory: "corp".into(),
            server: Some("ldaps://ldap.corp.example".to_owned()),
            read_at: Some("2026-01-02T00:00:00Z".parse().unwrap()),
        }),
        scope: ScopeExplained { in_scope: true, because: vec!["under ou=people,dc=corp".to_owned()] },
        pool: Some(PoolExplained { name: "advanced".into(), because: vec!["member of cn=advanced".to_owned()] }),
        rank: Some(1),
        leaving: Vec::new(),
        decision: "waits at place 3 for a seat of advanced.".to_owned(),
        would_change: vec!["two people ahead get a seat, and one more is free".to_owned()],
    }
}

#[test]
fn it_reads_as_a_chain_of_reasons_that_ends_in_the_decision() {
    let mut page = Page::default();
    render(&report(), &mut page);
    let expected = "\
Ada Lovelace
  user name    ada
  mail         ada@corp.example
  anchor       92adf353-9ff9-459d-b97f-c48e21dadbf8
  account      pending, managed
  entry        uid=ada,ou=people,dc=corp
  directory    corp
  read from    ldaps://ldap.corp.example, 2026-01-02 00:00:00 UTC

In scope, because
  - under ou=people,dc=corp

Pool advanced, because
  - member of cn=advanced
  - rank 1 in the pool's order; 0 comes first

Seats and places
  - advanced: place 3, no free seat; first asked for 2026-01-01 00:00:00 UTC

What would change it
  - two people ahead get a seat, and one more is free

So: waits at place 3 for a seat of advanced.
";
    assert_eq!(page.plain(), expected);
}

#[test]
fn the_json_has_every_key_of_the_contract() {
    let value = serde_json::to_value(report()).unwrap();
    for key in ["user", "entry", "scope", "pool", "rank", "decision", "would_change"] {
        assert!(value.get(key).is_some(), "{key}");
    }
    assert_eq!(value["scope"]["in"], true);
    assert!(["dn", "directory", "server", "read_at"].iter().all(|key| value["entry"].get(key).is_some()));
    let user = &value["user"];
    let keys =
        ["anchor", "directory", "dn", "user_name", "email", "display_name", "state", "seats", "managed", "quarantine"];
    assert!(keys.iter().all(|key| user.get(key).is_some()), "{user}");
    let keys = ["pool", "state", "reason", "since", "position", "approved"];
    assert!(keys.iter().all(|key| user["seats"][0].get(key).is_some()), "{user}");
    assert_eq!(user["seats"][0]["state"], "waiting");
}
