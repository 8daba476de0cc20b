//! What may be typed: verbs, options, and the help a person reads.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::global::Global;
use super::{help, ledger};
use crate::app::StateFilter;
use crate::model::{AccountState, Anchor};

/// Gives a directory's people their seats.
#[derive(Debug, Parser)]
#[command(name = "seatsync", version, long_about = help::ABOUT, after_help = help::TOP, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true, infer_subcommands = false)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Find the servers, ask what is needed, and write a config that works
    #[command(after_help = help::INIT)]
    Init {
        /// Ask nobody: take the answers from this file (TOML)
        #[arg(long, value_name = "FILE")]
        answers: Option<PathBuf>,
        /// Write over a config that is there, and keep it beside the new one
        #[arg(long)]
        force: bool,
        /// Write a config of which a base or group is not seen, for an account that gets its rights later
        #[arg(long)]
        anyway: bool,
    },
    /// Run the agent in the foreground, until stopped
    #[command(after_help = help::RUN)]
    Run,
    /// Do one cycle now and print its report
    #[command(after_help = help::SYNC)]
    Sync {
        /// Read everything, not only what changed; this version does so in every cycle
        #[arg(long)]
        full: bool,
    },
    /// Show what a cycle would do, and change nothing
    #[command(after_help = help::PLAN)]
    Plan(Plan),
    /// Let exactly what the guard holds back now through, with the next cycle
    #[command(after_help = help::CONFIRM)]
    Confirm {
        /// As `sync`, `plan` and `status` print it
        fingerprint: String,
    },
    /// Check the config; with --connect the directory and the backend too
    #[command(after_help = help::CHECK)]
    Check {
        /// Ask the servers: each probe, each missing right, and what is lost without it
        #[arg(long)]
        connect: bool,
    },
    /// Show the last cycle, the pools, who waits, what is held back, and the next cycle
    #[command(after_help = help::STATUS)]
    Status,
    /// List the accounts as last known, and people whose entry cannot be used
    #[command(after_help = help::USERS)]
    Users {
        /// Only these
        #[arg(long, value_enum, value_name = "STATE")]
        state: Option<State>,
        /// Only people with a seat or a place in this pool
        #[arg(long, value_name = "POOL")]
        pool: Option<String>,
    },
    /// Say why a person has a seat or not, and what would change it
    #[command(after_help = help::EXPLAIN)]
    Explain {
        /// An anchor, a DN, a user name, a mail address, or a display name or its only beginning
        user: String,
    },
    /// Show who waits, in order; approve, deny or release
    #[command(after_help = help::PENDING, args_conflicts_with_subcommands = false)]
    Pending {
        /// Only this pool
        #[arg(long, global = true, value_name = "POOL")]
        pool: Option<String>,
        #[command(subcommand)]
        decision: Option<Decision>,
    },
    /// Make the account of one anchor that of another, after a domain migration
    #[command(after_help = help::RELINK)]
    Relink {
        /// The anchor the account has
        #[arg(value_parser = anchor)]
        old: Anchor,
        /// The anchor it gets
        #[arg(value_parser = anchor)]
        new: Anchor,
    },
    /// List past cycles, the latest last
    #[command(after_help = help::HISTORY)]
    History,
    /// Keep a secret beside the config, sealed where the system can (Windows), for the service alone
    #[command(after_help = help::SECRET)]
    Secret {
        #[command(subcommand)]
        verb: super::secret::Verb,
    },
    /// Install, set up, start, stop or remove the service; show how it stands
    #[command(after_help = help::SERVICE)]
    Service {
        #[command(subcommand)]
        verb: super::service::Verb,
    },
    /// Serve the licence ledger over HTTP; its companies, pools, tokens and connectors
    #[command(after_help = help::LEDGER)]
    Ledger {
        #[command(subcommand)]
        verb: ledger::args::Verb,
    },
    /// Write a file for whoever helps you: config, versions, cycles and logs, without a person's name or a secret
    #[command(after_help = help::SUPPORT_BUNDLE)]
    SupportBundle(super::support_bundle::SupportBundle),
    /// Print a script that completes commands in a shell
    #[command(after_help = help::COMPLETIONS)]
    Completions { shell: Shell },
    /// Print what editors need to complete and check a config: a JSON Schema
    #[command(after_help = help::CONFIG_SCHEMA)]
    ConfigSchema,
    /// Print the manual page, or that of one command
    #[command(after_help = help::MAN)]
    Man {
        /// The command, such as "sync"
        command: Option<String>,
        /// Write the pages of all commands into this folder, one file each
        #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
        all: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct Plan {
    /// Read everything, not only what changed; this version does so in every cycle
    #[arg(long)]
    pub full: bool,
    /// What if the pool had so many seats more (+N) or fewer (-N); may be given several times
    #[arg(long, value_name = "POOL=+N", value_parser = seats)]
    pub seats: Vec<(String, i64)>,
    /// Write the plan as a web page too, to show to somebody
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Decision {
    /// Let people have a seat; kept where none is free
    Approve(Approval),
    /// Refuse people a seat, until they are approved
    Deny(People),
    /// Take a seat away by hand
    Release(People),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Approval {
    /// Anchors, DNs, user names, mail addresses or logon names
    #[arg(value_name = "USER")]
    pub users: Vec<String>,
    /// The first N who wait for approval, in the order of the queue; who was decided on since the last cycle is passed over
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub next: Option<u32>,
}

#[derive(Debug, Args)]
pub struct People {
    /// Anchors, DNs, user names, mail addresses or logon names
    #[arg(required = true, value_name = "USER")]
    pub users: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// Holds a seat
    Active,
    /// Waits for one
    Pending,
    Suspended,
    Denied,
    /// The entry cannot be used
    Quarantined,
}

impl From<State> for StateFilter {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Account(AccountState::Active),
            State::Pending => Self::Account(AccountState::Pending),
            State::Suspended => Self::Account(AccountState::Suspended),
            State::Denied => Self::Account(AccountState::Denied),
            State::Quarantined => Self::Quarantined,
        }
    }
}

fn anchor(text: &str) -> Result<Anchor, String> {
    text.parse().map_err(|_| "an anchor is a UUID, such as 92adf353-9ff9-459d-b97f-c48e21dadbf8".to_owned())
}

/// Reads `POOL=+N` or `POOL=-N`. A number without a sign could mean the total, so it is refused.
fn seats(text: &str) -> Result<(String, i64), String> {
    let wanted = || "give a pool and a difference, such as standard=+5".to_owned();
    let (pool, difference) = text.rsplit_once('=').ok_or_else(wanted)?;
    if pool.is_empty() || !difference.starts_with(['+', '-']) {
        return Err(wanted());
    }
    Ok((pool.to_owned(), difference.parse().map_err(|_| wanted())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(["seatsync"].iter().chain(arguments))
    }

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_for_all_verbs_may_stand_before_or_after_the_verb() {
        assert!(parse(&["--json", "status"]).unwrap().global.json);
        assert!(parse(&["status", "--json", "--config", "x.toml"]).unwrap().global.json);
        assert_eq!(parse(&["status", "-vv"]).unwrap().global.verbose, 2);
        assert!(parse(&["status", "-v", "--quiet"]).is_err());
    }

    #[test]
    fn seats_are_a_difference_with_a_sign() {
        assert_eq!(seats("standard=+5"), Ok(("standard".to_owned(), 5)));
        assert_eq!(seats("a=b=-2"), Ok(("a=b".to_owned(), -2)));
        for wrong in ["standard=5", "standard", "=+5", "standard=+", "standard=+5.5", "standard=+99999999999999999999"]
        {
            assert!(seats(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_decision_names_people_and_may_name_the_pool_last() {
        let cli = parse(&["pending", "approve", "ada", "grace", "--pool", "standard"]).unwrap();
        let Verb::Pending { pool, decision: Some(Decision::Approve(people)) } = cli.verb else { panic!() };
        assert_eq!((pool.as_deref(), people.users.len()), (Some("standard"), 2));
        assert!(parse(&["pending", "deny"]).is_err());
        for wrong in [&["--next", "0"][..], &["ada", "--next", "1"], &["--next", "-1"], &[]] {
            assert!(parse(&[&["pending", "approve"], wrong].concat()).is_err(), "{wrong:?}");
        }
        let nobody = parse(&["pending", "approve"]).map(drop).unwrap_err().to_string();
        assert!(nobody.contains("--next <N>") && nobody.contains("USER"), "{nobody}");
        let cli = parse(&["pending", "approve", "--next", "3"]).unwrap();
        assert!(matches!(
            cli.verb,
            Verb::Pending { decision: Some(Decision::Approve(Approval { next: Some(3), .. })), .. }
        ));
        assert!(matches!(parse(&["pending"]).unwrap().verb, Verb::Pending { decision: None, .. }));
    }

    #[test]
    fn relink_takes_two_anchors() {
        assert!(parse(&["relink", "92adf353-9ff9-459d-b97f-c48e21dadbf8", "x"]).is_err());
    }
}
