//! A disk that takes nothing more: whoever writes is told to come again, whoever watches the service sees it, and it passes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::StatusCode;
use seatsync::ledger::http::Limits;
use seatsync::ledger::records::{Records, Store, View};
use seatsync::ledger::{Ledger, LedgerError};
use serde_json::json;

use crate::harness::Served;

/// A ledger whose disk can be full.
struct Confined {
    ledger: Ledger,
    full: Arc<AtomicBool>,
}

impl Store for Confined {
    fn view<T>(&mut self, work: impl FnOnce(&dyn View) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        self.ledger.view(work)
    }

    fn write<T>(&mut self, work: impl FnOnce(&dyn Records) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        if self.full.load(Ordering::Relaxed) {
            let doing = "saving a transaction failed in the ledger".to_owned();
            return Err(LedgerError::File { doing, source: io::ErrorKind::StorageFull.into() });
        }
        self.ledger.write(work)
    }

    fn close(self) {
        self.ledger.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_can_be_saved_it_is_not_ready_and_by_itself_it_is_again() {
    let full = Arc::new(AtomicBool::new(false));
    let disk = Arc::clone(&full);
    let open =
        move |path: &std::path::Path| Ok(Confined { ledger: Ledger::open(path, true)?, full: Arc::clone(&disk) });
    let ledger = Served::start_on(false, Limits::default(), open).await;
    ledger.pool("a", 5).await;
    let ready = || ledger.get("", "/readyz");
    assert_eq!(ready().await.status, StatusCode::OK);
    full.store(true, Ordering::Relaxed);
    let profile = json!({ "user_name": "ann", "email": "ann@corp.example" });
    for _ in 0..3 {
        assert_eq!(ledger.make("accounts/by-external-id/x", &profile).await.problem(), "503 unavailable");
    }
    let refused = ready().await;
    assert_eq!(refused.problem(), "503 unavailable");
    assert!(refused.body["detail"].as_str().unwrap().contains("is its disk full?"), "{refused:?}");
    assert_eq!(ledger.counts("a").await, (5, 0, 0), "what can be read is read");
    ledger.service.try_to_save().await.unwrap_err();
    assert_eq!(ready().await.problem(), "503 unavailable");
    full.store(false, Ordering::Relaxed);
    ledger.service.try_to_save().await.unwrap();
    assert_eq!(ready().await.status, StatusCode::OK);
    ledger.make("accounts/by-external-id/x", &profile).await.good();
}
