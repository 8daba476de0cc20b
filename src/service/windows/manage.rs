//! Installing, setting up and removing the service.

mod folders;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use thiserror::Error;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceExitCode,
    ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceSidType, ServiceStartType, ServiceState,
    ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use crate::agent::GRACE;
use crate::service::{Install, NAME, Standing, State};
use crate::windows::{account, eventlog};

/// The account of its own that Windows makes for the service.
const VIRTUAL_ACCOUNT: &str = r"NT SERVICE\seatsync";

const DISPLAY_NAME: &str = "Seatsync directory agent";
const DESCRIPTION: &str = "Gives the directory's people their seats. `seatsync status` says how it stands.";

/// The pause before each restart; the last one repeats. A day without a failure begins anew.
const RESTARTS: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_mins(5)];
const FORGET: Duration = Duration::from_hours(24);

/// What a system shutdown waits for the service: longer than the service takes to stop.
const BEFORE_SHUTDOWN: Duration = Duration::from_mins(1);

/// So long somebody may look at a service that was removed.
const GONE: Duration = Duration::from_secs(15);

const ACCESS_DENIED: i32 = 5;
const INVALID_LEVEL: i32 = 124;
const ALREADY_RUNNING: i32 = 1056;
const NO_SERVICE: i32 = 1060;
const TAKES_NO_CONTROL: i32 = 1061;
const NOT_ACTIVE: i32 = 1062;
const DELETION_PENDING: i32 = 1072;
const NEVER_STARTED: u32 = 1077;

/// The service manager did not do what was asked.
#[derive(Debug, Error)]
pub enum ManageError {
    #[error("there is no service {NAME}")]
    Missing,
    #[error("only an administrator may {doing}")]
    Denied { doing: &'static str },
    #[error("could not {doing}")]
    Failed {
        doing: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("could not make the folder {} for the service alone", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the service ended as soon as it was started, with exit code {code}")]
    Ended { code: u32 },
    #[error("within {} seconds the service did not {doing}", limit.as_secs())]
    Slow { doing: &'static str, limit: Duration },
}

impl ManageError {
    /// What to do about it.
    #[must_use]
    pub const fn next(&self) -> Option<&'static str> {
        match self {
            Self::Missing => Some("seatsync service install"),
            Self::Denied { .. } => Some("type this in a PowerShell that was opened with \"Run as administrator\""),
            Self::Ended { .. } => Some("`seatsync check` looks at the config; the Event Log says why it ended"),
            Self::Failed { .. } | Self::Folder { .. } | Self::Slow { .. } => None,
        }
    }
}

/// Where it is told why the service failed.
pub const LOG: &str = "the Event Log (Application, source seatsync)";

/// Makes the service, or makes the one that is there what is asked, and sets it up. What could not be set is told.
pub fn install(asked: &Install) -> Result<Vec<String>, ManageError> {
    let doing = "install the service";
    let program = std::env::current_exe().map_err(|source| ManageError::Failed { doing, source })?;
    let mut arguments: Vec<OsString> = vec!["run".into()];
    if let Some(config) = &asked.config {
        let config = std::path::absolute(config).map_err(|source| ManageError::Failed { doing, source })?;
        arguments.splice(0..0, ["--config".into(), config.into()]);
    }
    let mut info = ServiceInfo {
        name: NAME.into(),
        display_name: DISPLAY_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program,
        launch_arguments: arguments,
        dependencies: Vec::new(),
        account_name: asked.account.as_ref().map(Into::into),
        account_password: None,
    };
    match open(ServiceAccess::CHANGE_CONFIG, doing) {
        // An account that is not named stays as it is.
        Ok(service) => service.change_config(&info).map_err(|error| failed(doing, error))?,
        Err(ManageError::Missing) => {
            info.account_name.get_or_insert_with(|| VIRTUAL_ACCOUNT.into());
            let manager = manager(ServiceManagerAccess::CREATE_SERVICE, doing)?;
            manager.create_service(&info, ServiceAccess::QUERY_STATUS).map_err(|error| failed(doing, error))?;
        }
        Err(error) => return Err(error),
    }
    configure()
}

/// What an installer cannot say of a service: whom its folders let in, restarts, time to stop. Done again it changes nothing.
pub fn configure() -> Result<Vec<String>, ManageError> {
    let doing = "set up the service";
    // To be allowed to name restarts one must be allowed to start it.
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::QUERY_CONFIG | ServiceAccess::START;
    let service = open(access, doing)?;
    let restarts = RESTARTS.map(|delay| ServiceAction { action_type: ServiceActionType::Restart, delay });
    let actions = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FORGET),
        reboot_msg: None,
        command: None,
        actions: Some(restarts.to_vec()),
    };
    let settings = [
        ("its description", service.set_description(DESCRIPTION)),
        ("its id, which its folders let in", service.set_config_service_sid_info(ServiceSidType::Unrestricted)),
        ("restarts after a failure", service.update_failure_actions(actions)),
        ("restarts after an exit code", service.set_failure_actions_on_non_crash_failures(true)),
        ("a delayed start", service.set_delayed_auto_start(true)),
        ("the time to stop before a shutdown", service.set_preshutdown_timeout(BEFORE_SHUTDOWN)),
    ];
    let mut left = Vec::new();
    for (what, result) in settings {
        match result.map_err(|error| failed(doing, error)) {
            Ok(()) => {}
            // An older Windows does not know it; the service runs without.
            Err(ManageError::Failed { source, .. }) if source.raw_os_error() == Some(INVALID_LEVEL) => {
                left.push(format!("this Windows does not know {what}"));
            }
            Err(error) => return Err(error),
        }
    }
    left.extend(right_of(&service));
    register_events().map_err(|source| ManageError::Failed { doing: "register its events", source })?;
    folders::protect()?;
    Ok(left)
}

/// Lets the account of the service run services, where it has a name of its own: those of Windows may anyway. What could not be
/// done is told, since a policy of the domain may do it, or a person.
fn right_of(service: &Service) -> Option<String> {
    let account = service.query_config().ok()?.account_name?.to_string_lossy().into_owned();
    let folded = account.to_ascii_uppercase();
    if folded == "LOCALSYSTEM" || folded.starts_with(r"NT SERVICE\") || folded.starts_with(r"NT AUTHORITY\") {
        return None;
    }
    let error = account::let_run_services(&account).err()?;
    Some(format!("{account} was not given the right \"Log on as a service\" ({error}): see that it has it"))
}

/// The file with the texts of our events, which the installer puts beside the program; else one of Windows that shows what an
/// event brings with it.
fn register_events() -> io::Result<()> {
    let ours = std::env::current_exe()?.with_file_name("seatsync-events.dll");
    let file =
        if ours.exists() { ours.display().to_string() } else { r"%SystemRoot%\System32\EventCreate.exe".to_owned() };
    eventlog::register(NAME, &file)
}

/// Stops and removes it; config and state stay. Nothing to do where there is none.
pub fn uninstall() -> Result<(), ManageError> {
    match stop() {
        Ok(()) | Err(ManageError::Slow { .. }) => {}
        Err(ManageError::Missing) => return Ok(()),
        Err(error) => return Err(error),
    }
    let doing = "remove the service";
    let service = open(ServiceAccess::DELETE, doing)?;
    // Nothing is lost where it stays.
    let _ = eventlog::forget(NAME);
    match service.delete().map_err(|error| failed(doing, error)) {
        Err(ManageError::Failed { source, .. }) if source.raw_os_error() == Some(DELETION_PENDING) => {}
        result => result?,
    }
    // It is there until the last one who looks at it, such as ourselves, looks away.
    drop(service);
    let begun = Instant::now();
    while status()?.installed {
        if begun.elapsed() >= GONE {
            return Err(ManageError::Slow { doing: "go away: close the windows that show services", limit: GONE });
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Starts it, and waits until it runs.
pub fn start() -> Result<(), ManageError> {
    let doing = "start the service";
    let service = open(ServiceAccess::START | ServiceAccess::QUERY_STATUS, doing)?;
    match service.start::<&str>(&[]).map_err(|error| failed(doing, error)) {
        Err(ManageError::Failed { source, .. }) if source.raw_os_error() == Some(ALREADY_RUNNING) => {}
        result => result?,
    }
    let limit = super::STEP;
    match wait(&service, limit, |state| matches!(state, ServiceState::Running | ServiceState::Stopped))? {
        Some(Standing { state: State::Running, .. }) => Ok(()),
        Some(ended) => Err(ManageError::Ended { code: ended.exit_code.unwrap_or(0) }),
        None => Err(ManageError::Slow { doing: "start", limit }),
    }
}

/// Stops it, and waits until it has.
pub fn stop() -> Result<(), ManageError> {
    let doing = "stop the service";
    let service = open(ServiceAccess::STOP | ServiceAccess::QUERY_STATUS, doing)?;
    if !asked_to_stop(&service)? {
        // It stops already, or has only just begun to start.
        wait(&service, super::STEP, |state| matches!(state, ServiceState::Stopped | ServiceState::Running))?;
        asked_to_stop(&service)?;
    }
    let limit = GRACE + Duration::from_secs(15);
    let stopped = wait(&service, limit, |state| state == ServiceState::Stopped)?;
    stopped.map(drop).ok_or(ManageError::Slow { doing: "stop", limit })
}

/// Asks it, where it is not stopped. False where it takes no such question now.
fn asked_to_stop(service: &Service) -> Result<bool, ManageError> {
    match service.stop().map_err(|error| failed("stop the service", error)) {
        Ok(_) => Ok(true),
        Err(ManageError::Failed { source, .. }) if source.raw_os_error() == Some(NOT_ACTIVE) => Ok(true),
        Err(ManageError::Failed { source, .. }) if source.raw_os_error() == Some(TAKES_NO_CONTROL) => Ok(false),
        Err(error) => Err(error),
    }
}

/// How it stands.
pub fn status() -> Result<Standing, ManageError> {
    match open(ServiceAccess::QUERY_STATUS, "ask for the service") {
        Ok(service) => standing(&service).map(|(_, standing)| standing),
        Err(ManageError::Missing) => Ok(Standing::missing()),
        Err(error) => Err(error),
    }
}

/// The standing once it is what is wanted; None where the limit passes before.
fn wait(
    service: &Service,
    limit: Duration,
    wanted: impl Fn(ServiceState) -> bool,
) -> Result<Option<Standing>, ManageError> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        let (state, standing) = standing(service)?;
        if wanted(state) {
            return Ok(Some(standing));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(None)
}

fn standing(service: &Service) -> Result<(ServiceState, Standing), ManageError> {
    let status = service.query_status().map_err(|error| failed("ask for the service", error))?;
    let ended = match status.exit_code {
        ServiceExitCode::Win32(code) | ServiceExitCode::ServiceSpecific(code) => code,
    };
    let state = match status.current_state {
        ServiceState::Stopped if ended != 0 && ended != NEVER_STARTED => State::Failed,
        ServiceState::StartPending => State::Starting,
        ServiceState::StopPending => State::Stopping,
        ServiceState::Stopped => State::Stopped,
        // It cannot be paused.
        _ => State::Running,
    };
    let rests = status.current_state == ServiceState::Stopped;
    let exit_code = (rests && ended != NEVER_STARTED).then_some(ended);
    let pid = status.process_id.filter(|pid| *pid != 0);
    Ok((status.current_state, Standing { service: NAME, installed: true, state, pid, exit_code }))
}

fn open(access: ServiceAccess, doing: &'static str) -> Result<Service, ManageError> {
    let manager = manager(ServiceManagerAccess::CONNECT, doing)?;
    manager.open_service(NAME, access).map_err(|error| failed(doing, error))
}

fn manager(access: ServiceManagerAccess, doing: &'static str) -> Result<ServiceManager, ManageError> {
    ServiceManager::local_computer(None::<&str>, access).map_err(|error| failed(doing, error))
}

fn failed(doing: &'static str, error: windows_service::Error) -> ManageError {
    let source = match error {
        windows_service::Error::Winapi(source) => source,
        other => io::Error::other(other),
    };
    match source.raw_os_error() {
        Some(NO_SERVICE) => ManageError::Missing,
        Some(ACCESS_DENIED) => ManageError::Denied { doing },
        _ => ManageError::Failed { doing, source },
    }
}
