//! Options that stand before or after any verb.

use std::path::PathBuf;

use clap::{ArgAction, Args};

/// Where the config lies when nobody says otherwise.
#[cfg(not(windows))]
pub const DEFAULT_CONFIG: &str = "/etc/seatsync/seatsync.toml";
/// Where the config lies when nobody says otherwise.
#[cfg(windows)]
pub const DEFAULT_CONFIG: &str = r"%ProgramData%\Seatsync\seatsync.toml";

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The config file
    #[arg(long, global = true, env = "SEATSYNC_CONFIG", value_name = "PATH", hide_env_values = true)]
    #[arg(help = format!("The config file [default: {DEFAULT_CONFIG}]"))]
    pub config: Option<PathBuf>,
    /// Print JSON: one object, or one a line where it is a list
    #[arg(long, global = true)]
    pub json: bool,
    /// Say only what needs attention
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log more (-v), or all there is (-vv), on stderr
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}
