//! What the page asks of the agent: the verbs `explain` and `pending`, by the config that is in force.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Turn;
use crate::agent::Pulse;
use crate::app::{App, AppError};
use crate::clock;
use crate::model::change::Verdict;
use crate::model::report::{Awaited, ExplainReport, ReadingRow};
use crate::model::text::spelt;
use crate::status::{Desk, Refusal};

pub struct Asked {
    pub config: PathBuf,
    pub turns: watch::Receiver<Turn>,
    pub pulse: Arc<Pulse>,
}

impl Asked {
    fn app(&self) -> App {
        let settings = (*self.turns.borrow().settings).clone();
        App::in_force(&self.config, settings)
    }
}

impl Desk for Asked {
    fn reading(&self) -> Option<ReadingRow> {
        self.pulse.reading(clock::now())
    }

    fn awaited(&self) -> Option<Awaited> {
        self.pulse.awaited(clock::now())
    }

    fn page_problem(&self) -> Option<String> {
        self.pulse.page_problem()
    }

    fn explain(&self, user: &str) -> Result<ExplainReport, Refusal> {
        let app = self.app();
        app.explain(user).map_err(|error| refusal(error, &app.settings.agent.options))
    }

    fn decide(&self, verdict: Verdict, user: &str, pool: &str) -> Result<(), Refusal> {
        let (app, users) = (self.app(), [user.to_owned()]);
        // A request to the loop that works, as any other verb leaves one.
        let decided = Handle::current().block_on(app.decide(verdict, &users, Some(pool)));
        decided.map(drop).map_err(|error| refusal(error, &app.settings.agent.options))
    }
}

/// Commands in it mean the agent's config.
fn refusal(error: AppError, options: &str) -> Refusal {
    let details = error.details.into_iter().chain(error.next.map(|next| spelt(&next, options).into_owned())).collect();
    Refusal { message: error.message, details }
}
