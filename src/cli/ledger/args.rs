//! What may be typed after `ledger`.

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::app::ledger::{Role, wire};
use crate::cli::help;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Serve the ledger over HTTP, until stopped
    #[command(after_help = help::LEDGER_SERVE)]
    Serve,
    /// List companies; add one, change one, remove one
    #[command(after_help = help::LEDGER_COMPANY)]
    Company {
        #[command(subcommand)]
        verb: Option<Company>,
    },
    /// List pools; buy seats, or fewer, now or later
    #[command(after_help = help::LEDGER_POOL)]
    Pool {
        /// Whose; may be left out where there is one company
        #[arg(long, global = true, value_name = "COMPANY")]
        company: Option<String>,
        #[command(subcommand)]
        verb: Option<Pool>,
    },
    /// List tokens; make one, take one back
    #[command(after_help = help::LEDGER_TOKEN)]
    Token {
        /// Whose; may be left out where there is one company
        #[arg(long, global = true, value_name = "COMPANY")]
        company: Option<String>,
        #[command(subcommand)]
        verb: Option<Token>,
    },
    /// List connectors; register one, remove one
    #[command(after_help = help::LEDGER_CONNECTOR)]
    Connector {
        /// Whose; may be left out where there is one company
        #[arg(long, global = true, value_name = "COMPANY")]
        company: Option<String>,
        #[command(subcommand)]
        verb: Option<Connector>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Company {
    /// Add a company; the first one makes the ledger
    Add {
        /// What it is called
        name: String,
    },
    /// Change a company's settings
    Set(Box<CompanySet>),
    /// Remove a company without accounts and connectors
    Remove {
        /// Which
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct CompanySet {
    /// Which; may be left out where there is one company
    pub name: Option<String>,
    /// Down only once no connector is registered and no advanced policy enabled
    #[arg(long, value_enum)]
    pub tier: Option<Tier>,
    /// Who is given a free seat: approved people, or whoever waits. Holds until the connector says otherwise
    #[arg(long, value_enum)]
    pub promotion: Option<Promotion>,
    /// People with other mail domains wait until approved; may be given several times
    #[arg(long = "approved-domain", value_name = "DOMAIN", conflicts_with = "any_domain")]
    pub approved_domains: Vec<String>,
    /// Approve any mail domain
    #[arg(long)]
    pub any_domain: bool,
    /// Whether whoever gets a seat gets a mail
    #[arg(long, value_name = "BOOL")]
    pub confirmation_mail: Option<bool>,
    /// When the subscription is renewed first, such as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub renewal: Option<Timestamp>,
    /// How often from then on
    #[arg(long, value_enum, requires = "renewal")]
    pub every: Option<Every>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    Standard,
    /// With connectors and advanced policies
    Advanced,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Promotion {
    Manual,
    Automatic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Every {
    Month,
    Year,
}

#[derive(Debug, Subcommand)]
pub enum Pool {
    /// Buy seats of a pool, or fewer, down to those held; makes it where it is new
    Set(PoolSet),
    /// Have fewer seats later: at the company's renewal, or from a time on
    Reduce {
        /// Which
        pool: String,
        /// How many there are to be then, in all
        #[arg(long, value_name = "N")]
        seats: u32,
        /// Such as 2027-01-01T00:00:00Z; left out: the company's renewal
        #[arg(long, value_name = "TIME", value_parser = time)]
        at: Option<Timestamp>,
    },
    /// Take a scheduled reduction back
    Cancel {
        /// Of which pool
        pool: String,
    },
    /// Remove a pool that nobody holds or waits for a seat of; from an embedded ledger one that the config does not name
    Remove {
        /// Which
        pool: String,
    },
}

#[derive(Debug, Args)]
pub struct PoolSet {
    /// What it is called, as the agents' configs name it; made where it is not there
    pub pool: String,
    /// How many there are to be from now on, in all
    #[arg(long, value_name = "N")]
    pub seats: Option<u32>,
    /// The floor: fewer cannot be had
    #[arg(long, value_name = "N")]
    pub min_seats: Option<u32>,
    /// The ledger sets the seats, no more the config of an embedded agent. One that still runs on this ledger takes them back
    /// with its next cycle
    #[arg(long)]
    pub take_over: bool,
}

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token, and print it this once
    Add(TokenAdd),
    /// Take a token back
    Remove {
        /// As `seatsync ledger token` lists it
        id: String,
    },
}

#[derive(Debug, Args)]
pub struct TokenAdd {
    /// Who it is for
    #[arg(value_enum)]
    pub role: TokenRole,
    /// What it is for, to tell it from others
    #[arg(long, default_value = "")]
    pub label: String,
    /// Of the role connector: which one
    #[arg(long, value_name = "NAME")]
    pub connector: Option<String>,
    /// Such as 2027-01-01T00:00:00Z; left out: never
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub expires: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TokenRole {
    /// An agent
    Connector,
    /// Decides about people who wait
    Approver,
    /// Runs the company's portal
    Admin,
}

#[derive(Debug, Subcommand)]
pub enum Connector {
    /// Register a connector, and print its token this once
    Add {
        /// What it is called: one for each agent, or for agents that stand in for each other
        name: String,
    },
    /// Remove a connector, its tokens and its lease
    Remove {
        /// Which
        name: String,
    },
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "give a time such as 2027-01-01T00:00:00Z".to_owned())
}

impl From<Tier> for wire::Tier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Standard => Self::Standard,
            Tier::Advanced => Self::Advanced,
        }
    }
}

impl From<Promotion> for wire::Promotion {
    fn from(promotion: Promotion) -> Self {
        match promotion {
            Promotion::Manual => Self::Manual,
            Promotion::Automatic => Self::Automatic,
        }
    }
}

impl From<Every> for wire::Every {
    fn from(every: Every) -> Self {
        match every {
            Every::Month => Self::Month,
            Every::Year => Self::Year,
        }
    }
}

impl From<TokenRole> for Role {
    fn from(role: TokenRole) -> Self {
        match role {
            TokenRole::Connector => Self::Connector,
            TokenRole::Approver => Self::Approver,
            TokenRole::Admin => Self::Admin,
        }
    }
}
