//! The directory servers of a domain, as DNS names them (RFC 2782; MS-ADTS 6.3.2 for domain controllers).

use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolverConfig;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;

/// So long a name server is waited for, whatever it does: it may be no one's here.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a domain's directory servers are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    pub domain: String,
    /// Host names and ports, who is to be asked first before others.
    pub hosts: Vec<(String, u16)>,
}

/// Asks DNS for the servers of `domain`, or of the domains this machine searches. None where DNS names none, or does not
/// answer: that is no error, it is only no help.
pub async fn find(domain: Option<&str>) -> Option<Servers> {
    let (config, options) = read_system_conf().ok()?;
    let domains = match domain {
        Some(domain) => vec![domain.to_owned()],
        None => searched(&config),
    };
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    let resolver = builder.build().ok()?;
    tokio::time::timeout(PATIENCE, first_of(&resolver, &domains)).await.ok().flatten()
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
        // Domain controllers alone first: other servers may be named beside them.
        for service in ["_ldap._tcp.dc._msdcs", "_ldap._tcp"] {
            let hosts = services(resolver, &format!("{service}.{domain}.")).await;
            if !hosts.is_empty() {
                return Some(Servers { domain: domain.clone(), hosts });
            }
        }
    }
    None
}

async fn services(resolver: &TokioResolver, name: &str) -> Vec<(String, u16)> {
    let Ok(found) = resolver.lookup(name, RecordType::SRV).await else { return Vec::new() };
    let mut services: Vec<(u16, u16, String, u16)> = Vec::new();
    for record in found.answers() {
        if let RData::SRV(service) = &record.data {
            let host = service.target.to_string().trim_end_matches('.').to_lowercase();
            services.push((service.priority, u16::MAX - service.weight, host, service.port));
        }
    }
    services.sort();
    // A lone "." says that there is no such service.
    services.into_iter().filter(|(_, _, host, _)| !host.is_empty()).map(|(_, _, host, port)| (host, port)).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig};
    use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
    use hickory_resolver::proto::rr::rdata::SRV;
    use hickory_resolver::proto::rr::{Name, Record};
    use tokio::net::UdpSocket;

    use super::*;

    /// A name server that knows these services; others do not exist.
    async fn resolver(name: &'static str, services: Vec<SRV>) -> TokioResolver {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let asked = Message::from_vec(&buffer[..length]).unwrap();
                let query = asked.queries[0].clone();
                let mut answer = Message::response(asked.metadata.id, OpCode::Query);
                answer.queries = vec![query.clone()];
                if query.name().to_string() == name {
                    answer.answers = services
                        .iter()
                        .map(|service| Record::from_rdata(query.name().clone(), 60, RData::SRV(service.clone())))
                        .collect();
                } else {
                    answer.metadata.response_code = ResponseCode::NXDomain;
                }
                let _ = socket.send_to(&answer.to_vec().unwrap(), from).await;
            }
        });
        let mut connection = ConnectionConfig::udp();
        connection.port = port;
        let server = NameServerConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), true, vec![connection]);
        let config = ResolverConfig::from_name_servers(vec![server]);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().unwrap()
    }

    fn service(priority: u16, weight: u16, host: &str) -> SRV {
        SRV::new(priority, weight, 389, Name::from_ascii(host).unwrap())
    }

    #[tokio::test]
    async fn controllers_come_in_the_order_dns_wants_them_asked() {
        let services = vec![
            service(10, 100, "far.corp.example."),
            service(0, 10, "small.corp.example."),
            service(0, 100, "BIG.corp.example."),
        ];
        let resolver = resolver("_ldap._tcp.dc._msdcs.corp.example.", services).await;
        let mut config = ResolverConfig::default();
        config.add_search(Name::from_ascii("Corp.Example.").unwrap());
        let found = first_of(&resolver, &searched(&config)).await.unwrap();
        assert_eq!(found.domain, "corp.example");
        let hosts: Vec<&str> = found.hosts.iter().map(|(host, _)| host.as_str()).collect();
        assert_eq!(hosts, ["big.corp.example", "small.corp.example", "far.corp.example"]);
    }

    #[tokio::test]
    async fn a_directory_that_is_no_domain_is_found_by_the_general_name_and_a_dot_is_none() {
        let resolver_of = |services| resolver("_ldap._tcp.corp.example.", services);
        let one = resolver_of(vec![service(0, 0, "ldap.corp.example.")]).await;
        let found = first_of(&one, &["corp.example".to_owned()]).await.unwrap();
        assert_eq!(found.hosts, [("ldap.corp.example".to_owned(), 389)]);
        let none = resolver_of(vec![service(0, 0, ".")]).await;
        assert_eq!(first_of(&none, &["corp.example".to_owned()]).await, None);
    }
}
