//! `bind`: who we are to a directory server, and what each way of saying so needs.

use std::path::{Path, PathBuf};

use super::pair;
use super::permissions::{self, Right};
use super::reader::Reader;
use super::secret;
use super::unreadable::unreadable;
use crate::model::settings::Bind;

/// How the config says we log on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Simple,
    External,
    Kerberos,
    Anonymous,
}

/// Each with its word, and with the keys that have a meaning for it alone.
const MANNERS: &[(&str, Manner, &[&str])] = &[
    ("simple", Manner::Simple, &["bind_dn", "bind_password"]),
    ("external", Manner::External, &["client_cert", "client_key"]),
    ("kerberos", Manner::Kerberos, &["keytab", "principal"]),
    ("anonymous", Manner::Anonymous, &[]),
];

/// Left out means `simple`: nobody reads a directory anonymously without saying so.
pub fn compile(reader: &Reader) -> Bind {
    let words: Vec<(&str, Manner)> = MANNERS.iter().map(|(word, manner, _)| (*word, *manner)).collect();
    let chosen = reader.choice("bind", &words);
    if chosen.is_none() && reader.has("bind") {
        // The problem is `bind` itself; what another manner would need is not known.
        for key in MANNERS.iter().flat_map(|(_, _, keys)| *keys) {
            reader.has(key);
        }
        return Bind::Anonymous;
    }
    let manner = chosen.unwrap_or(Manner::Simple);
    refuse_others(reader, manner, chosen.is_none());
    match manner {
        Manner::Anonymous => Bind::Anonymous,
        Manner::Simple => simple(reader),
        Manner::External => external(reader),
        Manner::Kerberos => kerberos(reader),
    }
}

fn refuse_others(reader: &Reader, chosen: Manner, left_out: bool) {
    let word = MANNERS.iter().find(|(_, manner, _)| *manner == chosen).map_or("", |(word, _, _)| word);
    let default = if left_out { ", which it is where `bind` is left out" } else { "" };
    for (_, _, keys) in MANNERS.iter().filter(|(_, manner, _)| *manner != chosen) {
        reader.refuse(keys, &format!("has no meaning with bind = \"{word}\"{default}"));
    }
}

fn simple(reader: &Reader) -> Bind {
    let dn = reader.required("bind_dn", "who logs on to the server (or another `bind` than \"simple\")", |_| Ok(()));
    if !dn.is_empty() && Bind::is_bare(&dn) {
        reader.warn("bind_dn", BARE);
    }
    Bind::Simple { dn, password: secret::required(reader, "bind_password") }
}

/// Active Directory takes it for a display name (MS-ADTS 5.1.1.1.1), other servers for a DN that is none.
const BARE: &str = "is a bare name, which servers hardly take: write a DN, or in Active Directory a user principal name \
                    (NAME@corp.example) or 'DOMAIN\\NAME'";

fn external(reader: &Reader) -> Bind {
    match pair::read(reader, &pair::Keys { cert: "client_cert", key: "client_key", whose: "client" }) {
        Some(files) => Bind::External(files),
        None => {
            reader.require("client_cert", "the PEM file with the certificate that says who we are");
            reader.require("client_key", "the PEM file with the private key of client_cert");
            Bind::Anonymous
        }
    }
}

fn kerberos(reader: &Reader) -> Bind {
    if !cfg!(feature = "kerberos") {
        reader.problem(
            "bind",
            "is not in this program, which was built without Kerberos: install a package of Seatsync, or build it with \
             `cargo build --release --features kerberos` (docs/directories.md says what that needs)",
        );
    } else if cfg!(windows) {
        let here = "has no meaning on Windows, where the account of the service logs on";
        reader.refuse(&["keytab", "principal"], here);
    }
    Bind::Kerberos { keytab: keytab(reader), principal: principal(reader) }
}

/// A keytab is a password: nobody but its owner may read it.
fn keytab(reader: &Reader) -> Option<PathBuf> {
    const WHAT: &str = "name a keytab of the account, which docs/directories.md tells how to make";
    let file = reader.path("keytab")?;
    reader.context.uses(&reader.place.key("keytab"), &file);
    match read_keytab(&file, WHAT) {
        Ok(metadata) => {
            if let Some(told) = permissions::refusal(&file, &metadata, Right::Any, "use it") {
                reader.problem("keytab", told);
            }
        }
        Err(why) => reader.problem("keytab", why),
    }
    Some(file)
}

/// Every keytab begins with the byte 5 and the version of its form.
fn read_keytab(file: &Path, what: &str) -> Result<std::fs::Metadata, String> {
    use std::io::Read as _;

    let unreadable = |error: std::io::Error| unreadable(&error, what);
    let mut opened = std::fs::File::open(file).map_err(unreadable)?;
    let metadata = opened.metadata().map_err(unreadable)?;
    let mut start = [0; 2];
    match opened.read_exact(&mut start) {
        Ok(()) if start[0] == 5 => Ok(metadata),
        _ => Err(format!("is no keytab; {what}")),
    }
}

/// `svc-seatsync@CORP.EXAMPLE`; the realm may be left to the library.
fn principal(reader: &Reader) -> Option<String> {
    let name = reader.text("principal")?;
    if name.chars().any(|c| c.is_whitespace() || c.is_control()) || name.starts_with('@') || name.contains('\\') {
        reader
            .problem("principal", "must be the name of an account in Kerberos, such as \"svc-seatsync@CORP.EXAMPLE\"");
    }
    Some(name)
}
