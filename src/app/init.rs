//! `init`: finds the servers, asks what it must, tests what it is told, and writes a config.
//!
//! `machine` is pure: answers and findings in, the next question or look out. `look` asks servers, `draft` writes the text of
//! the config, `keep` puts it on disk. A `Front` asks the person; without one a file has the answers.

mod answers;
mod draft;
mod file;
mod keep;
mod look;
mod machine;
mod unseen;

use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio::task::block_in_place;

use self::answers::Answers;
use self::look::Refused;
use self::machine::{Findings, Next, next};
use super::{App, AppError, Code};
use crate::model::report::CheckReport;
use crate::ports::Progress;

pub use self::answers::{Key, Value};
pub use self::look::Forecast;
pub use self::machine::{Form, Question};

/// Asks a person, and tells them.
pub trait Front: Send {
    /// Asks one question.
    ///
    /// # Errors
    /// Where nobody can be asked, or the person gives up: then nothing is written.
    fn ask(&mut self, question: &Question) -> Result<Value, AppError>;

    /// Tells what was found.
    fn tell(&mut self, told: &str);

    /// Tells what went wrong, before it is asked again.
    fn complain(&mut self, error: &AppError);

    /// Whether what failed may be asked again: a file answers the same again.
    fn may_ask_again(&self) -> bool;
}

/// What `init` was asked for.
#[derive(Clone, Debug)]
pub struct InitOptions {
    pub config: PathBuf,
    pub answers: Option<PathBuf>,
    /// Write over a config that is there; it is kept beside the new one.
    pub force: bool,
    /// Write the config though a base or group of it is not seen.
    pub anyway: bool,
}

/// What was found and written.
#[derive(Debug, Serialize)]
pub struct InitReport {
    /// The config that was written; None: the person did not want it.
    pub config: Option<PathBuf>,
    /// The config that lay there before.
    pub before: Option<PathBuf>,
    /// Files with the secrets.
    pub secrets: Vec<PathBuf>,
    pub directory: DirectoryFound,
    pub people: Forecast,
    /// None: nothing was written, or nobody waited for it.
    pub check: Option<CheckReport>,
    /// The command to type now.
    pub next: Option<String>,
}

/// The directory, as the config has it.
#[derive(Debug, Default, Serialize)]
pub struct DirectoryFound {
    pub name: String,
    pub kind: Option<String>,
    pub vendor: Option<String>,
    pub url: Vec<String>,
    pub start_tls: bool,
    pub base: Vec<String>,
    pub groups: Vec<String>,
}

/// Asks, looks, and writes at the end or not at all.
///
/// # Errors
/// Where a config lies there already, an answer is missing or wrong, a server refuses, or the person gives up.
pub async fn init(
    options: &InitOptions,
    front: &mut dyn Front,
    progress: &dyn Progress,
) -> Result<InitReport, AppError> {
    refuse_to_overwrite(options)?;
    let mut answers = match &options.answers {
        Some(file) => file::read(file)?,
        None => Answers::default(),
    };
    answers.anyway = options.anyway;
    answers.doubt.iter().for_each(|doubt| front.tell(doubt));
    let (answers, found) = interview(answers, front, progress).await?;
    let people = found.forecast.clone().unwrap_or_default();
    let directory = directory(&answers, &found);
    if answers.write == Some(false) {
        let nothing =
            InitReport { config: None, before: None, secrets: Vec::new(), directory, people, check: None, next: None };
        return Ok(nothing);
    }
    let kept = keep::all(&options.config, &answers, &found)?;
    // What is written stays so, whoever does not want to wait for its check.
    let check = tokio::select! {
        check = App::check(&options.config, true, progress) => Some(check),
        _ = tokio::signal::ctrl_c() => None,
    };
    let is_fine = check.as_ref().is_some_and(|check| check.ok);
    let next = if is_fine { "seatsync plan" } else { "seatsync check --connect" };
    Ok(InitReport {
        config: Some(kept.config),
        before: kept.before,
        secrets: kept.secrets,
        directory,
        people,
        check,
        next: Some(next.to_owned()),
    })
}

fn refuse_to_overwrite(options: &InitOptions) -> Result<(), AppError> {
    if options.force || !options.config.exists() {
        return Ok(());
    }
    let what = format!("there is a config already, {}; it was left as it is", options.config.display());
    let next = "`--config PATH` writes another one; `--force` writes over it, and keeps it as FILE.before";
    Err(AppError::new(Code::Usage, what).with_next(next))
}

/// Asks and looks until there is nothing left to ask.
async fn interview(
    mut answers: Answers,
    front: &mut dyn Front,
    progress: &dyn Progress,
) -> Result<(Answers, Findings), AppError> {
    let mut found = Findings::default();
    loop {
        match next(&answers, &found) {
            Next::Done => return Ok((answers, found)),
            Next::Ask(question) => {
                let value = block_in_place(|| front.ask(&question))?;
                if let Err(why) = answers.put(question.key, value) {
                    again(front, &AppError::new(Code::Usage, why))?;
                }
            }
            Next::Look(look) => {
                let looked = tokio::select! {
                    looked = look::look(look, &answers, &mut found, progress) => looked,
                    _ = tokio::signal::ctrl_c() => return Err(gave_up()),
                };
                match looked {
                    Ok(told) => told.iter().for_each(|told| front.tell(told)),
                    Err(Refused { error, forget: &[] }) => return Err(error),
                    Err(Refused { error, forget }) => {
                        again(front, &error)?;
                        answers.forget(forget);
                    }
                }
            }
        }
    }
}

/// A person is told and asked again; a file would say the same again.
fn again(front: &mut dyn Front, error: &AppError) -> Result<(), AppError> {
    if !front.may_ask_again() {
        return Err(error.clone());
    }
    front.complain(error);
    Ok(())
}

/// The person stopped it.
#[must_use]
pub fn gave_up() -> AppError {
    AppError::new(Code::Failed, "stopped; nothing was written")
}

fn directory(answers: &Answers, found: &Findings) -> DirectoryFound {
    let greeting = found.greeting.clone().unwrap_or_default();
    let kind = found.catalogue.as_ref().and_then(|catalogue| catalogue.kind).or(greeting.kind);
    DirectoryFound {
        name: answers.name.clone().unwrap_or_default(),
        kind: kind.map(|kind| kind.as_str().to_owned()),
        vendor: greeting.vendor,
        url: found.urls.clone(),
        start_tls: greeting.start_tls,
        base: answers.bases.clone().unwrap_or_default(),
        groups: answers.groups.clone().unwrap_or_default(),
    }
}

/// A path as a config anywhere may name it.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
