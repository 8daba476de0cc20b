//! `check`: the config, and with `--connect` what the servers let us do.

use std::path::Path;

use super::App;
use super::engine::Engine;
use super::ledger::LedgerApp;
use crate::model::report::{CheckProblem, CheckReport, Probe};
use crate::settings;

impl App {
    /// Looks at a config that may be too broken to open; with `connect`, at directory and backend too.
    pub async fn check(config: &Path, connect: bool) -> CheckReport {
        if settings::is_ledger_alone(config, &settings::process_variables()) {
            return check_ledger(config, connect).await;
        }
        match settings::load(config, &settings::process_variables()) {
            Err(problems) => CheckReport::of(problems.0.iter().map(problem).collect(), Vec::new(), Vec::new()),
            Ok(loaded) => {
                let warnings = loaded.warnings.iter().map(problem).collect();
                let app = Self::of(config, loaded);
                let probes = if connect { app.probes().await } else { Vec::new() };
                CheckReport::of(Vec::new(), warnings, probes)
            }
        }
    }

    async fn probes(&self) -> Vec<Probe> {
        let engine = self.state_beside().and_then(|state| Engine::new(&self.settings, state));
        let mut engine = match engine {
            Ok(engine) => engine,
            Err(error) => return vec![failed("the state and the backend", &error)],
        };
        let mut probes = Vec::new();
        for source in &mut engine.directories {
            let of_directory = source.directory.probe().await.into_iter();
            probes.extend(of_directory.map(|probe| Probe {
                what: probe.what,
                ok: probe.ok,
                message: probe.message,
                lost: probe.lost,
                remedy: probe.remedy,
            }));
            source.directory.close().await;
        }
        probes.push(match engine.backend.read().await {
            Ok(state) => Probe {
                what: "backend: read everything".to_owned(),
                ok: true,
                message: format!("{} accounts in {} pools", state.accounts.len(), state.pools.len()),
                lost: None,
                remedy: None,
            },
            Err(error) => failed("backend: read everything", &error),
        });
        probes.extend(engine.backend.probe().await);
        probes
    }
}

/// The same of a ledger's config.
async fn check_ledger(config: &Path, connect: bool) -> CheckReport {
    match settings::load_ledger(config, &settings::process_variables()) {
        Err(problems) => CheckReport::of(problems.0.iter().map(problem).collect(), Vec::new(), Vec::new()),
        Ok(loaded) => {
            let warnings = loaded.warnings.iter().map(problem).collect();
            let probes = if connect { LedgerApp::of(loaded).probes().await } else { Vec::new() };
            CheckReport::of(Vec::new(), warnings, probes)
        }
    }
}

fn failed(what: &str, error: &dyn std::error::Error) -> Probe {
    Probe {
        what: what.to_owned(),
        ok: false,
        message: crate::cycle::reading::with_causes(error),
        lost: Some("nothing can be planned or changed".to_owned()),
        remedy: None,
    }
}

fn problem(problem: &settings::Problem) -> CheckProblem {
    let settings::Problem { file, line, key, value, message } = problem.clone();
    CheckProblem { file, line, key, value, message }
}
