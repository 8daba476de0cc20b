//! Many small requests in one: each its own transaction, with its own key and its own result.

use axum::extract::State;
use sha2::{Digest as _, Sha256};

use super::body::Body;
use super::caller::{Caller, Decider};
use super::fault::Fault;
use super::headers::{Key, check_key};
use super::reply::{Reply, once};
use super::{CompanyPath, Hub, Problems, show};
use crate::ledger::LedgerError;
use crate::ledger::operations::decisions::{Ruling, Whom, rule};
use crate::ledger::operations::expect::Expect;
use crate::ledger::operations::{Desk, accounts};
use crate::ledger::records::{Listed, Replay, Role};
use crate::ledger::rules::{Declined, LAST};
use crate::ledger::wire::{self, Bulk, BulkAnswer, BulkItem, BulkResult, Do, name};
use crate::model::{AccountId, Name, Profile};

/// Items of one request at most.
const MOST: usize = 1000;

/// Carry out many small requests
#[utoipa::path(post, path = "/v1/companies/{company}/bulk", tag = "accounts", security(("token" = [])),
    params(CompanyPath, Key), request_body = Bulk, responses((status = 200, body = BulkAnswer), Problems))]
pub async fn post(
    State(hub): State<Hub>,
    Decider(caller): Decider,
    Key { key }: Key,
    body: Body<Bulk>,
) -> Result<Reply, Fault> {
    let items = body.value.items;
    check(&caller, &items)?;
    if items.iter().any(|item| item.key == key) {
        return Err(Fault::invalid("the key of an item must not be that of the whole request"));
    }
    let held = body.held;
    let work = move |desk: &Desk<'_>| {
        let _held = held;
        once(desk, &key, &body.request, |desk| {
            let results: Result<Vec<BulkResult>, Fault> = items.iter().map(|item| carry_out(desk, item)).collect();
            Reply::ok(&BulkAnswer { results: results? })
        })
    };
    hub.service.change(&caller.company, work).await
}

fn check(caller: &Caller, items: &[BulkItem]) -> Result<(), Fault> {
    if items.is_empty() {
        return Err(Fault::invalid("items must not be empty"));
    }
    if items.len() > MOST {
        return Err(Fault::too_large("bulk-too-large", MOST as u64));
    }
    for (index, item) in items.iter().enumerate() {
        let decides = matches!(item.verb, Do::Decide | Do::Transfer);
        let allowed = if decides { Ok(()) } else { caller.must_be(&[Role::Admin]) };
        let checked = allowed.and_then(|()| check_key(&item.key));
        checked.map_err(|fault| fault.with(|problem| problem.index = Some(index)))?;
    }
    Ok(())
}

/// One item, as a part of the transaction that fails by itself.
fn carry_out(desk: &Desk<'_>, item: &BulkItem) -> Result<BulkResult, Fault> {
    desk.records.begin_part()?;
    let result = remembered(desk, item);
    if result.is_ok() {
        desk.records.keep_part()?;
    } else {
        desk.records.undo_part()?;
    }
    Ok(result.unwrap_or_else(|fault| BulkResult {
        key: item.key.clone(),
        status: fault.problem.status,
        account: None,
        problem: Some(*fault.problem),
        replayed: false,
    }))
}

/// The result that was kept for this key, or a new one.
fn remembered(desk: &Desk<'_>, item: &BulkItem) -> Result<BulkResult, Fault> {
    let encode = |source| Fault::from(LedgerError::Encode { table: "answer", source });
    let request = format!("item {:x}", Sha256::digest(serde_json::to_string(item).map_err(encode)?));
    if let Some(kept) = desk.records.replay(desk.company, &item.key)? {
        if kept.request != request {
            return Err(Declined::KeyReused.into());
        }
        let result: BulkResult = serde_json::from_str(&kept.body).map_err(encode)?;
        return Ok(BulkResult { replayed: true, ..result });
    }
    let (status, account) = act(desk, item)?;
    let result = BulkResult { key: item.key.clone(), status, account, problem: None, replayed: false };
    let body = serde_json::to_string(&result).map_err(encode)?;
    desk.records.remember_reply(desk.company, &item.key, &Replay { request, status, body }, desk.now)?;
    Ok(result)
}

/// Does what an item says: the status, and the account as it is afterwards.
fn act(desk: &Desk<'_>, item: &BulkItem) -> Result<(u16, Option<wire::Account>), Fault> {
    if item.verb == Do::Put {
        return put(desk, item);
    }
    let id = account(desk, item)?;
    let expect = item.if_match.clone().map_or(Expect::Nothing, Expect::Tag);
    let listed = match item.verb {
        Do::Put | Do::Delete => {
            accounts::delete(desk, &id, &expect)?;
            return Ok((204, None));
        }
        Do::Suspend => accounts::suspend(desk, &id, item.keep_seats.unwrap_or(false), &expect)?,
        Do::Resume => accounts::resume(desk, &id, &expect)?,
        Do::Claim => accounts::ask(desk, &id, &pool(item)?, item.rank.unwrap_or(LAST), false)?,
        Do::Release => accounts::hand_back(desk, &id, &pool(item)?)?,
        Do::Decide => decide(desk, item, &id)?,
        Do::Transfer => {
            let to = item.to.clone().ok_or_else(|| missing("to"))?;
            accounts::transfer(desk, &pool(item)?, &id, &AccountId(to.into()))?.0
        }
    };
    Ok((200, Some(show::account(desk.records, desk.company, listed)?)))
}

fn put(desk: &Desk<'_>, item: &BulkItem) -> Result<(u16, Option<wire::Account>), Fault> {
    let external = item.external_id.as_ref().ok_or_else(|| missing("external_id"))?;
    let external = name("external_id", external)?;
    let profile = Profile::try_from(item.profile.clone().ok_or_else(|| missing("profile"))?)?;
    let expect = item.if_match.clone().map_or(Expect::New, Expect::Tag);
    let (listed, new) = accounts::put(desk, &external, &profile, &expect)?;
    let account = show::account(desk.records, desk.company, listed)?;
    Ok((if new { 201 } else { 200 }, Some(account)))
}

fn decide(desk: &Desk<'_>, item: &BulkItem, id: &AccountId) -> Result<Listed, Fault> {
    let verdict = item.verdict.ok_or_else(|| missing("verdict"))?.into();
    let pool = item.pool.as_ref().map(|pool| Name::from(pool.as_str()));
    rule(desk, &[Ruling { whom: Whom::Account(id.clone()), pool, verdict }]).map_err(|unruled| unruled.error)?;
    Ok(accounts::shown(desk, id)?)
}

/// The account an item is about.
fn account(desk: &Desk<'_>, item: &BulkItem) -> Result<AccountId, Fault> {
    match (&item.account, &item.external_id) {
        (Some(id), None) => Ok(AccountId(id.as_str().into())),
        (None, Some(external)) => {
            let unknown = || Fault::not_found("there is no account with this external id");
            desk.records.by_external(desk.company, external)?.ok_or_else(unknown)
        }
        _ => Err(Fault::invalid("an item names its account by account or by external_id, and not by both")),
    }
}

fn pool(item: &BulkItem) -> Result<Name, Fault> {
    item.pool.as_ref().map(|pool| Name::from(pool.as_str())).ok_or_else(|| missing("pool"))
}

fn missing(what: &str) -> Fault {
    Fault::invalid(format!("the item needs {what}"))
}
