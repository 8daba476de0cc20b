//! The URL of a server, as far as we use it: scheme, host, port.

use std::net::IpAddr;

/// `ldap://` or `ldaps://`, a host and a port (RFC 4516, without what follows the authority). ldap3 panics on a URL
/// without a host, so it gets none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerUrl {
    pub(super) text: String,
    pub(super) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
}

impl ServerUrl {
    /// None where the text is no URL of a server.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "ldap" => false,
            "ldaps" => true,
            _ => return None,
        };
        let authority = rest.split(['/', '?', '#']).next()?;
        let (host, after) = match authority.strip_prefix('[') {
            Some(literal) => literal.split_once(']')?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match after.strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port != 0)?,
            None if after.is_empty() => {
                if tls {
                    636
                } else {
                    389
                }
            }
            None => return None,
        };
        let odd = |character: char| character.is_whitespace() || character == '@' || character.is_control();
        if host.is_empty() || authority.contains(odd) {
            return None;
        }
        Some(Self { text: text.to_owned(), tls, host: host.to_owned(), port })
    }

    /// Nobody but this machine can listen in.
    pub(super) fn is_loopback(&self) -> bool {
        self.address().map_or_else(|| self.host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
    }

    /// An IPv6 literal, whose brackets ldap3 0.12 leaves in the name that TLS verifies.
    pub(super) fn is_ipv6_literal(&self) -> bool {
        matches!(self.address(), Some(IpAddr::V6(_)))
    }

    fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// The domain of `srv:DOMAIN`, whose servers DNS names.
pub(super) fn srv_domain(text: &str) -> Option<&str> {
    text.strip_prefix("srv:").map(|domain| domain.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_machine_itself_is_loopback() {
        let loopback = |url| ServerUrl::parse(url).unwrap().is_loopback();
        for url in ["ldap://127.0.0.1", "ldap://127.9.9.9:389", "ldap://[::1]:389", "ldap://LOCALHOST/"] {
            assert!(loopback(url), "{url}");
        }
        for url in ["ldap://10.0.0.1", "ldap://localhost.example", "ldap://127.0.0.1.example", "ldap://[::2]"] {
            assert!(!loopback(url), "{url}");
        }
    }

    #[test]
    fn a_port_is_the_schemes_own_unless_given() {
        let port = |url| ServerUrl::parse(url).map(|server| (server.host, server.port));
        assert_eq!(port("ldap://h"), Some(("h".to_owned(), 389)));
        assert_eq!(port("LDAPS://h/"), Some(("h".to_owned(), 636)));
        assert_eq!(port("ldap://[::1]:3389"), Some(("::1".to_owned(), 3389)));
        assert_eq!(port("ldaps://[::1]"), Some(("::1".to_owned(), 636)));
        for odd in ["ldap://h:0", "ldap://h:65536", "ldap://h:x", "ldap://[::1]x"] {
            assert_eq!(port(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_has_no_host_is_no_server() {
        for url in
            ["ldap://", "ldap:///", "ldap:host", "http://host", "ldap://:389", "host", "ldap://u@host", "ldap://a b"]
        {
            assert_eq!(ServerUrl::parse(url), None, "{url}");
        }
    }
}
