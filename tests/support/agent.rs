//! The real binary, on a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::process::{tool, wait_until};

/// No single run of a verb may take longer; a hang is a failure with what was printed so far.
const LIMIT: Duration = Duration::from_mins(3);

/// One agent: its config, its state and its ledger, in a folder that goes with it.
#[derive(Debug)]
pub struct Agent {
    folder: TempDir,
    environment: Vec<(String, String)>,
    /// Put over files of the system, for the agent alone.
    instead: Vec<(&'static str, PathBuf)>,
}

/// How one run of the binary ended.
#[derive(Debug)]
pub struct Ended {
    /// -1 where a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Agent {
    /// Writes the config. What every test would repeat is added where it is missing: `[agent]` with `state_dir =
    /// "state"`, `[backend]` with the embedded ledger `ledger.db` of the company `acme`, and a status page that is off.
    pub fn new(config: &str) -> Self {
        let agent = Self {
            folder: tempfile::tempdir().expect("a folder for the agent"),
            environment: Vec::new(),
            instead: Vec::new(),
        };
        agent.write_config(config);
        agent
    }

    /// Writes another config over the one before.
    pub fn write_config(&self, config: &str) {
        let mut text = String::new();
        if !has_table(config, "[agent]") {
            text.push_str("[agent]\nname = \"test\"\nstate_dir = \"state\"\n\n");
        }
        text.push_str(config);
        if !has_table(config, "[backend]") {
            text.push_str("\n[backend]\nkind = \"embedded\"\ncompany = \"acme\"\npath = \"ledger.db\"\n");
        }
        if !has_table(config, "[status]") {
            // Tests run side by side on one machine, whose port 8750 is one.
            text.push_str("\n[status]\nlisten = \"off\"\n");
        }
        std::fs::write(self.config_file(), text).expect("writing the config");
    }

    /// Every later run has this variable.
    pub fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Every later run finds this text in a file of the system, which stays as it is for all others. Root only.
    pub fn finds(&mut self, file: &'static str, text: &str) {
        let path = self.folder().join(file.replace('/', "-"));
        std::fs::write(&path, text).expect("writing what is found instead");
        self.instead.retain(|(known, _)| *known != file);
        self.instead.push((file, path));
    }

    /// Every later run asks this name server.
    pub fn asks(&mut self, name_server: &str) {
        self.finds("/etc/resolv.conf", &format!("nameserver {name_server}\noptions timeout:1 attempts:1\n"));
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn config_file(&self) -> PathBuf {
        self.folder().join("seatsync.toml")
    }

    /// Writes a file that only its owner may read, and gives its name for `{ file = "..." }`.
    pub fn secret(&self, name: &str, value: &str) -> String {
        let path = self.folder().join(name);
        std::fs::write(&path, value).expect("writing a secret");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("closing a secret");
        }
        name.to_owned()
    }

    /// One cycle: the exit code and the report.
    pub fn sync(&self) -> (i32, Value) {
        self.object(&["sync"])
    }

    /// One cycle that reads everything.
    pub fn sync_full(&self) -> (i32, Value) {
        self.object(&["sync", "--full"])
    }

    pub fn plan(&self) -> (i32, Value) {
        self.object(&["plan"])
    }

    pub fn confirm(&self, fingerprint: &str) -> (i32, Value) {
        self.object(&["confirm", fingerprint])
    }

    pub fn check(&self, connect: bool) -> (i32, Value) {
        self.object(if connect { &["check", "--connect"] } else { &["check"] })
    }

    pub fn status(&self) -> Value {
        self.object_of(&["status"])
    }

    pub fn explain(&self, user: &str) -> (i32, Value) {
        self.object(&["explain", user])
    }

    /// Everyone the state knows, as `users` prints them.
    pub fn users(&self) -> Vec<Value> {
        self.list(&["users"])
    }

    /// The one person with this user name.
    pub fn user(&self, user_name: &str) -> Value {
        let mut found: Vec<Value> = self.users().into_iter().filter(|user| user["user_name"] == user_name).collect();
        assert_eq!(found.len(), 1, "people called {user_name}: {found:?}");
        found.remove(0)
    }

    /// User names of those in a state, sorted: `active`, `pending`, `suspended`, `denied`.
    pub fn names(&self, state: &str) -> Vec<String> {
        let users = self.list(&["users", "--state", state]);
        let mut names: Vec<String> =
            users.iter().map(|user| user["user_name"].as_str().unwrap_or_default().to_owned()).collect();
        names.sort();
        names
    }

    /// Who waits, in order.
    pub fn pending(&self) -> Vec<Value> {
        self.list(&["pending"])
    }

    /// `pending approve|deny|release USER...`.
    pub fn decide(&self, decision: &str, users: &[&str]) -> Ended {
        let mut arguments = vec!["--json", "pending", decision];
        arguments.extend_from_slice(users);
        self.run(&arguments)
    }

    pub fn history(&self) -> Vec<Value> {
        self.list(&["history"])
    }

    /// Runs the binary with these arguments, `--config` before them.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, &[])
    }

    /// The same, with variables for this run only: `SEATSYNC_FAULT`, say.
    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        self.spawn(arguments, environment).wait()
    }

    /// Starts the agent itself, `run`, and leaves it running; it ends on drop.
    pub fn start(&self) -> Running {
        self.spawn(&["run"], &[])
    }

    /// Starts any verb and leaves it running; it ends on drop.
    pub fn spawn(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_seatsync")));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEATSYNC_")) {
            command.env_remove(name);
        }
        command.env("NO_COLOR", "1");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.envs(environment.iter().copied());
        command.arg("--config").arg(self.config_file()).args(arguments).current_dir(self.folder());
        Running::start(&mut command)
    }

    /// A program that sees the system as the agent is to see it.
    pub fn command(&self, program: &Path) -> Command {
        if self.instead.is_empty() {
            return Command::new(program);
        }
        let mounts: String =
            self.instead.iter().map(|(file, path)| format!("mount --bind '{}' '{file}' && ", path.display())).collect();
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", &format!("{mounts}exec \"$0\" \"$@\"")]);
        command.arg(program);
        command
    }

    fn object(&self, arguments: &[&str]) -> (i32, Value) {
        let ended = self.run_as_json(arguments);
        (ended.code, ended.json())
    }

    fn object_of(&self, arguments: &[&str]) -> Value {
        let ended = self.run_as_json(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.json()
    }

    fn list(&self, arguments: &[&str]) -> Vec<Value> {
        let ended = self.run_as_json(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.json_lines()
    }

    fn run_as_json(&self, arguments: &[&str]) -> Ended {
        let mut all = vec!["--json"];
        all.extend_from_slice(arguments);
        self.run(&all)
    }
}

fn has_table(config: &str, table: &str) -> bool {
    config.lines().any(|line| line.trim_start().starts_with(table))
}

impl Ended {
    /// The one JSON object on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not one JSON object ({error}): {self:?}"))
    }

    /// A JSON object on each line of standard output.
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON Lines ({error}): {line:?} of {self:?}"))
        };
        self.stdout.lines().map(parse).collect()
    }
}

/// A run of the binary that has not ended yet; killed on drop.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = child.stdout.take().map(collect);
        let stderr = child.stderr.take().map(collect);
        Self { child, stdout, stderr }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        let mut status = None;
        wait_until("the run ends", LIMIT, || {
            status = self.child.try_wait().expect("asking for a child");
            status.is_some()
        });
        self.ended(status.and_then(|status| status.code()).unwrap_or(-1))
    }

    /// Asks it to stop, as systemd does, and waits for its end.
    pub fn terminate(self) -> Ended {
        self.signal("TERM");
        self.wait()
    }

    /// Sends it a signal by name: TERM, INT, HUP. After STOP every thread of it has come to rest.
    pub fn signal(&self, name: &str) {
        tool(Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()), "");
        if name == "STOP" {
            wait_until("every thread stops", Duration::from_secs(10), || is_stopped(self.child.id()));
        }
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(mut self) -> Ended {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.ended(-1)
    }

    fn ended(&mut self, code: i32) -> Ended {
        let mut text = |half: fn(&mut Self) -> Option<JoinHandle<String>>| {
            half(self).map(|reader| reader.join().expect("reading what a run prints")).unwrap_or_default()
        };
        Ended { code, stdout: text(|run| run.stdout.take()), stderr: text(|run| run.stderr.take()) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// By what the kernel says of its threads, where it says anything (proc(5): the state follows the name in brackets).
fn is_stopped(process: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return true };
    let stats = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
    stats.into_iter().all(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))
}

/// Reads a pipe on a thread of its own, so that a run which prints much never waits for us.
fn collect(mut pipe: impl std::io::Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
