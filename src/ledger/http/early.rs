//! Answers that are given before all of the request came: what is still on its way must not hide them.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderValue, Version};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream as _, StreamExt as _, stream};
use tokio::time::timeout;

/// So much of an unread body is taken in, since a connection that is closed on it may lose the answer.
const DRAINED: usize = 1024 * 1024;
/// And for so long.
const DRAINING: Duration = Duration::from_secs(1);

type Shared = Arc<Mutex<BodyDataStream>>;

/// Takes in what is left of a body that nobody read, and ends the connection after the answer.
pub async fn finish(request: Request, next: Next) -> Response {
    let has_body = has_body(request.headers());
    if !has_body || request.version() > Version::HTTP_11 {
        return next.run(request).await;
    }
    let waits = request.headers().contains_key(EXPECT);
    let (parts, body) = request.into_parts();
    let shared: Shared = Arc::new(Mutex::new(body.into_data_stream()));
    let mut response = next.run(Request::from_parts(parts, Body::from_stream(reader(&shared)))).await;
    if response.status().is_success() {
        return response;
    }
    // Whoever waits to be told to go on sends nothing.
    if waits || !drain(&shared).await {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0")
}

fn reader(shared: &Shared) -> impl futures_util::Stream<Item = Result<axum::body::Bytes, axum::Error>> + use<> {
    let shared = Arc::clone(shared);
    stream::poll_fn(move |context| {
        let mut stream = shared.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *stream).poll_next(context)
    })
}

/// Whether the body ended.
async fn drain(shared: &Shared) -> bool {
    let all = async {
        let (mut rest, mut taken) = (Box::pin(reader(shared)), 0);
        loop {
            match rest.next().await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(chunk)) => taken += chunk.len(),
            }
            if taken > DRAINED {
                return false;
            }
        }
    };
    timeout(DRAINING, all).await.unwrap_or(false)
}
