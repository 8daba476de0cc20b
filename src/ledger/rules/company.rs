//! A company: its tier, its lease, what it lets in, and how its pools are settled between batches.

use std::sync::Arc;

use jiff::{Span, Timestamp, ToSpan as _, tz::TimeZone};

use super::declined::{Blocker, Declined};
use crate::model::Name;
use crate::model::change::Allocation;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    Standard,
    /// With connectors and advanced policies.
    Advanced,
}

/// How often a company's subscription is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Every {
    Month,
    Year,
}

/// When a company's subscription is renewed: the first time, and how often from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Renewal {
    pub at: Timestamp,
    pub every: Option<Every>,
}

/// Who among several agents may write. An epoch is given once, by a ledger that was restored from a backup, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// The latest ever given; 0: none.
    pub epoch: u64,
    /// The latest given to another agent than the last one, 0: none. So an agent can tell whether others worked since,
    /// however often it took the lease itself.
    pub others: u64,
    /// Who took it last, whoever has it now.
    pub last: Option<String>,
    pub taken: Option<Taken>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub connector: Name,
    /// Which of the connector's agents, as it calls itself.
    pub holder: String,
    /// Which run of it: a copy of an agent calls itself the same. None: an agent that does not say.
    pub instance: Option<String>,
    pub since: Timestamp,
    pub expires: Timestamp,
}

/// Who asks for the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    pub connector: Name,
    pub holder: String,
    pub instance: Option<String>,
}

/// Who renews the lease, as far as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeper {
    pub connector: Name,
    pub holder: Option<String>,
    pub instance: Option<String>,
}

impl Keeper {
    fn may_be(&self, taken: &Taken) -> bool {
        let holder = self.holder.as_ref().is_none_or(|holder| *holder == taken.holder);
        holder && self.instance.as_ref().is_none_or(|instance| Some(instance) == taken.instance.as_ref())
    }
}

/// What the ledger keeps of a company besides pools and accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    pub name: Name,
    pub tier: Tier,
    /// As `mail_domain` writes them; none: any mail domain.
    pub approved_domains: Option<Arc<[String]>>,
    /// As the connector said last: it holds for what others change until the next batch.
    pub allocation: Allocation,
    pub renewal: Option<Renewal>,
    pub confirmation_mail: bool,
    /// Number of the last event: it grows with every change.
    pub version: u64,
    pub lease: Lease,
}

/// A feature of a product that belongs to a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub name: Name,
    /// Of the tier `advanced` only.
    pub advanced: bool,
    pub enabled: bool,
}

impl Company {
    /// Changes the tier: up at once, down only where nothing of the higher one is in use.
    ///
    /// # Errors
    /// Everything that is in the way.
    pub fn change_tier(&mut self, tier: Tier, policies: &[Policy], connectors: &[Name]) -> Result<(), Declined> {
        if tier == Tier::Standard {
            let enabled = policies.iter().filter(|policy| policy.advanced && policy.enabled);
            let enabled = enabled.map(|policy| Blocker::Policy(policy.name.clone()));
            let blockers: Vec<Blocker> = enabled.chain(connectors.iter().cloned().map(Blocker::Connector)).collect();
            if !blockers.is_empty() {
                return Err(Declined::TierBlocked(blockers));
            }
        }
        self.tier = tier;
        Ok(())
    }

    /// Refuses what the tier does not include.
    ///
    /// # Errors
    /// In the tier `standard`.
    pub fn must_be_advanced(&self, what: &'static str) -> Result<(), Declined> {
        match self.tier {
            Tier::Advanced => Ok(()),
            Tier::Standard => Err(Declined::TierRequired { what }),
        }
    }
}

impl Renewal {
    /// The first renewal after `now`. Counted from the first of all, so that a 31st comes back after a shorter month.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let start = self.at.to_zoned(TimeZone::UTC);
        let after = |count: i32| -> Option<Timestamp> {
            let span: Span = match self.every? {
                Every::Month => count.months(),
                Every::Year => count.years(),
            };
            start.checked_add(span).ok().map(|at| at.timestamp())
        };
        std::iter::once(Some(self.at)).chain((1..).map(after)).map_while(|at| at).find(|at| *at > now)
    }
}

impl Lease {
    /// Gives the lease to an agent, with an epoch of its own.
    ///
    /// # Errors
    /// Where another agent has it.
    pub fn take(&mut self, who: Claimant, expires: Timestamp, now: Timestamp) -> Result<(), Declined> {
        let Claimant { connector, holder, instance } = who;
        let is_another = |taken: &&Taken| {
            (&taken.connector, &taken.holder, &taken.instance) != (&connector, &holder, &instance)
                && taken.expires > now
        };
        if let Some(taken) = self.taken.as_ref().filter(is_another) {
            let Taken { holder, since, expires, .. } = taken.clone();
            return Err(Declined::LeaseHeld { holder, since, expires });
        }
        // Names have no line breaks. A later run of the same agent is nobody else.
        let who = format!("{connector}\n{holder}");
        if self.last.as_ref() != Some(&who) {
            self.others = self.epoch;
            self.last = Some(who);
        }
        self.epoch = self.next(now);
        self.taken = Some(Taken { connector, holder, instance, since: now, expires });
        Ok(())
    }

    /// Milliseconds since 1970, or one more than the latest. A ledger restored from a backup forgot what it gave since, and
    /// must give none of it to somebody else: two agents under one epoch would both write.
    fn next(&self, now: Timestamp) -> u64 {
        u64::try_from(now.as_millisecond()).unwrap_or_default().max(self.epoch.saturating_add(1))
    }

    /// Lets whoever has the latest epoch keep it for longer, also after it ran out. What the keeper says of itself must be
    /// what it said when it took the lease.
    ///
    /// # Errors
    /// Where another took over, or it was given back.
    pub fn renew(&mut self, keeper: &Keeper, epoch: u64, expires: Timestamp) -> Result<(), Declined> {
        self.check(&keeper.connector, epoch)?;
        let latest = self.epoch;
        match self.taken.as_mut().filter(|taken| keeper.may_be(taken)) {
            Some(taken) => {
                taken.expires = expires;
                Ok(())
            }
            None => Err(Declined::StaleEpoch { latest }),
        }
    }

    /// Gives it back; the epoch is not given again.
    ///
    /// # Errors
    /// Where another took over.
    pub fn give_back(&mut self, connector: &str, epoch: u64) -> Result<(), Declined> {
        self.check(connector, epoch)?;
        self.taken = None;
        Ok(())
    }

    /// Takes it away from a connector that is removed: what its agent still has in hand is fenced. Whether it had it.
    pub fn revoke(&mut self, connector: &Name, now: Timestamp) -> bool {
        let had = self.taken.take_if(|taken| taken.connector == *connector).is_some();
        if had {
            self.epoch = self.next(now);
        }
        had
    }

    /// The fence: whoever writes must have the latest epoch.
    ///
    /// # Errors
    /// Where a later one was given, this one never was, or it was given to another connector.
    pub fn check(&self, connector: &str, epoch: u64) -> Result<(), Declined> {
        self.is_latest(epoch)?;
        let owner = self.last.as_deref().and_then(|who| who.split_once('\n'));
        // Before schema 3 nobody noted who took it.
        if owner.is_none_or(|(owner, _)| owner == connector) { Ok(()) } else { Err(self.stale()) }
    }

    /// The same for whoever is no connector, and fences with what it read.
    ///
    /// # Errors
    /// Where a later one was given, or this one never was.
    pub fn is_latest(&self, epoch: u64) -> Result<(), Declined> {
        if epoch == self.epoch && epoch > 0 { Ok(()) } else { Err(self.stale()) }
    }

    const fn stale(&self) -> Declined {
        Declined::StaleEpoch { latest: self.epoch }
    }
}
