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

#[tokio::test]
async fn the_names_are_asked_in_the_order_given_and_the_first_that_is_there_answers() {
    let general = resolver("_ldap._tcp.corp.example.", vec![service(0, 0, "ldap.corp.example.")]).await;
    let answer = ask_at(&general, "corp.example", &[CONTROLLERS, LDAP]).await.unwrap();
    assert_eq!((answer.service, answer.services[0].host.as_str()), (LDAP, "ldap.corp.example"));
    let told = ask_at(&general, "corp.example", &[CONTROLLERS, LDAPS]).await.unwrap_err().to_string();
    let wanted = "DNS has no SRV record _ldap._tcp.dc._msdcs.corp.example and no _ldaps._tcp.corp.example";
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn a_service_that_is_declined_is_not_looked_for_under_another_name() {
    let declined = resolver("_ldaps._tcp.corp.example.", vec![service(0, 0, ".")]).await;
    let refused = ask_at(&declined, "corp.example", &[LDAPS, LDAP]).await.unwrap_err();
    assert_eq!(refused, Unresolved::Declined("_ldaps._tcp.corp.example".to_owned()));
}

#[tokio::test]
async fn a_name_server_that_does_not_answer_is_not_taken_for_one_that_knows_no_such_name() {
    let mut connection = ConnectionConfig::udp();
    // Nobody else may take the port, and nobody answers at it.
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    connection.port = silent.local_addr().unwrap().port();
    let server = NameServerConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), true, vec![connection]);
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    builder.options_mut().timeout = Duration::from_millis(50);
    let refused = ask_at(&builder.build().unwrap(), "corp.example", &[CONTROLLERS, LDAP]).await.unwrap_err();
    assert!(matches!(&refused, Unresolved::Failed { name, .. } if name.starts_with(CONTROLLERS)), "{refused}");
}
