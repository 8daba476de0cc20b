//! Requests to one company of a ledger: sent, judged, tried again.

mod request;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::failure::{Failure, Place};
use crate::clock;
use crate::ledger::wire::{Malformed, PROBLEM, Problem};
use crate::model::settings::LedgerAccess;
use crate::ports::{Awaiting, BackendError, Persistence};
use crate::retry::{Policy, with_waits};
use crate::tls;
use crate::web::{self, retry_after};
pub use request::Request;
use request::Tries;

pub const MIB: usize = 1 << 20;
/// No answer is longer, where the request does not say that it may be.
const LONGEST_ANSWER: usize = 8 * MIB;
/// So long in all one pass waits because it was asked to; whoever asks for more ends it, and a later one tries again. A
/// minute is what a pass may last against a server that does what it likes (rule 20), and half of it is for the tries.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// One company, as one connector sees it.
#[derive(Debug)]
pub struct Http {
    client: Client,
    /// `https://HOST/v1/companies/COMPANY`.
    company: Url,
    /// As in the config, for messages.
    url: String,
    /// The proxy that the environment puts between, without its login, for messages.
    proxy: Option<String>,
    timeout: Duration,
    policy: Policy,
    /// The ledger asked not to be asked before.
    rest: Mutex<Option<Instant>>,
    /// What this pass may still wait because it was asked to.
    patience: Mutex<Duration>,
    /// Somebody answered in HTTP.
    spoke: AtomicBool,
    /// What passes ask, as others see it.
    awaiting: Awaiting,
}

impl Http {
    /// Connects to nothing yet. `agent`: how this agent names itself.
    ///
    /// # Errors
    /// Where the certificate authorities cannot be read, or the address or the token is none.
    pub fn new(settings: &LedgerAccess, company: &str, agent: &str) -> Result<Self, BackendError> {
        let unusable = |doing: String, source: Option<Box<dyn std::error::Error + Send + Sync>>| BackendError {
            doing,
            persistence: Persistence::Permanent,
            source,
        };
        let tls = tls::client(settings.ca_file.as_deref())
            .map_err(|error| unusable(error.to_string(), Some(Box::new(error))))?;
        let headers = headers(settings)
            .ok_or_else(|| unusable("backend.token holds a character that no token has".to_owned(), None))?;
        let timeout = settings.timeout;
        let client = web::client(tls, agent, timeout)
            .default_headers(headers)
            .build()
            .map_err(|error| unusable("Could not set up HTTP".to_owned(), Some(Box::new(error))))?;
        let company = address(&settings.url, company)
            .ok_or_else(|| unusable(format!("backend.url = {:?} is no address", settings.url), None))?;
        let (proxy, policy) = (proxy_for(&company), Policy::for_timeout(timeout));
        let awaiting = Awaiting::new(format!("the ledger at {}", host(&company)));
        Ok(Self {
            client,
            company,
            url: settings.url.clone(),
            proxy,
            timeout,
            policy,
            rest: Mutex::new(None),
            patience: Mutex::new(LONGEST_REST),
            spoke: AtomicBool::new(false),
            awaiting,
        })
    }

    /// Tells whether an answer is waited for that a pass needs.
    #[must_use]
    pub fn awaiting(&self) -> Awaiting {
        self.awaiting.clone()
    }

    /// A request below the company; each part of the path is one segment.
    #[must_use]
    pub fn request<'a>(&self, doing: &'a str, method: Method, path: &[&str]) -> Request<'a> {
        let mut url = self.company.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        let (body, most, tries) = (None, LONGEST_ANSWER, Tries::Several);
        Request { doing, method, url, body, key: None, epoch: None, most, within: None, tries }
    }

    /// Asks, again where that can help, and reads the answer.
    ///
    /// # Errors
    /// Where no answer came in any try, or the ledger would not do it.
    pub async fn ask<T: DeserializeOwned + Send>(&self, request: &Request<'_>) -> Result<T, Failure> {
        match request.tries {
            Tries::Once => self.ask_once(request).await,
            Tries::Several => {
                let _question = self.awaiting.ask(clock::now());
                self.ask_again_and_again(request).await
            }
        }
    }

    /// An answer that ends too early is none, and only reading it tells.
    async fn ask_once<T: DeserializeOwned>(&self, request: &Request<'_>) -> Result<T, Failure> {
        let body = self.send(request).await?;
        if body.is_empty() {
            // It says that it was done, and no more.
            return serde_json::from_slice(b"null").map_err(|_| self.place(request).empty());
        }
        serde_json::from_slice(&body).map_err(|error| self.place(request).unreadable(error))
    }

    async fn ask_again_and_again<T: DeserializeOwned + Send>(&self, request: &Request<'_>) -> Result<T, Failure> {
        let mut both = (self, request);
        let wait = |failure: &Failure, due: Duration| self.wait(failure, due);
        with_waits(&self.policy, None, &mut both, wait, |(this, request), attempt| {
            Box::pin(async move {
                let asked = this.ask_once(request).await;
                if let Err(failure) = &asked {
                    tracing::debug!(attempt, %failure, "A request to the ledger failed.");
                }
                asked
            }) as BoxFuture<'_, _>
        })
        .await
    }

    /// A pass begins.
    pub fn begin(&self) {
        *self.patience.lock().unwrap_or_else(PoisonError::into_inner) = LONGEST_REST;
    }

    /// How long to wait before the next try, where `due` is the turn; none where this pass is not to try again.
    pub(super) fn wait(&self, failure: &Failure, due: Duration) -> Option<Duration> {
        let mut patience = self.patience.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = failure.wait(due, *patience)?;
        if failure.asks_for_rest() {
            *patience = patience.saturating_sub(wait);
        }
        Some(wait)
    }

    /// Sends a request once.
    async fn send(&self, request: &Request<'_>) -> Result<Vec<u8>, Failure> {
        let place = self.place(request);
        if let Some(rest) = self.must_rest() {
            return Err(place.resting(rest));
        }
        let response = self.built(request)?.send().await.map_err(|error| place.unanswered(error))?;
        self.spoke.store(true, Ordering::Relaxed);
        let heard = || {
            // What is asked beside the passes says nothing of what they wait for.
            if request.tries == Tries::Several {
                self.awaiting.heard(clock::now());
            }
        };
        heard();
        let place = self.place(request);
        let (status, kind) = (response.status(), content_type(&response));
        let rest = retry_after(&response);
        let most = if status.is_success() { request.most } else { LONGEST_ANSWER.min(request.most) };
        let body = whole(response, most, place, heard).await?;
        match status.as_u16() {
            204 => Ok(Vec::new()),
            200..300 if is_json(&kind, "json") && body.trim_ascii_start().starts_with(b"<") => {
                Err(place.stranger(status, "a page that is called JSON"))
            }
            200..300 if is_json(&kind, "json") => Ok(body),
            400.. if is_json(&kind, "problem+json") => Err(self.refusal(place, status, &body, rest)),
            // A proxy that cannot reach the ledger says so in its own words.
            429 | 502..=504 => {
                self.note_rest(rest);
                Err(match rest.filter(|_| status != StatusCode::BAD_GATEWAY) {
                    Some(rest) => place.busy_stranger(status, &kind, rest),
                    None => place.stranger(status, &kind),
                })
            }
            _ => Err(place.stranger(status, &kind)),
        }
    }

    fn refusal(&self, place: Place<'_>, status: StatusCode, body: &[u8], rest: Option<Duration>) -> Failure {
        if matches!(status.as_u16(), 429 | 503) {
            self.note_rest(rest);
        }
        let problem = serde_json::from_slice::<Problem>(body).ok();
        match problem.filter(|problem| problem.kind.starts_with(PROBLEM)) {
            Some(problem) => place.refused(status, problem, rest),
            // Others have problems, too.
            None => place.stranger(status, "a problem that is none of the ledger's"),
        }
    }

    fn built(&self, request: &Request<'_>) -> Result<reqwest::RequestBuilder, Failure> {
        let mut built = self.client.request(request.method.clone(), request.url.clone());
        match &request.body {
            None => {}
            Some(Ok(body)) => built = built.header(CONTENT_TYPE, "application/json").body(body.clone()),
            Some(Err(error)) => {
                return Err(self.place(request).impossible(&format!("the request cannot be written ({error})")));
            }
        }
        if let Some(key) = request.key {
            built = built.header("Idempotency-Key", key);
        }
        if let Some(epoch) = request.epoch {
            built = built.header("Connector-Epoch", epoch);
        }
        // A drop a second never is silence: so there is an end to it all the same.
        Ok(built.timeout(request.within.unwrap_or(self.timeout * 5)))
    }

    /// What was answered contradicts itself.
    #[must_use]
    pub fn broken(&self, doing: &str, said: &str) -> Failure {
        self.at(doing).broken(said)
    }

    /// What cannot be asked.
    #[must_use]
    pub fn impossible(&self, doing: &str, said: &str) -> Failure {
        self.at(doing).impossible(said)
    }

    /// What was answered means nothing.
    #[must_use]
    pub fn malformed(&self, doing: &str, error: Malformed) -> Failure {
        self.at(doing).malformed(error)
    }

    /// The ledger has no account of whom was decided on.
    #[must_use]
    pub fn no_account(&self, doing: &str, problem: &Problem) -> Failure {
        self.at(doing).no_account(problem)
    }

    /// Pools and accounts do not fit together.
    #[must_use]
    pub fn miscounted(&self, doing: &str, said: &str) -> Failure {
        self.at(doing).miscounted(said)
    }

    /// What was read is older than our lease.
    #[must_use]
    pub fn kept(&self, doing: &str) -> Failure {
        self.at(doing).kept()
    }

    /// What was read is of two moments.
    #[must_use]
    pub fn changed(&self, doing: &str) -> Failure {
        self.at(doing).changed()
    }

    /// How long the ledger may keep silent.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    fn place<'p>(&'p self, request: &Request<'p>) -> Place<'p> {
        self.at(request.doing)
    }

    fn at<'p>(&'p self, doing: &'p str) -> Place<'p> {
        Place { doing, url: &self.url, via: self.proxy.as_deref(), spoke: self.spoke.load(Ordering::Relaxed) }
    }

    fn must_rest(&self) -> Option<Duration> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let left = rest.map(|until| until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
        if left.is_none() {
            *rest = None;
        }
        left
    }

    fn note_rest(&self, rest: Option<Duration>) {
        let until = rest.and_then(|rest| Instant::now().checked_add(rest));
        if until.is_some() {
            *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
    }
}

fn headers(settings: &LedgerAccess) -> Option<HeaderMap> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", settings.token.expose_secret())).ok()?;
    bearer.set_sensitive(true);
    let accept = HeaderValue::from_static("application/json, application/problem+json");
    Some([(AUTHORIZATION, bearer), (ACCEPT, accept)].into_iter().collect())
}

/// Host, and port where it is none of the usual.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn address(url: &str, company: &str) -> Option<Url> {
    let mut url = Url::parse(url).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["v1", "companies", company]);
    Some(url)
}

/// The proxy that the client will take: the same look at the environment (on Windows the system, too) as the client's own.
fn proxy_for(url: &Url) -> Option<String> {
    let found = Matcher::from_system().intercept(&url.as_str().parse().ok()?)?;
    Some(format!("{}://{}", found.uri().scheme_str().unwrap_or("http"), found.uri().authority()?))
}

/// `application/json`, without its parameters; "no content type" where there is none.
fn content_type(response: &Response) -> String {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).map(|kind| kind.trim().to_ascii_lowercase());
    kind.unwrap_or_else(|| "no content type".to_owned())
}

fn is_json(kind: &str, subtype: &str) -> bool {
    kind.strip_prefix("application/") == Some(subtype)
}

/// All of the body, or a failure: a connection that ends before the length that was announced is one.
async fn whole(mut response: Response, most: usize, place: Place<'_>, heard: impl Fn()) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(place.endless(most));
    }
    while let Some(chunk) = response.chunk().await.map_err(|error| place.unanswered(error))? {
        if body.len() + chunk.len() > most {
            return Err(place.endless(most));
        }
        body.extend_from_slice(&chunk);
        heard();
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_path_is_one_segment() {
        let url = address("https://ledger.corp.example/seats", "A & B/Söhne").unwrap();
        assert_eq!(url.as_str(), "https://ledger.corp.example/seats/v1/companies/A%20&%20B%2FS%C3%B6hne");
        assert_eq!(address("http://[::1]:8760", "acme").unwrap().as_str(), "http://[::1]:8760/v1/companies/acme");
    }
}
