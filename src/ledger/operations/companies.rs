//! A company's settings: tier, policies, connectors, tokens, the lease.

use jiff::Timestamp;
use serde_json::json;

use super::Desk;
use super::expect::{self, Expect};
use crate::ledger::LedgerError;
use crate::ledger::records::{Connector, Role, Token, Touched, Wanted};
use crate::ledger::rules::company::{Claimant, Company, Keeper, Policy, Tier};
use crate::ledger::rules::happenings::What;
use crate::ledger::rules::{Declined, Happening};
use crate::model::Name;

/// Changes a company's settings; mail domains let in whoever waited for theirs.
///
/// # Errors
/// Where they are not as expected.
pub fn change(desk: &Desk<'_>, expect: &Expect, work: impl FnOnce(&mut Company)) -> Result<Company, LedgerError> {
    let mut company = desk.settings()?;
    expect.check(Some(&expect::of_company(&company)))?;
    work(&mut company);
    desk.records.save_company(&company)?;
    desk.tell(Happening::of_company(What::CompanyChanged, serde_json::Value::Null))?;
    let mut excerpt = desk.open(&Touched::default())?;
    desk.records.add_waiting(desk.company, &mut excerpt)?;
    excerpt.reopen_domains();
    desk.settle(&mut excerpt, &company.allocation)?;
    desk.close(&mut excerpt)?;
    desk.settings()
}

/// Removes a company that has neither accounts nor connectors; all else of it goes.
///
/// # Errors
/// Where there is no such company, or it has some.
pub fn remove(desk: &Desk<'_>) -> Result<(), LedgerError> {
    let company = desk.settings()?.name;
    let accounts = desk.records.count_accounts(desk.company, &Wanted::default())?;
    let connectors = desk.records.connectors(desk.company)?.len() as u64;
    if accounts > 0 || connectors > 0 {
        return Err(Declined::CompanyInUse { company, accounts, connectors }.into());
    }
    desk.records.delete_company(desk.company)
}

/// Changes the tier.
///
/// # Errors
/// Everything of the higher tier that is in use.
pub fn change_tier(desk: &Desk<'_>, tier: Tier) -> Result<Company, LedgerError> {
    let mut company = desk.settings()?;
    if company.tier == tier {
        return Ok(company);
    }
    let connectors: Vec<Name> =
        desk.records.connectors(desk.company)?.into_iter().map(|connector| connector.name).collect();
    company.change_tier(tier, &desk.records.policies(desk.company)?, &connectors)?;
    desk.records.save_company(&company)?;
    let word = match tier {
        Tier::Standard => "standard",
        Tier::Advanced => "advanced",
    };
    desk.tell(Happening::of_company(What::TierChanged, json!({ "tier": word })))?;
    desk.settings()
}

/// Makes or changes a policy. Whether it is new.
///
/// # Errors
/// Where it is not as expected, or the tier does not include it.
pub fn put_policy(desk: &Desk<'_>, policy: &Policy, expect: &Expect) -> Result<bool, LedgerError> {
    let present = policy_tag(desk, &policy.name)?;
    expect.check(present.as_deref())?;
    if policy.advanced && policy.enabled {
        desk.settings()?.must_be_advanced("advanced policies")?;
    }
    desk.records.put_policy(desk.company, policy)?;
    let data = json!({ "name": policy.name, "advanced": policy.advanced, "enabled": policy.enabled });
    desk.tell(Happening::of_company(What::PolicyChanged, data))?;
    Ok(present.is_none())
}

/// Deletes a policy.
///
/// # Errors
/// Where there is none, or it is not as expected.
pub fn delete_policy(desk: &Desk<'_>, name: &Name, expect: &Expect) -> Result<(), LedgerError> {
    let present = policy_tag(desk, name)?.ok_or_else(|| not_found("policy", name))?;
    expect.check(Some(&present))?;
    desk.records.delete_policy(desk.company, name)?;
    let data = json!({ "name": name, "advanced": false, "enabled": false });
    desk.tell(Happening::of_company(What::PolicyChanged, data))
}

fn policy_tag(desk: &Desk<'_>, name: &Name) -> Result<Option<String>, LedgerError> {
    let policies = desk.records.policies(desk.company)?;
    Ok(policies.iter().find(|policy| policy.name == *name).map(expect::of_policy))
}

/// Registers a connector, with a token of its own. In one transaction with the tier's check, so that a lower tier and a
/// new connector cannot slip past each other.
///
/// # Errors
/// Where it is there already, or the tier has no connectors.
pub fn add_connector(desk: &Desk<'_>, name: &Name, token: &Token) -> Result<Connector, LedgerError> {
    let present = desk.records.connectors(desk.company)?.into_iter().find(|connector| connector.name == *name);
    Expect::New.check(present.map(|known| expect::of_name(&known.name)).as_deref())?;
    desk.settings()?.must_be_advanced("connectors")?;
    let connector = Connector { name: name.clone(), added: desk.now };
    desk.records.put_connector(desk.company, &connector)?;
    desk.records.put_token(token)?;
    desk.tell(Happening::of_company(What::ConnectorAdded, json!({ "name": name })))?;
    Ok(connector)
}

/// Removes a connector, its tokens and its lease.
///
/// # Errors
/// Where there is none.
pub fn remove_connector(desk: &Desk<'_>, name: &Name) -> Result<(), LedgerError> {
    if !desk.records.connectors(desk.company)?.iter().any(|connector| connector.name == *name) {
        return Err(not_found("connector", name).into());
    }
    desk.records.delete_connector(desk.company, name, desk.now)?;
    let mut company = desk.settings()?;
    if company.lease.revoke(name, desk.now) {
        desk.records.save_company(&company)?;
    }
    desk.tell(Happening::of_company(What::ConnectorRemoved, json!({ "name": name })))
}

/// Keeps a token.
///
/// # Errors
/// Where its connector is not registered, or the tier has none.
pub fn add_token(desk: &Desk<'_>, token: &Token) -> Result<(), LedgerError> {
    desk.settings()?;
    if let Some(name) = &token.connector {
        if !desk.records.connectors(desk.company)?.iter().any(|connector| connector.name == *name) {
            return Err(not_found("connector", name).into());
        }
        desk.settings()?.must_be_advanced("connectors")?;
    }
    if token.expires.is_some_and(|expires| expires <= desk.now) {
        return Err(Declined::AlreadyExpired.into());
    }
    debug_assert_eq!(token.role == Role::Connector, token.connector.is_some());
    desk.records.put_token(token)
}

/// Takes a token back.
///
/// # Errors
/// Where the company has none of this id.
pub fn remove_token(desk: &Desk<'_>, id: &str) -> Result<(), LedgerError> {
    if desk.records.delete_token(desk.company, id)? {
        return Ok(());
    }
    Err(Declined::NotFound { what: "token", name: id.to_owned() }.into())
}

/// Gives an agent the lease, with a new epoch.
///
/// # Errors
/// Where another has it.
pub fn take_lease(desk: &Desk<'_>, who: Claimant, expires: Timestamp) -> Result<Company, LedgerError> {
    let (mut company, holder) = (desk.settings()?, who.holder.clone());
    company.lease.take(who, expires, desk.now)?;
    desk.records.save_company(&company)?;
    let data = json!({ "holder": holder, "epoch": company.lease.epoch });
    desk.tell(Happening::of_company(What::LeaseTaken, data))?;
    Ok(company)
}

/// Lets an agent keep the lease for longer.
///
/// # Errors
/// Where another took over.
pub fn renew_lease(desk: &Desk<'_>, keeper: &Keeper, epoch: u64, expires: Timestamp) -> Result<Company, LedgerError> {
    let mut company = desk.settings()?;
    company.lease.renew(keeper, epoch, expires)?;
    desk.records.save_company(&company)?;
    Ok(company)
}

/// Takes the lease back from an agent that gives it.
///
/// # Errors
/// Where another took over.
pub fn return_lease(desk: &Desk<'_>, connector: &str, epoch: u64) -> Result<(), LedgerError> {
    let mut company = desk.settings()?;
    company.lease.give_back(connector, epoch)?;
    desk.records.save_company(&company)
}

fn not_found(what: &'static str, name: &Name) -> Declined {
    Declined::NotFound { what, name: name.to_string() }
}
