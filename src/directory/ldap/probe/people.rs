//! What can be seen of the people under a base: each attribute that decides something, among some of them.

use ldap3::Scope;

use super::super::budget::Budget;
use super::super::decode::{self, Item};
use super::super::page::Pager;
use super::super::read::people_filter;
use super::super::search::Comparison;
use super::super::session::Session;
use super::super::{filter, search::Query};
use super::Prober;
use super::account::Account;
use super::grant::{Attribute, Grantee};
use super::mistakes::Mistake;
use super::objects::corrected_or;
use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::person::{PersonReader, leaving_attributes};
use crate::model::filter::Filter;
use crate::model::snapshot::Kind;
use crate::model::{Anchor, Dn};
use crate::ports::ReadError;

/// People looked at under each base.
const SAMPLE: u32 = 100;
const PASSWORD: &str = "userPassword";

/// One attribute, and what does not work without it.
pub(super) struct Need<'a> {
    pub(super) attribute: &'a str,
    /// A value of it, to ask the server with; it need not be anybody's.
    value: &'static str,
    lost: String,
    /// Everybody has it: where nobody shows it, a right is missing.
    is_everybodys: bool,
    /// Without it a cycle serves nobody.
    is_vital: bool,
    /// The key that names it, and attributes that hold the same elsewhere; none where the kind alone says it.
    pub(super) key: Option<(&'static str, &'static [&'static str])>,
}

/// What is known of an attribute that nobody in the sample shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    /// The account may not read it.
    Denied,
    /// Nobody has it, or it may not be read: the server does not tell the two apart.
    Perhaps,
    /// It may be read: nobody has it.
    Unused,
    /// The server has no attribute of this name.
    Unknown,
}

/// Where the probe looks.
pub(super) struct Place<'a> {
    pub(super) session: &'a Session,
    pub(super) account: &'a Account,
    pub(super) base: &'a Dn,
}

impl Place<'_> {
    /// The naming context of the base: the suffix of its database.
    pub(super) fn suffix(&self) -> &str {
        self.session.root.context_of(self.base).map_or(self.base.as_str(), Dn::as_str)
    }

    /// Whether the server's schema has the attribute; where it cannot be asked, it has.
    pub(super) async fn knows(&self, name: &str, budget: &Budget) -> Result<bool, ReadError> {
        if self.session.kind != Kind::ActiveDirectory {
            return Ok(self.session.connection.compare("", name, "0", budget).await? != Comparison::Unknown);
        }
        // Every schema has this one.
        let is_open = schema_id_of(self.session, "objectClass", budget).await?.is_some();
        Ok(!is_open || schema_id_of(self.session, name, budget).await?.is_some())
    }

    /// Attributes as the commands name them. SDDL, which Samba is told by, knows them by their number in the schema; slapd takes
    /// no rule that names one it does not know.
    pub(super) async fn attributes(&self, names: &[String], budget: &Budget) -> Result<Vec<Attribute>, ReadError> {
        let mut known = Vec::with_capacity(names.len());
        for name in names {
            let mut schema_id = String::new();
            match &self.account.grantee {
                // 389 DS takes a rule that names an attribute it does not know.
                Grantee::Windows(_) | Grantee::Ds389(_) => {}
                Grantee::Samba(_) => schema_id = schema_id_of(self.session, name, budget).await?.unwrap_or_default(),
                Grantee::OpenLdap(_) => {
                    let said = self.session.connection.compare("", name, "0", budget).await?;
                    if said == Comparison::Unknown {
                        continue;
                    }
                }
            }
            known.push(Attribute { name: name.clone(), schema_id });
        }
        Ok(known)
    }
}

async fn schema_id_of(session: &Session, name: &str, budget: &Budget) -> Result<Option<String>, ReadError> {
    let Some(base) = &session.root.schema else { return Ok(None) };
    let filter = format!("(lDAPDisplayName={})", filter::text(name));
    let attributes = ["schemaIDGUID".to_owned()];
    let query = Query { base, scope: Scope::OneLevel, filter: &filter, attributes: &attributes, controls: vec![] };
    let entries = session.connection.entries("Could not look into the schema", &query, budget).await?;
    let guid = entries.first().and_then(|entry| <[u8; 16]>::try_from(entry.first("schemaIDGUID")?).ok());
    Ok(guid.map(|bytes| Anchor::from_guid_le(bytes).to_string()))
}

impl Prober<'_> {
    /// Reads some people under one base and looks whether all that decides can be seen.
    pub(super) async fn people(&mut self, place: &Place<'_>, budget: &Budget) {
        let what = format!("people under {}", place.base.as_str());
        let reader = PersonReader::new(place.session.kind, &self.settings.attributes);
        match self.sample((place.session, place.base), &reader.wanted(), budget).await {
            Ok(sample) if sample.is_empty() => self.none(&what, place, &reader, budget).await,
            Ok(sample) => {
                if let Err(error) = self.needs(&what, place, &reader, (&sample, budget)).await {
                    self.failed(&what, &error, "Nobody knows whether all that decides can be seen");
                }
            }
            Err(error) => self.failed(&what, &error, "Nobody there can be read"),
        }
    }

    /// Nobody in scope is seen there.
    async fn none(&mut self, what: &str, place: &Place<'_>, reader: &PersonReader, budget: &Budget) {
        let lost = "Nobody there gets a seat";
        match self.nobody(place, reader, budget).await {
            Ok(Some(Mistake { message, remedy })) => self.missing(what, message, lost, Some(&remedy)),
            Ok(None) => {
                let remedy = Some(corrected_or("`base`", self.read_tree(place, reader, budget).await));
                let message = "no person lies there, or the account may not read them".to_owned();
                self.missing(what, message, lost, remedy.as_deref());
            }
            Err(error) => self.failed(what, &error, lost),
        }
    }

    /// Of those in scope.
    pub(super) async fn sample(
        &self,
        (session, base): (&Session, &Dn),
        attributes: &[String],
        budget: &Budget,
    ) -> Result<Vec<RawEntry>, ReadError> {
        let filter = people_filter(&PersonReader::new(session.kind, &self.settings.attributes), self.settings);
        self.sample_of((session, base), &filter, attributes, budget).await
    }

    /// Up to `SAMPLE` entries of the first page that has any.
    pub(super) async fn sample_of(
        &self,
        (session, base): (&Session, &Dn),
        filter: &str,
        attributes: &[String],
        budget: &Budget,
    ) -> Result<Vec<RawEntry>, ReadError> {
        let size = session.root.pages().then_some(SAMPLE.min(self.ldap.page_size));
        let mut pager = Pager::new(&session.connection, base.as_str(), filter, attributes, size);
        while let Some(page) = pager.next(budget).await? {
            let entries = page.iter().filter_map(|message| match decode::item(message) {
                Ok(Item::Entry(entry)) => Some(entry.to_owned()),
                _ => None,
            });
            let entries: Vec<RawEntry> = entries.take(SAMPLE as usize).collect();
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
        Ok(Vec::new())
    }

    async fn needs(
        &mut self,
        what: &str,
        place: &Place<'_>,
        reader: &PersonReader,
        (sample, budget): (&[RawEntry], &Budget),
    ) -> Result<(), ReadError> {
        let needs = needs(place.session, reader);
        let mut seen = Vec::new();
        for need in &needs {
            if sample.iter().any(|entry| entry.has(need.attribute)) {
                seen.push(need.attribute);
                continue;
            }
            match hidden(place, need, &sample[0], budget).await? {
                Hidden::Unused | Hidden::Unknown if !need.is_vital => {}
                how => self.without(place, need, (how, sample.len()), budget).await?,
            }
        }
        self.passed(what, format!("read {}; seen: {}", sample.len(), seen.join(", ")));
        self.passwords(place, &sample[0], budget).await
    }

    /// An attribute that nobody shows.
    async fn without(
        &mut self,
        place: &Place<'_>,
        need: &Need<'_>,
        (how, looked_at): (Hidden, usize),
        budget: &Budget,
    ) -> Result<(), ReadError> {
        let what = format!("{} of people under {}", need.attribute, place.base.as_str());
        let who = format!("none of the {looked_at} people looked at shows it");
        let instead = if how == Hidden::Denied { None } else { self.instead(place, need, budget).await? };
        let instead = instead.map(|told| format!(". {told}")).unwrap_or_default();
        let message = match how {
            Hidden::Denied => format!("{who}: the account may not read it"),
            Hidden::Perhaps => format!("{who}: nobody has it, or the account may not read it{instead}"),
            Hidden::Unused => format!("{who}: nobody has it{instead}"),
            Hidden::Unknown => format!("the server knows no attribute of this name{instead}"),
        };
        let attributes = place.attributes(&[need.attribute.to_owned()], budget).await?;
        let remedy = match how {
            Hidden::Denied | Hidden::Perhaps => {
                place.account.grantee.read_attributes(place.base.as_str(), place.suffix(), &attributes)
            }
            Hidden::Unused => format!("Give people a value of {}, or name another attribute", need.attribute),
            Hidden::Unknown => format!("Correct {} under [directory.attributes]", need.attribute),
        };
        if need.is_vital {
            self.missing(&what, message, &need.lost, Some(&remedy));
        } else {
            self.less(&what, message, &need.lost, Some(&remedy));
        }
        Ok(())
    }

    /// The command that lets the account read all it needs under a base.
    pub(super) async fn read_tree(&self, place: &Place<'_>, reader: &PersonReader, budget: &Budget) -> Option<String> {
        let mut names = vec!["objectClass".to_owned()];
        names.extend(reader.wanted());
        let own = self.settings.filter.as_deref().and_then(|filter| Filter::parse(filter).ok());
        names.extend(own.iter().flat_map(Filter::attributes).map(str::to_owned));
        names.sort_unstable();
        names.dedup();
        let attributes = place.attributes(&names, budget).await.ok()?;
        Some(place.account.grantee.read_tree(place.base.as_str(), place.suffix(), &attributes))
    }

    /// Password hashes are nobody's business who only reads names.
    async fn passwords(&mut self, place: &Place<'_>, person: &RawEntry, budget: &Budget) -> Result<(), ReadError> {
        let Some(remedy) = place.account.grantee.hide_passwords(place.suffix()) else { return Ok(()) };
        let dn = String::from_utf8_lossy(&person.dn).into_owned();
        let doing = "Could not find out whether passwords are closed to the account";
        let entry = place.session.connection.entry(doing, &dn, &[PASSWORD.to_owned()], budget).await?;
        if entry.is_some_and(|entry| entry.has(PASSWORD)) {
            self.less(
                "account",
                format!("it may do more than it needs: it reads {PASSWORD} of people under {}", place.base.as_str()),
                "Whoever gets hold of its password has the password hashes of all of them (the database's rootdn reads \
                 everything, whatever its rules say: bind as an account of its own then)",
                Some(&remedy),
            );
        }
        Ok(())
    }
}

/// Where people have a name to log on by, and a mail address, most likely first.
const USER_NAMES: (&str, &[&str]) = ("user_name", &["userPrincipalName", "uid", "sAMAccountName", "mail", "cn"]);
const EMAILS: (&str, &[&str]) = ("email", &["mail", "rfc822Mailbox", "userPrincipalName", "mailLocalAddress", "uid"]);

/// What is looked for in people of a kind.
fn needs<'a>(session: &Session, reader: &'a PersonReader) -> Vec<Need<'a>> {
    let is_windows = session.kind == Kind::ActiveDirectory;
    let anchor = Need {
        attribute: session.anchor_attribute(),
        value: "0",
        lost: "Nobody can be told from anybody else: nobody gets a seat".to_owned(),
        is_everybodys: true,
        is_vital: true,
        key: None,
    };
    let required = reader.required().zip([USER_NAMES, EMAILS]).map(|(attribute, key)| Need {
        attribute,
        value: "x",
        lost: "Who has none is quarantined, and gets no seat".to_owned(),
        is_everybodys: false,
        is_vital: true,
        key: Some(key),
    });
    let signs = leaving_attributes(session.kind).map(move |attribute| Need {
        attribute,
        value: example(attribute),
        lost: if is_windows {
            "Nobody knows who left by it: everybody is quarantined, and gets no seat".to_owned()
        } else {
            "Who left by it keeps the seat".to_owned()
        },
        is_everybodys: is_windows,
        is_vital: is_windows,
        key: None,
    });
    std::iter::once(anchor).chain(required).chain(signs).collect()
}

/// A value that the attribute's syntax allows: a server asked with another says only that.
fn example(attribute: &str) -> &'static str {
    match attribute {
        "pwdAccountLockedTime" | "pwdEndTime" => "20000101000000Z",
        _ => "0",
    }
}

/// Why nobody shows an attribute. slapd and 389 DS tell by a comparison whether it may be read; others do not.
async fn hidden(place: &Place<'_>, need: &Need<'_>, person: &RawEntry, budget: &Budget) -> Result<Hidden, ReadError> {
    if need.is_everybodys {
        return Ok(Hidden::Denied);
    }
    if !place.knows(need.attribute, budget).await? {
        return Ok(Hidden::Unknown);
    }
    if place.session.kind == Kind::ActiveDirectory {
        return Ok(Hidden::Perhaps);
    }
    let dn = String::from_utf8_lossy(&person.dn).into_owned();
    Ok(match place.session.connection.compare(&dn, need.attribute, need.value, budget).await? {
        Comparison::Denied => Hidden::Denied,
        Comparison::Unclear => Hidden::Perhaps,
        Comparison::Answered => Hidden::Unused,
        Comparison::Unknown => Hidden::Unknown,
    })
}
