//! The service control manager of Windows: what it is told, and what it asks.

pub mod manage;

use std::ffi::OsString;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use windows_service::define_windows_service;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{ServiceControlHandlerResult, ServiceStatusHandle, register};
use windows_service::service_dispatcher;

use super::{Host, NAME, Work};
use crate::agent::{Calls, GRACE, ServiceManager};

/// A step of the start takes less: the longest brings a big state or ledger to a new schema.
const STEP: Duration = Duration::from_mins(2);

/// A sign of life this often while the end takes its time.
const SIGN: Duration = Duration::from_secs(3);

/// What the service is to do, from `host` to the thread that Windows starts for it; and the exit code, back.
static WORK: Mutex<Option<Work>> = Mutex::new(None);
static ENDED: OnceLock<u8> = OnceLock::new();

define_windows_service!(service_main, perform);

/// Does the work as the service that Windows started, or in the foreground where a person did.
pub fn host(work: Work) -> u8 {
    *WORK.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
    // Ends when the service has; at once, and without a thread, where no service manager listens.
    let dispatched = service_dispatcher::start(NAME, service_main);
    let left = WORK.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (dispatched, left) {
        (Err(_), Some(work)) => work(&Host::of_this_process()),
        _ => ENDED.get().copied().unwrap_or(1),
    }
}

fn perform(_arguments: Vec<OsString>) {
    let Some(work) = WORK.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let (scm, calls) = (Arc::new(Scm::new()), Arc::new(Calls::default()));
    let handle = {
        let (scm, calls) = (Arc::clone(&scm), Arc::clone(&calls));
        register(NAME, move |control| hear(&scm, &calls, &control))
    };
    // Nobody can be told that Windows does not let us tell it anything: the start fails by its time limit.
    let Ok(handle) = handle else { return };
    let _ = scm.handle.set(handle);
    scm.starting();
    // Nobody sees stderr.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(name: "agent.mistake", %panic, "A mistake of the program.");
    }));
    let told = Arc::clone(&scm);
    let code = work(&Host { manager: Box::new(Told(told)), calls, is_mute: true });
    let _ = ENDED.set(code);
    scm.ended(code);
}

/// What Windows asks. The answer is given at once; the agent does what was asked in its own time.
fn hear(scm: &Scm, calls: &Calls, control: &ServiceControl) -> ServiceControlHandlerResult {
    match control {
        ServiceControl::Stop | ServiceControl::Preshutdown => {
            tracing::info!(name: "agent.asked_to_stop", control = ?control, "Asked to stop.");
            scm.stopping(GRACE);
            calls.stop();
        }
        ServiceControl::ParamChange => calls.reload(),
        ServiceControl::Interrogate => {}
        _ => return ServiceControlHandlerResult::NotImplemented,
    }
    ServiceControlHandlerResult::NoError
}

/// Where the service stands, as Windows was last told.
#[derive(Clone, Copy, Debug)]
struct At {
    state: ServiceState,
    /// Counts the signs of life within one pending state.
    checkpoint: u32,
    /// The next sign of life comes before this has passed.
    hint: Duration,
    exit: ServiceExitCode,
    told: Instant,
}

impl At {
    fn status(&self) -> ServiceStatus {
        let accepts = match self.state {
            ServiceState::Running => {
                ServiceControlAccept::STOP | ServiceControlAccept::PRESHUTDOWN | ServiceControlAccept::PARAM_CHANGE
            }
            _ => ServiceControlAccept::empty(),
        };
        ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: self.state,
            controls_accepted: accepts,
            exit_code: self.exit,
            checkpoint: self.checkpoint,
            wait_hint: self.hint,
            process_id: None,
        }
    }

    /// A pending state: another one begins with its first sign of life, the same one goes on.
    fn pend(&mut self, state: ServiceState, hint: Duration) {
        self.checkpoint = if self.state == state { self.checkpoint + 1 } else { 1 };
        self.state = state;
        self.hint = hint;
    }

    /// A state without a limit.
    fn rest(&mut self, state: ServiceState) {
        self.state = state;
        self.checkpoint = 0;
        self.hint = Duration::ZERO;
    }
}

/// What Windows is told of this process.
struct Scm {
    handle: OnceLock<ServiceStatusHandle>,
    at: Mutex<At>,
}

impl Scm {
    fn new() -> Self {
        let at = At {
            state: ServiceState::StartPending,
            checkpoint: 0,
            hint: Duration::ZERO,
            exit: ServiceExitCode::NO_ERROR,
            told: Instant::now(),
        };
        Self { handle: OnceLock::new(), at: Mutex::new(at) }
    }

    /// Tells Windows, where there is a change to tell.
    fn tell(&self, change: impl FnOnce(&mut At) -> bool) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if !change(&mut at) {
            return;
        }
        at.told = Instant::now();
        if let Some(Err(error)) = self.handle.get().map(|handle| handle.set_service_status(at.status())) {
            tracing::warn!(%error, "Windows could not be told how things stand.");
        }
    }

    fn starting(&self) {
        self.tell(|at| {
            let starts = at.state == ServiceState::StartPending;
            if starts {
                at.pend(ServiceState::StartPending, STEP);
            }
            starts
        });
    }

    fn ready(&self) {
        self.tell(|at| {
            let starts = at.state == ServiceState::StartPending;
            if starts {
                at.rest(ServiceState::Running);
            }
            starts
        });
    }

    fn stopping(&self, grace: Duration) {
        self.tell(|at| {
            // A moment more than the grace, for what is closed after it.
            at.pend(ServiceState::StopPending, grace + Duration::from_secs(5));
            true
        });
    }

    fn alive(&self) {
        self.tell(|at| {
            let due = at.state == ServiceState::StopPending && at.told.elapsed() >= SIGN;
            if due {
                at.checkpoint += 1;
            }
            due
        });
    }

    /// The last that Windows hears. A code other than 0 counts as a failure, after which the recovery actions follow.
    fn ended(&self, code: u8) {
        self.tell(|at| {
            at.rest(ServiceState::Stopped);
            if code != 0 {
                at.exit = ServiceExitCode::ServiceSpecific(code.into());
            }
            true
        });
    }
}

/// The agent's view of the service manager.
struct Told(Arc<Scm>);

impl ServiceManager for Told {
    fn starting(&self) {
        self.0.starting();
    }

    fn ready(&self) {
        self.0.ready();
    }

    fn alive(&self) {
        self.0.alive();
    }

    /// Windows knows no such state.
    fn reloading(&self) {}

    fn stopping(&self, grace: Duration) {
        self.0.stopping(grace);
    }

    /// Windows has no place for a sentence; the Event Log has.
    fn says(&self, _sentence: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(scm: &Scm) -> (ServiceState, u32, bool) {
        let status = scm.at.lock().unwrap().status();
        (status.current_state, status.checkpoint, status.controls_accepted.contains(ServiceControlAccept::PARAM_CHANGE))
    }

    #[test]
    fn windows_hears_of_every_step_from_the_start_to_the_end() {
        let (scm, calls) = (Scm::new(), Calls::default());
        scm.starting();
        assert_eq!(told(&scm), (ServiceState::StartPending, 1, false));
        scm.starting();
        assert_eq!(told(&scm), (ServiceState::StartPending, 2, false));
        scm.ready();
        assert_eq!(told(&scm), (ServiceState::Running, 0, true));
        scm.starting();
        assert_eq!(told(&scm), (ServiceState::Running, 0, true));
        hear(&scm, &calls, &ServiceControl::Stop);
        assert_eq!(told(&scm), (ServiceState::StopPending, 1, false));
        assert!(*calls.stopping().borrow());
        scm.alive();
        assert_eq!(told(&scm), (ServiceState::StopPending, 1, false), "a sign of life is not due yet");
        scm.at.lock().unwrap().told = Instant::now().checked_sub(SIGN).unwrap();
        scm.alive();
        assert_eq!(told(&scm), (ServiceState::StopPending, 2, false));
        scm.ready();
        assert_eq!(told(&scm).0, ServiceState::StopPending, "a reload in hand ends while the service stops");
        scm.ended(0);
        assert_eq!(told(&scm), (ServiceState::Stopped, 0, false));
    }

    #[test]
    fn a_shutdown_of_the_system_stops_the_agent_as_a_stop_does() {
        let (scm, calls) = (Scm::new(), Calls::default());
        scm.ready();
        assert!(scm.at.lock().unwrap().status().controls_accepted.contains(ServiceControlAccept::PRESHUTDOWN));
        hear(&scm, &calls, &ServiceControl::Preshutdown);
        assert!(*calls.stopping().borrow());
        assert_eq!(told(&scm).0, ServiceState::StopPending);
    }

    #[test]
    fn a_failure_is_told_with_the_exit_code_and_a_stop_that_was_asked_for_is_none() {
        for (code, exit) in [(0, ServiceExitCode::NO_ERROR), (2, ServiceExitCode::ServiceSpecific(2))] {
            let scm = Scm::new();
            scm.ended(code);
            assert_eq!(scm.at.lock().unwrap().status().exit_code, exit);
        }
    }

    #[test]
    fn what_is_not_known_is_not_done() {
        let answer = hear(&Scm::new(), &Calls::default(), &ServiceControl::Pause);
        assert!(matches!(answer, ServiceControlHandlerResult::NotImplemented));
    }
}
