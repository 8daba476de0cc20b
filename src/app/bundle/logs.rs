//! What the log says: of the system's own log, and of files that are named.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The end of a log, in bytes; what happened long ago helps nobody.
const MOST: u64 = 8 << 20;
/// Entries of the system's log.
const ENTRIES: &str = "5000";

/// Each log with the name it gets in the bundle.
pub fn read(files: &[PathBuf], missing: &mut Vec<String>) -> Vec<(String, String)> {
    let mut logs = Vec::new();
    match of_the_system() {
        Ok(text) => logs.push(("log.txt".to_owned(), text)),
        Err(why) => missing.push(format!("log.txt: {why}; name a log file with --log FILE")),
    }
    for (index, file) in files.iter().enumerate() {
        match end_of(file) {
            Ok(text) => logs.push((format!("log-{}.txt", index + 1), text)),
            Err(error) => missing.push(format!("{}: {error}", file.display())),
        }
    }
    logs
}

#[cfg(not(windows))]
fn of_the_system() -> Result<String, String> {
    let units = ["--unit=seatsync.service", "--unit=seatsync-ledger.service"];
    asked(Command::new("journalctl").args(units).args(["--no-pager", "--output=short-iso", "--lines", ENTRIES]))
}

#[cfg(windows)]
fn of_the_system() -> Result<String, String> {
    let query = "/q:*[System[Provider[@Name='seatsync']]]";
    asked(
        Command::new("wevtutil").args(["qe", "Application", query, "/rd:true", "/f:text"]).arg(format!("/c:{ENTRIES}")),
    )
}

fn asked(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if !output.status.success() {
        let said = text(&output.stderr);
        return Err(format!("{program}: {}", said.lines().next().unwrap_or("it failed and said nothing")));
    }
    Ok(text(&output.stdout))
}

fn end_of(file: &Path) -> io::Result<String> {
    let mut opened = File::open(file)?;
    let length = opened.metadata()?.len();
    opened.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
    let mut bytes = Vec::new();
    opened.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
