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
use super::words;
use crate::app::AppError;
use crate::app::ledger::{LedgerApp, nearest_of};

/// Does what a verb says.
pub async fn perform(app: &LedgerApp, verb: Verb, console: &Console) -> Result<Exit, AppError> {
    if !matches!(verb, Verb::Pool { verb: None | Some(Pool::Remove { .. }), .. }) {
        app.is_of_its_own()?;
    }
    match verb {
        Verb::Serve => serve::serve(app, console).await,
        Verb::Company { verb: None } => company::list(app, console),
        Verb::Company { verb: Some(Company::Add { name }) } => company::add(app, &name, console),
        Verb::Company { verb: Some(Company::Set(set)) } => company::set(app, *set, console),
        Verb::Company { verb: Some(Company::Remove { name }) } => company::remove(app, &name, console),
        Verb::Pool { company, verb } => {
            let company = company.as_deref();
            match verb {
                None => pool::list(app, company, console),
                Some(Pool::Set(set)) => pool::set(app, company, &set, console),
                Some(Pool::Reduce { pool, seats, at }) => pool::reduce(app, company, (&pool, seats, at), console),
                Some(Pool::Cancel { pool }) => pool::cancel(app, company, &pool, console),
                Some(Pool::Remove { pool }) => pool::remove(app, company, &pool, console),
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

/// What was made that was not there: one that nobody meant to make is seen at once.
fn made(what: &str, name: &str, others: &[String], page: &mut Page) {
    let beside = if others.is_empty() { "the first".to_owned() } else { format!("beside {}", few(others)) };
    let near = nearest_of(others.iter().map(String::as_str), name);
    let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    let tone = if near.is_some() { Tone::Warn } else { Tone::Good };
    page.verdict(tone, "new", &format!("{what} {name} was not there and is made, {beside}{meant}"));
    if near.is_some() {
        page.command("take it back", &format!("ledger {what} remove {name}"));
    }
}

/// Three of them, and how many more there are.
fn few(names: &[String]) -> String {
    let shown = names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=3 => shown,
        count => format!("{shown} and {} more", words::number((count - 3) as u64)),
    }
}
