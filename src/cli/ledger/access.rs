//! `ledger token`, `ledger connector`: who may come in.

use super::args::TokenAdd;
use super::done;
use crate::app::AppError;
use crate::app::ledger::{LedgerApp, Role, wire};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::page::{Page, Tone};
use crate::cli::table::Grid;
use crate::cli::words::{self, NONE};

pub fn list_tokens(app: &LedgerApp, company: Option<&str>, console: &Console) -> Result<Exit, AppError> {
    console.list(&app.tokens(company)?, "no token yet", true, render_tokens)?;
    Ok(Exit::Done)
}

pub fn add_token(app: &LedgerApp, company: Option<&str>, add: TokenAdd, console: &Console) -> Result<Exit, AppError> {
    let TokenAdd { role, label, connector, expires } = add;
    let role = Role::from(role);
    let label = if label.is_empty() { role_word(role).to_owned() } else { label };
    let made = app.add_token(company, wire::TokenPost { role, label, connector, expires })?;
    console.answer(&made, |made, page| render_secret(&made.token, page))?;
    Ok(Exit::Done)
}

pub fn remove_token(app: &LedgerApp, company: Option<&str>, id: &str, console: &Console) -> Result<Exit, AppError> {
    app.remove_token(company, id)?;
    done(console, "the token is good no more")
}

pub fn list_connectors(app: &LedgerApp, company: Option<&str>, console: &Console) -> Result<Exit, AppError> {
    console.list(&app.connectors(company)?, "no connector yet", true, |connectors, page| {
        let mut grid = Grid::new(&["CONNECTOR", "SINCE"]);
        for connector in connectors {
            grid.row([&connector.name, &words::time(connector.added)]);
        }
        page.table(grid);
    })?;
    Ok(Exit::Done)
}

pub fn add_connector(app: &LedgerApp, company: Option<&str>, name: &str, console: &Console) -> Result<Exit, AppError> {
    let made = app.add_connector(company, name)?;
    console.answer(&made, |made, page| render_secret(&made.token, page))?;
    Ok(Exit::Done)
}

pub fn remove_connector(
    app: &LedgerApp,
    company: Option<&str>,
    name: &str,
    console: &Console,
) -> Result<Exit, AppError> {
    app.remove_connector(company, name)?;
    done(console, "the connector is removed, and its tokens are good no more")
}

/// The token and nothing else, so that it can go into a file as it is; a person is told more.
fn render_secret(token: &str, page: &mut Page) {
    page.line(token);
    if page.is_for_a_terminal() {
        page.verdict(Tone::Good, "ok", "this is shown once: put it into a file that only its owner may read");
    }
}

fn render_tokens(tokens: &[wire::Token], page: &mut Page) {
    let mut grid = Grid::new(&["ID", "ROLE", "CONNECTOR", "LABEL", "MADE", "EXPIRES"]);
    for token in tokens {
        grid.row([
            token.id.as_str(),
            role_word(token.role),
            token.connector.as_deref().unwrap_or(NONE),
            &token.label,
            &words::time(token.made),
            &token.expires.map_or_else(|| "never".to_owned(), words::time),
        ]);
    }
    page.table(grid);
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Connector => "connector",
        Role::Approver => "approver",
        Role::Admin => "admin",
    }
}
