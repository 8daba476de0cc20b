//! The running agent's status page: opened before the agent works, and fed by the loop that works, which waits for nobody.

mod desk;
mod gathering;
mod held;
mod moving;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::desk::Asked;
pub use self::moving::Mover;
use super::answers::{last_good_cycle, last_whole_reads};
use super::{App, AppError, Code, access, listening};
use crate::agent::Pulse;
use crate::clock;
use crate::listen::{self, Connections};
use crate::model::report::{Failing, PAGE_MISSED, Probe};
use crate::model::settings::{Settings, StatusAddress, StatusSettings};
use crate::state::{Lock, Ownership};
use crate::status::{self, Facts, Guard, Sessions, Tally, Window};

/// What else could be named in the config, and what serves the page.
const INSTEAD: &str = "another status.listen (\"off\": no status page)";
const UNIT: &str = "seatsync";

/// What the loop that works hands over after a cycle.
#[derive(Clone)]
pub struct Turn {
    pub settings: Arc<Settings>,
    pub tally: Tally,
    pub next_cycle: Option<Timestamp>,
    /// The last cycles failed.
    pub failing: Option<Failing>,
    /// As in `StatusReport`.
    pub config_problem: Option<String>,
}

/// Ready to be seen: the address is ours.
struct Opened {
    listener: TcpListener,
    tls: Option<RustlsConfig>,
}

/// While it lives, the page is served.
pub struct Showing {
    tasks: Vec<JoinHandle<()>>,
    /// So that the page can be served there by other settings, and nobody is refused meanwhile.
    listener: TcpListener,
    /// As the config says it.
    address: SocketAddr,
    _stop: watch::Sender<bool>,
}

impl Drop for Showing {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl App {
    /// Serves what `turns` bring, in the place of a page `before`, which is there until then. None where the config says so, or
    /// the default address cannot be had.
    ///
    /// # Errors
    /// Where the address that the config names, or the certificate, cannot be used.
    pub(super) async fn show(
        &self,
        turns: watch::Receiver<Turn>,
        pulse: Arc<Pulse>,
        before: Option<&Showing>,
    ) -> Result<Option<Showing>, AppError> {
        let settings = &self.settings.status;
        let (opened, problem) = opened(settings, before).await?;
        if let Some(problem) = problem.as_ref().filter(|problem| pulse.page_problem().as_ref() != Some(*problem)) {
            tracing::error!(%problem, "The agent runs without its status page; name another status.listen, or \"off\".");
        }
        pulse.page_is_missed(problem);
        let Some((listen, Opened { listener, tls })) = opened else { return Ok(None) };
        let cannot =
            |error: &std::io::Error| AppError::new(Code::Failed, "could not keep the address").caused_by(error);
        let kept = listener.try_clone().map_err(|error| cannot(&error))?;
        let address = listener.local_addr().unwrap_or(listen.address);
        let scheme = if tls.is_some() { "https" } else { "http" };
        tracing::info!(url = %format!("{scheme}://{address}"), "The status page is there.");
        let (publish, facts) = watch::channel(None);
        let (stop, stopping) = watch::channel(false);
        let sessions = Sessions::new(tls.is_some())
            .map_err(|error| AppError::new(Code::Failed, "the system has no random numbers").caused_by(&error))?;
        let guard = Guard::new(settings.token.as_ref(), address.ip().is_loopback(), sessions);
        let desk = Arc::new(Asked { config: self.config.clone(), turns: turns.clone(), pulse });
        let window = Window { facts, guard, desk };
        let renewing = tokio::spawn(listen::renew(settings.tls.clone(), tls.clone(), stopping.clone()));
        let gathering = tokio::spawn(gather(self.config.clone(), turns, publish));
        let serving = tokio::spawn(async move {
            if let Err(error) =
                listen::serve(listener, tls, status::router(window), &Connections::default(), stopping).await
            {
                tracing::error!(%error, "The status page cannot be served any more.");
            }
        });
        let tasks = vec![renewing, gathering, serving];
        Ok(Some(Showing { tasks, listener: kept, address: listen.address, _stop: stop }))
    }

    /// What the agent did before this run, as far as it counts.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub(super) fn first_turn(&self) -> Result<Turn, AppError> {
        let state = self.state_beside()?;
        let mut tally = Tally::new(clock::now(), last_good_cycle(&state)?);
        tally.read(last_whole_reads(&state, &self.settings)?.iter());
        Ok(Turn {
            settings: Arc::new(self.settings.clone()),
            tally,
            next_cycle: None,
            failing: None,
            config_problem: None,
        })
    }

    /// What `check` says of the address; where an agent runs, whose it is, what that says of it. Without `connect` nothing where
    /// all is well.
    pub(super) fn status_probe(&self, connect: bool) -> Option<Probe> {
        let listen = self.settings.status.listen?;
        let owner = Lock::ownership(&self.settings.agent.state_dir).unwrap_or(Ownership::Unknown);
        let (found, lost) = if !access::may_listen(&self.config, listen.address.port()) {
            (Err(listening::forbidden(listen.address, INSTEAD, UNIT)), listen.lost_without())
        } else if owner == Ownership::Nobody {
            (bind(listen).map(drop), listen.lost_without())
        } else {
            (Err(self.missed_by(&owner)?), "the page is where it was before, or nowhere")
        };
        let what = "status page: listen".to_owned();
        match found {
            Ok(()) if !connect => None,
            Ok(()) => {
                let message = format!("{} is free", listen.address);
                Some(Probe { what, ok: true, message, lost: None, remedy: None })
            }
            Err(error) => {
                let (message, lost) = (error.in_one_line(), Some(lost.to_owned()));
                Some(Probe { what, ok: !listen.named, message, lost, remedy: error.next })
            }
        }
    }

    /// Why the page of the agent that runs is not where the config says, as that says itself.
    fn missed_by(&self, owner: &Ownership) -> Option<AppError> {
        let Ownership::By(holder) = owner else { return None };
        let heart = self.state_beside().ok()?.heartbeat().ok()??;
        let problem = heart.page_problem.filter(|_| heart.pid == holder.pid)?;
        Some(AppError::new(Code::Failed, format!("{PAGE_MISSED}: {problem}")))
    }
}

impl StatusAddress {
    const fn lost_without(self) -> &'static str {
        if self.named { "the agent does not start" } else { "the agent runs without its status page" }
    }
}

fn bind(listen: StatusAddress) -> Result<TcpListener, AppError> {
    listening::bind(listen.address, INSTEAD, UNIT)
}

/// What is to be served, if anything is; and why not, where the default address cannot be had.
///
/// # Errors
/// As `App::show`.
async fn opened(
    settings: &StatusSettings,
    before: Option<&Showing>,
) -> Result<(Option<(StatusAddress, Opened)>, Option<String>), AppError> {
    let Some(listen) = settings.listen else { return Ok((None, None)) };
    match open(settings, listen, before).await {
        Ok(opened) => Ok((Some((listen, opened)), None)),
        Err(error) if listen.named => Err(error),
        Err(error) => Ok((None, Some(error.in_one_line()))),
    }
}

async fn open(settings: &StatusSettings, listen: StatusAddress, before: Option<&Showing>) -> Result<Opened, AppError> {
    let ours = before.filter(|before| before.address == listen.address);
    let listener = match ours.and_then(|before| before.listener.try_clone().ok()) {
        Some(listener) => listener,
        None => bind(listen)?,
    };
    Ok(Opened { listener, tls: listening::certificate(settings.tls.as_ref()).await? })
}

/// Looks at the state after each turn, beside the loop that works.
async fn gather(config: PathBuf, mut turns: watch::Receiver<Turn>, publish: watch::Sender<Option<Arc<Facts>>>) {
    loop {
        let turn = turns.borrow_and_update().clone();
        let app = App::in_force(&config, (*turn.settings).clone());
        match tokio::task::spawn_blocking(move || app.facts(turn, clock::now())).await {
            Ok(Ok(facts)) => drop(publish.send_replace(Some(Arc::new(facts)))),
            Ok(Err(error)) => {
                tracing::error!(problem = %error.in_one_line(), "The status page shows what was before: the state could not be read.");
            }
            Err(error) => tracing::error!(%error, "The status page shows what was before."),
        }
        if turns.changed().await.is_err() {
            return;
        }
    }
}
