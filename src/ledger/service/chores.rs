//! What the service does by itself: reductions that come due, mails, and forgetting what is old.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Failure, Service};
use crate::ledger::mailer::Mailer;

/// Look for reductions and mails this often, where nothing happens.
const TICK: Duration = Duration::from_secs(10);
/// Forget what is old this often.
const FORGET: Duration = Duration::from_hours(1);

/// Does them until `stopping` is set.
pub async fn run(service: Service, mailer: Option<Mailer>, mut stopping: watch::Receiver<bool>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut changes, mut forgot) = (service.changes(), None::<Instant>);
    loop {
        tokio::select! {
            () = stopped(&mut stopping) => return,
            _ = ticks.tick() => {
                // Until something can be saved nothing else is tried; that it cannot, the writer told.
                if service.unsaved().is_some() && service.try_to_save().await.is_err() {
                    continue;
                }
                complain("reductions", service.reduce(service.now()).await);
                if forgot.is_none_or(|then| then.elapsed() >= FORGET) {
                    complain("forgetting what is old", service.forget(service.now()).await);
                    forgot = Some(Instant::now());
                }
            }
            changed = changes.changed(), if mailer.is_some() => {
                if changed.is_err() {
                    return;
                }
            }
        }
        if let Some(mailer) = &mailer {
            mail(&service, mailer, &stopping).await;
        }
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Where nobody can say it any more, it is said.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// All that are due, unless the service stops.
async fn mail(service: &Service, mailer: &Mailer, stopping: &watch::Receiver<bool>) {
    while !*stopping.borrow() {
        match mailer.send_due(service).await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return complain("mails", Err(error)),
        }
    }
}

fn complain(what: &str, result: Result<(), Failure>) {
    if let Err(error) = result {
        tracing::error!(chore = what, %error, "The ledger could not do what it does by itself; it tries again.");
    }
}
