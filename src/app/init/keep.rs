//! Puts config and secrets on disk: the secrets apart, the config whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::answers::Answers;
use super::draft::{self, Places};
use super::machine::Findings;
use crate::app::{AppError, Code, access, keep_secret};
use crate::model::text::file_url;
use crate::settings;

/// The name under which a ledger's token is kept.
const TOKEN: &str = "ledger-token";

/// What was written.
pub struct Kept {
    pub config: PathBuf,
    pub before: Option<PathBuf>,
    pub secrets: Vec<PathBuf>,
}

/// Writes the secrets, then the config that names them. A config that lies there is kept as FILE.before, or FILE.before.2 where
/// that is there: one written by hand must not be lost to a second try.
pub fn all(config: &Path, answers: &Answers, found: &Findings) -> Result<Kept, AppError> {
    let failed = |error: &io::Error| {
        AppError::new(Code::Failed, format!("could not write the config {}", config.display())).caused_by(error)
    };
    let config = super::absolute(config);
    let folder = config.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let mut secrets = Vec::new();
    let name = answers.name.clone().unwrap_or_default();
    let places = Places {
        state_dir: answers
            .state_dir
            .as_ref()
            .filter(|folder| **folder != settings::default_state_dir())
            .map(|folder| folder.display().to_string()),
        ledger: ledger(&config, answers).map(|file| file.display().to_string()),
        password: secret(&config, &name, answers.bind_password.as_ref(), &mut secrets)?,
        schema: installed_schema(),
        token: secret(&config, TOKEN, answers.ledger_token.as_ref(), &mut secrets)?,
    };
    let before = kept_before(&config).map_err(|error| failed(&error))?;
    let state_dir = answers.state_dir.clone();
    write(&config, &draft::text(answers, found, &places), state_dir.as_deref()).map_err(|error| failed(&error))?;
    Ok(Kept { config, before, secrets })
}

/// The file of an embedded ledger, where it is not to lie beside the state: the packaged service may write its state's folder
/// and nothing beside it.
fn ledger(config: &Path, answers: &Answers) -> Option<PathBuf> {
    let state_dir = answers.state_dir.clone().unwrap_or_else(settings::default_state_dir);
    let is_packaged = cfg!(unix) && state_dir == settings::default_state_dir();
    let is_shut = || !access::may_write(config, &state_dir, &settings::default_ledger(&state_dir));
    let inside = || (is_packaged || is_shut()).then(|| state_dir.join("ledger.db"));
    answers.ledger_path.clone().or_else(inside)
}

/// What editors need, where a package installed it.
fn installed_schema() -> Option<String> {
    #[cfg(not(windows))]
    let file = PathBuf::from("/usr/share/seatsync/seatsync.schema.json");
    #[cfg(windows)]
    let file = std::env::current_exe().ok()?.with_file_name("seatsync.schema.json");
    file.is_file().then(|| file_url(&file))
}

/// Keeps one secret, and says how the config names it.
fn secret(
    config: &Path,
    name: &str,
    secret: Option<&SecretString>,
    secrets: &mut Vec<PathBuf>,
) -> Result<String, AppError> {
    let Some(secret) = secret else { return Ok(String::new()) };
    let kept = keep_secret(config, name, secret)?;
    secrets.push(kept.file);
    Ok(kept.reference)
}

fn kept_before(config: &Path) -> io::Result<Option<PathBuf>> {
    if !config.exists() {
        return Ok(None);
    }
    let name = |suffix: String| {
        let mut name = config.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let further = (2_u32..).map(|number| name(format!(".before.{number}")));
    let free = std::iter::once(name(".before".to_owned())).chain(further).find(|file| !file.exists());
    if let Some(before) = &free {
        fs::copy(config, before)?;
    }
    Ok(free)
}

fn write(config: &Path, text: &str, state_dir: Option<&Path>) -> io::Result<()> {
    let folder = config.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::Builder::new().prefix(".seatsync").tempfile_in(folder)?;
    fresh.write_all(text.as_bytes())?;
    open_to_service(fresh.as_file(), fresh.path(), config, state_dir)?;
    fresh.as_file().sync_all()?;
    fresh.persist(config)?;
    Ok(())
}

/// Readable to the group of the config before it, else to that of the state's folder: the service's.
#[cfg(unix)]
fn open_to_service(fresh: &fs::File, path: &Path, config: &Path, state_dir: Option<&Path>) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

    let state_dir = state_dir.map_or_else(settings::default_state_dir, Path::to_owned);
    let model = fs::metadata(config).or_else(|_| fs::metadata(state_dir));
    if let Ok(model) = model {
        // Who is neither root nor of that group keeps the file as it is.
        let _ = chown(path, None, Some(model.gid()));
    }
    fresh.set_permissions(fs::Permissions::from_mode(0o640))
}

/// Its folder's access list says who may read it.
#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, reason = "fails elsewhere")]
fn open_to_service(_fresh: &fs::File, _path: &Path, _config: &Path, _state_dir: Option<&Path>) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_ledger_lies_where_the_service_may_write() {
        let folder = tempfile::tempdir().unwrap();
        let at = |state_dir: PathBuf, ledger_path| {
            let answers = Answers { state_dir: Some(state_dir), ledger_path, ..Answers::default() };
            ledger(&folder.path().join("seatsync.toml"), &answers)
        };
        assert_eq!(at("/var/lib/seatsync".into(), None), Some("/var/lib/seatsync/ledger.db".into()));
        assert_eq!(at("/var/lib/seatsync".into(), Some("/srv/l.db".into())), Some("/srv/l.db".into()));
        let state = folder.path().join("mine/state");
        assert_eq!(at(state.clone(), None), None, "beside it, as by default");
        // Only root can give a folder away: then the service is its owner, and may not write beside it.
        fs::create_dir_all(&state).unwrap();
        if std::os::unix::fs::chown(&state, Some(12_345), Some(12_346)).is_ok() {
            assert_eq!(at(state.clone(), None), Some(state.join("ledger.db")));
        }
    }

    #[test]
    fn each_config_that_is_written_over_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("seatsync.toml");
        assert_eq!(kept_before(&config).unwrap(), None);
        for (written, kept) in [("by hand", "seatsync.toml.before"), ("first try", "seatsync.toml.before.2")] {
            fs::write(&config, written).unwrap();
            let before = kept_before(&config).unwrap().unwrap();
            assert_eq!(before, folder.path().join(kept));
        }
        assert_eq!(fs::read_to_string(folder.path().join("seatsync.toml.before")).unwrap(), "by hand");
    }
}
