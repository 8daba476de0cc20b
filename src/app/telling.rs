//! What the agent says of its cycles: to the log, and in a sentence to whoever asks the service manager.

use std::collections::BTreeMap;

use super::pace::is_idle;
use crate::cycle::CycleError;
use crate::cycle::reading::with_causes;
use crate::model::Name;
use crate::model::report::{CycleOutcome, DirectoryReport, HeldRow, SyncReport};
use crate::model::text::spelt;

/// The end of what tells of a failure.
const MENDS: &str = "`seatsync check --connect` says what mends it.";
const FAILED: &str = "A cycle failed; nothing is lost, and the next one tries again. Mend what the error names; `seatsync check \
                      --connect` tries every server, and says what mends it.";
const FAILED_AGAIN: &str =
    "A cycle failed again, by what was wrong before; nothing is lost. `seatsync check --connect` says what mends it.";

/// Tells how each cycle went. What is wrong is told loudly when it begins or changes, and quietly as long as it stays.
#[derive(Debug)]
pub struct Telling {
    /// Who works while this agent stands by, and whether that is a copy of it.
    standby: Option<(String, bool)>,
    /// What was wrong in the last cycle.
    trouble: Option<String>,
    /// Directories that gave nobody a seat when they were last read whole, each with what helps: that tells one reason from
    /// another.
    nobody: BTreeMap<Name, &'static str>,
    sentence: String,
    /// Follows every command that is named: ` --config PATH`.
    options: String,
}

impl Telling {
    /// Before the first cycle. `options`: as in `AgentSettings`.
    #[must_use]
    pub fn new(options: String) -> Self {
        let sentence = "No cycle was made since the start.".to_owned();
        Self { standby: None, trouble: None, nobody: BTreeMap::new(), sentence, options }
    }

    /// How things stand, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// Tells of a cycle that ended. One that followed what a directory `pushed`, and came to nothing, is told quietly: others
    /// change a directory for reasons of their own, at any time.
    pub fn tell(&mut self, result: &Result<SyncReport, CycleError>, pushed: bool) {
        match result {
            Ok(report) => self.report(report, pushed && is_idle(report)),
            Err(CycleError::Stopped) => {
                tracing::info!(name: "cycle.given_up", "The cycle was given up while reading; nothing was changed.");
            }
            Err(error) => {
                let problem = with_causes(error);
                if self.is_news(&problem) {
                    let said = self.spelt(FAILED);
                    tracing::error!(name: "cycle.failed", error = %problem, "{said}");
                } else {
                    let said = self.spelt(FAILED_AGAIN);
                    tracing::info!(name: "cycle.as_before", error = %problem, "{said}");
                }
                let cause = problem.trim_end_matches('.');
                self.sentence =
                    format!("The last cycle failed: {cause}. `seatsync check --connect` says what mends it.");
            }
        }
    }

    fn report(&mut self, report: &SyncReport, idle: bool) {
        let holder = report.standby.as_ref().map(|standby| (standby.holder.clone(), standby.copy));
        if holder != self.standby {
            match &holder {
                Some((holder, false)) => {
                    tracing::info!(name: "agent.stands_by", %holder, "Another agent works for the company; this one stands by.");
                }
                Some((holder, true)) => {
                    let since = report.standby.as_ref().and_then(|standby| standby.since).map(tracing::field::display);
                    tracing::error!(name: "agent.is_a_copy", %holder, since, "Another agent with this one's identity works for the company: one state directory is a copy of the other. This agent changes nothing; `seatsync status` says what to do.");
                }
                None => tracing::info!(name: "agent.works", "This agent works for the company now."),
            }
            self.standby = holder;
        }
        self.sentence = sentence(report);
        let was_well = self.is_well();
        self.tell_nobody(report);
        let trouble = trouble(report);
        let news = trouble.as_ref().is_some_and(|trouble| self.is_news(trouble));
        if news || trouble.is_none() {
            self.loudly(report, idle);
        } else {
            let said = self.spelt(&still(report));
            let (cycle, outcome) = (report.cycle, report.outcome.as_str());
            tracing::info!(name: "cycle.as_before", cycle, outcome, standing = %self.sentence, "{said}");
        }
        self.trouble = trouble;
        if !was_well && self.is_well() && report.outcome == CycleOutcome::Ok {
            tracing::info!(name: "cycle.well_again", cycle = report.cycle, "All is well again.");
        }
    }

    fn is_well(&self) -> bool {
        self.trouble.is_none() && self.nobody.is_empty()
    }

    /// Once, and again when it comes anew or for another reason.
    fn tell_nobody(&mut self, report: &SyncReport) {
        let mut now = BTreeMap::new();
        for directory in &report.directories {
            let before = self.nobody.get(&directory.name).copied();
            let next = directory.serves_nobody_next();
            match directory.serves_nobody() {
                Some(nobody) => {
                    now.insert(directory.name.clone(), next);
                    if before != Some(next) {
                        let said = self.spelt(&format!("Of a directory {nobody}. Next: {next}."));
                        tracing::warn!(directory = %directory.name, "{said}");
                    }
                }
                // What could not be read says nothing new.
                None if !directory.complete => now.extend(before.map(|before| (directory.name.clone(), before))),
                None => {}
            }
        }
        self.nobody = now;
    }

    fn spelt(&self, said: &str) -> String {
        spelt(said, &self.options).into_owned()
    }

    /// WARN is recovered and nothing lost; ERROR is for somebody to act on.
    fn loudly(&self, report: &SyncReport, idle: bool) {
        let changes = &report.changes;
        let (cycle, seconds) = (report.cycle, report.seconds);
        match report.outcome {
            CycleOutcome::Ok if idle => {
                tracing::debug!(cycle, seconds, "A cycle followed what a directory pushed; nothing came of it.");
            }
            CycleOutcome::Ok => tracing::info!(
                name: "cycle.made",
                cycle,
                seconds,
                provisioned = changes.provisioned,
                waiting = changes.waiting,
                promoted = changes.promoted,
                suspended = changes.suspended,
                resumed = changes.resumed,
                "A cycle was made."
            ),
            CycleOutcome::Standby => {}
            CycleOutcome::Held => {
                let said = self.spelt(&held(report, "The guard holds changes back"));
                let fingerprint = report.fingerprint.as_deref();
                tracing::error!(name: "cycle.held", cycle, held = changes.held, fingerprint, "{said}");
            }
            CycleOutcome::SomeFailed => {
                let said = self.spelt("The backend refused some accounts; `seatsync status` names them, and says why.");
                tracing::error!(name: "cycle.refused", cycle, failed = changes.failed, "{said}");
            }
            CycleOutcome::Partial | CycleOutcome::Failed => self.not_whole(report),
        }
    }

    fn not_whole(&self, report: &SyncReport) {
        let cycle = report.cycle;
        for directory in report.directories.iter().filter(|directory| !directory.complete) {
            let (name, problem) = (&directory.name, directory.problem.as_deref());
            if directory.entries == 0 {
                let said =
                    self.spelt(&format!("A directory could not be read; its people keep what they have. {MENDS}"));
                tracing::warn!(name: "directory.unread", cycle, directory = %name, problem, "{said}");
            } else {
                let said = format!("A directory was not read whole: nobody of it leaves or gets a seat. {MENDS}");
                let said = self.spelt(&said);
                tracing::warn!(name: "cycle.partial", cycle, directory = %name, problem, "{said}");
            }
        }
    }

    /// Not what was wrong in the last cycle, too.
    fn is_news(&mut self, trouble: &str) -> bool {
        let before = self.trouble.replace(trouble.to_owned());
        before.as_deref() != Some(trouble)
    }
}

/// What is wrong, so that the same is known again.
fn trouble(report: &SyncReport) -> Option<String> {
    let partial = || {
        let incomplete = report.directories.iter().filter(|directory| !directory.complete);
        // A replica that lags tells another position each time.
        let told = |directory: &DirectoryReport| {
            let problem = directory.problem.as_deref().unwrap_or_default();
            format!("{}: {}", directory.name, problem.replace(|c: char| c.is_ascii_digit(), ""))
        };
        incomplete.map(told).collect::<Vec<_>>().join("; ")
    };
    match report.outcome {
        CycleOutcome::Ok | CycleOutcome::Standby => None,
        CycleOutcome::Held => Some(format!("held {}", report.fingerprint.as_deref().unwrap_or_default())),
        CycleOutcome::SomeFailed => Some(format!("{} failed", report.changes.failed)),
        CycleOutcome::Partial | CycleOutcome::Failed => Some(format!("not read whole: {}", partial())),
    }
}

/// What was wrong before, and still is.
fn still(report: &SyncReport) -> String {
    match report.outcome {
        CycleOutcome::Held => held(report, "The guard still holds changes back"),
        CycleOutcome::SomeFailed => {
            "The backend still refuses some accounts; `seatsync status` names them, and says why.".to_owned()
        }
        CycleOutcome::Failed => format!("A cycle failed again: {}. {MENDS}", unread(report)),
        _ => format!("Not everything is read still: {}. {MENDS}", unread(report)),
    }
}

/// Which directories were not read whole, and why.
fn unread(report: &SyncReport) -> String {
    let incomplete = report.directories.iter().filter(|directory| !directory.complete);
    let told = incomplete.map(|directory| {
        let problem = directory.problem.as_deref().unwrap_or("not read whole").trim_end_matches('.');
        format!("directory {}: {problem}", directory.name)
    });
    told.collect::<Vec<_>>().join("; ")
}

/// What the guard holds back, and the two ways out.
fn held(report: &SyncReport, begin: &str) -> String {
    let rows: Vec<String> = report.held.iter().flatten().map(HeldRow::in_words).collect();
    let fingerprint = report.fingerprint.as_deref().unwrap_or("FINGERPRINT");
    format!(
        "{begin}: {}. `seatsync plan` shows them, `seatsync confirm {fingerprint}` lets them through; if it is a mistake, mend \
         the directory or the config. Nothing was taken away.",
        rows.join(". ")
    )
}

/// How things stand, as the service manager shows it.
fn sentence(report: &SyncReport) -> String {
    if let Some(standby) = &report.standby {
        let whose = if standby.copy { " with this agent's own identity" } else { "" };
        return format!("Stands by: {}{whose} works for the company.", standby.holder);
    }
    let pools = report.pools.iter().map(|pool| {
        let waiting = if pool.waiting == 0 { String::new() } else { format!(", {} wait", pool.waiting) };
        format!("{}: {} of {} seats held{waiting}", pool.name, pool.held, pool.seats)
    });
    let partial = report.directories.iter().filter(|directory| !directory.complete);
    let partial = partial.map(|directory| format!("{} was not read whole", directory.name));
    let held = report.fingerprint.as_ref().map(|_| "changes are held back: see `seatsync plan`".to_owned());
    pools.chain(partial).chain(held).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::model::report::PoolRow;

    fn report(outcome: CycleOutcome, fingerprint: Option<&str>) -> SyncReport {
        let fingerprint = fingerprint.map(str::to_owned);
        SyncReport { outcome, fingerprint, ..SyncReport::of_failure(1, clock::now(), "none", "") }
    }

    #[test]
    fn another_cause_of_a_partial_read_is_news_and_another_number_in_it_is_not() {
        let mut telling = Telling::new(String::new());
        let news = |problem: &str| {
            let mut report = report(CycleOutcome::Partial, None);
            report.directories = vec![DirectoryReport { problem: Some(problem.to_owned()), ..directory() }];
            let trouble = trouble(&report).unwrap();
            telling.is_news(&trouble)
        };
        assert_eq!(["lags, at 7", "lags, at 12", "is down", "lags, at 12"].map(news), [true, false, true, true]);
    }

    fn directory() -> DirectoryReport {
        DirectoryReport {
            name: "corp".into(),
            mode: crate::model::report::ReadMode::Full,
            complete: false,
            entries: 3,
            users: 0,
            quarantined: 0,
            foreign: 0,
            dangling: 0,
            seconds: 0.0,
            problem: None,
        }
    }

    #[test]
    fn what_is_held_back_is_news_once_and_again_when_it_is_something_else() {
        let mut telling = Telling::new(String::new());
        let mut news = |fingerprint| {
            let trouble = trouble(&report(CycleOutcome::Held, Some(fingerprint))).unwrap();
            telling.is_news(&trouble)
        };
        assert_eq!([news("a"), news("a"), news("b"), news("a")], [true, false, true, true]);
    }

    #[test]
    fn trouble_that_ended_and_came_back_is_news() {
        let mut telling = Telling::new(String::new());
        telling.report(&report(CycleOutcome::Held, Some("a")), false);
        telling.report(&report(CycleOutcome::Ok, None), false);
        assert_eq!(telling.trouble, None);
        assert!(telling.is_news("held a"));
    }

    #[test]
    fn a_directory_that_gives_nobody_a_seat_is_not_well_until_it_gives_one_whatever_the_reason() {
        let mut telling = Telling::new(String::new());
        let mut well = |outcome, complete, users, quarantined| {
            let mut report = report(outcome, None);
            report.directories = vec![DirectoryReport { complete, users, quarantined, ..directory() }];
            telling.report(&report, false);
            (telling.is_well(), telling.nobody.values().next().copied())
        };
        let (_, in_scope) = well(CycleOutcome::Ok, true, 0, 0);
        let quarantined = well(CycleOutcome::Ok, true, 3, 3);
        assert!(!quarantined.0 && quarantined.1.is_some() && quarantined.1 != in_scope, "told anew: {quarantined:?}");
        assert_eq!(well(CycleOutcome::Partial, false, 0, 0), quarantined, "not read, so not known");
        assert_eq!(well(CycleOutcome::Ok, true, 3, 3), quarantined, "what was wrong besides ended");
        assert_eq!(well(CycleOutcome::Ok, true, 3, 2), (true, None));
    }

    #[test]
    fn the_sentence_has_the_seats_who_waits_and_what_is_held_back() {
        let pool = PoolRow { name: "standard".into(), seats: 50, held: 50, waiting: 10, free: 0 };
        let report = SyncReport { pools: vec![pool], ..report(CycleOutcome::Held, Some("a")) };
        assert_eq!(
            sentence(&report),
            "standard: 50 of 50 seats held, 10 wait; changes are held back: see `seatsync plan`"
        );
    }

    #[test]
    fn a_cycle_that_failed_is_told_with_its_cause_and_the_command() {
        let mut telling = Telling::new(" --config a.toml".to_owned());
        telling.tell(&Err(CycleError::NoPool { pool: "gold".into(), known: "none".to_owned() }), false);
        let said = telling.sentence();
        assert!(said.contains("no pool \"gold\"") && said.contains("`seatsync check --connect`"), "{said}");
        let mut failed = report(CycleOutcome::Failed, None);
        failed.directories = vec![DirectoryReport { problem: Some("it is down".to_owned()), ..directory() }];
        let still = telling.spelt(&still(&failed));
        assert!(still.starts_with("A cycle failed again: directory corp: it is down."), "{still}");
        assert!(still.contains("`seatsync check --connect --config a.toml`"), "{still}");
    }

    #[test]
    fn what_is_held_back_is_told_with_its_numbers_and_both_ways_out() {
        let telling = Telling::new(" --config a.toml".to_owned());
        let row = HeldRow {
            directory: "hafen".into(),
            kind: crate::model::report::HeldKind::Leaving,
            count: 14,
            recent: 0,
            of: 37,
            limit: 3,
            old: None,
            new: None,
            dn: None,
        };
        let report = SyncReport { held: Some(vec![row]), ..report(CycleOutcome::Held, Some("f00d")) };
        let said = telling.spelt(&held(&report, "The guard holds changes back"));
        for part in [
            "hafen: 14 of 37 people would lose their seat or account; the limit is 3",
            "`seatsync confirm f00d --config a.toml`",
            "if it is a mistake, mend the directory",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
