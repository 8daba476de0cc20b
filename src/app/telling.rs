//! What the agent says of its cycles: to the log, and in a sentence to whoever asks the service manager.

use crate::cycle::CycleError;
use crate::cycle::reading::with_causes;
use crate::model::report::{CycleOutcome, DirectoryReport, SyncReport};

/// Tells how each cycle went. What is wrong is told loudly when it begins or changes, and quietly as long as it stays.
#[derive(Debug)]
pub struct Telling {
    /// Who works while this agent stands by, and whether that is a copy of it.
    standby: Option<(String, bool)>,
    /// What was wrong in the last cycle.
    trouble: Option<String>,
    sentence: String,
}

impl Telling {
    /// Before the first cycle.
    #[must_use]
    pub fn new() -> Self {
        Self { standby: None, trouble: None, sentence: "No cycle was made yet.".to_owned() }
    }

    /// How things stand, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// Tells of a cycle that ended.
    pub fn tell(&mut self, result: &Result<SyncReport, CycleError>) {
        match result {
            Ok(report) => self.report(report),
            Err(CycleError::Stopped) => {
                tracing::info!(name: "cycle.given_up", "The cycle was given up while reading; nothing was changed.");
            }
            Err(error) => {
                let problem = with_causes(error);
                if self.is_news(&problem) {
                    tracing::error!(name: "cycle.failed", error = %problem, "A cycle failed; nothing is lost, the next one tries again.");
                } else {
                    tracing::info!(name: "cycle.as_before", error = %problem, "A cycle failed again.");
                }
                "The last cycle failed; `seatsync status` says why.".clone_into(&mut self.sentence);
            }
        }
    }

    fn report(&mut self, report: &SyncReport) {
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
        let trouble = trouble(report);
        let news = trouble.as_ref().is_some_and(|trouble| self.is_news(trouble));
        if news || trouble.is_none() {
            loudly(report);
        } else {
            tracing::info!(
                name: "cycle.as_before",
                cycle = report.cycle,
                outcome = report.outcome.as_str(),
                standing = %self.sentence,
                "A cycle was made; what was wrong before still is."
            );
        }
        if trouble.is_none() && self.trouble.take().is_some() && report.outcome == CycleOutcome::Ok {
            tracing::info!(name: "cycle.well_again", cycle = report.cycle, "All is well again.");
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

/// WARN is recovered and nothing lost; ERROR is for somebody to act on.
fn loudly(report: &SyncReport) {
    let changes = &report.changes;
    let (cycle, seconds) = (report.cycle, report.seconds);
    match report.outcome {
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
        CycleOutcome::Held => tracing::error!(
            name: "cycle.held",
            cycle,
            held = changes.held,
            fingerprint = report.fingerprint.as_deref(),
            "The guard holds changes back; `seatsync plan` shows them, `seatsync confirm` lets them through."
        ),
        CycleOutcome::SomeFailed => tracing::error!(
            name: "cycle.refused",
            cycle,
            failed = changes.failed,
            "The backend refused some accounts; `seatsync status` names them."
        ),
        CycleOutcome::Partial | CycleOutcome::Failed => {
            for directory in report.directories.iter().filter(|directory| !directory.complete) {
                let problem = directory.problem.as_deref();
                if directory.entries == 0 {
                    tracing::warn!(name: "directory.unread", cycle, directory = %directory.name, problem, "A directory could not be read; its people keep what they have.");
                } else {
                    tracing::warn!(name: "cycle.partial", cycle, directory = %directory.name, problem, "A directory was not read whole: nobody of it leaves or gets a seat.");
                }
            }
        }
    }
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
        let mut telling = Telling::new();
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
        let mut telling = Telling::new();
        let mut news = |fingerprint| {
            let trouble = trouble(&report(CycleOutcome::Held, Some(fingerprint))).unwrap();
            telling.is_news(&trouble)
        };
        assert_eq!([news("a"), news("a"), news("b"), news("a")], [true, false, true, true]);
    }

    #[test]
    fn trouble_that_ended_and_came_back_is_news() {
        let mut telling = Telling::new();
        telling.report(&report(CycleOutcome::Held, Some("a")));
        telling.report(&report(CycleOutcome::Ok, None));
        assert_eq!(telling.trouble, None);
        assert!(telling.is_news("held a"));
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
}
