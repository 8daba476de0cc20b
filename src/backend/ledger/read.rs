//! Reading a company whole: complete as of one moment, or a failure (rule 7).

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use reqwest::Method;

use super::failure::Failure;
use super::http::{Http, Request};
use crate::ledger::wire::{self, Malformed, Page, State};
use crate::model::change::{BackendState, Confirmation, GuardMark};
use crate::model::{Account, AccountId, Name, PoolCount};
use crate::retry::Waits;

/// The most there are on a page.
const PAGE: &str = "10000";
const DOING: &str = "read the company's accounts";
/// So often a company may change while it is read.
const ROUNDS: usize = 20;

/// A company, and the moment it was read at.
#[derive(Debug)]
pub struct Moment {
    pub state: BackendState,
    pub version: u64,
    pub last_event: u64,
}

/// Reads everything. Where something changes meanwhile it begins again.
///
/// # Errors
/// Where a part could not be read, or the company did not stand still for long enough.
pub async fn company(http: &Http) -> Result<Moment, Failure> {
    let mut waits = Waits::new(Duration::from_millis(50), Duration::from_secs(2)).take(ROUNDS);
    loop {
        match once(http).await {
            Err(failure) if failure.is("list-changed") => {
                let Some(wait) = waits.next() else { return Err(failure) };
                tracing::debug!("The company changed while it was read; beginning again.");
                tokio::time::sleep(wait).await;
            }
            other => return other,
        }
    }
}

async fn once(http: &Http) -> Result<Moment, Failure> {
    let request = http.request("read the company", Method::GET, &["state"]);
    let state: State = http.ask(&request).await?;
    let accounts = accounts(http, &state).await?;
    let (version, last_event) = (state.version, state.last_event);
    let state = understood(state, accounts).map_err(|error| http.malformed("read the company", error))?;
    Ok(Moment { state, version, last_event })
}

fn understood(state: State, accounts: Vec<Account>) -> Result<BackendState, Malformed> {
    let pools = state.pools.iter().map(|pool| pool.count().map(|count| (count.name.clone(), count)));
    Ok(BackendState {
        accounts,
        pools: pools.collect::<Result<BTreeMap<Name, PoolCount>, Malformed>>()?,
        marks: state.marks.into_iter().map(GuardMark::try_from).collect::<Result<_, _>>()?,
        confirmations: state.confirmations.into_iter().map(Confirmation::try_from).collect::<Result<_, _>>()?,
    })
}

/// All pages. Each says which version it is of and how many accounts there are in all, and together they must be it.
async fn accounts(http: &Http, state: &State) -> Result<Vec<Account>, Failure> {
    let mut accounts: Vec<Account> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let request = page(http, cursor.as_deref());
        let page: Page<wire::Account> = http.ask(&request).await?;
        if page.version != state.version {
            return Err(http.changed(DOING));
        }
        for account in page.items {
            accounts.push(account.try_into().map_err(|error| http.malformed(DOING, error))?);
        }
        if page.total != state.accounts {
            let said = format!("the list has {} accounts, and {} were announced", page.total, state.accounts);
            return Err(http.broken(DOING, &said));
        }
        match page.next_cursor {
            None => break,
            next if accounts.len() as u64 <= state.accounts => cursor = next,
            Some(_) => break,
        }
    }
    check(http, state, &accounts)?;
    Ok(accounts)
}

/// As many as announced, and none twice.
fn check(http: &Http, state: &State, accounts: &[Account]) -> Result<(), Failure> {
    let ids: HashSet<&AccountId> = accounts.iter().map(|account| &account.id).collect();
    if ids.len() as u64 == state.accounts && accounts.len() == ids.len() {
        return Ok(());
    }
    let (different, all) = (ids.len(), state.accounts);
    let said =
        format!("the list had {} accounts, {different} of them different, and {all} were announced", accounts.len());
    Err(http.broken(DOING, &said))
}

fn page<'a>(http: &Http, cursor: Option<&str>) -> Request<'a> {
    let request = http.request(DOING, Method::GET, &["accounts"]).query("limit", PAGE);
    match cursor {
        Some(cursor) => request.query("cursor", cursor),
        None => request,
    }
}
