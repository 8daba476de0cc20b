//! A page that follows its config: another address, certificate or token is taken while the agent runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Showing, Turn};
use crate::agent::Pulse;
use crate::app::{App, AppError};
use crate::model::settings::{Settings, StatusSettings};

/// A listener that is closed is gone a moment later.
const MOMENT: Duration = Duration::from_millis(50);
const MOMENTS: u32 = 40;

/// The page, for as long as the agent runs.
pub struct Mover {
    pub config: PathBuf,
    pub turns: watch::Receiver<Turn>,
    pub pulse: Arc<Pulse>,
    pub showing: Option<Showing>,
}

impl Mover {
    /// Follows the config in force. Where another page cannot be had, the one before stays.
    pub async fn follow(mut self) {
        let mut shown = self.settings();
        let mut asked = Arc::clone(&shown);
        while self.turns.changed().await.is_ok() {
            let wanted = self.settings();
            let is_new = !wanted.status.is_same(&asked.status);
            // What could not be had is tried again with each cycle, unless the page that is there would have to go for it.
            let again = self.pulse.page_problem().is_some() && !self.is_in_the_way(&wanted.status);
            if !is_new && !again {
                continue;
            }
            match self.move_to(&wanted).await {
                Ok(()) => {
                    if self.pulse.page_problem().is_none() {
                        tracing::info!("[status] is another one in the config, and the page follows it.");
                    }
                    shown = Arc::clone(&wanted);
                }
                Err(error) => self.stay(&shown, &wanted.status, error.in_one_line()).await,
            }
            asked = wanted;
        }
    }

    /// The page is where it was; it is said until it moves.
    async fn stay(&mut self, shown: &Settings, refused: &StatusSettings, problem: String) {
        if self.pulse.page_problem().as_ref() != Some(&problem) {
            tracing::error!(name: "config.page_stays", %problem, "[status] is another one in the config, and cannot be followed; the page stays as it was.");
        }
        self.go_back(shown, refused).await;
        self.pulse.page_is_missed(Some(problem));
    }

    fn settings(&mut self) -> Arc<Settings> {
        Arc::clone(&self.turns.borrow_and_update().settings)
    }

    /// The new one is there before the old one goes, unless both want one port.
    async fn move_to(&mut self, settings: &Settings) -> Result<(), AppError> {
        if !self.is_in_the_way(&settings.status) {
            let next = self.show(settings).await?;
            self.showing = next;
            return Ok(());
        }
        self.showing = None;
        let mut tries = 0;
        loop {
            match self.show(settings).await {
                Err(_) if tries < MOMENTS => tries += 1,
                shown => {
                    self.showing = shown?;
                    return Ok(());
                }
            }
            tokio::time::sleep(MOMENT).await;
        }
    }

    /// Every address of the machine, for instance, is another one than its own, and has the same ports.
    fn is_in_the_way(&self, status: &StatusSettings) -> bool {
        let (Some(before), Some(listen)) = (&self.showing, status.listen) else { return false };
        before.address != listen.address && before.address.port() == listen.address.port()
    }

    async fn go_back(&mut self, settings: &Settings, refused: &StatusSettings) {
        if self.showing.is_some() || refused.listen.is_none() {
            return;
        }
        match self.show(settings).await {
            Ok(showing) => self.showing = showing,
            Err(error) => {
                tracing::error!(problem = %error.in_one_line(), "The page as it was cannot be had either: the agent runs without one.");
            }
        }
    }

    async fn show(&self, settings: &Settings) -> Result<Option<Showing>, AppError> {
        let app = App::in_force(&self.config, settings.clone());
        app.show(self.turns.clone(), Arc::clone(&self.pulse), self.showing.as_ref()).await
    }
}
