//! The backends that the suite is run against.

use std::any::Any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use seatsync::backend::embedded::Embedded;
use seatsync::backend::ledger::Ledger;
use seatsync::backend::queue::Queue;
use seatsync::model::change::{Allocation, Answer, Batch, Operation, Outcome, Step};
use seatsync::model::lease::Lease;
use seatsync::model::settings::LedgerAccess;
use seatsync::model::{Account, AccountId, Name, Profile};
use seatsync::ports::Backend;
use seatsync::ports::plain::Plain;
use seatsync::state::State;
use secrecy::SecretString;

use super::batches::{POOLS, batch, name};
use super::harness::Served;
use super::plain::{InMemory, Talents, World};

/// A backend without accounts, and the hands that people have in it.
pub struct Subject {
    pub backend: Box<dyn Backend>,
    hands: Hands,
    /// What must live as long as it.
    _keep: Box<dyn Any + Send>,
}

enum Hands {
    /// An admin's, in the ledger's portal.
    Admin(Box<Served>),
    /// The config says how many seats there are.
    Config {
        path: std::path::PathBuf,
    },
    Plain {
        world: Arc<Mutex<World>>,
        talents: Talents,
    },
}

impl Subject {
    pub fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let backend = Embedded::open(&path, "acme", false).unwrap();
        Self { backend: Box::new(backend), hands: Hands::Config { path }, _keep: Box::new(folder) }
    }

    /// The agent's queue before a backend in memory.
    pub fn queued(talents: Talents) -> Self {
        let plain = InMemory::new(talents);
        let world = Arc::clone(&plain.world);
        let queue = Queue::new(plain, State::in_memory().unwrap());
        Self { backend: Box::new(queue), hands: Hands::Plain { world, talents }, _keep: Box::new(()) }
    }

    /// The real ledger, over HTTP.
    pub async fn served() -> Self {
        let served = Served::start().await;
        let access = LedgerAccess {
            url: served.url.clone(),
            token: SecretString::from(served.connector.as_str()),
            ca_file: None,
            timeout: Duration::from_mins(1),
        };
        let mut ledger = Ledger::new(&access, "acme", "test", "test/1".to_owned()).unwrap();
        assert!(matches!(ledger.lease(true).await.unwrap(), Lease::Ours { epoch: Some(_), others: 0 }));
        Self { backend: Box::new(ledger), hands: Hands::Admin(Box::new(served)), _keep: Box::new(()) }
    }

    /// Buys seats of a pool.
    pub async fn buy(&mut self, pool: &str, seats: u32) {
        self.buy_under(pool, seats, Allocation::default()).await;
    }

    /// The same, and settles the pools so: a backend that counts seats does so by itself, as it was told last.
    pub async fn buy_under(&mut self, pool: &str, seats: u32, allocation: Allocation) {
        match &self.hands {
            Hands::Config { .. } => {}
            Hands::Plain { world, talents } => {
                world.lock().unwrap().seats.insert(name(pool), seats);
                if talents.counts_seats {
                    return self.settle(0, allocation).await;
                }
            }
            Hands::Admin(ledger) => {
                let path = format!("pools/{pool}");
                let body = serde_json::json!({ "seats": seats });
                let new = ledger.get(&ledger.admin, &path).await.status == 404;
                let bought = if new {
                    ledger.make(&path, &body).await
                } else {
                    ledger.change(Method::PATCH, &path, &body).await
                };
                bought.good();
                return;
            }
        }
        let operation = Operation::SetSeats { pool: name(pool), from: None, to: seats };
        let step = Step { person: None, operation, counted: None };
        let answer = self.backend.apply(&Batch { allocation, ..batch(0, vec![step]) }).await.unwrap();
        assert_eq!(answer.outcomes, [Outcome::Done]);
    }

    /// Whether a pool may come to have fewer seats than are held.
    pub fn can_sell(&self) -> bool {
        match &self.hands {
            Hands::Config { .. } | Hands::Plain { .. } => true,
            Hands::Admin(_) => false,
        }
    }

    /// Both pools, with so many seats.
    pub async fn with(&mut self, basic: u32, gold: u32) -> &mut Self {
        self.buy(POOLS[0], basic).await;
        self.buy(POOLS[1], gold).await;
        self
    }

    /// Carries out steps that are all done.
    pub async fn done(&mut self, batch: &Batch) -> Answer {
        let answer = self.backend.apply(batch).await.unwrap();
        let refused: Vec<_> = answer.outcomes.iter().filter(|outcome| **outcome != Outcome::Done).collect();
        assert!(refused.is_empty(), "{refused:?}");
        assert_eq!(answer.outcomes.len(), batch.steps.len());
        answer
    }

    pub async fn accounts(&mut self) -> Vec<Account> {
        self.backend.read().await.unwrap().accounts
    }

    /// Settles the pools, as the cycle after a decision does.
    pub async fn settle(&mut self, second: i64, allocation: Allocation) {
        let batch = Batch { allocation, ..batch(second, Vec::new()) };
        self.backend.apply(&batch).await.unwrap();
    }

    /// An account that another hand made, and which no agent manages.
    pub async fn strangers_account(&mut self, id: &str, profile: &Profile) -> AccountId {
        match &self.hands {
            Hands::Config { path } => {
                let connection = rusqlite::Connection::open(path).unwrap();
                let sql = "INSERT INTO account (company, id, user_name, email) VALUES ('acme', ?1, ?2, ?3)";
                connection.execute(sql, (id, &profile.user_name, &profile.email)).unwrap();
            }
            Hands::Plain { world, .. } => {
                let (id, profile) = (AccountId(id.into()), profile.clone());
                let held = std::collections::BTreeSet::<Name>::new();
                let plain = Plain { id: id.clone(), external: None, profile, suspended: false, held };
                world.lock().unwrap().accounts.insert(id, plain);
            }
            Hands::Admin(ledger) => {
                let made =
                    ledger.make(&format!("accounts/by-external-id/{id}"), &serde_json::json!(profile)).await.good();
                return AccountId(made["id"].as_str().unwrap().into());
            }
        }
        AccountId(id.into())
    }
}
