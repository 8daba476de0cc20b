//! `run`: the agent in the foreground, until a signal.

use std::sync::Arc;

use super::exit::Exit;
use super::signals;
use crate::agent::Calls;
use crate::app::{App, AppError};
use crate::service;

pub async fn run(app: &App) -> Result<Exit, AppError> {
    let calls = Arc::new(Calls::default());
    let ears = signals::of_a_service(&calls)?;
    let ended = app.run(&calls, &*service::manager()).await;
    ears.abort();
    ended.map(|()| Exit::Done)
}
