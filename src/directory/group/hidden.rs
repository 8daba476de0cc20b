//! Groups that show no members since we may not see them: a group without members looks the same, and would send its people
//! away.
//!
//! | no members shown | means |
//! |---|---|
//! | OpenLDAP refuses to compare the attribute (slapd.access(5)) | no right to read it: the read is partial |
//! | Active Directory finds somebody by the other end of the link, `memberOf` | the same |
//! | the group's access list there closes `member` to the account | the same |
//! | neither | it is empty |

use super::{GroupSource, Walked};
use crate::model::Dn;
use crate::ports::ReadError;

/// Takes the groups of the config whose members are hidden, or in which such a group lies, out of `walked`: who is in them is
/// not known. Gives a sentence on each.
///
/// # Errors
/// Those of the source.
pub async fn hidden(walked: &mut Walked, source: &mut dyn GroupSource) -> Result<Vec<String>, ReadError> {
    let empty: Vec<Dn> = walked.empty.keys().cloned().collect();
    if empty.is_empty() {
        return Ok(Vec::new());
    }
    let attributes = source.hidden(&empty).await?;
    let mut problems = Vec::new();
    for (dn, attribute) in empty.iter().zip(attributes) {
        let Some(attribute) = attribute else { continue };
        for key in walked.empty.get(dn).into_iter().flatten() {
            walked.members.remove(key);
        }
        problems.push(format!(
            "The members of the group {:?} cannot be seen. Grant the account the right to read {attribute} of it",
            dn.as_str()
        ));
    }
    Ok(problems)
}
