//! `ledger ...`: serving the licence ledger, and what its administrator does to it.

mod access;
pub mod args;
mod company;
mod pool;
mod serve;

use self::args::{Company, Connector, Pool, Token, Verb};
use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use crate::app::AppError;
use crate::app::ledger::LedgerApp;

/// Does what a verb says.
pub async fn perform(app: &LedgerApp, verb: Verb, console: &Console) -> Result<Exit, AppError> {
    match verb {
        Verb::Serve => serve::serve(app, console).await,
        Verb::Company { verb: None } => company::list(app, console),
        Verb::Company { verb: Some(Company::Add { name }) } => company::add(app, &name, console),
        Verb::Company { verb: Some(Company::Set(set)) } => company::set(app, *set, console),
        Verb::Pool { company, verb } => {
            let company = company.as_deref();
            match verb {
                None => pool::list(app, company, console),
                Some(Pool::Set(set)) => pool::set(app, company, &set, console),
                Some(Pool::Reduce { pool, seats, at }) => pool::reduce(app, company, (&pool, seats, at), console),
                Some(Pool::Cancel { pool }) => pool::cancel(app, company, &pool, console),
            }
        }
        Verb::Token { company, verb } => {
            let company = company.as_deref();
            match verb {
                None => access::list_tokens(app, company, console),
                Some(Token::Add(add)) => access::add_token(app, company, add, console),
                Some(Token::Remove { id }) => access::remove_token(app, company, &id, console),
            }
        }
        Verb::Connector { company, verb } => {
            let company = company.as_deref();
            match verb {
                None => access::list_connectors(app, company, console),
                Some(Connector::Add { name }) => access::add_connector(app, company, &name, console),
                Some(Connector::Remove { name }) => access::remove_connector(app, company, &name, console),
            }
        }
    }
}

/// Says that it was done.
fn done(console: &Console, sentence: &str) -> Result<Exit, AppError> {
    if !console.spares(true) {
        console.answer(&serde_json::json!({ "ok": true }), |_, page: &mut Page| {
            page.verdict(Tone::Good, "ok", sentence);
        })?;
    }
    Ok(Exit::Done)
}
