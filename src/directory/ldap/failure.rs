//! What a server or the connection to it said, in words: what happened, where, and what to do about it.

use std::io;

use ldap3::{LdapError, LdapResult};
use rustls::AlertDescription;

use crate::ports::{Persistence, ReadError};
use crate::tls;

/// What a server refused as it answered a bind with 49.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The name or the password; or it does not say.
    Credentials,
    /// The account, whatever was shown: it is disabled, locked, expired, or has to do something first.
    Account,
}

/// What was refused, where that is the failure.
pub(super) fn refusal(error: &LdapError) -> Option<Refusal> {
    let LdapError::LdapResult { result } = error else { return None };
    (result.rc == 49).then(|| active_directory_words(&result.text).map_or(Refusal::Credentials, |(what, ..)| what))
}

/// The verdict on one failure: what happened, what to do, and whether trying again can help.
struct Verdict(String, &'static str, Persistence);

/// Words for an error of the library. `doing` says what was attempted ("Could not bind as X"), `server` at which URL.
pub(super) fn failed(doing: &str, server: &str, error: LdapError) -> ReadError {
    let Verdict(said, advice, persistence) = judge(&error);
    ReadError { source: Some(Box::new(error)), ..fault(doing, server, &said, advice, persistence) }
}

/// A failure that is no error of the library: silence, a broken answer, something the config rules out.
pub(super) fn fault(doing: &str, server: &str, said: &str, advice: &str, persistence: Persistence) -> ReadError {
    let doing = sentence(doing, server, said, advice);
    ReadError { doing, advice: (!advice.is_empty()).then(|| advice.to_owned()), persistence, source: None }
}

/// Words for an answer whose meaning the caller knows better than the table below.
pub(super) fn answered(
    doing: &str,
    server: &str,
    result: &LdapResult,
    what: &str,
    advice: &str,
    persistence: Persistence,
) -> ReadError {
    fault(doing, server, &said(what, result), advice, persistence)
}

/// What happened, and what the server itself said of it.
fn said(what: &str, result: &LdapResult) -> String {
    let text = result.text.trim_end_matches('\0').trim();
    let quoted = if text.is_empty() { String::new() } else { format!(", {text:?}") };
    format!("{what} (result code {}{quoted})", result.rc)
}

fn sentence(doing: &str, server: &str, said: &str, advice: &str) -> String {
    let stop = if advice.is_empty() { "" } else { ". " };
    format!("{doing} at {server}: {said}{stop}{advice}")
}

/// Judges by type. The table is that of RFC 4511 appendix A.2, with what the servers mean by it.
fn judge(error: &LdapError) -> Verdict {
    use Persistence::{Permanent, Transient};
    match error {
        LdapError::LdapResult { result } => judge_result(result),
        LdapError::Io { source } => judge_io(source),
        LdapError::Timeout { .. } => Verdict(
            "no answer within the timeout".to_owned(),
            "Check that the server is up and the port is open, or raise `timeout`",
            Transient,
        ),
        LdapError::EndOfStream
        | LdapError::ResultRecv { .. }
        | LdapError::OpSend { .. }
        | LdapError::IdScrubSend { .. }
        | LdapError::MiscSend { .. } => Verdict("the connection was lost".to_owned(), "", Transient),
        LdapError::FilterParsing => Verdict("the filter is none".to_owned(), "Mend `filter` (RFC 4515)", Permanent),
        LdapError::DNSName { .. } => {
            Verdict("the host name cannot be verified by TLS".to_owned(), "Use the name in the certificate", Permanent)
        }
        LdapError::Rustls { source } => judge_tls(source),
        LdapError::UrlParsing { .. } | LdapError::UnknownScheme(_) => {
            Verdict("the URL is none".to_owned(), "Use ldap://HOST:PORT or ldaps://HOST:PORT", Permanent)
        }
        other => Verdict(other.to_string(), "", Transient),
    }
}

fn judge_result(result: &LdapResult) -> Verdict {
    use Persistence::{Credentials, Permanent, Transient};
    let said = |what: &str| said(what, result);
    match result.rc {
        3 => {
            Verdict(said("it stopped at its time limit"), "Raise the account's time limit, or narrow `base`", Transient)
        }
        4 => {
            Verdict(said("it stopped at its size limit"), "Raise the account's size limit, or narrow `base`", Transient)
        }
        7 => Verdict(said("it does not accept this way of binding"), "Set another `bind`", Permanent),
        8 | 13 => Verdict(said("it demands encryption"), "Use an ldaps:// URL, or set `start_tls = true`", Permanent),
        10 => Verdict(said("it refers us elsewhere"), "Name the server that holds the base in `url`", Transient),
        11 => Verdict(
            said("it stopped at an administrative limit"),
            "Raise the account's limits, or lower `page_size`",
            Transient,
        ),
        12 => Verdict(said("it does not support what we need"), "", Permanent),
        32 => Verdict(said("there is no such object, or no right to read it"), "", Permanent),
        34 => Verdict(said("a name is no valid DN"), "Mend the DN in the config", Permanent),
        48 => Verdict(said("it does not let us in like this"), "Set `bind_dn` and `bind_password`", Permanent),
        49 => {
            let unsaid = (Refusal::Credentials, "it refused the credentials", MEND);
            let (_, what, advice) = active_directory_words(&result.text).unwrap_or(unsaid);
            Verdict(said(what), advice, Credentials)
        }
        50 => Verdict(said("the account has no right to do this"), "Grant it read access", Permanent),
        51 => Verdict(said("it is busy"), "", Transient),
        52 => Verdict(said("it is unavailable"), "", Transient),
        53 => Verdict(said("it is unwilling"), "", Transient),
        88 => Verdict("the answer was not read to its end".to_owned(), "", Transient),
        2 | 16..=18 | 21 => Verdict(said("it does not understand the request"), "", Permanent),
        _ => Verdict(said("it failed"), "", Transient),
    }
}

const MEND: &str = "Mend `bind_dn` or `bind_password`; trying the same again can lock the account";
/// The password may be the right one by now: the lock hides that.
const UNLOCK: &str = "Unlock it (`Unlock-ADAccount`, `samba-tool user unlock`) once nothing tries a wrong password any more, \
                      then `seatsync sync`";

/// Why Active Directory refused a bind: the code after "data " in the text, the only place where it says so (MS-ADTS
/// leaves the text open; the codes are those of Win32 `LogonUser`, in hexadecimal); and what to do.
fn active_directory_words(text: &str) -> Option<(Refusal, &'static str, &'static str)> {
    use Refusal::{Account, Credentials};
    let (_, after) = text.split_once("data ")?;
    Some(match after.split([',', ' ', '\0']).next()? {
        "525" => (Credentials, "there is no such account", "Mend `bind_dn`"),
        "52e" => (Credentials, "the user name or the password is wrong", MEND),
        "530" => (Account, "the account may not log on at this hour", "Let it log on at any hour"),
        "531" => (Account, "the account may not log on from this machine", "Let it log on from here"),
        "532" => (
            Account,
            "the account's password has expired",
            "Give it a new one that never expires, and put it into `bind_password`",
        ),
        "533" => (Account, "the account is disabled", "Enable it, then `seatsync sync`"),
        "701" => (Account, "the account has expired", "Let it never expire, then `seatsync sync`"),
        "773" => (
            Account,
            "the account must change its password first",
            "Change it, and put the new one into `bind_password`",
        ),
        "775" => (Account, "the account is locked", UNLOCK),
        _ => return None,
    })
}

/// Whether an administrative limit is about the page's size alone: slapd 2.5 says so in the text and nowhere else.
pub(super) fn page_is_too_large(result: &LdapResult) -> bool {
    result.rc == 11 && result.text.contains("illegal pagedResults page size")
}

/// A failure, with other advice than its own.
pub(super) fn advised(error: ReadError, advice: String) -> ReadError {
    let doing = format!("{}. {advice}", error.without_advice());
    ReadError { doing, advice: Some(advice), ..error }
}

/// What TLS said, where that is the failure.
pub(super) fn tls_cause(error: &ReadError) -> Option<&rustls::Error> {
    match error.source.as_ref()?.downcast_ref()? {
        LdapError::Io { source } => tls_error(source),
        _ => None,
    }
}

/// Whether the server hung up, and said nothing.
pub(super) fn is_hung_up(error: &LdapError) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error, LdapError::Io { source } if tls_error(source).is_none()
        && matches!(source.kind(), ConnectionReset | BrokenPipe | UnexpectedEof))
}

/// What TLS said, where the connection failed by it.
pub(super) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// That there is no such host, of Windows (winsock2.h); other systems have no number as high.
const WSAHOST_NOT_FOUND: i32 = 11_001;
/// How the standard library begins what another system's resolver said (Rust 1.95); it has no kind of its own for it.
const UNKNOWN_HOST: &str = "failed to lookup address information";

fn judge_io(error: &io::Error) -> Verdict {
    use Persistence::{Permanent, Transient};
    if let Some(tls) = tls_error(error) {
        return judge_tls(tls);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Verdict("nothing listens there".to_owned(), "Check host and port, and that the server runs", Transient)
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            Verdict(format!("the connection was lost ({error})"), "", Transient)
        }
        _ if error.raw_os_error() == Some(WSAHOST_NOT_FOUND) || error.to_string().starts_with(UNKNOWN_HOST) => {
            let advice = "Check the host's name in `url`, and the name servers of this machine";
            Verdict(format!("nobody knows a host of this name ({error})"), advice, Transient)
        }
        io::ErrorKind::InvalidInput => Verdict(error.to_string(), "Mend `url`", Permanent),
        _ => Verdict(error.to_string(), "Check host name and network", Transient),
    }
}

fn judge_tls(error: &rustls::Error) -> Verdict {
    use Persistence::{Permanent, Transient};
    let certificate = match error {
        rustls::Error::InvalidCertificate(certificate) => certificate,
        rustls::Error::AlertReceived(alert) if is_of_our_certificate(*alert) => {
            let advice =
                "Use `bind = \"external\"`, with a `client_cert` that is valid and from an authority the server trusts";
            return Verdict(format!("it does not take our certificate, or misses one ({error})"), advice, Permanent);
        }
        rustls::Error::AlertReceived(_) | rustls::Error::HandshakeNotComplete => {
            return Verdict(format!("TLS failed ({error})"), "", Transient);
        }
        _ => {
            let advice = "Check that the port speaks TLS (ldaps:// is 636; `start_tls` needs ldap://)";
            return Verdict(format!("TLS failed ({error})"), advice, Permanent);
        }
    };
    let (said, advice) = tls::blame(certificate);
    Verdict(format!("{said} ({error})"), advice, Permanent)
}

/// Whether what the server ended TLS with is said of a client's certificate (RFC 8446 6.2).
fn is_of_our_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::CertificateRequired
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(rc: u32, text: &str) -> ReadError {
        let result = LdapResult { rc, matched: String::new(), text: text.to_owned(), refs: vec![], ctrls: vec![] };
        failed("Could not bind as \"cn=a\"", "ldap://h", LdapError::from(result))
    }

    #[test]
    fn a_refused_bind_says_why_in_words_and_stops() {
        let text = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 775, v4563\0";
        let error = answered(49, text);
        assert_eq!(error.persistence, Persistence::Credentials);
        assert!(error.doing.contains("the account is locked"), "{}", error.doing);
        assert!(error.doing.contains("Unlock it") && !error.doing.contains("Mend"), "{}", error.doing);
        let error = answered(49, &text.replace("775", "52e"));
        assert!(error.doing.contains("Mend `bind_dn` or `bind_password`"), "{}", error.doing);
    }

    #[test]
    fn an_unknown_reason_is_still_a_refusal() {
        for text in ["", "data 999, v1", "Invalid credentials"] {
            let error = answered(49, text);
            assert_eq!(error.persistence, Persistence::Credentials);
            assert!(error.doing.contains("refused the credentials"), "{}", error.doing);
        }
    }

    #[test]
    fn a_demand_for_encryption_names_both_ways_out() {
        for rc in [8, 13] {
            let error = answered(rc, "BindSimple: Transport encryption required.");
            assert_eq!(error.persistence, Persistence::Permanent);
            assert!(error.doing.contains("ldaps://") && error.doing.contains("start_tls"), "{}", error.doing);
        }
    }

    #[test]
    fn limits_and_busy_servers_are_tried_again() {
        for rc in [1, 3, 4, 10, 11, 51, 52, 53, 80] {
            assert_eq!(answered(rc, "").persistence, Persistence::Transient, "{rc}");
        }
    }

    #[test]
    fn only_the_size_of_the_page_makes_it_smaller() {
        let result = |rc, text: &str| LdapResult {
            rc,
            matched: String::new(),
            text: text.to_owned(),
            refs: vec![],
            ctrls: vec![],
        };
        assert!(page_is_too_large(&result(11, "illegal pagedResults page size")));
        assert!(!page_is_too_large(&result(11, "")));
        assert!(!page_is_too_large(&result(4, "illegal pagedResults page size")));
    }

    #[cfg(unix)]
    #[test]
    fn a_host_that_nobody_knows_is_called_so() {
        use std::net::ToSocketAddrs as _;
        let error = "no-such-host.invalid:636".to_socket_addrs().unwrap_err();
        let told = failed("Could not connect", "ldaps://no-such-host.invalid", LdapError::from(error));
        assert!(told.doing.contains("nobody knows a host of this name (failed to lookup"), "{}", told.doing);
        assert!(told.without_advice().ends_with(')') && told.advice.unwrap().contains("`url`"), "{}", told.doing);
    }

    #[test]
    fn an_unknown_authority_names_the_setting() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = failed("Could not connect", "ldaps://h", LdapError::from(io::Error::other(tls)));
        assert!(error.doing.contains("`ca_file`"), "{}", error.doing);
        assert_eq!(error.persistence, Persistence::Permanent);
    }
}
