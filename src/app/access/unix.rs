//! By mode bits, and by what the unit lets the service write.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::service::{READ, SEARCH, Service, WRITE, name_of};
use super::unit::Unit;
use super::{Closed, Unread};
use crate::settings::{Problem, UsedFile};
use crate::state::is_read_only;

/// Where the packages keep the config.
const HOME: &str = "/etc/seatsync";

/// What the service's user may not read. Nothing where nobody says who that is.
pub fn unreadable(config: &Path, state_dir: Option<&Path>, files: &[UsedFile]) -> Vec<Unread> {
    let passwd = passwd();
    let unit = unit(config);
    let service = Service::of(state_dir, config, unit.as_ref(), &passwd);
    let usual = || ("seatsync".to_owned(), "seatsync".to_owned());
    let (user, group) = service.as_ref().map_or_else(usual, |service| (service.user(&passwd), service.group()));
    let unread = |file: &UsedFile| {
        let unseen = unit.as_ref().and_then(|unit| unseen(unit, &user, &group, file));
        unseen.or_else(|| refused(service.as_ref()?, &passwd, file))
    };
    files.iter().filter_map(unread).collect()
}

/// Where the service could not write. A ledger has no folder of its state.
pub fn unwritable(config: &Path, state_dir: Option<&Path>, places: &[(&'static str, &Path)]) -> Vec<Closed> {
    let passwd = passwd();
    let unit = unit(config);
    let service = Service::of(state_dir, config, unit.as_ref(), &passwd);
    places.iter().filter_map(|(key, path)| closed(key, path, unit.as_ref(), service.as_ref(), &passwd)).collect()
}

/// Whether the unit lets the service listen on a port.
pub fn may_listen(config: &Path, port: u16) -> bool {
    // ip-sysctl: below it a port takes CAP_NET_BIND_SERVICE.
    let free = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").ok();
    let free = free.and_then(|number| number.trim().parse().ok()).unwrap_or(1024);
    unit(config).is_none_or(|unit| unit.may_listen(port, free))
}

fn passwd() -> String {
    std::fs::read_to_string("/etc/passwd").unwrap_or_default()
}

fn unit(config: &Path) -> Option<Unit> {
    Unit::of(config, Path::new("/"))
}

/// What the unit hides is not there for the service, whatever its mode says.
fn unseen(unit: &Unit, user: &str, group: &str, file: &UsedFile) -> Option<Unread> {
    unit.hides(&file.path).then(|| {
        let message = format!(
            "the service does not see {} ({}), and {} lies there: {}",
            unit.hidden().join(", "),
            unit.file.display(),
            file.path.display(),
            moved(file, user, group)
        );
        Unread { problem: Problem { message, ..file.place.clone() }, sure: true }
    })
}

/// How a file comes to where the service reads it. A home, or a folder of root's alone, is never opened for it.
fn moved(file: &UsedFile, user: &str, group: &str) -> String {
    let (shown, key) = (file.path.display(), &file.place.key);
    // A secret is its owner's alone, or refused.
    let (mode, owner) = match last(key) {
        key if is_public(key) => (644, "root"),
        "" | "path" => (640, "root"),
        _ => (600, user),
    };
    let command = format!("run: install -m {mode} -o {owner} -g {group} {shown} {HOME}/");
    match file.path.file_name().filter(|_| !key.is_empty()) {
        Some(name) => format!("{command}, and write {key} = \"{}\"", Path::new(HOME).join(name).display()),
        None => command,
    }
}

fn refused(service: &Service, passwd: &str, file: &UsedFile) -> Option<Unread> {
    if own_id() == Some(service.uid) && File::open(&file.path).is_ok() {
        return None;
    }
    let shown = file.path.display();
    let (user, known_by) = (service.user(passwd), &service.known_by);
    let (shut, what) = match service.closed_before(&file.path) {
        Some(folder) => {
            (folder, format!("may not enter {}: {}", folder.display(), let_enter(service, &user, folder, file)))
        }
        None if !service.may(&file.path, READ) => {
            (file.path.as_path(), format!("may not read {shown}: run: {}", let_read(service, file, &user)))
        }
        None => return None,
    };
    let message = format!("the service runs as {user}, {known_by}, and {what}");
    Some(Unread {
        problem: Problem { message, ..file.place.clone() },
        sure: service.is_listed && !has_access_list(shut),
    })
}

/// A folder that root keeps to itself has other things in it, too.
fn let_enter(service: &Service, user: &str, folder: &Path, file: &UsedFile) -> String {
    let shown = folder.display();
    let group = service.group();
    if folder.starts_with(HOME) {
        format!("run: chgrp {group} {shown} && chmod g+x {shown}")
    } else if std::fs::metadata(folder).is_ok_and(|found| found.uid() == 0) {
        moved(file, user, &group)
    } else {
        format!("run: chmod o+x {shown}")
    }
}

/// The config and what it names stay root's, but for secrets, which nobody but their owner may read.
fn let_read(service: &Service, file: &UsedFile, user: &str) -> String {
    let shown = file.path.display();
    match last(&file.place.key) {
        key if is_public(key) => format!("chmod a+r {shown}"),
        "" | "path" => format!("chgrp {} {shown} && chmod 640 {shown}", service.group()),
        _ => format!("chown {user} {shown}"),
    }
}

/// Certificates are anybody's to read.
fn is_public(key: &str) -> bool {
    matches!(last(key), "ca_file" | "client_cert" | "tls_cert")
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or_default()
}

/// Beyond mode bits, of which an access list shows a mask alone (acl(5)).
fn has_access_list(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::getxattr(path, "system.posix_acl_access", &mut [0_u8; 0]).is_ok_and(|length| length > 0);
    #[cfg(not(target_os = "linux"))]
    return !path.as_os_str().is_empty();
}

fn closed(
    key: &'static str,
    path: &Path,
    unit: Option<&Unit>,
    service: Option<&Service>,
    passwd: &str,
) -> Option<Closed> {
    if let Some((unit, folders)) = unit.and_then(|unit| Some((unit, unit.writable()?))) {
        match folders.iter().find(|folder| path.starts_with(folder)) {
            None => return Some(outside(key, path, unit, folders)),
            // systemd makes it, and gives it to the user.
            Some(folder) if !folder.exists() => return None,
            Some(_) => {}
        }
    }
    let service = service?;
    // On a disk that nobody can write to a try tells nothing of rights, and the disk is told of elsewhere.
    let sure = own_id() == Some(service.uid) && !is_read_only(path);
    if !sure && unit.is_some_and(|unit| unit.gives_back(path, service.uid)) {
        return None;
    }
    let shut = if sure { refused_to_us(path) } else { shut(service, path) }?;
    let user = service.user(passwd);
    let what = if shut == path {
        std::fs::metadata(path).map(|file| format!(", which is {}'s", name_of(passwd, file.uid()))).unwrap_or_default()
    } else {
        format!(", where {} is to lie", path.display())
    };
    let message =
        format!("the service runs as {user}, {}, and may not write {}{what}", service.known_by, shut.display());
    // The mode says all, unless there is an access list.
    let sure = sure || (service.is_listed && !has_access_list(shut));
    Some(Closed { key, message, remedy: opened(key, path, shut, &user), sure })
}

/// Whom this process runs as.
fn own_id() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|own| own.uid())
}

/// What is in the way of us, by trying: a place may be closed by more than mode bits.
fn refused_to_us(path: &Path) -> Option<&Path> {
    let there = path.ancestors().find(|part| part.exists())?;
    if there.is_dir() {
        return tempfile::tempfile_in(there).is_err().then_some(there);
    }
    if File::options().read(true).write(true).open(there).is_err() {
        return Some(there);
    }
    // SQLite makes files beside its own.
    there.parent().filter(|folder| tempfile::tempfile_in(folder).is_err())
}

/// What is in the way of the service, by mode bits.
fn shut<'p>(service: &Service, path: &'p Path) -> Option<&'p Path> {
    let there = path.ancestors().find(|part| part.exists())?;
    let rights = if there.is_dir() { WRITE | SEARCH } else { READ | WRITE };
    // SQLite makes files beside its own.
    let folder = if there.is_dir() { there } else { there.parent()? };
    let asked = [(there, rights), (folder, WRITE | SEARCH)];
    asked.into_iter().find(|(part, rights)| !service.may(part, *rights)).map(|(part, _)| part)
}

/// What helps where the system forbids a file to whoever runs this.
pub fn given_back(state_dir: &Path, file: &Path) -> String {
    let passwd = passwd();
    let service = Service::of(Some(state_dir), Path::new(""), None, &passwd);
    let user = service.map_or_else(|| "seatsync".to_owned(), |service| service.user(&passwd));
    let mended = match (file.starts_with(state_dir), file.exists()) {
        (true, _) if is_systems(state_dir) => {
            let below = below("agent.state_dir", state_dir, state_dir, &user);
            return format!(
                "the agent needs a folder of its own: {below}, and move there what it left (state.db*, agent.lock)"
            );
        }
        (true, _) => format!("chown -R {user}: {}", state_dir.display()),
        (false, true) => format!("chown {user}: {}*", file.display()),
        (false, false) => {
            let folder = file.parent().unwrap_or(file);
            let shown = folder.display();
            let given = if is_systems(folder) {
                format!("name a place in a folder below {shown}, which is {user}'s")
            } else {
                format!("give {shown} to {user}, or name another place")
            };
            return format!("run this as root or as {user}, who must be let write {shown}: {given}");
        }
    };
    format!(
        "it must be {user}'s, as the folder of the state is: run this as root or as {user} (`runuser -u {user} -- seatsync ...`); what \
         became root's by mistake is given back with `{mended}`"
    )
}

/// A place that the unit closes, whoever owns it.
fn outside(key: &'static str, path: &Path, unit: &Unit, folders: &[PathBuf]) -> Closed {
    let shown: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let message = format!(
        "the service may write {} alone ({}), and {key} is {}",
        if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") },
        unit.file.display(),
        path.display()
    );
    let name = path.file_name().map(Path::new).filter(|_| is_file(key));
    let remedy = match folders.first() {
        Some(folder) => {
            let inside = name.map_or_else(|| folder.clone(), |name| folder.join(name));
            format!("write {key} = \"{}\"{}", inside.display(), moved_there(path))
        }
        None => format!("name its folder as ReadWritePaths= in {}", unit.file.display()),
    };
    Closed { key, message, remedy, sure: true }
}

/// What comes along to another place; of a folder of the system's only what the agent left in it.
fn moved_there(path: &Path) -> &'static str {
    match (path.exists(), is_systems(path)) {
        (true, false) => ", and move what lies there",
        (true, true) if path.join("state.db").exists() => {
            ", and move there what the agent left (state.db*, agent.lock), nothing else"
        }
        _ => "",
    }
}

/// What lies there is a file, not a folder.
fn is_file(key: &str) -> bool {
    matches!(key, "backend.path" | "ledger.database")
}

/// The command that lets the user write a place.
fn opened(key: &str, path: &Path, shut: &Path, user: &str) -> String {
    let folder = if is_file(key) { path.parent().unwrap_or(path) } else { path };
    if folder == shut && is_systems(shut) {
        return below(key, path, shut, user);
    }
    if shut.is_file() {
        // With what SQLite keeps beside it.
        let shown = shut.display().to_string();
        let base = shown.strip_suffix("-wal").or_else(|| shown.strip_suffix("-shm")).unwrap_or(&shown);
        format!("run: chown {user}: {base}*")
    } else if folder.exists() {
        format!("run: chown {user}: {}", shut.display())
    } else {
        format!("run: install -d -m 700 -o {user} {}", folder.display())
    }
}

/// A folder that others have things in: it is given to nobody.
pub fn is_systems(folder: &Path) -> bool {
    const DEEPER: [&str; 10] = [
        "/usr/bin",
        "/usr/lib",
        "/usr/local",
        "/usr/share",
        "/var/cache",
        "/var/lib",
        "/var/log",
        "/var/opt",
        "/var/spool",
        "/var/tmp",
    ];
    folder.components().count() <= 2 || DEEPER.iter().any(|one| folder == Path::new(one))
}

/// A place of the agent's own in a folder of the system, and what is to be written then.
fn below(key: &str, path: &Path, folder: &Path, user: &str) -> String {
    let own = folder.join("seatsync");
    let name = path.file_name().filter(|_| is_file(key));
    let named = name.map_or_else(|| own.clone(), |name| own.join(name));
    let moved = if name.is_some() && path.exists() { ", and move what lies there" } else { "" };
    format!("run: install -d -m 700 -o {user} {}, and write {key} = \"{}\"{moved}", own.display(), named.display())
}

#[cfg(test)]
mod tests;
