//! Lets a pass give up a long read when somebody asks for something meanwhile: what people decide is carried out within a
//! second or two, however slow a directory is, and the pass is then made again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::state::State;

/// A pass that is over sooner is not worth giving up.
const UNDISTURBED: Duration = Duration::from_secs(1);
/// How often requests are looked for after that.
const LOOK: Duration = Duration::from_millis(250);
/// So many passes in a row may be given up; then one is made whatever is asked, so that the directory is read at all.
const IN_A_ROW: u32 = 5;

/// Counts the passes given up, and watches over the one in hand.
#[derive(Debug, Default)]
pub struct Interrupts {
    in_a_row: u32,
}

impl Interrupts {
    /// A receiver that says when to give up reading: where `stopping` does, or where something is asked.
    pub fn watch(&self, state_dir: &Path, stopping: watch::Receiver<bool>) -> Watch {
        let (give_up, ear) = watch::channel(false);
        let asked_too = self.in_a_row < IN_A_ROW;
        let task = tokio::spawn(listen(state_dir.to_owned(), stopping, asked_too, give_up));
        Watch { ear, task }
    }

    /// Notes how the pass ended.
    pub fn note(&mut self, given_up: bool) {
        self.in_a_row = if given_up { self.in_a_row + 1 } else { 0 };
    }
}

/// Watches for as long as it lives.
#[derive(Debug)]
pub struct Watch {
    pub ear: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(dir: PathBuf, mut stopping: watch::Receiver<bool>, asked_too: bool, give_up: watch::Sender<bool>) {
    tokio::select! {
        _ = stopping.wait_for(|stop| *stop) => {}
        () = asked(dir), if asked_too => {}
    }
    give_up.send_replace(true);
    give_up.closed().await;
}

/// Ready once somebody asks for more than a pass. A state that cannot be read is for the pass itself to complain of.
async fn asked(dir: PathBuf) {
    tokio::time::sleep(UNDISTURBED).await;
    if let Ok(Some(state)) = State::open_beside(&dir) {
        while matches!(state.decisions_wait(), Ok(false)) {
            tokio::time::sleep(LOOK).await;
        }
        return;
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::model::memory::Request;
    use crate::state::{Holder, Lock};

    const SOON: Duration = Duration::from_secs(20);

    fn state() -> (tempfile::TempDir, State, Lock) {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::try_acquire(folder.path(), &Holder::this_process("test", "run")).unwrap().unwrap();
        let state = State::open(&lock).unwrap();
        (folder, state, lock)
    }

    async fn given_up(watch: &mut Watch, within: Duration) -> bool {
        tokio::time::timeout(within, watch.ear.wait_for(|stop| *stop)).await.is_ok()
    }

    #[tokio::test]
    async fn a_decision_interrupts_and_a_wish_for_a_pass_does_not() {
        let (folder, mut state, _lock) = state();
        let (_stop, stopping) = watch::channel(false);
        let mut watch = Interrupts::default().watch(folder.path(), stopping);
        state.ask(&Request::Sync { full: true }, clock::now(), None).unwrap();
        assert!(!given_up(&mut watch, UNDISTURBED * 2).await);
        state.ask(&Request::Decide(Vec::new()), clock::now(), None).unwrap();
        assert!(given_up(&mut watch, SOON).await);
    }

    #[tokio::test]
    async fn after_several_in_a_row_a_pass_is_left_alone_but_for_the_stop() {
        let (folder, mut state, _lock) = state();
        let (stop, stopping) = watch::channel(false);
        let mut interrupts = Interrupts::default();
        (0..IN_A_ROW).for_each(|_| interrupts.note(true));
        state.ask(&Request::Decide(Vec::new()), clock::now(), None).unwrap();
        let mut watch = interrupts.watch(folder.path(), stopping.clone());
        assert!(!given_up(&mut watch, UNDISTURBED * 2).await);
        stop.send_replace(true);
        assert!(given_up(&mut watch, SOON).await);
        interrupts.note(false);
        let (_stop, stopping) = watch::channel(false);
        assert!(given_up(&mut interrupts.watch(folder.path(), stopping), SOON).await);
    }
}
