//! `bind`: who we are to a directory server, and what each way of saying so needs.

use super::pair;
use super::reader::Reader;
use super::secret;
use crate::model::settings::Bind;

/// How the config says we log on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Simple,
    External,
    Anonymous,
}

/// Each with its word, and with the keys that have a meaning for it alone.
const MANNERS: &[(&str, Manner, &[&str])] = &[
    ("simple", Manner::Simple, &["bind_dn", "bind_password"]),
    ("external", Manner::External, &["client_cert", "client_key"]),
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
    Bind::Simple { dn, password: secret::required(reader, "bind_password") }
}

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
