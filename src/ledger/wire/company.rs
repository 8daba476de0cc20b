//! A company, its policies, connectors and tokens, and the lease.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Malformed;
use crate::ledger::records;
use crate::ledger::records::Role;
use crate::ledger::rules::company;
use crate::model;
use crate::model::mail_domain;

/// A company's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Company {
    pub name: String,
    pub tier: Tier,
    pub promotion: Promotion,
    /// People with another mail domain wait until approved; in A-labels (IDNA 2008). Null: any domain.
    pub approved_domains: Option<Vec<String>>,
    /// Who gets a seat gets a mail.
    pub confirmation_mail: bool,
    pub renewal: Option<Renewal>,
    pub version: u64,
    pub etag: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    Standard,
    /// With connectors and advanced policies.
    Advanced,
}

/// Who among those waiting may be given a free seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Promotion {
    /// Approved people.
    #[default]
    Manual,
    /// Whoever waits for a seat alone, too.
    Automatic,
}

/// When the company's subscription is renewed: the first time, and how often from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    pub at: Timestamp,
    #[serde(default)]
    pub every: Option<Every>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    Month,
    Year,
}

/// What is left out stays; null takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompanyPatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1)]
    pub approved_domains: Option<Option<Vec<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation_mail: Option<bool>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Renewal>)]
    pub renewal: Option<Option<Renewal>>,
}

/// Tells a null from what is left out.
fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierPut {
    pub tier: Tier,
}

/// A feature of the product that belongs to a tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Policy {
    pub name: String,
    /// Of the tier `advanced` only.
    pub advanced: bool,
    pub enabled: bool,
    pub etag: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyPut {
    pub advanced: bool,
    pub enabled: bool,
}

/// An agent that may write, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Connector {
    pub name: String,
    pub added: Timestamp,
    pub etag: String,
}

/// Nothing is to be said of a connector but its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorPut {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewConnector {
    pub connector: Connector,
    /// Shown this once.
    pub token: String,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    pub id: String,
    pub role: Role,
    pub connector: Option<String>,
    pub label: String,
    pub made: Timestamp,
    /// Null: never.
    pub expires: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenPost {
    pub role: Role,
    /// What it is for, to tell it from others.
    #[schema(min_length = 1, max_length = 128)]
    pub label: String,
    /// Of the role `connector`: which one, and it must be registered.
    #[serde(default)]
    pub connector: Option<String>,
    #[serde(default)]
    pub expires: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    pub id: String,
    /// Shown this once.
    pub token: String,
}

/// Which of several agents may write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lease {
    /// The latest ever given; 0: none.
    pub epoch: u64,
    /// The latest given to another agent than the one that took it last; 0: none.
    pub others: u64,
    pub holder: Option<String>,
    /// Which run of the holder, where it said so.
    #[serde(default)]
    pub instance: Option<String>,
    pub connector: Option<String>,
    #[serde(default)]
    pub since: Option<Timestamp>,
    pub expires: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseTake {
    /// Which of the connector's agents, as it calls itself.
    #[schema(min_length = 1, max_length = 128)]
    pub holder: String,
    /// Which run of it: another one of the same holder is refused as long as the lease holds. Left out: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub instance: Option<String>,
    #[schema(minimum = 10, maximum = 3600)]
    pub seconds: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseRenew {
    #[schema(minimum = 10, maximum = 3600)]
    pub seconds: u32,
    /// As the lease was taken with. Left out: whoever has the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub holder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub instance: Option<String>,
}

impl Company {
    #[must_use]
    pub fn of(company: &company::Company, etag: String) -> Self {
        Self {
            name: company.name.to_string(),
            tier: company.tier.into(),
            promotion: company.allocation.promotion.into(),
            approved_domains: company.approved_domains.as_deref().map(<[String]>::to_vec),
            confirmation_mail: company.confirmation_mail,
            renewal: company.renewal.map(|renewal| Renewal {
                at: renewal.at,
                every: renewal.every.map(|every| match every {
                    company::Every::Month => Every::Month,
                    company::Every::Year => Every::Year,
                }),
            }),
            version: company.version,
            etag,
        }
    }
}

impl CompanyPatch {
    /// Refuses mail domains that are none, and a list of none.
    ///
    /// # Errors
    /// The first of them.
    pub fn check(&self) -> Result<(), Malformed> {
        let Some(Some(domains)) = &self.approved_domains else { return Ok(()) };
        if domains.is_empty() {
            let said =
                "names no mail domain: null allows every domain; to let in nobody unasked, let an approver decide";
            return Err(Malformed::new("approved_domains", said));
        }
        match domains.iter().find(|domain| mail_domain::canonical(domain).is_none()) {
            Some(domain) => Err(Malformed::new("approved_domains", format!("has {domain:?}, which is no mail domain"))),
            None => Ok(()),
        }
    }

    /// Makes the changes.
    pub fn apply(self, company: &mut company::Company) {
        if let Some(promotion) = self.promotion {
            company.allocation.promotion = promotion.into();
        }
        if let Some(domains) = self.approved_domains {
            let canonical = |list: Vec<String>| list.iter().filter_map(|one| mail_domain::canonical(one)).collect();
            company.approved_domains = domains.map(canonical);
        }
        company.confirmation_mail = self.confirmation_mail.unwrap_or(company.confirmation_mail);
        if let Some(renewal) = self.renewal {
            company.renewal = renewal.map(|renewal| company::Renewal {
                at: renewal.at,
                every: renewal.every.map(|every| match every {
                    Every::Month => company::Every::Month,
                    Every::Year => company::Every::Year,
                }),
            });
        }
    }
}

impl Policy {
    #[must_use]
    pub fn of(policy: &company::Policy, etag: String) -> Self {
        Self { name: policy.name.to_string(), advanced: policy.advanced, enabled: policy.enabled, etag }
    }
}

impl Connector {
    #[must_use]
    pub fn of(connector: &records::Connector, etag: String) -> Self {
        Self { name: connector.name.to_string(), added: connector.added, etag }
    }
}

impl From<records::Token> for Token {
    fn from(token: records::Token) -> Self {
        Self {
            id: token.id,
            role: token.role,
            connector: token.connector.map(|name| name.to_string()),
            label: token.label,
            made: token.made,
            expires: token.expires,
        }
    }
}

impl Lease {
    /// Whether it is the one that this run of this holder took: a ledger that was restored from a backup may have given the
    /// epoch to another.
    #[must_use]
    pub fn is_of(&self, epoch: u64, holder: &str, instance: &str) -> bool {
        let is_us = |named: &Option<String>, us: &str| named.as_ref().is_none_or(|named| named == us);
        self.epoch == epoch && is_us(&self.holder, holder) && is_us(&self.instance, instance)
    }
}

impl From<&company::Lease> for Lease {
    fn from(lease: &company::Lease) -> Self {
        let taken = lease.taken.as_ref();
        Self {
            epoch: lease.epoch,
            others: lease.others,
            holder: taken.map(|taken| taken.holder.clone()),
            instance: taken.and_then(|taken| taken.instance.clone()),
            connector: taken.map(|taken| taken.connector.to_string()),
            since: taken.map(|taken| taken.since),
            expires: taken.map(|taken| taken.expires),
        }
    }
}

impl From<company::Tier> for Tier {
    fn from(tier: company::Tier) -> Self {
        match tier {
            company::Tier::Standard => Self::Standard,
            company::Tier::Advanced => Self::Advanced,
        }
    }
}

impl From<Tier> for company::Tier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Standard => Self::Standard,
            Tier::Advanced => Self::Advanced,
        }
    }
}

impl From<model::change::Promotion> for Promotion {
    fn from(promotion: model::change::Promotion) -> Self {
        match promotion {
            model::change::Promotion::Manual => Self::Manual,
            model::change::Promotion::Automatic => Self::Automatic,
        }
    }
}

impl From<Promotion> for model::change::Promotion {
    fn from(promotion: Promotion) -> Self {
        match promotion {
            Promotion::Manual => Self::Manual,
            Promotion::Automatic => Self::Automatic,
        }
    }
}
