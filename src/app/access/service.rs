//! Whom the service runs as: by the folder of its state, where it has one, else by the unit that is installed, else by name.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::unit::Unit;

pub const READ: u32 = 0o4;
pub const WRITE: u32 = 0o2;
pub const SEARCH: u32 = 0o1;

/// The user that packages make.
const USUAL: &str = "seatsync";
/// The configs that their units name.
const USUAL_CONFIGS: [&str; 2] = ["/etc/seatsync/seatsync.toml", "/etc/seatsync/ledger.toml"];

/// A user who is not root, and how we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub uid: u32,
    pub gid: u32,
    /// A clause about the user, such as "whom the package made".
    pub known_by: String,
}

impl Service {
    /// None where nobody says, or where it is root.
    pub fn of(state_dir: Option<&Path>, config: &Path, unit: Option<&Unit>, passwd: &str) -> Option<Self> {
        let folder = state_dir.and_then(|folder| fs::metadata(folder).ok());
        match &folder {
            Some(folder) if folder.uid() != 0 => {
                let known_by = "who owns state_dir".to_owned();
                return Some(Self { uid: folder.uid(), gid: folder.gid(), known_by });
            }
            _ => {}
        }
        let named = unit.and_then(|unit| Some((unit.user.as_deref()?, format!("by {}", unit.file.display()))));
        let usual = || {
            let is_usual = folder.is_none() && USUAL_CONFIGS.iter().any(|usual| config == Path::new(usual));
            is_usual.then(|| (USUAL, "whom the package made".to_owned()))
        };
        let (user, known_by) = named.or_else(usual)?;
        let (uid, gid) = numbers(passwd, user)?;
        (uid != 0).then_some(Self { uid, gid, known_by })
    }

    /// By mode bits; other groups of the user, and access lists, are not looked at. What cannot be looked at is let pass.
    pub fn may(&self, path: &Path, rights: u32) -> bool {
        fs::metadata(path).map_or(true, |found| self.is_let(&found, rights))
    }

    fn is_let(&self, found: &Metadata, rights: u32) -> bool {
        let bits = if found.uid() == self.uid {
            found.mode() >> 6
        } else if found.gid() == self.gid {
            found.mode() >> 3
        } else {
            found.mode()
        };
        bits & rights == rights
    }

    /// The outermost folder on the way to a file that the user may not enter.
    pub fn closed_before<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        path.ancestors().skip(1).filter(|folder| !self.may(folder, SEARCH)).last()
    }

    /// The name in /etc/passwd, else the number: `chown` takes either.
    pub fn user(&self, passwd: &str) -> String {
        let of = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == self.uid.to_string()).then(|| name.to_owned())
        };
        passwd.lines().find_map(of).unwrap_or_else(|| self.uid.to_string())
    }
}

fn numbers(passwd: &str, user: &str) -> Option<(u32, u32)> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == user)?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_first_start_the_user_is_that_of_the_unit_else_the_packages() {
        let passwd = "root:x:0:0::/root:/bin/sh\nseatsync:x:990:991::/:\nlicences:x:77:78::/:\n";
        let (none, config) = (Path::new("/nonexistent/seatsync"), Path::new(USUAL_CONFIGS[0]));
        let uid =
            |config, unit: Option<&Unit>| Service::of(Some(none), config, unit, passwd).map(|one| (one.uid, one.gid));
        let unit = |user: &str| {
            let mut unit = Unit::default();
            unit.user = Some(user.to_owned());
            unit
        };
        assert_eq!(uid(config, Some(&unit("licences"))), Some((77, 78)));
        assert_eq!(uid(config, Some(&unit("root"))), None);
        assert_eq!(uid(config, None), Some((990, 991)));
        assert_eq!(uid(Path::new("/srv/try.toml"), None), None);
        let ledger = Service::of(None, Path::new(USUAL_CONFIGS[1]), None, passwd);
        assert_eq!(ledger.map(|one| one.uid), Some(990));
    }
}
