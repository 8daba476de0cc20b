use std::sync::Mutex;
use std::time::Instant;

use super::*;
use crate::ports::{Awaiting, Progress as _, Stage};

#[derive(Default)]
struct Diary {
    cycles: u32,
    reloads: u32,
    announced: Option<Timestamp>,
    /// How long a pass takes.
    takes: Duration,
    /// Changes that are pushed yet, each at once.
    pushes: u32,
}

/// What a service manager was told, each thing once in a row.
#[derive(Default)]
struct Ear(Mutex<Vec<&'static str>>);

impl Ear {
    fn hear(&self, word: &'static str) {
        let mut heard = self.0.lock().unwrap();
        if heard.last() != Some(&word) {
            heard.push(word);
        }
    }
}

impl ServiceManager for Ear {
    fn ready(&self) {
        self.hear("ready");
    }
    fn alive(&self) {
        self.hear("alive");
    }
    fn reloading(&self) {
        self.hear("reloading");
    }
    fn stopping(&self, _grace: Duration) {
        self.hear("stopping");
    }
    fn says(&self, _sentence: &str) {
        self.hear("says");
    }
}

#[async_trait]
impl Work for Diary {
    async fn cycle(&mut self) {
        tokio::time::sleep(self.takes).await;
        self.cycles += 1;
    }

    async fn requests(&mut self) -> bool {
        false
    }

    async fn roused(&mut self) {
        match self.pushes.checked_sub(1) {
            Some(rest) => self.pushes = rest,
            None => std::future::pending().await,
        }
    }

    fn reload(&mut self) {
        self.reloads += 1;
    }

    fn until_next(&self) -> Duration {
        Duration::from_mins(5)
    }

    fn announce(&mut self, next: Timestamp) {
        self.announced = Some(next);
    }

    fn standing(&self) -> String {
        format!("{} passes", self.cycles)
    }
}

/// Runs the agent, does `meanwhile` after a moment, and stops it.
async fn run_while(takes: Duration, grace: Duration, meanwhile: impl FnOnce(&Calls)) -> Diary {
    let pulse = Pulse::new(GRACE);
    run_watched(takes, grace, Watch { manager: &Unwatched, pulse: &pulse }, meanwhile).await
}

async fn run_watched(takes: Duration, grace: Duration, watch: Watch<'_>, meanwhile: impl FnOnce(&Calls)) -> Diary {
    let mut diary = Diary { takes, ..Diary::default() };
    let calls = Calls::default();
    let others = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        meanwhile(&calls);
        tokio::time::sleep(Duration::from_millis(100)).await;
        calls.stop();
    };
    tokio::join!(run(&mut diary, &calls, watch, grace), others);
    diary
}

#[tokio::test]
async fn the_first_pass_is_made_at_once_and_the_next_in_its_time() {
    let before = clock::now();
    let diary = run_while(Duration::ZERO, GRACE, |_| ()).await;
    assert_eq!(diary.cycles, 1);
    assert!(diary.announced.unwrap() >= before + jiff::SignedDuration::from_mins(5));
}

#[tokio::test]
async fn a_pass_in_hand_is_ended_before_the_agent_stops() {
    let diary = run_while(Duration::from_millis(400), GRACE, |_| ()).await;
    assert_eq!(diary.cycles, 1);
}

#[tokio::test]
async fn a_pass_that_does_not_end_is_left_after_the_grace() {
    let clock = Instant::now();
    let diary = run_while(Duration::from_mins(5), Duration::from_millis(100), |_| ()).await;
    assert_eq!(diary.cycles, 0);
    assert!(clock.elapsed() < Duration::from_mins(1));
}

#[tokio::test]
async fn a_call_for_the_config_makes_a_pass_at_once_or_after_the_one_in_hand() {
    for takes in [Duration::ZERO, Duration::from_millis(150)] {
        let diary = run_while(takes, GRACE, Calls::reload).await;
        assert_eq!((diary.reloads, diary.cycles), (1, 2), "{takes:?}");
    }
}

#[tokio::test]
async fn what_is_pushed_makes_a_pass_each_time() {
    let pulse = Pulse::new(GRACE);
    let (mut diary, calls) = (Diary { pushes: 2, ..Diary::default() }, Calls::default());
    let others = async {
        tokio::time::sleep(LOOK / 2).await;
        calls.stop();
    };
    tokio::join!(run(&mut diary, &calls, Watch { manager: &Unwatched, pulse: &pulse }, GRACE), others);
    assert_eq!(diary.cycles, 3, "the first one, and before the next look");
}

#[tokio::test]
async fn who_is_told_to_stop_before_the_start_does_nothing() {
    let (mut diary, calls) = (Diary::default(), Calls::default());
    calls.stop();
    let pulse = Pulse::new(GRACE);
    run(&mut diary, &calls, Watch { manager: &Unwatched, pulse: &pulse }, GRACE).await;
    assert_eq!(diary.cycles, 0);
}

#[tokio::test]
async fn a_service_manager_hears_of_the_start_the_config_and_the_end() {
    let (ear, pulse) = (Ear::default(), Pulse::new(GRACE));
    let watch = Watch { manager: &ear, pulse: &pulse };
    run_watched(Duration::ZERO, GRACE, watch, Calls::reload).await;
    let heard = ear.0.into_inner().unwrap();
    let spoken: Vec<&str> = heard.iter().copied().filter(|word| *word != "alive").collect();
    assert_eq!(spoken, ["ready", "says", "reloading", "ready", "says", "stopping"]);
    assert!(heard.contains(&"alive"));
}

#[tokio::test]
async fn a_pass_that_hangs_is_not_called_alive_and_one_that_only_takes_long_is() {
    for (goes_on, still_alive) in [(false, false), (true, true)] {
        let (ear, pulse) = (Ear::default(), Pulse::new(Duration::from_millis(600)));
        let watch = Watch { manager: &ear, pulse: &pulse };
        let meanwhile = async {
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_millis(200)).await;
                if goes_on {
                    pulse.tell(Stage::Planning);
                }
            }
            ear.0.lock().unwrap().clear();
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        let mut diary = Diary { takes: GRACE, ..Diary::default() };
        let calls = Calls::default();
        tokio::select! {
            () = run(&mut diary, &calls, watch, GRACE) => unreachable!("nobody stopped it"),
            () = meanwhile => {}
        }
        assert_eq!(ear.0.into_inner().unwrap() == ["alive"], still_alive);
    }
}

/// Keeps what was said, in order.
#[derive(Default)]
struct Sentences(Mutex<Vec<String>>);

impl ServiceManager for Sentences {
    fn ready(&self) {}
    fn alive(&self) {}
    fn reloading(&self) {}
    fn stopping(&self, _grace: Duration) {}
    fn says(&self, sentence: &str) {
        self.0.lock().unwrap().push(sentence.to_owned());
    }
}

async fn wait_for(said: &Sentences, wanted: impl Fn(&str) -> bool) {
    while !said.0.lock().unwrap().last().is_some_and(|last| wanted(last)) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_service_manager_hears_what_is_read_while_it_goes_on_and_then_how_things_stand() {
    let (said, mut pulse) = (Sentences::default(), Pulse::new(GRACE));
    pulse.moment = jiff::SignedDuration::ZERO;
    let watch = Watch { manager: &said, pulse: &pulse };
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        pulse.tell(Stage::Reading { directory: "corp", entries: 0 });
        wait_for(&said, |last| last.ends_with(" and nothing has come yet. 0 passes")).await;
        pulse.tell(Stage::Planning);
        wait_for(&said, |last| last == "0 passes").await;
        let ledger = Awaiting::new("the ledger at h".to_owned());
        pulse.asks(Some(ledger.clone()));
        let question = ledger.ask(clock::now());
        wait_for(&said, |last| last.starts_with("Waiting for the ledger at h for ") && last.ends_with(" s. 0 passes"))
            .await;
        drop(question);
        wait_for(&said, |last| last == "0 passes").await;
        pulse.page_is_missed(Some("could not listen on 127.0.0.1:80.".to_owned()));
        let missed = "The status page is not where the config says: could not listen on 127.0.0.1:80. 0 passes";
        wait_for(&said, |last| last == missed).await;
        pulse.page_is_missed(None);
        wait_for(&said, |last| last == "0 passes").await;
    };
    let mut diary = Diary { takes: GRACE, ..Diary::default() };
    let calls = Calls::default();
    tokio::select! {
        () = run(&mut diary, &calls, watch, GRACE) => unreachable!("nobody stopped it"),
        () = meanwhile => {}
    }
    let said = said.0.into_inner().unwrap();
    assert!(said[0].starts_with("Reading corp for 0 s, and nothing"), "{said:?}");
}
