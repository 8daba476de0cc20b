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
    /// Beside `gid`: by /etc/group and the unit.
    pub groups: Vec<u32>,
    /// /etc/passwd has the user, so that /etc/group has all groups; where another service knows users, it may know more.
    pub is_listed: bool,
    /// A clause about the user, such as "whom the package made".
    pub known_by: String,
}

impl Service {
    /// None where nobody says, or where it is root.
    pub fn of(state_dir: Option<&Path>, config: &Path, unit: Option<&Unit>, passwd: &str) -> Option<Self> {
        let found = Self::found(state_dir, config, unit, passwd)?;
        let name = found.user(passwd);
        let lists = fs::read_to_string("/etc/group").unwrap_or_default();
        let groups = groups(&lists, &name, unit.map(|unit| unit.groups.as_slice()).unwrap_or_default());
        Some(Self { groups, is_listed: name != found.uid.to_string(), ..found })
    }

    fn found(state_dir: Option<&Path>, config: &Path, unit: Option<&Unit>, passwd: &str) -> Option<Self> {
        let of = |uid, gid, known_by| Self { uid, gid, groups: Vec::new(), is_listed: false, known_by };
        let folder = state_dir.and_then(|folder| fs::metadata(folder).ok());
        match &folder {
            Some(folder) if folder.uid() != 0 => {
                let known_by = "who owns state_dir".to_owned();
                return Some(of(folder.uid(), folder.gid(), known_by));
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
        (uid != 0).then(|| of(uid, gid, known_by))
    }

    /// By mode bits; access lists are not looked at. What cannot be looked at is let pass.
    pub fn may(&self, path: &Path, rights: u32) -> bool {
        fs::metadata(path).map_or(true, |found| self.is_let(&found, rights))
    }

    fn is_let(&self, found: &Metadata, rights: u32) -> bool {
        let bits = if found.uid() == self.uid {
            found.mode() >> 6
        } else if found.gid() == self.gid || self.groups.contains(&found.gid()) {
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

    /// The name in /etc/group, else the number: `chgrp` takes either.
    pub fn group(&self) -> String {
        name_of(&fs::read_to_string("/etc/group").unwrap_or_default(), self.gid)
    }

    /// The name in /etc/passwd, else the number: `chown` takes either.
    pub fn user(&self, passwd: &str) -> String {
        name_of(passwd, self.uid)
    }
}

/// Of a user or group by its number: both files have the name first and the number third. Without one the number.
pub(super) fn name_of(lines: &str, number: u32) -> String {
    let number = number.to_string();
    let of = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    };
    lines.lines().find_map(of).unwrap_or(number)
}

/// Those that a user is listed in, and others by name or number.
fn groups(lists: &str, user: &str, others: &[String]) -> Vec<u32> {
    let of = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, number, members] = *fields.as_slice() else { return None };
        let named = others.iter().any(|other| other == name || other == number);
        (named || members.split(',').any(|member| member == user)).then(|| number.parse().ok()).flatten()
    };
    lists.lines().filter_map(of).collect()
}

fn numbers(passwd: &str, user: &str) -> Option<(u32, u32)> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == user)?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_group_of_the_user_may_be_read() {
        let lists = "seatsync:x:991:\nssl-cert:x:112:backup,seatsync\nkeys:x:113:\nadm:x:4:root\n";
        assert_eq!(groups(lists, "seatsync", &["keys".to_owned()]), [112, 113]);
    }

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
