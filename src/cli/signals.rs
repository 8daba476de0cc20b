//! The ways in which the system asks a program to stop, or to take its config anew.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;

use super::exit::Exit;
use crate::agent::Calls;
use crate::app::{AppError, Code};

/// What a program that runs on and on listens to, passed on until it is asked to stop.
pub fn of_a_service(calls: &Arc<Calls>) -> Result<tokio::task::JoinHandle<()>, AppError> {
    let mut stops = Stops::listen().map_err(|error| deaf(&error))?;
    let mut hang_ups = HangUps::listen().map_err(|error| deaf(&error))?;
    let calls = Arc::clone(calls);
    // On a thread of their own, so that they are heard while a long computation runs.
    Ok(tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stops.next() => break,
                () = hang_ups.next() => calls.reload(),
            }
        }
        tracing::info!(name: "agent.asked_to_stop", "Asked to stop.");
        calls.stop();
    }))
}

/// Tells a verb when to stop: it ends after what it has in hand. Who asks again ends it at once, which loses nothing
/// either: the next cycle asks how what was sent has ended.
pub fn of_a_verb() -> Result<watch::Receiver<bool>, AppError> {
    let mut stops = Stops::listen().map_err(|error| deaf(&error))?;
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        stops.next().await;
        tracing::warn!("Asked to stop: it ends after the changes in hand. Ask again to end it at once.");
        stop.send_replace(true);
        stops.next().await;
        tracing::warn!("Ended at once; the next cycle finds out how the changes in hand have ended.");
        std::process::exit(Exit::Partial.code().into());
    });
    Ok(stopping)
}

fn deaf(error: &io::Error) -> AppError {
    AppError::new(Code::Failed, "could not listen for the signals that stop the program").caused_by(error)
}

#[cfg(unix)]
struct Stops {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stops {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// SIGHUP: take the config anew.
#[cfg(unix)]
struct HangUps(tokio::signal::unix::Signal);

#[cfg(unix)]
impl HangUps {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::hangup())?))
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(windows)]
struct Stops {
    interrupt: tokio::signal::windows::CtrlC,
    pause: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Stops {
    fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self { interrupt: ctrl_c()?, pause: ctrl_break()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.pause.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}

/// Windows has no such signal.
#[cfg(windows)]
struct HangUps;

#[cfg(windows)]
impl HangUps {
    #[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}
