//! `completions`, `config-schema` and `man`: made from the same definitions as the command line itself.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::{self, Stdio};
use std::{fs, io, iter};

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::roff::{Roff, line_break, roman};

use super::args::Cli;
use super::console::print_raw;
use super::exit::Exit;
use super::help;
use crate::app::{App, AppError, Code};

pub fn completions(shell: Shell) -> Result<Exit, AppError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "seatsync", &mut script);
    print_raw(&script)?;
    Ok(Exit::Done)
}

pub fn config_schema() -> Result<Exit, AppError> {
    print_raw(format!("{:#}\n", App::config_schema()).as_bytes())?;
    Ok(Exit::Done)
}

pub fn man(command: Option<&str>) -> Result<Exit, AppError> {
    let page = man_page(command)?;
    // Who reads it on a terminal wants no markup.
    if !(io::stdout().is_terminal() && is_shown(&page)) {
        print_raw(&page)?;
    }
    Ok(Exit::Done)
}

/// Shown by `man`, where the system has it.
fn is_shown(page: &[u8]) -> bool {
    let Ok(mut man) = process::Command::new("man").args(["-l", "-"]).stdin(Stdio::piped()).spawn() else {
        return false;
    };
    // Who leaves the pager early has seen enough.
    let _ = man.stdin.take().map(|mut stdin| stdin.write_all(page));
    man.wait().is_ok_and(|ended| ended.success())
}

/// Every page, named as `man` looks for it. What lies there under these names is replaced.
pub fn all_man_pages(folder: &Path) -> Result<Exit, AppError> {
    let failed = |what: &Path, error: &io::Error| {
        AppError::new(Code::Output, format!("could not write {}", what.display())).caused_by(error)
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let names = verbs(&Cli::command(), "");
    for name in iter::once(None).chain(names.iter().map(|name| Some(name.as_str()))) {
        let file = folder.join(format!("{}.1", title(name)));
        fs::write(&file, man_page(name)?).map_err(|error| failed(&file, &error))?;
    }
    Ok(Exit::Done)
}

/// Every command below this one: "ledger", "ledger pool", "ledger pool set".
fn verbs(command: &Command, above: &str) -> Vec<String> {
    let mut names = Vec::new();
    for verb in command.get_subcommands() {
        let name = format!("{above}{}", verb.get_name());
        let below = verbs(verb, &format!("{name} "));
        names.push(name);
        names.extend(below);
    }
    names
}

/// What a page is called.
fn title(command: Option<&str>) -> String {
    command.map_or_else(|| "seatsync".to_owned(), |name| format!("seatsync-{}", name.replace(' ', "-")))
}

fn man_page(command: Option<&str>) -> Result<Vec<u8>, AppError> {
    // `help` has no page.
    let mut all = Cli::command().disable_help_subcommand(true);
    all.build();
    let mut page = &all;
    for verb in command.iter().flat_map(|name| name.split_whitespace()) {
        page = page.find_subcommand(verb).ok_or_else(|| unknown(verb))?;
    }
    let mut text = Vec::new();
    write_page(page.clone(), title(command), command.is_none(), &mut text)
        .map_err(|error| AppError::new(Code::Output, "could not write the manual page").caused_by(&error))?;
    Ok(text)
}

/// The sections that clap makes, then what stands below the help as sections of its own, as manual pages name them.
fn write_page(page: Command, title: String, is_whole: bool, text: &mut Vec<u8>) -> io::Result<()> {
    let below = page.get_after_help().map(ToString::to_string).unwrap_or_default();
    let verbs: Vec<String> = page.get_subcommands().map(|verb| format!("seatsync-{}(1)", verb.get_name())).collect();
    let has_verbs = page.has_subcommands();
    let man = clap_mangen::Man::new(page).title(title);
    man.render_title(text)?;
    man.render_name_section(text)?;
    man.render_synopsis_section(text)?;
    man.render_description_section(text)?;
    man.render_options_section(text)?;
    if has_verbs {
        man.render_subcommands_section(text)?;
    }
    let mut sections = Roff::new();
    for paragraph in below.split("\n\n") {
        let (heading, said) = section(paragraph);
        verbatim(&mut sections, heading, said);
    }
    verbatim(&mut sections, "ENVIRONMENT", help::ENVIRONMENT);
    verbatim(&mut sections, "FILES", help::FILES);
    let also = if is_whole { verbs.join(", ") } else { "seatsync(1)".to_owned() };
    verbatim(&mut sections, "SEE ALSO", &also);
    sections.to_writer(text)
}

/// What a paragraph below the help is called in a manual.
fn section(paragraph: &str) -> (&'static str, &str) {
    let after = |label| paragraph.strip_prefix(label).map(|rest: &str| rest.trim_start_matches('\n'));
    let examples = after("Examples:").or_else(|| after("Example:")).or_else(|| after("A first look:"));
    match (examples, after("Exit codes:")) {
        (Some(examples), _) => ("EXAMPLES", examples),
        (None, Some(codes)) => ("EXIT STATUS", codes.trim_start()),
        (None, None) => ("NOTES", paragraph),
    }
}

/// A section whose lines stay as they are; nothing where it is empty.
fn verbatim(page: &mut Roff, heading: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    page.control("SH", [heading]);
    page.control("nf", []);
    page.text(text.lines().flat_map(|line| [roman(line), line_break()]).collect::<Vec<_>>());
    page.control("fi", []);
}

fn unknown(name: &str) -> AppError {
    AppError::new(Code::Usage, format!("there is no command {name:?}")).with_next("`seatsync help` lists the commands")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_manual_page() {
        for command in Cli::command().get_subcommands() {
            let page = String::from_utf8(man_page(Some(command.get_name())).unwrap()).unwrap();
            for section in ["OPTIONS", "EXAMPLES", "FILES", "\"SEE ALSO\""] {
                assert!(page.contains(&format!(".SH {section}\n")), "{}: {section}\n{page}", command.get_name());
            }
        }
        let folder = tempfile::tempdir().unwrap();
        all_man_pages(folder.path()).unwrap();
        let pages = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(pages, verbs(&Cli::command(), "").len() + 1);
        for page in fs::read_dir(folder.path()).unwrap() {
            let text = fs::read_to_string(page.unwrap().path()).unwrap();
            assert!(!text.contains("help(1)"), "there is no such page: {text}");
        }
        for nested in ["seatsync-ledger-pool-set.1", "seatsync-pending-approve.1"] {
            assert!(folder.path().join(nested).exists(), "{nested}");
        }
        let whole = String::from_utf8(man_page(None).unwrap()).unwrap();
        let sections = whole.lines().filter_map(|line| line.strip_prefix(".SH ")).collect::<Vec<_>>();
        let wanted = [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "\"GLOBAL OPTIONS\"",
            "SUBCOMMANDS",
            "EXAMPLES",
            "\"EXIT STATUS\"",
            "NOTES",
            "ENVIRONMENT",
            "FILES",
            "\"SEE ALSO\"",
        ];
        assert_eq!(sections, wanted);
        assert!(whole.contains("seatsync\\-explain(1)"), "{whole}");
        assert_eq!(man_page(Some("nothing")).map_err(|error| error.code), Err(Code::Usage));
    }
}
