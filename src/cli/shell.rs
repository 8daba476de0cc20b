//! `completions` and `man`: made from the same definitions as the command line itself.

use std::path::Path;
use std::{fs, io, iter};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Cli;
use super::console::print_raw;
use super::exit::Exit;
use crate::app::{AppError, Code};

pub fn completions(shell: Shell) -> Result<Exit, AppError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "seatsync", &mut script);
    print_raw(&script)?;
    Ok(Exit::Done)
}

pub fn man(command: Option<&str>) -> Result<Exit, AppError> {
    print_raw(&man_page(command)?)?;
    Ok(Exit::Done)
}

/// Every page, named as `man` looks for it. What lies there under these names is replaced.
pub fn all_man_pages(folder: &Path) -> Result<Exit, AppError> {
    let failed = |what: &Path, error: &io::Error| {
        AppError::new(Code::Output, format!("could not write {}", what.display())).caused_by(error)
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let commands = Cli::command();
    let names = commands.get_subcommands().map(|command| Some(command.get_name()));
    for name in iter::once(None).chain(names) {
        let file = folder.join(name.map_or_else(|| "seatsync.1".to_owned(), |name| format!("seatsync-{name}.1")));
        fs::write(&file, man_page(name)?).map_err(|error| failed(&file, &error))?;
    }
    Ok(Exit::Done)
}

fn man_page(command: Option<&str>) -> Result<Vec<u8>, AppError> {
    let mut all = Cli::command();
    all.build();
    let page = match command {
        None => all,
        Some(name) => all.find_subcommand(name).cloned().ok_or_else(|| unknown(name))?,
    };
    let title = command.map_or_else(|| "seatsync".to_owned(), |name| format!("seatsync-{name}"));
    let mut text = Vec::new();
    clap_mangen::Man::new(page)
        .title(title)
        .render(&mut text)
        .map_err(|error| AppError::new(Code::Output, "could not write the manual page").caused_by(&error))?;
    Ok(text)
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
            assert!(page.contains(".SH OPTIONS"), "{}", command.get_name());
        }
        assert!(String::from_utf8(man_page(None).unwrap()).unwrap().contains("Exit codes"));
        let folder = tempfile::tempdir().unwrap();
        all_man_pages(folder.path()).unwrap();
        let pages = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(pages, Cli::command().get_subcommands().count() + 1);
        assert_eq!(man_page(Some("nothing")).map_err(|error| error.code), Err(Code::Usage));
    }
}
