//! From a raw entry to a directory user: who it is, whether they may still be here, and what the backend is told.

use jiff::Timestamp;

use super::entry::RawEntry;
use crate::model::settings::AttributeSettings;
use crate::model::snapshot::Kind;
use crate::model::{Sighting, Unidentified};

/// Reads people out of the entries of one kind of directory.
#[derive(Clone, Debug)]
pub struct PersonReader {
    kind: Kind,
    names: Names,
}

/// The directory's names of what we use.
#[derive(Clone, Debug)]
struct Names {
    user_name: String,
    email: String,
    given_name: String,
    family_name: String,
    display_name: String,
    anchor: Option<String>,
}

impl PersonReader {
    /// A reader for entries of `kind`, with the attribute names of the config or the kind's own.
    #[must_use]
    pub fn new(kind: Kind, settings: &AttributeSettings) -> Self {
        let or = |name: &Option<String>, own: &str| name.clone().unwrap_or_else(|| own.to_owned());
        let user_name = if kind == Kind::ActiveDirectory { "userPrincipalName" } else { "uid" };
        let names = Names {
            user_name: or(&settings.user_name, user_name),
            email: or(&settings.email, "mail"),
            given_name: or(&settings.given_name, "givenName"),
            family_name: or(&settings.family_name, "sn"),
            display_name: or(&settings.display_name, "displayName"),
            anchor: settings.anchor.clone(),
        };
        Self { kind, names }
    }

    /// The attributes to ask a server for: those that are used, each once.
    #[must_use]
    pub fn wanted(&self) -> Vec<String> {
        Vec::new()
    }

    /// The kind's own filter for people.
    #[must_use]
    pub fn filter(&self) -> &'static str {
        "(objectClass=*)"
    }

    /// Is this entry a person, whatever their standing?
    #[must_use]
    pub fn is_person(&self, _entry: &RawEntry) -> bool {
        false
    }

    /// Reads one person. Any bytes are answered, none with a panic.
    ///
    /// # Errors
    /// Where there is no usable DN or anchor: nobody can be told from such an entry.
    pub fn read(&self, entry: &RawEntry, _now: Timestamp) -> Result<Sighting, Unidentified> {
        let _ = &self.names;
        Err(Unidentified {
            dn: String::from_utf8_lossy(&entry.dn).into_owned(),
            quarantine: crate::model::Quarantine {
                attribute: self.kind.as_str().to_owned(),
                reason: crate::model::Defect::Missing,
                message: String::new(),
            },
        })
    }
}
