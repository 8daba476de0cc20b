//! Why somebody is out of scope: base, filter, groups and pools, each by the names of the config.

use std::borrow::Cow;

use super::{Case, list};
use crate::model::Name;
use crate::model::memory::{IN_NO_GROUP, MATCHED_BY_NO_POOL};
use crate::model::settings::{DirectorySettings, Settings};

/// Of somebody whom a read showed, so that base and filter are no reason.
pub(super) fn seen(case: &Case<'_>, because: &[Cow<'_, str>]) -> Vec<String> {
    let Some(directory) = of(case.settings, case.known.directory.as_ref()) else { return super::lines(because) };
    let judged = because.iter().map(|line| match &**line {
        IN_NO_GROUP => format!("a member of one of directory.groups ({}): no", list(&directory.groups)),
        MATCHED_BY_NO_POOL => format!("taken by a pool: no; {}", pools(case.settings)),
        other => other.to_owned(),
    });
    under(directory, true).into_iter().chain(fits(directory, true)).chain(judged).collect()
}

/// The directory of this name, where the config has it.
pub(super) fn of<'s>(settings: &'s Settings, name: Option<&Name>) -> Option<&'s DirectorySettings> {
    settings.directories.iter().find(|directory| Some(&directory.name) == name)
}

pub(super) fn under(directory: &DirectorySettings, is_under: bool) -> Option<String> {
    (!directory.bases.is_empty()).then(|| format!("under one of base ({}): {}", list(&directory.bases), word(is_under)))
}

pub(super) fn fits(directory: &DirectorySettings, fits: bool) -> Option<String> {
    directory.filter.as_ref().map(|filter| format!("fits filter ({filter}): {}", word(fits)))
}

const fn word(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// Which groups each pool takes its people from.
fn pools(settings: &Settings) -> String {
    let of = |pool: &crate::model::settings::PoolSettings| {
        let groups: Vec<_> = pool.groups.iter().flatten().map(|group| group.dn.clone()).collect();
        format!("{} takes members of {}", pool.name, list(&groups))
    };
    let said: Vec<String> = settings.pools.iter().take(3).map(of).collect();
    let more = settings.pools.len().saturating_sub(said.len());
    let and_more = if more > 0 { format!(", and {more} more pools") } else { String::new() };
    format!("{}{and_more}", said.join(", "))
}
