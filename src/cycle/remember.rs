//! The last stage: what the next cycle, and the verbs that read the state, will know of this one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::pins::pins_after;
use super::reading::{DirectoryRead, Readings};
use super::{CycleError, Parts, report};
use crate::clock;
use crate::desired::{Ask, Desired, Rules, Scope, Wish, accounts_of};
use crate::model::change::{BackendState, Confirmation};
use crate::model::memory::{
    Absence, CycleRecord, EXCLUDED, Facts, Held, IN_NO_GROUP, Judgement, Listing, MATCHED_BY_NO_POOL, MirrorUpdate,
    PersonRow, ReadRecord, WantedPool, Whole,
};
use crate::model::notice::News;
use crate::model::report::{CycleOutcome, ReadMode, SyncReport};
use crate::model::settings::{DirectorySettings, Drift, Settings};
use crate::model::snapshot::{ListedAs, Role, ScopeKey, Snapshot, Whereabouts};
use crate::model::{Account, Anchor, PersonId, Quarantine, Sighting, Standing, fold};
use crate::notify::{self, House};
use crate::plan::Plan;
use crate::ports::{Left, Memory, StateError};

/// Stores what was read of every directory, each in one step.
///
/// # Errors
/// Where the state cannot be written.
pub fn directories(
    memory: &mut dyn Memory,
    settings: &Settings,
    readings: &Readings,
    desired: &Desired<'_>,
    plan: &Plan,
    accounts: &[Account],
    now: Timestamp,
) -> Result<(), StateError> {
    for (directory, read) in settings.directories.iter().zip(&readings.0) {
        match &read.snapshot {
            None => memory.unreached(&read.name, read.problem.as_deref().unwrap_or_default(), now)?,
            Some(snapshot) => {
                let wishes = absences(desired, read, now);
                let update =
                    update(settings, directory, read, snapshot, plan, accounts_of(accounts, &read.name), wishes);
                memory.store(&read.name, &update)?;
            }
        }
    }
    Ok(())
}

/// Who of those not seen is gone, and who is missed for the first time.
fn absences(desired: &Desired<'_>, read: &DirectoryRead, now: Timestamp) -> Vec<(Anchor, Absence)> {
    let wish = |anchor: &Anchor| desired.wish_of(&PersonId::new(read.name.clone(), *anchor));
    let absence = |(anchor, whereabouts): (&Anchor, &Whereabouts)| match wish(anchor)? {
        Wish::Leaves { cause, .. } => Some((*anchor, Absence::Gone(*cause))),
        Wish::Unproven if matches!(whereabouts, Whereabouts::Nowhere { parent_readable: true }) => {
            Some((*anchor, Absence::Missing { since: now }))
        }
        _ => None,
    };
    read.located.iter().filter_map(absence).collect()
}

fn update<'a>(
    settings: &'a Settings,
    directory: &'a DirectorySettings,
    read: &'a DirectoryRead,
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    accounts: &[Account],
    absent: Vec<(Anchor, Absence)>,
) -> MirrorUpdate<'a> {
    let witness = Witness {
        settings,
        directory,
        read,
        snapshot,
        rules: Rules::new(settings, directory, &snapshot.members, &read.known.former),
        plan,
    };
    let (mut people, mut seen_again) = (Vec::new(), Vec::new());
    let (tells_members, is_whole) = (snapshot.tells_members(), read.mode == ReadMode::Full);
    // People and those known come in one order.
    let mut known = read.known.people.iter().peekable();
    let mut unseen = Vec::new();
    let (mut users, mut quarantined) = (read.others, snapshot.unidentified.len() as u64);
    for sighting in &snapshot.people {
        let facts = witness.facts(sighting);
        users += u64::from(facts.judgement.in_scope);
        quarantined += u64::from(facts.judgement.in_scope && facts.judgement.quarantine.is_some());
        while let Some(before) = known.next_if(|known| known.anchor < sighting.anchor) {
            unseen.push(before.anchor);
        }
        let known = known.next_if(|known| known.anchor == sighting.anchor);
        // Where nobody read the groups, what was known stays: else these people would be "in none of the groups".
        let stays = !tells_members || known.is_some_and(|known| known.digest == facts.digest());
        if !stays {
            people.push(PersonRow { anchor: sighting.anchor, first_seen: snapshot.read_at, facts });
        } else if known.is_some_and(|known| known.absence.is_some()) {
            seen_again.push(sighting.anchor);
        }
    }
    unseen.extend(known.map(|before| before.anchor));
    let problem = snapshot.partial.as_ref().map(|partial| partial.message.clone());
    // Whoever left is known of, and is no stranger on the way back.
    let is_stranger = |anchor: &Anchor| !matches!(read.located.get(anchor), Some(Whereabouts::Left(_)));
    let whole = problem.is_none().then(|| Whole {
        watermark: snapshot.watermark.clone(),
        absent,
        forgotten: forgotten(unseen.iter().copied().filter(is_stranger), accounts),
        unseen,
    });
    MirrorUpdate {
        read: ReadRecord {
            kind: snapshot.kind,
            server: snapshot.server.clone(),
            read_at: snapshot.read_at,
            mode: read.mode,
            problem,
            entries: snapshot.entries,
            users,
            quarantined,
            foreign: snapshot.foreign,
            dangling: snapshot.dangling,
        },
        people,
        seen_again,
        unidentified: is_whole.then_some(&*snapshot.unidentified),
        members: (is_whole || snapshot.nested.is_some()).then_some(&snapshot.members),
        pins: pins_after(read, snapshot),
        nested: snapshot.nested.as_deref(),
        // A name is kept as long as the place where the person is now.
        former: (tells_members && is_whole).then(|| former_names(read)),
        whole,
    }
}

fn former_names(read: &DirectoryRead) -> Vec<(Anchor, &ListedAs)> {
    let former = read.known.former.iter();
    former.flat_map(|(anchor, names)| names.iter().map(|name| (*anchor, &name.name))).collect()
}

/// Known once, not there now, and without an account: nothing depends on them. Both come in order.
fn forgotten(unseen: impl Iterator<Item = Anchor>, accounts: &[Account]) -> Vec<Anchor> {
    let of = |account: &Account| account.owner.as_ref().map(|owner| owner.anchor);
    let has_account = |anchor: &Anchor| accounts.binary_search_by(|account| of(account).cmp(&Some(*anchor))).is_ok();
    unseen.filter(|anchor| !has_account(anchor)).collect()
}

const UNPLACED: &str = "listed by user id before, and the entry does not show it any more";

/// Says of each person what is known and why it was judged so.
struct Witness<'a> {
    settings: &'a Settings,
    directory: &'a DirectorySettings,
    read: &'a DirectoryRead,
    snapshot: &'a Snapshot,
    rules: Rules<'a>,
    plan: &'a Plan,
}

impl<'a> Witness<'a> {
    fn facts(&self, sighting: &'a Sighting) -> Facts<'a> {
        let profile = &sighting.profile;
        Facts {
            dn: Cow::Borrowed(sighting.dn.as_str()),
            user_name: Cow::Borrowed(&profile.user_name),
            email: Cow::Borrowed(&profile.email),
            display_name: profile.display_name.as_deref().map(Cow::Borrowed),
            entry: sighting.entry,
            naming: sighting.naming(),
            listing: (!self.snapshot.members.is_empty()).then(|| listing(sighting)),
            judgement: self.judgement(sighting),
        }
    }

    fn judgement(&self, sighting: &'a Sighting) -> Judgement<'a> {
        let known_uid = self.read.known.unplaced.get(&sighting.anchor);
        let unplaced = known_uid.is_some();
        let by_uid = self.snapshot.by_uid.binary_search(&sighting.anchor).is_ok();
        let scope = self.rules.scope(&sighting.anchor);
        let in_scope = matches!(scope, Scope::In { .. });
        let unclear = unplaced || matches!(scope, Scope::Unclear { .. });
        let wants = in_scope && sighting.standing == Standing::Enabled;
        let asks = if wants { self.rules.asks(&sighting.anchor) } else { Vec::new() };
        Judgement {
            standing: sighting.standing,
            sign: sighting.sign.as_deref().map(Cow::Borrowed),
            quarantine: self.quarantine(sighting),
            created: sighting.created,
            due: sighting.due,
            in_scope: in_scope || unclear,
            because: if unplaced { vec![Cow::Borrowed(UNPLACED)] } else { self.because(&scope, sighting) },
            pools: asks.iter().map(|ask| self.wanted(ask, &sighting.anchor)).collect(),
            logon: sighting.logon.as_deref().map(Cow::Borrowed),
            by_uid: unplaced || by_uid,
            uid: match known_uid {
                Some(known) => known.as_deref().map(Cow::Borrowed),
                None => sighting.uids.first().filter(|_| by_uid).map(|uid| Cow::Owned(fold(uid))),
            },
        }
    }

    /// Duplicates and conflicts are found by planning; what is wrong with the entry itself, by reading.
    fn quarantine(&self, sighting: &'a Sighting) -> Option<Cow<'a, Quarantine>> {
        if self.plan.quarantined.is_empty() {
            return sighting.quarantine.as_ref().map(Cow::Borrowed);
        }
        let person = PersonId::new(self.directory.name.clone(), sighting.anchor);
        self.plan.quarantined.get(&person).or(sighting.quarantine.as_ref()).map(Cow::Borrowed)
    }

    fn because(&self, scope: &Scope<'a>, sighting: &Sighting) -> Vec<Cow<'a, str>> {
        let mut lines = Vec::with_capacity(2);
        match scope {
            Scope::In { group: None } => lines.push(Cow::Borrowed("under a base, and the directory names no groups")),
            Scope::In { group: Some(group) } => {
                lines.push(Cow::Borrowed("member of a group of the directory:"));
                lines.extend(self.chain(group, &sighting.anchor));
            }
            Scope::InNoGroup => lines.push(Cow::Borrowed(IN_NO_GROUP)),
            Scope::Excluded { group } => {
                lines.push(Cow::Borrowed(EXCLUDED));
                lines.extend(self.chain(group, &sighting.anchor));
            }
            Scope::Unclear { name } => {
                lines.push(Cow::Borrowed(
                    "listed by a name of before, so nobody can tell whether the person is a member:",
                ));
                lines.push(Cow::Borrowed(name.name.as_str()));
                lines.extend(name.dangling.listed_by.iter().map(|group| Cow::Borrowed(group.as_str())));
            }
            Scope::MatchedByNoPool => lines.push(Cow::Borrowed(MATCHED_BY_NO_POOL)),
        }
        lines
    }

    /// The way from the configured group down to the one that lists the person.
    fn chain(&self, group: &str, anchor: &Anchor) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let key = ScopeKey { role: Role::Group, dn: Arc::from(group) };
        let members = self.snapshot.members.get(&key);
        let chain = members.and_then(|members| members.get(anchor)).map(|chain| &**chain).unwrap_or_default();
        chain.iter().map(|dn| Cow::Borrowed(dn.as_str()))
    }

    fn wanted(&self, ask: &Ask, anchor: &Anchor) -> WantedPool<'a> {
        let pool = &self.settings.pools[ask.pool];
        let mut because = Vec::new();
        match self.rules.pool_group(ask.pool, anchor) {
            Some(group) => because.extend(self.chain(group, anchor)),
            None => because.push(Cow::Borrowed("the pool takes everyone in scope")),
        }
        if let Some(group) = self.rules.priority_group(ask.pool, anchor) {
            because.push(Cow::Borrowed("comes first as a member of:"));
            because.extend(self.chain(group, anchor));
        }
        WantedPool { pool: pool.name.clone(), rank: ask.rank, because }
    }
}

fn listing(sighting: &Sighting) -> Listing {
    let uids: BTreeSet<String> = sighting.uids.iter().map(|uid| fold(uid)).collect();
    Listing { place: Listing::place(&sighting.dn), uids, primary_group: sighting.primary_group }
}

/// Stores the backend's accounts as they are now, and whose account another hand deleted.
///
/// # Errors
/// Where the state cannot be written.
pub fn accounts(parts: &mut Parts<'_>, after: &[Account], plan: &Plan, now: Timestamp) -> Result<(), CycleError> {
    let mut accounts = Cow::Borrowed(after);
    if parts.settings.backend.drift == Drift::Report && !plan.drifted.is_empty() {
        keep_applied_profiles(accounts.to_mut(), plan);
    }
    parts.memory.observe(&accounts, &plan.taken, now)?;
    Ok(())
}

/// An attribute that another hand changed stays known as the agent applied it: else the next cycle would not see the
/// change any more, and mend it.
fn keep_applied_profiles(accounts: &mut [Account], plan: &Plan) {
    let drifted: BTreeMap<&PersonId, _> = plan.drifted.iter().map(|(person, profile)| (person, profile)).collect();
    for account in accounts {
        if let Some(profile) = account.owner.as_ref().and_then(|owner| drifted.get(owner)) {
            account.profile = (*profile).clone();
        }
    }
}

/// Takes back what was confirmed and is wanted no more.
///
/// # Errors
/// Where backend or state cannot be written.
pub async fn confirmations(parts: &mut Parts<'_>, current: &BackendState, plan: &Plan) -> Result<(), CycleError> {
    for confirmation in &current.confirmations {
        let left = confirmation.changes.difference(&plan.moot).cloned().collect();
        let rest = Confirmation { changes: left, ..confirmation.clone() };
        if rest.changes.len() < confirmation.changes.len() {
            parts.backend.confirm(&rest).await?;
            parts.memory.keep_confirmation(&rest)?;
        }
    }
    Ok(())
}

/// Ends the cycle: its report, what is held back now, the config it was made with, and what the next can count on.
///
/// # Errors
/// Where the state cannot be written.
pub fn cycle(
    parts: &mut Parts<'_>,
    report: &SyncReport,
    plan: &Plan,
    readings: &Readings,
    baseline: Option<&str>,
) -> Result<(), CycleError> {
    let json = report::to_json(report);
    let record = CycleRecord {
        number: report.cycle,
        started: report.started,
        seconds: report.seconds,
        outcome: report.outcome.as_str().to_owned(),
        report: json.clone(),
    };
    let held = report.fingerprint.as_ref().map(|fingerprint| Held {
        fingerprint: fingerprint.clone(),
        changes: report::held_changes(readings, plan),
        report: report::to_json(&report.held),
    });
    let held = match report::unread(readings) {
        unread if unread.is_empty() => held,
        unread => report::held_still(&unread, held, parts.memory.held()?),
    };
    let config = (report.outcome < CycleOutcome::Partial).then_some(parts.settings.digest.as_str());
    let news = news(parts.memory, parts.settings, report)?;
    parts.memory.finish_cycle(&record, held.as_ref(), Left { config, baseline }, news.as_ref())?;
    Ok(())
}

/// What is to be told of a cycle that ended, well or not; None where nobody is to be told.
///
/// # Errors
/// Where the state cannot be read.
pub fn news(memory: &dyn Memory, settings: &Settings, report: &SyncReport) -> Result<Option<News>, StateError> {
    let Some(house) = House::of(settings, clock::zone()) else { return Ok(None) };
    Ok(Some(notify::news(memory.told()?, report, &house, report.started)))
}
