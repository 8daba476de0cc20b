//! Events by long poll: without gaps, in order, and at once.

use std::time::Duration;

use axum::extract::State;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};
use utoipa::IntoParams;

use super::body::Asked;
use super::caller::Caller;
use super::fault::Fault;
use super::reply::Reply;
use super::{CompanyPath, Hub, Problems};
use crate::ledger::LedgerError;
use crate::ledger::records::{Events, View};
use crate::ledger::rules::Declined;
use crate::ledger::wire;
use crate::model::Name;

/// Look again this often, whatever was told: where the watch fails, nobody waits for ever.
const LOOK: Duration = Duration::from_secs(5);

/// After which event, and for how long to wait.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The last event that is known; 0 where it is left out.
    #[param(nullable = false)]
    pub after: Option<u64>,
    /// Seconds to wait where there is nothing: 0 to 60; 0 where it is left out.
    #[param(minimum = 0, maximum = 60, nullable = false)]
    pub wait: Option<u32>,
    /// Events at once: 1 to 10000; 1000 where it is left out.
    #[param(minimum = 1, maximum = 10000, nullable = false)]
    pub limit: Option<u32>,
}

/// Follow what happens
#[utoipa::path(get, path = "/v1/companies/{company}/events", tag = "events", security(("token" = [])),
    params(CompanyPath, Query), responses((status = 200, body = wire::Events), Problems))]
pub async fn get(State(hub): State<Hub>, caller: Caller, Asked(query): Asked<Query>) -> Result<Reply, Fault> {
    let (wait, limit) = (query.wait.unwrap_or(0), query.limit.unwrap_or(1000));
    if wait > 60 || !(1..=10_000).contains(&limit) {
        return Err(Fault::unreadable("wait must be 0 to 60 and limit 1 to 10000"));
    }
    let after = query.after.unwrap_or(0);
    let mut found = read(&hub, &caller.company, after, limit).await?;
    if found.events.is_empty() && wait > 0 {
        found = wait_for(&hub, &caller.company, after, limit, Duration::from_secs(wait.into())).await?;
    }
    let events = found.events.into_iter().map(wire::Event::from).collect();
    Reply::ok(&wire::Events { events, last: found.last })
}

async fn wait_for(hub: &Hub, company: &Name, after: u64, limit: u32, wait: Duration) -> Result<Events, Fault> {
    let _place = hub.limits.polls.take(company, 1)?;
    let (mut changes, mut stirs) = (hub.service.changes(), hub.service.stirs());
    let mut stopping = hub.stopping.clone();
    let end = Instant::now() + wait;
    loop {
        // Marked as seen before looking: whatever comes after the look wakes us.
        changes.borrow_and_update();
        stirs.borrow_and_update();
        let found = read(hub, company, after, limit).await?;
        let over = Instant::now() >= end || *stopping.borrow();
        if !found.events.is_empty() || over {
            return Ok(found);
        }
        let look = end.min(Instant::now() + LOOK);
        let woken = async {
            tokio::select! {
                _ = changes.changed() => {}
                _ = stirs.changed() => {}
                _ = stopping.changed() => {}
            }
        };
        // Late or woken: look again.
        let _ = timeout_at(look, woken).await;
    }
}

async fn read(hub: &Hub, company: &Name, after: u64, limit: u32) -> Result<Events, Fault> {
    let company = company.clone();
    hub.service.read(move |view: &dyn View| Ok(all_after(view, &company, after, limit)?)).await
}

/// What happened after an event, the first `limit` of it, if none of it is gone.
pub fn all_after(view: &dyn View, company: &str, after: u64, limit: u32) -> Result<Events, LedgerError> {
    let found = view.events(company, after, limit)?;
    if after.saturating_add(1) < found.oldest {
        return Err(Declined::EventsExpired { oldest: found.oldest }.into());
    }
    if after > found.last {
        return Err(Declined::EventsAhead { oldest: found.oldest, last: found.last }.into());
    }
    Ok(found)
}
