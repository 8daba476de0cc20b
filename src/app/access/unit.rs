//! The systemd unit that runs the agent or the ledger on a config: whom it runs as, and where it may write.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
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
    /// Those of them that systemd gives to the user, with all in them, at each start.
    given: Vec<PathBuf>,
    /// It has `CAP_NET_BIND_SERVICE`,
    binds: bool,
    /// and none of its capabilities count outside.
    own_users: bool,
    no_homes: bool,
    own_tmp: bool,
    /// What `BindPaths` and `BindReadOnlyPaths` bring back.
    bound: Vec<PathBuf>,
}

/// What `ProtectHome` hides, and what `PrivateTmp` does (systemd.exec(5)).
const HOMES: &[&str] = &["/home", "/root", "/run/user"];
const TMP: &[&str] = &["/tmp", "/var/tmp"];

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

    /// Whether systemd gives a place to the user at the start: it lies in a state folder that is somebody else's. Of one that is
    /// the user's already it touches nothing (systemd.exec(5), `StateDirectory`).
    pub fn gives_back(&self, path: &Path, uid: u32) -> bool {
        let mut above = self.given.iter().filter(|folder| path.starts_with(folder));
        above.any(|folder| fs::metadata(folder).is_ok_and(|found| found.uid() != uid))
    }

    /// Whether the service may listen on a port; those below `free` take a right.
    pub fn may_listen(&self, port: u16, free: u16) -> bool {
        let is_root = self.user.as_deref().is_none_or(|user| user == "root");
        port == 0 || port >= free || ((self.binds || is_root) && !self.own_users)
    }

    /// The folders that the service finds empty, whatever their modes.
    pub fn hidden(&self) -> Vec<&'static str> {
        let homes = HOMES.iter().filter(|_| self.no_homes);
        homes.chain(TMP.iter().filter(|_| self.own_tmp)).copied().collect()
    }

    /// Whether the service finds nothing here. A link leads there too.
    pub fn hides(&self, path: &Path) -> bool {
        let is_hidden = |path: &Path| {
            self.hidden().iter().any(|folder| path.starts_with(folder))
                && !self.bound.iter().any(|bound| path.starts_with(bound))
        };
        is_hidden(path) || path.canonicalize().is_ok_and(|led| is_hidden(&led))
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
                // "read-only" leaves them to be seen.
                "ProtectHome" => self.no_homes = is_on(value) || value == "tmpfs",
                "PrivateTmp" => self.own_tmp = is_on(value) || value == "disconnected",
                "AmbientCapabilities" => self.binds = value.contains("CAP_NET_BIND_SERVICE"),
                "PrivateUsers" => self.own_users = is_on(value),
                "BindPaths" | "BindReadOnlyPaths" => self.bind(value),
                "ExecStart" => self.config = config(value),
                "StateDirectory" => {
                    let before = self.folders.len();
                    self.may_write(value, Path::new("/var/lib"));
                    self.given.extend_from_slice(&self.folders[before..]);
                }
                "ReadWritePaths" => self.may_write(value, Path::new("/")),
                _ => {}
            }
        }
    }

    /// `FROM:TO:OPTIONS`, the last two at will; nothing takes all back.
    fn bind(&mut self, words: &str) {
        let to = |word: &str| {
            let mut parts = word.trim_start_matches('-').split(':');
            let from = parts.next().unwrap_or_default();
            PathBuf::from(parts.next().filter(|to| !to.is_empty()).unwrap_or(from))
        };
        if words.is_empty() {
            self.bound.clear();
        }
        self.bound.extend(words.split_whitespace().map(to));
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

/// As systemd spells a yes.
fn is_on(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "yes" | "y" | "true" | "t" | "on")
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

    #[test]
    fn the_packaged_service_listens_on_no_port_that_takes_a_right_unless_a_drop_in_gives_it() {
        let mut unit = Unit::default();
        unit.take(include_str!("../../../systemd/seatsync.service"));
        let listens = |unit: &Unit| [443, 1023, 1024, 8750].map(|port| unit.may_listen(port, 1024));
        assert_eq!(listens(&unit), [false, false, true, true]);
        assert!(unit.may_listen(443, 443), "where the system has fewer such ports");
        unit.take("AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n");
        assert!(!listens(&unit)[0], "a user namespace has no right to the machine's ports");
        unit.take("PrivateUsers=no\n");
        assert_eq!(listens(&unit), [true; 4]);
    }

    #[test]
    fn homes_and_tmp_are_hidden_where_the_unit_says_so_but_for_what_it_brings_back() {
        let mut unit = Unit::default();
        unit.take(include_str!("../../../systemd/seatsync.service"));
        assert_eq!(unit.hidden(), ["/home", "/root", "/run/user", "/tmp", "/var/tmp"]);
        let hides = |unit: &Unit, path: &str| unit.hides(Path::new(path));
        assert!(hides(&unit, "/root/ca.pem") && hides(&unit, "/home/ada/ca.pem") && hides(&unit, "/var/tmp/secret"));
        assert!(!hides(&unit, "/etc/seatsync/ca.pem") && !hides(&unit, "/rooted/ca.pem"));
        let folder = tempfile::Builder::new().tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let link = folder.path().join("ca.pem");
        std::os::unix::fs::symlink("/tmp", &link).unwrap();
        assert!(unit.hides(&link), "a link leads there");
        unit.take("BindReadOnlyPaths=/home/ada/ca.pem -/srv/keys:/root/keys:norbind\n");
        assert!(!hides(&unit, "/home/ada/ca.pem") && hides(&unit, "/home/ada/other"));
        assert!(!hides(&unit, "/root/keys/a") && hides(&unit, "/root/ca.pem"));
        unit.take("ProtectHome=read-only\nPrivateTmp=no\n");
        assert!(unit.hidden().is_empty() && !hides(&unit, "/root/ca.pem"));
    }
}
