//! Tiers, renewals and the lease.

use super::super::company::{Claimant, Company as Settings, Every, Keeper, Lease, Policy, Renewal, Tier};
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

fn keeper(connector: &str) -> Keeper {
    Keeper { connector: connector.into(), holder: None, instance: None }
}

#[test]
fn an_epoch_is_given_once_and_an_older_one_is_refused() {
    let mut lease = Lease::default();
    assert!(lease.check("main", 0).is_err(), "nobody has it yet");
    lease.take(agent("dc01", None), at(60), at(0)).unwrap();
    let first = lease.epoch;
    let held = lease.take(agent("dc02", None), at(90), at(59));
    assert_eq!(held, Err(Declined::LeaseHeld { holder: "dc01".into(), since: at(0), expires: at(60) }));
    lease.take(agent("dc01", None), at(90), at(30)).unwrap();
    let second = lease.epoch;
    assert!(second > first, "a restarted holder fences what it was before");
    lease.take(agent("dc02", None), at(150), at(90)).unwrap();
    let latest = lease.epoch;
    assert_eq!(lease.check("main", second), Err(Declined::StaleEpoch { latest }));
    assert_eq!(lease.check("main", latest), Ok(()));
    assert!(lease.check("main", latest + 1).is_err());
    lease.take(agent("dc02", None), at(150), at(0)).unwrap();
    assert_eq!(lease.epoch, latest + 1, "also where the clock was set back");
}

#[test]
fn a_lease_that_was_restored_from_a_backup_gives_no_epoch_anew() {
    let mut lease = Lease::default();
    lease.take(agent("dc01", None), at(60), at(0)).unwrap();
    let backup = lease.clone();
    lease.take(agent("dc01", None), at(90), at(30)).unwrap();
    let mut restored = backup;
    restored.take(agent("dc02", None), at(150), at(90)).unwrap();
    assert_ne!(restored.epoch, lease.epoch);
    assert!(restored.check("main", lease.epoch).is_err(), "the one who had it is fenced");
}

#[test]
fn a_lease_is_renewed_by_the_run_that_took_it_alone_where_it_says_who_it_is() {
    let mut lease = Lease::default();
    lease.take(agent("dc01", Some("a")), at(60), at(0)).unwrap();
    let epoch = lease.epoch;
    let who = |holder: &str, instance: &str| Keeper {
        holder: Some(holder.to_owned()),
        instance: Some(instance.to_owned()),
        ..keeper("main")
    };
    for other in [who("dc02", "a"), who("dc01", "b")] {
        assert_eq!(lease.renew(&other, epoch, at(90)), Err(Declined::StaleEpoch { latest: epoch }));
    }
    lease.renew(&who("dc01", "a"), epoch, at(90)).unwrap();
    lease.renew(&keeper("main"), epoch, at(95)).unwrap();
}

#[test]
fn two_that_call_themselves_the_same_never_have_the_lease_together() {
    let mut lease = Lease::default();
    lease.take(agent("dc01", Some("a")), at(15), at(0)).unwrap();
    let copy = lease.take(agent("dc01", Some("b")), at(25), at(10));
    assert_eq!(copy, Err(Declined::LeaseHeld { holder: "dc01".into(), since: at(0), expires: at(15) }));
    lease.take(agent("dc01", Some("a")), at(25), at(10)).unwrap();
    lease.take(agent("dc01", Some("b")), at(40), at(25)).unwrap();
    assert_eq!(lease.others, 0, "a restart is nobody else");
    lease.give_back("main", lease.epoch).unwrap();
    lease.take(agent("dc01", Some("c")), at(45), at(30)).unwrap();
}

#[test]
fn an_epoch_is_good_for_the_connector_it_was_given_to() {
    let mut lease = Lease::default();
    lease.take(agent("dc01", None), at(60), at(0)).unwrap();
    let epoch = lease.epoch;
    assert_eq!(lease.check("other", epoch), Err(Declined::StaleEpoch { latest: epoch }));
    assert!(lease.renew(&keeper("other"), epoch, at(90)).is_err() && lease.give_back("other", epoch).is_err());
    assert_eq!((lease.check("main", epoch), lease.is_latest(epoch)), (Ok(()), Ok(())));
}

#[test]
fn a_lease_that_ran_out_is_renewed_as_long_as_nobody_took_it() {
    let mut lease = Lease::default();
    lease.take(agent("dc01", None), at(60), at(0)).unwrap();
    let first = lease.epoch;
    lease.renew(&keeper("main"), first, at(500)).unwrap();
    lease.take(agent("dc02", None), at(600), at(501)).unwrap();
    let second = lease.epoch;
    assert!(lease.renew(&keeper("main"), first, at(700)).is_err());
    lease.give_back("main", second).unwrap();
    assert!(lease.renew(&keeper("main"), second, at(700)).is_err(), "what was given back is taken anew");
    lease.take(agent("dc01", None), at(700), at(502)).unwrap();
    assert!(lease.epoch > second);
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
