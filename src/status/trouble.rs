//! What is wrong now, since when, and what to do: one list, of which `/readyz`, the page's first sentence and what stands under
//! it are made. The outcome of the last cycle counts at once.

use jiff::Timestamp;

use super::Facts;
use crate::model::report::{
    CONFIG_REFUSED, CycleOutcome, DirectoryStatus, HistoryRow, PAGE_MISSED, ProblemRow, SyncReport,
};

/// Accounts that are shown with what the backend said of them.
const SHOWN: usize = 5;

const NEXT: &str = "Mend what is named above. `seatsync check --connect` tries every server, says what mends it, and changes \
                    nothing; `seatsync sync` makes a cycle at once.";

/// What comes of a cycle that fails.
const KEPT: &str = "Nobody loses anything by it: everybody keeps account, seat and place, and nobody new gets one until a cycle comes \
                    to its end.";

const GOES_ON: &str = "The agent goes on by itself with the next cycle, once it can write.";

/// One thing that somebody must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is about: "Directory corp".
    pub what: String,
    /// A sentence without its full stop, the cause in the words of whoever met it.
    pub said: String,
    /// The agent cannot do its work by it: `/readyz` says no.
    pub stops: bool,
    pub since: Option<Timestamp>,
    /// Sentences, with commands in backticks.
    pub advice: Vec<String>,
}

/// All that is wrong, the gravest first.
pub fn troubles(facts: &Facts) -> Vec<Trouble> {
    let mut found = Vec::new();
    let works = !stands_by(facts);
    found.extend(full_disks(facts));
    found.extend(no_ledger(facts));
    if works {
        // By a ledger that is not there each cycle fails: that is told once.
        found.extend(failed(facts).filter(|_| no_ledger(facts).is_none()));
        found.extend(directories(facts));
        found.extend(broken_off(facts));
        found.extend(serve_nobody(facts));
    }
    found.extend(config_refused(facts));
    found.extend(page_missed(facts));
    if works {
        found.extend(held(facts));
        found.extend(refused(facts));
    }
    found.sort_by_key(|trouble| !trouble.stops);
    found
}

/// Another agent works: what the last cycle of this one met is over, unless it fails while it stands by.
pub fn stands_by(facts: &Facts) -> bool {
    facts.status.standby.is_some() && facts.tally.last.is_none_or(|last| last == CycleOutcome::Standby)
}

/// Nothing can be written down.
fn full_disks(facts: &Facts) -> impl Iterator<Item = Trouble> {
    facts.status.full_disks.iter().map(|said| Trouble {
        what: "The disk".to_owned(),
        said: said.clone(),
        stops: true,
        since: None,
        advice: vec![KEPT.to_owned(), GOES_ON.to_owned()],
    })
}

/// This page is where it was.
fn page_missed(facts: &Facts) -> Option<Trouble> {
    let problem = facts.status.page_problem.as_ref()?;
    Some(Trouble {
        what: "This page".to_owned(),
        said: format!("{PAGE_MISSED}: {}", sentence(problem)),
        stops: false,
        since: None,
        advice: vec!["It is tried again with each cycle, unless this page has the port that it wants; and when `[status]` is another one.".to_owned()],
    })
}

/// The embedded ledger is gone, or damaged.
fn no_ledger(facts: &Facts) -> Option<Trouble> {
    let problem = facts.status.backend.as_ref()?.problem.as_ref()?;
    Some(Trouble {
        what: "The licence ledger".to_owned(),
        said: sentence(problem),
        stops: true,
        since: None,
        advice: vec![KEPT.to_owned()],
    })
}

/// The last cycle failed as a whole, and not by its directories.
fn failed(facts: &Facts) -> Option<Trouble> {
    let last = facts.status.last_cycle.as_ref();
    let unrecorded = facts.tally.last == Some(CycleOutcome::Failed)
        && last.is_none_or(|cycle| cycle.outcome != CycleOutcome::Failed);
    let failed = last.filter(|cycle| cycle.outcome == CycleOutcome::Failed && cycle.directories.is_empty());
    let cause = match failed.map(|cycle| general(cycle).map(|problem| sentence(&problem.message)).collect::<Vec<_>>()) {
        // That is the cause, and is told above.
        _ if unrecorded && !facts.status.full_disks.is_empty() => return None,
        _ if unrecorded => facts.status.failing.as_ref().map_or_else(
            || "it could not be recorded either; the agent's log says why".to_owned(),
            |failing| format!("{}; it could not be recorded either", sentence(&failing.problem)),
        ),
        Some(causes) => causes.join("; "),
        None => return None,
    };
    Some(Trouble {
        what: "The last cycle".to_owned(),
        said: format!("the last cycle failed: {cause}"),
        stops: true,
        since: since_good(facts),
        advice: vec![KEPT.to_owned(), NEXT.to_owned()],
    })
}

/// Directories that could not be read, or not whole.
fn directories(facts: &Facts) -> impl Iterator<Item = Trouble> {
    let last = facts.status.last_cycle.as_ref();
    let all_failed = last.is_some_and(|cycle| cycle.outcome == CycleOutcome::Failed);
    facts.status.directories.iter().filter_map(move |directory| {
        let read = last.and_then(|cycle| cycle.directories.iter().find(|read| read.name == directory.name));
        let incomplete = read.filter(|read| !read.complete);
        let unread = directory.reachable == Some(false) || (all_failed && incomplete.is_some());
        if !unread && incomplete.is_none() {
            return None;
        }
        let problem = incomplete.and_then(|read| read.problem.as_deref()).or(directory.problem.as_deref());
        Some(unreadable(facts, directory, unread, problem))
    })
}

fn unreadable(facts: &Facts, directory: &DirectoryStatus, unread: bool, problem: Option<&str>) -> Trouble {
    let name = &directory.name;
    let said = match (unread, problem) {
        (true, Some(problem)) => format!("the directory {name} could not be read: {}", sentence(problem)),
        (true, None) => format!("the directory {name} cannot be reached"),
        (false, Some(problem)) => format!("the directory {name} was not read whole: {}", sentence(problem)),
        (false, None) => format!("the directory {name} was not read whole"),
    };
    let server = directory.server.iter().map(|server| format!("The server that answered last is {server}."));
    let rest = [
        "Nobody loses anything by it: its people keep accounts, seats and places. Until it is read whole nobody of it leaves \
         or gets a seat."
            .to_owned(),
        NEXT.to_owned(),
    ];
    Trouble {
        what: format!("Directory {name}"),
        said,
        stops: unread,
        since: since_good(facts),
        advice: server.chain(rest).collect(),
    }
}

/// Directories that were read whole, and give nobody a seat.
fn serve_nobody(facts: &Facts) -> impl Iterator<Item = Trouble> {
    let last = facts.status.last_cycle.iter().flat_map(|cycle| &cycle.directories);
    last.filter_map(|read| {
        Some(Trouble {
            what: format!("Directory {}", read.name),
            said: format!("of the directory {} {}", read.name, read.serves_nobody()?),
            stops: false,
            since: None,
            advice: vec![format!("Next: {}.", read.serves_nobody_next())],
        })
    })
}

/// Every directory was read, and yet the cycle did not come to its end.
fn broken_off(facts: &Facts) -> Option<Trouble> {
    let last = facts.status.last_cycle.as_ref().filter(|cycle| cycle.outcome == CycleOutcome::Partial)?;
    if last.directories.iter().any(|read| !read.complete) {
        return None;
    }
    let causes: Vec<String> = general(last).map(|problem| sentence(&problem.message)).collect();
    let cause = if causes.is_empty() { String::new() } else { format!(": {}", causes.join("; ")) };
    Some(Trouble {
        what: "The last cycle".to_owned(),
        said: format!("the last cycle did not come to its end{cause}"),
        stops: false,
        since: since_good(facts),
        advice: vec![
            "Nothing is lost by it: the next cycle does the rest; `seatsync sync` makes it at once.".to_owned(),
        ],
    })
}

fn config_refused(facts: &Facts) -> Option<Trouble> {
    let problem = facts.status.config_problem.as_ref()?;
    Some(Trouble {
        what: "The config".to_owned(),
        said: format!("{CONFIG_REFUSED}: {}", sentence(problem)),
        stops: false,
        since: None,
        advice: vec![
            "Mend what is named: the agent takes the config with its next cycle. What no reload takes needs a restart; \
             `seatsync check` says whether a start would succeed."
                .to_owned(),
        ],
    })
}

fn held(facts: &Facts) -> Option<Trouble> {
    facts.status.held.as_ref()?;
    let is_held = |row: &HistoryRow| row.outcome == CycleOutcome::Held || row.changes.held > 0;
    Some(Trouble {
        what: "The guard".to_owned(),
        said: "the guard holds changes back until they are confirmed".to_owned(),
        stops: false,
        since: since(facts, is_held),
        advice: vec![
            "Nobody has lost anything by it so far. What is held back, and what to do, stands under Held back."
                .to_owned(),
        ],
    })
}

/// Accounts that the backend refused to change.
fn refused(facts: &Facts) -> Option<Trouble> {
    let last = facts.status.last_cycle.as_ref().filter(|cycle| cycle.changes.failed > 0)?;
    let count = last.changes.failed;
    let accounts = if count == 1 { "1 account".to_owned() } else { format!("{count} accounts") };
    let of_people = last.problems.iter().filter_map(|problem| Some((problem.anchor?, problem)));
    let shown = of_people.take(SHOWN).map(|(anchor, problem)| format!("{anchor}: {}.", sentence(&problem.message)));
    let next = "All others were dealt with, and these are asked for again in every cycle. `seatsync status` names them, and \
                `seatsync explain USER` says more of one.";
    Some(Trouble {
        what: "Accounts".to_owned(),
        said: format!("the backend refused to change {accounts}"),
        stops: false,
        since: since(facts, |row| row.changes.failed > 0),
        advice: shown.chain(std::iter::once(next.to_owned())).collect(),
    })
}

/// What is no single person's.
fn general(cycle: &SyncReport) -> impl Iterator<Item = &ProblemRow> {
    cycle.problems.iter().filter(|problem| problem.anchor.is_none())
}

/// Without the full stop, for more may follow.
fn sentence(text: &str) -> String {
    text.trim_end().trim_end_matches('.').to_owned()
}

/// Since when no cycle read everything.
fn since_good(facts: &Facts) -> Option<Timestamp> {
    let is_bad = |row: &HistoryRow| !row.outcome.is_good();
    let reaches_back = facts.history.iter().any(|row| !is_bad(row));
    // Longer than the history that is shown.
    facts.tally.last_good.filter(|_| !reaches_back && !facts.history.is_empty()).or_else(|| since(facts, is_bad))
}

/// When the first of those last cycles began, one after the other, that this is true of.
fn since(facts: &Facts, is_so: impl Fn(&HistoryRow) -> bool) -> Option<Timestamp> {
    facts.history.iter().rev().take_while(|row| is_so(row)).last().map(|row| row.started)
}
