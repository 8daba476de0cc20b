//! References: parts of the tree that another server holds (RFC 4511 4.5.3).

use super::session::Session;
use crate::model::Dn;
use crate::model::snapshot::Kind;

/// Whether a reference that came with a search under `base` leaves out a part of the scope.
///
/// Active Directory adds references to its other naming contexts (DNS zones, configuration, child domains) to every
/// search from a domain root: those are not of the scope. Elsewhere a reference stands for entries below the base.
pub(super) fn is_in_scope(session: &Session, base: &Dn, urls: &[String]) -> bool {
    if session.kind != Kind::ActiveDirectory {
        return true;
    }
    let home = session.context_of(base);
    urls.is_empty()
        || urls.iter().any(|url| target(url).is_none_or(|dn| dn.is_under(base) && session.context_of(&dn) == home))
}

/// The DN in an LDAP URL (RFC 4516): between the host's slash and the first question mark, percent-encoded.
fn target(url: &str) -> Option<Dn> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let encoded = path.split('?').next()?;
    let dn = Dn::parse(&String::from_utf8(percent_decoded(encoded.as_bytes())).ok()?).ok()?;
    (!dn.as_str().is_empty()).then_some(dn)
}

/// `%` and two hexadecimal digits are one byte; anything else stands for itself.
fn percent_decoded(encoded: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, after @ ..] = rest {
        let byte = match after {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        rest = if byte.is_some() { &after[2..] } else { after };
        decoded.push(byte.unwrap_or(*first));
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_of_a_reference_is_read_out_of_its_url() {
        let dn = |url: &str| target(url).map(|dn| dn.as_str().to_owned());
        assert_eq!(dn("ldap://h/DC=ForestDnsZones,DC=lab,DC=test"), Some("DC=ForestDnsZones,DC=lab,DC=test".into()));
        assert_eq!(dn("ldap://127.0.0.1:1/dc=x??sub"), Some("dc=x".into()));
        assert_eq!(dn("ldap://h/ou=a%20b%2Cc%3dd,dc=x"), Some("ou=a b,c=d,dc=x".into()));
        assert_eq!(dn("ldap://h/ou=100%,dc=x"), Some("ou=100%,dc=x".into()));
        for none in ["ldap://h", "ldap://h/", "nonsense", "ldap://h/%ff"] {
            assert_eq!(dn(none), None, "{none}");
        }
    }
}
