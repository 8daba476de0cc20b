//! The systemd unit that runs the agent or the ledger on a config: whom it runs as, and where it may write.

use std::fs;
use std::path::{Path, PathBuf};

/// Where systemd looks, the first first.
const FOLDERS: &[&str] = &["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
const NAMES: &[&str] = &["seatsync.service", "seatsync-ledger.service"];

/// As far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    pub file: PathBuf,
    pub user: Option<String>,
    /// What `Group` and `SupplementaryGroups` name.
    pub groups: Vec<String>,
    /// What `ExecStart` names with `--config`.
    config: Option<PathBuf>,
    strict: bool,
    folders: Vec<PathBuf>,
}

impl Unit {
    /// The installed unit, below `root`, that runs on this config.
    pub fn of(config: &Path, root: &Path) -> Option<Self> {
        let folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
        let config = std::path::absolute(config).ok()?;
        let mut units = NAMES.iter().filter_map(|name| Self::read(name, &folders));
        units.find(|unit| unit.config.as_ref() == Some(&config))
    }

    /// As systemd takes it together.
    fn read(name: &str, folders: &[PathBuf]) -> Option<Self> {
        let file = folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file())?;
        let mut unit = Self { file: file.clone(), ..Self::default() };
        unit.take(&fs::read_to_string(file).ok()?);
        for file in drop_ins(name, folders) {
            unit.take(&fs::read_to_string(file).unwrap_or_default());
        }
        Some(unit)
    }

    /// What the service may write: these and all below. None: whatever its user may.
    pub fn writable(&self) -> Option<&[PathBuf]> {
        self.strict.then_some(self.folders.as_slice())
    }

    /// Takes what a file says; what comes later counts.
    fn take(&mut self, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
                continue;
            };
            match key {
                "User" => self.user = (!value.is_empty()).then(|| value.to_owned()),
                "Group" | "SupplementaryGroups" => self.groups.extend(value.split_whitespace().map(str::to_owned)),
                "ProtectSystem" => self.strict = value == "strict",
                "ExecStart" => self.config = config(value),
                "StateDirectory" => self.may_write(value, Path::new("/var/lib")),
                "ReadWritePaths" => self.may_write(value, Path::new("/")),
                _ => {}
            }
        }
    }

    fn may_write(&mut self, folders: &str, below: &Path) {
        let folder = |word: &str| below.join(word.trim_start_matches(['-', '+']).split(':').next().unwrap_or_default());
        self.folders.extend(folders.split_whitespace().map(folder));
    }
}

/// `.../seatsync.service.d/*.conf` by their names, whatever folder they lie in.
fn drop_ins(unit: &str, folders: &[PathBuf]) -> Vec<PathBuf> {
    let within = |folder: &PathBuf| fs::read_dir(folder.join(format!("{unit}.d"))).into_iter().flatten();
    let files = folders.iter().flat_map(within).filter_map(|file| Some(file.ok()?.path()));
    let mut files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|end| end == "conf")).collect();
    files.sort_by_key(|file| file.file_name().map(ToOwned::to_owned));
    files
}

fn config(command: &str) -> Option<PathBuf> {
    let mut words = command.split_whitespace();
    words.find(|word| *word == "--config")?;
    words.next().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packaged_unit_says_whom_it_runs_as_and_what_it_may_write() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("usr/lib/systemd/system");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("seatsync.service"), include_str!("../../../systemd/seatsync.service")).unwrap();
        let of = |config: &str| Unit::of(Path::new(config), root.path());
        let unit = of("/etc/seatsync/seatsync.toml").unwrap();
        assert_eq!(unit.user.as_deref(), Some("seatsync"));
        assert_eq!(unit.writable(), Some(&[PathBuf::from("/var/lib/seatsync")][..]));
        assert_eq!(of("/srv/try.toml"), None, "another config is nobody's service");

        let ours = root.path().join("etc/systemd/system/seatsync.service.d");
        fs::create_dir_all(&ours).unwrap();
        let more = "[Service]\nUser=licences\nReadWritePaths=-/srv/ledger\nExecStart=\n\
                    ExecStart=/usr/bin/seatsync --config /srv/seats.toml run\n";
        fs::write(ours.join("ours.conf"), more).unwrap();
        let unit = of("/srv/seats.toml").unwrap();
        assert_eq!(unit.user.as_deref(), Some("licences"));
        assert_eq!(unit.writable().map(<[PathBuf]>::len), Some(2));
        fs::write(ours.join("open.conf"), "[Service]\nProtectSystem=full\n").unwrap();
        assert_eq!(of("/srv/seats.toml").unwrap().writable(), None);
    }
}
