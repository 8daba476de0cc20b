//! People, by what groups list.

use super::StateError;
use crate::model::{Anchor, Dn};

/// The people of one directory, found by what groups list.
#[expect(clippy::missing_errors_doc, reason = "where the state cannot be read, each of them")]
pub trait Roster: Send {
    /// Who lies at each of these places; same order, same length.
    fn at(&mut self, dns: &[&Dn]) -> Result<Vec<Option<Anchor>>, StateError>;

    /// Whether somebody has this anchor, and is there.
    fn is_there(&mut self, anchor: Anchor) -> Result<bool, StateError>;

    /// Whose user id this is, folded.
    fn with_uid(&mut self, uid: &str) -> Result<Vec<Anchor>, StateError>;

    /// Whose `primaryGroupID` this is.
    fn with_primary_group(&mut self, token: u32) -> Result<Vec<Anchor>, StateError>;
}
