//! For whoever watches the service, and for whoever writes against it: no token is needed.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Hub;
use super::fault::Fault;
use super::reply::Reply;

/// The process lives
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn alive() -> &'static str {
    "ok\n"
}

/// The database answers, and what is written can be saved
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain"), super::Problems))]
pub async fn ready(State(hub): State<Hub>) -> Result<&'static str, Fault> {
    if *hub.stopping.borrow() {
        return Err(Fault::from(crate::ledger::service::Unserved::Stopping));
    }
    hub.service.read(|view| Ok::<_, Fault>(view.companies()?)).await?;
    match hub.service.unsaved() {
        None => Ok("ok\n"),
        Some(why) => Err(Fault::unavailable(format!("the ledger cannot be saved ({why}): is its disk full?")).after(5)),
    }
}

/// This description
#[utoipa::path(get, path = "/openapi.json", tag = "health", responses((status = 200, body = Object)))]
pub async fn description() -> Result<Reply, Fault> {
    Reply::ok(&super::openapi())
}

/// Nothing is here.
pub async fn nowhere() -> Fault {
    Fault::not_found("there is nothing at this path")
}

/// Something is here, for another method.
pub async fn otherwise() -> Fault {
    Fault::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path does not know the method")
}

/// A handler broke down: whoever asked is told so like of everything else.
pub fn broken(_cause: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("A request could not be answered: a mistake of the program.");
    let detail = "the ledger could not answer; its log says why";
    Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
}

/// Every answer is of its moment: a cache between that keeps one tells an agent of people who are gone or not there yet.
pub async fn unkept(mut answer: Response) -> Response {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
