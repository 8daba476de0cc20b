//! Who we are to the server, and whether we may do more than we need.

use std::collections::{BTreeSet, VecDeque};

use ldap3::Scope;

use super::super::budget::Budget;
use super::super::filter;
use super::super::search::Query;
use super::super::session::Session;
use super::grant::Grantee;
use super::{Prober, sid};
use crate::directory::entry::{Entry as _, RawEntry};
use crate::model::Dn;
use crate::model::settings::Bind;
use crate::model::snapshot::Kind;
use crate::ports::ReadError;

/// Groups looked at on the way up from the account: more than anybody nests.
const MOST_GROUPS: usize = 1000;
/// Names every right of an account (MS-ADTS 3.1.1.3.2, rootDSE attributes); constructed, so it is asked by name.
const TOKEN: &str = "tokenGroups";
const NAME: &str = "sAMAccountName";

/// The account that is bound.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) grantee: Grantee,
    /// In Active Directory: its entry, where it can be seen.
    entry: Option<RawEntry>,
    /// The security identifiers of all it is, nested groups included.
    token: Vec<String>,
}

impl Account {
    /// Finds out who is bound.
    pub(super) async fn find(session: &Session, bind: &Bind, base: &Dn, budget: &Budget) -> Result<Self, ReadError> {
        let named = match bind {
            Bind::Anonymous => None,
            Bind::Simple { dn, .. } => Some(dn.clone()),
            Bind::External(_) | Bind::Kerberos { .. } => {
                Some(session.connection.who_am_i(budget).await.unwrap_or_default())
            }
        };
        let named = named.as_deref();
        if session.kind != Kind::ActiveDirectory {
            let named = named.filter(|named| !named.is_empty()).map(str::to_owned);
            let grantee = if session.kind == Kind::Ds389 { Grantee::Ds389(named) } else { Grantee::OpenLdap(named) };
            return Ok(Self { grantee, entry: None, token: Vec::new() });
        }
        let doing = "Could not find out of which groups the account is";
        let root = session.connection.entry(doing, "", &[TOKEN.to_owned()], budget).await?;
        let token: Vec<String> = root.iter().flat_map(|root| root.values(TOKEN)).filter_map(sid::text).collect();
        let entry = match named {
            Some(named) => own_entry(session, named, base, &token, budget).await?,
            None => None,
        };
        let grantee = windows_or_samba(session, named, base, entry.as_ref(), &token);
        Ok(Self { grantee, entry, token })
    }

    /// As people call it.
    pub(super) fn shown(&self) -> Option<String> {
        self.entry.as_ref().map(|entry| String::from_utf8_lossy(&entry.dn).into_owned())
    }
}

/// The account's entry: by the name it binds with (empty: the server did not tell), else by the first of its security identifiers, which is its own.
async fn own_entry(
    session: &Session,
    named: &str,
    base: &Dn,
    token: &[String],
    budget: &Budget,
) -> Result<Option<RawEntry>, ReadError> {
    let doing = "Could not look at the account itself";
    let attributes = ["objectSid", NAME, "memberOf", "primaryGroupID"].map(str::to_owned);
    if !named.is_empty() && Dn::parse(named).is_ok() {
        return session.connection.entry(doing, named, &attributes, budget).await;
    }
    let user = named.split_once('\\').map_or(named, |(_, user)| user);
    let user = user.split_once('@').map_or(user, |(user, _)| user);
    let (upn, user) = (filter::text(named), filter::text(user));
    if let Some(context) = session.root.context_of(base).filter(|_| !named.is_empty()) {
        for filter in [format!("(userPrincipalName={upn})"), format!("({NAME}={user})")] {
            let (base, attributes) = (context.as_str(), &attributes);
            let query = Query { base, scope: Scope::Subtree, filter: &filter, attributes, controls: vec![] };
            if let Some(entry) = session.connection.entries(doing, &query, budget).await?.into_iter().next() {
                return Ok(Some(entry));
            }
        }
    }
    let Some(own) = token.first() else { return Ok(None) };
    session.connection.entry(doing, &format!("<SID={own}>"), &attributes, budget).await
}

fn windows_or_samba(
    session: &Session,
    named: Option<&str>,
    base: &Dn,
    entry: Option<&RawEntry>,
    token: &[String],
) -> Grantee {
    const ANONYMOUS: (&str, &str) = ("NT AUTHORITY\\ANONYMOUS LOGON", "S-1-5-7");
    if session.root.is_samba() {
        let own = entry.and_then(|entry| sid::text(entry.first("objectSid")?)).or_else(|| token.first().cloned());
        return Grantee::Samba(own.filter(|_| named.is_some()).unwrap_or_else(|| ANONYMOUS.1.to_owned()));
    }
    let name = entry.and_then(|entry| entry.text(NAME)?.ok());
    let domain = session.root.context_of(base).map(domain_of).filter(|domain| !domain.is_empty());
    Grantee::Windows(match (name, domain) {
        // Every account has this principal name, whatever its own says (MS-ADTS 5.1.1.1.1).
        (Some(name), Some(domain)) => format!("{name}@{domain}"),
        _ => named.unwrap_or(ANONYMOUS.0).to_owned(),
    })
}

/// `corp.example` of `DC=corp,DC=example`.
fn domain_of(context: &Dn) -> String {
    let labels = context.key().split(',').filter_map(|rdn| rdn.strip_prefix("dc="));
    labels.collect::<Vec<_>>().join(".")
}

impl Prober<'_> {
    /// Tells of groups that may do anything, and how we came to be in them.
    pub(super) async fn might(&mut self, session: &Session, account: &Account, budget: &Budget) {
        let Some(entry) = &account.entry else { return };
        let shown = account.shown().unwrap_or_default();
        let mighty: Vec<&String> = account.token.iter().filter(|sid| sid::is_mighty(sid)).collect();
        if mighty.is_empty() {
            self.passed("account", format!("{shown}: in no group of administrators"));
            return;
        }
        let climb = match Climb::from(session, entry, &account.token, budget).await {
            Ok(climb) => climb,
            Err(error) => return self.failed("account", &error, "Nobody knows whether it may do more than it needs"),
        };
        let ways: Vec<Way> = mighty.iter().filter_map(|sid| climb.way_to(sid)).collect();
        let message = format!("{shown} may do more than it needs: it is in {}", in_words(&ways, &mighty));
        let member = entry.text(NAME).and_then(Result::ok).unwrap_or_default();
        let mut remedies: Vec<String> = Vec::new();
        for way in ways.iter().filter(|way| !way.is_primary) {
            let remedy = account.grantee.leave(&way.nearest, member);
            remedies.extend(remedy.filter(|remedy| !remedies.contains(remedy)));
        }
        let lost = "Whoever gets hold of its password owns the domain; reading needs none of these groups";
        self.less("account", message, lost, (!remedies.is_empty()).then(|| remedies.join("\n")).as_deref());
    }
}

/// "Domain Admins, through Helpdesk".
fn in_words(ways: &[Way], mighty: &[&String]) -> String {
    if ways.is_empty() {
        return mighty.iter().map(|sid| sid.as_str()).collect::<Vec<_>>().join(", ");
    }
    let word = |way: &Way| match (way.is_primary, way.nearest == way.group) {
        (true, _) => format!("{} (as its primary group)", way.group),
        (false, true) => way.group.clone(),
        (false, false) => format!("{} (through {})", way.group, way.nearest),
    };
    ways.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// How the account comes to be in a group.
#[derive(Debug)]
struct Way {
    group: String,
    /// The group on the way that lists the account itself.
    nearest: String,
    is_primary: bool,
}

/// A group above the account.
#[derive(Debug)]
struct Step {
    name: String,
    sid: String,
    /// The group that the account is in itself, by number.
    nearest: usize,
}

/// All groups above the account, nearest first.
#[derive(Debug, Default)]
struct Climb {
    steps: Vec<Step>,
    primary: Option<String>,
}

impl Climb {
    async fn from(session: &Session, entry: &RawEntry, token: &[String], budget: &Budget) -> Result<Self, ReadError> {
        let mut climb = Self { primary: primary_of(entry, token), ..Self::default() };
        let mut seen: BTreeSet<Dn> = BTreeSet::new();
        let mut waiting: VecDeque<(String, Option<usize>)> = VecDeque::new();
        waiting.extend(climb.primary.iter().map(|sid| (format!("<SID={sid}>"), None)));
        waiting.extend(groups_of(entry).map(|dn| (dn, None)));
        let attributes = ["objectSid", NAME, "memberOf"].map(str::to_owned);
        while let Some((place, nearest)) = waiting.pop_front() {
            if climb.steps.len() >= MOST_GROUPS {
                break;
            }
            let doing = "Could not look at a group of the account";
            let Some(group) = session.connection.entry(doing, &place, &attributes, budget).await? else { continue };
            let Some(dn) = std::str::from_utf8(&group.dn).ok().and_then(|dn| Dn::parse(dn).ok()) else { continue };
            if !seen.insert(dn) {
                continue;
            }
            let number = climb.steps.len();
            let nearest = nearest.unwrap_or(number);
            let name = group.text(NAME).and_then(Result::ok).unwrap_or_default().to_owned();
            let sid = group.first("objectSid").and_then(sid::text).unwrap_or_default();
            climb.steps.push(Step { name, sid, nearest });
            waiting.extend(groups_of(&group).map(|dn| (dn, Some(nearest))));
        }
        Ok(climb)
    }

    fn way_to(&self, sid: &str) -> Option<Way> {
        let step = self.steps.iter().find(|step| step.sid == sid)?;
        let nearest = self.steps.get(step.nearest)?;
        let is_primary = self.primary.as_ref() == Some(&nearest.sid);
        Some(Way { group: step.name.clone(), nearest: nearest.name.clone(), is_primary })
    }
}

fn groups_of(entry: &RawEntry) -> impl Iterator<Item = String> {
    entry.values("memberOf").filter_map(|dn| std::str::from_utf8(dn).ok()).map(str::to_owned)
}

/// The primary group lists nobody: its identifier is the account's own with another number at its end.
fn primary_of(entry: &RawEntry, token: &[String]) -> Option<String> {
    let own = entry.first("objectSid").and_then(sid::text)?;
    let (domain, _) = own.rsplit_once('-')?;
    let primary = format!("{domain}-{}", entry.text("primaryGroupID")?.ok()?);
    token.contains(&primary).then_some(primary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_named_by_its_context() {
        assert_eq!(domain_of(&Dn::parse("DC=Corp, DC=Example").unwrap()), "corp.example");
        assert_eq!(domain_of(&Dn::parse("o=lab").unwrap()), "");
    }

    #[test]
    fn the_way_to_a_mighty_group_names_the_group_that_lists_the_account() {
        let step = |name: &str, sid: &str, nearest| Step { name: name.to_owned(), sid: sid.to_owned(), nearest };
        let steps = vec![
            step("Domain Users", "S-1-5-21-1-513", 0),
            step("Helpdesk", "S-1-5-21-1-1105", 1),
            step("Domain Admins", "S-1-5-21-1-512", 1),
        ];
        let mut climb = Climb { steps, primary: Some("S-1-5-21-1-513".to_owned()) };
        let way = climb.way_to("S-1-5-21-1-512").unwrap();
        assert_eq!((way.group.as_str(), way.nearest.as_str(), way.is_primary), ("Domain Admins", "Helpdesk", false));
        assert_eq!(in_words(&[way], &[]), "Domain Admins (through Helpdesk)");
        assert!(climb.way_to("S-1-5-32-544").is_none());
        climb.primary = Some("S-1-5-21-1-1105".to_owned());
        assert!(climb.way_to("S-1-5-21-1-512").unwrap().is_primary);
    }
}
