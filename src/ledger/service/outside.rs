//! Others write to the same database: an administrator's verb, an agent with the ledger embedded. Whoever waits hears of
//! it as soon as of the service's own writes.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::ledger::LedgerError;
use crate::ledger::records::Store;

/// Look this often: a number is read, and nothing else.
const LOOK: Duration = Duration::from_millis(200);

/// Tells, until nobody listens, that the database changed by any hand.
pub(super) fn watch<S: Store + 'static>(
    open: Arc<impl Fn() -> Result<S, LedgerError> + Send + Sync + 'static>,
    stirred: watch::Sender<()>,
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
                Some(Ok(seen)) if last != Some(seen) => {
                    if last.replace(seen).is_some() {
                        stirred.send_replace(());
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
