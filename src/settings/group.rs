//! DNs of bases and groups, and which directory a pool's group lies in.

use std::sync::Arc;

use super::naming;
use super::reader::{Reader, Split};
use crate::model::Dn;
use crate::model::settings::{DirectorySettings, GroupRef};

/// A list of DNs, each checked to be one. None: left out.
pub fn dns(reader: &Reader, key: &'static str) -> Option<Vec<Arc<str>>> {
    let texts = reader.texts(key, Split::Never)?;
    for (index, text) in texts.iter().enumerate() {
        if let Err(error) = Dn::parse(text) {
            reader.item_problem(key, index, text, format!("must be a distinguished name: {}", error.why));
        }
    }
    Some(texts.into_iter().map(Arc::from).collect())
}

/// A pool's groups, each with the directory it lies in. None: left out.
pub fn refs(reader: &Reader, key: &'static str, directories: &[DirectorySettings]) -> Option<Vec<GroupRef>> {
    let texts = reader.texts(key, Split::Never)?;
    let refs = texts.iter().enumerate().filter_map(|(index, text)| {
        resolve(text, directories).map_err(|message| reader.item_problem(key, index, text, message)).ok()
    });
    Some(refs.collect())
}

/// `corp:CN=Staff,DC=...`, or a DN that can lie in one directory only.
fn resolve(text: &str, directories: &[DirectorySettings]) -> Result<GroupRef, String> {
    let (prefix, dn) = match text.split_once(':') {
        // A colon after the first `=` is part of the DN.
        Some((prefix, dn)) if !prefix.contains('=') => (Some(prefix), dn),
        _ => (None, text),
    };
    let parsed = Dn::parse(dn).map_err(|error| format!("must be the distinguished name of a group: {}", error.why))?;
    if dn.is_empty() {
        return Err("must be the distinguished name of a group".to_owned());
    }
    let directory = match prefix {
        Some(prefix) => named(prefix, directories)?,
        None => only_one(&parsed, directories)?,
    };
    Ok(GroupRef { directory: directory.name.clone(), dn: Arc::from(dn) })
}

fn named<'d>(prefix: &str, directories: &'d [DirectorySettings]) -> Result<&'d DirectorySettings, String> {
    directories.iter().find(|directory| &*directory.name == prefix).ok_or_else(|| {
        let names = naming::quoted(directories.iter().map(|directory| &*directory.name));
        format!("no [[directory]] is called {prefix:?}; before the colon goes {names}")
    })
}

/// The only directory of the group's naming context; of several, the only one whose base or groups lie around it.
fn only_one<'d>(dn: &Dn, directories: &'d [DirectorySettings]) -> Result<&'d DirectorySettings, String> {
    if let [directory] = directories {
        return Ok(directory);
    }
    let same_context: Vec<_> = directories.iter().filter(|directory| shares_context(dn, directory)).collect();
    let candidates = if same_context.is_empty() { directories.iter().collect() } else { same_context };
    if let [directory] = candidates.as_slice() {
        return Ok(directory);
    }
    let around: Vec<_> = candidates.into_iter().filter(|directory| lies_around(dn, directory)).collect();
    match around.as_slice() {
        [directory] => Ok(directory),
        _ => Err(format!(
            "could lie in any of several directories; write the directory's name before it, for instance \"{}:{dn}\"",
            directories.first().map_or("corp", |directory| &directory.name)
        )),
    }
}

fn shares_context(dn: &Dn, directory: &DirectorySettings) -> bool {
    let own = context_of(dn);
    own.is_some() && scope(directory).any(|other| context_of(&other) == own)
}

fn lies_around(dn: &Dn, directory: &DirectorySettings) -> bool {
    scope(directory).any(|other| dn.is_under(&other) || other.is_under(dn))
}

/// The DNs a directory is configured with.
fn scope(directory: &DirectorySettings) -> impl Iterator<Item = Dn> {
    directory.bases.iter().chain(&directory.groups).filter_map(|dn| Dn::parse(dn).ok())
}

/// The longest end made of `dc` alone (RFC 2247): the domain.
fn context_of(dn: &Dn) -> Option<Dn> {
    let is_domain = |part: &Dn| part.key().starts_with("dc=");
    let parts: Vec<Dn> = upwards(dn).collect();
    parts.into_iter().rev().take_while(is_domain).last()
}

/// The DN itself, then each DN above it, without the root.
fn upwards(dn: &Dn) -> impl Iterator<Item = Dn> {
    std::iter::successors(Some(dn.clone()).filter(|dn| !dn.as_str().is_empty()), Dn::parent)
}
