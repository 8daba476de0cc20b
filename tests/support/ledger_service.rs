//! A ledger that is served in this process, and the companies in it.

use std::path::Path;

use seatsync::clock::{self, Clock};
use seatsync::ledger::http::{Limits, server};
use seatsync::ledger::operations::{Desk, Manner, companies};
use seatsync::ledger::records::{Records, Role, Store as _};
use seatsync::ledger::secret::{self, Purpose};
use seatsync::ledger::service::Service;
use seatsync::ledger::{Ledger, LedgerError};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// It ends on drop.
#[derive(Debug)]
pub struct LedgerService {
    pub port: u16,
    stop: watch::Sender<bool>,
}

impl LedgerService {
    /// Serves the ledger at a path, which is there, on a port of its own.
    pub fn start(path: &Path, runtime: &Runtime) -> Self {
        Self::start_by(path, runtime, Clock::default())
    }

    /// The same by another clock.
    pub fn start_by(path: &Path, runtime: &Runtime, clock: Clock) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopping) = watch::channel(false);
        let path = path.to_owned();
        let service = Service::start(move || Ledger::open(&path, true), false).unwrap().with_clock(clock);
        runtime
            .spawn(async move { server::serve(listener, None, service, Limits::default(), stopping).await.unwrap() });
        Self { port, stop }
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for LedgerService {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// A company with a token of each role: admin, approver, connector; the connector is called `main`. The first company makes
/// the ledger.
pub fn furnish(path: &Path, company: &str) -> [String; 3] {
    let mut ledger = Ledger::open(path, false).unwrap();
    ledger.company(company, false).unwrap();
    let now = clock::now();
    let token = |role, connector: Option<&str>| {
        let purpose = Purpose { role, connector: connector.map(Into::into), label: "test".to_owned(), expires: None };
        secret::make(&company.into(), purpose, now).unwrap()
    };
    let (admin, shown_admin) = token(Role::Admin, None);
    let (approver, shown_approver) = token(Role::Approver, None);
    let (connector, shown_connector) = token(Role::Connector, Some("main"));
    let add = |records: &dyn Records| {
        let desk = Desk { records, company, now, manner: Manner::Served { mails: false } };
        companies::add_token(&desk, &admin)?;
        companies::add_token(&desk, &approver)?;
        companies::add_connector(&desk, &"main".into(), &connector)?;
        Ok::<_, LedgerError>(())
    };
    ledger.write(add).unwrap();
    [shown_admin, shown_approver, shown_connector]
}
