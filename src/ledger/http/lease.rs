//! The lease: which of several agents may write.

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};

use super::body::Body;
use super::caller::{Agent, Caller};
use super::fault::Fault;
use super::headers::Epoch;
use super::reply::Reply;
use super::{CompanyPath, Hub, Problems};
use crate::ledger::operations::{Desk, companies};
use crate::ledger::rules::company::{Claimant, Company, Keeper};
use crate::ledger::wire::{Lease, LeaseRenew, LeaseTake, name};

/// Show the lease
#[utoipa::path(get, path = "/v1/companies/{company}/lease", tag = "connectors", security(("token" = [])),
    params(CompanyPath), responses((status = 200, body = Lease), Problems))]
pub async fn get(State(hub): State<Hub>, caller: Caller) -> Result<Reply, Fault> {
    hub.service.read(move |view| shown(&view.company(&caller.company)?)).await
}

/// Take the lease
#[utoipa::path(post, path = "/v1/companies/{company}/lease", tag = "connectors", security(("token" = [])),
    params(CompanyPath), request_body = LeaseTake, responses((status = 200, body = Lease), Problems))]
pub async fn post(
    State(hub): State<Hub>,
    Agent { caller, connector }: Agent,
    body: Body<LeaseTake>,
) -> Result<Reply, Fault> {
    let LeaseTake { holder, instance, seconds } = body.value;
    name("holder", &holder)?;
    instance.as_deref().map(|instance| name("instance", instance)).transpose()?;
    let length = length(seconds)?;
    let who = Claimant { connector, holder, instance };
    let work = move |desk: &Desk<'_>| shown(&companies::take_lease(desk, who, until(desk.now, length))?);
    hub.service.change(&caller.company, work).await
}

/// Keep the lease
#[utoipa::path(put, path = "/v1/companies/{company}/lease", tag = "connectors", security(("token" = [])),
    params(CompanyPath, Epoch), request_body = LeaseRenew, responses((status = 200, body = Lease), Problems))]
pub async fn put(
    State(hub): State<Hub>,
    Agent { caller, connector }: Agent,
    epoch: Epoch,
    body: Body<LeaseRenew>,
) -> Result<Reply, Fault> {
    let LeaseRenew { seconds, holder, instance } = body.value;
    let (epoch, length) = (epoch.required()?, length(seconds)?);
    let keeper = Keeper { connector, holder, instance };
    let work = move |desk: &Desk<'_>| shown(&companies::renew_lease(desk, &keeper, epoch, until(desk.now, length))?);
    hub.service.change(&caller.company, work).await
}

/// Give the lease back
#[utoipa::path(delete, path = "/v1/companies/{company}/lease", tag = "connectors", security(("token" = [])),
    params(CompanyPath, Epoch), responses((status = 204), Problems))]
pub async fn delete(State(hub): State<Hub>, Agent { caller, connector }: Agent, epoch: Epoch) -> Result<Reply, Fault> {
    let epoch = epoch.required()?;
    let work = move |desk: &Desk<'_>| {
        companies::return_lease(desk, &connector, epoch)?;
        Ok::<_, Fault>(Reply::nothing())
    };
    hub.service.change(&caller.company, work).await
}

fn shown(company: &Company) -> Result<Reply, Fault> {
    Reply::ok(&Lease::from(&company.lease))
}

fn length(seconds: u32) -> Result<SignedDuration, Fault> {
    if (10..=3600).contains(&seconds) {
        Ok(SignedDuration::from_secs(seconds.into()))
    } else {
        Err(Fault::invalid("seconds must be 10 to 3600"))
    }
}

fn until(now: Timestamp, length: SignedDuration) -> Timestamp {
    now.checked_add(length).unwrap_or(Timestamp::MAX)
}
