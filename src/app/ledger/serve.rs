//! `ledger serve`: the ledger as an HTTP service, until told to stop.

use std::pin::pin;

use tokio::sync::watch;

use super::{LedgerApp, told};
use crate::agent::{Calls, ServiceManager};
use crate::app::{AppError, Code, listening, needs};
use crate::ledger::http::{Limits, server};
use crate::ledger::mailer::Mailer;
use crate::ledger::service::{Service, chores};
use crate::ledger::store::serving::Serving;
use crate::ledger::{Ledger, LedgerError};
use crate::listen::{self, Connections};
use crate::model::report::Probe;

impl LedgerApp {
    /// Serves the ledger until told to stop; `told_where` hears where, and the service manager that it is ready.
    ///
    /// # Errors
    /// Where the ledger, the certificate or the address cannot be used.
    pub async fn serve(
        &self,
        calls: &Calls,
        manager: &dyn ServiceManager,
        told_where: impl FnOnce(&str),
    ) -> Result<(), AppError> {
        let _serving = self.prepare()?;
        let mailer =
            self.settings.smtp.as_ref().map(Mailer::new).transpose().map_err(|error| {
                AppError::new(Code::Config, "could not set up the sending of mails").caused_by(&error)
            })?;
        let tls = listening::certificate(self.settings.tls.as_ref()).await?;
        let listener = listening::bind(self.settings.listen, "another ledger.listen", "seatsync-ledger")?;
        let address = listener.local_addr().unwrap_or(self.settings.listen);
        let database = self.settings.database.clone();
        let service = Service::start(move || Ledger::open(&database, true), mailer.is_some());
        let service = service.map_err(|error| told(&error))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        told_where(&url);
        manager.ready();
        manager.says(&format!("Serves {} on {url}.", self.settings.database.display()));
        tracing::info!(%url, version = env!("CARGO_PKG_VERSION"), "The ledger serves.");
        let working = tokio::spawn(chores::run(service.clone(), mailer, calls.stopping()));
        let renewing = tokio::spawn(listen::renew(self.settings.tls.clone(), tls.clone(), calls.stopping()));
        let limits = Limits { connections: Connections::of_this_process(), ..Limits::default() };
        let mut serving = pin!(server::serve(listener, tls, service, limits, calls.stopping()));
        let served = tokio::select! {
            served = &mut serving => served,
            () = stopped(calls.stopping()) => {
                manager.stopping(listen::GRACE);
                serving.await
            }
        };
        working.abort();
        renewing.abort();
        tracing::info!("The ledger stopped.");
        served.map_err(|error| AppError::new(Code::Failed, format!("could not serve on {url}")).caused_by(&error))
    }

    /// All that comes before anybody is let in.
    fn prepare(&self) -> Result<Serving, AppError> {
        let (config, absent) = &self.absent;
        needs(config, absent, &["ledger"])?;
        self.begin()?;
        self.recount()?;
        self.claim()
    }

    /// Two services would send each mail twice, and carry out each renewal.
    fn claim(&self) -> Result<Serving, AppError> {
        Serving::claim(&self.settings.database).map_err(|error| match error {
            LedgerError::Served { .. } => AppError::new(Code::Busy, error.to_string())
                .with_next("end that one first; `seatsync ledger pool` and its like work beside it"),
            other => told(&other),
        })
    }

    /// Sets right what a change by hand left behind, before anybody counts on it.
    fn recount(&self) -> Result<(), AppError> {
        let mut ledger = self.ledger(true)?;
        for company in ledger.companies().map_err(|error| told(&error))? {
            ledger.read(&company).map_err(|error| told(&error))?;
        }
        Ok(())
    }

    /// What `check --connect` asks: the database, and the mail server.
    pub async fn probes(&self) -> Vec<Probe> {
        let database = self.recount().map(|()| format!("{} is a ledger", self.settings.database.display()));
        let mut probes = vec![probe("ledger: open the database", database, "nothing can be served")];
        if let Some(smtp) = &self.settings.smtp {
            let answered = match Mailer::new(smtp) {
                Ok(mailer) => mailer.probe().await,
                Err(error) => Err(error.to_string()),
            };
            let answered = answered.map(|()| format!("{}:{} answers", smtp.host, smtp.port));
            let answered = answered.map_err(|reason| AppError::new(Code::Failed, reason));
            probes.push(probe("ledger: reach the mail server", answered, "who gets a seat gets no mail"));
        }
        probes
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // Where nobody can say it any more, it is said.
    let _ = stopping.wait_for(|stop| *stop).await;
}

fn probe(what: &str, found: Result<String, AppError>, lost: &str) -> Probe {
    let (what, ok) = (what.to_owned(), found.is_ok());
    let lost = (!ok).then(|| lost.to_owned());
    let remedy = found.as_ref().err().and_then(|error| error.next.clone());
    Probe { what, ok, message: found.unwrap_or_else(|error| error.message), lost, remedy }
}
