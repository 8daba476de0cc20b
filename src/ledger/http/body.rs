//! Bodies, paths and queries: read into what they mean, or refused as a problem.

use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::fault::Fault;

/// The largest body but for those that say otherwise.
pub const LARGEST: usize = 1024 * 1024;

/// A JSON body, and the digest of the request that brought it.
pub struct Body<T> {
    pub value: T,
    /// SHA-256 of method, path and body, in hexadecimal: what an idempotency key stands for.
    pub request: String,
}

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        must_be_json(request.headers())?;
        let mut digest = Sha256::new();
        digest.update(request.method().as_str());
        digest.update(b" ");
        digest.update(request.uri().path());
        digest.update(b"\n");
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(|error| refused(&error))?;
        // A large batch is parsed beside the threads that answer others.
        let parse = move || {
            digest.update(&bytes);
            let request = format!("{:x}", digest.finalize());
            parse(&bytes).map(|value| Self { value, request })
        };
        tokio::task::spawn_blocking(parse).await.unwrap_or_else(|_| Err(Fault::unreadable("cannot be read")))
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    // A list of values would be taken for the object's fields in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(
            Fault::invalid("the body must be a JSON object").with(|problem| problem.pointer = Some(String::new()))
        );
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        let cause = error.into_inner();
        let detail = format!("the body is not what it must be: {cause}");
        let fault = if cause.is_data() { Fault::invalid(detail) } else { Fault::unreadable(detail) };
        fault.with(|problem| problem.pointer = Some(pointer))
    })?;
    json.end().map_err(|_| Fault::unreadable("something follows the JSON value"))?;
    Ok(value)
}

/// As RFC 6901 writes it.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&part);
    }
    pointer
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Fault> {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = named.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "the body must be JSON: Content-Type: application/json";
    Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail))
}

fn refused(error: &BytesRejection) -> Fault {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = "the body is larger than this request may have";
        return Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail);
    }
    Fault::unreadable("the body broke off, or could not be unpacked")
}

/// The names in a path.
pub struct Place<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value)).map_err(|error: PathRejection| Fault::not_found(error.body_text()))
    }
}

/// What follows the `?`.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|error: QueryRejection| Fault::unreadable(error.body_text()))
    }
}
