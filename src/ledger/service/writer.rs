//! The thread that writes, and the transactions that its jobs share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use super::Unserved;
use crate::clock;
use crate::ledger::LedgerError;
use crate::ledger::operations::repair;
use crate::ledger::records::{Records, Store};

/// So many may wait before others are turned away.
const WAITING: usize = 4096;
/// So many share a transaction at most,
const TOGETHER: usize = 512;
/// and none is kept open for longer, unless by one job alone: whoever came first waits for the last.
const OPEN: Duration = Duration::from_millis(50);

/// One thing to be written.
pub(super) trait Job: Send {
    /// Does it. What it wrote stays only where this says so.
    fn run(&mut self, records: &dyn Records) -> bool;

    /// Tells whoever asked: what came of it, or that it could not be saved.
    fn answer(self: Box<Self>, unsaved: Option<&LedgerError>);
}

/// Work and whoever waits for it.
pub(super) struct Ask<W, T, E> {
    work: Option<W>,
    /// None where the work broke down.
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<W, T, E> Ask<W, T, E> {
    pub(super) const fn new(work: W, reply: oneshot::Sender<Result<T, E>>) -> Self {
        Self { work: Some(work), result: None, reply }
    }
}

impl<W, T, E> Job for Ask<W, T, E>
where
    W: FnOnce(&dyn Records) -> Result<T, E> + Send,
    T: Send,
    E: From<Unserved> + Send,
{
    fn run(&mut self, records: &dyn Records) -> bool {
        let Some(work) = self.work.take() else { return false };
        // A mistake in one job must not end the thread that does all of them.
        self.result = catch_unwind(AssertUnwindSafe(|| work(records))).ok();
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, unsaved: Option<&LedgerError>) {
        let result = match unsaved {
            None => self.result.unwrap_or_else(|| Err(Unserved::Broken.into())),
            Some(error) => Err(Unserved::Unsaved { reason: error.to_string() }.into()),
        };
        // Nobody may be waiting any more.
        let _ = self.reply.send(result);
    }
}

/// The thread, and the way to it.
pub(super) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    unsaved: watch::Receiver<Option<String>>,
}

impl Writer {
    pub(super) fn start<S: Store + 'static>(store: S, announce: watch::Sender<u64>) -> Result<Self, LedgerError> {
        let (jobs, queue) = mpsc::channel(WAITING);
        let (trouble, unsaved) = watch::channel(None);
        let thread = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || write_all(store, queue, &announce, &trouble))
            .map_err(|source| LedgerError::File { doing: "cannot start the thread that writes".to_owned(), source })?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)), unsaved })
    }

    /// Why the last transaction that had something to write could not be saved. None: it was.
    pub(super) fn unsaved(&self) -> Option<String> {
        self.unsaved.borrow().clone()
    }

    /// Puts a job at the end of the queue.
    pub(super) fn send(&self, job: impl Job + 'static) -> Result<(), Unserved> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match jobs.as_ref().map(|jobs| jobs.try_send(Box::new(job))) {
            Some(Ok(())) => Ok(()),
            Some(Err(mpsc::error::TrySendError::Full(_))) => Err(Unserved::Busy),
            Some(Err(mpsc::error::TrySendError::Closed(_))) | None => Err(Unserved::Stopping),
        }
    }

    /// Takes no more, and returns when all is written.
    pub(super) async fn stop(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && tokio::task::spawn_blocking(move || thread.join().is_ok()).await.ok() != Some(true)
        {
            tracing::error!("The thread that writes the ledger ended before its time.");
        }
    }
}

fn write_all<S: Store>(
    mut store: S,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    announce: &watch::Sender<u64>,
    trouble: &watch::Sender<Option<String>>,
) {
    let mut left = None;
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = vec![first];
        let saved = store.write(|records| share(records, &mut jobs, &mut queue, &mut left));
        tell(&saved, trouble);
        if saved.is_err() {
            left = None;
        }
        for job in jobs {
            job.answer(saved.as_ref().err());
        }
        if saved.is_ok_and(|wrote| wrote) {
            announce.send_modify(|count| *count += 1);
        }
    }
    store.close();
}

/// Tells when it begins that nothing can be saved, and why, when the reason is another one, and when it is over.
fn tell(saved: &Result<bool, LedgerError>, trouble: &watch::Sender<Option<String>>) {
    let now = match saved {
        Err(error) => {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            Some(cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")))
        }
        Ok(true) => None,
        // Where nothing was to be written, nothing is known.
        Ok(false) => return,
    };
    if *trouble.borrow() == now {
        return;
    }
    match &now {
        Some(error) => tracing::error!(
            %error,
            "The ledger cannot be saved: nothing is changed, whoever asks is told to come again, and /readyz says 503. Make \
             room on its disk, or mend what the error names; it is tried again by itself."
        ),
        None => tracing::info!("The ledger can be saved again."),
    }
    trouble.send_replace(now);
}

/// How the writer left the database.
#[derive(Clone, Copy)]
struct Left {
    /// What another connection wrote until then was set right.
    generation: i64,
    told: i64,
}

/// Runs the jobs there are, and those that come meanwhile, each a part of one transaction. Whether any of them wrote.
/// None counts on what another hand left behind.
fn share(
    records: &dyn Records,
    jobs: &mut Vec<Box<dyn Job>>,
    queue: &mut mpsc::Receiver<Box<dyn Job>>,
    left: &mut Option<Left>,
) -> Result<bool, LedgerError> {
    let (begun, mut wrote, mut next) = (Instant::now(), false, 0);
    while let Some(job) = jobs.get_mut(next) {
        // A part that is undone may let another connection in before the next one.
        wrote |= mend(records, left)?;
        records.begin_part()?;
        if job.run(records) {
            records.keep_part()?;
            wrote = true;
        } else {
            records.undo_part()?;
        }
        next += 1;
        if next < TOGETHER
            && begun.elapsed() < OPEN
            && let Ok(another) = queue.try_recv()
        {
            jobs.push(another);
        }
    }
    if let Some(left) = left.as_mut().filter(|_| wrote) {
        left.told = records.events_told()?;
    }
    Ok(wrote)
}

/// Sets right, as a part of its own, what another connection left behind, and tells what that one did not: a verb or an
/// agent of ours tells its changes by events, the sqlite3 shell does not. Whether there was anything.
fn mend(records: &dyn Records, left: &mut Option<Left>) -> Result<bool, LedgerError> {
    let mut wrote = false;
    loop {
        let generation = records.generation()?;
        if left.is_some_and(|left| left.generation == generation) {
            return Ok(wrote);
        }
        let told = records.events_told()?;
        let silent = left.is_some_and(|left| left.told == told);
        records.begin_part()?;
        if repair::all(records, silent, clock::now())? {
            records.keep_part()?;
            wrote = true;
        } else {
            records.undo_part()?;
        }
        *left = Some(Left { generation, told: records.events_told()? });
    }
}
