//! Setting right what another hand left behind, before anybody counts on it.

use jiff::Timestamp;

use crate::ledger::LedgerError;
use crate::ledger::records::Records;
use crate::ledger::rules::Happening;
use crate::ledger::rules::happenings::What;

/// All companies. Whoever follows one that was mended hears that it changed; of a change that told nothing by itself
/// (`silent`) nobody knows which company it was of, and all hear it. Whether there was anything.
///
/// # Errors
/// Where they cannot be read or stored.
pub fn all(records: &dyn Records, silent: bool, now: Timestamp) -> Result<bool, LedgerError> {
    let mut any = false;
    for company in records.companies()? {
        any |= mend(records, &company, silent, now)?;
    }
    Ok(any)
}

/// One company. Whether there was anything.
///
/// # Errors
/// Where it cannot be read or stored.
pub fn one(records: &dyn Records, company: &str, now: Timestamp) -> Result<bool, LedgerError> {
    mend(records, company, false, now)
}

fn mend(records: &dyn Records, company: &str, silent: bool, now: Timestamp) -> Result<bool, LedgerError> {
    let changed = records.repair(company)? || silent;
    if changed {
        records.record(company, now, &[Happening::of_company(What::LedgerChanged, serde_json::Value::Null)])?;
    }
    Ok(changed)
}
