//! The command line: one file a verb, and the only place that prints.

mod approval;
mod args;
mod check;
mod clean;
mod confirm;
mod console;
mod exit;
mod explain;
mod global;
mod help;
mod history;
mod html;
mod init;
mod ledger;
mod page;
mod parts;
mod pending;
mod plan;
mod planned;
mod progress;
mod relink;
mod run;
mod secret;
mod service;
mod shell;
mod signals;
mod status;
mod support_bundle;
mod sync;
mod table;
mod tone;
mod usage;
mod users;
mod words;

use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use self::args::{Cli, Verb};
use self::console::Console;
use self::exit::Exit;
use self::global::Global;
use self::progress::Foot;
use crate::app::init::InitOptions;
use crate::app::ledger::LedgerApp;
use crate::app::{App, AppError, Code, UserFilter};
use crate::clock;
use crate::logging::{self, Verbosity, Voice};
use crate::model::settings::{LogFormat, LogSettings};

/// So long a thread may need to end after the work is done.
const LINGER: Duration = Duration::from_secs(1);

/// Does what the arguments say, and says how the process should end. Every error is printed here, once.
#[must_use]
pub fn main(arguments: &[OsString]) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage::answer(error, arguments),
    };
    let console = Console::new(&cli.global, arguments);
    if matches!(cli.verb, Verb::Run) {
        return crate::service::host(Box::new(move |host| ended(run::run(&cli.global, host), &console))).into();
    }
    ended(perform(cli, &console), &console).into()
}

/// The exit code; an error is printed.
fn ended(result: Result<Exit, AppError>, console: &Console) -> u8 {
    match result {
        Ok(exit) => exit.code(),
        Err(error) => {
            console.fail(&error);
            error.code.exit()
        }
    }
}

fn perform(cli: Cli, console: &Console) -> Result<Exit, AppError> {
    let config = config_path(&cli.global);
    let foot = Foot::new(!console.json && !console.quiet);
    match cli.verb {
        Verb::Completions { shell } => return shell::completions(shell),
        Verb::ConfigSchema => return shell::config_schema(),
        Verb::Man { all: Some(folder), .. } => return shell::all_man_pages(&folder),
        Verb::Man { command, all: None } => return shell::man(command.as_deref()),
        Verb::Check { connect } => {
            plain_logging("warn", &cli.global, &foot)?;
            let report = wait_for(async { App::check(&config, connect, &foot.bar()).await })?;
            return check::check(&report, console);
        }
        Verb::SupportBundle(asked) => {
            plain_logging("error", &cli.global, &foot)?;
            let (options, bar) = (asked.into(), foot.bar());
            let made = wait_for(async { App::support_bundle(&config, &options, clock::now(), &bar).await })??;
            return support_bundle::tell(&made, console);
        }
        Verb::Init { answers, force, anyway } => {
            plain_logging("warn", &cli.global, &foot)?;
            let options = InitOptions { config, answers, force, anyway };
            return wait_for(init::init(&options, console, &foot))?;
        }
        Verb::Secret { verb } => return secret::perform(&verb, &config, console),
        Verb::Service { verb } => return service::perform(verb, &cli.global, console),
        Verb::Ledger { verb } => return with_ledger(&config, verb, &cli.global, console, &foot),
        _ => {}
    }
    let app = match App::open(&config) {
        Err(problem) if matches!(cli.verb, Verb::Status) => {
            return status::despite(&problem, &config, clock::now(), console);
        }
        opened => opened?,
    };
    start_logging(app.log(), Voice::Verb, &cli.global, &foot)?;
    app.warn();
    with_app(&app, cli.verb, console, &foot)
}

fn with_ledger(
    config: &Path,
    verb: ledger::args::Verb,
    global: &Global,
    console: &Console,
    foot: &Foot,
) -> Result<Exit, AppError> {
    let app = LedgerApp::open(config)?;
    let voice = if matches!(verb, ledger::args::Verb::Serve) { Voice::Agent } else { Voice::Verb };
    start_logging(app.log(), voice, global, foot)?;
    app.warn();
    wait_for(ledger::perform(&app, verb, console))?
}

fn with_app(app: &App, verb: Verb, console: &Console, foot: &Foot) -> Result<Exit, AppError> {
    match verb {
        Verb::Sync { full } => wait_for(sync::sync(app, full, console, foot))?,
        Verb::Plan(asked) => wait_for(plan::plan(app, &asked, console, foot))?,
        Verb::Confirm { fingerprint } => wait_for(confirm::confirm(app, &fingerprint, clock::now(), console))?,
        Verb::Status => status::status(app, clock::now(), console),
        Verb::Users { state, pool } => users::users(app, &UserFilter { state: state.map(Into::into), pool }, console),
        Verb::Explain { user } => wait_for(explain::explain(app, &user, console))?,
        Verb::Pending { pool, decision: None } => pending::list(app, pool.as_deref(), console),
        Verb::Pending { pool, decision: Some(decision) } => {
            wait_for(pending::decide(app, &decision, pool.as_deref(), console))?
        }
        Verb::Relink { old, new } => wait_for(relink::relink(app, old, new, console))?,
        Verb::History => history::history(app, console),
        // Done without an app, before.
        Verb::Run
        | Verb::Init { .. }
        | Verb::Check { .. }
        | Verb::Secret { .. }
        | Verb::SupportBundle(_)
        | Verb::Service { .. }
        | Verb::Ledger { .. }
        | Verb::Completions { .. }
        | Verb::ConfigSchema
        | Verb::Man { .. } => Ok(Exit::Done),
    }
}

/// Runs what may wait. Verbs that only look at the state need no runtime and make none.
fn wait_for<T>(work: impl Future<Output = T>) -> Result<T, AppError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| AppError::new(Code::Failed, "could not start the threads to work with").caused_by(&error))?;
    let done = runtime.block_on(work);
    // What still blocks a thread, such as a name server that does not answer, is waited for by nobody.
    runtime.shutdown_timeout(LINGER);
    Ok(done)
}

/// Of a verb that has no config, or none that must be right.
fn plain_logging(level: &str, global: &Global, foot: &Foot) -> Result<(), AppError> {
    start_logging(&LogSettings { format: LogFormat::Text, level: level.to_owned() }, Voice::Verb, global, foot)
}

fn start_logging(settings: &LogSettings, voice: Voice, global: &Global, foot: &Foot) -> Result<(), AppError> {
    let verbosity = Verbosity::of(global.quiet, global.verbose);
    logging::init(settings, voice, verbosity, foot.clone())
        .map_err(|error| AppError::new(Code::Config, "could not set up logging").caused_by(&error))
}

/// The path given, or the place where a package puts the config.
fn config_path(global: &Global) -> PathBuf {
    global.config.clone().unwrap_or_else(crate::app::default_config)
}
