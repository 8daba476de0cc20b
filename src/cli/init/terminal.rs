//! Questions at a terminal.

use std::fmt;

use inquire::{Confirm, InquireError, MultiSelect, Password, Select, Text};
use secrecy::SecretString;

use super::say;
use crate::app::init::{Form, Front, Question, Value, gave_up};
use crate::app::{AppError, Code};
use crate::cli::clean::clean;

/// A person who can be asked.
pub struct Terminal;

/// One of several, as it is shown.
struct Choice {
    value: String,
    shown: String,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&clean(&self.shown))
    }
}

impl Front for Terminal {
    fn ask(&mut self, question: &Question) -> Result<Value, AppError> {
        if !question.help.is_empty() {
            say(&format!("\n{}", question.help));
        }
        asked(question).map_err(|error| failed(&error))
    }

    fn tell(&mut self, told: &str) {
        say(told);
    }

    fn complain(&mut self, error: &AppError) {
        say(&error.to_string());
        error.causes.iter().for_each(|cause| say(&format!("  - {cause}")));
    }

    fn may_ask_again(&self) -> bool {
        true
    }
}

fn asked(question: &Question) -> Result<Value, InquireError> {
    let prompt = question.prompt.as_str();
    match &question.form {
        Form::Text(default) => {
            let text = Text::new(prompt);
            let text = match default {
                Some(default) => text.with_default(default),
                None => text,
            };
            text.prompt().map(Value::Text)
        }
        Form::Secret => Password::new(prompt)
            .without_confirmation()
            .prompt()
            .map(|secret| Value::Secret(SecretString::from(secret))),
        Form::One(options) => {
            let shown = |(value, meaning): &(String, String)| Choice {
                value: value.clone(),
                shown: format!("{value}: {meaning}"),
            };
            Select::new(prompt, options.iter().map(shown).collect()).prompt().map(|choice| Value::Text(choice.value))
        }
        Form::Many { options, chosen } => many(prompt, options, chosen),
        Form::Yes(default) => Confirm::new(prompt).with_default(*default).prompt().map(Value::Yes),
    }
}

fn many(prompt: &str, options: &[(String, String)], chosen: &[String]) -> Result<Value, InquireError> {
    if options.is_empty() {
        return Ok(Value::Many(Vec::new()));
    }
    let at: Vec<usize> =
        options.iter().enumerate().filter(|(_, (value, _))| chosen.contains(value)).map(|(at, _)| at).collect();
    let shown = |(value, shown): &(String, String)| Choice { value: value.clone(), shown: shown.clone() };
    let choices = MultiSelect::new(prompt, options.iter().map(shown).collect()).with_default(&at).prompt()?;
    Ok(Value::Many(choices.into_iter().map(|choice| choice.value).collect()))
}

fn failed(error: &InquireError) -> AppError {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => gave_up(),
        other => AppError::new(Code::Failed, "could not ask at this terminal").caused_by(other),
    }
}
