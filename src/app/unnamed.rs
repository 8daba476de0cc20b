//! Pools that the config does not name, and of which people hold seats all the same: they can be looked at, and taken back.

use std::collections::BTreeMap;

use super::answers::pools_now;
use super::engine::state_error;
use super::verbs::unknown_pool;
use super::{App, AppError};
use crate::model::Name;
use crate::model::account::given_elsewhere;
use crate::model::memory::LastKnown;
use crate::model::report::{PoolRow, Probe};
use crate::model::settings::PoolSettings;
use crate::model::text::counted;
use crate::state::State;

impl App {
    /// A pool of the config, or one that the backend had in the last cycle.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub(super) fn known_pool(&self, pool: &str) -> Result<(), AppError> {
        let mut known: Vec<String> = self.settings.pools.iter().map(|pool| pool.name.to_string()).collect();
        if known.iter().any(|name| name == pool) {
            return Ok(());
        }
        let last = pools_now(&self.state_beside()?)?;
        let unnamed = last.iter().map(|pool| &pool.name).filter(|name| !self.names(name));
        known.extend(unnamed.map(ToString::to_string));
        if known.iter().any(|name| name == pool) { Ok(()) } else { Err(unknown_pool(pool, &known)) }
    }

    fn names(&self, pool: &str) -> bool {
        self.settings.pools.iter().any(|known| *known.name == *pool)
    }

    /// Pools that the config does not name, and how many people hold a seat of them that the agent gave.
    fn unnamed(&self, everyone: &[LastKnown]) -> BTreeMap<Name, u64> {
        given_elsewhere(everyone.iter().filter_map(|known| known.account.as_ref()), |pool| self.names(pool))
    }

    /// Everyone, read once, where a pool or a directory is there that the config does not name.
    fn concerned(&self, state: &State, known: &[PoolRow]) -> Result<Vec<LastKnown>, AppError> {
        let directories = state.directories().map_err(|error| state_error(&error))?;
        let all_named = known.iter().all(|pool| self.names(&pool.name))
            && directories.iter().all(|known| self.settings.has_directory(&known.name));
        if all_named { Ok(Vec::new()) } else { self.everyone(state) }
    }

    /// What `check` says of them; nothing where the state cannot be read, of which it speaks elsewhere.
    pub(super) fn unnamed_probes(&self) -> Vec<Probe> {
        let Ok(state) = self.state_beside() else { return Vec::new() };
        let known = pools_now(&state).unwrap_or_default();
        let everyone = self.concerned(&state, &known).unwrap_or_default();
        let unnamed = self.unnamed(&everyone);
        // A served ledger says itself which pools it has.
        let is_new = |pool: &&PoolSettings| pool.seats.is_some() && known.iter().all(|row| row.name != pool.name);
        let new = self.settings.pools.iter().find(is_new).map(|pool| &pool.name);
        let mut probes = self.unnamed_directories(&everyone);
        probes.extend(unnamed.into_iter().map(|(pool, people)| probe(&pool, people, new)));
        probes
    }

    /// Directories that the config does not name, and of whose people the agent made accounts: a cycle leaves them as they are,
    /// and reads the people of a directory that only got another name as strangers.
    fn unnamed_directories(&self, everyone: &[LastKnown]) -> Vec<Probe> {
        let mut accounts: BTreeMap<&Name, u64> = BTreeMap::new();
        for known in everyone.iter().filter(|known| known.account.is_some()) {
            if let Some(directory) = known.directory.as_ref().filter(|name| !self.settings.has_directory(name)) {
                *accounts.entry(directory).or_default() += 1;
            }
        }
        accounts.into_iter().map(|(directory, count)| of_directory(directory, count)).collect()
    }
}

fn of_directory(directory: &Name, accounts: u64) -> Probe {
    let belong = counted(accounts, "account belongs", "accounts belong");
    Probe {
        what: format!("directory {directory}"),
        ok: true,
        message: format!("the config does not name it, and {belong} to it"),
        lost: Some("its people keep what they have, and get and lose nothing".to_owned()),
        remedy: Some(format!(
            "write the name {directory} again where the directory got another one; or end the accounts in the backend"
        )),
    }
}

fn probe(pool: &Name, people: u64, new: Option<&Name>) -> Probe {
    let hold = counted(people, "person holds", "people hold");
    let (lost, remedy) = match new {
        Some(new) => (
            format!("no cycle changes anything: {new} would give the same seats once more"),
            format!(
                "write the name {pool} again: it is the name in the ledger; or, where {new} is another pool, name both, {pool} last and \
                 with seats = 0"
            ),
        ),
        None => (
            "they get no other seat beside it".to_owned(),
            format!("name {pool} again, or take its seats back with `seatsync pending release USER --pool {pool}`"),
        ),
    };
    let message = format!("the config does not name it, and {hold} a seat of it, which they keep");
    Probe { what: format!("pool {pool}"), ok: new.is_none(), message, lost: Some(lost), remedy: Some(remedy) }
}
