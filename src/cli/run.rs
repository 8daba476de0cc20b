//! `run`: the agent, until whoever started it stops it.

use super::exit::Exit;
use super::global::Global;
use super::progress::Foot;
use super::{config_path, signals, start_logging, wait_for};
use crate::app::{App, AppError};
use crate::logging::Voice;
use crate::model::settings::{LogFormat, LogSettings};
use crate::service::Host;

/// What keeps it from starting is logged, too, where nobody reads what is printed.
pub fn run(global: &Global, host: &Host) -> Result<Exit, AppError> {
    let result = opened(global, host);
    if let Err(error) = result.as_ref()
        && host.is_mute
    {
        // Twice where it was the log that could not be set up as the config says.
        let _ = start_logging(&plain(), voice(host), global, &Foot::new(false));
        tracing::error!(name: "agent.does_not_run", problem = %error.in_one_line(), code = error.code.exit(), "The agent does not run.");
    }
    result
}

fn opened(global: &Global, host: &Host) -> Result<Exit, AppError> {
    let app = App::open(&config_path(global))?;
    start_logging(app.log(), voice(host), global, &Foot::new(!global.json && !global.quiet))?;
    app.warn();
    host.manager.starting();
    wait_for(listening(&app, host))?
}

async fn listening(app: &App, host: &Host) -> Result<Exit, AppError> {
    let ears = signals::of_a_service(&host.calls)?;
    let ended = app.run(&host.calls, &*host.manager).await;
    ears.abort();
    ended.map(|()| Exit::Done)
}

const fn voice(host: &Host) -> Voice {
    if host.is_mute { Voice::Service } else { Voice::Agent }
}

fn plain() -> LogSettings {
    LogSettings { format: LogFormat::Auto, level: "info".to_owned() }
}
