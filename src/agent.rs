//! When to make a pass, what others ask meanwhile, and how to stop.

mod appointment;
mod pulse;

use std::convert::Infallible;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use self::appointment::Appointment;
use crate::clock;
use crate::model::report::PAGE_MISSED;

pub use self::pulse::Pulse;

/// How often requests of other verbs are looked for: they are acted on within a second.
const LOOK: Duration = Duration::from_millis(500);

/// A pass that was asked to stop may take so long to end. Less than the service manager waits (`TimeoutStopSec`), so that
/// it is we who say so; what was being sent is in the journal, and the next start asks how it went.
pub const GRACE: Duration = Duration::from_secs(45);

/// What the agent does; when, is decided here.
#[async_trait]
pub trait Work: Send {
    /// One pass. It reports its own failures: the next one follows at its time all the same.
    async fn cycle(&mut self);

    /// Carries out what other verbs asked for. True where a pass is to follow at once.
    async fn requests(&mut self) -> bool;

    /// Ready once a server pushed a change that a pass is to follow now. Asked anew each time that it was given up.
    async fn roused(&mut self);

    /// Takes the config anew, or keeps the old one and says why; a pass follows.
    fn reload(&mut self);

    /// From the end of the latest pass to the beginning of the next, where nobody asks for one before.
    fn until_next(&self) -> Duration;

    /// Tells others when the next pass is due.
    fn announce(&mut self, next: Timestamp);

    /// How things stand after the latest pass, in one sentence for people.
    fn standing(&self) -> String;
}

/// Who started the process and watches over it: systemd, the service manager of Windows, or nobody.
pub trait ServiceManager: Send + Sync {
    /// One more step of the start is done; `ready` follows after the last.
    fn starting(&self) {}

    /// All that is needed is open, and the config is taken.
    fn ready(&self);

    /// Work goes on. Told as often as it pleases the agent, and only while it is true.
    fn alive(&self);

    /// The config is being taken anew; `ready` follows.
    fn reloading(&self);

    /// The end begins, and may take as long as this.
    fn stopping(&self, grace: Duration);

    /// What people who ask the service manager are to read.
    fn says(&self, sentence: &str);
}

/// Watched over by nobody.
pub struct Unwatched;

impl ServiceManager for Unwatched {
    fn ready(&self) {}
    fn alive(&self) {}
    fn reloading(&self) {}
    fn stopping(&self, _grace: Duration) {}
    fn says(&self, _sentence: &str) {}
}

/// How the agent is watched over.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    pub manager: &'a dyn ServiceManager,
    pub pulse: &'a Pulse,
}

impl Watch<'_> {
    /// Says that work goes on for as long as it does, and what goes on beside it, before `standing`: how things stood before.
    /// Polled by the task that works: where that is stuck, so is this.
    async fn over(self, standing: &str, told: &mut Vec<String>) -> Infallible {
        loop {
            if self.pulse.goes_on() {
                self.manager.alive();
            }
            if self.aside() != *told {
                self.says(standing, told);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Says how things stand, and remembers what of it was `told` beside that.
    fn says(self, standing: &str, told: &mut Vec<String>) {
        *told = self.aside();
        let before = told.iter().map(|sentence| format!("{sentence} ")).collect::<String>();
        self.manager.says(&format!("{before}{standing}"));
    }

    /// A sentence each: where the page is not, what is read now, and who does not answer.
    fn aside(self) -> Vec<String> {
        let now = clock::now();
        let page = self.pulse.page_problem();
        let page = page.map(|problem| format!("{PAGE_MISSED}: {}", problem.trim_end_matches('.')));
        let reading = self.pulse.reading(now).map(|reading| reading.in_words(now));
        let awaited = self.pulse.awaited(now).map(|awaited| awaited.in_words(now));
        page.iter().chain(&reading).chain(&awaited).map(|words| sentence(words)).collect()
    }
}

/// "Reading corp for 42 s, and nothing has come yet.".
#[must_use]
pub fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

/// What is asked of the running agent from outside, by signals for instance.
#[derive(Debug, Default)]
pub struct Calls {
    stop: watch::Sender<bool>,
    reload: Notify,
}

impl Calls {
    /// To stop: a pass in hand gives up reading, but ends what it applies.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// To take the config anew, at once or after the pass in hand.
    pub fn reload(&self) {
        self.reload.notify_one();
    }

    /// Says when to stop.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}

/// Works until told to stop, and then for `grace` at most.
pub async fn run(work: &mut dyn Work, calls: &Calls, watch: Watch<'_>, grace: Duration) {
    let mut stopping = calls.stopping();
    let mut next = Appointment::after(Duration::ZERO, clock::now());
    let mut told = Vec::new();
    watch.manager.ready();
    while !*stopping.borrow() {
        let due = next.is_due(clock::now());
        let passed = {
            let turn = watched(work, due, calls, (watch, &mut told));
            tokio::pin!(turn);
            tokio::select! {
                passed = &mut turn => passed,
                _ = stopping.wait_for(|stop| *stop) => {
                    watch.manager.stopping(grace);
                    if tokio::time::timeout(grace, turn).await.is_err() {
                        tracing::warn!(name: "agent.left_a_cycle", "The cycle did not end in time; the next start makes good what is open of it.");
                    }
                    return;
                }
            }
        };
        if passed {
            // A pass longer than this is followed by the next, never overlapped.
            next = Appointment::after(work.until_next(), clock::now());
            work.announce(next.at);
            watch.says(&work.standing(), &mut told);
        } else if next.follow(clock::now()) {
            work.announce(next.at);
        }
    }
    watch.manager.stopping(grace);
}

/// A turn, and the service manager told that it goes on.
async fn watched(work: &mut dyn Work, due: bool, calls: &Calls, (watch, told): (Watch<'_>, &mut Vec<String>)) -> bool {
    watch.pulse.beats();
    let standing = work.standing();
    let passed = tokio::select! {
        passed = turn(work, due, calls, watch.manager) => passed,
        never = watch.over(&standing, told) => match never {},
    };
    watch.pulse.rests();
    passed
}

/// Does what is due, or rests a little. Says whether a pass was made.
async fn turn(work: &mut dyn Work, due: bool, calls: &Calls, manager: &dyn ServiceManager) -> bool {
    if !(work.requests().await || due) {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => return false,
            () = work.roused() => {}
            () = calls.reload.notified() => {
                manager.reloading();
                work.reload();
                manager.ready();
            }
        }
    }
    work.cycle().await;
    true
}

#[cfg(test)]
mod tests;
