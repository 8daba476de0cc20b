//! `secret set`: a secret kept beside the config, for the service alone.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::{AppError, Code};
use crate::settings::secret::kept;

/// What was kept, and how the config names it.
#[derive(Debug, Serialize)]
pub struct KeptSecret {
    pub name: String,
    pub file: PathBuf,
    /// To be written behind `bind_password =` and the like.
    pub reference: String,
}

/// Keeps a secret in the folder `secrets` beside the config, over the one of this name that is there.
///
/// # Errors
/// Where the name is none, the secret is empty, or the file cannot be written.
pub fn keep_secret(config: &Path, name: &str, secret: &SecretString) -> Result<KeptSecret, AppError> {
    let config = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
    let file = config.parent().and_then(|folder| kept(folder, name)).ok_or_else(|| {
        AppError::new(Code::Usage, "a secret's name is made of letters, digits, \"-\", \"_\" and \".\"")
    })?;
    let secret = secret.expose_secret();
    if secret.is_empty() || secret.contains('\0') {
        // Rule 23: an empty password is never sent.
        return Err(AppError::new(Code::Usage, "the secret is empty, or no text; nothing was kept"));
    }
    write(name, &file, secret).map_err(|error| {
        AppError::new(Code::Failed, format!("could not keep the secret in {}", file.display())).caused_by(&error)
    })?;
    Ok(KeptSecret { name: name.to_owned(), file, reference: reference(name) })
}

/// Whole or not at all, and never for others' eyes, not even for an instant.
fn write(name: &str, file: &Path, secret: &str) -> io::Result<()> {
    let content = sealed(name, secret)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    // No name of a secret begins so.
    let fresh = folder.join(format!(".{name}.new"));
    let mut writing = private_file(&fresh)?;
    writing.write_all(&content)?;
    writing.sync_all()?;
    drop(writing);
    fs::rename(&fresh, file)
}

#[cfg(unix)]
fn reference(name: &str) -> String {
    format!("{{ credential = \"secrets_{name}\" }}")
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "fails on Windows")]
fn sealed(_name: &str, secret: &str) -> io::Result<Vec<u8>> {
    Ok(secret.as_bytes().to_vec())
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let left = fs::remove_file(path);
    left.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(windows)]
fn reference(name: &str) -> String {
    format!("{{ dpapi = \"{name}\" }}")
}

#[cfg(windows)]
fn sealed(name: &str, secret: &str) -> io::Result<Vec<u8>> {
    crate::windows::dpapi::seal(name, secret.as_bytes())
}

#[cfg(windows)]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// For the system, administrators, who owns it (S-1-3-4), and to be read by the service: any account of this machine could open
/// it. The list is set while the file is still empty.
#[cfg(windows)]
fn private_file(path: &Path) -> io::Result<File> {
    use crate::windows::access::{self, SERVICE};
    let file = File::create(path)?;
    access::set(path, &format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;S-1-3-4)(A;;FR;;;{SERVICE})"))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(folder: &Path, name: &str, secret: &str) -> Result<KeptSecret, AppError> {
        keep_secret(&folder.join("seatsync.toml"), name, &SecretString::from(secret))
    }

    #[test]
    fn a_name_is_no_path_and_a_secret_is_not_empty() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "../corp", "a/b", r"a\b", ".corp", "a:b", "a b"] {
            assert_eq!(keep(folder.path(), name, "x").unwrap_err().code, Code::Usage, "{name:?}");
        }
        assert_eq!(keep(folder.path(), "corp", "").unwrap_err().code, Code::Usage);
        assert!(!folder.path().join("secrets").exists());
    }

    #[test]
    fn a_secret_is_kept_over_the_one_before_and_leaves_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        keep(folder.path(), "corp", "one").unwrap();
        let kept = keep(folder.path(), "corp", "two").unwrap();
        let content = fs::read(&kept.file).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                (content.as_slice(), kept.reference.as_str()),
                (&b"two"[..], "{ credential = \"secrets_corp\" }")
            );
            assert_eq!(fs::metadata(&kept.file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        #[cfg(windows)]
        {
            assert_eq!(crate::windows::dpapi::open("corp", &content).unwrap(), b"two");
            assert_eq!(kept.reference, "{ dpapi = \"corp\" }");
        }
        assert_eq!(fs::read_dir(folder.path().join("secrets")).unwrap().count(), 1);
    }
}
