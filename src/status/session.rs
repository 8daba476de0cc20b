//! Who came in by the page: a cookie that this process made, and the proof that a form comes from a page it was shown.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

/// So long a browser stays in.
const LIFE: SignedDuration = SignedDuration::from_hours(12);
const COOKIE_NAME: &str = "seatsync_session";

/// Makes sessions and knows them again; a restart ends them all.
#[derive(Clone)]
pub struct Sessions {
    key: Arc<[u8; 32]>,
    /// Cookies travel over TLS alone.
    secure: bool,
}

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Number and end, as they stand in the cookie.
    text: String,
}

impl Sessions {
    /// # Errors
    /// Where the system has no random numbers.
    pub fn new(secure: bool) -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key: Arc::new(key), secure })
    }

    /// A session, and the cookie that carries it.
    pub(super) fn begin(&self, now: Timestamp) -> Option<(Session, String)> {
        let mut number = [0; 16];
        getrandom::fill(&mut number).ok()?;
        let end = now.saturating_add(LIFE).ok()?;
        let text = format!("{:032x}.{}", u128::from_be_bytes(number), end.as_second());
        let secure = if self.secure { "; Secure" } else { "" };
        let proof = self.proof("session", &text);
        let cookie = format!("{COOKIE_NAME}={text}.{proof}; Path=/; HttpOnly; SameSite=Strict{secure}");
        Some((Session { text }, cookie))
    }

    /// The session of a request, where it is one of ours and not over.
    pub(super) fn of(&self, headers: &HeaderMap, now: Timestamp) -> Option<Session> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
        let mut values = cookies.flat_map(|cookie| cookie.split(';')).filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == COOKIE_NAME).then_some(value)
        });
        values.find_map(|value| {
            let (text, proof) = value.rsplit_once('.')?;
            let end: i64 = text.rsplit_once('.')?.1.parse().ok()?;
            (self.is_proof("session", text, proof) && now.as_second() < end).then(|| Session { text: text.to_owned() })
        })
    }

    /// What a form of a page that was shown to this session carries.
    pub(super) fn form(&self, session: &Session) -> String {
        self.proof("form", &session.text)
    }

    pub(super) fn is_form(&self, session: &Session, given: &str) -> bool {
        self.is_proof("form", &session.text, given)
    }

    fn mac(&self, purpose: &str, text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key[..]).ok()?;
        mac.update(purpose.as_bytes());
        mac.update(b":");
        mac.update(text.as_bytes());
        Some(mac)
    }

    fn proof(&self, purpose: &str, text: &str) -> String {
        self.mac(purpose, text).map(|mac| URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())).unwrap_or_default()
    }

    fn is_proof(&self, purpose: &str, text: &str, given: &str) -> bool {
        let (Some(mac), Ok(bytes)) = (self.mac(purpose, text), URL_SAFE_NO_PAD.decode(given)) else { return false };
        // In the same time whatever is given.
        mac.verify_slice(&bytes).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carrying(cookie: &str) -> HeaderMap {
        let value = cookie.split(';').next().unwrap();
        HeaderMap::from_iter([(COOKIE, format!("other=1; {value}").parse().unwrap())])
    }

    #[test]
    fn a_session_is_known_again_until_its_end_and_by_its_maker_alone() {
        let (sessions, now) = (Sessions::new(true).unwrap(), Timestamp::UNIX_EPOCH);
        let (session, cookie) = sessions.begin(now).unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
        assert_eq!(sessions.of(&carrying(&cookie), now), Some(session.clone()));
        assert_eq!(sessions.of(&carrying(&cookie), now + LIFE), None);
        assert_eq!(Sessions::new(true).unwrap().of(&carrying(&cookie), now), None);
        assert_eq!(sessions.of(&carrying(&cookie.replacen('=', "=0", 1)), now), None);
    }

    #[test]
    fn a_forms_proof_is_good_for_its_session_alone() {
        let (sessions, now) = (Sessions::new(false).unwrap(), Timestamp::UNIX_EPOCH);
        let [(one, cookie), (other, _)] = [sessions.begin(now).unwrap(), sessions.begin(now).unwrap()];
        assert!(!cookie.contains("Secure"));
        assert!(sessions.is_form(&one, &sessions.form(&one)));
        let own = cookie.split(';').next().unwrap().rsplit_once('.').unwrap().1.to_owned();
        for wrong in [sessions.form(&other), String::new(), "x".to_owned(), "é0".to_owned(), own] {
            assert!(!sessions.is_form(&one, &wrong), "{wrong}");
        }
    }
}
