//! A folder with a config in it, and with what configs of the tests point at.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use seatsync::settings::{self, Loaded, Problems, Variables};
use tempfile::TempDir;

pub const DIRECTORY: &str =
    "[[directory]]\nname = \"demo\"\nkind = \"ldif\"\npath = \"demo.ldif\"\nbase = [\"dc=demo\"]\n";
pub const POOL: &str = "[[pool]]\nname = \"standard\"\nseats = 50\n";
pub const BACKEND: &str = "[backend]\nkind = \"embedded\"\ncompany = \"acme\"\n";

/// Somebody to be trusted.
static AUTHORITY: LazyLock<String> =
    LazyLock::new(|| rcgen::generate_simple_self_signed(["ca".to_owned()]).unwrap().cert.pem());

#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// Only the owner may read and write what is in it.
    pub fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("corp.password", "secret\n");
        folder.write("staff.password", "secret\n");
        folder.write("empty.password", "\n");
        folder.write("ledger.token", "secret\n");
        folder.write("no.pem", "");
        for authority in ["ledger-ca.pem", "corp-ca.pem", "staff-ca.pem"] {
            folder.write(authority, &AUTHORITY);
        }
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
        path
    }

    /// Loads a config of this text.
    pub fn load(&self, text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
        settings::load(&self.write("seatsync.toml", text), &these(variables))
    }
}

pub fn these(variables: &[(&str, &str)]) -> Variables {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A whole config: sections of its own before a directory, a pool and a backend.
pub fn config(sections: &str) -> String {
    format!("{sections}\n{DIRECTORY}\n{POOL}\n{BACKEND}")
}

/// A whole config with this one directory.
pub fn config_of(directory: &str) -> String {
    format!("{directory}\n{POOL}\n{BACKEND}")
}

#[cfg(unix)]
pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
pub fn set_mode(_path: &Path, _mode: u32) {}

/// A certificate for this machine, and its key: both PEM.
pub fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}
