//! From a raw entry to a directory user: who it is, whether they may still be here, and what the backend is told.
//!
//! | | is a person | leaving when | enabled all the same |
//! |---|---|---|---|
//! | `active-directory` | objectCategory=person and objectClass=user | userAccountControl & 2; accountExpires past (0 and 2^63-1 are never) | locked out, password expired |
//! | `openldap` | objectClass person, inetOrgPerson or posixAccount | pwdAccountLockedTime `000001010000Z`; pwdEndTime past; shadowExpire 1 or more and past | any other pwdAccountLockedTime (a lockout), shadowExpire 0 or -1 |
//! | `389ds` | the same | nsAccountLock true, directly or by a role | locked out after wrong passwords |
//! | `ldif` | objectClass of any of these or of 389 DS (contacts and computers are none) | any of these signs, nsAccountLock true | |

mod standing;
mod text;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;

use self::standing::judge;
use self::text::{Field, read_text, read_texts};
use super::entry::Entry;
use super::generalized_time;
use super::identity::{self, Unanchored};
use crate::model::settings::AttributeSettings;
use crate::model::snapshot::Kind;
use crate::model::value::email_fault;
use crate::model::{Anchor, Defect, Digest, Dn, Profile, Quarantine, Sighting, Unidentified};

/// The attributes that can say that somebody of this kind left.
pub fn leaving_attributes(kind: Kind) -> impl Iterator<Item = &'static str> {
    standing::attributes(kind)
}

/// What people of a domain log on as (MS-ADA3 2.222).
const LOGON: &str = "sAMAccountName";

/// Reads people out of the entries of one kind of directory.
#[derive(Clone, Debug)]
pub struct PersonReader {
    kind: Kind,
    names: Names,
    wanted: Arc<[String]>,
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
        let wanted = wanted(kind, &names).into();
        Self { kind, names, wanted }
    }

    /// The attributes to ask a server for: those that are used, each once. What kind of object it is, the filter says.
    #[must_use]
    pub fn wanted(&self) -> Vec<String> {
        self.wanted.to_vec()
    }

    /// A digest of everything of an entry that `read` looks at: as long as it stays, and no expiry of it comes due, so does
    /// what is read.
    #[must_use]
    pub fn digest(&self, entry: &impl Entry) -> Digest {
        Digest::of(&Looked { entry, names: &self.wanted })
    }

    /// The attributes without which there is no account.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        [self.names.user_name.as_str(), self.names.email.as_str()].into_iter()
    }

    /// The attributes that hold what somebody is called.
    pub fn called(&self) -> impl Iterator<Item = &str> {
        [self.names.display_name.as_str(), "cn"].into_iter()
    }

    /// The kind's own filter for people.
    #[must_use]
    pub const fn filter(&self) -> &'static str {
        match self.kind {
            Kind::ActiveDirectory => "(&(objectCategory=person)(objectClass=user))",
            Kind::OpenLdap | Kind::Ds389 => {
                "(|(objectClass=person)(objectClass=inetOrgPerson)(objectClass=posixAccount))"
            }
            Kind::Ldif => {
                "(&(|(objectClass=user)(objectClass=person)(objectClass=inetOrgPerson)(objectClass=posixAccount))(!(objectClass=computer))(!(objectClass=contact)))"
            }
        }
    }

    /// Is this entry a person, whatever their standing? A tombstone is none.
    #[must_use]
    pub fn is_person(&self, entry: &impl Entry) -> bool {
        let class = |name| entry.says("objectClass", name);
        let posix = || class("person") || class("inetOrgPerson") || class("posixAccount");
        let windows = || !class("computer") && !class("contact") && !entry.is_deleted() && may_be_person(entry);
        match self.kind {
            Kind::ActiveDirectory => class("user") && windows(),
            Kind::OpenLdap | Kind::Ds389 => posix(),
            Kind::Ldif => (class("user") || posix()) && windows(),
        }
    }

    /// Reads one person. Any bytes are answered, none with a panic.
    ///
    /// # Errors
    /// Where there is no usable DN or anchor: nobody can be told from such an entry.
    pub fn read(&self, entry: &impl Entry, now: Timestamp) -> Result<Sighting, Unidentified> {
        let dn = read_dn(entry)?;
        let anchor = self.anchor(entry, &dn).map_err(|why| unidentified(&dn, why))?;
        let judgement = judge(self.kind, entry, now);
        let mut faults: Vec<Fault> = judgement.fault.into_iter().collect();
        let profile = self.profile(entry, &mut faults);
        let primary_group = read_primary_group(entry, &mut faults);
        let created =
            created_attributes(self.kind).iter().find_map(|name| entry.first(name)).and_then(generalized_time::parse);
        Ok(Sighting {
            standing: judgement.standing,
            sign: judgement.sign,
            due: judgement.due,
            quarantine: faults.into_iter().next().map(|fault| fault.quarantine(anchor, &dn)),
            profile,
            created,
            uids: if self.names_by_uid() { read_texts(entry, "uid") } else { Vec::new() },
            logon: matches!(self.kind, Kind::ActiveDirectory | Kind::Ldif)
                .then(|| read_text(entry, LOGON).trimmed().value())
                .flatten()
                .map(Into::into),
            primary_group,
            member_of: self.member_of(entry),
            entry: self.digest(entry),
            anchor,
            dn,
        })
    }

    /// The anchor of an entry, though its DN may be unusable.
    #[must_use]
    pub fn anchor_of(&self, entry: &impl Entry) -> Option<Anchor> {
        let root = Dn::parse("").ok()?;
        let own = identity::anchor_attributes(self.kind).iter().any(|name| entry.has(name));
        let configured = self.names.anchor.as_deref().is_some_and(|name| entry.has(name));
        (own || configured).then(|| self.anchor(entry, &root).ok()).flatten()
    }

    /// The configured anchor where it has a value, else the kind's own.
    fn anchor(&self, entry: &impl Entry, dn: &Dn) -> Result<Anchor, Unanchored> {
        match self.names.anchor.as_deref().filter(|name| entry.has(name)) {
            Some(name) => identity::anchor_in(self.kind, entry, name),
            None => identity::own_anchor(self.kind, entry, dn),
        }
    }

    /// What the backend is told. What cannot be used is noted, the two required values first.
    fn profile(&self, entry: &impl Entry, faults: &mut Vec<Fault>) -> Profile {
        let names = &self.names;
        let user_name = required(&names.user_name, read_text(entry, &names.user_name).trimmed(), faults);
        let email = match read_text(entry, &names.email).trimmed() {
            Field::Value(value) => email_fault(&value).map_or(Field::Value(value), Field::Malformed),
            field => field,
        };
        let email = required(&names.email, email, faults);
        let mut optional = |name: &str| optional(name, read_text(entry, name), faults);
        Profile {
            user_name,
            email,
            given_name: optional(&names.given_name),
            family_name: optional(&names.family_name),
            display_name: optional(&names.display_name).or_else(|| optional("cn")),
        }
    }

    /// Groups of this kind may list people by user id.
    const fn names_by_uid(&self) -> bool {
        !matches!(self.kind, Kind::ActiveDirectory)
    }

    /// The groups the entry says it is in. What is no DN names no group.
    fn member_of(&self, entry: &impl Entry) -> Vec<Dn> {
        if self.kind == Kind::ActiveDirectory {
            return Vec::new();
        }
        let texts = entry.values("memberOf").filter_map(|value| std::str::from_utf8(value).ok());
        texts.filter_map(|text| Dn::parse(text).ok()).collect()
    }
}

fn wanted(kind: Kind, names: &Names) -> Vec<String> {
    let mapped = [&names.user_name, &names.email, &names.given_name, &names.family_name, &names.display_name];
    let own = match kind {
        Kind::ActiveDirectory => &["primaryGroupID", "cn", LOGON][..],
        Kind::OpenLdap | Kind::Ds389 | Kind::Ldif => &["uid", "memberOf", "cn"],
    };
    let fixed = own.iter().chain(identity::anchor_attributes(kind)).chain(created_attributes(kind)).copied();
    let fixed = fixed.chain(standing::attributes(kind)).map(str::to_owned);
    let all = fixed.chain(mapped.into_iter().cloned()).chain(names.anchor.clone());
    let mut wanted: Vec<String> = Vec::new();
    for name in all {
        if !wanted.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            wanted.push(name);
        }
    }
    wanted
}

/// Some attributes of an entry, in one order, whatever that of the server is.
struct Looked<'a, E> {
    entry: &'a E,
    names: &'a [String],
}

impl<E: Entry> Hash for Looked<'_, E> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.entry.dn().hash(hasher);
        for name in self.names {
            let mut count = 0_usize;
            for value in self.entry.values(name) {
                value.hash(hasher);
                count += 1;
            }
            count.hash(hasher);
        }
    }
}

/// Something of an entry that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    attribute: String,
    reason: Defect,
    why: &'static str,
}

impl Fault {
    fn new(attribute: &str, reason: Defect, why: &'static str) -> Self {
        Self { attribute: attribute.to_owned(), reason, why }
    }

    fn quarantine(self, anchor: Anchor, dn: &Dn) -> Quarantine {
        let message = format!("{} of {dn} ({anchor}) {}", self.attribute, self.why);
        Quarantine { attribute: self.attribute, reason: self.reason, message }
    }
}

/// A value without which there is no account.
fn required(name: &str, field: Field, faults: &mut Vec<Fault>) -> String {
    match field {
        Field::Value(value) => return value,
        Field::Absent => faults.push(Fault::new(name, Defect::Missing, "has no value, and the backend needs one")),
        Field::Blank => faults.push(Fault::new(name, Defect::Malformed, "is blank, and the backend needs a value")),
        Field::Unclean(_) => faults.push(Fault::new(name, Defect::Malformed, "holds a control character")),
        Field::Malformed(why) => faults.push(Fault::new(name, Defect::Malformed, why)),
    }
    String::new()
}

/// A value one can do without. An unreadable one is a fault all the same: nobody's name is overwritten with a gap
/// because an export spoilt its letters. A line break or a tab that somebody pasted spoils nothing: it becomes a space.
fn optional(name: &str, field: Field, faults: &mut Vec<Fault>) -> Option<String> {
    match field {
        Field::Value(value) | Field::Unclean(value) => return Some(value),
        Field::Malformed(why) => faults.push(Fault::new(name, Defect::Malformed, why)),
        Field::Absent | Field::Blank => {}
    }
    None
}

/// Where an entry was created, by kind.
const fn created_attributes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ActiveDirectory => &["whenCreated"],
        Kind::OpenLdap | Kind::Ds389 => &["createTimestamp"],
        Kind::Ldif => &["createTimestamp", "whenCreated"],
    }
}

/// `objectCategory` does not speak against a person. It holds the DN of a class (MS-ADA3 2.43), or nothing in a file.
fn may_be_person(entry: &impl Entry) -> bool {
    let Some(category) = entry.first("objectCategory") else { return true };
    let first = category.split(|byte| *byte == b',').next().unwrap_or_default();
    first.eq_ignore_ascii_case(b"CN=Person") || first.eq_ignore_ascii_case(b"person")
}

/// `primaryGroupID`: who cannot be placed for it is not taken for somebody outside.
fn read_primary_group(entry: &impl Entry, faults: &mut Vec<Fault>) -> Option<u32> {
    const NAME: &str = "primaryGroupID";
    let number = entry.text(NAME)?.ok().and_then(|text| text.trim().parse().ok());
    if number.is_none() {
        faults.push(Fault::new(NAME, Defect::Malformed, "is not a number"));
    }
    number
}

/// The entry's DN.
fn read_dn(entry: &impl Entry) -> Result<Dn, Unidentified> {
    let text = std::str::from_utf8(entry.dn()).map_err(|_| "is not UTF-8".to_owned());
    text.and_then(|text| Dn::parse(text).map_err(|error| format!("is no DN: {}", error.why))).map_err(|why| {
        let dn = String::from_utf8_lossy(entry.dn()).into_owned();
        let message = format!("the name of the entry {dn} {why}");
        Unidentified { dn, quarantine: Quarantine { attribute: "dn".to_owned(), reason: Defect::Malformed, message } }
    })
}

/// An entry that cannot be told from others.
fn unidentified(dn: &Dn, why: Unanchored) -> Unidentified {
    let what = if why.reason == Defect::Missing { "has no value" } else { "is not one UUID" };
    let message = format!("{} of {dn} {what}, so nobody can be told by it", why.attribute);
    Unidentified {
        dn: dn.to_string(),
        quarantine: Quarantine { attribute: why.attribute, reason: why.reason, message },
    }
}

#[cfg(test)]
mod tests;
