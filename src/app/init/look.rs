//! What is asked of servers on the way to a config.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::Serialize;

use super::answers::{Answers, BackendAsked, Key};
use super::draft::{self, Places};
use super::machine::Findings;
use super::unseen;
use crate::app::{App, AppError, Code, PlanOptions};
use crate::backend::ledger::Ledger;
use crate::directory::ldap::{self, Catalogue, Greeting, Unmet};
use crate::directory::srv;
use crate::model::report::{ChangeKind, PlanReport, PoolRow, QuarantinedRow};
use crate::model::settings::{Bind, LdapSettings, LedgerAccess};
use crate::model::snapshot::Kind;
use crate::model::text::{counted, some_of_by};
use crate::model::{Defect, Name};
use crate::ports::{Backend as _, Persistence, Progress, ReadError};
use crate::settings::{self, Variables};

/// Without an answer: a person waits.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Where the draft takes its secrets from: from us, never from a disk.
const PASSWORD: &str = "SEATSYNC_INIT_PASSWORD";
const TOKEN: &str = "SEATSYNC_INIT_TOKEN";

/// What to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Which servers DNS names.
    Dns,
    /// What the servers are, and how they encrypt.
    Greet,
    /// Whether the account is let in, and what it sees.
    Survey,
    /// Which pools the ledger has.
    Ledger,
    /// What a cycle with this config would do.
    Forecast,
}

/// It went wrong, and which answers may be to blame; none: asking again would not help.
pub struct Refused {
    pub error: AppError,
    pub forget: &'static [Key],
}

impl From<AppError> for Refused {
    fn from(error: AppError) -> Self {
        Self { error, forget: &[] }
    }
}

/// What a cycle would do with the config that is to be written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Forecast {
    pub in_scope: u64,
    /// The read came to its end; else `problem` says why not.
    pub complete: bool,
    pub problem: Option<String>,
    /// As they would be afterwards.
    pub pools: Vec<PoolRow>,
    /// Seats that are lacking.
    pub waiting: u64,
    /// Accounts in the backend that are these people's already.
    pub adopt: u64,
    /// People who have no mail address, by DN.
    pub without_mail: Vec<String>,
    /// People who share a mail address or user name with others, each with whom.
    pub sharing: Vec<String>,
    /// People whose entry cannot be used for another reason, each with it.
    pub unusable: Vec<String>,
}

/// Looks, notes what was found, and says it.
pub async fn look(
    look: Look,
    answers: &Answers,
    found: &mut Findings,
    progress: &dyn Progress,
) -> Result<Vec<String>, Refused> {
    match look {
        Look::Dns => Ok(dns(answers, found).await),
        Look::Greet => greet(answers, found).await,
        Look::Survey => survey(answers, found).await,
        Look::Ledger => ledger(answers, found).await,
        Look::Forecast => forecast(answers, found, progress).await,
    }
}

async fn dns(answers: &Answers, found: &mut Findings) -> Vec<String> {
    let servers = srv::find(answers.domain.as_deref()).await;
    let told = match &servers {
        Ok(servers) => {
            let hosts: Vec<&str> = servers.hosts.iter().map(|(host, _)| host.as_str()).collect();
            format!("DNS names these servers of {}: {}", servers.domain, hosts.join(", "))
        }
        Err(asked) => unnamed(asked),
    };
    found.dns = Some(servers.unwrap_or_default());
    vec![told]
}

/// What was asked of DNS in vain, and what to do then.
fn unnamed(asked: &[String]) -> String {
    const NEXT: &str = "Name the server yourself: a domain controller's full name, such as dc01.corp.example (`nltest /dsgetdc:` tells it \
                        on a member of the domain), or whatever host your LDAP server is; in a file of answers that is `url` under \
                        [directory]. Or let this machine ask the domain's own name servers, and begin again";
    if asked.is_empty() {
        return format!(
            "DNS was not asked for directory servers: this machine names no domain and no name server to ask. {NEXT}."
        );
    }
    format!(
        "DNS names no directory server: asked for the SRV records {}, it has none, or does not answer. {NEXT}.",
        asked.join(", ")
    )
}

/// The first that answers says how all are asked.
async fn greet(answers: &Answers, found: &mut Findings) -> Result<Vec<String>, Refused> {
    let addresses = answers.servers.clone().unwrap_or_default();
    let template = ldap_settings(answers, &Greeting::default(), Vec::new());
    let mut failures = Vec::new();
    for address in &addresses {
        match ldap::greet(&template, address).await {
            Ok(greeting) => {
                found.urls = addresses.iter().map(|other| like(&greeting, address, other)).collect();
                found.untrusted = None;
                let mut told = vec![greeted(&greeting)];
                let is_windows = matches!(greeting.kind, None | Some(Kind::ActiveDirectory));
                if is_windows && let Some(url) = found.urls.iter().find(|url| settings::is_global_catalog(url)) {
                    told.push(format!("{url}: {}.", settings::GLOBAL_CATALOG));
                }
                found.greeting = Some(greeting);
                return Ok(told);
            }
            Err(Unmet::Untrusted { url, certificates, .. }) => return untrusted(answers, found, (url, certificates)),
            Err(Unmet::Unreachable(errors)) => failures.extend(errors),
        }
    }
    let told = failures.iter().map(|error| error.doing.clone());
    let error = AppError::new(Code::Directory, "no directory server can be asked").with_causes(told);
    Err(Refused { error, forget: &[Key::Servers, Key::CaFile] })
}

/// Another server of the same kind, written as the one that answered.
fn like(greeting: &Greeting, answered: &str, other: &str) -> String {
    match (other == answered, other.contains("://"), greeting.start_tls) {
        (true, _, _) => greeting.url.clone(),
        (false, true, _) => other.to_owned(),
        (false, false, true) => format!("ldap://{other}"),
        (false, false, false) => format!("ldaps://{other}"),
    }
}

fn greeted(greeting: &Greeting) -> String {
    let kind = greeting.kind.map_or("a directory that does not say what it is", Kind::as_str);
    let vendor = greeting.vendor.as_ref().map(|vendor| format!(" ({vendor})")).unwrap_or_default();
    let how = match (greeting.start_tls, greeting.url.starts_with("ldaps:")) {
        (true, _) => "encrypted by StartTLS",
        (false, true) => "encrypted (LDAPS)",
        (false, false) => "not encrypted, on this machine",
    };
    format!("Found {kind}{vendor} at {}, {how}.", greeting.url)
}

/// Where no authority was named yet, it is asked for; a named one that does not do is the person's to mend.
fn untrusted(
    answers: &Answers,
    found: &mut Findings,
    (url, shown): (String, Vec<ldap::Certificate>),
) -> Result<Vec<String>, Refused> {
    let Some(file) = &answers.ca_file else {
        found.untrusted = Some((url, shown));
        return Ok(Vec::new());
    };
    let issuer = shown.last().map(|certificate| certificate.issuer.clone()).unwrap_or_default();
    let what = format!(
        "{} is not the authority of the certificate that {url} shows: that one is issued by {issuer}",
        file.display()
    );
    found.untrusted = Some((url, shown));
    Err(Refused { error: AppError::new(Code::Directory, what), forget: &[Key::CaFile] })
}

async fn survey(answers: &Answers, found: &mut Findings) -> Result<Vec<String>, Refused> {
    let greeting = found.greeting.clone().unwrap_or_default();
    let settings = ldap_settings(answers, &greeting, found.urls.clone());
    let catalogue = ldap::survey(&settings).await.map_err(|error| refused(&error, answers))?;
    let Catalogue { kind, bases, groups, problem } = &catalogue;
    let kind = kind.map(Kind::as_str).unwrap_or_default();
    let mut told = vec![format!(
        "The account is let in ({kind}). It sees {} and {}.",
        counted(bases.len() as u64, "place", "places"),
        counted(groups.len() as u64, "group", "groups")
    )];
    told.extend(problem.as_ref().map(|problem| format!("Not all of them: {problem}")));
    found.catalogue = Some(catalogue);
    Ok(told)
}

/// Of refused credentials others may be typed; whatever else fails stays so.
fn refused(error: &ReadError, answers: &Answers) -> Refused {
    let told = AppError::new(Code::Directory, error.doing.clone());
    let Persistence::Credentials = error.persistence else { return told.into() };
    let error = answers.doubt.iter().fold(told, |told, doubt| told.with_next(doubt.clone()));
    Refused { error, forget: &[Key::BindDn, Key::BindPassword] }
}

fn ldap_settings(answers: &Answers, greeting: &Greeting, urls: Vec<String>) -> LdapSettings {
    let bind = match (&answers.bind_dn, &answers.bind_password) {
        (Some(dn), Some(password)) => Bind::Simple { dn: dn.clone(), password: password.clone() },
        _ => Bind::Anonymous,
    };
    LdapSettings {
        urls,
        ca_file: answers.ca_file.clone(),
        start_tls: greeting.start_tls,
        allow_plaintext: false,
        bind,
        page_size: 1000,
        timeout: TIMEOUT,
    }
}

async fn ledger(answers: &Answers, found: &mut Findings) -> Result<Vec<String>, Refused> {
    const FORGET: &[Key] = &[Key::LedgerUrl, Key::LedgerToken, Key::Company];
    let access = LedgerAccess {
        url: answers.ledger_url.clone().unwrap_or_default().trim_end_matches('/').to_owned(),
        token: answers.ledger_token.clone().unwrap_or_else(|| SecretString::from("")),
        ca_file: answers.ledger_ca_file.clone(),
        timeout: TIMEOUT,
    };
    let company = Name::from(answers.company.as_deref().unwrap_or_default());
    let failed = |error: &dyn std::error::Error| Refused {
        error: AppError::new(Code::Backend, format!("could not ask the licence ledger {}", access.url))
            .caused_by(error),
        forget: FORGET,
    };
    let mut ledger = Ledger::new(&access, &company, "init", "init".to_owned()).map_err(|error| failed(&error))?;
    let state = ledger.read().await.map_err(|error| failed(&error))?;
    let pools: Vec<(String, u32)> = state.pools.values().map(|pool| (pool.name.to_string(), pool.seats)).collect();
    if pools.is_empty() {
        return Err(AppError::new(Code::Backend, format!("the company {company} has no pool in {}", access.url))
            .with_next("make one: seatsync ledger pool set")
            .into());
    }
    let told = format!(
        "The ledger knows {} in {}.",
        counted(state.accounts.len() as u64, "account", "accounts"),
        counted(pools.len() as u64, "pool", "pools")
    );
    found.pools = Some(pools);
    Ok(vec![told])
}

/// Makes a plan with the config that is to be written, in a folder of its own that goes with it.
async fn forecast(answers: &Answers, found: &mut Findings, progress: &dyn Progress) -> Result<Vec<String>, Refused> {
    let failed = |error: &std::io::Error| AppError::new(Code::Failed, "could not make a plan to show").caused_by(error);
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    let config = folder.path().join("draft.toml");
    let places = Places {
        state_dir: Some(folder.path().join("state").display().to_string()),
        ledger: Some(folder.path().join("ledger.db").display().to_string()),
        schema: None,
        password: format!("{{ env = \"{PASSWORD}\" }}"),
        token: format!("{{ env = \"{TOKEN}\" }}"),
    };
    std::fs::write(&config, draft::text(answers, found, &places)).map_err(|error| failed(&error))?;
    let loaded =
        settings::load(&config, &variables(answers)).map_err(|problems| AppError::of_config(&config, &problems))?;
    let unseen = unseen::in_draft(&loaded.settings).await;
    if !unseen.is_empty() && !answers.anyway {
        return Err(unseen::refused(unseen));
    }
    let app = App::of(&config, loaded);
    let report = app.plan(&PlanOptions { full: true, seats: Vec::new() }, progress).await?;
    let forecast = foretold(&report);
    let mut told = in_words(&forecast, answers.backend);
    told.extend(unseen.into_iter().map(|what| format!("Written all the same: {what}")));
    found.forecast = Some(forecast);
    Ok(told)
}

fn variables(answers: &Answers) -> Variables {
    use secrecy::ExposeSecret as _;
    let mut variables: BTreeMap<String, String> = settings::process_variables();
    for (name, secret) in [(PASSWORD, &answers.bind_password), (TOKEN, &answers.ledger_token)] {
        variables.extend(secret.as_ref().map(|secret| (name.to_owned(), secret.expose_secret().to_owned())));
    }
    variables
}

fn foretold(report: &PlanReport) -> Forecast {
    let read = &report.directories;
    let mut forecast = Forecast {
        in_scope: read.iter().map(|directory| directory.users).sum(),
        complete: read.iter().all(|directory| directory.complete),
        problem: read.iter().find_map(|directory| directory.problem.clone()),
        pools: report.pools.clone(),
        waiting: report.waiting.len() as u64,
        adopt: report.changes.iter().filter(|row| row.change == ChangeKind::Adopt).count() as u64,
        ..Forecast::default()
    };
    for row in &report.quarantined {
        let QuarantinedRow { dn, attribute, reason, message, .. } = row;
        let dn = dn.clone().unwrap_or_default();
        match reason {
            Defect::Missing if attribute.eq_ignore_ascii_case("mail") => forecast.without_mail.push(dn),
            Defect::Duplicate => forecast.sharing.push(message.clone()),
            _ => forecast.unusable.push(message.clone()),
        }
    }
    forecast
}

fn in_words(forecast: &Forecast, backend: Option<BackendAsked>) -> Vec<String> {
    let mut told = vec![format!("{} in scope.", counted(forecast.in_scope, "person is", "people are"))];
    if let Some(problem) = &forecast.problem {
        told.push(format!("The read is not whole: {problem}"));
    }
    for pool in &forecast.pools {
        let PoolRow { name, seats, held, waiting, .. } = pool;
        let seats = counted((*seats).into(), "seat", "seats");
        let waiting = counted((*waiting).into(), "person", "people");
        told.push(format!("Pool {name}: of {seats} {held} would be held, and {waiting} would wait."));
    }
    if backend == Some(BackendAsked::Ledger) {
        let accounts = counted(forecast.adopt, "account that is there already", "accounts that are there already");
        told.push(format!("{accounts} would be adopted."));
    }
    let lists = [
        (
            "person has no mail address and gets no seat",
            "people have no mail address and get no seat",
            &forecast.without_mail,
        ),
        (
            "person shares a mail address or user name and gets no seat",
            "people share a mail address or user name and get no seat",
            &forecast.sharing,
        ),
        ("person has an entry that cannot be used", "people have an entry that cannot be used", &forecast.unusable),
    ];
    for (one, many, list) in lists.into_iter().filter(|(.., list)| !list.is_empty()) {
        told.push(format!(
            "{}: {}",
            counted(list.len() as u64, one, many),
            some_of_by(list.iter().cloned(), "; ").unwrap_or_default()
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::unnamed;

    #[test]
    fn where_dns_names_nobody_it_is_said_what_was_asked_and_what_to_do() {
        let said = unnamed(&["_ldap._tcp.dc._msdcs.corp.example".to_owned(), "_ldap._tcp.corp.example".to_owned()]);
        assert!(said.contains("SRV records _ldap._tcp.dc._msdcs.corp.example, _ldap._tcp.corp.example"), "{said}");
        for said in [said, unnamed(&[])] {
            assert!(said.contains("Name the server yourself") && said.contains("`url` under [directory]"), "{said}");
        }
    }
}
