//! What a `[[directory]]` says of its servers: where they are, how to talk to them, who we are there.

use std::net::IpAddr;

use super::duration::{self, HOUR, MINUTE};
use super::reader::{Reader, Split};
use super::url::{self, Url};
use super::{bind, certificates};
use crate::model::settings::{Bind, LdapSettings};
use crate::model::snapshot::Kind;

/// What is lost at a global catalog, and what to write instead.
pub const GLOBAL_CATALOG: &str = "3268 and 3269 are the ports of a global catalog, which has a part of the attributes alone: not \
    accountExpires, and whoever shows none is quarantined; not the members of groups that are not universal; and it does not tell \
    changes (DirSync). Write ldaps:// without a port (636), or ldap:// without one (389) and start_tls = true";

/// `kind`: what the directory is, as far as the config says.
pub fn compile(reader: &Reader, kind: Option<Kind>) -> LdapSettings {
    let (texts, urls) = urls(reader);
    let start_tls = reader.flag("start_tls");
    let allow_plaintext = reader.flag("allow_plaintext");
    let bind = bind::compile(reader);
    refuse_double_tls(reader, &urls, start_tls);
    wonder_at_ports(reader, &texts, &urls);
    if matches!(kind, None | Some(Kind::ActiveDirectory)) {
        wonder_at_global_catalogs(reader, &texts, &urls);
    }
    if matches!(bind, Bind::Kerberos { .. }) {
        refuse_addresses(reader, &texts, &urls);
    }
    if !start_tls {
        refuse_plain(reader, &bind, allow_plaintext, &texts, &urls);
    }
    let tls = start_tls || urls.iter().any(|(_, url)| url.tls || url.by_dns);
    LdapSettings {
        urls: texts,
        ca_file: certificates::file(reader, tls, "neither ldaps:// nor start_tls is used"),
        start_tls,
        allow_plaintext,
        bind,
        page_size: reader.number("page_size").unwrap_or(1000),
        timeout: duration::read(reader, "timeout", HOUR).unwrap_or(MINUTE),
    }
}

/// The URLs as written, and what the valid ones mean, each with its index.
fn urls(reader: &Reader) -> (Vec<String>, Vec<(usize, Url)>) {
    const WHAT: &str = "the servers in the order in which to try them: url = [\"ldaps://dc01.corp.example\"]";
    let texts = reader.texts("url", Split::AtCommas);
    reader.require("url", WHAT);
    if texts.as_ref().is_some_and(Vec::is_empty) {
        reader.problem("url", format!("is empty: name {WHAT}"));
    }
    let texts = texts.unwrap_or_default();
    let mut urls = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match url::parse(text) {
            Ok(url) => urls.push((index, url)),
            Err(refusal) => {
                let shown = if refusal.secret { "[redacted]" } else { text };
                reader.item_problem("url", index, shown, refusal.message);
            }
        }
    }
    (texts, urls)
}

fn refuse_double_tls(reader: &Reader, urls: &[(usize, Url)], start_tls: bool) {
    if start_tls && urls.iter().any(|(_, url)| url.tls) {
        reader.problem("start_tls", "is for ldap:// only: ldaps:// begins with TLS; take away the one or the other");
    }
}

/// A port of a global catalog (MS-ADTS 6.1.1.1.10): it is asked, and answers, as if little were there.
fn wonder_at_global_catalogs(reader: &Reader, texts: &[String], urls: &[(usize, Url)]) {
    for (index, _) in urls.iter().filter(|(_, url)| !url.by_dns) {
        if url::is_global_catalog(&texts[*index]) {
            reader.item_warn("url", *index, &texts[*index], GLOBAL_CATALOG);
        }
    }
}

/// The port of the other way: a server that is asked in TLS there, or in the clear, hangs up or says nothing.
fn wonder_at_ports(reader: &Reader, texts: &[String], urls: &[(usize, Url)]) {
    for (index, url) in urls.iter().filter(|(_, url)| !url.by_dns) {
        let host = texts[*index].split_once("://").and_then(|(_, rest)| url::host_and_port(rest));
        let port = host.and_then(|(_, port, _)| port);
        let message = match (url.tls, port) {
            (true, Some(389 | 3268)) => {
                "389 and 3268 are the ports without TLS: leave the port out (636), or write ldap:// with start_tls = true"
            }
            (false, Some(636 | 3269)) => {
                "636 and 3269 are the ports of TLS: write ldaps://, or leave the port out (389)"
            }
            _ => continue,
        };
        reader.item_warn("url", *index, &texts[*index], message);
    }
}

/// A ticket is for a server by its name.
fn refuse_addresses(reader: &Reader, texts: &[String], urls: &[(usize, Url)]) {
    for (index, _) in urls.iter().filter(|(_, url)| !url.by_dns) {
        let host = texts[*index].split_once("://").and_then(|(_, rest)| url::host_and_port(rest));
        if host.is_some_and(|(host, ..)| host.parse::<IpAddr>().is_ok()) {
            let message = "is an address, and Kerberos knows servers by name; write the server's host name";
            reader.item_problem("url", *index, &texts[*index], message);
        }
    }
}

/// What may not go without TLS. Rule 23: a password crosses no wire in the clear, unless the config says that it may; a
/// certificate is shown in TLS alone, on this very machine too.
fn refuse_plain(reader: &Reader, bind: &Bind, allow_plaintext: bool, texts: &[String], urls: &[(usize, Url)]) {
    let (even_here, message) = match bind {
        Bind::Anonymous => return,
        Bind::Simple { .. } if allow_plaintext => return,
        Bind::Simple { .. } => (
            false,
            "would send the password of bind_dn in the clear; use ldaps://, or start_tls = true (or, where you accept \
             that, allow_plaintext = true)",
        ),
        Bind::Kerberos { .. } => (
            true,
            "is not encrypted, and Kerberos is used within TLS alone, for its own encryption can lose what a server sends; \
             use ldaps://, or start_tls = true",
        ),
        Bind::External(_) => (
            true,
            "is a server to which no certificate can be shown, for there is no TLS; use ldaps://, or start_tls = true",
        ),
    };
    for (index, _) in urls.iter().filter(|(_, url)| !url.tls && !url.by_dns && (even_here || !url.loopback)) {
        reader.item_problem("url", *index, &texts[*index], message);
    }
}
