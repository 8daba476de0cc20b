//! Saying who we are, as the config has it, and what it means when the server does not take it.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use ldap3::LdapError;
use ldap3::exop::WhoAmI;
use secrecy::ExposeSecret as _;

use super::budget::Budget;
use super::connect::{Connection, nonsense};
use super::failure::{Refusal, answered, refusal};
use super::kerberos;
use crate::model::settings::{Bind, TlsFiles};
use crate::ports::{Persistence, ReadError};

/// Binds as configured. Anonymous sends nothing: a fresh connection is anonymous (RFC 4511 4.2.1).
pub(super) async fn bind(connection: &Connection, bind: &Bind, budget: &Budget) -> Result<(), ReadError> {
    match bind {
        Bind::Anonymous => Ok(()),
        Bind::Simple { dn, password } => {
            let doing = format!("Could not bind as {dn:?}");
            let mut ldap = connection.ldap.clone();
            let attempt = async { ldap.simple_bind(dn, password.expose_secret()).await?.success().map(drop) };
            match watched(connection, &doing, attempt, budget).await? {
                Ok(()) => Ok(()),
                Err(error) => {
                    let refusal = refusal(&error);
                    Err(with_forms(connection.error(&doing, error).await, refusal, dn))
                }
            }
        }
        Bind::External(files) => external(connection, files, budget).await,
        Bind::Kerberos { keytab, principal } => {
            kerberos::bind(connection, keytab.as_deref(), principal.as_deref(), budget).await
        }
    }
}

/// A bare name: Active Directory takes it for a display name (MS-ADTS 5.1.1.1.1), and counts the refusal as any other.
const FORMS: &str = "Write `bind_dn` as a DN, a user principal name (NAME@corp.example) or `DOMAIN\\NAME`, for a bare name is none \
                     of these; or mend `bind_password`. Trying the same again can lock the account";

/// Says so of credentials that are wrong, where the name has no form that a server knows.
fn with_forms(mut error: ReadError, refusal: Option<Refusal>, name: &str) -> ReadError {
    if refusal == Some(Refusal::Credentials) && Bind::is_bare(name) {
        error.doing = format!("{}. {FORMS}", error.without_advice());
        error.advice = Some(FORMS.to_owned());
    }
    error
}

/// What came of an attempt, where it came to an end.
async fn watched(
    connection: &Connection,
    doing: &str,
    attempt: impl Future<Output = Result<(), LdapError>>,
    budget: &Budget,
) -> Result<Result<(), LdapError>, ReadError> {
    match budget.watch(AssertUnwindSafe(attempt).catch_unwind()).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(nonsense(doing, &connection.url)),
        Err(overrun) => Err(connection.overran(doing, overrun)),
    }
}

impl Connection {
    /// Who the server says we are (RFC 4532), without `dn:` or `u:` before it; None where it does not say. Samba 4.17 does
    /// not (result code 2).
    pub(super) async fn who_am_i(&self, budget: &Budget) -> Option<String> {
        let mut ldap = self.ldap.clone();
        let answer = budget.watch(ldap.extended(WhoAmI)).await.ok()?.ok()?.success().ok()?;
        let said = String::from_utf8(answer.0.val?).ok()?;
        let (_, who) = said.split_once(':')?;
        (!who.is_empty()).then(|| who.to_owned())
    }
}

async fn external(connection: &Connection, files: &TlsFiles, budget: &Budget) -> Result<(), ReadError> {
    let doing = format!("Could not bind by the certificate {}", files.cert.display());
    let mut ldap = connection.ldap.clone();
    let attempt = async { ldap.sasl_external_bind().await?.success().map(drop) };
    let error = match watched(connection, &doing, attempt, budget).await? {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let LdapError::LdapResult { result } = &error else {
        let mut error = connection.error(&doing, error).await;
        if error.persistence == Persistence::Transient {
            // OpenLDAP 2.5 (GnuTLS) hangs up without a word on a certificate that it cannot verify.
            error.doing.push_str(". A server may do so to a certificate that it does not take: check that it trusts the authority of `client_cert`");
        }
        return Err(error);
    };
    let (what, advice, persistence) = match result.rc {
        7 => (
            "it did not ask for a certificate, or did not take ours",
            "Let it ask for one, and trust the authority of `client_cert` (OpenLDAP: `olcTLSVerifyClient: demand` and \
             `olcTLSCACertificateFile`)",
            Persistence::Permanent,
        ),
        48 | 49 => (
            "it knows nobody by this certificate",
            "Map its subject to an account on the server (OpenLDAP: `olcAuthzRegexp`)",
            Persistence::Credentials,
        ),
        _ => return Err(connection.error(&doing, error).await),
    };
    Err(answered(&doing, &connection.url, result, what, advice, persistence))
}

#[cfg(test)]
mod tests {
    use super::super::failure::failed;
    use super::*;

    fn refused(name: &str, text: &str) -> String {
        let result =
            ldap3::LdapResult { rc: 49, matched: String::new(), text: text.to_owned(), refs: vec![], ctrls: vec![] };
        let error = LdapError::from(result);
        let refusal = refusal(&error);
        with_forms(failed("Could not bind", "ldaps://dc01", error), refusal, name).doing
    }

    #[test]
    fn a_bare_name_that_is_refused_is_told_the_forms_and_every_other_is_not() {
        assert!(refused("svc-seatsync", "data 52e,").ends_with(FORMS));
        assert!(refused("svc-seatsync", "").ends_with(FORMS), "where the server says nothing, too");
        for (account, next) in [("data 775,", "Unlock it"), ("data 533,", "Enable it"), ("data 532,", "never expires")]
        {
            let said = refused("svc-seatsync", account);
            assert!(said.contains(next) && !said.contains(FORMS), "what the server says itself counts: {said}");
        }
        for name in ["CN=svc,DC=corp", "svc@corp.example", "CORP\\svc"] {
            assert!(!refused(name, "data 52e,").contains("user principal name"), "{name}");
        }
    }
}
