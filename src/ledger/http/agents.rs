//! What an agent asks: the company whole, batches, confirmations, relinks.

use serde::Deserialize;
use utoipa::IntoParams;

use axum::extract::State;

use super::body::{Body, Place};
use super::caller::{Agent, Caller, Trusted};
use super::fault::Fault;
use super::headers::{Epoch, Key};
use super::reply::{Reply, once};
use super::{CompanyPath, Hub, Problems, show};
use crate::ledger::operations::{self, Desk, batch, decisions, expect};
use crate::ledger::records::{Asked, View, Wanted};
use crate::ledger::wire::{self, BatchAnswer, Person, Refused, Relink};
use crate::model::PersonId;
use crate::model::change::{self, Answer, Outcome};

/// The answer to a batch, by its key.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct BatchPath {
    pub key: String,
}

/// Show a company without its accounts
#[utoipa::path(get, path = "/v1/companies/{company}/state", tag = "connectors", security(("token" = [])),
    params(CompanyPath), responses((status = 200, body = wire::State), Problems))]
pub async fn state(State(hub): State<Hub>, caller: Caller) -> Result<Reply, Fault> {
    hub.service.read(move |view| Reply::ok(&whole(view, &caller.company)?)).await
}

/// A company without its accounts.
pub fn whole(view: &dyn View, name: &str) -> Result<wire::State, Fault> {
    let company = view.company(name)?;
    let memory = view.memory(name)?;
    Ok(wire::State {
        version: company.version,
        last_event: company.version,
        accounts: view.count_accounts(name, &Wanted::default())?,
        tier: company.tier.into(),
        approved_domains: company.approved_domains.as_deref().map(<[String]>::to_vec),
        pools: show::pools(view, name)?,
        marks: memory.marks.iter().map(wire::Mark::from).collect(),
        confirmations: memory.confirmations.iter().map(wire::Confirmation::from).collect(),
        lease: (&company.lease).into(),
    })
}

/// Carry out a batch and settle the pools
#[utoipa::path(post, path = "/v1/companies/{company}/batches", tag = "connectors", security(("token" = [])),
    params(CompanyPath, Key, Epoch), request_body = wire::Batch,
    responses((status = 200, body = BatchAnswer), Problems))]
pub async fn post_batch(
    State(hub): State<Hub>,
    Agent { caller, connector }: Agent,
    Key { key }: Key,
    epoch: Epoch,
    body: Body<wire::Batch>,
) -> Result<Reply, Fault> {
    let (epoch, request) = (epoch.required()?, body.request);
    let batch = body.value.into_model(key)?;
    let held = body.held;
    let work = move |desk: &Desk<'_>| {
        // Also where whoever asked is gone.
        let _held = held;
        let previous = desk.settings()?.version;
        let replayed = desk.records.batch_request(desk.company, &batch.key)? != Asked::Never;
        let answer = batch::apply_fenced(desk, &batch, &request, (&connector, epoch))?;
        Ok::<_, Fault>((Answered { previous, ..Answered::of(desk.records, desk.company, answer)? }, replayed))
    };
    let (answered, replayed) = hub.service.change(&caller.company, work).await?;
    Ok(answered.reply().await?.replayed(replayed))
}

/// Show what was answered to a batch
#[utoipa::path(get, path = "/v1/companies/{company}/batches/{key}", tag = "connectors", security(("token" = [])),
    params(CompanyPath, BatchPath), responses((status = 200, body = BatchAnswer), Problems))]
pub async fn get_batch(
    State(hub): State<Hub>,
    Agent { caller, .. }: Agent,
    Place(path): Place<BatchPath>,
) -> Result<Reply, Fault> {
    let read = move |view: &dyn View| {
        let answer = view.answer(&caller.company, &path.key)?;
        let answer = answer.ok_or_else(|| Fault::not_found("no batch of this key was carried out"))?;
        Answered::of(view, &caller.company, answer)
    };
    hub.service.read(read).await?.reply().await
}

/// An answer, and what it takes to show it.
struct Answered {
    answer: Answer,
    /// Accounts without an owner, as they are listed.
    unmanaged: Vec<wire::Account>,
    pools: Vec<wire::Pool>,
    version: u64,
    previous: u64,
}

impl Answered {
    fn of(view: &dyn View, company: &str, mut answer: Answer) -> Result<Self, Fault> {
        let (managed, unmanaged) = answer.accounts.into_iter().partition(crate::model::Account::is_managed);
        answer.accounts = managed;
        let unmanaged: Vec<_> = Vec::into_iter(unmanaged).map(|account: crate::model::Account| account.id).collect();
        let unmanaged = show::these(view, company, &unmanaged)?;
        let version = view.company(company)?.version;
        Ok(Self { answer, unmanaged, pools: show::pools(view, company)?, version, previous: version })
    }

    /// Written out beside the thread that writes: it may be long.
    async fn reply(self) -> Result<Reply, Fault> {
        let write = move || Reply::ok(&self.shown());
        tokio::task::spawn_blocking(write).await.unwrap_or_else(|_| Err(Fault::unreadable("cannot be shown")))
    }

    fn shown(self) -> BatchAnswer {
        let Answer { outcomes, accounts, removed, .. } = self.answer;
        let steps = outcomes.len();
        let refused = outcomes.into_iter().enumerate().filter_map(|(index, outcome)| match outcome {
            Outcome::Done => None,
            Outcome::Refused { code, message } => Some(Refused { index, code, message }),
        });
        let managed = accounts.into_iter().map(|account| wire::Account::of_batch(account, expect::of_account));
        BatchAnswer {
            steps,
            refused: refused.collect(),
            accounts: self.unmanaged.into_iter().chain(managed).collect(),
            removed: removed.iter().map(Person::from).collect(),
            pools: self.pools,
            version: self.version,
            previous: self.previous,
        }
    }
}

/// Let through what the guard holds back
#[utoipa::path(post, path = "/v1/companies/{company}/confirmations", tag = "connectors", security(("token" = [])),
    params(CompanyPath, Key, Epoch), request_body = wire::Confirmation, responses((status = 204), Problems))]
pub async fn post_confirmation(
    State(hub): State<Hub>,
    Trusted(caller): Trusted,
    Key { key }: Key,
    epoch: Epoch,
    body: Body<wire::Confirmation>,
) -> Result<Reply, Fault> {
    let at = body.value.at;
    let confirmation = change::Confirmation::try_from(body.value)?;
    let company = caller.company.clone();
    let work = move |desk: &Desk<'_>| {
        once(desk, &key, &body.request, |desk| {
            fence(desk, caller.connector.as_deref(), epoch)?;
            decisions::confirm_at(desk, &confirmation, at)?;
            Ok(Reply::nothing())
        })
    };
    hub.service.change(&company, work).await
}

/// Give the account of one person to another
#[utoipa::path(post, path = "/v1/companies/{company}/relinks", tag = "connectors", security(("token" = [])),
    params(CompanyPath, Key, Epoch), request_body = Relink,
    responses((status = 200, body = wire::Account), Problems))]
pub async fn post_relink(
    State(hub): State<Hub>,
    Trusted(caller): Trusted,
    Key { key }: Key,
    epoch: Epoch,
    body: Body<Relink>,
) -> Result<Reply, Fault> {
    let (old, new) = (PersonId::try_from(&body.value.old)?, PersonId::try_from(&body.value.new)?);
    let company = caller.company.clone();
    let work = move |desk: &Desk<'_>| {
        once(desk, &key, &body.request, |desk| {
            fence(desk, caller.connector.as_deref(), epoch)?;
            let account = decisions::relink(desk, &old, &new)?;
            let listed = operations::accounts::shown(desk, &account.id)?;
            Reply::ok(&show::account(desk.records, desk.company, listed)?)
        })
    };
    hub.service.change(&company, work).await
}

/// Refuses an older epoch than the latest, and a connector's that is another's, where one is given.
pub fn fence(desk: &Desk<'_>, connector: Option<&str>, epoch: Epoch) -> Result<(), Fault> {
    let Some(epoch) = epoch.epoch else { return Ok(()) };
    let lease = desk.settings()?.lease;
    Ok(match connector {
        Some(connector) => lease.check(connector, epoch),
        None => lease.is_latest(epoch),
    }?)
}
