//! The URLs of servers: `ldap://HOST[:PORT]`, `ldaps://HOST[:PORT]`, `https://HOST[:PORT][/PATH]`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What decides how a server may be talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url {
    /// `ldaps://`, `https://`: TLS from the first byte.
    pub tls: bool,
    /// This very machine: nothing crosses a wire.
    pub loopback: bool,
    /// `srv:DOMAIN`: DNS names the servers, which are never talked to without TLS.
    pub by_dns: bool,
}

/// Why a text is no URL of a server. `secret`: the text must not be shown.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    pub secret: bool,
}

const FORM: &str = "must be ldaps://HOST or ldap://HOST, with :PORT where it is not 636 or 389, or srv:DOMAIN, whose servers DNS names";

const SRV_FORM: &str = "must name a DNS domain and nothing else: srv:corp.example";

const HTTP_FORM: &str =
    "must be https://HOST, with :PORT where it is not 443, and with a path where the ledger has one";

const WEBHOOK_FORM: &str = "must be https://HOST, with a path and what else the receiver asks for";

fn shown(message: &str) -> Refusal {
    Refusal { message: message.to_owned(), secret: false }
}

/// Checks the URL of a directory server.
pub fn parse(text: &str) -> Result<Url, Refusal> {
    if let Some(domain) = text.strip_prefix("srv:") {
        return srv(domain.strip_suffix('.').unwrap_or(domain));
    }
    let (scheme, rest) = text.split_once("://").ok_or_else(|| shown(FORM))?;
    let tls = match scheme {
        "ldap" => false,
        "ldaps" => true,
        _ => return Err(shown(FORM)),
    };
    if rest.contains('@') {
        let message = "must not carry a user or password; use bind_dn and bind_password".to_owned();
        return Err(Refusal { message, secret: true });
    }
    server(rest.strip_suffix('/').unwrap_or(rest), tls, FORM)
}

/// Labels as DNS has them for hosts, and at least one letter: an address has no servers to name.
fn srv(domain: &str) -> Result<Url, Refusal> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    let named =
        domain.len() <= 230 && domain.split('.').all(is_label) && domain.contains(|c: char| c.is_ascii_alphabetic());
    named.then_some(Url { tls: false, loopback: false, by_dns: true }).ok_or_else(|| shown(SRV_FORM))
}

/// Checks the URL of a service; what is asked there is appended to it.
pub fn parse_http(text: &str) -> Result<Url, Refusal> {
    let parts = split_http(text, HTTP_FORM)?;
    if parts.authority.contains('@') {
        let message = "must not carry a user or password; use token".to_owned();
        return Err(Refusal { message, secret: true });
    }
    if parts.rest.contains(['?', '#']) {
        return Err(shown("must end with its path: no question mark, no number sign"));
    }
    server(parts.authority, parts.tls, HTTP_FORM)
}

/// Checks the URL that messages are sent to, whole as it is.
pub fn parse_webhook(text: &str) -> Result<Url, Refusal> {
    let parts = split_http(text, WEBHOOK_FORM)?;
    if parts.authority.contains('@') || parts.rest.contains('#') {
        return Err(shown("must carry neither a user nor a number sign"));
    }
    let authority = parts.authority.split('?').next().unwrap_or_default();
    server(authority, parts.tls, WEBHOOK_FORM)
}

struct HttpParts<'a> {
    tls: bool,
    authority: &'a str,
    /// All after the scheme.
    rest: &'a str,
}

fn split_http<'a>(text: &'a str, form: &str) -> Result<HttpParts<'a>, Refusal> {
    let (scheme, rest) = text.split_once("://").ok_or_else(|| shown(form))?;
    let tls = match scheme {
        "http" => false,
        "https" => true,
        _ => return Err(shown(form)),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(shown(form));
    }
    Ok(HttpParts { tls, authority, rest })
}

fn server(authority: &str, tls: bool, form: &str) -> Result<Url, Refusal> {
    let (host, port) = split(authority).ok_or_else(|| shown(form))?;
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Err(shown("has a port that is no number from 1 to 65535"));
    }
    loopback(host).map(|loopback| Url { tls, loopback, by_dns: false }).ok_or_else(|| shown(form))
}

/// Host, port and whether it is this machine, of what follows the scheme; none where it is no server.
pub fn host_and_port(rest: &str) -> Option<(String, Option<u16>, bool)> {
    let (host, port) = split(rest.strip_suffix('/').unwrap_or(rest))?;
    let port = port.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(())).transpose().ok()?;
    loopback(host).map(|loopback| (host.to_owned(), port, loopback))
}

/// Whether the URL of a directory server names a port of a global catalog.
#[must_use]
pub fn is_global_catalog(url: &str) -> bool {
    let port = url.split_once("://").and_then(|(_, rest)| host_and_port(rest)).and_then(|(_, port, _)| port);
    matches!(port, Some(3268 | 3269))
}

/// Host and port; an IPv6 address stands in brackets.
fn split(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        return match after.strip_prefix(':') {
            Some(port) => Some((address, Some(port))),
            None => after.is_empty().then_some((address, None)),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

/// Whether a host is this machine; None where it is no host.
fn loopback(host: &str) -> Option<bool> {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some(address.is_loopback());
    }
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return Some(address.is_loopback());
    }
    let valid = !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    valid.then(|| host.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_any_of_its_addresses() {
        for url in
            ["ldap://localhost", "ldap://127.0.0.1:3389", "ldap://127.9.9.9", "ldap://[::1]:389", "ldap://LOCALHOST/"]
        {
            assert_eq!(parse(url), Ok(Url { tls: false, loopback: true, by_dns: false }), "{url}");
        }
        for url in
            ["ldap://dc01", "ldap://128.0.0.1", "ldap://[::2]", "ldap://localhost.example", "ldap://127.0.0.1.example"]
        {
            assert_eq!(parse(url), Ok(Url { tls: false, loopback: false, by_dns: false }), "{url}");
        }
    }

    #[test]
    fn only_the_two_schemes_with_a_host_and_a_valid_port_are_urls() {
        assert_eq!(parse("ldaps://dc01.corp.example:65535"), Ok(Url { tls: true, loopback: false, by_dns: false }));
        for url in [
            "dc01",
            "http://dc01",
            "ldap://",
            "ldap://dc01:0",
            "ldap://dc01:65536",
            "ldap://dc01:",
            "ldap://a b",
            "ldap://dc01/dc=x",
            "ldap://[::1",
            "ldap://[dc01]",
            "LDAP:dc01",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_domain_whose_servers_dns_names_stands_alone() {
        for url in ["srv:corp.example", "srv:corp.example.", "srv:CORP", "srv:a-1.b_2.c"] {
            assert_eq!(parse(url), Ok(Url { tls: false, loopback: false, by_dns: true }), "{url}");
        }
        let long = format!("srv:{}.example", "a".repeat(64));
        for url in [
            "srv:",
            "srv:.",
            "srv:corp..example",
            "srv:corp.example:636",
            "srv://corp.example",
            "srv:10.0.0.1",
            "srv:a b",
            &long,
        ] {
            assert_eq!(parse(url), Err(shown(SRV_FORM)), "{url}");
        }
    }

    #[test]
    fn a_service_may_have_a_path_and_nothing_after_it() {
        assert_eq!(
            parse_http("https://ledger.corp.example/seats/"),
            Ok(Url { tls: true, loopback: false, by_dns: false })
        );
        assert_eq!(parse_http("http://[::1]:8760"), Ok(Url { tls: false, loopback: true, by_dns: false }));
        for url in [
            "ledger.corp.example",
            "ldaps://ledger",
            "https://",
            "https:///v1",
            "https://ledger:0",
            "https://ledger?company=acme",
            "https://ledger/#top",
            "https://ledger/a b",
        ] {
            assert!(parse_http(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_shown() {
        for refusal in [parse("ldap://cn=admin:hunter2@dc01"), parse_http("https://admin:hunter2@ledger")] {
            let refusal = refusal.unwrap_err();
            assert!(refusal.secret && !refusal.message.contains("hunter2"), "{refusal:?}");
        }
    }
}
