//! `init`: asks a person at a terminal, or takes the answers of a file.

mod terminal;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use anstream::AutoStream;

use self::terminal::Terminal;
use super::check;
use super::clean::clean;
use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::progress::{Bar, Foot};
use crate::app::init::{self, Form, Front, InitOptions, InitReport, Question, Value};
use crate::app::{AppError, Code};
use crate::ports::{Progress, Stage};

pub async fn init(options: &InitOptions, console: &Console, foot: &Foot) -> Result<Exit, AppError> {
    let quiet = console.quiet || console.json;
    let mut front: Box<dyn Front> = match &options.answers {
        Some(_) => Box::new(Script { quiet }),
        None if io::stdin().is_terminal() && io::stderr().is_terminal() => Box::new(Terminal),
        None => {
            let what = "there is no terminal to ask at";
            let next = "write the answers into a file and name it: `seatsync init --answers FILE`; `seatsync init --help` shows one";
            return Err(AppError::new(Code::Usage, what).with_next(next));
        }
    };
    let report = Box::pin(init::init(options, front.as_mut(), &WhileReading { foot, bar: Mutex::new(None) })).await?;
    let is_fine = report.check.as_ref().is_some_and(|check| check.ok && check.warnings.is_empty());
    if !console.spares(is_fine) {
        console.answer(&report, render)?;
    }
    Ok(match (&report.config, &report.check) {
        (_, Some(checked)) => check::exit(checked),
        (Some(_), None) => Exit::Partial,
        (None, None) => Exit::Done,
    })
}

fn render(report: &InitReport, page: &mut Page) {
    let Some(config) = &report.config else {
        return page.verdict(Tone::Warn, "ok", "nothing was written");
    };
    page.line(format!("Wrote {}.", config.display()));
    if let Some(before) = &report.before {
        page.line(format!("The config before it is kept as {}.", before.display()));
    }
    for secret in &report.secrets {
        page.line(format!("Kept a secret in {}.", secret.display()));
    }
    page.gap();
    if let Some(checked) = &report.check {
        check::render(checked, page);
        page.gap();
    }
    if let Some(next) = report.next.as_ref().and_then(|next| next.strip_prefix("seatsync ")) {
        page.command("next", next);
    }
}

/// Says something on stderr: stdout is for the answer.
pub(super) fn say(told: &str) {
    let told: Vec<String> = told.lines().map(|line| clean(line).into_owned()).collect();
    // Nothing is left to do where even that fails.
    let _ = writeln!(AutoStream::auto(io::stderr()).lock(), "{}", told.join("\n"));
}

/// A bar only while a read goes on: it would draw over questions.
struct WhileReading<'a> {
    foot: &'a Foot,
    bar: Mutex<Option<Bar>>,
}

impl Progress for WhileReading<'_> {
    fn tell(&self, stage: Stage<'_>) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if let Stage::Reading { .. } = stage {
            bar.get_or_insert_with(|| self.foot.bar()).tell(stage);
        } else {
            *bar = None;
        }
    }
}

/// The answers of a file are all there is: what they leave out is what would stand there already.
struct Script {
    quiet: bool,
}

impl Front for Script {
    fn ask(&mut self, question: &Question) -> Result<Value, AppError> {
        match &question.form {
            Form::Text(Some(default)) => Ok(Value::Text(default.clone())),
            Form::Many { chosen, .. } => Ok(Value::Many(chosen.clone())),
            Form::Yes(default) => Ok(Value::Yes(*default)),
            Form::One(options) if options.len() == 1 => Ok(Value::Text(options[0].0.clone())),
            Form::Text(None) | Form::Secret | Form::One(_) => {
                let what = format!("the answers lack {}: {}", question.key.place(), question.prompt);
                let error = AppError::new(Code::Usage, what);
                Err(if question.help.is_empty() { error } else { error.with_next(question.help.clone()) })
            }
        }
    }

    fn tell(&mut self, told: &str) {
        if !self.quiet {
            say(told);
        }
    }

    fn complain(&mut self, error: &AppError) {
        say(&error.to_string());
    }

    fn may_ask_again(&self) -> bool {
        false
    }
}
