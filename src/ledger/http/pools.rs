//! Pools: seats bought, floors, and reductions for later.

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
use crate::ledger::operations::expect::Expect;
use crate::ledger::operations::{Desk, pools};
use crate::ledger::records::View;
use crate::ledger::rules::Purchase;
use crate::ledger::wire::{self, Page, PoolPatch, PoolPut, ReductionPut, name};
use crate::model::Name;

/// A pool of a company.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PoolPath {
    pub pool: String,
}

/// List pools
#[utoipa::path(get, path = "/v1/companies/{company}/pools", tag = "pools", security(("token" = [])),
    params(CompanyPath, Paging), responses((status = 200, body = Page<wire::Pool>), Problems))]
pub async fn list(State(hub): State<Hub>, caller: Caller, Asked(paging): Asked<Paging>) -> Result<Reply, Fault> {
    let read = move |view: &dyn View| {
        let version = view.company(&caller.company)?.version;
        let pools = show::pools(view, &caller.company)?;
        Reply::ok(&paging.of_all("pools", version, pools, |pool| pool.name.clone())?)
    };
    hub.service.read(read).await
}

/// Show a pool
#[utoipa::path(get, path = "/v1/companies/{company}/pools/{pool}", tag = "pools", security(("token" = [])),
    params(CompanyPath, PoolPath), responses((status = 200, body = wire::Pool), Problems))]
pub async fn get(State(hub): State<Hub>, caller: Caller, Place(path): Place<PoolPath>) -> Result<Reply, Fault> {
    let read = move |view: &dyn View| {
        let pools = show::pools(view, &caller.company)?;
        let found = pools.iter().find(|pool| pool.name == path.pool);
        let pool = found.ok_or_else(|| Fault::not_found(format!("there is no pool {:?}", path.pool)))?;
        Ok(Reply::ok(pool)?.tagged(&pool.etag))
    };
    hub.service.read(read).await
}

/// Make a pool, or say both its numbers anew
#[utoipa::path(put, path = "/v1/companies/{company}/pools/{pool}", tag = "pools", security(("token" = [])),
    params(CompanyPath, PoolPath, Preconditions), request_body = PoolPut,
    responses((status = 200, body = wire::Pool), (status = 201, body = wire::Pool), Problems))]
pub async fn put(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<PoolPath>,
    preconditions: Preconditions,
    body: Body<PoolPut>,
) -> Result<Reply, Fault> {
    buy(&hub, &caller, &path, preconditions.expected()?, body.value.into()).await
}

/// Buy seats, or fewer; set the floor
#[utoipa::path(patch, path = "/v1/companies/{company}/pools/{pool}", tag = "pools", security(("token" = [])),
    params(CompanyPath, PoolPath, Preconditions), request_body = PoolPatch,
    responses((status = 200, body = wire::Pool), Problems))]
pub async fn patch(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<PoolPath>,
    preconditions: Preconditions,
    body: Body<PoolPatch>,
) -> Result<Reply, Fault> {
    let expect = preconditions.expected()?;
    if expect == Expect::New {
        return Err(Fault::unreadable("PATCH changes what is there: say If-Match"));
    }
    buy(&hub, &caller, &path, expect, body.value.into()).await
}

async fn buy(hub: &Hub, caller: &Caller, path: &PoolPath, expect: Expect, purchase: Purchase) -> Result<Reply, Fault> {
    let pool = name("pool", &path.pool)?;
    let work = move |desk: &Desk<'_>| {
        let (pool, new) = pools::buy(desk, &pool, purchase, &expect)?;
        let pool = show::pool(&pool);
        Ok(Reply::made(new, &pool)?.tagged(&pool.etag))
    };
    hub.service.change(&caller.company, work).await
}

/// Remove a pool that nobody holds or waits for a seat of
#[utoipa::path(delete, path = "/v1/companies/{company}/pools/{pool}", tag = "pools", security(("token" = [])),
    params(CompanyPath, PoolPath, Preconditions), responses((status = 204), Problems))]
pub async fn delete(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<PoolPath>,
    preconditions: Preconditions,
) -> Result<Reply, Fault> {
    let (expect, pool) = (preconditions.expected()?, Name::from(path.pool));
    let work = move |desk: &Desk<'_>| {
        pools::remove(desk, &pool, &expect)?;
        Ok::<_, Fault>(Reply::nothing())
    };
    hub.service.change(&caller.company, work).await
}

/// Agree on fewer seats for later
#[utoipa::path(put, path = "/v1/companies/{company}/pools/{pool}/reduction", tag = "pools",
    security(("token" = [])), params(CompanyPath, PoolPath, Preconditions), request_body = ReductionPut,
    responses((status = 200, body = wire::Pool), Problems))]
pub async fn put_reduction(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<PoolPath>,
    preconditions: Preconditions,
    body: Body<ReductionPut>,
) -> Result<Reply, Fault> {
    let (expect, pool) = (preconditions.expected()?, Name::from(path.pool));
    let ReductionPut { seats, effective_at } = body.value;
    let work = move |desk: &Desk<'_>| {
        let pool = show::pool(&pools::schedule(desk, &pool, seats, effective_at, &expect)?);
        Ok(Reply::ok(&pool)?.tagged(&pool.etag))
    };
    hub.service.change(&caller.company, work).await
}

/// Take a scheduled reduction back
#[utoipa::path(delete, path = "/v1/companies/{company}/pools/{pool}/reduction", tag = "pools",
    security(("token" = [])), params(CompanyPath, PoolPath, Preconditions), responses((status = 200, body = wire::Pool), Problems))]
pub async fn delete_reduction(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<PoolPath>,
    preconditions: Preconditions,
) -> Result<Reply, Fault> {
    let (expect, pool) = (preconditions.expected()?, Name::from(path.pool));
    let work = move |desk: &Desk<'_>| {
        let pool = show::pool(&pools::cancel(desk, &pool, &expect)?);
        Ok(Reply::ok(&pool)?.tagged(&pool.etag))
    };
    hub.service.change(&caller.company, work).await
}
