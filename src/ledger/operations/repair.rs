//! Setting right what another hand left behind, before anybody counts on it.

use jiff::Timestamp;

use crate::ledger::LedgerError;
use crate::ledger::records::Records;
use crate::ledger::rules::Happening;
use crate::ledger::rules::happenings::What;

/// All companies. Whoever follows one that was mended hears that it changed. Whether there was anything.
///
/// # Errors
/// Where they cannot be read or stored.
pub fn all(records: &dyn Records, now: Timestamp) -> Result<bool, LedgerError> {
    let mut any = false;
    for company in records.companies()? {
        any |= one(records, &company, now)?;
    }
    Ok(any)
}

/// One company. Whether there was anything.
///
/// # Errors
/// Where it cannot be read or stored.
pub fn one(records: &dyn Records, company: &str, now: Timestamp) -> Result<bool, LedgerError> {
    let mended = records.repair(company)?;
    if mended {
        let changed = Happening::of_company(What::LedgerChanged, serde_json::Value::Null);
        records.record(company, now, &[changed])?;
    }
    Ok(mended)
}
