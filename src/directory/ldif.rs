//! A directory in an LDIF file: an export, read whole each time. A file that is broken anywhere is not read at all.

mod contents;
mod file;
mod filter;
mod last;
mod parse;
mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

pub use parse::{LdifError, Record, Records};

use self::contents::{Contents, Reading, What};
use self::file::Stamp;
use self::last::Last;
use self::scope::{Scope, Wanted};
use super::group::{GroupObject, GroupSource, Object, PeopleIndex, missed, walk};
use super::person::PersonReader;
use crate::model::dn::DnError;
use crate::model::filter::{Filter, FilterError};
use crate::model::settings::DirectorySettings;
use crate::model::snapshot::{
    Changes, Followed, Kind, Partial, Pin, Role, ScopeKey, Snapshot, Sought, Watermark, Whereabouts,
};
use crate::model::{Anchor, Dn, Name};
use crate::ports::{Directory, Missing, Persistence, Pins, Probe, Probed, ReadError, ReadRequest};

/// A config that no file can satisfy.
#[derive(Debug, Error)]
pub enum LdifConfigError {
    #[error("a base or group cannot be looked for")]
    Dn(#[from] DnError),
    #[error("the filter is no search filter: {0}")]
    Filter(#[from] FilterError),
    #[error("the filter {0} holds a match by rule (\":=\"), which only a server can apply; write it without")]
    NeedsServer(String),
}

/// A directory kept in an LDIF file.
/// Its place in a watermark.
const DIGEST: &str = "digest";

pub struct LdifDirectory {
    name: Name,
    path: PathBuf,
    wanted: Vec<Wanted>,
    people: PersonReader,
    filter: Option<Filter>,
    /// Where the last read found the bases and groups.
    pins: BTreeMap<ScopeKey, Pin>,
    /// The last read itself, until the directory is closed.
    last: Option<Last>,
}

impl LdifDirectory {
    /// A directory read from `path`. `groups` are all groups of it that the config names, whatever for.
    ///
    /// # Errors
    /// Where a base or group is no DN, or the filter cannot be applied to a file.
    pub fn new(settings: &DirectorySettings, path: &Path, groups: &[ScopeKey]) -> Result<Self, LdifConfigError> {
        let filter = settings.filter.as_deref().map(Filter::parse).transpose()?;
        if let Some(text) = settings.filter.as_ref().filter(|_| filter.as_ref().is_some_and(Filter::needs_server)) {
            return Err(LdifConfigError::NeedsServer(text.clone()));
        }
        let bases = settings.bases.iter().map(|dn| ScopeKey { role: Role::Base, dn: dn.clone() });
        let wanted = bases.chain(groups.iter().cloned()).map(|key| Ok(Wanted { dn: Dn::parse(&key.dn)?, key }));
        Ok(Self {
            name: settings.name.clone(),
            path: path.to_owned(),
            wanted: wanted.collect::<Result<_, DnError>>()?,
            people: PersonReader::new(Kind::Ldif, &settings.attributes),
            filter,
            pins: BTreeMap::new(),
            last: None,
        })
    }

    /// Reads the whole file and finds what the config names in it.
    fn load(
        &self,
        now: Timestamp,
        pins: &BTreeMap<ScopeKey, Pin>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Last, ReadError> {
        let (bytes, stamp) = file::read(&self.path)?;
        let reading = Reading { people: &self.people, filter: self.filter.as_ref(), now };
        let contents = Contents::read(&bytes, &reading, progress).map_err(|error| ReadError {
            doing: format!(
                "reading {}, line {}: {}; nothing of the file was used",
                self.path.display(),
                error.line,
                error.why
            ),
            advice: None,
            persistence: Persistence::Permanent,
            source: None,
        })?;
        let scope = Scope::find(&self.wanted, pins, &contents);
        Ok(Last { stamp, digest: file::digest(&bytes), contents, scope })
    }

    /// The file as last read, or as it is now where it has changed since. Its bases are looked for where they were.
    fn fresh(&mut self, now: Timestamp) -> Result<&Last, ReadError> {
        let current = Stamp::now(&self.path);
        let last = match self.last.take() {
            Some(last) if Some(last.stamp) == current => last,
            _ => self.load(now, &self.pins, &|_| ())?,
        };
        if last.scope.bases_lost {
            let why = "a base is not where it was, so nobody can be said to have left it";
            return Err(file::error(&self.path, why, Persistence::Permanent));
        }
        Ok(self.last.insert(last))
    }
}

#[async_trait]
impl Directory for LdifDirectory {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn read(
        &mut self,
        request: &ReadRequest,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Snapshot, ReadError> {
        self.last = None;
        let last = self.load(request.now, &request.pins, progress)?;
        let people = last.people();
        let unidentified = last.unidentified();
        let mut problems = last.scope.problems.clone();
        problems.extend(last.doubled_anchors());
        let mut source = InFile(&last.contents);
        let mut walked = walk(&last.scope.groups, &request.nested, &mut PeopleIndex::new(&people), &mut source).await?;
        let how = (Kind::Ldif, problems.is_empty(), request.now);
        let missed = missed(&request.nested, &mut walked, &mut source, how).await?;
        problems.extend(missed.problems);
        let server = self.path.display().to_string();
        let snapshot = Snapshot {
            directory: self.name.clone(),
            kind: Kind::Ldif,
            read_at: request.now,
            entries: u64::try_from(people.len() + unidentified.len()).unwrap_or(u64::MAX),
            people,
            unidentified,
            members: walked.members,
            by_uid: walked.by_uid,
            gone: walked.gone,
            gone_uids: walked.gone_uids,
            computed: walked.computed,
            nested: Some(missed.nested),
            followed: walked.followed,
            scope: last.scope.found.clone(),
            foreign: walked.foreign,
            dangling: walked.dangling,
            partial: partial(&server, &problems),
            watermark: Some(Watermark {
                server: server.clone(),
                position: BTreeMap::from([(DIGEST.to_owned(), last.digest.clone())]),
                at: Some(request.now),
            }),
            server,
        };
        self.pins = last.scope.as_pins();
        self.last = Some(last);
        Ok(snapshot)
    }

    /// A file that is the same as it was says the same.
    async fn follow(&mut self, request: &ReadRequest) -> Result<Followed, ReadError> {
        let (bytes, _) = file::read(&self.path)?;
        let (now, server) = (file::digest(&bytes), self.path.display().to_string());
        let watermark = request.watermark.clone().filter(|last| last.server == server);
        if watermark.as_ref().and_then(|last| last.position.get(DIGEST)) != Some(&now) {
            return Ok(Followed::Untold("the file is another one".to_owned()));
        }
        Ok(Followed::Changes(Changes {
            kind: Kind::Ldif,
            server,
            people: BTreeSet::new(),
            deleted: BTreeSet::new(),
            there: None,
            groups: false,
            entries: 0,
            watermark,
        }))
    }

    async fn locate(
        &mut self,
        missing: &[Missing],
        now: Timestamp,
    ) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        let last = self.fresh(now)?;
        Ok(missing.iter().map(|missing| (missing.anchor, last.whereabouts(missing))).collect())
    }

    async fn look(&mut self, people: &[Missing], now: Timestamp) -> Result<BTreeMap<Anchor, Whereabouts>, ReadError> {
        let last = self.fresh(now)?;
        Ok(people.iter().map(|person| (person.anchor, last.shown(person))).collect())
    }

    async fn seek(&mut self, name: &str, pins: &Pins, now: Timestamp) -> Result<Vec<Sought>, ReadError> {
        let last = self.load(now, pins, &|_| ())?;
        Ok(last.sought(name, &self.path.display().to_string()))
    }

    async fn probe(&mut self, pins: &BTreeMap<ScopeKey, Pin>) -> Probed {
        let what = format!("read {}", self.path.display());
        let probes = match self.load(Timestamp::UNIX_EPOCH, pins, &|_| ()) {
            Err(error) => vec![Probe {
                what,
                ok: false,
                message: error.doing,
                lost: Some("nobody of this directory can be given a seat".to_owned()),
                remedy: Some("export the directory again, whole, as LDIF".to_owned()),
            }],
            Ok(last) => {
                let message = format!("{} entries", last.contents.items.len() + last.contents.strays.len());
                let read = Probe { what, ok: true, message, lost: None, remedy: None };
                std::iter::once(read)
                    .chain(last.scope_probes())
                    .chain(last.followed_probes())
                    .chain(last.doubled_probe())
                    .collect()
            }
        };
        Probed { probes, bound: None }
    }

    async fn close(&mut self) {
        self.last = None;
    }
}

fn partial(server: &str, problems: &[String]) -> Option<Partial> {
    (!problems.is_empty())
        .then(|| Partial { message: format!("{server} cannot vouch for everyone: {}", problems.join("; ")) })
}

/// Groups looked up in the file.
struct InFile<'a>(&'a Contents);

#[async_trait]
impl GroupSource for InFile<'_> {
    async fn fetch(&mut self, dns: &[Dn]) -> Result<Vec<Object>, ReadError> {
        let object = |dn| match self.0.at(dn).map(|item| &item.what) {
            Some(What::Group(group)) => Object::Group((**group).clone()),
            Some(_) => Object::Other(None),
            None => Object::Gone,
        };
        Ok(dns.iter().map(object).collect())
    }

    async fn find(&mut self, anchor: Anchor, _last: &Dn) -> Result<Option<GroupObject>, ReadError> {
        Ok(self.0.by_anchor(anchor).and_then(|item| match &item.what {
            What::Group(group) => Some((**group).clone()),
            _ => None,
        }))
    }

    /// A file hides nothing.
    async fn hidden(&mut self, dns: &[Dn]) -> Result<Vec<Option<&'static str>>, ReadError> {
        Ok(vec![None; dns.len()])
    }

    async fn is_readable(&mut self, place: &Dn) -> Result<bool, ReadError> {
        Ok(self.0.reaches(place))
    }

    fn is_foreign(&self, dn: &Dn) -> bool {
        self.0.is_foreign(dn)
    }
}

#[cfg(test)]
mod tests;
