//! Answers: as they are sent, and as they are kept for whoever asks the same again.

use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::fault::Fault;
use crate::ledger::LedgerError;
use crate::ledger::operations::Desk;
use crate::ledger::records::{Asked, Replay};
use crate::ledger::rules::Declined;

/// An answer to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    status: StatusCode,
    /// JSON; empty where there is nothing to say.
    body: String,
    etag: Option<String>,
    replayed: bool,
}

impl Reply {
    /// 200, with this.
    pub fn ok(body: &impl Serialize) -> Result<Self, Fault> {
        Self::new(StatusCode::OK, body)
    }

    /// 201 where it is new, else 200.
    pub fn made(new: bool, body: &impl Serialize) -> Result<Self, Fault> {
        Self::new(if new { StatusCode::CREATED } else { StatusCode::OK }, body)
    }

    /// 204.
    pub const fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: String::new(), etag: None, replayed: false }
    }

    fn new(status: StatusCode, body: &impl Serialize) -> Result<Self, Fault> {
        let encode = |source| Fault::from(LedgerError::Encode { table: "answer", source });
        let body = serde_json::to_string(body).map_err(encode)?;
        Ok(Self { status, body, etag: None, replayed: false })
    }

    /// With the etag of what it shows.
    pub fn tagged(mut self, etag: &str) -> Self {
        self.etag = Some(format!("\"{etag}\""));
        self
    }
}

impl Reply {
    /// Says that it was carried out before, and not now.
    pub const fn replayed(mut self, replayed: bool) -> Self {
        self.replayed = replayed;
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::NO_CONTENT {
            headers.remove(CONTENT_TYPE);
        } else {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(etag) = self.etag.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
            headers.insert(ETAG, etag);
        }
        if self.replayed {
            headers.insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
        }
        response
    }
}

/// Carries out a request once: the same key with the same request gets the answer that was kept. An error keeps nothing.
pub fn once(
    desk: &Desk<'_>,
    key: &str,
    request: &str,
    work: impl FnOnce(&Desk<'_>) -> Result<Reply, Fault>,
) -> Result<Reply, Fault> {
    if let Some(kept) = desk.records.replay(desk.company, key)? {
        if kept.request != request {
            return Err(Declined::KeyReused.into());
        }
        let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
        return Ok(Reply { status, body: kept.body, etag: None, replayed: true });
    }
    if desk.records.batch_request(desk.company, key)? != Asked::Never {
        return Err(Declined::KeyReused.into());
    }
    let reply = work(desk)?;
    let kept = Replay { request: request.to_owned(), status: reply.status.as_u16(), body: reply.body.clone() };
    desk.records.remember_reply(desk.company, key, &kept, desk.now)?;
    Ok(reply)
}
