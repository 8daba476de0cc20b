//! Mistakes of the config, told apart from rights that are missing by what the account sees beside them: a command that grants
//! a right would help nobody there.

use ldap3::Scope;

use super::super::budget::Budget;
use super::super::scope::word;
use super::super::search::{Query, nothing};
use super::super::session::Session;
use super::Prober;
use super::people::{Need, Place};
use crate::directory::entry::{Entry as _, RawEntry};
use crate::directory::group::is_group;
use crate::directory::person::PersonReader;
use crate::model::Dn;
use crate::model::filter::Filter;
use crate::model::snapshot::{Role, ScopeKey};
use crate::model::text::{counted, most_alike, some_of};
use crate::ports::ReadError;

/// What people lie in, as far as it may have been meant.
const FOLDERS: &str =
    "(|(objectClass=organizationalUnit)(objectClass=container)(objectClass=organization)(objectClass=domain))";
const GROUPS: &str = "(|(objectClass=group)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)\
                      (objectClass=organizationalUnit)(objectClass=container))";

/// What is known of a name under which nothing is seen.
pub(super) enum Unseen {
    /// No right would help.
    Misspelt(Mistake),
    /// What is seen around it: a sentence.
    Beside(String),
    /// Nothing is seen there at all.
    Dark,
}

/// What is wrong, and how to mend it.
pub(super) struct Mistake {
    pub(super) message: String,
    pub(super) remedy: String,
}

impl Prober<'_> {
    /// Why nobody under a base can be a person of the scope; None where a right may be missing, and nothing else is known.
    pub(super) async fn nobody(
        &self,
        place: &Place<'_>,
        reader: &PersonReader,
        budget: &Budget,
    ) -> Result<Option<Mistake>, ReadError> {
        let base = place.base.as_str();
        if shows(place.session, base, budget).await?.is_some_and(|entry| is_group(&entry)) {
            return Ok(Some(Mistake {
                message: "it is a group: nobody lies under it".to_owned(),
                remedy: "Write this group under `groups`, and the folder that its people lie in, an OU say, as `base`"
                    .to_owned(),
            }));
        }
        match &self.settings.filter {
            Some(own) => self.filtered(place, reader, own, budget).await,
            None => Ok(None),
        }
    }

    /// People are there, and the filter of the config fits none of them.
    async fn filtered(
        &self,
        place: &Place<'_>,
        reader: &PersonReader,
        own: &str,
        budget: &Budget,
    ) -> Result<Option<Mistake>, ReadError> {
        let named = Filter::parse(own).ok();
        let named: Vec<&str> = named.iter().flat_map(Filter::attributes).collect();
        let wanted: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let people = self.sample_of((place.session, place.base), reader.filter(), &wanted, budget).await?;
        if people.is_empty() {
            return Ok(None);
        }
        let mut hidden = Vec::new();
        for name in named.into_iter().filter(|name| !people.iter().any(|entry| entry.has(name))) {
            if !place.knows(name, budget).await? {
                let message = format!("`filter` asks for {name}, and the server knows no attribute of this name");
                return Ok(Some(Mistake { message, remedy: format!("Correct {name} in `filter`: {own}") }));
            }
            hidden.push(name.to_owned());
        }
        let there = counted(people.len() as u64, "person looked at", "people looked at");
        let message = format!("of {there} there nobody matches `filter`: {own}");
        let correct = "Correct `filter`";
        let Some(unseen) = some_of(hidden.iter().cloned()) else {
            return Ok(Some(Mistake { message, remedy: correct.to_owned() }));
        };
        let attributes = place.attributes(&hidden, budget).await?;
        let grant = place.account.grantee.read_attributes(place.base.as_str(), place.suffix(), &attributes);
        let remedy = format!("{correct}; or, if people have {unseen} and the account may not read it:\n{grant}");
        Ok(Some(Mistake { message: format!("{message} (nobody shows {unseen})"), remedy }))
    }

    /// What people have in the place of an attribute that nobody shows: the config may name the wrong one.
    pub(super) async fn instead(
        &self,
        place: &Place<'_>,
        need: &Need<'_>,
        budget: &Budget,
    ) -> Result<Option<String>, ReadError> {
        let Some((key, likely)) = need.key else { return Ok(None) };
        let likely: Vec<String> = likely.iter().map(|name| (*name).to_owned()).collect();
        let people = self.sample((place.session, place.base), &likely, budget).await?;
        let is_fit = |value: &[u8]| key != "email" || is_address(value);
        let shows = |name: &&String| people.iter().any(|entry| entry.first(name).is_some_and(is_fit));
        let shown =
            some_of(likely.iter().filter(|name| !name.eq_ignore_ascii_case(need.attribute)).filter(shows).cloned());
        Ok(shown.map(|shown| {
            format!(
                "It may be another attribute that was meant: people here show {shown}; `{key}` under [directory.attributes] \
                 names it"
            )
        }))
    }

    /// What is there, and is no group.
    pub(super) async fn no_group(
        &self,
        session: &Session,
        key: &ScopeKey,
        budget: &Budget,
    ) -> Result<Option<Mistake>, ReadError> {
        let entry = shows(session, &key.dn, budget).await?.filter(|entry| entry.has("objectClass") && !is_group(entry));
        Ok(entry.map(|_| Mistake {
            message: format!("{:?} is there, and is no group", &*key.dn),
            remedy: "Name a group instead; a folder that people lie in, an OU say, belongs under `base`".to_owned(),
        }))
    }

    /// Whether a name under which nothing is seen is misspelt, by what is seen beside it.
    pub(super) async fn seen_beside(
        &self,
        session: &Session,
        key: &ScopeKey,
        budget: &Budget,
    ) -> Result<Unseen, ReadError> {
        let Ok(dn) = Dn::parse(&key.dn) else { return Ok(Unseen::Dark) };
        let contexts = &session.root.naming_contexts;
        let message = format!("there is no {} {:?} that the account sees", word(key.role), dn.as_str());
        if !contexts.is_empty() && session.context_of(&dn).is_none() {
            let held = some_of(contexts.iter().map(|context| format!("{:?}", context.as_str()))).unwrap_or_default();
            let remedy = format!("Correct the end of the name: the server holds {held}");
            return Ok(Unseen::Misspelt(Mistake { message, remedy }));
        }
        let Some((above, missing)) = nearest_above(session, &dn, budget).await? else { return Ok(Unseen::Dark) };
        let filter = if key.role == Role::Base { FOLDERS } else { GROUPS };
        let beside = children(session, &above, filter, budget).await;
        Ok(match nearest(&beside, &missing) {
            Some(near) => Unseen::Misspelt(Mistake {
                message,
                remedy: format!("Correct the name: {:?} is there, and {:?} is not", near.as_str(), missing.as_str()),
            }),
            None => Unseen::Beside(there(&above, &beside, &missing)),
        })
    }
}

/// As far as it looks so. (`proxyAddresses` writes "SMTP:" before each.)
fn is_address(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value);
    text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !name.contains(':') && domain.contains('.'))
}

/// An entry with its classes, as far as it can be seen.
async fn shows(session: &Session, dn: &str, budget: &Budget) -> Result<Option<RawEntry>, ReadError> {
    session.connection.entry("Could not look at what the config names", dn, &["objectClass".to_owned()], budget).await
}

/// The deepest entry above a DN that can be seen, and what should lie right under it.
async fn nearest_above(session: &Session, dn: &Dn, budget: &Budget) -> Result<Option<(Dn, Dn)>, ReadError> {
    let mut missing = dn.clone();
    while let Some(above) = missing.parent() {
        if shows(session, above.as_str(), budget).await?.is_some() {
            return Ok(Some((above, missing)));
        }
        missing = above;
    }
    Ok(None)
}

/// What can be seen right under an entry; nothing where the server does not want to list it.
async fn children(session: &Session, above: &Dn, filter: &str, budget: &Budget) -> Vec<Dn> {
    let attributes = nothing();
    let query =
        Query { base: above.as_str(), scope: Scope::OneLevel, filter, attributes: &attributes, controls: vec![] };
    let found = session.connection.entries("Could not look beside what the config names", &query, budget).await;
    let dn = |entry: &RawEntry| Dn::parse(std::str::from_utf8(&entry.dn).ok()?).ok();
    found.unwrap_or_default().iter().filter_map(dn).collect()
}

/// What can be seen at the nearest place above a name: first what is like it, then people's own folders, then those that the
/// system makes.
fn there(above: &Dn, beside: &[Dn], missing: &Dn) -> String {
    let mut names: Vec<&str> = beside.iter().map(relative).collect();
    let typed = spelt_out(relative(missing));
    names.sort_by_cached_key(|name| {
        (unlikeness(&spelt_out(name), &typed), !name.to_lowercase().starts_with("ou="), name.to_lowercase())
    });
    let above = above.as_str();
    let are = if names.len() == 1 { "is" } else { "are" };
    match some_of(names.iter().map(|name| (*name).to_owned())) {
        Some(names) => {
            format!("There {are} {names} right under {above:?}, the nearest place above that the account sees")
        }
        None => format!(
            "The nearest place above that the account sees is {above:?}, and it sees nothing of the kind under it"
        ),
    }
}

/// How little two names are alike, in hundredths; all the same where it may be chance. What begins alike is alike, however the
/// one goes on.
fn unlikeness(name: &str, typed: &str) -> u32 {
    let likeness = strsim::jaro_winkler(name, typed);
    if likeness < LIKE {
        return 100;
    }
    (0..100).find(|hundredths| 1.0 - likeness <= f64::from(*hundredths) / 100.0).unwrap_or(100)
}

/// From here on two names are hardly alike by chance, from 0 to 1.
const LIKE: f64 = 0.75;

/// The value of a name as somebody without its letters types it.
fn spelt_out(name: &str) -> String {
    let value = name.split_once('=').map_or(name, |(_, value)| value).to_lowercase();
    value.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss")
}

/// The name of an entry at its place.
fn relative(dn: &Dn) -> &str {
    let above = dn.parent();
    let name = above.as_ref().and_then(|above| dn.as_str().strip_suffix(above.as_str()));
    name.map_or(dn.as_str(), |name| name.trim_end_matches([',', ' ']))
}

/// The one that was most likely meant.
fn nearest<'d>(there: &'d [Dn], missing: &Dn) -> Option<&'d Dn> {
    let first = |dn: &Dn| dn.as_str().split(',').next().unwrap_or_default().to_lowercase();
    let value = |dn: &Dn| first(dn).split_once('=').map(|(_, value)| value.to_owned()).unwrap_or_default();
    most_alike(there, |dn| value(dn), &value(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_alike_and_another_is_none() {
        let there = ["ou=People,dc=x", "ou=groups,dc=x"].map(|dn| Dn::parse(dn).unwrap());
        let near = |dn: &str| nearest(&there, &Dn::parse(dn).unwrap()).map(Dn::as_str);
        assert_eq!(near("ou=peple,dc=x"), Some("ou=People,dc=x"));
        assert_eq!(near("cn=people,dc=x"), Some("ou=People,dc=x"), "the type is easily mistaken");
        assert_eq!(near("ou=machines,dc=x"), None);
    }

    #[test]
    fn what_is_there_is_listed_with_the_folders_of_people_first() {
        let above = Dn::parse("dc=x").unwrap();
        let dns = |names: &[&str]| names.iter().map(|dn| Dn::parse(dn).unwrap()).collect::<Vec<_>>();
        let many = dns(&["CN=Builtin,dc=x", "OU=Staff,dc=x", "OU=Gruppen,dc=x", "CN=Users,dc=x"]);
        let missing = Dn::parse("OU=Vertrieb,dc=x").unwrap();
        let told = there(&above, &many, &missing);
        assert!(
            told.starts_with("There are OU=Gruppen, OU=Staff, CN=Builtin and 1 more right under \"dc=x\""),
            "{told}"
        );
        assert!(there(&above, &dns(&["OU=a\\, b,dc=x"]), &missing).starts_with("There is OU=a\\, b right under"));
        assert!(there(&above, &[], &missing).contains("sees nothing of the kind under it"));
    }

    #[test]
    fn the_likest_is_listed_first_whatever_the_alphabet_says() {
        let above = Dn::parse("dc=x").unwrap();
        let names = ["Domain Controllers", "Extern", "Gruppen", "Köln Süd", "Lager", "Konzern"];
        let all: Vec<Dn> = names.iter().map(|name| Dn::parse(&format!("OU={name},dc=x")).unwrap()).collect();
        for typed in ["Koeln", "Köln", "koln sued"] {
            let told = there(&above, &all, &Dn::parse(&format!("OU={typed},dc=x")).unwrap());
            assert!(told.starts_with("There are OU=Köln Süd, "), "{typed}: {told}");
        }
    }
}
