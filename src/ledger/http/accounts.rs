//! Accounts: listed, looked up, and changed as a portal does.

use serde::Deserialize;
use utoipa::IntoParams;

use axum::extract::State;

use super::body::{Asked, Body, Place};
use super::caller::{Admin, Caller};
use super::cursor::{MOST, Paging};
use super::fault::Fault;
use super::headers::{Key, Preconditions, Prefer};
use super::reply::{Reply, once};
use super::{CompanyPath, Hub, Problems, show};
use crate::ledger::operations::{Desk, accounts};
use crate::ledger::records::{Listed, View, Wanted};
use crate::ledger::rules::LAST;
use crate::ledger::wire::{self, AccountState, Activity, Empty, Page, ProfilePut, SeatPut, Suspend, name};
use crate::model::{self, AccountId, Name};

/// Which accounts, and which page of them.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    #[param(nullable = false)]
    pub state: Option<AccountState>,
    /// Only accounts that hold a seat of it, or wait for one.
    #[param(nullable = false)]
    pub pool: Option<String>,
    /// Items of the page: 1 to 10000; 1000 where it is left out.
    #[param(minimum = 1, maximum = 10000, nullable = false)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1, nullable = false)]
    pub cursor: Option<String>,
    /// Go on though something changed since the first page: each page is then of a moment of its own. False where it is
    /// left out.
    #[param(nullable = false)]
    pub moving: Option<bool>,
}

/// An account of a company.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AccountPath {
    pub id: String,
}

/// An account of a company, by its external id.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ExternalPath {
    pub external_id: String,
}

/// An account's seat of a pool.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SeatPath {
    pub id: String,
    pub pool: String,
}

/// List accounts
#[utoipa::path(get, path = "/v1/companies/{company}/accounts", tag = "accounts", security(("token" = [])),
    params(CompanyPath, Query), responses((status = 200, body = Page<wire::Account>), Problems))]
pub async fn list(State(hub): State<Hub>, caller: Caller, Asked(query): Asked<Query>) -> Result<Reply, Fault> {
    hub.service.read(move |view| page(view, &caller.company, query)).await
}

fn page(view: &dyn View, company: &str, query: Query) -> Result<Reply, Fault> {
    let moving = query.moving.unwrap_or(false);
    let listed = format!("accounts {:?} {:?} {moving}", query.state, query.pool);
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    let wanted = Wanted { state: query.state.map(model::AccountState::from), pool: query.pool.map(Name::from) };
    let version = view.company(company)?.version;
    let after = if moving { paging.after_any(&listed)? } else { paging.after(&listed, version)? };
    let after = after.map_or(Ok(0), |after| after.parse());
    let after = after.map_err(|_| Fault::unreadable("the cursor is none of this list's"))?;
    let limit = paging.limit()?.min(MOST);
    let total = view.count_accounts(company, &wanted)?;
    let found = view.accounts(company, &wanted, after, limit + 1)?;
    let (shown, more) = found.split_at(found.len().min(limit as usize));
    let mut items = show::accounts(view, company, shown)?;
    // Only says that there is another page.
    items.extend(more.iter().map(show::without_places));
    Reply::ok(&paging.page((&listed, version, total), items, |account| account.id.clone())?)
}

/// Show an account
#[utoipa::path(get, path = "/v1/companies/{company}/accounts/{id}", tag = "accounts", security(("token" = [])),
    params(CompanyPath, AccountPath), responses((status = 200, body = wire::Account), Problems))]
pub async fn get(State(hub): State<Hub>, caller: Caller, Place(path): Place<AccountPath>) -> Result<Reply, Fault> {
    let id = AccountId(path.id.into());
    hub.service.read(move |view| one(view, &caller.company, &id)).await
}

/// Show an account by its external id, or its anchor
#[utoipa::path(get, path = "/v1/companies/{company}/accounts/by-external-id/{external_id}", tag = "accounts",
    security(("token" = [])), params(CompanyPath, ExternalPath), responses((status = 200, body = wire::Account), Problems))]
pub async fn get_external(
    State(hub): State<Hub>,
    caller: Caller,
    Place(path): Place<ExternalPath>,
) -> Result<Reply, Fault> {
    let find = move |view: &dyn View| {
        let id = view.by_external(&caller.company, &path.external_id)?;
        one(view, &caller.company, &id.ok_or_else(|| Fault::not_found("there is no account with this external id"))?)
    };
    hub.service.read(find).await
}

fn one(view: &dyn View, company: &str, id: &AccountId) -> Result<Reply, Fault> {
    let listed = view.account(company, id)?;
    shown(view, company, listed.ok_or_else(|| Fault::not_found(format!("there is no account {id}")))?)
}

fn shown(view: &dyn View, company: &str, listed: Listed) -> Result<Reply, Fault> {
    let account = show::account(view, company, listed)?;
    Ok(Reply::ok(&account)?.tagged(&account.etag))
}

/// Make or change an account that no connector manages
#[utoipa::path(put, path = "/v1/companies/{company}/accounts/by-external-id/{external_id}", tag = "accounts",
    security(("token" = [])), params(CompanyPath, ExternalPath, Preconditions), request_body = ProfilePut,
    responses((status = 200, body = wire::Account), (status = 201, body = wire::Account), Problems))]
pub async fn put(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<ExternalPath>,
    preconditions: Preconditions,
    body: Body<ProfilePut>,
) -> Result<Reply, Fault> {
    let (expect, profile) = (preconditions.expected()?, model::Profile::try_from(body.value)?);
    let external = name("external_id", &path.external_id)?;
    let work = move |desk: &Desk<'_>| {
        let (listed, new) = accounts::put(desk, &external, &profile, &expect)?;
        let account = show::account(desk.records, desk.company, listed)?;
        Ok(Reply::made(new, &account)?.tagged(&account.etag))
    };
    hub.service.change(&caller.company, work).await
}

/// Delete an account that holds no seat
#[utoipa::path(delete, path = "/v1/companies/{company}/accounts/{id}", tag = "accounts", security(("token" = [])),
    params(CompanyPath, AccountPath, Preconditions), responses((status = 204), Problems))]
pub async fn delete(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<AccountPath>,
    preconditions: Preconditions,
) -> Result<Reply, Fault> {
    let (expect, id) = (preconditions.expected()?, AccountId(path.id.into()));
    let work = move |desk: &Desk<'_>| {
        accounts::delete(desk, &id, &expect)?;
        Ok::<_, Fault>(Reply::nothing())
    };
    hub.service.change(&caller.company, work).await
}

/// Suspend an account
#[utoipa::path(post, path = "/v1/companies/{company}/accounts/{id}/suspend", tag = "accounts",
    security(("token" = [])), params(CompanyPath, AccountPath, Key, Preconditions), request_body = Suspend,
    responses((status = 200, body = wire::Account), Problems))]
pub async fn suspend(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<AccountPath>,
    Key { key }: Key,
    preconditions: Preconditions,
    body: Body<Suspend>,
) -> Result<Reply, Fault> {
    let (expect, id, keep) = (preconditions.if_any()?, AccountId(path.id.into()), body.value.keep_seats);
    let work = move |desk: &Desk<'_>| {
        once(desk, &key, &body.request, |desk| {
            shown(desk.records, desk.company, accounts::suspend(desk, &id, keep, &expect)?)
        })
    };
    hub.service.change(&caller.company, work).await
}

/// Lift a suspension
#[utoipa::path(post, path = "/v1/companies/{company}/accounts/{id}/resume", tag = "accounts",
    security(("token" = [])), params(CompanyPath, AccountPath, Key, Preconditions), request_body = Empty,
    responses((status = 200, body = wire::Account), Problems))]
pub async fn resume(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<AccountPath>,
    Key { key }: Key,
    preconditions: Preconditions,
    body: Body<Empty>,
) -> Result<Reply, Fault> {
    let (expect, id) = (preconditions.if_any()?, AccountId(path.id.into()));
    let work = move |desk: &Desk<'_>| {
        once(desk, &key, &body.request, |desk| shown(desk.records, desk.company, accounts::resume(desk, &id, &expect)?))
    };
    hub.service.change(&caller.company, work).await
}

/// Ask for a seat
#[utoipa::path(put, path = "/v1/companies/{company}/accounts/{id}/seats/{pool}", tag = "accounts",
    security(("token" = [])), params(CompanyPath, SeatPath, Prefer), request_body = SeatPut,
    responses((status = 200, body = wire::Account), Problems))]
pub async fn put_seat(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<SeatPath>,
    prefer: Prefer,
    body: Body<SeatPut>,
) -> Result<Reply, Fault> {
    let (id, pool) = (AccountId(path.id.into()), Name::from(path.pool));
    let (rank, required) = (body.value.rank.unwrap_or(LAST), prefer.seat_required());
    let work =
        move |desk: &Desk<'_>| shown(desk.records, desk.company, accounts::ask(desk, &id, &pool, rank, required)?);
    hub.service.change(&caller.company, work).await
}

/// Give a seat back, or leave the queue
#[utoipa::path(delete, path = "/v1/companies/{company}/accounts/{id}/seats/{pool}", tag = "accounts",
    security(("token" = [])), params(CompanyPath, SeatPath), responses((status = 200, body = wire::Account), Problems))]
pub async fn delete_seat(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<SeatPath>,
) -> Result<Reply, Fault> {
    let (id, pool) = (AccountId(path.id.into()), Name::from(path.pool));
    let work = move |desk: &Desk<'_>| shown(desk.records, desk.company, accounts::hand_back(desk, &id, &pool)?);
    hub.service.change(&caller.company, work).await
}

/// Report what the product knows of an account
#[utoipa::path(put, path = "/v1/companies/{company}/accounts/{id}/activity", tag = "accounts",
    security(("token" = [])), params(CompanyPath, AccountPath), request_body = Activity, responses((status = 204), Problems))]
pub async fn put_activity(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<AccountPath>,
    body: Body<Activity>,
) -> Result<Reply, Fault> {
    let (id, Activity { last_active, invitation }) = (AccountId(path.id.into()), body.value);
    let work = move |desk: &Desk<'_>| {
        accounts::report(desk, &id, invitation, last_active)?;
        Ok::<_, Fault>(Reply::nothing())
    };
    hub.service.change(&caller.company, work).await
}
