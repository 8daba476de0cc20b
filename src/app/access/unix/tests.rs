use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;

use super::*;

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

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn service(gid: u32) -> Service {
    Service { uid: 12_345, gid, groups: Vec::new(), is_listed: true, known_by: "who owns state_dir".to_owned() }
}

#[test]
fn a_file_that_only_root_may_read_is_named_with_the_user_who_may_not_and_the_command() {
    let folder = tempfile::tempdir().unwrap();
    mode(folder.path(), 0o755);
    let [state, secret, open] = ["state", "secret", "open"].map(|name| folder.path().join(name));
    fs::create_dir(&state).unwrap();
    fs::write(&secret, "x").unwrap();
    fs::write(&open, "x").unwrap();
    mode(&secret, 0o600);
    mode(&open, 0o644);
    let refuses = |gid, files: &[PathBuf]| -> Vec<Problem> {
        files.iter().filter_map(|file| Some(refused(&service(gid), "", &used(file.clone()))?.problem)).collect()
    };
    let told = refuses(12_346, &[secret.clone(), open.clone()]);
    let [problem] = told.as_slice() else { panic!("{told:?}") };
    let command = format!("chown 12345 {}", secret.display());
    assert!(problem.message.contains("runs as 12345") && problem.message.ends_with(&command), "{}", problem.message);
    assert_eq!(problem.line, Some(3));

    let told = |key: &str| {
        let mut file = used(secret.clone());
        key.clone_into(&mut file.place.key);
        refused(&service(12_346), "", &file).unwrap()
    };
    let config = told("");
    let command = format!("run: chgrp 12346 {0} && chmod 640 {0}", secret.display());
    assert!(config.problem.message.ends_with(&command) && config.sure, "a config stays root's: {config:?}");
    assert!(told("directory.corp.ca_file").problem.message.contains("chmod a+r"), "everybody may read a CA");
    let unsure = Service { is_listed: false, ..service(12_346) };
    assert!(!refused(&unsure, "", &used(secret.clone())).unwrap().sure, "whose groups are not known");

    mode(&secret, 0o640);
    let group = fs::metadata(&secret).unwrap().gid();
    assert!(refuses(group, std::slice::from_ref(&secret)).is_empty(), "the group may read it");
    let member = Service { groups: vec![group], ..service(12_346) };
    assert_eq!(refused(&member, "", &used(secret.clone())), None);
    // Only root can give a folder away: then the service is its owner.
    if chown(&state, Some(12_345), Some(12_346)).is_ok() {
        mode(&secret, 0o600);
        assert_eq!(unreadable(Path::new("x.toml"), Some(&state), &[used(secret), used(open.clone())]).len(), 1);
    }
    mode(folder.path(), 0o700);
    let told = refuses(12_346, &[open]);
    assert!(told[0].message.contains(&format!("may not enter {}", folder.path().display())), "{told:?}");
}

#[test]
fn a_ledger_in_a_folder_that_is_somebody_elses_is_told_with_the_command() {
    let folder = tempfile::tempdir().unwrap();
    mode(folder.path(), 0o755);
    let ledger = folder.path().join("ledger/ledger.db");
    let told = |path: &Path| closed("backend.path", path, None, Some(&service(12_346)), "");
    let closed = told(&ledger).unwrap();
    assert!(closed.message.contains(&format!("may not write {}", folder.path().display())), "{closed:?}");
    assert!(closed.sure, "no access list lets it");
    let unsure = Service { is_listed: false, ..service(12_346) };
    assert!(
        !super::closed("backend.path", &ledger, None, Some(&unsure), "").unwrap().sure,
        "whose groups are not known"
    );
    let made = folder.path().join("ledger");
    assert_eq!(closed.remedy, format!("run: install -d -m 700 -o 12345 {}", made.display()));
    fs::create_dir(&made).unwrap();
    mode(&made, 0o755);
    assert_eq!(told(&ledger).unwrap().remedy, format!("run: chown 12345: {}", made.display()));
    mode(&made, 0o777);
    assert_eq!(told(&ledger), None);
    fs::write(&ledger, "").unwrap();
    mode(&ledger, 0o644);
    assert_eq!(told(&ledger).unwrap().remedy, format!("run: chown 12345: {}*", ledger.display()));
}

#[test]
fn the_default_ledger_lies_where_the_packaged_service_may_not_write_and_the_config_is_told_what_may() {
    let root = tempfile::tempdir().unwrap();
    let units = root.path().join("etc/systemd/system");
    fs::create_dir_all(&units).unwrap();
    fs::write(units.join("seatsync.service"), include_str!("../../../../systemd/seatsync.service")).unwrap();
    let unit = Unit::of(Path::new("/etc/seatsync/seatsync.toml"), root.path()).unwrap();
    let told = |key, path: &str| closed(key, Path::new(path), Some(&unit), None, "");
    let closed = told("backend.path", "/var/lib/ledger/ledger.db").unwrap();
    assert!(closed.message.starts_with("the service may write /var/lib/seatsync alone"), "{closed:?}");
    assert_eq!(closed.remedy, "write backend.path = \"/var/lib/seatsync/ledger.db\"");
    assert!(closed.sure, "the unit says so");
    assert_eq!(told("backend.path", "/var/lib/seatsync/ledger.db"), None);
    let closed = told("agent.state_dir", "/srv/state").unwrap();
    assert_eq!(closed.remedy, "write agent.state_dir = \"/var/lib/seatsync\"");
    for systems in ["/opt", "/var/lib"] {
        let closed = told("agent.state_dir", systems).unwrap();
        assert_eq!(closed.remedy, "write agent.state_dir = \"/var/lib/seatsync\"", "others' things stay: {systems}");
    }
    let ours = root.path().join("ours");
    fs::create_dir(&ours).unwrap();
    let closed = told("agent.state_dir", &ours.display().to_string()).unwrap();
    assert!(closed.remedy.ends_with(", and move what lies there"), "{closed:?}");
}

#[test]
fn a_served_ledger_whose_database_lies_where_its_service_may_not_write_is_told_so() {
    let root = tempfile::tempdir().unwrap();
    let units = root.path().join("usr/lib/systemd/system");
    fs::create_dir_all(&units).unwrap();
    fs::write(units.join("seatsync.service"), include_str!("../../../../systemd/seatsync.service")).unwrap();
    let packaged = include_str!("../../../../systemd/seatsync-ledger.service");
    fs::write(units.join("seatsync-ledger.service"), packaged).unwrap();
    let unit = Unit::of(Path::new("/etc/seatsync/ledger.toml"), root.path()).unwrap();
    assert!(unit.file.ends_with("seatsync-ledger.service"), "{unit:?}");
    let told = |path: &str| closed("ledger.database", Path::new(path), Some(&unit), None, "");
    assert_eq!(told("/srv/ledger.db").unwrap().remedy, "write ledger.database = \"/var/lib/seatsync/ledger.db\"");
    assert_eq!(told("/var/lib/seatsync/ledger/ledger.db"), None);

    mode(root.path(), 0o755);
    let database = root.path().join("ledger/ledger.db");
    let closed = closed("ledger.database", &database, None, Some(&service(12_346)), "").unwrap();
    assert_eq!(closed.remedy, format!("run: install -d -m 700 -o 12345 {}", root.path().join("ledger").display()));
}

#[test]
fn who_is_forbidden_a_file_is_told_whose_it_should_be_and_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    let inside = given_back(&state, &state.join("ledger.db"));
    assert!(inside.contains(&format!(": {}`", state.display())) && inside.contains("chown -R "), "{inside}");
    let ledger = folder.path().join("ledger.db");
    fs::write(&ledger, "").unwrap();
    let beside = given_back(&state, &ledger);
    assert!(beside.contains(&format!(": {}*`", ledger.display())) && !beside.contains("-R"), "{beside}");
    let new = given_back(&state, &folder.path().join("new/ledger.db"));
    assert!(new.contains(&format!("let write {}", folder.path().join("new").display())), "{new}");
    if chown(&state, Some(12_345), Some(12_346)).is_ok() {
        assert!(given_back(&state, &state.join("ledger.db")).contains("chown -R 12345: "));
    }
}

#[test]
fn what_is_refused_to_us_is_found_by_trying() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger/ledger.db");
    assert_eq!(refused_to_us(&ledger), None);
    fs::create_dir(folder.path().join("ledger")).unwrap();
    fs::write(&ledger, "").unwrap();
    assert_eq!(refused_to_us(&ledger), None);
    assert_eq!(fs::read_dir(folder.path().join("ledger")).unwrap().count(), 1, "nothing is left behind");
    // Not even root makes a file there.
    assert_eq!(refused_to_us(Path::new("/proc/sys/seatsync/ledger.db")), Some(Path::new("/proc/sys")));
}

#[test]
fn a_file_that_the_unit_hides_is_a_problem_whatever_its_mode_and_moves_to_where_the_service_reads() {
    let units = tempfile::tempdir().unwrap();
    let folder = units.path().join("etc/systemd/system");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("seatsync.service"), include_str!("../../../../systemd/seatsync.service")).unwrap();
    let unit = Unit::of(Path::new("/etc/seatsync/seatsync.toml"), units.path()).unwrap();
    let told = |key: &str, path: &str| {
        let mut file = used(PathBuf::from(path));
        key.clone_into(&mut file.place.key);
        unseen(&unit, "licences", "seatsync", &file)
    };
    let ca = told("directory.corp.ca_file", "/root/ca.pem").unwrap();
    let message = &ca.problem.message;
    assert!(
        ca.sure && message.starts_with("the service does not see /home, /root, /run/user, /tmp, /var/tmp ("),
        "{message}"
    );
    let command = "run: install -m 644 -o root -g seatsync /root/ca.pem /etc/seatsync/, and write directory.corp.ca_file = \
                   \"/etc/seatsync/ca.pem\"";
    assert!(message.contains(command), "{message}");
    let secret = told("directory.corp.bind_password.file", "/tmp/password").unwrap().problem.message;
    assert!(secret.contains("install -m 600 -o licences -g seatsync /tmp/password /etc/seatsync/"), "{secret}");
    let config = told("", "/home/ada/seatsync.toml").unwrap().problem.message;
    assert!(config.ends_with("install -m 640 -o root -g seatsync /home/ada/seatsync.toml /etc/seatsync/"), "{config}");
    assert_eq!(told("directory.corp.ca_file", "/etc/ssl/certs/ca.pem"), None);
}

#[test]
fn a_folder_of_roots_alone_is_not_opened_but_left() {
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    let told = || let_enter(&service(12_346), "12345", &closed, &used(closed.join("ca.pem")));
    if fs::metadata(&closed).unwrap().uid() == 0 {
        assert!(
            told().starts_with("run: install -m 600 -o 12345 -g 12346 ") && !told().contains("chmod"),
            "{}",
            told()
        );
    } else {
        assert!(told().starts_with("run: chmod o+x "), "{}", told());
    }
    let ours =
        let_enter(&service(12_346), "12345", Path::new("/etc/seatsync"), &used(PathBuf::from("/etc/seatsync/ca.pem")));
    assert_eq!(ours, "run: chgrp 12346 /etc/seatsync && chmod g+x /etc/seatsync");
}

#[test]
fn a_folder_that_systemd_gives_back_at_the_start_is_no_trouble_and_a_file_of_anothers_in_the_users_own_is() {
    let root = tempfile::tempdir().unwrap();
    mode(root.path(), 0o755);
    let units = root.path().join("etc/systemd/system");
    fs::create_dir_all(&units).unwrap();
    let state = root.path().join("state");
    fs::create_dir(&state).unwrap();
    mode(&state, 0o700);
    let file = state.join("state.db");
    fs::write(&file, "x").unwrap();
    mode(&file, 0o600);
    // What is absolute is not joined to /var/lib.
    let packaged = include_str!("../../../../systemd/seatsync.service");
    let told = |unit: &str, user: u32| {
        fs::write(units.join("seatsync.service"), unit).unwrap();
        let unit = Unit::of(Path::new("/etc/seatsync/seatsync.toml"), root.path()).unwrap();
        let service = Service { uid: user, ..service(12_346) };
        [&state, &file].map(|path| closed("agent.state_dir", path, Some(&unit), Some(&service), "").is_some())
    };
    let given = packaged.replace("StateDirectory=seatsync", &format!("StateDirectory={}", state.display()));
    assert_eq!(told(&given, 12_345), [false, false], "systemd gives it back, with all in it");
    let kept = packaged.replace("StateDirectory=seatsync", &format!("ReadWritePaths={}", state.display()));
    assert_eq!(told(&kept, 12_345), [true, true], "nobody gives it back");
    // Only root can give a folder away.
    if chown(&state, Some(12_345), Some(12_346)).is_ok() {
        assert_eq!(told(&given, 12_345), [false, true], "of a folder that is the user's systemd touches nothing");
    }
}

#[test]
fn a_folder_of_the_system_is_given_to_nobody_and_one_below_it_is_named() {
    let told = |key, path: &str, shut: &str| opened(key, Path::new(path), Path::new(shut), "svc");
    let made = "run: install -d -m 700 -o svc /opt/seatsync, and write agent.state_dir = \"/opt/seatsync\"";
    assert_eq!(told("agent.state_dir", "/opt", "/opt"), made);
    let ledger = "run: install -d -m 700 -o svc /srv/seatsync, and write backend.path = \"/srv/seatsync/ledger.db\"";
    assert_eq!(told("backend.path", "/srv/ledger.db", "/srv"), ledger);
    assert_eq!(told("backend.path", "/srv/a/ledger.db", "/srv"), "run: install -d -m 700 -o svc /srv/a");
    assert!(["/", "/opt", "/var/lib", "/usr/local"].iter().all(|one| is_systems(Path::new(one))));
    assert!(["/var/lib/seatsync", "/opt/seatsync"].iter().all(|one| !is_systems(Path::new(one))));
    let given = given_back(Path::new("/opt"), Path::new("/opt/state.db"));
    assert!(given.contains("/opt/seatsync") && !given.contains("chown"), "{given}");
}
