//! What is answered at which path.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

use super::health::readiness;
use super::{Facts, Guard, access, metrics};
use crate::clock;

/// What is seen from outside. Cheap to clone.
#[derive(Clone)]
pub struct Window {
    /// None: not gathered yet.
    pub facts: watch::Receiver<Option<Arc<Facts>>>,
    pub guard: Guard,
}

impl Window {
    fn facts(&self) -> Option<Arc<Facts>> {
        self.facts.borrow().clone()
    }
}

pub fn router(window: Window) -> Router {
    let guard = middleware::from_fn_with_state(window.guard.clone(), access::check);
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(all_metrics))
        .with_state(window)
        .layer(CatchPanicLayer::new())
        .layer(guard)
}

/// The process lives; whether it does its work is another question.
async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(window): State<Window>) -> Response {
    let readiness = readiness(window.facts().as_deref(), clock::now());
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn all_metrics(State(window): State<Window>) -> Response {
    match metrics::render(window.facts().as_deref(), clock::now()) {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
