//! `[ledger.first]`: a ledger that is not there yet begins with a company, a pool and an agent's way in.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::{LedgerApp, told};
use crate::app::{AppError, Code};
use crate::clock;
use crate::ledger::operations::expect::Expect;
use crate::ledger::operations::{Desk, Manner, companies, pools};
use crate::ledger::records::{Records, Store as _};
use crate::ledger::rules::Purchase;
use crate::ledger::secret::{self, Purpose};
use crate::ledger::{Ledger, LedgerError};
use crate::model::settings::FirstCompany;

/// The agent's name in the ledger.
const CONNECTOR: &str = "main";

impl LedgerApp {
    /// Makes what `[ledger.first]` says, where there is no ledger. A ledger that is gone is not made anew: agents know what
    /// was in it.
    ///
    /// # Errors
    /// Where the token of an earlier one is still there, or something cannot be made.
    pub(super) fn begin(&self) -> Result<(), AppError> {
        let Some(first) = &self.settings.first else { return Ok(()) };
        let database = &self.settings.database;
        if database.exists() && !self.ledger(true)?.companies().map_err(|error| told(&error))?.is_empty() {
            return Ok(());
        }
        if first.token_file.exists() {
            return Err(lost(database, &first.token_file));
        }
        let mut ledger = Ledger::open(database, false).map_err(|error| told(&error))?;
        furnish(&mut ledger, first, self.settings.smtp.is_some())?;
        tracing::info!(company = %first.company, pool = %first.pool, seats = first.seats, "Made a new ledger.");
        Ok(())
    }
}

/// A ledger that `[ledger.first]` made once, by the token that is left of it.
pub fn lost(database: &Path, token: &Path) -> AppError {
    let message = format!(
        "there is no ledger at {}, but {} shows that there was one, or that its making was cut short",
        database.display(),
        token.display()
    );
    AppError::new(Code::Backend, message)
        .with_next("put the ledger back from a backup; to begin with a new one, delete the token")
}

/// The token first: a ledger without a way in is worse than a token without a ledger, and that is told.
fn furnish(ledger: &mut Ledger, first: &FirstCompany, mails: bool) -> Result<(), AppError> {
    let now = clock::now();
    let purpose = Purpose::of_connector(&CONNECTOR.into());
    let (kept, token) = secret::make(&first.company, purpose, now).map_err(|error| told(&error))?;
    write_private(&first.token_file, &token).map_err(|error| {
        AppError::new(Code::Failed, format!("could not write the token to {}", first.token_file.display()))
            .caused_by(&error)
    })?;
    let made = ledger.write(|records: &dyn Records| {
        records.add_company(&first.company)?;
        let desk = Desk { records, company: &first.company, now, manner: Manner::Served { mails } };
        let purchase = Purchase { seats: Some(first.seats), min_seats: None };
        pools::buy(&desk, &first.pool, purchase, &Expect::Nothing)?;
        companies::add_connector(&desk, &CONNECTOR.into(), &kept)?;
        Ok::<_, LedgerError>(())
    });
    made.map_err(|error| {
        // It opens nothing.
        let _ = fs::remove_file(&first.token_file);
        told(&error)
    })
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
