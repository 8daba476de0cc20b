//! The answers of a file: TOML, with the words of the config.

use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use toml::{Table, Value as Toml};

use super::answers::{Answers, BackendAsked, Key, PoolAsked, Value, checked_filter, of_seats};
use crate::app::{AppError, Code};
use crate::settings::secret::empty_line;
use crate::settings::{MOST_SEATS, nearest_of, refused_secret};

const ROOT: &[&str] = &["domain", "agent", "directory", "backend", "pool"];
const AGENT: &[&str] = &["state_dir"];
const DIRECTORY: &[&str] = &["name", "url", "ca_file", "bind_dn", "bind_password", "base", "filter", "groups"];
const BACKEND: &[&str] = &["kind", "company", "path", "url", "token", "ca_file"];
const POOL: &[&str] = &["name", "seats", "groups"];
const SECRET: &[&str] = &["file", "env"];

/// Reads the answers.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn read(path: &Path) -> Result<Answers, AppError> {
    let wrong = format!("the answers {} cannot be used", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| {
        let next = "name a file with the answers, which you may read; `seatsync init --help` shows one";
        AppError::new(Code::Usage, wrong.clone()).caused_by(&error).with_next(next)
    })?;
    let table: Table =
        text.parse().map_err(|error: toml::de::Error| AppError::new(Code::Usage, wrong.clone()).caused_by(&error))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut reader = Reader { folder, answers: Answers::default(), problems: Vec::new() };
    reader.root(&table);
    if !reader.problems.is_empty() {
        return Err(AppError::new(Code::Usage, wrong)
            .with_causes(reader.problems.clone())
            .with_details(reader.problems));
    }
    reader.answers.write = Some(true);
    Ok(reader.answers)
}

struct Reader<'a> {
    folder: &'a Path,
    answers: Answers,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn root(&mut self, root: &Table) {
        self.known(root, "", ROOT);
        self.answers.domain = self.text(root, "", "domain");
        let empty = Table::new();
        let agent = self.table(root, "agent").unwrap_or(&empty);
        self.known(agent, "agent.", AGENT);
        let state_dir = self.text(agent, "agent.", "state_dir");
        self.answers.state_dir = state_dir.map(|folder| super::absolute(&self.folder.join(folder)));
        let directory = self.table(root, "directory").unwrap_or(&empty);
        self.directory(directory);
        let backend = self.table(root, "backend").unwrap_or(&empty);
        self.backend(backend);
        match root.get("pool") {
            None => {}
            Some(Toml::Array(pools)) => pools.iter().for_each(|pool| match pool {
                Toml::Table(pool) => self.pool(pool),
                _ => self.problems.push("pool: write [[pool]]".to_owned()),
            }),
            Some(_) => self.problems.push("pool: write [[pool]]".to_owned()),
        }
    }

    fn directory(&mut self, table: &Table) {
        const AT: &str = "directory.";
        self.known(table, AT, DIRECTORY);
        for (name, key) in [("name", Key::Name), ("bind_dn", Key::BindDn)] {
            let text = self.text(table, AT, name).map(Value::Text);
            self.put(key, text);
        }
        if let Some(file) = self.text(table, AT, "ca_file") {
            let file = self.folder.join(file).display().to_string();
            self.put(Key::CaFile, Some(Value::Text(file)));
        }
        for (name, key) in [("url", Key::Servers), ("base", Key::Bases), ("groups", Key::Groups)] {
            let list = self.list(table, AT, name).map(Value::Many);
            self.put(key, list);
        }
        let password = self.secret(table, AT, "bind_password").map(Value::Secret);
        self.put(Key::BindPassword, password);
        let password = self.answers.bind_password.as_ref().map_or("", |secret| secret.expose_secret());
        self.answers.doubt =
            empty_line(password, "the password").map(|doubt| format!("{}: {doubt}", Key::BindPassword.place()));
        match self.text(table, AT, "filter").map(checked_filter).transpose() {
            Ok(filter) => self.answers.filter = filter,
            Err(why) => self.problems.push(format!("directory.filter: {why}")),
        }
    }

    fn backend(&mut self, table: &Table) {
        const AT: &str = "backend.";
        self.known(table, AT, BACKEND);
        for (name, key) in [("kind", Key::Backend), ("company", Key::Company), ("url", Key::LedgerUrl)] {
            let text = self.text(table, AT, name).map(Value::Text);
            self.put(key, text);
        }
        self.answers.ledger_path = self.text(table, AT, "path").map(|file| super::absolute(&self.folder.join(file)));
        match (&self.answers.ledger_path, self.answers.backend) {
            (Some(_), Some(BackendAsked::Ledger)) => {
                self.problems.push("backend.path: has no meaning with kind = \"ledger\"".to_owned());
            }
            (Some(path), _) if path.is_dir() => {
                self.problems
                    .push(format!("backend.path: {} is a folder; name the ledger's file in it", path.display()));
            }
            _ => {}
        }
        let token = self.secret(table, AT, "token").map(Value::Secret);
        self.put(Key::LedgerToken, token);
        self.answers.ledger_ca_file =
            self.text(table, AT, "ca_file").map(|file| super::absolute(&self.folder.join(file)));
    }

    fn pool(&mut self, table: &Table) {
        const AT: &str = "pool.";
        self.known(table, AT, POOL);
        let number = |seats: &Toml| {
            seats.as_integer().and_then(|seats| u32::try_from(seats).ok()).filter(|seats| *seats <= MOST_SEATS)
        };
        let seats = match table.get("seats").map(number) {
            Some(None) => {
                self.problems.push(format!("pool.seats: {}", of_seats()));
                None
            }
            seats => seats.flatten(),
        };
        let groups = self.list(table, AT, "groups");
        match self.text(table, AT, "name") {
            Some(name) => self.answers.pools.push(PoolAsked { name, seats, groups }),
            None => self.problems.push("pool.name: is missing".to_owned()),
        }
    }

    fn put(&mut self, key: Key, value: Option<Value>) {
        if let Some(Err(why)) = value.map(|value| self.answers.put(key, value)) {
            self.problems.push(format!("{}: {why}", key.place()));
        }
    }

    fn known(&mut self, table: &Table, at: &str, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            let meant = match nearest_of(known.iter().copied(), key) {
                Some(near) => format!("did you mean {at}{near}?"),
                None => format!("known are {}", known.join(", ")),
            };
            self.problems.push(format!("{at}{key}: there is no such answer; {meant}"));
        }
    }

    fn table<'t>(&mut self, root: &'t Table, key: &str) -> Option<&'t Table> {
        match root.get(key)? {
            Toml::Table(table) => Some(table),
            _ => {
                self.problems.push(format!("{key}: must be a table, [{key}]"));
                None
            }
        }
    }

    fn text(&mut self, table: &Table, at: &str, key: &str) -> Option<String> {
        match table.get(key)? {
            Toml::String(text) => Some(text.clone()),
            _ => {
                self.problems.push(format!("{at}{key}: must be text in quotes"));
                None
            }
        }
    }

    /// A list of texts, or one text.
    fn list(&mut self, table: &Table, at: &str, key: &str) -> Option<Vec<String>> {
        let texts = match table.get(key)? {
            Toml::String(text) => Some(vec![text.clone()]),
            Toml::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        if texts.is_none() {
            self.problems.push(format!("{at}{key}: must be a list of texts in quotes"));
        }
        texts
    }

    /// Never the secret itself: a file with answers is kept, and shown to others.
    fn secret(&mut self, table: &Table, at: &str, key: &str) -> Option<SecretString> {
        const FORM: &str = "write { file = \"...\" } or { env = \"...\" }";
        let Toml::Table(place) = table.get(key)? else {
            self.problems.push(format!("{at}{key}: must not stand here itself; {FORM}"));
            return None;
        };
        self.known(place, &format!("{at}{key}."), SECRET);
        let secret = match (self.text(place, at, "file"), self.text(place, at, "env")) {
            (Some(file), None) => secret_in(&self.folder.join(file)),
            (None, Some(name)) => std::env::var(&name).map_err(|_| format!("{name} is not set in the environment")),
            _ => Err(FORM.to_owned()),
        };
        match secret {
            Ok(secret) => Some(SecretString::from(secret)),
            Err(why) => {
                self.problems.push(format!("{at}{key}: {why}"));
                None
            }
        }
    }
}

/// The text of a file that nobody else may read, without the newline that editors put at its end.
fn secret_in(file: &Path) -> Result<String, String> {
    if let Some(refused) = refused_secret(file) {
        return Err(refused);
    }
    let text = std::fs::read_to_string(file).map_err(|error| format!("{} cannot be read ({error})", file.display()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}
