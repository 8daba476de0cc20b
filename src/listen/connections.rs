//! Who may be connected: not more than there is room for, and nobody who says nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Kept free of the descriptors of the process, or half of them where they are so few: for databases, certificates, mails.
const SPARED: u64 = 128;
/// Each connection costs memory, too.
const MOST: u64 = 16 * 1024;

/// How many may be connected, and for how long one may keep silent.
#[derive(Clone, Debug)]
pub struct Connections {
    most: usize,
    /// The first request must have come whole, but for its body, within this time: of the connection, and of TLS.
    silence: Duration,
}

impl Connections {
    #[must_use]
    pub const fn new(most: usize, silence: Duration) -> Self {
        Self { most, silence }
    }

    /// As many as this process may have, after it took what the system lets it take.
    #[must_use]
    pub fn of_this_process() -> Self {
        let room = descriptors().map_or(MOST, |all| all.saturating_sub(SPARED).max(all / 2).min(MOST));
        Self { most: usize::try_from(room).unwrap_or(usize::MAX), ..Self::default() }
    }

    pub(super) const fn silence(&self) -> Duration {
        self.silence
    }

    /// Whoever had an answer may ask again, in the same way, within this time.
    pub(super) fn rest(&self) -> Duration {
        self.silence * 3
    }

    pub(super) fn door(&self) -> Door {
        Door { most: self.most, free: Arc::new(Semaphore::new(self.most)), full: Arc::default() }
    }
}

/// For a page that a few people look at.
impl Default for Connections {
    fn default() -> Self {
        Self { most: 256, silence: Duration::from_secs(10) }
    }
}

/// Raises what this process may open to the most that it may allow itself, and says how much that is. None where nothing
/// is counted.
#[cfg(unix)]
fn descriptors() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::debug!(%error, "The limit of open files stays as it is.");
            current
        }
    }
}

#[cfg(not(unix))]
const fn descriptors() -> Option<u64> {
    None
}

/// Lets in whom there is a place for.
#[derive(Clone, Debug)]
pub(super) struct Door {
    most: usize,
    free: Arc<Semaphore>,
    /// It was told that there is no place.
    full: Arc<AtomicBool>,
}

impl Door {
    fn place(&self) -> io::Result<OwnedSemaphorePermit> {
        let Ok(place) = Arc::clone(&self.free).try_acquire_owned() else {
            if !self.full.swap(true, Ordering::Relaxed) {
                tracing::error!(
                    connections = self.most,
                    "As many are connected as there is room for; others are turned away until some leave. Look who holds the \
                     connections (`ss -tn`); if all of them are needed, let the service open more files (systemd: \
                     LimitNOFILE=, at most 16384 connections are taken)."
                );
            }
            return Err(io::Error::other("there is no place for another connection"));
        };
        // Not with the first that leaves: at the brink it would be told without end.
        if self.free.available_permits() > self.most / 4 && self.full.swap(false, Ordering::Relaxed) {
            tracing::info!(connections = self.most, "There is room for connections again.");
        }
        Ok(place)
    }
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Placed;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Placed, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        std::future::ready(self.place().map(|place| (Placed { stream, _place: place }, service)))
    }
}

/// A connection, and the place that it has until it ends.
#[derive(Debug)]
pub(super) struct Placed {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Placed {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Placed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
