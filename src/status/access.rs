//! Who may ask: whoever knows the token, where there is one; and on loopback nobody whom another site's page sends here
//! under a name of its own (DNS rebinding).

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Sessions;
use crate::{clock, listen};

/// Answered to everybody: they tell nothing.
const OPEN: [&str; 3] = ["/healthz", "/login", "/style.css"];
/// What people look at in a browser, which is asked for the token.
const PAGES: [&str; 2] = ["/", "/explain"];

/// What a request must fulfil.
#[derive(Clone)]
pub struct Guard {
    /// Of the token; None: everybody may ask.
    token: Option<Arc<[u8; 32]>>,
    /// Only names of this machine are answered to.
    loopback: bool,
    /// Who came in by the page.
    pub(super) sessions: Sessions,
}

impl Guard {
    #[must_use]
    pub fn new(token: Option<&SecretString>, loopback: bool, sessions: Sessions) -> Self {
        let token = token.map(|token| Arc::new(Sha256::digest(token.expose_secret()).into()));
        Self { token, loopback, sessions }
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        self.token.is_none()
            || listen::bearer(headers).is_some_and(|given| self.is_token(given))
            || self.sessions.of(headers, clock::now()).is_some()
    }

    /// Whether this is the token; where there is none, anything is.
    pub(super) fn is_token(&self, given: &str) -> bool {
        self.token.as_ref().is_none_or(|token| Sha256::digest(given)[..].ct_eq(&token[..]).into())
    }
}

/// Refuses whoever may not ask, and gives every answer the headers that keep browsers careful.
pub async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = if guard.loopback && !is_this_machine(&request) {
        let text = "This is answered under the names of this machine alone: localhost, 127.0.0.1.\n";
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    } else if OPEN.contains(&request.uri().path()) || guard.knows(request.headers()) {
        next.run(request).await
    } else if PAGES.contains(&request.uri().path()) {
        Redirect::to("/login").into_response()
    } else {
        let text = "Send the token of [status]: Authorization: Bearer TOKEN\n";
        (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], text).into_response()
    };
    careful(response.headers_mut());
    response
}

fn careful(headers: &mut HeaderMap) {
    const CAREFUL: [(&str, &str); 6] = [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ];
    for (name, value) in CAREFUL {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// By the name that the caller used.
fn is_this_machine(request: &Request) -> bool {
    let said = request.headers().get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default().to_owned());
    let mut names = said.chain(request.uri().authority().map(ToString::to_string)).peekable();
    names.peek().is_some() && names.all(|name| is_loopback(&name))
}

fn is_loopback(name: &str) -> bool {
    let Ok(uri) = format!("http://{name}/").parse::<Uri>() else { return false };
    let Some(authority) = uri.authority().filter(|found| found.as_str() == name && !name.contains('@')) else {
        return false;
    };
    let host = authority.host();
    if host.len() < name.len() && authority.port_u16().is_none() {
        return false;
    }
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_this_machine_are_its_names() {
        for name in ["localhost", "LOCALHOST:8750", "127.0.0.1", "127.0.0.1:8750", "127.9.9.9:1", "[::1]", "[::1]:8750"]
        {
            assert!(is_loopback(name), "{name}");
        }
        for name in [
            "",
            "attacker.example",
            "attacker.example:8750",
            "localhost.attacker.example",
            "127.0.0.1.attacker.example",
            "192.0.2.1",
            "[::2]:1",
            "x@localhost",
            "localhost/",
            "localhost, attacker.example",
            "127.0.0.1:x",
        ] {
            assert!(!is_loopback(name), "{name}");
        }
    }
}
