//! `[[directory]]`: where people are read from, and who of them is considered at all.

use std::sync::Arc;

use super::keys::{ATTRIBUTES, SERVER_KEYS};
use super::reader::Reader;
use super::{group, ldap, naming};
use crate::model::filter::check_filter;
use crate::model::settings::{AttributeSettings, DirectorySettings, Source};
use crate::model::snapshot::Kind;

const KINDS: &[(&str, Kind)] = &[
    ("active-directory", Kind::ActiveDirectory),
    ("openldap", Kind::OpenLdap),
    ("389ds", Kind::Ds389),
    ("ldif", Kind::Ldif),
];

pub fn compile(reader: &Reader) -> DirectorySettings {
    let kind = reader.choice("kind", KINDS);
    // Of a kind that is misspelt, the path tells that a file was meant.
    let is_file = kind == Some(Kind::Ldif) || kind.is_none() && reader.has("kind") && reader.has("path");
    DirectorySettings {
        name: name(reader),
        kind,
        source: source(reader, is_file, kind),
        bases: bases(reader),
        filter: filter(reader),
        groups: groups(reader),
        exclude_groups: group::dns(reader, "exclude_groups").unwrap_or_default(),
        attributes: reader.section("attributes", &ATTRIBUTES, attributes),
    }
}

fn name(reader: &Reader) -> Arc<str> {
    reader.required("name", "a short name for the directory, for instance \"corp\"", naming::check_word).into()
}

/// A file has a path, a server everything else.
fn source(reader: &Reader, is_file: bool, kind: Option<Kind>) -> Source {
    if is_file {
        reader.refuse(
            SERVER_KEYS,
            "has no meaning with kind = \"ldif\", which has only name, kind, path, base, filter, groups, \
             exclude_groups and attributes",
        );
        reader.require("path", "the LDIF file to read people from");
        let path = reader.path("path").unwrap_or_default();
        reader.context.uses(&reader.place.key("path"), &path);
        Source::Ldif { path }
    } else {
        reader.refuse(&["path"], "is only for kind = \"ldif\"; a server has a url");
        Source::Ldap(ldap::compile(reader, kind))
    }
}

/// Left out they would mean either everyone or nobody: so they must be there, for a file too.
fn bases(reader: &Reader) -> Vec<Arc<str>> {
    const WHAT: &str = "the DNs under which people are looked for: base = [\"OU=Staff,DC=corp,DC=example\"]";
    reader.require("base", WHAT);
    let bases = group::dns(reader, "base");
    if bases.as_ref().is_some_and(Vec::is_empty) {
        reader.problem("base", format!("is empty: name {WHAT}"));
    }
    bases.unwrap_or_default()
}

fn groups(reader: &Reader) -> Vec<Arc<str>> {
    let groups = group::dns(reader, "groups");
    if groups.as_ref().is_some_and(Vec::is_empty) {
        reader.warn("groups", "names no group, so everyone under base is considered, as if it were left out");
    }
    groups.unwrap_or_default()
}

fn filter(reader: &Reader) -> Option<String> {
    let filter = reader.text("filter")?;
    if let Err(why) = check_filter(&filter) {
        reader.problem("filter", format!("is not a filter like \"(employeeType=staff)\" (RFC 4515): {why}"));
    }
    Some(filter)
}

fn attributes(reader: &Reader) -> AttributeSettings {
    AttributeSettings {
        user_name: attribute(reader, "user_name"),
        email: attribute(reader, "email"),
        given_name: attribute(reader, "given_name"),
        family_name: attribute(reader, "family_name"),
        display_name: attribute(reader, "display_name"),
        anchor: attribute(reader, "anchor"),
    }
}

/// An attribute type: a name or an OID (RFC 4512 section 2.5), without options.
fn attribute(reader: &Reader, key: &'static str) -> Option<String> {
    let name = reader.text(key)?;
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let numbered = name.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()));
    if !named && !numbered {
        reader.problem(key, "must be the directory's name of one attribute, for instance \"mail\", or its OID");
    }
    Some(name)
}
