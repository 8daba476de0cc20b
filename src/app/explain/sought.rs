//! Somebody whom no read showed, or who left the scope: looked up in the directory, to say what keeps them out.

use std::time::Duration;

use super::outside;
use crate::app::engine::{source, state_error};
use crate::app::{App, AppError, Code, below};
use crate::clock;
use crate::cycle::{self, Asked};
use crate::model::memory::Absence;
use crate::model::report::{EntryRow, ExplainReport, ScopeExplained, UserRow};
use crate::model::settings::{DirectorySettings, Settings, Source as From};
use crate::model::snapshot::Sought;
use crate::model::{LeaveCause, Standing};
use crate::ports::{Mirror as _, Persistence, StateError};
use crate::state::State;

/// A person waits: no server is waited for longer than this, whatever `timeout` says.
const PATIENCE: Duration = Duration::from_secs(5);

/// What one directory answered.
struct Answers<'a> {
    found: Vec<(&'a DirectorySettings, Sought)>,
    /// A sentence each.
    unasked: Vec<String>,
}

impl App {
    /// As `explain`; who is not known, or left the scope, is looked up in the directory where it can be asked.
    ///
    /// # Errors
    /// Where nobody there is called so either, or several are.
    pub async fn explain_asking(&self, user: &str) -> Result<ExplainReport, AppError> {
        let mut state = self.state_that_counts()?;
        let mut case = match self.case(&state, user) {
            Err(error) if error.code == Code::UnknownUser => return self.stranger(&mut state, user, error).await,
            case => case?,
        };
        let left = case.known.absence == Some(Absence::Gone(LeaveCause::OutOfScope));
        let anchor = case.known.anchor.filter(|_| left);
        let Some((anchor, directory)) = anchor.zip(outside::of(&self.settings, case.known.directory.as_ref())) else {
            return Ok(case.report());
        };
        let answers = self.seek(&mut state, &anchor.to_string(), &[directory]).await?;
        case.needed = answers.found.iter().flat_map(|(_, sought)| would_change(directory, sought)).collect();
        let mut report = case.report();
        report
            .scope
            .because
            .extend(answers.found.iter().flat_map(|(_, sought)| because(&self.settings, directory, sought)));
        report.scope.because.extend(answers.unasked);
        Ok(report)
    }

    /// Somebody whom the state does not know.
    async fn stranger(&self, state: &mut State, user: &str, unknown: AppError) -> Result<ExplainReport, AppError> {
        if state.last_cycle().map_err(|error| state_error(&error))?.is_none() {
            return Err(unknown);
        }
        let all: Vec<&DirectorySettings> = self.settings.directories.iter().collect();
        let answers = self.seek(state, user, &all).await?;
        match answers.found.as_slice() {
            [] if answers.unasked.is_empty() => {
                Err(unknown.with_details(["no directory of the config shows anybody who is called so".to_owned()]))
            }
            [] => Err(unknown.with_details(answers.unasked)),
            [(directory, sought)] => Ok(report(&self.settings, directory, sought)),
            several => Err(ambiguous(user, several)),
        }
    }

    /// Asks each directory. Credentials that were refused are not shown again.
    async fn seek<'a>(
        &self,
        state: &mut State,
        name: &str,
        directories: &[&'a DirectorySettings],
    ) -> Result<Answers<'a>, AppError> {
        let mut answers = Answers { found: Vec::new(), unasked: Vec::new() };
        for directory in directories {
            if let Some(missed) = below(&self.absent, &format!("directory.{}", directory.name)).next() {
                answers.unasked.push(format!("{} could not be asked: {missed}", directory.name));
                continue;
            }
            let mut source = source(&self.settings, &impatient(directory))?;
            match ask(state, &mut source, name).await.map_err(|error| state_error(&error))? {
                Ok(found) => answers.found.extend(found.into_iter().map(|sought| (*directory, sought))),
                Err(why) => answers.unasked.push(format!("{} could not be asked: {why}", directory.name)),
            }
        }
        Ok(answers)
    }
}

fn impatient(directory: &DirectorySettings) -> DirectorySettings {
    let mut impatient = directory.clone();
    if let From::Ldap(ldap) = &mut impatient.source {
        ldap.timeout = ldap.timeout.min(PATIENCE);
    }
    impatient
}

async fn ask(
    state: &mut State,
    source: &mut cycle::Source,
    name: &str,
) -> Result<Result<Vec<Sought>, String>, StateError> {
    let now = clock::now();
    if let Some(refused) = cycle::reading::refused(state, source, Asked::default(), now)? {
        return Ok(Err(refused));
    }
    let pins = state.pins(source.directory.name())?;
    let found = source.directory.seek(name, &pins, now).await;
    source.directory.close().await;
    let refused = found.as_ref().err().filter(|error| error.persistence == Persistence::Credentials);
    if let Some(refused) = refused {
        cycle::reading::note_bind(state, source, Some(&refused.doing), now)?;
    }
    Ok(found.map_err(|error| error.doing))
}

/// What base and filter say of an entry, as the directory shows it now.
fn because(settings: &Settings, directory: &DirectorySettings, sought: &Sought) -> Vec<String> {
    let mut lines = Vec::new();
    if !sought.is_person {
        lines.push(format!("a person: no; {} is another kind of object", sought.sighting.dn));
    }
    lines.extend(outside::under(directory, sought.is_under_base));
    if sought.is_person {
        lines.extend(outside::fits(directory, sought.fits_filter));
    }
    let groups = !directory.groups.is_empty() || !directory.exclude_groups.is_empty();
    if is_outside(sought) && (groups || settings.pools.iter().all(|pool| pool.groups.is_some())) {
        lines.push("groups and pools are looked at only for people under a base whom the filter fits".to_owned());
    }
    lines
}

const fn is_outside(sought: &Sought) -> bool {
    !(sought.is_person && sought.is_under_base && sought.fits_filter)
}

/// What is told of somebody who has no account and is not known.
fn report(settings: &Settings, directory: &DirectorySettings, sought: &Sought) -> ExplainReport {
    let person = &sought.sighting;
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let dn = person.dn.to_string();
    ExplainReport {
        user: UserRow {
            anchor: Some(person.anchor),
            directory: Some(directory.name.clone()),
            dn: Some(dn.clone()),
            user_name: some(&person.profile.user_name),
            email: some(&person.profile.email),
            display_name: person.profile.display_name.clone(),
            state: None,
            seats: Vec::new(),
            managed: false,
            quarantine: None,
        },
        entry: Some(EntryRow {
            dn,
            directory: directory.name.clone(),
            server: Some(sought.server.clone()),
            read_at: Some(clock::now()),
        }),
        scope: ScopeExplained { in_scope: false, because: because(settings, directory, sought) },
        pool: None,
        rank: None,
        leaving: Vec::new(),
        decision: decision(sought).to_owned(),
        would_change: would_change(directory, sought),
    }
}

fn decision(sought: &Sought) -> &'static str {
    match (is_outside(sought), sought.sighting.standing) {
        (true, _) => "not in scope; has no account and gets none",
        (false, Standing::Enabled) => "no cycle has seen the entry yet: the next one looks at groups and pools",
        (false, Standing::Disabled | Standing::Expired) => {
            "no cycle has seen the entry yet, and it is disabled or expired in the directory; gets no account"
        }
    }
}

fn would_change(directory: &DirectorySettings, sought: &Sought) -> Vec<String> {
    let mut needed = Vec::new();
    if !sought.is_person {
        return needed;
    }
    if !sought.is_under_base {
        needed.push("being moved under one of base, or another base in the config".to_owned());
    }
    if let Some(filter) = directory.filter.as_ref().filter(|_| !sought.fits_filter) {
        needed.push(format!(
            "values in the directory that fit {filter}, and that the account may read; or another filter in the config"
        ));
    }
    if needed.is_empty() {
        needed.push("`seatsync sync`, or the next cycle of the agent".to_owned());
    }
    needed
}

fn ambiguous(user: &str, several: &[(&DirectorySettings, Sought)]) -> AppError {
    let line = |(directory, sought): &(&DirectorySettings, Sought)| {
        format!("{} in {}, {}", sought.sighting.dn, directory.name, sought.sighting.anchor)
    };
    AppError::new(
        Code::AmbiguousUser,
        format!("{user:?} fits {} entries, and no cycle took one of them in", several.len()),
    )
    .with_details(several.iter().map(line))
    .with_next("give the DN or the anchor of the one you mean")
}
