//! What changed after an event, with the company as it is now: all of it as of one moment, so that whoever read the accounts
//! while they changed catches up with it in one answer.

use std::collections::BTreeSet;

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::Asked;
use super::caller::Caller;
use super::fault::Fault;
use super::reply::Reply;
use super::{CompanyPath, Hub, Problems, agents, events, show};
use crate::ledger::records::{Events, View};
use crate::ledger::rules::Declined;
use crate::ledger::rules::happenings::What;
use crate::ledger::wire;
use crate::model::AccountId;

/// Events looked at for one answer, at most.
const MOST: u32 = 10_000;

/// Since when, and how much at once.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The last event that is known.
    pub since: u64,
    /// Events to look at: 1 to 10000; 10000 where it is left out.
    #[param(minimum = 1, maximum = 10000, nullable = false)]
    pub limit: Option<u32>,
}

/// Show what changed, and the company as it is now
#[utoipa::path(get, path = "/v1/companies/{company}/changes", tag = "connectors", security(("token" = [])),
    params(CompanyPath, Query), responses((status = 200, body = wire::Changes), Problems))]
pub async fn get(State(hub): State<Hub>, caller: Caller, Asked(query): Asked<Query>) -> Result<Reply, Fault> {
    let limit = query.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(Fault::unreadable(format!("limit must be 1 to {MOST}")));
    }
    hub.service.read(move |view| Reply::ok(&changes(view, &caller.company, query.since, limit)?)).await
}

/// | looked at | told |
/// |---|---|
/// | an event that names an account | the account as it is now, or that it is no more |
/// | `ledger.changed` | nobody knows which accounts changed: 409 `list-changed` |
fn changes(view: &dyn View, company: &str, since: u64, limit: u32) -> Result<wire::Changes, Fault> {
    let Events { events, last, .. } = events::all_after(view, company, since, limit)?;
    if events.iter().any(|event| event.what == What::LedgerChanged.as_str()) {
        return Err(Declined::ListChanged.into());
    }
    let until = events.last().map_or(last, |event| event.seq);
    let named: BTreeSet<AccountId> = events.into_iter().filter_map(|event| event.account).collect();
    let (mut accounts, mut removed) = (Vec::new(), Vec::new());
    for id in named {
        match view.account(company, &id)? {
            Some(listed) => accounts.push(show::without_places(&listed)),
            None => removed.push(id.to_string()),
        }
    }
    Ok(wire::Changes { state: agents::whole(view, company)?, until, accounts, removed })
}
