//! Whether the user of the service may read what the config names. Whoever tries a config out is often root, and then reads
//! everything; the service is not.

use std::path::Path;

use crate::settings::{Problem, UsedFile};

/// What the owner of the state's folder, whom the service runs as, may not read. Nothing where that is root, or where there
/// is no folder yet.
#[cfg(unix)]
pub fn locked(state_dir: &Path, files: &[UsedFile]) -> Vec<Problem> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(folder) = std::fs::metadata(state_dir) else { return Vec::new() };
    let service = Owner { uid: folder.uid(), gid: folder.gid() };
    if service.uid == 0 {
        return Vec::new();
    }
    files.iter().filter_map(|file| refused(service, file)).collect()
}

/// What the service may not read by the files' access lists. Nothing where the state's folder is not the service's: then it is
/// somebody's who only tries it out.
#[cfg(windows)]
pub fn locked(state_dir: &Path, files: &[UsedFile]) -> Vec<Problem> {
    use crate::settings::sddl;
    use crate::windows::access::{self, SERVICE};
    if !access::of(state_dir).is_ok_and(|list| sddl::names(&list, SERVICE)) {
        return Vec::new();
    }
    let is_locked = |file: &&UsedFile| access::of(&file.path).is_ok_and(|list| !sddl::lets_read(&list, SERVICE));
    let told = |file: &UsedFile| {
        let shown = file.path.display();
        let message = format!(
            "the service, NT SERVICE\\seatsync, is not let in by the access list of {shown}: run: icacls \"{shown}\" /grant \
             *{SERVICE}:R"
        );
        Problem { message, ..file.place.clone() }
    };
    files.iter().filter(is_locked).map(told).collect()
}

#[cfg(unix)]
#[derive(Clone, Copy, Debug)]
struct Owner {
    uid: u32,
    gid: u32,
}

#[cfg(unix)]
const READ: u32 = 0o4;
#[cfg(unix)]
const SEARCH: u32 = 0o1;

#[cfg(unix)]
fn refused(service: Owner, file: &UsedFile) -> Option<Problem> {
    let may = |path: &Path, right| std::fs::metadata(path).map_or(true, |found| allows(&found, service, right));
    let closed = file.path.ancestors().skip(1).filter(|folder| !may(folder, SEARCH)).last();
    let shown = file.path.display();
    let user = user(service.uid);
    let message = match closed {
        Some(folder) => format!(
            "the service runs as {user}, who owns state_dir and may not enter {}: run: chmod o+x {}",
            folder.display(),
            folder.display()
        ),
        None if !may(&file.path, READ) => format!(
            "the service runs as {user}, who owns state_dir and may not read {shown}: run: chown {user} {shown}"
        ),
        None => return None,
    };
    Some(Problem { message, ..file.place.clone() })
}

/// By mode bits; other groups of the user, and access lists, are not looked at.
#[cfg(unix)]
fn allows(found: &std::fs::Metadata, service: Owner, right: u32) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let bits = if found.uid() == service.uid {
        found.mode() >> 6
    } else if found.gid() == service.gid {
        found.mode() >> 3
    } else {
        found.mode()
    };
    bits & right != 0
}

/// The name in /etc/passwd, else the number: `chown` takes either.
#[cfg(unix)]
fn user(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    };
    passwd.lines().find_map(of).unwrap_or_else(|| uid.to_string())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    use std::path::PathBuf;

    fn used(path: PathBuf) -> UsedFile {
        let place = Problem {
            file: "x.toml".to_owned(),
            line: Some(3),
            key: "a.b".to_owned(),
            value: None,
            message: String::new(),
        };
        UsedFile { place, path }
    }

    #[test]
    fn a_file_that_only_root_may_read_is_named_with_the_user_who_may_not_and_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(folder.path(), 0o755);
        let [state, secret, open] = ["state", "secret", "open"].map(|name| folder.path().join(name));
        std::fs::create_dir(&state).unwrap();
        std::fs::write(&secret, "x").unwrap();
        std::fs::write(&open, "x").unwrap();
        mode(&secret, 0o600);
        mode(&open, 0o644);
        let service = |gid| Owner { uid: 12_345, gid };
        let refuses = |gid, files: &[PathBuf]| -> Vec<Problem> {
            files.iter().filter_map(|file| refused(service(gid), &used(file.clone()))).collect()
        };
        let told = refuses(12_346, &[secret.clone(), open.clone()]);
        let [problem] = told.as_slice() else { panic!("{told:?}") };
        let command = format!("chown 12345 {}", secret.display());
        assert!(
            problem.message.contains("runs as 12345") && problem.message.ends_with(&command),
            "{}",
            problem.message
        );
        assert_eq!(problem.line, Some(3));

        mode(&secret, 0o640);
        let group = std::fs::metadata(&secret).unwrap().gid();
        assert!(refuses(group, std::slice::from_ref(&secret)).is_empty(), "the group may read it");
        // Only root can give a folder away: then the service is its owner.
        if chown(&state, Some(12_345), Some(12_346)).is_ok() {
            mode(&secret, 0o600);
            assert_eq!(locked(&state, &[used(secret), used(open.clone())]).len(), 1);
        }
        mode(folder.path(), 0o700);
        let told = refuses(12_346, &[open]);
        assert!(told[0].message.contains(&format!("may not enter {}", folder.path().display())), "{told:?}");
    }
}
