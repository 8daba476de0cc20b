//! Others write to the same database: an administrator's verb, an agent with the ledger embedded. Whoever waits hears of
//! it as soon as of the service's own writes, and what was done by hand is set right.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::writer::{Job, Writer};
use crate::ledger::LedgerError;
use crate::ledger::records::{Records, Store};

/// Look this often: a number is read, and nothing else.
const LOOK: Duration = Duration::from_millis(200);

/// Tells, until nobody listens, that the database changed by any hand; the writer looks what it was.
pub(super) fn watch<S: Store + 'static>(
    open: Arc<impl Fn() -> Result<S, LedgerError> + Send + Sync + 'static>,
    stirred: watch::Sender<()>,
    writer: Weak<Writer>,
) -> Result<(), LedgerError> {
    let look = move || {
        let (mut store, mut last) = (None::<S>, None);
        while !stirred.is_closed() {
            thread::sleep(LOOK);
            if store.is_none() {
                store = open().ok();
            }
            let seen = store.as_mut().map(|store| store.view(|view| view.generation()));
            match seen {
                // The first time, too: what happened before that look, nobody saw.
                Some(Ok(seen)) if last != Some(seen) => {
                    last = Some(seen);
                    stirred.send_replace(());
                    if let Some(writer) = writer.upgrade() {
                        // Where too many wait, those look.
                        let _ = writer.send(Look);
                    }
                }
                Some(Ok(_)) | None => {}
                // Whoever asks is told why; here it is only looked again.
                Some(Err(_)) => (store, last) = (None, None),
            }
        }
    };
    let started = thread::Builder::new().name("ledger-watch".to_owned()).spawn(look);
    let cannot = |source| LedgerError::File { doing: "cannot start the thread that watches".to_owned(), source };
    started.map(|_| ()).map_err(cannot)
}

/// Nothing to be written: whatever the writer does, it sets right first what another hand left behind.
struct Look;

impl Job for Look {
    fn run(&mut self, _: &dyn Records) -> bool {
        false
    }

    fn answer(self: Box<Self>, _: Option<&LedgerError>) {}
}
