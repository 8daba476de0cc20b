//! The ledger's own verbs: serving it, and what its administrator does to the database itself.

mod first;
mod serve;
mod typed;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub(super) use self::first::lost;
use self::typed::told;
use super::{AppError, Code, warn};
use crate::clock;
use crate::ledger::operations::expect::{self, Expect};
use crate::ledger::operations::{Desk, Manner, companies, pools, repair};
use crate::ledger::records::{Records, Store as _, View};
use crate::ledger::rules::{Declined, Purchase, company};
use crate::ledger::secret::{self, Purpose};
use crate::ledger::{Ledger, LedgerError};
use crate::model::Name;
use crate::model::settings::{LedgerSettings, LogSettings};
use crate::settings::{self, LoadedLedger, Problem};

pub use crate::ledger::records::Role;
pub use crate::ledger::wire;
pub use crate::settings::nearest_of;

/// Something that was set, and may have been made by it.
#[derive(Clone, Debug)]
pub struct Made<T> {
    pub it: T,
    /// Where it is new: the names there were before.
    pub others: Option<Vec<String>>,
}

/// The ledger of one config.
#[derive(Debug)]
pub struct LedgerApp {
    settings: LedgerSettings,
    log: LogSettings,
    /// As in `LoadedLedger`.
    embedded: Option<Vec<Name>>,
    warnings: Vec<Problem>,
    /// As in `App`, with the config.
    absent: (PathBuf, Vec<Problem>),
}

impl LedgerApp {
    /// Reads and checks the config. The password of the mail server is missed where mails are sent, and nowhere else.
    ///
    /// # Errors
    /// Every problem of it, at once.
    pub fn open(config: &Path) -> Result<Self, AppError> {
        let loaded = settings::load_ledger_sparing(config, &settings::process_variables());
        loaded.map(|loaded| Self::of(config, loaded)).map_err(|problems| AppError::of_config(config, &problems))
    }

    /// Of a config that was loaded.
    pub(super) fn of(config: &Path, loaded: LoadedLedger) -> Self {
        let LoadedLedger { ledger, log, embedded, warnings, absent, files: _ } = loaded;
        Self { settings: ledger, log, embedded, warnings, absent: (config.to_owned(), absent) }
    }

    /// Of an agent's embedded ledger the config is the authority: nobody else sets anything in it.
    ///
    /// # Errors
    /// Where it is one.
    pub fn is_of_its_own(&self) -> Result<(), AppError> {
        if self.embedded.is_none() {
            return Ok(());
        }
        Err(AppError::new(Code::Config, "the config has an agent with an embedded ledger, and no [ledger]").with_next(
            "[ledger] with `database` is for one that is served; of an embedded one `seatsync ledger pool` shows the pools, and \
             `seatsync ledger pool remove` takes one away that the config does not name",
        ))
    }

    /// How to log.
    #[must_use]
    pub const fn log(&self) -> &LogSettings {
        &self.log
    }

    /// Logs what of the config is hardly meant: to be called once it is known how to log.
    pub fn warn(&self) {
        warn(&self.warnings);
    }

    /// All companies.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn companies(&self) -> Result<Vec<wire::Company>, AppError> {
        self.view(|view| {
            let shown = |name: String| view.company(&name).map(|company| show(&company));
            view.companies()?.into_iter().map(shown).collect()
        })
    }

    /// Adds a company; the first one makes the ledger.
    ///
    /// # Errors
    /// Where it is there already, its name is none, or the ledger cannot be made.
    pub fn add_company(&self, company: &str) -> Result<Made<wire::Company>, AppError> {
        let name = named("company", company)?;
        let mut ledger = self.ledger(false)?;
        let others = ledger.companies().map_err(|error| told(&error))?;
        if others.iter().any(|known| *known == *name) {
            return Err(AppError::new(Code::Usage, format!("there is a company {company:?} already"))
                .with_next(format!("`seatsync ledger company set {company}` changes it; or take another name")));
        }
        ledger.company(&name, false).map_err(|error| told(&error))?;
        let it = self.view(|view| view.company(&name).map(|company| show(&company)))?;
        Ok(Made { it, others: Some(others) })
    }

    /// Removes a company that has neither accounts nor connectors.
    ///
    /// # Errors
    /// Where there is no such company, or it has some.
    pub fn remove_company(&self, company: &str) -> Result<(), AppError> {
        self.change(Some(company), companies::remove)
    }

    /// Changes a company's settings, and its tier.
    ///
    /// # Errors
    /// Where there is no such company, a value is none, or the tier cannot be lowered.
    pub fn set_company(
        &self,
        company: Option<&str>,
        patch: wire::CompanyPatch,
        tier: Option<wire::Tier>,
    ) -> Result<wire::Company, AppError> {
        patch.check().map_err(|error| AppError::new(Code::Usage, error.to_string()))?;
        self.change(company, |desk| {
            if let Some(tier) = tier {
                companies::change_tier(desk, company::Tier::from(tier))?;
            }
            if patch == wire::CompanyPatch::default() {
                return Ok(show(&desk.settings()?));
            }
            companies::change(desk, &Expect::Nothing, |company| patch.apply(company)).map(|company| show(&company))
        })
    }

    /// The pools of a company.
    ///
    /// # Errors
    /// Where there is no such company.
    pub fn pools(&self, company: Option<&str>) -> Result<Vec<wire::Pool>, AppError> {
        let company = self.company(company)?;
        self.view(|view| Ok(view.pools(&company)?.iter().map(shown_pool).collect()))
    }

    /// Buys seats of a pool, or fewer, or sets its floor; makes it where it is new. With `take_over`, the config file
    /// that set its seats does so no more. The pool as it is then, and how many seats went to people who waited.
    ///
    /// # Errors
    /// Where there is no such company, or the numbers are too low.
    pub fn set_pool(
        &self,
        company: Option<&str>,
        pool: &str,
        (seats, min_seats): (Option<u32>, Option<u32>),
        take_over: bool,
    ) -> Result<(Made<wire::Pool>, u32), AppError> {
        let pool = named("pool", pool)?;
        self.change(company, |desk| {
            let held = |pools: Vec<crate::ledger::records::Pool>| {
                pools.iter().find(|one| one.count.name == pool).map_or(0, |one| one.count.held)
            };
            let known = desk.records.pools(desk.company)?;
            let others: Vec<String> = known.iter().map(|one| one.count.name.to_string()).collect();
            let before = held(known);
            if take_over {
                pools::take_over(desk, &pool)?;
            }
            let (bought, new) = pools::buy(desk, &pool, Purchase { seats, min_seats }, &Expect::Nothing)?;
            let made = Made { it: shown_pool(&bought), others: new.then_some(others) };
            Ok((made, bought.count.held.saturating_sub(before)))
        })
    }

    /// Removes a pool that nobody holds or waits for a seat of; from an embedded ledger one that its config does not name.
    ///
    /// # Errors
    /// Where there is no such pool, a config file owns it, or somebody needs it.
    pub fn remove_pool(&self, company: Option<&str>, pool: &str) -> Result<(), AppError> {
        let pool = Name::from(pool);
        if self.embedded.iter().flatten().any(|named| *named == pool) {
            return Err(AppError::new(
                Code::Usage,
                format!("the config names the pool {pool}, and would make it again"),
            )
            .with_next("take its [[pool]] out of the config first"));
        }
        self.change(company, |desk| {
            if self.embedded.is_some() {
                // The config that owned it has given it up.
                pools::take_over(desk, &pool)?;
            }
            pools::remove(desk, &pool, &Expect::Nothing)
        })
    }

    /// Agrees on fewer seats for later.
    ///
    /// # Errors
    /// Where there is no such pool, it is no fewer, or nobody said when.
    pub fn reduce_pool(
        &self,
        company: Option<&str>,
        pool: &str,
        seats: u32,
        at: Option<Timestamp>,
    ) -> Result<wire::Pool, AppError> {
        let pool = Name::from(pool);
        self.change(company, |desk| {
            pools::schedule(desk, &pool, seats, at, &Expect::Nothing).map(|pool| shown_pool(&pool))
        })
    }

    /// Takes a scheduled reduction back.
    ///
    /// # Errors
    /// Where there is none.
    pub fn cancel_reduction(&self, company: Option<&str>, pool: &str) -> Result<wire::Pool, AppError> {
        let pool = Name::from(pool);
        self.change(company, |desk| pools::cancel(desk, &pool, &Expect::Nothing).map(|pool| shown_pool(&pool)))
    }

    /// The tokens of a company, without their secrets.
    ///
    /// # Errors
    /// Where there is no such company.
    pub fn tokens(&self, company: Option<&str>) -> Result<Vec<wire::Token>, AppError> {
        let company = self.company(company)?;
        self.view(|view| Ok(view.tokens(&company)?.into_iter().map(wire::Token::from).collect()))
    }

    /// Makes a token. It is in the answer, and nowhere else.
    ///
    /// # Errors
    /// Where there is no such company or connector.
    pub fn add_token(&self, company: Option<&str>, post: wire::TokenPost) -> Result<wire::NewToken, AppError> {
        named("label", &post.label)?;
        if (post.role == Role::Connector) != post.connector.is_some() {
            let message = "a token of the role connector names its connector, and no other does";
            let next = match post.role {
                Role::Connector => "say whose with --connector NAME; `seatsync ledger connector` lists them",
                _ => "leave --connector out",
            };
            return Err(AppError::new(Code::Usage, message).with_next(next));
        }
        let connector = post.connector.as_deref().map(Name::from);
        let purpose = Purpose { role: post.role, connector, label: post.label, expires: post.expires };
        self.change(company, |desk| {
            let (kept, token) = secret::make(&desk.company.into(), purpose, desk.now)?;
            companies::add_token(desk, &kept)?;
            Ok(wire::NewToken { id: kept.id, token })
        })
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// Where the company has none of this id.
    pub fn remove_token(&self, company: Option<&str>, id: &str) -> Result<(), AppError> {
        self.change(company, |desk| companies::remove_token(desk, id))
    }

    /// The connectors of a company.
    ///
    /// # Errors
    /// Where there is no such company.
    pub fn connectors(&self, company: Option<&str>) -> Result<Vec<wire::Connector>, AppError> {
        let company = self.company(company)?;
        let shown = |connector| wire::Connector::of(&connector, expect::of_name(&connector.name));
        self.view(|view| Ok(view.connectors(&company)?.into_iter().map(shown).collect()))
    }

    /// Registers a connector. Its token is in the answer, and nowhere else.
    ///
    /// # Errors
    /// Where it is there already, or the tier has no connectors.
    pub fn add_connector(&self, company: Option<&str>, name: &str) -> Result<wire::NewConnector, AppError> {
        let name = named("connector", name)?;
        if self.connectors(company)?.iter().any(|known| *known.name == *name) {
            let message = format!("the company has a connector {:?} already", &*name);
            return Err(AppError::new(Code::Backend, message).with_next(typed::another(&name)));
        }
        self.change(company, |desk| {
            let (kept, token) = secret::make(&desk.company.into(), Purpose::of_connector(&name), desk.now)?;
            let connector = companies::add_connector(desk, &name, &kept)?;
            let etag = expect::of_name(&connector.name);
            Ok(wire::NewConnector { connector: wire::Connector::of(&connector, etag), token })
        })
    }

    /// Removes a connector, its tokens and its lease.
    ///
    /// # Errors
    /// Where there is none.
    pub fn remove_connector(&self, company: Option<&str>, name: &str) -> Result<(), AppError> {
        let name = Name::from(name);
        self.change(company, |desk| companies::remove_connector(desk, &name))
    }

    /// The company that is meant: the one named, or the only one there is.
    fn company(&self, company: Option<&str>) -> Result<String, AppError> {
        let known = self.ledger(true)?.companies().map_err(|error| told(&error))?;
        match (company, known.as_slice()) {
            (Some(company), known) if known.iter().any(|one| one == company) => Ok(company.to_owned()),
            (None, [only]) => Ok(only.clone()),
            (Some(company), _) => Err(AppError::new(Code::Usage, format!("the ledger has no company {company:?}"))
                .with_details(known.clone())
                .with_next(meant(&known, company, "`seatsync ledger company` lists them"))),
            (None, _) => Err(AppError::new(Code::Usage, "the ledger has several companies, or none")
                .with_details(known.clone())
                .with_next("name one with --company")),
        }
    }

    fn change<T>(
        &self,
        company: Option<&str>,
        work: impl FnOnce(&Desk<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, AppError> {
        let company = self.company(company)?;
        let manner = Manner::Served { mails: self.settings.smtp.is_some() };
        let write = |records: &dyn Records| {
            repair::one(records, &company, clock::now())?;
            work(&Desk { records, company: &company, now: clock::now(), manner })
        };
        self.ledger(true)?.write(write).map_err(|error| match &error {
            LedgerError::Declined(Declined::NotFound { what: "pool", name }) => {
                self.unknown_pool(&error, &company, name)
            }
            _ => told(&error),
        })
    }

    /// With the pools that there are, and the one that was probably meant.
    fn unknown_pool(&self, error: &LedgerError, company: &str, name: &str) -> AppError {
        let known = self.pools(Some(company)).unwrap_or_default();
        let known: Vec<String> = known.into_iter().map(|pool| pool.name).collect();
        let next = meant(&known, name, "`seatsync ledger pool` lists them");
        told(error).with_details(known).with_next(next)
    }

    fn view<T>(&self, work: impl FnOnce(&dyn View) -> Result<T, LedgerError>) -> Result<T, AppError> {
        self.ledger(true)?.view(work).map_err(|error| told(&error))
    }

    fn ledger(&self, must_exist: bool) -> Result<Ledger, AppError> {
        let path = &self.settings.database;
        Ledger::open(path, must_exist).map_err(|error| match error {
            LedgerError::Missing { .. } => {
                AppError::new(Code::Backend, format!("there is no ledger at {}", path.display()))
                    .with_next("put it back from a backup, or make a new one with `seatsync ledger company add NAME`")
            }
            other => told(&other),
        })
    }
}

fn meant(known: &[String], typed: &str, else_say: &str) -> String {
    let near = nearest_of(known.iter().map(String::as_str), typed);
    near.map_or_else(|| else_say.to_owned(), |near| format!("did you mean {near:?}?"))
}

fn named(what: &'static str, text: &str) -> Result<Name, AppError> {
    wire::name(what, text).map_err(|error| AppError::new(Code::Usage, error.to_string()))
}

fn show(company: &company::Company) -> wire::Company {
    wire::Company::of(company, expect::of_company(company))
}

fn shown_pool(pool: &crate::ledger::records::Pool) -> wire::Pool {
    wire::Pool::of(pool, expect::of_pool(pool.count.seats, &pool.terms))
}
