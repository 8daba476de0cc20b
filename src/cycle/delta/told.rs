//! What a directory says of who changed: told by the server, or found by comparing everyone's entry with the last.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::look::{MOST, Unheard};
use crate::cycle::reading::{self, DirectoryRead};
use crate::cycle::{CycleError, Parts};
use crate::model::snapshot::{Changes, Compared, Comparison, Followed, Whereabouts};
use crate::model::{Anchor, PersonId};
use crate::ports::Stage;

/// What a directory said.
pub(super) struct Told {
    pub(super) changes: Changes,
    /// Who is to be looked at.
    pub(super) people: BTreeSet<Anchor>,
    /// Whose entries came with it.
    pub(super) located: BTreeMap<Anchor, Whereabouts>,
    /// Who was known and did not come, where everything was read.
    pub(super) unseen: BTreeSet<Anchor>,
}

/// Asks the directory what changed.
pub(super) async fn follow(
    parts: &mut Parts<'_>,
    index: usize,
    read: &DirectoryRead,
    now: Timestamp,
) -> Result<Result<Told, Unheard>, CycleError> {
    let request = read.request(now);
    parts.progress.tell(Stage::Reading { directory: &read.name, entries: 0 });
    let told = tokio::select! {
        told = parts.directories[index].directory.follow(&request) => told,
        () = reading::stopped(parts.stop.as_mut()) => return Err(CycleError::Stopped),
    };
    Ok(match told {
        Ok(Followed::Changes(mut changes)) => {
            let mut people = std::mem::take(&mut changes.people);
            if let Some(there) = changes.there.take() {
                people.extend(parts.memory.absent(&read.name, &there)?);
            }
            if people.len() > MOST {
                let why = format!("{} people changed, or are not told to be there", people.len());
                return Ok(Err(Unheard::Untold(why)));
            }
            Ok(Told { changes, people, located: BTreeMap::new(), unseen: BTreeSet::new() })
        }
        Ok(Followed::Untold(why)) => Err(Unheard::Untold(why)),
        Err(error) => Err(Unheard::Failed(index, error)),
    })
}

/// Reads everything, and takes in who is not as before.
pub(super) async fn compare(
    parts: &mut Parts<'_>,
    index: usize,
    read: &DirectoryRead,
    touched: &BTreeSet<PersonId>,
    now: Timestamp,
) -> Result<Result<Told, Unheard>, CycleError> {
    let mut known = parts.memory.entries(&read.name)?;
    if known.iter().filter(|known| known.entry.is_none() && !known.is_gone).count() > MOST {
        return Ok(Err(Unheard::Untold("it is not known yet how everyone's entry looks".to_owned())));
    }
    // Their entries come with the read: nobody need be looked up.
    for person in touched.iter().filter(|person| person.directory == read.name) {
        if let Ok(at) = known.binary_search_by_key(&person.anchor, |known| known.anchor) {
            known[at].entry = None;
        }
    }
    let (request, progress) = (read.request(now), parts.progress);
    progress.tell(Stage::Reading { directory: &read.name, entries: 0 });
    let tell = |entries| progress.tell(Stage::Reading { directory: &read.name, entries });
    let told = tokio::select! {
        told = parts.directories[index].directory.compare(&request, known, &tell) => told,
        () = reading::stopped(parts.stop.as_mut()) => return Err(CycleError::Stopped),
    };
    Ok(match told {
        Ok(Compared::Whole(compared)) => {
            progress.tell(Stage::Read { directory: &read.name, entries: compared.entries, complete: true });
            of_comparison(compared)
        }
        Ok(Compared::Untold(why)) => Err(Unheard::Untold(why)),
        Err(error) => Err(Unheard::Failed(index, error)),
    })
}

fn of_comparison(compared: Comparison) -> Result<Told, Unheard> {
    let Comparison { kind, server, changed, unseen, entries, watermark } = compared;
    if unseen.len() > MOST {
        return Err(Unheard::Untold(format!("{} people are not there any more", unseen.len())));
    }
    let unseen: BTreeSet<Anchor> = unseen.into_iter().collect();
    let located: BTreeMap<Anchor, Whereabouts> =
        changed.into_iter().map(|person| (person.anchor, Whereabouts::Overlooked(Box::new(person)))).collect();
    let people = located.keys().copied().chain(unseen.iter().copied()).collect();
    let changes = Changes {
        kind,
        server,
        people: BTreeSet::new(),
        deleted: BTreeSet::new(),
        there: None,
        groups: true,
        entries,
        watermark,
    };
    Ok(Told { changes, people, located, unseen })
}
