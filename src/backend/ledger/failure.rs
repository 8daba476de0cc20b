//! What the ledger, or the way to it, said: what happened, where, what to do about it, and whether to try again.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::StatusCode;
use thiserror::Error;

use crate::ledger::wire::{Malformed, PROBLEM, Problem};
use crate::model::lease::Standby;
use crate::ports::{BackendError, NoAccount, Persistence};
use crate::tls;

/// A request that came to nothing.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct Failure {
    /// What we were doing, where, what was said, and what to do.
    pub message: String,
    pub kind: Kind,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What decides how to go on.
#[derive(Debug)]
pub enum Kind {
    /// No answer, half of one, or one of somebody who is no ledger. It may have happened all the same.
    Unanswered,
    /// The ledger did nothing and is to be asked again, after this time where it said one.
    Busy(Option<Duration>),
    /// The ledger did nothing and said why.
    Refused(Box<Problem>),
    /// Whole, and of a shape that this version does not know: so it stays. It may have happened all the same.
    Misunderstood,
    /// Stays until somebody changes something: a certificate, an address.
    Unusable,
}

/// As the HTTP library says that a proxy answered 407 to a CONNECT (RFC 9110 section 15.5.8).
const PROXY_LOGIN: &str = "proxy authorization required";
const PROXY_WANTS_LOGIN: &str =
    "The proxy wants a login: name it as HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT in the service's environment";
const CUT: &str = "A proxy between may have cut it";
const ASKED_LATER: &str = "A running agent asks again by itself then, and not before";
const ANOTHER_VERSION: &str = "Is the ledger of another version? Bring both to the same one";

/// The request, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// "read the accounts": stands after "Could not".
    pub doing: &'a str,
    /// As in the config.
    pub url: &'a str,
    /// The proxy between, where the environment names one.
    pub via: Option<&'a str>,
    /// HTTP was answered there before: it is no port of TLS.
    pub spoke: bool,
}

impl Place<'_> {
    fn failure(self, said: &str, advice: &str, kind: Kind, source: Option<Box<dyn Error + Send + Sync>>) -> Failure {
        let stop = if advice.is_empty() { "" } else { ". " };
        let via = self.via.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
        let message = format!("Could not {} at {}{via}: {said}{stop}{advice}", self.doing, self.url);
        Failure { message, kind, source }
    }

    /// Nothing came back, or not all of it.
    pub fn unanswered(self, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        if let Some(certificate) = tls_error(&error) {
            let (said, advice, kind) = judge_tls(certificate);
            return self.failure(&said, advice, kind, Some(Box::new(error)));
        }
        let said = if error.is_timeout() {
            "the ledger did not answer in time".to_owned()
        } else if error.is_connect() {
            format!("the ledger cannot be reached ({})", root(&error))
        } else {
            format!("the answer broke off ({})", root(&error))
        };
        self.failure(&said, self.way_out(&error), Kind::Unanswered, Some(Box::new(error)))
    }

    /// What to look at where the connection was not made or came to nothing.
    fn way_out(self, error: &reqwest::Error) -> &'static str {
        match self.via {
            Some(_) if root(error).contains(PROXY_LOGIN) => PROXY_WANTS_LOGIN,
            Some(_) if error.is_connect() => {
                "Check the proxy (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY), or name the ledger's host in NO_PROXY"
            }
            None if error.is_connect() => "Check url and network, and that the ledger runs",
            // A server of TLS hangs up on plain HTTP, or answers in TLS.
            _ if self.url.starts_with("http:") && !self.spoke && !error.is_timeout() => {
                "If the ledger speaks TLS there, url must begin with https://"
            }
            _ => "",
        }
    }

    /// An answer that no ledger gives: a captive portal's page, a proxy's error, a redirection to somewhere else.
    pub fn stranger(self, status: StatusCode, kind_of_answer: &str) -> Failure {
        let said = format!("something else than a ledger answered (status {}, {kind_of_answer})", status.as_u16());
        let advice = match (status, self.via) {
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, _) => PROXY_WANTS_LOGIN,
            (_, Some(_)) => "Check url and the proxy; or name the ledger's host in NO_PROXY",
            (_, None) => "Check url; a proxy or a login page of the network may stand between",
        };
        self.failure(&said, advice, Kind::Unanswered, None)
    }

    /// The same, and it asked not to be asked again for this time.
    pub fn busy_stranger(self, status: StatusCode, kind_of_answer: &str, rest: Duration) -> Failure {
        let said = format!(
            "something else than a ledger answered (status {}, {kind_of_answer}) and asked for {} s of rest",
            status.as_u16(),
            rest.as_secs()
        );
        let advice = "A proxy before the ledger does not let us through for now; it is asked again by itself then";
        self.failure(&said, advice, Kind::Busy(Some(rest)), None)
    }

    /// An answer that goes on longer than any does.
    pub fn endless(self, most: usize) -> Failure {
        let said = format!("the answer is longer than any to this question ({} MiB)", most >> 20);
        self.failure(&said, "Check url; something else than a ledger may answer there", Kind::Unanswered, None)
    }

    /// An answer of the right kind that says less than it must, or what we do not know. One that ends before its JSON does
    /// broke off, whatever the head says of its length.
    pub fn unreadable(self, error: serde_json::Error) -> Failure {
        if error.is_eof() {
            let said = format!("the answer broke off ({error})");
            return self.failure(&said, CUT, Kind::Unanswered, Some(Box::new(error)));
        }
        let said = format!("the answer cannot be read ({error})");
        self.failure(&said, ANOTHER_VERSION, Kind::Misunderstood, Some(Box::new(error)))
    }

    /// An answer without a body, where one is due.
    pub fn empty(self) -> Failure {
        self.failure("the answer is empty", CUT, Kind::Unanswered, None)
    }

    /// An answer that can be read and means nothing.
    pub fn malformed(self, error: Malformed) -> Failure {
        let said = format!("the answer cannot be understood ({error})");
        self.failure(&said, ANOTHER_VERSION, Kind::Misunderstood, Some(Box::new(error)))
    }

    /// An answer that contradicts itself or the request.
    pub fn broken(self, said: &str) -> Failure {
        self.failure(said, "A proxy between may have cut or kept it", Kind::Unanswered, None)
    }

    /// Pools and accounts do not fit together, though they are of one moment.
    pub fn miscounted(self, said: &str) -> Failure {
        let advice =
            "Did somebody change the ledger's database? It is counted anew by itself; the ledger's log says more";
        let problem = Problem { kind: format!("{PROBLEM}miscounted"), ..Problem::default() };
        self.failure(said, advice, Kind::Refused(Box::new(problem)), None)
    }

    /// An answer of an earlier moment than one before it. It may be gone with the next read: as where the ledger was
    /// restored from a backup between the two.
    pub fn kept(self) -> Failure {
        let advice =
            "A cache or a proxy between keeps old answers: it must pass the ledger's on (Cache-Control: no-store)";
        let problem = Problem { kind: format!("{PROBLEM}list-changed"), ..Problem::default() };
        self.failure("an answer is older than one before it", advice, Kind::Refused(Box::new(problem)), None)
    }

    /// Two answers are of two moments; the ledger's own word for it is `list-changed`.
    pub fn changed(self) -> Failure {
        let problem = Problem { kind: format!("{PROBLEM}list-changed"), ..Problem::default() };
        self.failure("the company changes faster than it can be read", "", Kind::Refused(Box::new(problem)), None)
    }

    /// What cannot be asked at all.
    pub fn impossible(self, said: &str) -> Failure {
        self.failure(said, "", Kind::Unusable, None)
    }

    /// The ledger asked for rest a while ago, and it is not over.
    pub fn resting(self, rest: Duration) -> Failure {
        let said = format!("the ledger asked to be left alone for {} s more", rest.as_secs().max(1));
        self.failure(&said, ASKED_LATER, Kind::Busy(Some(rest)), None)
    }

    /// The ledger has no account of whom was decided on. What to do about it depends on what is known of them.
    pub fn no_account(self, problem: &Problem) -> Failure {
        let said = format!("the ledger says: {}", problem.detail.trim_end_matches('.'));
        self.failure(&said, "", Kind::Refused(Box::new(problem.clone())), Some(Box::new(NoAccount)))
    }

    /// What the ledger answered instead of doing it.
    pub fn refused(self, status: StatusCode, problem: Problem, rest: Option<Duration>) -> Failure {
        let busy = matches!(status.as_u16(), 429 | 500..);
        let said = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
        let said = format!("the ledger says: {}", said.trim_end_matches('.'));
        let rest = rest.filter(|_| busy);
        let (said, advice) = match rest {
            Some(rest) => (format!("{said}, and asks to be left alone for {} s", rest.as_secs().max(1)), ASKED_LATER),
            None => (said, advice(problem.name())),
        };
        let kind = if busy { Kind::Busy(rest) } else { Kind::Refused(Box::new(problem)) };
        self.failure(&said, advice, kind, None)
    }
}

impl Failure {
    /// The name of the ledger's problem, where it is one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match &self.kind {
            Kind::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// Who works, where that is the problem.
    #[must_use]
    pub fn standby(&self) -> Option<Standby> {
        let problem = self.problem().filter(|problem| problem.name() == "lease-held")?;
        let holder = problem.holder.clone()?;
        Some(Standby { holder, since: problem.since, expires: problem.expires?, copy: false })
    }

    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.problem().is_some_and(|problem| problem.name() == name)
    }

    /// Refused until somebody acts: asked again and again it would only be refused again (rule 20).
    #[must_use]
    pub fn needs_somebody(&self) -> bool {
        let names = ["unauthorized", "forbidden", "tier-required", "connector-removed"];
        self.problem().is_some_and(|problem| names.contains(&problem.name()))
    }

    /// Whether it may have happened all the same.
    #[must_use]
    pub const fn is_uncertain(&self) -> bool {
        matches!(self.kind, Kind::Unanswered | Kind::Misunderstood)
    }

    /// Says that it may have happened all the same, where that is so: then it is to be asked about, whatever came.
    #[must_use]
    pub fn in_doubt(mut self, doubt: &str) -> Self {
        if self.is_uncertain() {
            self.message = format!("{}. {doubt}", self.message.trim_end_matches('.'));
            self.kind = Kind::Unanswered;
        }
        self
    }

    /// How long to wait before the next try, where `due` is the turn; none where trying again is of no use.
    #[must_use]
    pub fn wait(&self, due: Duration, longest: Duration) -> Option<Duration> {
        match self.kind {
            Kind::Unanswered => Some(due),
            Kind::Busy(rest) => Some(rest.map_or(due, |rest| rest.max(due))).filter(|wait| *wait <= longest),
            Kind::Refused(_) | Kind::Misunderstood | Kind::Unusable => None,
        }
    }

    /// Whether it said for how long not to be asked.
    #[must_use]
    pub const fn asks_for_rest(&self) -> bool {
        matches!(self.kind, Kind::Busy(Some(_)))
    }

    #[must_use]
    pub fn persistence(&self) -> Persistence {
        match &self.kind {
            Kind::Unanswered | Kind::Busy(_) => Persistence::Transient,
            Kind::Misunderstood | Kind::Unusable => Persistence::Permanent,
            Kind::Refused(problem) => match problem.name() {
                "unauthorized" => Persistence::Credentials,
                "stale-epoch" | "lease-held" => Persistence::Superseded,
                "list-changed" | "miscounted" => Persistence::Transient,
                _ => Persistence::Permanent,
            },
        }
    }
}

impl From<Failure> for BackendError {
    fn from(failure: Failure) -> Self {
        let persistence = failure.persistence();
        Self { doing: failure.message, persistence, source: failure.source }
    }
}

/// What to do about a problem that the ledger's own words leave open.
fn advice(problem: &str) -> &'static str {
    match problem {
        "unauthorized" => {
            "The token ran out, was taken back or is another ledger's: make a new one there (`seatsync --config \
             /etc/seatsync/ledger.toml ledger token add connector --connector main`, with the connector's name), and put it where \
             backend.token says"
        }
        "forbidden" => "backend.token must be a connector's, and of the company that backend.company names",
        "tier-required" => {
            "Move the company to the tier \"advanced\" in the ledger; until then nothing is changed, and the agent asks \
             again in an hour"
        }
        "connector-removed" => {
            "Register the connector anew there (`seatsync --config /etc/seatsync/ledger.toml ledger connector add main`, with its \
             name), and put its token where backend.token says; the agent asks again in an hour"
        }
        "clock-skew" => "Nothing was changed. Set the clock of whichever of the two is wrong, and let NTP keep both",
        "stale-epoch" => "Another agent took over; this one stands by",
        "not-found" => "Check backend.company, and who is named",
        "too-large" | "internal" => "",
        _ => "",
    }
}

fn judge_tls(error: &rustls::Error) -> (String, &'static str, Kind) {
    match error {
        rustls::Error::InvalidCertificate(certificate) => {
            let (said, advice) = tls::blame(certificate);
            (format!("{said} ({error})"), advice, Kind::Unusable)
        }
        rustls::Error::AlertReceived(_) | rustls::Error::HandshakeNotComplete => {
            (format!("TLS failed ({error})"), "", Kind::Unanswered)
        }
        _ => (format!("TLS failed ({error})"), "Check that the port speaks TLS, and url", Kind::Unusable),
    }
}

/// The TLS error somewhere below. An `io::Error` does not give what it wraps as its source.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    chain(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())
}

/// The first cause, in its own words.
fn root(error: &reqwest::Error) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    })
}

#[cfg(test)]
mod tests;
