//! Every error as a problem (RFC 9457): one place says which status and which type each has.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::ledger::LedgerError;
use crate::ledger::operations::decisions::Unruled;
use crate::ledger::rules::declined::{Blocker, Numbers};
use crate::ledger::rules::{Declined, RuleError};
use crate::ledger::service::Unserved;
use crate::ledger::wire::{self, BlockerKind, Malformed, PROBLEM, Problem};

/// A request that was not carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub problem: Box<Problem>,
    /// Seconds after which to ask again.
    pub retry_after: Option<u64>,
}

impl Fault {
    /// `name` as in the contract, and a sentence for whoever reads it.
    pub fn new(status: StatusCode, name: &str, detail: impl Into<String>) -> Self {
        let problem = Problem {
            kind: format!("{PROBLEM}{name}"),
            title: title(name),
            status: status.as_u16(),
            detail: detail.into(),
            ..Problem::default()
        };
        Self { problem: Box::new(problem), retry_after: None }
    }

    /// Adds what else is known.
    pub fn with(mut self, add: impl FnOnce(&mut Problem)) -> Self {
        add(&mut self.problem);
        self
    }

    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "a valid token is needed: Authorization: Bearer TOKEN")
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request", detail)
    }

    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub fn too_large(name: &str, limit: u64) -> Self {
        let detail = format!("no more than {limit} can be taken at once");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, name, detail).with(|problem| problem.limit = Some(limit))
    }

    pub fn rate_limited(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", detail).after(1)
    }

    fn conflict(name: &str, detail: String) -> Self {
        Self::new(StatusCode::CONFLICT, name, detail)
    }

    pub fn unavailable(detail: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).after(1)
    }

    /// What cannot be mended by asking otherwise. Whoever asks need not know what it was; the log says it.
    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, cause = error.source().map(ToString::to_string), "A request could not be answered.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the ledger could not answer; its log says why")
    }
}

/// `seats-below-held` is "Seats below held".
fn title(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|letter| if letter == '-' { ' ' } else { letter })).collect()
}

impl From<Declined> for Fault {
    fn from(declined: Declined) -> Self {
        let detail = declined.to_string();
        match declined {
            Declined::NotFound { .. } => Self::not_found(detail),
            Declined::SeatsBelowHeld(numbers) => Self::conflict("seats-below-held", detail).with(with_numbers(numbers)),
            Declined::BelowFloor(numbers) => Self::conflict("below-floor", detail).with(with_numbers(numbers)),
            Declined::PoolInUse { numbers, waiting } => Self::conflict("pool-in-use", detail)
                .with(with_numbers(numbers))
                .with(|problem| problem.waiting = Some(waiting)),
            Declined::CompanyInUse { .. } => Self::conflict("company-in-use", detail),
            Declined::NotLower(numbers) => Self::conflict("not-lower", detail).with(with_numbers(numbers)),
            Declined::NoSeat(numbers) => Self::conflict("no-seat", detail).with(with_numbers(numbers)),
            Declined::NoRenewal { pool } => Self::of_pool("no-renewal", detail, &pool),
            Declined::NoReduction { pool } => Self::of_pool("no-reduction", detail, &pool),
            Declined::OwnedByConfig { pool } => Self::of_pool("owned-by-config", detail, &pool),
            Declined::Conflict { account, .. } => Self::of_account("conflict", detail, &account.0),
            Declined::Managed { account } => Self::of_account("managed", detail, &account.0),
            Declined::SeatsHeld { account } => Self::of_account("seats-held", detail, &account.0),
            Declined::Suspended { account } => Self::of_account("suspended", detail, &account.0),
            Declined::NotTransferable { account, .. } => Self::of_account("not-transferable", detail, &account.0),
            Declined::TierRequired { .. } => Self::conflict("tier-required", detail),
            Declined::TierBlocked(blockers) => Self::conflict("tier-downgrade-blocked", detail)
                .with(|problem| problem.blockers = Some(blockers.iter().map(blocker).collect())),
            Declined::StaleEpoch { latest } => {
                Self::conflict("stale-epoch", detail).with(|problem| problem.epoch = Some(latest))
            }
            Declined::LeaseHeld { holder, since, expires } => Self::conflict("lease-held", detail)
                .with(|problem| {
                    (problem.holder, problem.since, problem.expires) = (Some(holder), Some(since), Some(expires));
                })
                .after(5),
            Declined::PreconditionFailed { etag } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", detail)
                    .with(|problem| problem.etag = etag)
            }
            Declined::AlreadyExpired => Self::invalid(detail),
            Declined::ClockSkew { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "clock-skew", detail),
            Declined::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail),
            Declined::ListChanged => Self::conflict("list-changed", detail),
            Declined::EventsExpired { oldest } | Declined::EventsAhead { oldest, .. } => {
                Self::new(StatusCode::GONE, "events-expired", detail).with(|problem| problem.oldest = Some(oldest))
            }
        }
    }
}

impl Fault {
    fn of_pool(name: &str, detail: String, pool: &str) -> Self {
        Self::conflict(name, detail).with(|problem| problem.pool = Some(pool.to_owned()))
    }

    fn of_account(name: &str, detail: String, account: &str) -> Self {
        Self::conflict(name, detail).with(|problem| problem.account = Some(account.to_owned()))
    }
}

fn with_numbers(numbers: Numbers) -> impl FnOnce(&mut Problem) {
    move |problem| {
        problem.pool = Some(numbers.pool.to_string());
        problem.seats = Some(numbers.seats);
        problem.held = Some(numbers.held);
        problem.min_seats = Some(numbers.min_seats);
    }
}

fn blocker(blocker: &Blocker) -> wire::Blocker {
    let (kind, name) = match blocker {
        Blocker::Policy(name) => (BlockerKind::Policy, name),
        Blocker::Connector(name) => (BlockerKind::Connector, name),
    };
    wire::Blocker { kind, name: name.to_string() }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Declined(declined) => declined.into(),
            LedgerError::NoCompany { company, .. } => Self::not_found(format!("there is no company {company:?}")),
            LedgerError::Rule(rule @ RuleError::UnknownPerson { .. }) => Self::not_found(rule.to_string()),
            LedgerError::Rule(rule @ RuleError::NothingToDecide { .. }) => {
                Self::conflict("nothing-to-decide", rule.to_string())
            }
            LedgerError::Rule(RuleError::Occupied { person, account }) => {
                let detail = format!("{person} already has account {account}");
                Self::of_account("occupied", detail, &account.0)
            }
            other if other.persistence() == crate::ports::Persistence::Transient => {
                Self::unavailable(other.to_string())
            }
            other => Self::internal(&other),
        }
    }
}

impl From<Unruled> for Fault {
    fn from(unruled: Unruled) -> Self {
        let index = unruled.index;
        Self::from(unruled.error).with(|problem| problem.index = Some(index))
    }
}

impl From<Unserved> for Fault {
    fn from(unserved: Unserved) -> Self {
        match unserved {
            Unserved::Busy | Unserved::Stopping => Self::unavailable(unserved.to_string()),
            // The reason is in the log; it may name paths of this machine.
            Unserved::Unsaved { .. } => Self::unavailable("the ledger could not be saved".to_owned()).after(5),
            Unserved::Broken => Self::internal(&unserved),
        }
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::invalid(malformed.to_string())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self.problem).unwrap_or_default();
        let mut response = (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
