//! The directory servers of a domain, as DNS names them (RFC 2782; MS-ADTS 6.3.2 for domain controllers).

mod order;

use std::cmp::Reverse;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolverConfig;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use thiserror::Error;

pub use self::order::{Service, arrange, by_chance};

/// So long a name server is waited for where a person waits, whatever it does: it may be no one's here.
const PATIENCE: Duration = Duration::from_secs(5);

/// Domain controllers alone: other servers may be named beside them.
pub const CONTROLLERS: &str = "_ldap._tcp.dc._msdcs";
/// Servers that speak TLS from the first byte. Active Directory never names them so.
pub const LDAPS: &str = "_ldaps._tcp";
/// Any server of the domain.
pub const LDAP: &str = "_ldap._tcp";

/// Where a domain's directory servers are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    pub domain: String,
    /// Host names and ports, who is to be asked first before others.
    pub hosts: Vec<(String, u16)>,
}

/// Why DNS did not name a server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unresolved {
    #[error("this machine's name servers cannot be told ({0})")]
    NoResolver(String),
    /// It answered, and knows none of these names.
    #[error("DNS has no SRV record {}", .0.join(" and no "))]
    Nothing(Vec<String>),
    /// RFC 2782: a target of "." says that the service is decidedly not there.
    #[error("the SRV record {0} says that there is no such service")]
    Declined(String),
    #[error("DNS does not answer the question for the SRV record {name} ({said})")]
    Failed { name: String, said: String },
}

/// Services of a domain, and the name by which they were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// One of those asked for.
    pub service: &'static str,
    /// As DNS listed them: see `arrange`.
    pub services: Vec<Service>,
}

/// Asks DNS, now, for the first of these services of a domain that is there.
///
/// # Errors
/// Where none is, or where DNS does not answer: then nobody knows whether a better one is there.
pub async fn ask(domain: &str, services: &[&'static str]) -> Result<Answer, Unresolved> {
    let (resolver, _) = resolver().map_err(|error| Unresolved::NoResolver(error.to_string()))?;
    ask_at(&resolver, domain, services).await
}

async fn ask_at(resolver: &TokioResolver, domain: &str, services: &[&'static str]) -> Result<Answer, Unresolved> {
    let mut unknown = Vec::new();
    for service in services {
        let name = format!("{service}.{domain}");
        match records(resolver, &name).await? {
            Some(services) if services.is_empty() => return Err(Unresolved::Declined(name)),
            Some(services) => return Ok(Answer { service, services }),
            None => unknown.push(name),
        }
    }
    Err(Unresolved::Nothing(unknown))
}

/// Asks DNS for the servers of `domain`, or of the domains this machine searches.
///
/// # Errors
/// Where DNS names none, or does not answer: the records asked for. None: this machine has no domain, or no name server.
pub async fn find(domain: Option<&str>) -> Result<Servers, Vec<String>> {
    let (resolver, config) = resolver().map_err(|_| Vec::new())?;
    let domains = match domain {
        Some(domain) => vec![domain.to_owned()],
        None => searched(&config),
    };
    let found = tokio::time::timeout(PATIENCE, first_of(&resolver, &domains)).await.ok().flatten();
    let record = |domain: &String| [CONTROLLERS, LDAP].map(|service| format!("{service}.{domain}"));
    found.ok_or_else(|| domains.iter().flat_map(record).collect())
}

/// What this machine asks, as its settings are now: it remembers no answer of before.
fn resolver() -> Result<(TokioResolver, ResolverConfig), NetError> {
    let (config, options) = read_system_conf()?;
    let mut builder = TokioResolver::builder_with_config(config.clone(), TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    Ok((builder.build()?, config))
}

/// The domains of this machine, its own first.
fn searched(config: &ResolverConfig) -> Vec<String> {
    let names = config.domain().into_iter().chain(config.search()).map(ToString::to_string);
    // Windows tells a logged-on user's domain so, also where no adapter has it as its suffix.
    let names = names.chain(std::env::var("USERDNSDOMAIN"));
    let mut domains: Vec<String> = Vec::new();
    for name in names {
        let name = name.trim_end_matches('.').to_lowercase();
        if !name.is_empty() && !domains.contains(&name) {
            domains.push(name);
        }
    }
    domains
}

async fn first_of(resolver: &TokioResolver, domains: &[String]) -> Option<Servers> {
    for domain in domains {
        if let Ok(answer) = ask_at(resolver, domain, &[CONTROLLERS, LDAP]).await {
            let mut services = answer.services;
            // No chance here: a config is written of it, and who types the same gets the same.
            services.sort_by_key(|one| (one.priority, Reverse(one.weight), one.host.clone()));
            let hosts = services.into_iter().map(|at| (at.host, at.port)).collect();
            return Some(Servers { domain: domain.clone(), hosts });
        }
    }
    None
}

/// The records of a name, without that which says that there is no such service; None where there is no such name.
async fn records(resolver: &TokioResolver, name: &str) -> Result<Option<Vec<Service>>, Unresolved> {
    let found = match resolver.lookup(format!("{name}."), RecordType::SRV).await {
        Ok(found) => found,
        Err(error) if error.is_no_records_found() => return Ok(None),
        Err(error) => return Err(Unresolved::Failed { name: name.to_owned(), said: error.to_string() }),
    };
    let mut listed = false;
    let mut services = Vec::new();
    for record in found.answers() {
        if let RData::SRV(service) = &record.data {
            listed = true;
            let host = service.target.to_string().trim_end_matches('.').to_lowercase();
            if !host.is_empty() {
                let (priority, weight, port) = (service.priority, service.weight, service.port);
                services.push(Service { priority, weight, host, port });
            }
        }
    }
    Ok(listed.then_some(services))
}

#[cfg(test)]
mod tests;
