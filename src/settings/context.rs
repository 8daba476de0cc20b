//! What every reader of one config shares: where it came from, and what was found wrong so far.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use super::lines::Lines;
use super::overrides::Overrides;
use super::{Problem, UsedFile, Variables};

/// As the packages install it.
const BLANK: &str = "says nothing yet: `seatsync init --force` writes one in its place; it finds the servers, asks what it must, and \
                     tests it";

/// Where a value stands.
#[derive(Clone, Debug)]
pub struct Place {
    /// As shown to people: `directory.corp.url`.
    pub shown: String,
    /// By position in the merged tree: `directory[0].url`.
    pub at: String,
}

impl Place {
    /// A key of the table that stands here.
    pub fn key(&self, key: &str) -> Self {
        let below = |base: &str| if base.is_empty() { key.to_owned() } else { format!("{base}.{key}") };
        Self { shown: below(&self.shown), at: below(&self.at) }
    }

    /// An item of the list that stands here: people know it by its value.
    pub fn item(&self, index: usize) -> Self {
        Self { shown: self.shown.clone(), at: format!("{}[{index}]", self.at) }
    }
}

/// What was found in a config, each in the order in which it was found.
#[derive(Debug, Default)]
pub struct Found {
    pub problems: Vec<Problem>,
    /// Secrets that are not where the config says.
    pub absent: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

/// One config being loaded.
#[derive(Debug)]
pub struct Context<'v> {
    /// The config file, absolute.
    pub file: PathBuf,
    /// Relative paths in the config start here.
    pub folder: PathBuf,
    pub variables: &'v Variables,
    lines: RefCell<Lines>,
    overrides: RefCell<Overrides>,
    found: RefCell<Found>,
    /// Who does not connect can do without secrets.
    spares_secrets: bool,
    used: RefCell<Vec<UsedFile>>,
    /// Neither the file nor a variable says anything.
    blank: Cell<bool>,
}

impl<'v> Context<'v> {
    pub fn new(path: &Path, variables: &'v Variables) -> Self {
        let file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        Self {
            file,
            folder,
            variables,
            lines: RefCell::default(),
            overrides: RefCell::default(),
            found: RefCell::default(),
            spares_secrets: false,
            used: RefCell::default(),
            blank: Cell::default(),
        }
    }

    /// The same, where a secret that cannot be had is no problem.
    pub fn sparing_secrets(self) -> Self {
        Self { spares_secrets: true, ..self }
    }

    /// Lets problems name the line, or the variable, that a value came from.
    pub fn know(&self, lines: Lines, overrides: Overrides) {
        self.lines.replace(lines);
        self.overrides.replace(overrides);
    }

    /// The value came from an environment variable.
    pub fn is_override(&self, place: &Place) -> bool {
        self.overrides.borrow().exactly(&place.at).is_some()
    }

    /// Records what is wrong with the value at a place.
    pub fn problem(&self, place: &Place, value: Option<String>, message: impl Into<String>) {
        let problem = self.tell(place, value, message.into());
        self.found.borrow_mut().problems.push(problem);
    }

    /// Records that a secret cannot be had here and now.
    pub fn lacks(&self, place: &Place, value: Option<String>, message: impl Into<String>) {
        let problem = self.tell(place, value, message.into());
        let mut found = self.found.borrow_mut();
        if self.spares_secrets { found.absent.push(problem) } else { found.problems.push(problem) }
    }

    /// Records what is allowed and yet hardly meant.
    pub fn warn(&self, place: &Place, value: Option<String>, message: impl Into<String>) {
        let warning = self.tell(place, value, message.into());
        self.found.borrow_mut().warnings.push(warning);
    }

    /// Records that a file is read that the config names.
    pub fn uses(&self, place: &Place, path: &Path) {
        let place = self.tell(place, None, String::new());
        self.used.borrow_mut().push(UsedFile { place, path: path.to_owned() });
    }

    /// The config itself, then all files that it names.
    pub fn used(&self) -> Vec<UsedFile> {
        let file = self.file.display().to_string();
        let place = Problem { file, line: None, key: String::new(), value: None, message: String::new() };
        let config = UsedFile { place, path: self.file.clone() };
        std::iter::once(config).chain(self.used.borrow().iter().cloned()).collect()
    }

    /// Records what is wrong with the file itself.
    pub fn file_problem(&self, line: Option<usize>, message: impl Into<String>) {
        let file = self.file.display().to_string();
        let problem = Problem { file, line, key: String::new(), value: None, message: message.into() };
        self.found.borrow_mut().problems.push(problem);
    }

    /// Records what is wrong with an environment variable as such.
    pub fn variable_problem(&self, variable: &str, key: String, message: impl Into<String>) {
        let file = environment(variable);
        let problem = Problem { file, line: None, key, value: None, message: message.into() };
        self.found.borrow_mut().problems.push(problem);
    }

    fn tell(&self, place: &Place, value: Option<String>, message: String) -> Problem {
        let (lines, overrides) = (self.lines.borrow(), self.overrides.borrow());
        let own = lines.of(&place.at);
        let variable = overrides.exactly(&place.at).or_else(|| overrides.below(&place.at).filter(|_| own.is_none()));
        let (file, line) = match variable {
            Some(variable) => (environment(variable), None),
            None => (self.file.display().to_string(), own.or_else(|| lines.around(&place.at))),
        };
        Problem { file, line, key: place.shown.clone(), value, message }
    }

    /// Records that nothing is set.
    pub fn note_blank(&self) {
        self.blank.set(true);
    }

    /// All that was found. Of a config that says nothing it comes first how to get one that does.
    pub fn finish(self) -> Found {
        if self.blank.get() {
            self.file_problem(None, BLANK);
            self.found.borrow_mut().problems.rotate_right(1);
        }
        self.found.into_inner()
    }
}

fn environment(variable: &str) -> String {
    format!("environment variable {variable}")
}
