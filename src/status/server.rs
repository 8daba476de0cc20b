//! What is answered at which path.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Form, Query, State};
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

use super::health::readiness;
use super::session::Session;
use super::{Facts, Guard, access, metrics, page};
use crate::clock;
use crate::model::change::Verdict;
use crate::model::report::{Awaited, ExplainReport, ReadingRow};

/// A form is small.
const LARGEST: usize = 16 * 1024;
/// After a decision the page waits so long for the cycle that follows.
const SOON: Duration = Duration::from_secs(5);
/// Whoever guesses tokens waits for each answer.
const SLOWLY: Duration = Duration::from_secs(1);

/// Answers and deeds that are asked of the agent by the page. They may block: they are called on threads for that.
pub trait Desk: Send + Sync {
    /// The read that goes on now for longer than a moment.
    fn reading(&self) -> Option<ReadingRow> {
        None
    }

    /// The backend, where its answer is waited for for longer than a moment.
    fn awaited(&self) -> Option<Awaited> {
        None
    }

    /// Why the page is not where the config says.
    fn page_problem(&self) -> Option<String> {
        None
    }

    fn explain(&self, user: &str) -> Result<ExplainReport, Refusal>;
    /// Approves or denies somebody who waits in a pool.
    fn decide(&self, verdict: Verdict, user: &str, pool: &str) -> Result<(), Refusal>;
}

/// Why not, for people.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub message: String,
    pub details: Vec<String>,
}

/// What is seen from outside. Cheap to clone.
#[derive(Clone)]
pub struct Window {
    /// None: not gathered yet.
    pub facts: watch::Receiver<Option<Arc<Facts>>>,
    pub guard: Guard,
    pub desk: Arc<dyn Desk>,
}

impl Window {
    /// As gathered last; what goes on beside the cycles is asked anew each time.
    fn facts(&self) -> Option<Arc<Facts>> {
        let gathered = self.facts.borrow().clone()?;
        let (reading, awaited, page_problem) = (self.desk.reading(), self.desk.awaited(), self.desk.page_problem());
        if reading.is_none() && awaited.is_none() && page_problem.is_none() {
            return Some(gathered);
        }
        let mut facts = Facts::clone(&gathered);
        facts.status.reading = reading.into_iter().collect();
        (facts.status.awaited, facts.status.page_problem) = (awaited, page_problem);
        Some(Arc::new(facts))
    }

    /// Whoever comes without a session gets one, and the cookie of it.
    fn session(&self, headers: &HeaderMap) -> Option<(Session, Option<String>)> {
        let now = clock::now();
        let known = self.guard.sessions.of(headers, now).map(|session| (session, None));
        known.or_else(|| self.guard.sessions.begin(now).map(|(session, cookie)| (session, Some(cookie))))
    }

    /// Asks the desk on a thread that may wait.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Desk) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let desk = Arc::clone(&self.desk);
        let answer = tokio::task::spawn_blocking(move || question(&*desk)).await;
        answer.unwrap_or_else(|_| {
            Err(Refusal { message: "the question came to nothing".to_owned(), details: Vec::new() })
        })
    }
}

pub fn router(window: Window) -> Router {
    let guard = middleware::from_fn_with_state(window.guard.clone(), access::check);
    Router::new()
        .route("/", get(overview))
        .route("/explain", get(explain))
        .route("/decide", post(decide))
        .route("/login", get(ask_token).post(login))
        .route("/style.css", get(style))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(all_metrics))
        .with_state(window)
        .layer(DefaultBodyLimit::max(LARGEST))
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

async fn all_metrics(State(window): State<Window>, headers: HeaderMap) -> Response {
    let format = metrics::Format::asked_by(&headers);
    match metrics::render(format, window.facts().as_deref(), clock::now()) {
        Ok(text) => ([(CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], page::STYLE).into_response()
}

fn html(status: StatusCode, page: Result<String, askama::Error>) -> Response {
    page.map_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |page| (status, Html(page)).into_response())
}

fn refuse(status: StatusCode, refusal: &Refusal) -> Response {
    html(status, page::refused(refusal))
}

fn with_cookie(cookie: Option<String>, response: Response) -> Response {
    match cookie {
        Some(cookie) => (AppendHeaders([(SET_COOKIE, cookie)]), response).into_response(),
        None => response,
    }
}

#[derive(Deserialize)]
struct Told {
    told: Option<String>,
}

async fn overview(State(window): State<Window>, headers: HeaderMap, Query(Told { told }): Query<Told>) -> Response {
    let (Some(facts), Some((session, cookie))) = (window.facts(), window.session(&headers)) else {
        let message = "The agent is starting: nothing is known yet.".to_owned();
        return refuse(StatusCode::SERVICE_UNAVAILABLE, &Refusal { message, details: Vec::new() });
    };
    let told = told.as_deref().and_then(|word| match word {
        "approved" => Some("Approved."),
        "denied" => Some("Denied."),
        _ => None,
    });
    let page = page::status(&facts, &window.guard.sessions.form(&session), told, clock::now());
    with_cookie(cookie, html(StatusCode::OK, page))
}

#[derive(Deserialize)]
struct Whom {
    user: String,
}

async fn explain(State(window): State<Window>, Query(Whom { user }): Query<Whom>) -> Response {
    let options = window.facts.borrow().as_ref().map(|facts| facts.options.clone()).unwrap_or_default();
    match window.ask(move |desk| desk.explain(&user)).await {
        Ok(report) => html(StatusCode::OK, page::explained(&report, &options)),
        Err(refusal) => refuse(StatusCode::NOT_FOUND, &refusal),
    }
}

#[derive(Deserialize)]
struct Decision {
    csrf: String,
    user: String,
    pool: String,
    verdict: String,
}

async fn decide(State(mut window): State<Window>, headers: HeaderMap, Form(form): Form<Decision>) -> Response {
    let session = window.guard.sessions.of(&headers, clock::now());
    if !session.is_some_and(|session| window.guard.sessions.is_form(&session, &form.csrf)) {
        let message =
            "This form is not one that this agent showed you, or is too old: go back and load the page again.";
        return refuse(StatusCode::FORBIDDEN, &Refusal { message: message.to_owned(), details: Vec::new() });
    }
    let (verdict, told) = match form.verdict.as_str() {
        "approve" => (Verdict::Approve, "/?told=approved"),
        "deny" => (Verdict::Deny, "/?told=denied"),
        _ => return StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    };
    if !window.facts().is_some_and(|facts| facts.decides) {
        let message = "The ledger keeps the queue: people approve and deny there.".to_owned();
        return refuse(StatusCode::CONFLICT, &Refusal { message, details: Vec::new() });
    }
    window.facts.mark_unchanged();
    let Decision { user, pool, .. } = form;
    match window.ask(move |desk| desk.decide(verdict, &user, &pool)).await {
        Ok(()) => {
            // Then the page shows what came of it; late, it shows what was before.
            let _ = tokio::time::timeout(SOON, window.facts.changed()).await;
            Redirect::to(told).into_response()
        }
        Err(refusal) => refuse(StatusCode::CONFLICT, &refusal),
    }
}

async fn ask_token() -> Response {
    html(StatusCode::OK, page::login(false))
}

#[derive(Deserialize)]
struct Given {
    token: String,
}

async fn login(State(window): State<Window>, Form(Given { token }): Form<Given>) -> Response {
    if !window.guard.is_token(token.trim()) {
        tokio::time::sleep(SLOWLY).await;
        return html(StatusCode::FORBIDDEN, page::login(true));
    }
    let cookie = window.guard.sessions.begin(clock::now()).map(|(_, cookie)| cookie);
    with_cookie(cookie, Redirect::to("/").into_response())
}
