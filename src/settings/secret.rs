//! Secrets: taken from a file, a variable, a systemd credential or, sealed, from the folder `secrets` beside the config on
//! Windows; never from the config itself (rule 22).

use std::path::{Path, PathBuf};

use config::ValueKind;
use secrecy::SecretString;

use super::keys::{SECRET, Shape};
use super::permissions::{self, Right};
use super::reader::Reader;
use super::unreadable::unreadable;

/// How to write one.
#[cfg(not(windows))]
const FORM: &str = "{ file = \"...\" }, { env = \"...\" } or { credential = \"...\" }";
/// How to write one.
#[cfg(windows)]
const FORM: &str = "{ dpapi = \"...\" }, { file = \"...\" } or { env = \"...\" }";

/// Where `secret set` keeps them, beside the config.
const FOLDER: &str = "secrets";

/// The file of a secret that is kept beside a config; None where the name is no name but a path.
#[must_use]
pub fn kept(folder: &Path, name: &str) -> Option<PathBuf> {
    let is_plain = name.chars().all(|letter| letter.is_alphanumeric() || "-_.".contains(letter));
    (is_plain && !name.is_empty() && !name.starts_with('.')).then(|| folder.join(FOLDER).join(name))
}

/// A secret that must be there. Its value is shown nowhere, whatever is wrong with it.
pub fn required(reader: &Reader, key: &'static str) -> SecretString {
    reader.is_known_as(key, |shape| matches!(shape, Shape::Secret));
    let place = reader.place.key(key);
    match reader.raw(key).map(|value| &value.kind) {
        Some(ValueKind::Table(_)) => return reader.section(key, &SECRET, resolve).unwrap_or_default(),
        Some(ValueKind::String(_)) => {
            let message = format!("must not stand in the config or a variable of its own; write {key} = {FORM}");
            reader.context.problem(&place, None, message);
        }
        Some(_) => reader.context.problem(&place, None, format!("must be {FORM}")),
        None => reader.context.problem(&place, None, format!("is missing: write {key} = {FORM}")),
    }
    SecretString::default()
}

/// The secret from the one place that is named.
fn resolve(reader: &Reader) -> Option<SecretString> {
    let named: Vec<&str> = SECRET.names().filter(|key| reader.has(key)).collect();
    if named.len() > 1 {
        let message = format!("must name one place, {FORM}, but names {}", named.join(" and "));
        reader.context.problem(&reader.place, None, message);
        return None;
    }
    if reader.is_empty() {
        reader.context.problem(&reader.place, None, format!("is empty: write {FORM}"));
    }
    from_file(reader)
        .or_else(|| from_variable(reader))
        .or_else(|| from_credential(reader))
        .or_else(|| from_dpapi(reader))
}

fn from_file(reader: &Reader) -> Option<SecretString> {
    let file = reader.path("file")?;
    reader.context.uses(&reader.place.key("file"), &file);
    read(reader, "file", &file, file_remedy(reader, &file), true)
}

fn from_variable(reader: &Reader) -> Option<SecretString> {
    let name = reader.text("env")?;
    let Some(value) = reader.context.variables.get(&name) else {
        reader.lacks("env", unset(reader, &name));
        return None;
    };
    accept(reader, "env", value)
}

/// A service has an environment of its own: who types a verb may lack what it has, and the other way round.
fn unset(reader: &Reader, name: &str) -> String {
    let unset = "is not set in the environment of this process";
    if cfg!(target_os = "linux") {
        let unit = unit(reader);
        format!(
            "{unset}. The service reads its own (`systemctl edit {unit}`, and under [Service] Environment={name}=...), and a verb that is \
             typed that of its shell: set {name} wherever it is missing. {{ credential = \"{PREFIX}NAME\" }} is found by both"
        )
    } else {
        unset.to_owned()
    }
}

/// The unit that runs on this config.
fn unit(reader: &Reader) -> &'static str {
    if reader.place.shown.starts_with("ledger.") { "seatsync-ledger" } else { "seatsync" }
}

/// A credential `secrets_NAME` is the file NAME of this folder beside the config, as systemd/seatsync.service hands it over.
const PREFIX: &str = "secrets_";

/// systemd puts credentials into a folder that only the service can read, whatever the mode bits say: they show the
/// mask of an access list (systemd 250 and later: 0440). Verbs that root types by hand read what systemd would have.
fn from_credential(reader: &Reader) -> Option<SecretString> {
    let name = reader.text("credential")?;
    if name.contains(['/', '\\']) || name.starts_with('.') {
        reader.problem("credential", "must be the name of a credential, not a path");
        return None;
    }
    if let Some(folder) = reader.context.variables.get("CREDENTIALS_DIRECTORY") {
        refuse_older(reader, &name, &PathBuf::from(folder).join(&name));
        return read(reader, "credential", &PathBuf::from(folder).join(&name), &not_given(reader, &name), false);
    }
    let Some(file) = source(reader, &name) else {
        if let Some(called) = called(reader, &name) {
            reader.lacks("credential", called);
            return None;
        }
        let message = format!(
            "is only there in a systemd service that has LoadCredential={name}:/path/of/the/file; call it \
             {PREFIX}{name} and keep it as {FOLDER}/{name} beside the config, and verbs that root types find it, too"
        );
        reader.lacks("credential", message);
        return None;
    };
    let remedy = format!("keep it as {}, and type this as root", file.display());
    read(reader, "credential", &file, &remedy, true)
}

/// The file that systemd makes this credential of, where the packaged unit does.
fn source(reader: &Reader, name: &str) -> Option<PathBuf> {
    name.strip_prefix(PREFIX).and_then(|file| kept(&reader.context.folder, file))
}

/// The file is there, and its credential has another name.
fn called(reader: &Reader, name: &str) -> Option<String> {
    let file = kept(&reader.context.folder, name).filter(|file| file.is_file())?;
    Some(format!("{} is the credential {PREFIX}{name}: write credential = \"{PREFIX}{name}\"", file.display()))
}

/// What to do where a service was not given a credential: systemd hands over what is there when it starts. (The service itself
/// may not look into the folder.)
fn not_given(reader: &Reader, name: &str) -> String {
    let restart = format!("restart it (`systemctl restart {}`)", unit(reader));
    let later = "systemd hands credentials over when the service starts, and no reload does";
    match source(reader, name) {
        Some(file) if file.is_file() => {
            format!("{} is there since the service was started: {restart}; {later}", file.display())
        }
        Some(file) => format!("keep it as {}, and then {restart}; {later}", file.display()),
        None => called(reader, name).unwrap_or_else(|| {
            format!("give the service LoadCredential={name}:/path/of/the/file, and {restart}; {later}")
        }),
    }
}

/// systemd hands a credential over when the service starts: another secret in the file since is not what the service has.
/// (Who may not look into the file, as the service itself, is not told.)
fn refuse_older(reader: &Reader, name: &str, handed_over: &Path) {
    let Some(new) = source(reader, name).and_then(|file| std::fs::read(file).ok()) else { return };
    if std::fs::read(handed_over).is_ok_and(|old| old != new) {
        let message = format!(
            "holds another secret now than the service was given when it started, and no reload hands over a new one: \
             `systemctl restart {}`; until then it goes on with the secret that it was given",
            unit(reader)
        );
        reader.problem("credential", message);
    }
}

/// Sealed by `secret set`.
fn from_dpapi(reader: &Reader) -> Option<SecretString> {
    let name = reader.text("dpapi")?;
    let Some(file) = kept(&reader.context.folder, &name) else {
        // What was written there may be a sealed secret itself: it is not shown.
        hidden(reader, "must be the name of a secret that `seatsync secret set` keeps".to_owned());
        return None;
    };
    open(reader, &name, &file)
}

#[cfg(windows)]
fn open(reader: &Reader, name: &str, file: &Path) -> Option<SecretString> {
    let remedy = format!("run: seatsync secret set {name}");
    reader.context.uses(&reader.place.key("dpapi"), file);
    look(reader, "dpapi", file, &remedy, true)?;
    let opened = std::fs::read(file).and_then(|sealed| crate::windows::dpapi::open(name, &sealed));
    match opened.and_then(|secret| String::from_utf8(secret).map_err(std::io::Error::other)) {
        Ok(secret) => accept(reader, "dpapi", &secret),
        Err(error) => {
            reader.lacks("dpapi", format!("cannot be opened on this machine ({error}); {remedy}"));
            None
        }
    }
}

#[cfg(not(windows))]
fn open(reader: &Reader, _name: &str, _file: &Path) -> Option<SecretString> {
    hidden(reader, format!("is there on Windows alone; write {FORM}"));
    None
}

/// A problem that does not show the value.
fn hidden(reader: &Reader, message: String) {
    reader.context.problem(&reader.place.key("dpapi"), None, message);
}

/// The text of a file, without the newline that editors put at its end.
fn read(reader: &Reader, key: &'static str, file: &Path, remedy: &str, check_mode: bool) -> Option<SecretString> {
    look(reader, key, file, remedy, check_mode)?;
    match std::fs::read_to_string(file) {
        Ok(text) => {
            let secret = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
            if let Some(doubt) = empty_line(secret, what(reader)).filter(|_| !is_token(reader)) {
                reader.warn(key, doubt);
            }
            accept(reader, key, secret)
        }
        Err(error) => {
            reader.lacks(key, unreadable(&error, remedy));
            None
        }
    }
}

/// What is said of a secret that begins a line after its own; `of`: what it is.
#[must_use]
pub fn empty_line(secret: &str, of: &str) -> Option<String> {
    let said = || format!("ends with an empty line, and that counts as a part of {of}: delete it, where it is none");
    (secret.ends_with('\n') && !secret.trim().is_empty()).then(said)
}

/// Whether a file is there that only its owner may use.
fn look(reader: &Reader, key: &'static str, file: &Path, remedy: &str, check_mode: bool) -> Option<()> {
    let metadata = match std::fs::metadata(file) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => {
            reader.lacks(key, format!("is no file; {remedy}"));
            return None;
        }
        Err(error) => {
            reader.lacks(key, unreadable(&error, remedy));
            return None;
        }
    };
    if let Some(told) = permissions::refusal(file, &metadata, Right::Any, "use it").filter(|_| check_mode) {
        reader.problem(key, told);
    }
    Some(())
}

/// What is kept secret, in words.
fn what(reader: &Reader) -> &'static str {
    match reader.place.shown.rsplit_once('.') {
        Some((_, "token")) => "the token",
        Some((_, "secret")) => "the secret",
        _ => "the password",
    }
}

/// A token is one line; what people choose as a password may be anything.
fn is_token(reader: &Reader) -> bool {
    what(reader) == "the token"
}

fn file_remedy(reader: &Reader, file: &Path) -> &'static str {
    match (is_token(reader), file.exists()) {
        (true, false) if reader.place.shown.starts_with("status.") => {
            "make one that nobody can guess: (umask 077; openssl rand -hex 32 >FILE)"
        }
        (true, false) => {
            "`seatsync --config /etc/seatsync/ledger.toml ledger connector add NAME`, where the ledger is, prints the token for it; a ledger whose ledger.first.token_file it is writes it when it is served for the first time: start that one first"
        }
        (true, true) => "name a file that holds the token and nothing else",
        (false, false) if what(reader) == "the secret" => {
            "make one: (umask 077; echo whsec_$(openssl rand -base64 32) >FILE)"
        }
        (false, _) if what(reader) == "the secret" => "name a file that holds the secret and nothing else",
        (false, _) => "name a file that holds the password and nothing else",
    }
}

/// Rule 23: an empty password is never sent; a server takes it for an anonymous bind.
fn accept(reader: &Reader, key: &'static str, secret: &str) -> Option<SecretString> {
    if secret.is_empty() {
        reader.lacks(key, format!("holds an empty secret; put {} there", what(reader)));
    } else if secret.contains(char::REPLACEMENT_CHARACTER) || secret.contains('\0') {
        reader.lacks(key, format!("holds what is no UTF-8 text; put {} there as text", what(reader)));
    } else if is_token(reader) && secret.contains(['\n', '\r']) {
        reader.lacks(key, "holds several lines; put the token there alone, on one line");
    } else {
        return Some(SecretString::from(secret));
    }
    None
}
