//! `check`: the config, and with `--connect` what the servers let us do.

use std::collections::BTreeMap;
use std::path::Path;

use super::access::Access;
use super::engine::{Engine, Stop, state_error};
use super::ledger::LedgerApp;
use super::own::{PUT_BACK, is_spoilt};
use super::{App, AppError, own, room, sending};
use crate::clock;
use crate::cycle::{self, Asked};
use crate::model::report::{CheckProblem, CheckReport, DirectoryReport, Probe};
use crate::model::text::counted;
use crate::ports::{Mirror as _, Progress, StateError};
use crate::settings;
use crate::state::State;

/// What follows from a directory that cannot be read whole.
const PARTIAL: &str = "who is known keeps account, seat and place; nobody leaves, and nobody new gets a seat";

impl App {
    /// Looks at a config that may be too broken to open; with `connect`, at directory and backend too.
    pub async fn check(config: &Path, connect: bool, progress: &dyn Progress) -> CheckReport {
        if settings::is_ledger_alone(config, &settings::process_variables()) {
            return check_ledger(config, connect).await;
        }
        match settings::load(config, &settings::process_variables()) {
            Err(problems) => CheckReport::of(problems.0.iter().map(problem).collect(), Vec::new(), Vec::new()),
            Ok(loaded) => {
                let access = Access::of(config, &loaded);
                let warnings = loaded.warnings.iter().chain(&access.warnings(config)).map(problem).collect();
                let app = Self::of(config, loaded);
                let (own, served) = (app.own_problems(), served_beside(config));
                let problems = access.problems(config).iter().chain(&own).chain(&served).map(problem).collect();
                let mut probes = Vec::new();
                if connect {
                    let is_told = access.is_closed() || !own.is_empty();
                    probes = app.probes(progress, is_told).await;
                    probes.extend(sending::probes(&app.settings).await);
                }
                probes.extend(app.room_probes());
                probes.extend(app.state_probe());
                probes.extend(app.unnamed_probes());
                probes.extend(app.status_probe(connect));
                CheckReport::of(problems, warnings, probes)
            }
        }
    }

    /// `is_told`: what may keep state and backend from being opened is said of the files themselves.
    async fn probes(&self, progress: &dyn Progress, is_told: bool) -> Vec<Probe> {
        let engine = self.state_beside().and_then(|state| Engine::new(&self.settings, state));
        let mut engine = match engine {
            Ok(engine) => engine,
            Err(_) if is_told => return Vec::new(),
            Err(error) => return vec![not_opened(&error)],
        };
        let mut probes = Vec::new();
        for source in &mut engine.directories {
            match of_directory(source, &mut engine.state).await {
                Ok(found) => probes.extend(found),
                Err(error) => return vec![not_opened(&state_error(&error))],
            }
        }
        probes.push(match engine.backend.read().await {
            Ok(state) => Probe {
                what: "backend: read everything".to_owned(),
                ok: true,
                message: format!(
                    "{} in {}",
                    counted(state.accounts.len() as u64, "account", "accounts"),
                    counted(state.pools.len() as u64, "pool", "pools")
                ),
                lost: None,
                remedy: None,
            },
            Err(error) => failed("backend: read everything", &error),
        });
        probes.extend(engine.backend.probe().await);
        if probes.iter().all(|probe| probe.ok) {
            probes.extend(whole(&mut engine, progress).await);
        }
        probes
    }
}

/// The ledger that is served by the same config, if one is.
fn served_beside(config: &Path) -> Option<settings::Problem> {
    let loaded = settings::load_ledger_sparing(config, &settings::process_variables()).ok()?;
    own::of_served(config, &loaded.ledger).filter(|_| loaded.embedded.is_none())
}

/// The same of a ledger's config.
async fn check_ledger(config: &Path, connect: bool) -> CheckReport {
    match settings::load_ledger(config, &settings::process_variables()) {
        Err(problems) => CheckReport::of(problems.0.iter().map(problem).collect(), Vec::new(), Vec::new()),
        Ok(loaded) => {
            let access = Access::of_ledger(config, &loaded);
            let own = own::of_served(config, &loaded.ledger);
            let problems = access.problems(config).iter().chain(&own).map(problem).collect();
            let warnings = loaded.warnings.iter().chain(&access.warnings(config)).map(problem).collect();
            let room = room::probe_of_served(&loaded.ledger.database);
            // What cannot be opened is told above.
            let asks = connect && own.is_none();
            let mut probes = if asks { LedgerApp::of(config, loaded).probes().await } else { Vec::new() };
            probes.extend(room);
            CheckReport::of(problems, warnings, probes)
        }
    }
}

/// What a cycle needs of a directory. A cycle follows what it found before, and shows no credential that was refused: so here.
async fn of_directory(source: &mut cycle::Source, state: &mut State) -> Result<Vec<Probe>, StateError> {
    let (name, now) = (source.directory.name().clone(), clock::now());
    if let Some(message) = cycle::reading::refused(state, source, Asked::default(), now)? {
        let lost = Some("nothing can be read".to_owned());
        return Ok(vec![Probe { what: format!("{name}: bind"), ok: false, message, lost, remedy: None }]);
    }
    let probed = source.directory.probe(&state.pins(&name)?).await;
    source.directory.close().await;
    if let Some(bound) = &probed.bound {
        cycle::reading::note_bind(state, source, bound.as_ref().err().map(String::as_str), now)?;
    }
    Ok(probed.probes)
}

/// Reads every directory to its end, as a cycle does, and counts whom it would serve.
async fn whole(engine: &mut Engine, progress: &dyn Progress) -> Vec<Probe> {
    let mut parts = engine.parts(progress, Asked { by_person: false, full: true }, Stop::default());
    match cycle::preview(&mut parts, &BTreeMap::new(), clock::now()).await {
        Ok(preview) => preview.report.directories.iter().map(people).collect(),
        Err(error) => vec![failed("people: read everything", &error)],
    }
}

fn people(read: &DirectoryReport) -> Probe {
    let counts = format!(
        "{}, {} in scope, {} of them quarantined",
        counted(read.entries, "entry", "entries"),
        counted(read.users, "person", "people"),
        read.quarantined
    );
    let (ok, told, lost) = match (&read.problem, read.complete, read.serves_nobody()) {
        (problem, false, _) => (false, problem.clone(), Some(PARTIAL)),
        (_, true, Some(nobody)) => (true, Some(nobody), Some("there is nobody to give a seat to")),
        (Some(problem), true, None) => (true, Some(problem.clone()), Some("what the message says")),
        (None, true, None) => (true, None, None),
    };
    let message = told.map_or_else(|| format!("read to the end: {counts}"), |told| format!("{counts}: {told}"));
    let other = "`seatsync plan` shows everyone, and `seatsync explain` why somebody is in scope or not";
    let remedy = lost.map(|_| if read.serves_nobody().is_some() { read.serves_nobody_next() } else { other });
    Probe {
        what: format!("{}: people", read.name),
        ok,
        message,
        lost: lost.map(str::to_owned),
        remedy: remedy.map(str::to_owned),
    }
}

fn failed(what: &str, error: &(dyn std::error::Error + 'static)) -> Probe {
    let mended = "mend what the message names, and run `seatsync check --connect` again";
    Probe {
        what: what.to_owned(),
        ok: false,
        message: cycle::reading::with_causes(error),
        lost: Some("nothing can be planned or changed".to_owned()),
        remedy: Some(if is_spoilt(error) { PUT_BACK } else { mended }.to_owned()),
    }
}

/// State and backend, with all that is known of why, and of what to do.
fn not_opened(error: &AppError) -> Probe {
    let told = AppError { next: None, ..error.clone() };
    let message = told.in_one_line();
    let failed = failed("the state and the backend", error);
    Probe { message, remedy: error.next.clone().or(failed.remedy), ..failed }
}

fn problem(problem: &settings::Problem) -> CheckProblem {
    let settings::Problem { file, line, key, value, message } = problem.clone();
    CheckProblem { file, line, key, value, message }
}
