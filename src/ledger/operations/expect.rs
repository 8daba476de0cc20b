//! What a request expects to find: judged inside the transaction that would write.

use std::hash::Hash;

use crate::ledger::records::Listed;
use crate::ledger::rules::company::{Company, Policy};
use crate::ledger::rules::{Declined, Terms};
use crate::model::Digest;

/// A precondition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Whatever is there, or nothing.
    #[default]
    Nothing,
    /// Not there yet.
    New,
    /// There, however it is.
    There,
    /// Just so.
    Tag(String),
}

impl Expect {
    /// Compares with the tag of what is there.
    ///
    /// # Errors
    /// Where it is not as expected.
    pub fn check(&self, present: Option<&str>) -> Result<(), Declined> {
        let holds = match (self, present) {
            (Self::Nothing, _) | (Self::New, None) | (Self::There, Some(_)) => true,
            (Self::Tag(expected), Some(present)) => expected == present,
            (Self::New, Some(_)) | (Self::There | Self::Tag(_), None) => false,
        };
        if holds { Ok(()) } else { Err(Declined::PreconditionFailed { etag: present.map(str::to_owned) }) }
    }
}

/// The tag of an account: another one whenever anything of it that is decided here changes.
#[must_use]
pub fn of_account(listed: &Listed) -> String {
    tag(&(&listed.account, &listed.external))
}

/// The tag of a pool: its numbers and terms, not who holds or waits.
#[must_use]
pub fn of_pool(seats: u32, terms: &Terms) -> String {
    tag(&(seats, terms))
}

/// The tag of a company's settings.
#[must_use]
pub fn of_company(company: &Company) -> String {
    let Company { name, tier, approved_domains, allocation, renewal, confirmation_mail, version: _, lease: _ } =
        company;
    let automatic = allocation.promotion == crate::model::change::Promotion::Automatic;
    tag(&(name, tier, approved_domains, automatic, renewal, confirmation_mail))
}

/// The tag of a policy.
#[must_use]
pub fn of_policy(policy: &Policy) -> String {
    tag(&(&policy.name, policy.advanced, policy.enabled))
}

/// The tag of something that is there or not, and never changes.
#[must_use]
pub fn of_name(name: &str) -> String {
    tag(name)
}

fn tag(value: &(impl Hash + ?Sized)) -> String {
    Digest::of(value).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
