//! Bodies, paths and queries: read into what they mean, or refused as a problem.

use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};

use super::Hub;
use super::caller::company;
use super::fault::Fault;
use super::limits::{Held, SLOWEST, SPARED};

/// The largest body but for those that say otherwise.
const LARGEST: usize = 1024 * 1024;

/// What a route says of its bodies: they may be so large, unpacked.
#[derive(Clone, Copy, Debug)]
pub struct Largest(pub usize);

/// A JSON body, and the digest of the request that brought it.
pub struct Body<T> {
    pub value: T,
    /// SHA-256 of method, path and body, in hexadecimal: what an idempotency key stands for.
    pub request: String,
    /// To be kept until the request is carried out.
    pub held: Room,
}

/// What a body takes of the limits.
#[derive(Debug)]
pub struct Room {
    large: Option<Held>,
    bytes: Held,
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<Hub> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, hub: &Hub) -> Result<Self, Fault> {
        must_be_json(request.headers())?;
        must_be_unpacked(request.headers())?;
        let mut digest = Sha256::new();
        digest.update(request.method().as_str());
        digest.update(b" ");
        digest.update(request.uri().path());
        digest.update(b"\n");
        let (bytes, held) = gather(request, hub).await?;
        // A large batch is parsed beside the threads that answer others; whoever leaves meanwhile frees nothing before.
        let parse = move || {
            digest.update(&bytes);
            let request = format!("{:x}", digest.finalize());
            parse(&bytes).map(|value| Self { value, request, held })
        };
        tokio::task::spawn_blocking(parse).await.unwrap_or_else(|_| Err(Fault::unreadable("cannot be read")))
    }
}

/// The whole body, as long as the company has room for it and it keeps coming.
async fn gather(request: Request, hub: &Hub) -> Result<(Vec<u8>, Room), Fault> {
    let (mut parts, body) = request.into_parts();
    // Whoever asks was found to belong to it.
    let company = company(&mut parts, hub).await?.ok_or_else(|| Fault::not_found("no company is named"))?;
    let largest = parts.extensions.get::<Largest>().map_or(LARGEST, |largest| largest.0);
    let limits = &hub.limits;
    let mut room = Room { large: None, bytes: limits.bytes.take(&company, 0)? };
    let (begun, mut stream, mut bytes) = (Instant::now(), body.into_data_stream(), Vec::new());
    loop {
        let end = begun + limits.patience + Duration::from_secs((bytes.len() / SLOWEST) as u64);
        let next = timeout_at(end, stream.next()).await.map_err(|_| too_slow())?;
        let Some(chunk) = next else { return Ok((bytes, room)) };
        let chunk = chunk.map_err(|_| Fault::unreadable("the body broke off, or could not be unpacked"))?;
        let (before, now) = (bytes.len(), bytes.len() + chunk.len());
        if now > largest {
            return Err(too_large(largest));
        }
        if now > SPARED && room.large.is_none() {
            room.large = Some(limits.large.take(&company, 1)?);
        }
        room.bytes.grow(now.saturating_sub(SPARED) - before.saturating_sub(SPARED))?;
        bytes.extend_from_slice(&chunk);
    }
}

fn too_slow() -> Fault {
    let detail = "the body did not come, or came too slowly: send it again";
    Fault::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail)
}

fn too_large(largest: usize) -> Fault {
    let detail = "the body is larger than this request may have";
    let fault = Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail);
    fault.with(|problem| problem.limit = Some(largest as u64))
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

fn must_be_unpacked(headers: &HeaderMap) -> Result<(), Fault> {
    // What was unpacked says so no more.
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let detail = "the body is packed in a way that is not known: Content-Encoding: gzip, or none";
            Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail))
        }
        _ => Ok(()),
    }
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
