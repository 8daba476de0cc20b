//! What was measured, and on what: so that a reader can tell whether another figure may be compared.

use std::fs;
use std::process::Command;

/// Processor, number of them, system, and how busy it is with other things.
pub fn describe() -> String {
    let processor = first_line("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let system = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("?");
    format!("{processor}, {cores} cores, {} {system}, load {load}", std::env::consts::OS)
}

/// The line in which a program tells its version, among those it prints to `arguments`; slapd and ldapsearch print it
/// to standard error.
pub fn version(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.unwrap_or_else(|error| panic!("cannot start {program}: {error}; tests/run install installs it"));
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| line.contains(char::is_numeric)).unwrap_or("no version");
    line.trim().trim_start_matches("@(#) $").trim_end_matches('$').trim().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn first_line(path: &str, name: &str) -> Option<String> {
    let text = read(path);
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
