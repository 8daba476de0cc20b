//! Which servers to try, and in which order: those of the config and, for `srv:DOMAIN`, those DNS names at this moment.
//!
//! What DNS says may be forged, and a password is shown to whoever it names. TLS is therefore never left out here, the
//! certificate must be that of the host named, and a host outside the domain needs an authority of the config's own:
//! a certificate for a host elsewhere anybody can have from a public one.

use super::budget::Budget;
use super::connect::overran;
use super::failure::fault;
use super::url::srv_domain;
use crate::directory::srv::{self, Answer, Service, Unresolved};
use crate::model::settings::LdapSettings;
use crate::model::snapshot::Kind;
use crate::ports::{Persistence, ReadError};

const DOING: &str = "Could not find the directory servers";
const TLS_PORT: u16 = 636;

/// The servers of all items of `url`, in the order in which to try them; in the place of an item that DNS does not tell
/// of, why not.
pub(super) async fn all(
    settings: &LdapSettings,
    configured: Option<Kind>,
    budget: &Budget,
) -> Vec<Result<String, ReadError>> {
    let mut servers = Vec::new();
    for text in &settings.urls {
        match srv_domain(text) {
            None => servers.push(Ok(text.clone())),
            Some(_) => match named(settings, text, configured, budget).await {
                Ok(named) => servers.extend(named.into_iter().map(Ok)),
                Err(error) => servers.push(Err(error)),
            },
        }
    }
    servers
}

/// The servers that DNS names for one `srv:DOMAIN`, as URLs, in the order of RFC 2782.
///
/// # Errors
/// Where DNS names none, or none that may be trusted.
pub(super) async fn named(
    settings: &LdapSettings,
    text: &str,
    configured: Option<Kind>,
    budget: &Budget,
) -> Result<Vec<String>, ReadError> {
    let domain = srv_domain(text).unwrap_or(text);
    let answer = match budget.watch(srv::ask(domain, asked(configured, settings.start_tls))).await {
        Ok(answer) => answer.map_err(|unresolved| words(text, &unresolved))?,
        Err(overrun) => return Err(overran(DOING, text, overrun)),
    };
    if settings.ca_file.is_none()
        && let Some(stranger) = answer.services.iter().find(|service| !is_within(&service.host, domain))
    {
        let said = format!("DNS names {}, which lies outside the domain, and DNS can be forged", stranger.host);
        let advice = "Set `ca_file` to the authority of your servers, or name the servers themselves in `url`";
        return Err(fault(DOING, text, &said, advice, Persistence::Permanent));
    }
    Ok(urls(answer, settings.start_tls, &mut srv::by_chance))
}

/// The names to ask for. `_ldaps` is for servers that are no domain controllers: those never have it.
fn asked(configured: Option<Kind>, start_tls: bool) -> &'static [&'static str] {
    match (configured, start_tls) {
        (Some(Kind::ActiveDirectory), _) | (None, true) => &[srv::CONTROLLERS, srv::LDAP],
        (None, false) => &[srv::CONTROLLERS, srv::LDAPS, srv::LDAP],
        (Some(_), true) => &[srv::LDAP],
        (Some(_), false) => &[srv::LDAPS, srv::LDAP],
    }
}

/// What DNS says of `_ldap` is the port for plain LDAP and `StartTLS`: LDAPS has its own beside it.
fn urls(answer: Answer, start_tls: bool, chance: &mut impl FnMut(u32) -> u32) -> Vec<String> {
    let is_ldaps = answer.service == srv::LDAPS;
    srv::arrange(answer.services, chance)
        .into_iter()
        .map(|Service { host, port, .. }| match (start_tls, is_ldaps) {
            (true, _) => format!("ldap://{host}:{port}"),
            (false, true) => format!("ldaps://{host}:{port}"),
            (false, false) => format!("ldaps://{host}:{TLS_PORT}"),
        })
        .collect()
}

fn is_within(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
}

fn words(text: &str, unresolved: &Unresolved) -> ReadError {
    let (advice, persistence) = match unresolved {
        Unresolved::Failed { .. } => {
            ("Check the name servers of this machine, or name the servers themselves in `url`", Persistence::Transient)
        }
        _ => (
            "Check the domain and the name servers of this machine, or name the servers themselves in `url`",
            Persistence::Permanent,
        ),
    };
    fault(DOING, text, &unresolved.to_string(), advice, persistence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(service: &'static str, hosts: &[(u16, &str, u16)]) -> Answer {
        let services = hosts
            .iter()
            .map(|&(priority, host, port)| Service { priority, weight: 0, host: host.to_owned(), port })
            .collect();
        Answer { service, services }
    }

    #[test]
    fn the_port_of_plain_ldap_is_for_start_tls_alone() {
        let named = |service, start_tls| urls(answer(service, &[(0, "dc", 1389)]), start_tls, &mut |_| 0);
        assert_eq!(named(srv::LDAP, true), ["ldap://dc:1389"]);
        assert_eq!(named(srv::CONTROLLERS, false), ["ldaps://dc:636"]);
        assert_eq!(named(srv::LDAPS, false), ["ldaps://dc:1389"]);
    }

    #[test]
    fn a_lower_priority_is_tried_first() {
        let named = urls(answer(srv::LDAP, &[(9, "far", 389), (1, "near", 389)]), false, &mut |_| 0);
        assert_eq!(named, ["ldaps://near:636", "ldaps://far:636"]);
    }

    #[test]
    fn controllers_are_asked_for_unless_the_kind_has_none() {
        assert_eq!(asked(Some(Kind::ActiveDirectory), false), [srv::CONTROLLERS, srv::LDAP]);
        assert_eq!(asked(None, false), [srv::CONTROLLERS, srv::LDAPS, srv::LDAP]);
        assert_eq!(asked(Some(Kind::OpenLdap), false), [srv::LDAPS, srv::LDAP]);
        assert_eq!(asked(Some(Kind::OpenLdap), true), [srv::LDAP]);
    }

    #[test]
    fn a_host_lies_within_a_domain_by_whole_labels() {
        for (host, within) in
            [("dc.corp.example", true), ("a.b.CORP.example", true), ("corp.example", true), ("evilcorp.example", false)]
        {
            assert_eq!(is_within(host, "corp.example"), within, "{host}");
        }
    }
}
