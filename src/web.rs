//! HTTP as a client: what all who ask somebody over it have in common.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, ClientBuilder, Response, redirect};
use rustls::ClientConfig;

use crate::clock;

/// The longest that a request for rest is heeded: a slip of a proxy must not silence the agent for years.
const BELIEVED: Duration = Duration::from_hours(1);

/// A client that keeps secrets to whom they are for. `agent`: how this agent names itself; `timeout`: without an answer.
pub fn client(tls: ClientConfig, agent: &str, timeout: Duration) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(user_agent(agent))
        // Whoever redirects is not the one that was named, and must not get what is meant for that one.
        .redirect(redirect::Policy::none())
        // We know what may be sent twice; the library does not.
        .retry(reqwest::retry::never())
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        .read_timeout(timeout)
}

/// `seatsync/1.2.3 (dc01; linux)`.
fn user_agent(agent: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && !"()\\".contains(c) { c } else { '_' };
    let agent: String = agent.chars().map(plain).collect();
    format!("seatsync/{} ({agent}; {})", env!("CARGO_PKG_VERSION"), std::env::consts::OS)
}

/// Seconds, or a date as proxies write it (RFC 9110 section 10.2.3); nobody is believed for longer than `BELIEVED`.
#[must_use]
pub fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let until = |date| Timestamp::try_from(date).ok().map(|date| clock::now().duration_until(date));
    let rest = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::try_from(until(httpdate::parse_http_date(value).ok()?)?).ok()?,
    };
    Some(rest.min(BELIEVED))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn the_agent_is_named_in_characters_that_a_header_may_have() {
        let said = user_agent("dc 01 (Zürich)");
        assert!(said.starts_with("seatsync/") && said.contains("(dc_01__Z_rich_;"), "{said}");
        assert!(HeaderValue::from_str(&said).is_ok());
    }
}
