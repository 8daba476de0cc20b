//! Reading a company whole, as of one moment, however much is written meanwhile; or a failure (rule 7).
//!
//! The pages of the accounts are each of a moment of their own. What changed since the first of them is then asked for
//! until nothing is missing; the last answer brings the pools, and all is of its moment:
//!
//! | an account | is as of the last answer, since |
//! |---|---|
//! | without an event after the first page | it lay on a page, as it was then and still is |
//! | with some | the answer that looked at its last event showed it as it was then and still is, or said that it is no more |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Method;

use super::failure::Failure;
use super::http::{Http, MIB, Request};
use crate::ledger::wire::{self, Changes, Malformed, Page, State};
use crate::model::change::{BackendState, Confirmation, GuardMark};
use crate::model::{Account, AccountId, Name, PoolCount};
use crate::retry::Waits;

/// The most there are on a page.
const PAGE: &str = "10000";
/// Such a page has some ten MiB.
const LONGEST_PAGE: usize = 64 * MIB;
/// As many accounts, the guard's marks, and what was confirmed: a few hundred bytes for everybody who left.
const LONGEST_CHANGES: usize = 2 * LONGEST_PAGE;
const DOING: &str = "read the company's accounts";
const CATCHING_UP: &str = "read what changed meanwhile";
/// So often a read begins again: where nobody knows what changed, or the ledger was restored from a backup.
const ROUNDS: usize = 20;
/// So often a read begins again where another hand changed the ledger's database: it sets that right in a moment.
const MISCOUNTS: usize = 3;
/// So often changes are asked for, some ten thousand at a time. Who writes more than that cannot be followed.
const ANSWERS: usize = 1000;

/// A company, and the moment it was read at.
#[derive(Debug)]
pub struct Moment {
    pub state: BackendState,
    pub version: u64,
    pub last_event: u64,
}

/// Accounts by id: no answer may show one twice.
type Accounts = BTreeMap<AccountId, Account>;

/// Reads everything. `epoch`: of the lease that we have; what was read must show it, or a later one.
///
/// # Errors
/// Where a part could not be read, or the parts do not make a whole.
pub async fn company(http: &Http, epoch: Option<u64>) -> Result<Moment, Failure> {
    let mut waits = Waits::new(Duration::from_millis(50), Duration::from_secs(2)).take(ROUNDS);
    let mut counts = Waits::new(Duration::from_millis(300), Duration::from_secs(2)).take(MISCOUNTS);
    loop {
        match once(http, epoch).await {
            Err(failure) if failure.is("miscounted") => {
                let Some(wait) = counts.next() else { return Err(failure) };
                tracing::debug!(%failure, "The ledger's counts are wrong; reading again.");
                tokio::time::sleep(wait).await;
            }
            Err(failure) if failure.is("list-changed") || failure.is("events-expired") => {
                let Some(wait) = waits.next() else { return Err(failure) };
                tracing::debug!(%failure, "What changed while the company was read is not known; beginning again.");
                tokio::time::sleep(wait).await;
            }
            other => return other,
        }
    }
}

async fn once(http: &Http, epoch: Option<u64>) -> Result<Moment, Failure> {
    let (since, mut accounts) = listed(http).await?;
    let state = catch_up(http, since, &mut accounts).await?;
    if epoch.is_some_and(|epoch| state.lease.epoch < epoch) {
        return Err(http.kept(DOING));
    }
    let (version, last_event) = (state.version, state.last_event);
    let state = understood(http, state, accounts)?;
    Ok(Moment { state, version, last_event })
}

/// All but the accounts, where nothing changed since this version; else None.
///
/// # Errors
/// Where it could not be read.
pub async fn unchanged(http: &Http, version: u64, epoch: Option<u64>) -> Result<Option<BackendState>, Failure> {
    let doing = "ask what changed since the last cycle";
    let request = http.request(doing, Method::GET, &["changes"]).query("since", &version.to_string());
    let request = request.at_most(LONGEST_CHANGES);
    let Changes { state, until, accounts, removed } = match http.ask(&request).await {
        Ok(changes) => changes,
        Err(failure) if failure.is("list-changed") || failure.is("events-expired") => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let is_same = until == version && state.version == version && accounts.is_empty() && removed.is_empty();
    if !is_same || epoch.is_some_and(|epoch| state.lease.epoch < epoch) {
        return Ok(None);
    }
    put_together(state, Vec::new()).map(Some).map_err(|error| http.malformed(doing, error))
}

/// All pages, and the version of the first. None is of an earlier moment than the one before.
async fn listed(http: &Http) -> Result<(u64, Accounts), Failure> {
    let (mut accounts, mut cursor) = (Accounts::new(), None);
    let (mut first, mut latest) = (None, 0);
    loop {
        let page: Page<wire::Account> = http.ask(&page(http, cursor.as_deref())).await?;
        if page.version < latest {
            return Err(http.kept(DOING));
        }
        let since = *first.get_or_insert(page.version);
        latest = page.version;
        let is_empty = page.items.is_empty();
        for account in page.items {
            let account = Account::try_from(account).map_err(|error| http.malformed(DOING, error))?;
            let id = account.id.clone();
            if accounts.insert(id.clone(), account).is_some() {
                return Err(http.broken(DOING, &format!("the list shows account {id} twice")));
            }
        }
        match page.next_cursor {
            None => return Ok((since, accounts)),
            Some(_) if is_empty => {
                let said =
                    format!("after {} accounts the list shows an empty page, and names one after it", accounts.len());
                return Err(http.broken(DOING, &said));
            }
            // Each account that is gone by now made an event: a list that is longer never ends.
            Some(_) if accounts.len() as u64 > page.total + (page.version - since) => {
                let said =
                    format!("the list goes on after {} accounts, and {} are announced", accounts.len(), page.total);
                return Err(http.broken(DOING, &said));
            }
            next => cursor = next,
        }
    }
}

fn page<'a>(http: &Http, cursor: Option<&str>) -> Request<'a> {
    let request = http.request(DOING, Method::GET, &["accounts"]).query("limit", PAGE).query("moving", "true");
    let request = request.at_most(LONGEST_PAGE);
    match cursor {
        Some(cursor) => request.query("cursor", cursor),
        None => request,
    }
}

/// Brings the accounts to the moment of the answer with which nothing is missing; the rest of the company as of then.
async fn catch_up(http: &Http, mut since: u64, accounts: &mut Accounts) -> Result<State, Failure> {
    for _ in 0..ANSWERS {
        let request = http.request(CATCHING_UP, Method::GET, &["changes"]).query("since", &since.to_string());
        let request = request.at_most(LONGEST_CHANGES);
        let Changes { state, until, accounts: changed, removed } = http.ask(&request).await?;
        let leads_on = until > since || (until == since && until == state.version);
        if !leads_on || until > state.version {
            let said = format!("asked for what changed since {since}, it told it until {until} of {}", state.version);
            return Err(http.broken(CATCHING_UP, &said));
        }
        for account in changed {
            let account = Account::try_from(account).map_err(|error| http.malformed(CATCHING_UP, error))?;
            accounts.insert(account.id.clone(), account);
        }
        for id in removed {
            accounts.remove(&AccountId(id.into()));
        }
        if until == state.version {
            return Ok(state);
        }
        since = until;
    }
    Err(http.changed(CATCHING_UP))
}

/// The whole, if it is one: as many accounts as the company has, who hold and wait for as many seats as its pools say.
fn understood(http: &Http, state: State, accounts: Accounts) -> Result<BackendState, Failure> {
    if accounts.len() as u64 != state.accounts {
        let said = format!("the list had {} accounts, and {} were announced", accounts.len(), state.accounts);
        return Err(http.broken(DOING, &said));
    }
    let accounts = accounts.into_values().collect();
    let state = put_together(state, accounts).map_err(|error| http.malformed("read the company", error))?;
    match uncounted(&state) {
        None => Ok(state),
        Some(said) => Err(http.miscounted(DOING, &said)),
    }
}

fn put_together(state: State, accounts: Vec<Account>) -> Result<BackendState, Malformed> {
    let pools = state.pools.iter().map(|pool| pool.count().map(|count| (count.name.clone(), count)));
    Ok(BackendState {
        accounts,
        pools: pools.collect::<Result<BTreeMap<Name, PoolCount>, Malformed>>()?,
        marks: state.marks.into_iter().map(GuardMark::try_from).collect::<Result<_, _>>()?,
        confirmations: state.confirmations.into_iter().map(Confirmation::try_from).collect::<Result<_, _>>()?,
    })
}

/// Which pool's counts the accounts do not explain, in words.
fn uncounted(state: &BackendState) -> Option<String> {
    let mut counted: BTreeMap<&Name, (u32, u32)> = BTreeMap::new();
    for seat in state.accounts.iter().flat_map(|account| &account.seats) {
        let (held, waiting) = counted.entry(&seat.pool).or_default();
        *held += u32::from(seat.is_held());
        *waiting += u32::from(seat.is_waiting());
    }
    let said = state.pools.values().map(|pool| (&pool.name, (pool.held, pool.waiting))).collect::<BTreeMap<_, _>>();
    let names: BTreeSet<&Name> = counted.keys().chain(said.keys()).copied().collect();
    names.into_iter().find_map(|name| {
        let [theirs, ours] = [&said, &counted].map(|counts| counts.get(name).copied().unwrap_or_default());
        (theirs != ours).then(|| {
            format!(
                "pool {name:?} counts {} held and {} waiting, and the accounts hold {} of it and wait for {}",
                theirs.0, theirs.1, ours.0, ours.1
            )
        })
    })
}
