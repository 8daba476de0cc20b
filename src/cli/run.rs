//! `run`: the agent in the foreground, until a signal.

use std::io;

use super::exit::Exit;
use crate::app::{App, AppError, Code};

pub async fn run(app: &App) -> Result<Exit, AppError> {
    let stop = Stop::listen().map_err(|error| {
        AppError::new(Code::Failed, "could not listen for the signals that stop the agent").caused_by(&error)
    })?;
    app.run(stop.asked()).await?;
    Ok(Exit::Done)
}

/// The ways in which this system asks a program to stop.
#[cfg(unix)]
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn asked(mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => break,
                _ = self.terminate.recv() => break,
                // Every cycle reads the config anew: nothing more is to be done.
                _ = self.hang_up.recv() => tracing::info!("The config is read again with the next cycle."),
            }
        }
        tracing::info!("Asked to stop.");
    }
}

/// The ways in which this system asks a program to stop.
#[cfg(windows)]
struct Stop {
    interrupt: tokio::signal::windows::CtrlC,
    pause: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Stop {
    fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self { interrupt: ctrl_c()?, pause: ctrl_break()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    async fn asked(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.pause.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
        tracing::info!("Asked to stop.");
    }
}
