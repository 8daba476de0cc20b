//! What the real binary does with its arguments, before any config is read: help, usage errors, streams, exit codes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::io::{Read as _, Write as _};
use std::process::{Command, Output, Stdio};

fn seatsync(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seatsync"));
    command.args(arguments).env_remove("SEATSYNC_CONFIG");
    command
}

fn output(arguments: &[&str]) -> Output {
    seatsync(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_goes_to_stdout_names_the_exit_codes_and_ends_with_0() {
    let help = output(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Exit codes"));
    assert!(help.stderr.is_empty());
}

#[test]
fn a_usage_error_is_2_and_told_on_stderr() {
    for arguments in [&["synk"][..], &["confirm"], &["plan", "--seats", "standard=5"], &["relink", "a", "b"], &[]] {
        let wrong = output(arguments);
        assert_eq!(wrong.status.code(), Some(2), "{arguments:?}");
        assert!(wrong.stdout.is_empty() && !wrong.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn with_json_a_usage_error_is_one_object_on_stdout() {
    for arguments in [&["synk", "--json"][..], &["--json", "plan", "--seats", "x"], &["--json"]] {
        let wrong = output(arguments);
        assert_eq!(wrong.status.code(), Some(2), "{arguments:?}");
        let value: serde_json::Value = serde_json::from_slice(&wrong.stdout).unwrap();
        assert_eq!(value["error"]["code"], "usage", "{value}");
        assert!(value["error"]["message"].is_string() && value["error"]["causes"].is_array(), "{value}");
        assert!(wrong.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn nothing_is_coloured_where_no_terminal_listens_or_nobody_wants_it() {
    let plain = output(&["--help"]);
    assert!(!plain.stdout.contains(&0x1b));
    let forced = seatsync(&["--help"]).env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR").output().unwrap();
    assert!(forced.stdout.contains(&0x1b));
    let refused = seatsync(&["--help"]).env("NO_COLOR", "1").output().unwrap();
    assert!(!refused.stdout.contains(&0x1b));
}

#[test]
fn a_reader_who_leaves_early_is_no_failure() {
    let mut child = seatsync(&["completions", "zsh"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(said, "");
}

#[test]
fn completions_and_manual_pages_need_no_config() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = output(&["completions", shell]);
        assert!(script.status.success() && text(&script.stdout).contains("--connect"), "{shell}");
    }
    assert!(text(&output(&["man"]).stdout).contains(".TH seatsync"));
    assert_eq!(output(&["man", "nothing"]).status.code(), Some(2));
}

/// Beside the config that `--config` names; the config itself need not be there yet.
#[test]
fn a_secret_is_read_from_stdin_and_kept_without_the_newline_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("seatsync.toml").display().to_string();
    let mut child = seatsync(&["--config", &config, "--json", "secret", "set", "corp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"hunter2\n").unwrap();
    let told = child.wait_with_output().unwrap();
    assert!(told.status.success());
    let kept: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let content = std::fs::read(kept["file"].as_str().unwrap()).unwrap();
    assert!(!text(&told.stdout).contains("hunter2"));
    #[cfg(unix)]
    assert_eq!(
        (content.as_slice(), &kept["reference"]),
        (&b"hunter2"[..], &"{ credential = \"secrets_corp\" }".into())
    );
    #[cfg(windows)]
    assert!(!content.windows(7).any(|part| part == b"hunter2"));
    assert_eq!(output(&["--config", &config, "secret", "set", "../corp"]).status.code(), Some(2));
}

/// What systemd is asked, told by a stand-in for `systemctl`.
#[cfg(unix)]
#[test]
fn the_service_of_systemd_is_asked_by_its_name_and_only_where_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, asked) = (folder.path().join("systemctl"), folder.path().join("asked"));
    let service = |loaded: &str, arguments: &[&str]| {
        let script = format!(
            "#!/bin/sh\necho \"$@\" >>{}\n[ \"$1\" != show ] || printf 'LoadState={loaded}\\nActiveState=active\\nMainPID=7\\n'\n",
            asked.display()
        );
        std::fs::write(&stand_in, script).unwrap();
        std::fs::set_permissions(&stand_in, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        seatsync(&[&["--json", "service"], arguments].concat()).env("PATH", path).output().unwrap()
    };
    let status: serde_json::Value = serde_json::from_slice(&service("loaded", &["status"]).stdout).unwrap();
    assert_eq!((&status["state"], &status["pid"]), (&"running".into(), &7.into()));
    assert!(service("loaded", &["stop"]).status.success());
    assert!(std::fs::read_to_string(&asked).unwrap().ends_with("stop seatsync\n"));
    std::fs::remove_file(&asked).unwrap();
    assert_eq!(service("not-found", &["start"]).status.code(), Some(1));
    assert!(!std::fs::read_to_string(&asked).unwrap().contains("start"), "what is not there is not started");
}
