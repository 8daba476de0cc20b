//! Decisions about people who wait, and seats that go to another.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::agents::fence;
use super::body::{Body, Place};
use super::caller::{Caller, Decider};
use super::fault::Fault;
use super::headers::{Epoch, Key};
use super::reply::{Reply, once};
use super::{CompanyPath, Hub, Problems, show};
use crate::ledger::operations::decisions::{Ruled, Ruling, rule};
use crate::ledger::operations::{Desk, accounts};
use crate::ledger::records::View;
use crate::ledger::wire::{Decided, DecisionPost, Decisions, Transfer, Transferred};
use crate::model::{AccountId, Name};

/// Decisions of one request at most.
const MOST: usize = 10_000;

/// Approve, deny or release
#[utoipa::path(post, path = "/v1/companies/{company}/decisions", tag = "decisions", security(("token" = [])),
    params(CompanyPath, Key, Epoch), request_body = Decisions, responses((status = 200, body = Decided), Problems))]
pub async fn post(
    State(hub): State<Hub>,
    caller: Caller,
    Key { key }: Key,
    epoch: Epoch,
    body: Body<Decisions>,
) -> Result<Reply, Fault> {
    let rulings = rulings(body.value.decisions)?;
    let company = caller.company.clone();
    let work = move |desk: &Desk<'_>| {
        once(desk, &key, &body.request, |desk| {
            fence(desk, caller.connector.as_deref(), epoch)?;
            decided(desk, &rule(desk, &rulings)?)
        })
    };
    hub.service.change(&company, work).await
}

/// Decisions, by their key.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct DecisionPath {
    pub key: String,
}

/// Show what was answered to decisions
#[utoipa::path(get, path = "/v1/companies/{company}/decisions/{key}", tag = "decisions", security(("token" = [])),
    params(CompanyPath, DecisionPath), responses((status = 200, body = Decided), Problems))]
pub async fn get(State(hub): State<Hub>, caller: Caller, Place(path): Place<DecisionPath>) -> Result<Reply, Fault> {
    let read = move |view: &dyn View| {
        let kept = view.replay(&caller.company, &path.key)?;
        // The key may be that of another request, with an answer of its own.
        let decided = kept.and_then(|kept| serde_json::from_str::<Decided>(&kept.body).ok());
        Reply::ok(&decided.ok_or_else(|| Fault::not_found("no decisions of this key were carried out"))?)
    };
    hub.service.read(read).await
}

fn rulings(decisions: Vec<DecisionPost>) -> Result<Vec<Ruling>, Fault> {
    if decisions.is_empty() || decisions.len() > MOST {
        return Err(Fault::invalid(format!("decisions must be 1 to {MOST}")));
    }
    let ruling = |(index, decision)| {
        Ruling::try_from(decision).map_err(|error| Fault::from(error).with(|problem| problem.index = Some(index)))
    };
    decisions.into_iter().enumerate().map(ruling).collect()
}

fn decided(desk: &Desk<'_>, ruled: &Ruled) -> Result<Reply, Fault> {
    let ids: Vec<AccountId> = ruled.accounts.iter().map(|account| account.id.clone()).collect();
    Reply::ok(&Decided {
        accounts: show::these(desk.records, desk.company, &ids)?,
        pools: show::pools(desk.records, desk.company)?,
        version: desk.settings()?.version,
    })
}

/// Give a seat to another
#[utoipa::path(post, path = "/v1/companies/{company}/transfers", tag = "decisions", security(("token" = [])),
    params(CompanyPath, Key), request_body = Transfer, responses((status = 200, body = Transferred), Problems))]
pub async fn post_transfer(
    State(hub): State<Hub>,
    Decider(caller): Decider,
    Key { key }: Key,
    body: Body<Transfer>,
) -> Result<Reply, Fault> {
    let Transfer { pool, from, to } = body.value;
    let (pool, from, to) = (Name::from(pool), AccountId(from.into()), AccountId(to.into()));
    let work = move |desk: &Desk<'_>| {
        once(desk, &key, &body.request, |desk| {
            accounts::transfer(desk, &pool, &from, &to)?;
            Reply::ok(&transferred(desk, &pool, &from, &to)?)
        })
    };
    hub.service.change(&caller.company, work).await
}

fn transferred(desk: &Desk<'_>, pool: &Name, from: &AccountId, to: &AccountId) -> Result<Transferred, Fault> {
    let account = |id| show::account(desk.records, desk.company, accounts::shown(desk, id)?);
    let pools = show::pools(desk.records, desk.company)?;
    let pool = pools.into_iter().find(|shown| shown.name == **pool);
    let pool = pool.ok_or_else(|| Fault::not_found("the pool is gone"))?;
    Ok(Transferred { from: account(from)?, to: account(to)?, pool })
}
