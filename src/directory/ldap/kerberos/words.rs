//! What Kerberos and the server mean by refusing us. The libraries say it as text alone: here, and nowhere else, it is read.

use ldap3::LdapError;

use super::super::budget::Overrun;
use super::super::connect::Connection;
use super::super::failure::{answered, fault};
use super::thread::Failure;
use crate::ports::{Persistence, ReadError};

type Verdict = (&'static str, &'static str, Persistence);

/// Words for a bind that failed, with a keytab or without.
pub(super) async fn error(connection: &Connection, doing: &str, failure: Failure, keytab: bool) -> ReadError {
    let url = &connection.url;
    match failure {
        Failure::Credentials(text) | Failure::Ldap(LdapError::GssapiOperationError(text)) => {
            refused(doing, url, &text, keytab)
        }
        Failure::Ldap(LdapError::LdapResult { result }) => match by_result(result.rc, &result.text) {
            Some((what, advice, persistence)) => answered(doing, url, &result, what, advice, persistence),
            None => connection.error(doing, LdapError::LdapResult { result }).await,
        },
        Failure::Ldap(error) => connection.error(doing, error).await,
        Failure::Overrun(Overrun::Silent(waited)) => {
            let said = format!("no answer within {}, from it or a Kerberos server", humantime::format_duration(waited));
            let advice = "Check that a domain controller can be reached at port 88, or raise `timeout`";
            fault(doing, url, &said, advice, Persistence::Transient)
        }
        Failure::Overrun(overrun) => connection.overran(doing, overrun),
        Failure::Crowded => {
            let advice = "Check that a domain controller can be reached at port 88";
            fault(doing, url, "earlier attempts still wait for a Kerberos server", advice, Persistence::Transient)
        }
        Failure::Broken => fault(doing, url, "the Kerberos library failed", "", Persistence::Transient),
    }
}

/// Words for what the Kerberos library said.
fn refused(doing: &str, url: &str, text: &str, keytab: bool) -> ReadError {
    let text = text.trim().trim_end_matches('.');
    match by_text(text, keytab) {
        Some((what, advice, persistence)) => fault(doing, url, &format!("{what} ({text})"), advice, persistence),
        None => {
            let advice = "`kinit -k` with this keytab and `KRB5_TRACE=/dev/stderr` shows more";
            fault(doing, url, text, advice, Persistence::Transient)
        }
    }
}

/// Of MIT krb5 1.20 (`lib/krb5/error_tables/krb5_err.et`), and of SSPI the codes of `winerror.h`.
const TEXTS: &[(&[&str], Verdict)] = &[
    (&["Clock skew too great", "80090324"], CLOCK),
    (
        &["Preauthentication failed", "8009030C"],
        (
            "the key is not the account's any more",
            "Export a new keytab (docs/directories.md); trying the same again can lock the account",
            Persistence::Credentials,
        ),
    ),
    (
        &["credentials have been revoked", "entry in database has expired", "Password has expired"],
        (
            "the account is disabled or locked, or it or its password has expired",
            "Unlock or enable it, and let its password never expire; then `seatsync sync`",
            Persistence::Credentials,
        ),
    ),
    (
        &["Client '", "Client not found"],
        (
            "the domain knows no such account",
            "Mend `principal`; `klist -k KEYTAB` shows whom the keytab is for",
            Persistence::Credentials,
        ),
    ),
    (&["Keytab contains no suitable keys", "No suitable keys", "Key table entry not found"], NO_KEY),
    (
        &["Server ldap/", "Server not found", "80090303", "80090322"],
        (
            "the domain knows no LDAP server of this name",
            "Write the host name of the domain controller in `url`, as `setspn -L` shows it after ldap/",
            Persistence::Permanent,
        ),
    ),
    (
        &["no support for encryption type", "Encryption type", "encryption type"],
        (
            "the keytab has no key of a kind that the domain takes",
            "Export a keytab with AES keys, and allow AES for the account",
            Persistence::Permanent,
        ),
    ),
    (
        &["Cannot contact any KDC", "80090311"],
        (
            "no Kerberos server of the domain answers",
            "Check that a domain controller can be reached at port 88",
            Persistence::Transient,
        ),
    ),
    (
        &["Cannot find KDC", "Configuration file does not specify default realm", "Cannot determine realm"],
        (
            "this machine does not know the domain's Kerberos servers",
            "Write `principal` with its realm; let the machine ask the domain's name servers, or name realm and KDC in \
             /etc/krb5.conf",
            Persistence::Permanent,
        ),
    ),
    (EXPIRED, TICKET_EXPIRED),
    (MISSING, NO_TICKET),
];

/// The library looks for tickets first, and says that there are none where a keytab could not get any.
const MISSING: &[&str] = &["No Kerberos credentials available", "No credentials", "No credential", "8009030E"];
const EXPIRED: &[&str] = &["Ticket expired", "credentials expired", "Credential expired"];

const CLOCK: Verdict = (
    "this machine's clock and that of the domain differ too much",
    "Set the clock: let this machine take its time from the domain controllers",
    Persistence::Permanent,
);
const NO_KEY: Verdict = (
    "the keytab has no key of this account",
    "Mend `principal`, or export a keytab of it; `klist -k KEYTAB` shows whom it is for",
    Persistence::Permanent,
);
const TICKET_EXPIRED: Verdict = (
    "the ticket of the account this runs as has expired",
    "Set `keytab`, which gets a new one with each connection; or renew it with kinit",
    Persistence::Permanent,
);
const NO_TICKET: Verdict = (
    "the account this runs as has no ticket",
    "Set `keytab` (on Windows: let the service run as its virtual account or a managed one)",
    Persistence::Permanent,
);

/// The first that fits: the order counts.
fn by_text(text: &str, keytab: bool) -> Option<Verdict> {
    let fits = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    let (needles, verdict) = TEXTS.iter().find(|(needles, _)| fits(needles))?;
    Some(match *needles {
        // A ticket that was got a moment ago.
        EXPIRED if keytab => CLOCK,
        MISSING if keytab => NO_KEY,
        _ => *verdict,
    })
}

/// What the server means by refusing a ticket. `80090346` is `SEC_E_BAD_BINDINGS`.
fn by_result(rc: u32, text: &str) -> Option<Verdict> {
    Some(match rc {
        7 => {
            ("it does not take Kerberos", "Set another `bind`, or set the server up for GSSAPI", Persistence::Permanent)
        }
        8 => (
            "it wants Kerberos to sign or encrypt by itself, although TLS encrypts already",
            "Samba: set `ldap server require strong auth = allow_sasl_over_tls` in smb.conf and restart it; Active Directory asks \
             for that only where TLS ends before it: connect to the domain controller itself",
            Persistence::Permanent,
        ),
        49 if text.contains("80090346") => (
            "the ticket is not for this encrypted connection",
            "Something between ends TLS and begins it anew: connect to the domain controller itself",
            Persistence::Permanent,
        ),
        48 | 49 => (
            "it does not take the ticket",
            "Check that `url` names the domain controller itself and that the clocks agree",
            Persistence::Credentials,
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> ReadError {
        refused("Could not log on by Kerberos as svc@LAB.TEST", "ldaps://dc1.lab.test", text, false)
    }

    /// What MIT krb5 1.20 said to Samba 4.17's KDC; and Windows as Microsoft documents it.
    #[test]
    fn each_refusal_says_what_it_means_and_what_to_do() {
        const GSS: &str = "Unspecified GSS failure.  Minor code may provide more information";
        for (text, words, persistence) in [
            ("Client 'x@LAB.TEST' not found in Kerberos database", "no such account", Persistence::Credentials),
            ("Preauthentication failed", "export a new keytab", Persistence::Credentials),
            ("Client's credentials have been revoked", "disabled or locked", Persistence::Credentials),
            ("Keytab contains no suitable keys for x@LAB.TEST", "klist -k", Persistence::Permanent),
            (
                "Server ldap/x@LAB.TEST not found in Kerberos database",
                "no ldap server of this name",
                Persistence::Permanent,
            ),
            ("Clock skew too great", "set the clock", Persistence::Permanent),
            ("Cannot contact any KDC for realm 'LAB.TEST'", "port 88", Persistence::Transient),
            ("Cannot find KDC for realm \"LAB.TEST\"", "krb5.conf", Persistence::Permanent),
            (
                "No Kerberos credentials available (default cache: FILE:/tmp/krb5cc_0)",
                "`keytab`",
                Persistence::Permanent,
            ),
            ("Ticket expired", "has expired", Persistence::Permanent),
            ("acquire credentials handle: (0x8009030E)", "has no ticket", Persistence::Permanent),
        ] {
            let error = told(&format!("{GSS} ({text})"));
            assert!(error.doing.to_lowercase().contains(words), "{}", error.doing);
            assert!(error.doing.contains(text), "{}", error.doing);
            assert_eq!(error.persistence, persistence, "{text}");
        }
    }

    #[test]
    fn with_a_keytab_it_is_not_the_accounts_own_ticket_that_is_missing() {
        let missing = "No credentials were supplied, or the credentials were unavailable or inaccessible (No credentials cache found)";
        assert_eq!(by_text(missing, false), Some(NO_TICKET));
        assert_eq!(by_text(missing, true), Some(NO_KEY));
        assert_eq!(by_text("(Ticket expired)", true), Some(CLOCK));
    }

    #[test]
    fn what_is_not_known_is_said_as_it_came() {
        let error = told("KDC policy rejects request");
        assert!(error.doing.contains("KDC policy rejects request. `kinit -k`"), "{}", error.doing);
        assert_eq!(error.persistence, Persistence::Transient);
    }

    #[test]
    fn a_server_that_wants_signing_is_told_how_to_do_without() {
        let (what, advice, _) = by_result(8, "SASL:[GSSAPI]: Sign or Seal are required.").unwrap();
        assert!(what.contains("although TLS encrypts") && advice.contains("allow_sasl_over_tls"));
        assert!(by_result(49, "80090346: LdapErr").unwrap().1.contains("between"));
        assert!(by_result(51, "").is_none());
    }
}
