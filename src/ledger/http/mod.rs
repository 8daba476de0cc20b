//! The ledger over HTTP (docs/ledger-api.md): a file for each resource; who may ask, and what must be said with it, beside
//! them. What happens is decided in `operations`.

#![allow(unused_qualifications, reason = "utoipa's macros write them")]

mod access;
mod accounts;
mod agents;
mod body;
mod bulk;
mod caller;
mod changes;
mod companies;
mod cursor;
mod decisions;
mod early;
mod events;
mod fault;
mod headers;
mod health;
mod lease;
mod limits;
mod pools;
mod reply;
mod routes;
pub mod server;
mod show;

use serde::Deserialize;
use tokio::sync::watch;
use utoipa::{IntoParams, IntoResponses};

use super::service::Service;
use super::wire::Problem;

pub use limits::{Limit, Limits};
pub use routes::{openapi, router};

/// What every request is answered with. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    service: Service,
    /// Set when the service stops: whoever waits is answered at once.
    stopping: watch::Receiver<bool>,
    limits: Limits,
}

impl Hub {
    #[must_use]
    pub const fn new(service: Service, limits: Limits, stopping: watch::Receiver<bool>) -> Self {
        Self { service, stopping, limits }
    }
}

/// A company, as the path names it.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct CompanyPath {
    pub company: String,
}

/// What any request may be answered with instead: the types are in the contract.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; they are made of faults")]
enum Problems {
    /// It cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    Unreadable(Problem),
    /// No valid token.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(Problem),
    /// The token may not do that.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// The body came too slowly, or not at all.
    #[response(status = 408, content_type = "application/problem+json")]
    TooSlow(Problem),
    /// Not as things are.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// What was asked for is no longer kept.
    #[response(status = 410, content_type = "application/problem+json")]
    Gone(Problem),
    /// It is not as the request expects it.
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(Problem),
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// It can be read, and means nothing.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
    /// Say what you expect to find.
    #[response(status = 428, content_type = "application/problem+json")]
    PreconditionRequired(Problem),
    /// Too much at once, as `limited` says: ask again after `Retry-After`.
    #[response(status = 429, content_type = "application/problem+json")]
    RateLimited(Problem),
    /// A mistake of the ledger.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(Problem),
    /// Ask again after `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}
