//! A company's settings, its tier and its policies.

use serde::Deserialize;
use utoipa::IntoParams;

use axum::extract::State;

use super::body::{Asked, Body, Place};
use super::caller::{Admin, Caller};
use super::cursor::Paging;
use super::fault::Fault;
use super::headers::Preconditions;
use super::reply::Reply;
use super::{CompanyPath, Hub, Problems, show};
use crate::ledger::operations::{Desk, companies, expect};
use crate::ledger::records::View;
use crate::ledger::rules::company;
use crate::ledger::wire::{self, CompanyPatch, Page, PolicyPut, TierPut, name};
use crate::model::Name;

/// A policy of a company.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PolicyPath {
    pub policy: String,
}

/// List the companies this token may see
#[utoipa::path(get, path = "/v1/companies", tag = "company", security(("token" = [])),
    params(Paging), responses((status = 200, body = Page<wire::Company>), Problems))]
pub async fn list(State(hub): State<Hub>, caller: Caller, Asked(paging): Asked<Paging>) -> Result<Reply, Fault> {
    let read = move |view: &dyn View| {
        let company = view.company(&caller.company)?;
        let shown = vec![show::company(&company)];
        Reply::ok(&paging.of_all("companies", company.version, shown, |company| company.name.clone())?)
    };
    hub.service.read(read).await
}

/// Show a company
#[utoipa::path(get, path = "/v1/companies/{company}", tag = "company", security(("token" = [])),
    params(CompanyPath), responses((status = 200, body = wire::Company), Problems))]
pub async fn get(State(hub): State<Hub>, caller: Caller) -> Result<Reply, Fault> {
    hub.service.read(move |view| shown(&view.company(&caller.company)?)).await
}

fn shown(company: &company::Company) -> Result<Reply, Fault> {
    let company = show::company(company);
    Ok(Reply::ok(&company)?.tagged(&company.etag))
}

/// Change a company's settings
#[utoipa::path(patch, path = "/v1/companies/{company}", tag = "company", security(("token" = [])),
    params(CompanyPath, Preconditions), request_body = CompanyPatch,
    responses((status = 200, body = wire::Company), Problems))]
pub async fn patch(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    preconditions: Preconditions,
    body: Body<CompanyPatch>,
) -> Result<Reply, Fault> {
    let (expect, patch) = (preconditions.expected()?, body.value);
    patch.check()?;
    let work = move |desk: &Desk<'_>| shown(&companies::change(desk, &expect, |company| patch.apply(company))?);
    hub.service.change(&caller.company, work).await
}

/// Change the tier
#[utoipa::path(put, path = "/v1/companies/{company}/tier", tag = "company", security(("token" = [])),
    params(CompanyPath), request_body = TierPut, responses((status = 200, body = wire::Company), Problems))]
pub async fn put_tier(State(hub): State<Hub>, Admin(caller): Admin, body: Body<TierPut>) -> Result<Reply, Fault> {
    let tier = company::Tier::from(body.value.tier);
    hub.service.change(&caller.company, move |desk| shown(&companies::change_tier(desk, tier)?)).await
}

/// List policies
#[utoipa::path(get, path = "/v1/companies/{company}/policies", tag = "company", security(("token" = [])),
    params(CompanyPath, Paging), responses((status = 200, body = Page<wire::Policy>), Problems))]
pub async fn list_policies(
    State(hub): State<Hub>,
    caller: Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Reply, Fault> {
    let read = move |view: &dyn View| {
        let version = view.company(&caller.company)?.version;
        let policies = view.policies(&caller.company)?;
        let shown = policies.iter().map(|policy| wire::Policy::of(policy, expect::of_policy(policy))).collect();
        Reply::ok(&paging.of_all("policies", version, shown, |policy: &wire::Policy| policy.name.clone())?)
    };
    hub.service.read(read).await
}

/// Make or change a policy
#[utoipa::path(put, path = "/v1/companies/{company}/policies/{policy}", tag = "company", security(("token" = [])),
    params(CompanyPath, PolicyPath, Preconditions), request_body = PolicyPut,
    responses((status = 200, body = wire::Policy), (status = 201, body = wire::Policy), Problems))]
pub async fn put_policy(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<PolicyPath>,
    preconditions: Preconditions,
    body: Body<PolicyPut>,
) -> Result<Reply, Fault> {
    let (expect, PolicyPut { advanced, enabled }) = (preconditions.expected()?, body.value);
    let policy = company::Policy { name: name("policy", &path.policy)?, advanced, enabled };
    let work = move |desk: &Desk<'_>| {
        let new = companies::put_policy(desk, &policy, &expect)?;
        let shown = wire::Policy::of(&policy, expect::of_policy(&policy));
        Ok(Reply::made(new, &shown)?.tagged(&shown.etag))
    };
    hub.service.change(&caller.company, work).await
}

/// Delete a policy
#[utoipa::path(delete, path = "/v1/companies/{company}/policies/{policy}", tag = "company",
    security(("token" = [])), params(CompanyPath, PolicyPath, Preconditions), responses((status = 204), Problems))]
pub async fn delete_policy(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<PolicyPath>,
    preconditions: Preconditions,
) -> Result<Reply, Fault> {
    let (expect, policy) = (preconditions.expected()?, Name::from(path.policy));
    let work = move |desk: &Desk<'_>| {
        companies::delete_policy(desk, &policy, &expect)?;
        Ok::<_, Fault>(Reply::nothing())
    };
    hub.service.change(&caller.company, work).await
}
