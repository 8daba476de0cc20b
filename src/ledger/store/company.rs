//! A company's settings, its policies and its connectors.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::{BadValue, Columns, Names, read_row, unreadable};
use super::{no_company, time_text};
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::records;
use crate::ledger::rules::company::{Company, Every, Lease, Policy, Renewal, Taken, Tier};
use crate::model::change::Allocation;
use crate::model::mail_domain;

const COMPANY: &str =
    "SELECT tier, approved_domains, allocation, renewal_at, renewal_every, confirmation_mail, last_event,
    lease_epoch, lease_holder, lease_connector, lease_expires, lease_others, lease_last,
    lease_instance, lease_since FROM company WHERE name = ?1";

pub(super) fn company(connection: &Connection, company: &str) -> Result<Company, LedgerError> {
    let doing = || "reading the company".to_owned();
    let mut statement = connection.prepare_cached(COMPANY).doing(doing)?;
    let mut found = statement.query([company]).doing(doing)?;
    let Some(row) = found.next().doing(doing)? else {
        return Err(no_company(connection, company)?);
    };
    let row = Columns(row);
    read_row(|| company_row(row, company), || unreadable("company", format!("{company:?}")))
}

fn company_row(row: Columns<'_>, name: &str) -> Result<Company, BadValue> {
    let tier = match row.text(0, "tier")? {
        "standard" => Tier::Standard,
        "advanced" => Tier::Advanced,
        other => return Err(("tier", format!("is {other:?}, which is no tier"))),
    };
    let allocation = match row.optional(2, "allocation")? {
        Some(json) => serde_json::from_str(json).map_err(|error| ("allocation", error.to_string()))?,
        None => Allocation::default(),
    };
    Ok(Company {
        name: Arc::from(name),
        tier,
        approved_domains: domains(row.optional(1, "approved_domains")?)?,
        allocation,
        renewal: renewal(row)?,
        confirmation_mail: row.flag(5, "confirmation_mail")?,
        version: row.integer(6, "last_event")?.unsigned_abs(),
        lease: lease(row)?,
    })
}

pub(super) fn domains(json: Option<&str>) -> Result<Option<Arc<[String]>>, BadValue> {
    let Some(json) = json else { return Ok(None) };
    let list: Vec<String> = serde_json::from_str(json).map_err(|error| ("approved_domains", error.to_string()))?;
    // Before they were kept in A-labels they were kept folded.
    let canonical = |domain: String| mail_domain::canonical(&domain).unwrap_or(domain);
    Ok((!list.is_empty()).then(|| list.into_iter().map(canonical).collect()))
}

fn renewal(row: Columns<'_>) -> Result<Option<Renewal>, BadValue> {
    if row.optional(3, "renewal_at")?.is_none() {
        return Ok(None);
    }
    let every = match row.optional(4, "renewal_every")? {
        None => None,
        Some("month") => Some(Every::Month),
        Some("year") => Some(Every::Year),
        Some(other) => return Err(("renewal_every", format!("is {other:?}, neither month nor year"))),
    };
    Ok(Some(Renewal { at: row.time(3, "renewal_at")?, every }))
}

fn lease(row: Columns<'_>) -> Result<Lease, BadValue> {
    let epoch = row.integer(7, "lease_epoch")?.unsigned_abs();
    let (holder, connector) = (row.optional(8, "lease_holder")?, row.optional(9, "lease_connector")?);
    let taken = match (holder, connector) {
        (Some(holder), Some(connector)) => Some(Taken {
            connector: Arc::from(connector),
            holder: holder.to_owned(),
            instance: row.optional(13, "lease_instance")?.map(str::to_owned),
            since: row.time(14, "lease_since")?,
            expires: row.time(10, "lease_expires")?,
        }),
        _ => None,
    };
    let others = row.integer(11, "lease_others")?.unsigned_abs();
    Ok(Lease { epoch, others, last: row.optional(12, "lease_last")?.map(str::to_owned), taken })
}

/// All but the number of the last event, which `events` counts.
pub(super) fn save(connection: &Connection, company: &Company) -> Result<(), LedgerError> {
    let encode = |source| LedgerError::Encode { table: "company", source };
    let domains = company.approved_domains.as_deref().map(serde_json::to_string).transpose().map_err(encode)?;
    let allocation = serde_json::to_string(&company.allocation).map_err(encode)?;
    let tier = match company.tier {
        Tier::Standard => "standard",
        Tier::Advanced => "advanced",
    };
    let every = company.renewal.and_then(|renewal| renewal.every).map(|every| match every {
        Every::Month => "month",
        Every::Year => "year",
    });
    let taken = company.lease.taken.as_ref();
    let sql =
        "UPDATE company SET tier = ?2, approved_domains = ?3, allocation = ?4, renewal_at = ?5, renewal_every = ?6,
        confirmation_mail = ?7, lease_epoch = ?8, lease_holder = ?9, lease_connector = ?10, lease_expires = ?11,
        lease_others = ?12, lease_last = ?13, lease_instance = ?14, lease_since = ?15
        WHERE name = ?1";
    let parameters = params![
        &*company.name,
        tier,
        domains,
        allocation,
        company.renewal.map(|renewal| time_text(renewal.at)),
        every,
        company.confirmation_mail,
        i64::try_from(company.lease.epoch).unwrap_or(i64::MAX),
        taken.map(|taken| taken.holder.as_str()),
        taken.map(|taken| &*taken.connector),
        taken.map(|taken| time_text(taken.expires)),
        i64::try_from(company.lease.others).unwrap_or(i64::MAX),
        company.lease.last,
        taken.and_then(|taken| taken.instance.as_deref()),
        taken.map(|taken| time_text(taken.since)),
    ];
    let statement = connection.prepare_cached(sql);
    statement.and_then(|mut sql| sql.execute(parameters)).doing(|| "storing the company".to_owned())?;
    Ok(())
}

pub(super) fn policies(connection: &Connection, company: &str) -> Result<Vec<Policy>, LedgerError> {
    let doing = || "reading the policies".to_owned();
    let sql = "SELECT name, advanced, enabled FROM policy WHERE company = ?1 ORDER BY name";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let mut found = statement.query([company]).doing(doing)?;
    let mut policies = Vec::new();
    let mut names = Names::default();
    while let Some(row) = found.next().doing(doing)? {
        let row = Columns(row);
        let mut read = || {
            let name = names.get(row.text(0, "name")?);
            Ok(Policy { name, advanced: row.flag(1, "advanced")?, enabled: row.flag(2, "enabled")? })
        };
        policies.push(read_row(&mut read, || unreadable("policy", format!("of company {company:?}")))?);
    }
    Ok(policies)
}

pub(super) fn put_policy(connection: &Connection, company: &str, policy: &Policy) -> Result<(), LedgerError> {
    let sql = "INSERT INTO policy (company, name, advanced, enabled) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET advanced = excluded.advanced, enabled = excluded.enabled";
    let parameters = (company, &*policy.name, policy.advanced, policy.enabled);
    let statement = connection.prepare_cached(sql);
    statement.and_then(|mut sql| sql.execute(parameters)).doing(|| "storing a policy".to_owned())?;
    Ok(())
}

pub(super) fn delete_policy(connection: &Connection, company: &str, name: &str) -> Result<(), LedgerError> {
    let sql = "DELETE FROM policy WHERE company = ?1 AND name = ?2";
    connection.execute(sql, [company, name]).doing(|| "deleting a policy".to_owned())?;
    Ok(())
}

pub(super) fn connectors(connection: &Connection, company: &str) -> Result<Vec<records::Connector>, LedgerError> {
    let doing = || "reading the connectors".to_owned();
    let sql = "SELECT name, added FROM connector WHERE company = ?1 ORDER BY name";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    let mut found = statement.query([company]).doing(doing)?;
    let mut connectors = Vec::new();
    while let Some(row) = found.next().doing(doing)? {
        let row = Columns(row);
        let read = || {
            let name = Arc::from(row.text(0, "name")?);
            Ok(records::Connector { name, added: row.time(1, "added")? })
        };
        connectors.push(read_row(read, || unreadable("connector", format!("of company {company:?}")))?);
    }
    Ok(connectors)
}

pub(super) fn put_connector(
    connection: &Connection,
    company: &str,
    connector: &records::Connector,
) -> Result<(), LedgerError> {
    let sql = "INSERT INTO connector (company, name, added) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let parameters = (company, &*connector.name, time_text(connector.added));
    connection.execute(sql, parameters).doing(|| "storing a connector".to_owned())?;
    Ok(())
}

/// Its tokens end, and are never those of a later one with the same name.
pub(super) fn delete_connector(
    connection: &Connection,
    company: &str,
    name: &str,
    at: Timestamp,
) -> Result<(), LedgerError> {
    let doing = || "deleting a connector".to_owned();
    let end = "UPDATE token SET ended = ?3 WHERE company = ?1 AND connector = ?2 AND ended IS NULL";
    connection.execute(end, (company, name, time_text(at))).doing(doing)?;
    connection.execute("DELETE FROM connector WHERE company = ?1 AND name = ?2", [company, name]).doing(doing)?;
    Ok(())
}

/// The mail domains alone: what a batch must know.
pub(super) fn approved_domains(connection: &Connection, company: &str) -> Result<Option<Arc<[String]>>, LedgerError> {
    let doing = || "looking up the company".to_owned();
    let mut statement =
        connection.prepare_cached("SELECT approved_domains FROM company WHERE name = ?1").doing(doing)?;
    let json: Option<Option<String>> = statement.query_row([company], |row| row.get(0)).optional().doing(doing)?;
    let json = json.flatten();
    read_row(|| domains(json.as_deref()), || unreadable("company", format!("{company:?}")))
}

/// All tables with rows of companies; assignments go with their accounts.
const TABLES: [&str; 11] = [
    "account",
    "pool",
    "batch",
    "guard_mark",
    "confirmation",
    "policy",
    "connector",
    "token",
    "event",
    "request",
    "mail",
];

pub(super) fn delete(connection: &Connection, company: &str) -> Result<(), LedgerError> {
    let doing = || "deleting the company".to_owned();
    for table in TABLES {
        connection.execute(&format!("DELETE FROM {table} WHERE company = ?1"), [company]).doing(doing)?;
    }
    connection.execute("DELETE FROM company WHERE name = ?1", [company]).doing(doing)?;
    Ok(())
}
