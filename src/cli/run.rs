//! `run`: the agent in the foreground, until a signal.

use std::io;
use std::sync::Arc;

use super::exit::Exit;
use crate::agent::Calls;
use crate::app::{App, AppError, Code};
use crate::service;

pub async fn run(app: &App) -> Result<Exit, AppError> {
    let signals = signals()?;
    let calls = Arc::new(Calls::default());
    // On a thread of their own, so that they are heard while a long computation runs.
    let ears = tokio::spawn(signals.pass_on(Arc::clone(&calls)));
    let ended = app.run(&calls, &*service::manager()).await;
    ears.abort();
    ended.map(|()| Exit::Done)
}

/// What the system may ask of a program that runs on and on.
pub fn signals() -> Result<Signals, AppError> {
    Signals::listen().map_err(|error| {
        AppError::new(Code::Failed, "could not listen for the signals that stop the program").caused_by(&error)
    })
}

/// The ways in which this system asks a program to stop, or to take its config anew.
#[cfg(unix)]
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Until told to stop.
    pub async fn pass_on(mut self, calls: Arc<Calls>) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => break,
                _ = self.terminate.recv() => break,
                _ = self.hang_up.recv() => calls.reload(),
            }
        }
        tracing::info!("Asked to stop.");
        calls.stop();
    }
}

/// The ways in which this system asks a program to stop.
#[cfg(windows)]
pub struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    pause: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self { interrupt: ctrl_c()?, pause: ctrl_break()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    /// Until told to stop.
    pub async fn pass_on(mut self, calls: Arc<Calls>) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.pause.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
        tracing::info!("Asked to stop.");
        calls.stop();
    }
}
