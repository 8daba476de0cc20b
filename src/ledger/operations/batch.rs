//! A batch of steps: carried out in order, settled, answered, remembered.

use std::collections::BTreeSet;

use super::{Desk, clocks};
use crate::ledger::LedgerError;
use crate::ledger::records::{Asked, Touched};
use crate::ledger::rules::{Declined, wanted};
use crate::model::AccountId;
use crate::model::change::{Answer, Batch, Operation, Outcome};

/// Carries out a batch. The same key again changes nothing and gets the outcomes of the first time.
///
/// # Errors
/// Where it could not be stored: then nothing of it happened.
pub fn apply(desk: &Desk<'_>, batch: &Batch) -> Result<Answer, LedgerError> {
    match desk.records.answer(desk.company, &batch.key)? {
        Some(answer) => Ok(answer),
        None => carry_out(desk, batch, None),
    }
}

/// What the steps of a batch would come to, nothing being kept.
///
/// # Errors
/// Where the company cannot be read.
pub fn validate(desk: &Desk<'_>, batch: &Batch) -> Result<Vec<Outcome>, LedgerError> {
    Ok(desk.open(&touched(batch))?.carry_out(batch))
}

/// The same for an agent elsewhere: `request` is the digest of what it sent, `connector` and `epoch` are those of its lease.
///
/// # Errors
/// Where another agent took over, the key was used for another request, the agent's clock is off, or it could not be stored.
pub fn apply_fenced(
    desk: &Desk<'_>,
    batch: &Batch,
    request: &str,
    (connector, epoch): (&str, u64),
) -> Result<Answer, LedgerError> {
    match desk.records.batch_request(desk.company, &batch.key)? {
        Asked::Just(before) if before != request => return Err(Declined::KeyReused.into()),
        Asked::Never if desk.records.replay(desk.company, &batch.key)?.is_some() => {
            return Err(Declined::KeyReused.into());
        }
        Asked::Never => {}
        Asked::Just(_) | Asked::Unnoted => return apply(desk, batch),
    }
    desk.settings()?.lease.check(connector, epoch)?;
    clocks::check(batch.at, desk.now)?;
    carry_out(desk, batch, Some(request))
}

fn carry_out(desk: &Desk<'_>, batch: &Batch, request: Option<&str>) -> Result<Answer, LedgerError> {
    let mut excerpt = desk.open(&touched(batch))?;
    let outcomes = excerpt.carry_out(batch);
    if batch.settles() {
        desk.settle(&mut excerpt, &batch.allocation)?;
    }
    let answer = excerpt.answer(outcomes);
    desk.close(&mut excerpt)?;
    let mut company = desk.settings()?;
    if company.allocation != batch.allocation {
        company.allocation = batch.allocation.clone();
        desk.records.save_company(&company)?;
    }
    desk.records.forget_old(desk.company, desk.now)?;
    desk.records.remember_batch(desk.company, batch, &answer, request, desk.now)?;
    Ok(answer)
}

/// Everyone named by the batch, and the unique values it wants to set.
fn touched(batch: &Batch) -> Touched<'_> {
    let adopted = batch.steps.iter().filter_map(|step| match &step.operation {
        Operation::Adopt { account } => Some(account.clone()),
        _ => None,
    });
    let accounts: BTreeSet<AccountId> = adopted.collect();
    let people = batch.steps.iter().filter_map(|step| step.person.as_ref()).collect();
    Touched { people, accounts, values: wanted(batch) }
}
