//! `ledger serve`: until a signal.

use crate::app::AppError;
use crate::app::ledger::LedgerApp;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::page::Page;
use crate::cli::signals;
use crate::service::Host;

pub async fn serve(app: &LedgerApp, console: &Console) -> Result<Exit, AppError> {
    let host = Host::of_this_process();
    let ears = signals::of_a_service(&host.calls)?;
    let listening = |url: &str| {
        let told = serde_json::json!({ "listening": url });
        // A reader who left is told nothing; the ledger serves all the same.
        let _ = console.answer(&told, |_, page: &mut Page| page.line(format!("The ledger listens on {url}.")));
    };
    let ended = app.serve(&host.calls, &*host.manager, listening).await;
    ears.abort();
    ended.map(|()| Exit::Done)
}
