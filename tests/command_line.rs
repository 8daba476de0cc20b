//! What the real binary does with its arguments, before any config is read: help, usage errors, streams, exit codes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::io::Read as _;
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
