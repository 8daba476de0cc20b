//! What headers say: preconditions, keys, epochs.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use utoipa::IntoParams;

use super::fault::Fault;
use crate::ledger::operations::expect::Expect;

/// The longest idempotency key.
pub const LONGEST_KEY: usize = 255;

/// What a request expects to find.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Preconditions {
    /// The etag of what is to be changed, in double quotes; or `*`: whatever it is.
    #[param(rename = "If-Match", nullable = false, pattern = r#"^(\*|"[^"]*")$"#)]
    pub if_match: Option<String>,
    /// `*`: it must be new.
    #[param(rename = "If-None-Match", nullable = false, pattern = r"^\*$")]
    pub if_none_match: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Preconditions {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        Ok(Self { if_match: text(&parts.headers, "if-match")?, if_none_match: text(&parts.headers, "if-none-match")? })
    }
}

impl Preconditions {
    /// What is expected; nothing where nothing is said.
    pub fn if_any(&self) -> Result<Expect, Fault> {
        match (self.if_match.as_deref().map(str::trim), self.if_none_match.as_deref().map(str::trim)) {
            (None, None) => Ok(Expect::Nothing),
            (Some("*"), None) => Ok(Expect::There),
            (None, Some("*")) => Ok(Expect::New),
            (Some(tag), None) => match tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) {
                Some(tag) if !tag.contains('"') => Ok(Expect::Tag(tag.to_owned())),
                _ => Err(Fault::unreadable("If-Match must be one etag in double quotes, or *")),
            },
            (None, Some(_)) => Err(Fault::unreadable("If-None-Match can be * only")),
            (Some(_), Some(_)) => Err(Fault::unreadable("If-Match and If-None-Match exclude each other")),
        }
    }

    /// What is expected, and it must be said.
    pub fn expected(&self) -> Result<Expect, Fault> {
        match self.if_any()? {
            Expect::Nothing => Err(Fault::new(
                StatusCode::PRECONDITION_REQUIRED,
                "precondition-required",
                "say what you expect to find: If-Match: \"ETAG\", or If-None-Match: * for what must be new",
            )),
            expect => Ok(expect),
        }
    }
}

/// The key under which the answer to a request is kept.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Key {
    /// The same key with the same request gets the same answer.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    pub key: String,
}

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        let key = text(&parts.headers, "idempotency-key")?.ok_or_else(|| {
            let detail = "Idempotency-Key is missing: one for each request, the same where it is sent again";
            Fault::new(StatusCode::BAD_REQUEST, "idempotency-key-required", detail)
        })?;
        check_key(&key)?;
        Ok(Self { key })
    }
}

/// Refuses what is no key.
pub fn check_key(key: &str) -> Result<(), Fault> {
    if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::unreadable(format!("an idempotency key is 1 to {LONGEST_KEY} visible ASCII characters")));
    }
    Ok(())
}

/// The epoch of the lease under which a connector writes.
#[derive(Clone, Copy, Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Epoch {
    /// As the lease was given; an older one is refused.
    #[param(rename = "Connector-Epoch", nullable = false)]
    pub epoch: Option<u64>,
}

impl<S: Sync> FromRequestParts<S> for Epoch {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        let text = text(&parts.headers, "connector-epoch")?;
        let bad = |_| Fault::unreadable("Connector-Epoch must be a number");
        Ok(Self { epoch: text.map(|text| text.parse().map_err(bad)).transpose()? })
    }
}

impl Epoch {
    /// The epoch, which must be there.
    pub fn required(self) -> Result<u64, Fault> {
        let missing = "Connector-Epoch is missing: take the lease first";
        self.epoch.ok_or_else(|| Fault::new(StatusCode::BAD_REQUEST, "epoch-required", missing))
    }
}

/// What would be liked best (RFC 7240).
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Prefer {
    /// `seat=required`: a seat at once, or nothing.
    #[param(rename = "Prefer", nullable = false)]
    pub prefer: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Prefer {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        Ok(Self { prefer: text(&parts.headers, "prefer")? })
    }
}

impl Prefer {
    pub fn seat_required(&self) -> bool {
        let preferences = self.prefer.as_deref().unwrap_or_default();
        preferences.split([',', ';']).any(|one| one.trim().eq_ignore_ascii_case("seat=required"))
    }
}

/// The one value of a header.
fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Fault> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Fault::unreadable(format!("{name} must be said once")));
    }
    let text = value.to_str().map_err(|_| Fault::unreadable(format!("{name} must be plain text")))?;
    Ok(Some(text.to_owned()))
}
