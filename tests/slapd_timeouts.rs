//! Whatever a server does, a cycle ends: with `timeout = "3s"` in less than a minute.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use support::process::{free_port, now};
use support::{Agent, FaultProxy, Slapd, ldif};

const MINUTE: Duration = Duration::from_mins(1);

fn agent(urls: &[&str], slapd: &Slapd) -> Agent {
    let agent = Agent::new("");
    agent.secret("pw", &slapd.password);
    agent.write_config(&format!(
        "[[directory]]\nname = \"corp\"\nurl = {urls:?}\nca_file = \"{}\"\nbind_dn = \"{}\"\n\
         bind_password = {{ file = \"pw\" }}\nbase = [\"ou=people,{}\"]\ntimeout = \"3s\"\npage_size = 10\n\
         [[pool]]\nname = \"standard\"\nseats = 50\n",
        slapd.ca.display(),
        slapd.sync_dn,
        slapd.base,
    ));
    agent
}

/// Made in time, it says that something could not be read.
fn ends_in_time(what: &str, agent: &Agent, wanted: &[&str]) {
    let clock = now();
    let (code, report) = agent.sync();
    let took = clock.elapsed();
    assert!(took < MINUTE, "{what}: {took:?}");
    assert_eq!(code, 1, "{what}: {report}");
    let outcome = report["outcome"].as_str().expect("an outcome");
    assert!(wanted.contains(&outcome), "{what}: {report}");
    assert!(report["directories"][0]["problem"].is_string(), "{what}: {report}");
}

/// Takes connections and does this with each.
fn server(each: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let each = each.clone();
            thread::spawn(move || each(client));
        }
    });
    address
}

/// Says nothing for longer than any test waits.
fn silent() -> String {
    server(|client| {
        thread::sleep(5 * MINUTE);
        drop(client);
    })
}

/// One byte of a message that never ends, twice a second.
fn dripping() -> String {
    server(|mut client| {
        let _ = client.write_all(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]);
        while client.write_all(&[0]).is_ok() {
            thread::sleep(Duration::from_millis(500));
        }
    })
}

#[test]
fn a_server_that_is_silent_drips_or_is_not_there_is_given_up_in_less_than_a_minute() {
    let slapd = Slapd::start_with(&ldif::people("dc=lab,dc=test", 200));
    let ldap = |address: &str| format!("ldap://{address}");
    let ldaps = |address: &str| format!("ldaps://{}", address.replace("127.0.0.1", "localhost"));
    let drip = FaultProxy::start(&slapd.address(), "delay=1000");
    let no_search = FaultProxy::start(&slapd.address(), "noreply=search");
    let stall = FaultProxy::start(&slapd.address(), "stall=25");
    let (silent, dripping, nobody) = (silent(), dripping(), format!("127.0.0.1:{}", free_port()));
    let servers: [(&str, Vec<String>, &[&str]); 9] = [
        ("accepts and never answers", vec![ldap(&silent)], &["failed"]),
        ("never answers the TLS handshake", vec![ldaps(&silent)], &["failed"]),
        ("drips bytes", vec![ldap(&dripping)], &["failed"]),
        ("drips bytes into the TLS handshake", vec![ldaps(&dripping)], &["failed"]),
        ("refuses", vec![ldap(&nobody)], &["failed"]),
        ("answers binds only", vec![no_search.url.clone()], &["failed"]),
        ("drips entries", vec![drip.url.clone()], &["partial", "failed"]),
        ("stalls among the entries", vec![stall.url.clone()], &["partial", "failed"]),
        (
            "are four that never answer",
            vec![ldap(&silent), ldaps(&silent), ldap(&dripping), ldaps(&dripping)],
            &["failed"],
        ),
    ];
    thread::scope(|scope| {
        for (what, urls, wanted) in &servers {
            let slapd = &slapd;
            scope.spawn(move || {
                let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
                ends_in_time(what, &agent(&urls, slapd), wanted);
            });
        }
    });
}
