//! Tiers, renewals and the lease.

use super::super::company::{Claimant, Company as Settings, Every, Lease, Policy, Renewal, Tier, is_approved};
use super::super::declined::Blocker;
use super::*;

fn company(tier: Tier) -> Settings {
    Settings {
        name: "acme".into(),
        tier,
        approved_domains: None,
        allocation: Allocation::default(),
        renewal: None,
        confirmation_mail: true,
        version: 0,
        lease: Lease::default(),
    }
}

fn policy(name: &str, advanced: bool, enabled: bool) -> Policy {
    Policy { name: name.into(), advanced, enabled }
}

#[test]
fn a_tier_is_lowered_once_nothing_of_it_is_in_use_and_raised_at_once() {
    let mut acme = company(Tier::Advanced);
    let policies = [policy("plain", false, true), policy("off", true, false), policy("on", true, true)];
    let Err(Declined::TierBlocked(blockers)) = acme.change_tier(Tier::Standard, &policies, &["main".into()]) else {
        panic!()
    };
    assert_eq!(blockers, [Blocker::Policy("on".into()), Blocker::Connector("main".into())]);
    assert_eq!(acme.tier, Tier::Advanced);
    acme.change_tier(Tier::Standard, &policies[..2], &[]).unwrap();
    assert!(acme.must_be_advanced("connectors").is_err());
    acme.change_tier(Tier::Advanced, &policies, &["main".into()]).unwrap();
    assert!(acme.must_be_advanced("connectors").is_ok());
}

fn agent(holder: &str, instance: Option<&str>) -> Claimant {
    Claimant { connector: "main".into(), holder: holder.to_owned(), instance: instance.map(str::to_owned) }
}

#[test]
fn an_epoch_is_given_once_and_an_older_one_is_refused() {
    let mut lease = Lease::default();
    assert!(lease.check("main", 0).is_err(), "nobody has it yet");
    lease.take(agent("dc01", None), at(60), at(0)).unwrap();
    assert_eq!(lease.epoch, 1);
    let held = lease.take(agent("dc02", None), at(90), at(59));
    assert_eq!(held, Err(Declined::LeaseHeld { holder: "dc01".into(), since: at(0), expires: at(60) }));
    lease.take(agent("dc01", None), at(90), at(30)).unwrap();
    assert_eq!(lease.epoch, 2, "a restarted holder fences what it was before");
    lease.take(agent("dc02", None), at(150), at(90)).unwrap();
    assert_eq!(lease.check("main", 2), Err(Declined::StaleEpoch { latest: 3 }));
    assert_eq!(lease.check("main", 3), Ok(()));
    assert!(lease.check("main", 4).is_err());
}

#[test]
fn two_that_call_themselves_the_same_never_have_the_lease_together() {
    let mut lease = Lease::default();
    lease.take(agent("dc01", Some("a")), at(15), at(0)).unwrap();
    let copy = lease.take(agent("dc01", Some("b")), at(25), at(10));
    assert_eq!(copy, Err(Declined::LeaseHeld { holder: "dc01".into(), since: at(0), expires: at(15) }));
    lease.take(agent("dc01", Some("a")), at(25), at(10)).unwrap();
    lease.take(agent("dc01", Some("b")), at(40), at(25)).unwrap();
    assert_eq!((lease.epoch, lease.others), (3, 0), "a restart is nobody else");
    lease.give_back("main", 3).unwrap();
    lease.take(agent("dc01", Some("c")), at(45), at(30)).unwrap();
}

#[test]
fn an_epoch_is_good_for_the_connector_it_was_given_to() {
    let mut lease = Lease::default();
    lease.take(agent("dc01", None), at(60), at(0)).unwrap();
    assert_eq!(lease.check("other", 1), Err(Declined::StaleEpoch { latest: 1 }));
    assert!(lease.renew("other", 1, at(90)).is_err() && lease.give_back("other", 1).is_err());
    assert_eq!((lease.check("main", 1), lease.is_latest(1)), (Ok(()), Ok(())));
}

#[test]
fn a_lease_that_ran_out_is_renewed_as_long_as_nobody_took_it() {
    let mut lease = Lease::default();
    lease.take(agent("dc01", None), at(60), at(0)).unwrap();
    lease.renew("main", 1, at(500)).unwrap();
    lease.take(agent("dc02", None), at(600), at(501)).unwrap();
    assert!(lease.renew("main", 1, at(700)).is_err());
    lease.give_back("main", 2).unwrap();
    assert!(lease.renew("main", 2, at(700)).is_err(), "what was given back is taken anew");
    lease.take(agent("dc01", None), at(700), at(502)).unwrap();
    assert_eq!(lease.epoch, 3);
}

#[test]
fn renewals_are_counted_from_the_first() {
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let first = time("2026-01-31T12:00:00Z");
    let next = |every, now| Renewal { at: first, every }.next(time(now));
    assert_eq!(next(Some(Every::Month), "2026-01-31T11:59:59Z"), Some(first));
    assert_eq!(next(Some(Every::Month), "2026-01-31T12:00:00Z"), Some(time("2026-02-28T12:00:00Z")));
    assert_eq!(next(Some(Every::Month), "2026-03-01T00:00:00Z"), Some(time("2026-03-31T12:00:00Z")));
    assert_eq!(next(Some(Every::Year), "2030-06-01T00:00:00Z"), Some(time("2031-01-31T12:00:00Z")));
    assert_eq!(next(None, "2026-01-31T11:00:00Z"), Some(first));
    assert_eq!(next(None, "2026-01-31T12:00:00Z"), None);
}

#[test]
fn a_mail_domain_is_compared_whole_and_folded() {
    let domains = ["corp.example".to_owned()];
    assert!(is_approved(&domains, "ann@Corp.Example"));
    assert!(!is_approved(&domains, "ann@evilcorp.example"));
    assert!(!is_approved(&domains, "ann@corp.example.evil"));
    assert!(!is_approved(&domains, "corp.example"));
}
