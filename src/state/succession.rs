//! Which agent of the company worked, and which stands by.

use uuid::Uuid;

use super::State;
use super::requests::{note, note_json, set_note};
use super::values::to_json;
use crate::model::lease::{Moment, Standby};
use crate::ports::{StateError, Succession};

impl Succession for State {
    fn epoch(&self) -> Result<Option<u64>, StateError> {
        self.read("reading the epoch of the lease", |connection| note_json(connection, "epoch"))
    }

    fn set_epoch(&mut self, epoch: u64) -> Result<(), StateError> {
        self.write("epoch", "storing the epoch of the lease", |transaction| {
            set_note(transaction, "epoch", Some(&epoch.to_string()))
        })
    }

    fn moment(&self) -> Result<Option<Moment>, StateError> {
        self.read("reading how far the backend came", |connection| note_json(connection, "moment"))
    }

    fn set_moment(&mut self, moment: Moment) -> Result<(), StateError> {
        if self.moment()? == Some(moment) {
            return Ok(());
        }
        self.write("moment", "storing how far the backend came", |transaction| {
            set_note(transaction, "moment", Some(&to_json(&moment)?))
        })
    }

    fn set_standby(&mut self, standby: Option<&Standby>) -> Result<(), StateError> {
        if self.standby()?.as_ref() == standby {
            return Ok(());
        }
        self.write("standby", "storing which agent works", |transaction| {
            set_note(transaction, "standby", standby.map(to_json).transpose()?.as_deref())
        })
    }
}

impl State {
    /// The agent that works while this one stands by.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn standby(&self) -> Result<Option<Standby>, StateError> {
        self.read("reading which agent works", |connection| note_json(connection, "standby"))
    }

    /// Tells this state from every other: what the agent on it is called by a backend that several may write to. None
    /// where it never had an owner.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn instance(&self) -> Result<Option<String>, StateError> {
        self.read("reading the state's own id", |connection| note(connection, "instance"))
    }

    /// Where the embedded ledger lay when a cycle last used it.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn ledger_place(&self) -> Result<Option<String>, StateError> {
        self.read("reading where the ledger lay", |connection| note(connection, "ledger_place"))
    }

    /// Remembers where the embedded ledger lies.
    ///
    /// # Errors
    /// Where the state cannot be read or written.
    pub fn set_ledger_place(&mut self, place: &str) -> Result<(), StateError> {
        if self.ledger_place()?.as_deref() == Some(place) {
            return Ok(());
        }
        self.write("ledger_place", "storing where the ledger lies", |transaction| {
            set_note(transaction, "ledger_place", Some(place))
        })
    }

    /// Gives a state its id, once.
    pub(super) fn name_instance(&mut self) -> Result<(), StateError> {
        if self.instance()?.is_some() {
            return Ok(());
        }
        self.write("instance", "giving the state its own id", |transaction| {
            set_note(transaction, "instance", Some(&Uuid::new_v4().simple().to_string()[..8]))
        })
    }
}
