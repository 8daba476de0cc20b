//! The real binary, with a directory in a file: a confirmation lets through what was meant, and no later accident.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use support::company::{company_of, names, pool};

#[test]
fn what_was_confirmed_and_mended_before_the_next_cycle_is_held_back_another_time() {
    let members = names(20);
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let mut company = company_of(20, &format!("groups = [\"cn=vault,dc=lab,dc=test\"]\n{}", pool(20)));
    let mut sync_with = |count: usize| {
        company.groups.clear();
        company.group("vault", &members[..count]);
        let (code, report) = company.sync();
        let fingerprint = report["fingerprint"].as_str().map(str::to_owned);
        if let Some(fingerprint) = &fingerprint {
            assert_eq!(company.agent.confirm(fingerprint).0, 0);
        }
        (code, company.agent.names("active").len())
    };
    assert_eq!(sync_with(20), (0, 20));
    assert_eq!(sync_with(10), (4, 20));
    assert_eq!(sync_with(20), (0, 20), "confirmed, and mended");
    assert_eq!(sync_with(10), (4, 20), "an accident of the same people");
    assert_eq!(sync_with(10), (0, 10), "confirmed, and meant");
}

#[test]
fn a_scope_group_confirmed_as_gone_and_restored_is_held_back_another_time() {
    let members = names(5);
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let mut company = company_of(5, &format!("groups = [\"cn=vault,dc=lab,dc=test\"]\n{}", pool(5)));
    let mut sync = |is_there: bool| {
        company.groups.clear();
        if is_there {
            company.group("vault", &members);
        }
        let (code, report) = company.sync();
        if let Some(fingerprint) = report["fingerprint"].as_str() {
            assert_eq!(company.agent.confirm(fingerprint).0, 0);
        }
        (code, company.agent.names("active").len())
    };
    assert_eq!(sync(true), (0, 5));
    assert_eq!(sync(false), (1, 5));
    assert_eq!(sync(true), (0, 5), "confirmed, and restored");
    assert_eq!(sync(false), (1, 5), "gone another time");
}
