//! Connectors and tokens: who may come in.

use serde::Deserialize;
use utoipa::IntoParams;

use axum::extract::State;

use super::body::{Asked, Body, Place};
use super::caller::{Admin, Caller};
use super::cursor::Paging;
use super::fault::Fault;
use super::headers::Preconditions;
use super::reply::Reply;
use super::{CompanyPath, Hub, Problems};
use crate::clock;
use crate::ledger::operations::{Desk, companies, expect};
use crate::ledger::records::{self, Role, View};
use crate::ledger::secret::{self, Purpose};
use crate::ledger::wire::{self, ConnectorPut, NewConnector, NewToken, Page, TokenPost, name};
use crate::model::Name;

/// A connector of a company.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ConnectorPath {
    pub connector: String,
}

/// A token of a company.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TokenPath {
    pub id: String,
}

/// List connectors
#[utoipa::path(get, path = "/v1/companies/{company}/connectors", tag = "access", security(("token" = [])),
    params(CompanyPath, Paging), responses((status = 200, body = Page<wire::Connector>), Problems))]
pub async fn list_connectors(
    State(hub): State<Hub>,
    caller: Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Reply, Fault> {
    let read = move |view: &dyn View| {
        let version = view.company(&caller.company)?.version;
        let connectors = view.connectors(&caller.company)?;
        let shown: Vec<_> = connectors.iter().map(shown_connector).collect();
        Reply::ok(&paging.of_all("connectors", version, shown, |connector| connector.name.clone())?)
    };
    hub.service.read(read).await
}

fn shown_connector(connector: &records::Connector) -> wire::Connector {
    wire::Connector::of(connector, expect::of_name(&connector.name))
}

/// Register a connector, and show its token this once
#[utoipa::path(put, path = "/v1/companies/{company}/connectors/{connector}", tag = "access",
    security(("token" = [])), params(CompanyPath, ConnectorPath, Preconditions), request_body = ConnectorPut,
    responses((status = 201, body = NewConnector), Problems))]
pub async fn put_connector(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<ConnectorPath>,
    preconditions: Preconditions,
    _body: Body<ConnectorPut>,
) -> Result<Reply, Fault> {
    let (expect, connector) = (preconditions.expected()?, name("connector", &path.connector)?);
    if expect != expect::Expect::New {
        return Err(Fault::unreadable("a connector is registered once: say If-None-Match: *"));
    }
    let (kept, token) = secret::make(&caller.company, Purpose::of_connector(&connector), clock::now())?;
    let work = move |desk: &Desk<'_>| {
        let connector = shown_connector(&companies::add_connector(desk, &connector, &kept)?);
        let etag = connector.etag.clone();
        Ok(Reply::made(true, &NewConnector { connector, token })?.tagged(&etag))
    };
    hub.service.change(&caller.company, work).await
}

/// Remove a connector, its tokens and its lease
#[utoipa::path(delete, path = "/v1/companies/{company}/connectors/{connector}", tag = "access",
    security(("token" = [])), params(CompanyPath, ConnectorPath, Preconditions), responses((status = 204), Problems))]
pub async fn delete_connector(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<ConnectorPath>,
    preconditions: Preconditions,
) -> Result<Reply, Fault> {
    let (expect, connector) = (preconditions.expected()?, Name::from(path.connector));
    let work = move |desk: &Desk<'_>| {
        let known = desk.records.connectors(desk.company)?;
        let present = known.iter().find(|known| known.name == connector).map(|known| expect::of_name(&known.name));
        if present.is_some() {
            expect.check(present.as_deref()).map_err(Fault::from)?;
        }
        companies::remove_connector(desk, &connector)?;
        Ok::<_, Fault>(Reply::nothing())
    };
    hub.service.change(&caller.company, work).await
}

/// List tokens, without their secrets
#[utoipa::path(get, path = "/v1/companies/{company}/tokens", tag = "access", security(("token" = [])),
    params(CompanyPath, Paging), responses((status = 200, body = Page<wire::Token>), Problems))]
pub async fn list_tokens(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Asked(paging): Asked<Paging>,
) -> Result<Reply, Fault> {
    let read = move |view: &dyn View| {
        let version = view.company(&caller.company)?.version;
        let mut tokens: Vec<_> = view.tokens(&caller.company)?.into_iter().map(wire::Token::from).collect();
        tokens.sort_by(|a, b| a.id.cmp(&b.id));
        Reply::ok(&paging.of_all("tokens", version, tokens, |token| token.id.clone())?)
    };
    hub.service.read(read).await
}

/// Make a token, and show it this once
#[utoipa::path(post, path = "/v1/companies/{company}/tokens", tag = "access", security(("token" = [])),
    params(CompanyPath), request_body = TokenPost, responses((status = 201, body = NewToken), Problems))]
pub async fn post_token(State(hub): State<Hub>, Admin(caller): Admin, body: Body<TokenPost>) -> Result<Reply, Fault> {
    let (kept, token) = secret::make(&caller.company, purpose(body.value)?, clock::now())?;
    let work = move |desk: &Desk<'_>| {
        companies::add_token(desk, &kept)?;
        Reply::made(true, &NewToken { id: kept.id.clone(), token })
    };
    hub.service.change(&caller.company, work).await
}

fn purpose(post: TokenPost) -> Result<Purpose, Fault> {
    let TokenPost { role, label, connector, expires } = post;
    name("label", &label)?;
    if (role == Role::Connector) != connector.is_some() {
        return Err(Fault::invalid("a token of the role connector names its connector, and no other does"));
    }
    let connector = connector.map(|connector| name("connector", &connector)).transpose()?;
    Ok(Purpose { role, connector, label, expires })
}

/// Take a token back
#[utoipa::path(delete, path = "/v1/companies/{company}/tokens/{id}", tag = "access", security(("token" = [])),
    params(CompanyPath, TokenPath), responses((status = 204), Problems))]
pub async fn delete_token(
    State(hub): State<Hub>,
    Admin(caller): Admin,
    Place(path): Place<TokenPath>,
) -> Result<Reply, Fault> {
    let work = move |desk: &Desk<'_>| {
        companies::remove_token(desk, &path.id)?;
        Ok::<_, Fault>(Reply::nothing())
    };
    hub.service.change(&caller.company, work).await
}
