//! Reading: beside the writer, each reader with a store of its own.

use std::sync::{Arc, Mutex, PoisonError};

use crate::ledger::LedgerError;
use crate::ledger::records::{Store, View};

/// So many read at once; more wait for one of them.
const READERS: usize = 4;

/// What is to be read: told why it cannot be, where that is so.
pub(super) type Question = Box<dyn FnOnce(Result<&dyn View, LedgerError>) + Send>;

/// Whoever answers questions.
pub(super) trait Readers: Send + Sync {
    fn send(&self, question: Question);
}

/// A few stores, opened when they are needed and kept.
struct Pool<S> {
    open: Box<dyn Fn() -> Result<S, LedgerError> + Send + Sync>,
    idle: Mutex<Vec<S>>,
    turns: tokio::sync::Semaphore,
}

pub(super) fn pool<S: Store + 'static>(
    open: impl Fn() -> Result<S, LedgerError> + Send + Sync + 'static,
) -> Arc<dyn Readers> {
    let pool = Pool { open: Box::new(open), idle: Mutex::default(), turns: tokio::sync::Semaphore::new(READERS) };
    Arc::new(Arc::new(pool))
}

impl<S: Store + 'static> Readers for Arc<Pool<S>> {
    fn send(&self, question: Question) {
        let pool = Self::clone(self);
        tokio::spawn(async move {
            let Ok(_turn) = pool.turns.acquire().await else { return };
            let reading = Self::clone(&pool);
            // A reader that broke down answers nobody, and whoever asked is told so.
            let _ = tokio::task::spawn_blocking(move || reading.answer(question)).await;
        });
    }
}

impl<S: Store> Pool<S> {
    fn answer(&self, question: Question) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut store = match idle.map_or_else(&self.open, Ok) {
            Ok(store) => store,
            Err(error) => return question(Err(error)),
        };
        let mut question = Some(question);
        let read = store.view(|view| {
            if let Some(question) = question.take() {
                question(Ok(view));
            }
            Ok(())
        });
        match (read, question) {
            (Err(error), Some(question)) => question(Err(error)),
            _ => self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(store),
        }
    }
}
