//! Who asks: the token, and what its role may do.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use super::Hub;
use super::fault::Fault;
use super::limits::Held;
use crate::clock;
use crate::ledger::records::{Role, Token, View};
use crate::ledger::rules::company::Tier;
use crate::ledger::secret;
use crate::listen;
use crate::model::Name;

/// Whoever asks, with a valid token of the company that is asked about.
#[derive(Clone, Debug)]
pub struct Caller {
    pub company: Name,
    pub role: Role,
    /// Whose token it is, of the role `connector`.
    pub connector: Option<Name>,
    /// Its place among the requests in hand.
    _place: Arc<Held>,
}

impl Caller {
    /// Refuses all but these roles.
    pub fn must_be(&self, roles: &[Role]) -> Result<(), Fault> {
        if roles.contains(&self.role) {
            return Ok(());
        }
        Err(Fault::forbidden(format!("a token of this role may not do that: {}", role_word(self.role))))
    }
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Connector => "connector",
        Role::Approver => "approver",
        Role::Admin => "admin",
    }
}

impl FromRequestParts<Hub> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Fault> {
        let (id, hash) = presented(&parts.headers)?;
        let company = company(parts, hub).await?;
        let token = hub.service.read(move |view| known(view, &id, &hash, company.as_deref())).await?;
        let Token { company, role, connector, .. } = token;
        let place = Arc::new(hub.limits.requests.take(&company, 1)?);
        Ok(Self { company, role, connector, _place: place })
    }
}

/// An admin; anybody else is refused before the body is read.
pub struct Admin(pub Caller);
/// Whoever may decide about people: an approver or an admin.
pub struct Decider(pub Caller);
/// Whoever may speak for the agent: a connector or an admin.
pub struct Trusted(pub Caller);
/// An agent, of this connector.
pub struct Agent {
    pub caller: Caller,
    pub connector: Name,
}

impl FromRequestParts<Hub> for Admin {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Fault> {
        allowed(parts, hub, &[Role::Admin]).await.map(Self)
    }
}

impl FromRequestParts<Hub> for Decider {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Fault> {
        allowed(parts, hub, &[Role::Approver, Role::Admin]).await.map(Self)
    }
}

impl FromRequestParts<Hub> for Trusted {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Fault> {
        allowed(parts, hub, &[Role::Connector, Role::Admin]).await.map(Self)
    }
}

impl FromRequestParts<Hub> for Agent {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Fault> {
        let caller = allowed(parts, hub, &[Role::Connector]).await?;
        let nobody = || Fault::forbidden("the token belongs to no connector");
        let connector = caller.connector.clone().ok_or_else(nobody)?;
        Ok(Self { caller, connector })
    }
}

async fn allowed(parts: &mut Parts, hub: &Hub, roles: &[Role]) -> Result<Caller, Fault> {
    let caller = Caller::from_request_parts(parts, hub).await?;
    caller.must_be(roles)?;
    Ok(caller)
}

/// The company in the path, where one is named.
pub async fn company(parts: &mut Parts, hub: &Hub) -> Result<Option<Name>, Fault> {
    let nowhere = |_| Fault::not_found("no such path");
    let params = RawPathParams::from_request_parts(parts, hub).await.map_err(nowhere)?;
    Ok(params.iter().find(|(name, _)| *name == "company").map(|(_, value)| Name::from(value)))
}

/// The token's two halves: its id, and the hash of its secret.
fn presented(headers: &HeaderMap) -> Result<(String, String), Fault> {
    listen::bearer(headers).and_then(secret::read).ok_or_else(Fault::unauthorized)
}

/// The same answer whatever is wrong with a token: whoever guesses learns nothing.
fn known(view: &dyn View, id: &str, hash: &str, company: Option<&str>) -> Result<Token, Fault> {
    let token = view.token(id)?.ok_or_else(Fault::unauthorized)?;
    let expired = token.expires.is_some_and(|at| at <= clock::now());
    if !secret::same(&token.hash, hash) || expired {
        return Err(Fault::unauthorized());
    }
    if let Some(company) = company.filter(|company| **company != *token.company) {
        let detail = format!("the token belongs to the company {:?}, not to {company:?}", &*token.company);
        return Err(Fault::forbidden(detail));
    }
    if token.role == Role::Connector && view.company(&token.company)?.tier == Tier::Standard {
        let detail = "the company's tier has no connectors: stop until somebody changes it";
        return Err(Fault::new(StatusCode::FORBIDDEN, "tier-required", detail));
    }
    if token.ended {
        return Err(Fault::new(StatusCode::FORBIDDEN, "connector-removed", "this connector was removed: stop"));
    }
    Ok(token)
}
