//! Answers for people: who somebody is by any of their names, and everyone as last known.

use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use super::State;
use super::numbers::{directory_names, find_directory};
use super::people::absence;
use super::values::{anchor, json, optional_json, optional_time};
use crate::model::memory::{Facts, Judgement, LastKnown, Taken};
use crate::model::{Account, AccountId, Anchor, Digest, Dn, Name, PersonId, Quarantine, Standing, fold};
use crate::ports::StateError;

/// Somebody found by a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Person(PersonId),
    /// An account that the agent does not manage.
    Stranger(AccountId),
}

impl State {
    /// Everyone an anchor, a DN, a user name or a mail address can mean; names case-folded, DNs compared parsed.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn find(&self, text: &str) -> Result<Vec<Who>, StateError> {
        let wanted = Wanted::new(text);
        self.read("looking somebody up", |connection| find(connection, &wanted))
    }

    /// Everyone whose display name this is, else everyone whose display name begins so; case-folded.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn called(&self, text: &str) -> Result<Vec<Who>, StateError> {
        let wanted = fold(text.trim());
        self.read("looking for a display name", |connection| called(connection, &wanted))
    }

    /// Everyone who logs on to a domain by this name, with or without the domain before it (`CORP\\ada`); case-folded.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn logging_on_as(&self, text: &str) -> Result<Vec<Who>, StateError> {
        let wanted = fold(text.rsplit('\\').next().unwrap_or_default().trim());
        self.read("looking for a logon name", |connection| logging_on_as(connection, &wanted))
    }

    /// One person as last known; None where neither the directory nor the backend ever showed them.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn person(&self, person: &PersonId) -> Result<Option<LastKnown>, StateError> {
        self.read("reading what is known of a person", |connection| {
            let Some(id) = find_directory(connection, &person.directory)? else { return Ok(None) };
            let sql = format!("{LAST_KNOWN} WHERE k.anchor = ?2");
            connection
                .prepare_cached(&sql)?
                .query_row(params![id, person.anchor.as_bytes()], |row| last_known(row, &person.directory))
                .optional()
        })
    }

    /// Every account as last known, who lost theirs to another hand, and every quarantined entry, one by one (there may be a million): people by directory
    /// and anchor, then entries without an anchor, then accounts that are not managed.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn users(&self, visit: &mut dyn FnMut(LastKnown)) -> Result<(), StateError> {
        self.read("reading the users as last known", |connection| {
            // One snapshot for all the queries below.
            let transaction = connection.unchecked_transaction()?;
            users(&transaction, visit)
        })
    }
}

/// What somebody was called, in every form it can have.
struct Wanted {
    anchor: Option<Anchor>,
    dn: Option<Dn>,
    folded: String,
}

impl Wanted {
    fn new(text: &str) -> Self {
        let text = text.trim();
        let dn = Dn::parse(text).ok().filter(|_| text.contains('='));
        Self { anchor: text.parse().ok(), dn, folded: fold(text) }
    }

    fn is_name(&self, name: &str) -> bool {
        // A quarantined entry may have no names at all.
        !name.is_empty() && fold(name) == self.folded
    }

    fn is_dn(&self, dn: &str) -> bool {
        self.dn.as_ref().is_some_and(|wanted| Dn::parse(dn).is_ok_and(|dn| dn == *wanted))
    }

    fn is_account(&self, account: &Account) -> bool {
        self.is_name(&account.profile.user_name)
            || self.is_name(&account.profile.email)
            || (self.anchor.is_some() && account.external == self.anchor)
    }
}

fn find(connection: &Connection, wanted: &Wanted) -> Result<Vec<Who>> {
    let names = directory_names(connection)?;
    let mut found = Vec::new();
    for (id, name) in names {
        let who = |anchor| Who::Person(PersonId::new(name.clone(), anchor));
        if let Some(anchor) = wanted.anchor
            && is_known(connection, id, anchor)?
        {
            found.push(who(anchor));
        }
        found.extend(find_entries(connection, id, wanted)?.into_iter().map(&who));
        found.extend(find_accounts(connection, id, wanted)?.into_iter().map(&who));
    }
    found.extend(find_strangers(connection, wanted)?.into_iter().map(Who::Stranger));
    found.sort();
    found.dedup();
    Ok(found)
}

/// Of those who have an entry the entry's name counts, of the others the account's.
fn called(connection: &Connection, wanted: &str) -> Result<Vec<Who>> {
    let (mut exactly, mut beginning) = (Vec::new(), Vec::new());
    let mut note = |name: &str, who: Who| match fold(name) {
        _ if wanted.is_empty() => {}
        name if name == wanted => exactly.push(who),
        name if name.starts_with(wanted) => beginning.push(who),
        _ => {}
    };
    for (id, directory) in directory_names(connection)? {
        let sql = "SELECT k.anchor, f.display_name, a.account_json
                   FROM (SELECT anchor FROM facts WHERE directory = ?1 UNION SELECT anchor FROM account WHERE directory = ?1) k
                   LEFT JOIN facts f ON f.directory = ?1 AND f.anchor = k.anchor
                   LEFT JOIN account_details a ON f.anchor IS NULL AND a.directory = ?1 AND a.anchor = k.anchor
                   ORDER BY k.anchor";
        let mut query = connection.prepare_cached(sql)?;
        let mut rows = query.query([id])?;
        while let Some(row) = rows.next()? {
            let name = match row.get::<_, Option<String>>(1)? {
                Some(name) => Some(name),
                None => optional_json::<Account>(row, 2)?.and_then(|account| account.profile.display_name),
            };
            if let Some(name) = name {
                note(&name, Who::Person(PersonId::new(directory.clone(), anchor(row, 0)?)));
            }
        }
    }
    let mut query = connection.prepare_cached("SELECT account_json FROM stranger ORDER BY id")?;
    for account in query.query_map([], |row| json::<Account>(row, 0))? {
        let account = account?;
        note(account.profile.display_name.as_deref().unwrap_or_default(), Who::Stranger(account.id.clone()));
    }
    Ok(if exactly.is_empty() { beginning } else { exactly })
}

fn logging_on_as(connection: &Connection, wanted: &str) -> Result<Vec<Who>> {
    let mut found = Vec::new();
    for (id, directory) in directory_names(connection)? {
        let sql = "SELECT anchor, judgement_json ->> 'logon' AS logon FROM facts
                   WHERE directory = ?1 AND logon IS NOT NULL ORDER BY anchor";
        let mut query = connection.prepare_cached(sql)?;
        let mut rows = query.query([id])?;
        while let Some(row) = rows.next()? {
            if fold(row.get_ref(1)?.as_str()?) == wanted {
                found.push(Who::Person(PersonId::new(directory.clone(), anchor(row, 0)?)));
            }
        }
    }
    Ok(found)
}

fn is_known(connection: &Connection, directory: i64, anchor: Anchor) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM person WHERE directory = ?1 AND anchor = ?2)
                   OR EXISTS (SELECT 1 FROM account WHERE directory = ?1 AND anchor = ?2)";
    connection.query_row(sql, params![directory, anchor.as_bytes()], |row| row.get(0))
}

fn find_entries(connection: &Connection, directory: i64, wanted: &Wanted) -> Result<Vec<Anchor>> {
    let mut found = Vec::new();
    let mut query = connection.prepare_cached("SELECT anchor, user_name, email, dn FROM facts WHERE directory = ?1")?;
    let mut rows = query.query([directory])?;
    while let Some(row) = rows.next()? {
        let [user_name, email, dn] = [row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?, row.get_ref(3)?.as_str()?];
        if wanted.is_name(user_name) || wanted.is_name(email) || wanted.is_dn(dn) {
            found.push(anchor(row, 0)?);
        }
    }
    Ok(found)
}

/// Accounts of people the mirror does not show, after the state was lost; all others are found by their entries.
fn find_accounts(connection: &Connection, directory: i64, wanted: &Wanted) -> Result<Vec<Anchor>> {
    let sql = "SELECT anchor, account_json FROM account_details a WHERE directory = ?1
               AND NOT EXISTS (SELECT 1 FROM facts f WHERE f.directory = a.directory AND f.anchor = a.anchor)";
    let mut found = Vec::new();
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([directory])?;
    while let Some(row) = rows.next()? {
        if wanted.is_account(&json(row, 1)?) {
            found.push(anchor(row, 0)?);
        }
    }
    Ok(found)
}

fn find_strangers(connection: &Connection, wanted: &Wanted) -> Result<Vec<AccountId>> {
    let mut query = connection.prepare_cached("SELECT account_json FROM stranger")?;
    let accounts = query.query_map([], |row| json::<Account>(row, 0))?;
    let mut found = Vec::new();
    for account in accounts {
        let account = account?;
        if wanted.is_account(&account) {
            found.push(account.id);
        }
    }
    Ok(found)
}

/// Everyone of one directory whom the mirror or the backend knows.
const LAST_KNOWN: &str = "
    SELECT k.anchor, f.dn, f.user_name, f.email, f.display_name, f.judgement_json,
           p.missing_since, p.gone, a.account_json, t.at, t.approval_json, f.naming, p.entry
    FROM (SELECT anchor FROM person WHERE directory = ?1 UNION SELECT anchor FROM account WHERE directory = ?1) k
    LEFT JOIN person p ON p.directory = ?1 AND p.anchor = k.anchor
    LEFT JOIN facts f ON f.directory = ?1 AND f.anchor = k.anchor
    LEFT JOIN account_details a ON a.directory = ?1 AND a.anchor = k.anchor
    LEFT JOIN taken t ON t.directory = ?1 AND t.anchor = k.anchor";

fn last_known(row: &Row<'_>, directory: &Name) -> Result<LastKnown> {
    Ok(LastKnown {
        directory: Some(directory.clone()),
        anchor: Some(anchor(row, 0)?),
        facts: facts(row)?,
        absence: absence(row, 6, 7)?,
        account: optional_json(row, 8)?,
        taken: taken(row)?,
    })
}

fn taken(row: &Row<'_>) -> Result<Option<Taken>> {
    let Some(at) = optional_time(row, 9)? else { return Ok(None) };
    Ok(Some(Taken { at, approval: optional_json(row, 10)? }))
}

fn facts(row: &Row<'_>) -> Result<Option<Facts<'static>>> {
    let Some(dn) = row.get::<_, Option<String>>(1)? else { return Ok(None) };
    Ok(Some(Facts {
        dn: dn.into(),
        user_name: row.get::<_, String>(2)?.into(),
        email: row.get::<_, String>(3)?.into(),
        display_name: row.get::<_, Option<String>>(4)?.map(Into::into),
        entry: Digest::from_bytes(row.get::<_, Option<[u8; 16]>>(12)?.unwrap_or_default()),
        naming: Digest::from_bytes(row.get::<_, Option<[u8; 16]>>(11)?.unwrap_or_default()),
        listing: None,
        judgement: json::<Judgement<'static>>(row, 5)?,
    }))
}

fn users(connection: &Connection, visit: &mut dyn FnMut(LastKnown)) -> Result<()> {
    let mut directories: Vec<(Name, i64)> =
        directory_names(connection)?.into_iter().map(|(id, name)| (name, id)).collect();
    directories.sort();
    for (name, id) in &directories {
        let mut query = connection.prepare_cached(&format!("{LAST_KNOWN} ORDER BY k.anchor"))?;
        for user in query.query_map([id], |row| last_known(row, name))? {
            let user = user?;
            let quarantined = user.facts.as_ref().is_some_and(|facts| facts.judgement.quarantine.is_some());
            if user.account.is_some() || user.taken.is_some() || quarantined {
                visit(user);
            }
        }
    }
    for (name, id) in &directories {
        let sql = "SELECT dn, quarantine_json FROM unidentified WHERE directory = ?1 ORDER BY dn, rowid";
        for user in connection.prepare_cached(sql)?.query_map([id], |row| unidentified(row, name))? {
            visit(user?);
        }
    }
    let sql = "SELECT account_json FROM stranger ORDER BY id";
    for account in connection.prepare_cached(sql)?.query_map([], |row| json(row, 0))? {
        visit(LastKnown {
            directory: None,
            anchor: None,
            facts: None,
            absence: None,
            account: Some(account?),
            taken: None,
        });
    }
    Ok(())
}

fn unidentified(row: &Row<'_>, directory: &Name) -> Result<LastKnown> {
    let quarantine: Quarantine = json(row, 1)?;
    let facts = Facts {
        dn: row.get::<_, String>(0)?.into(),
        user_name: "".into(),
        email: "".into(),
        display_name: None,
        entry: Digest::from_bytes([0; 16]),
        naming: Digest::from_bytes([0; 16]),
        listing: None,
        judgement: Judgement {
            standing: Standing::Enabled,
            sign: None,
            quarantine: Some(std::borrow::Cow::Owned(quarantine)),
            created: None,
            due: None,
            in_scope: false,
            because: Vec::new(),
            pools: Vec::new(),
            logon: None,
            by_uid: false,
            uid: None,
        },
    };
    Ok(LastKnown {
        directory: Some(directory.clone()),
        anchor: None,
        facts: Some(facts),
        absence: None,
        account: None,
        taken: None,
    })
}
