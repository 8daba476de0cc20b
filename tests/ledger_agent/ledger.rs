//! A ledger with the company `acme`, and agents that ask it.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::company::{BASE, Company};
use crate::support::ledger_service::furnish;
use crate::support::{Agent, LedgerService};

/// A ledger that is served.
pub struct Served {
    // Told to stop before its runtime ends.
    service: LedgerService,
    folder: TempDir,
    runtime: Runtime,
    client: reqwest::Client,
    pub admin: String,
    pub connector: String,
}

impl Served {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let [admin, _, connector] = furnish(&path, "acme");
        let runtime = Runtime::new().unwrap();
        let service = LedgerService::start(&path, &runtime);
        Self { service, folder, runtime, client: reqwest::Client::new(), admin, connector }
    }

    /// What somebody does with the sqlite3 shell while the ledger is served.
    pub fn by_hand(&self, sql: &str) {
        let shell = rusqlite::Connection::open(self.folder.path().join("ledger.db")).unwrap();
        shell.busy_timeout(LONG).unwrap();
        shell.execute_batch(sql).unwrap();
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> String {
        self.service.address()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Another company in the same ledger: its connector's token.
    pub fn other_company(&self, name: &str) -> String {
        let [.., connector] = furnish(&self.folder.path().join("ledger.db"), name);
        connector
    }

    /// A request to a path of the company; an answer without a body is null.
    pub fn ask(
        &self,
        method: Method,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> (StatusCode, Value) {
        let url = format!("{}/v1/companies/acme/{path}", self.url());
        let mut request = self.client.request(method, url).bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            let status = response.status();
            (status, response.json().await.unwrap_or(Value::Null))
        })
    }

    /// Buys seats of a pool, new or not.
    pub fn buy(&self, pool: &str, seats: u32) {
        let path = format!("pools/{pool}");
        let body = json!({ "seats": seats });
        let new = self.ask(Method::GET, &self.admin, &path, &[], &Value::Null).0 == StatusCode::NOT_FOUND;
        let condition = if new { ("If-None-Match", "*") } else { ("If-Match", "*") };
        let (status, answer) = self.ask(Method::PUT, &self.admin, &path, &[condition], &body);
        assert!(status.is_success(), "{status} {answer}");
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, &self.admin, path, &[], &Value::Null);
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    /// A POST with a key of its own.
    pub fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let key = uuid::Uuid::new_v4().to_string();
        self.ask(Method::POST, &self.admin, path, &[("Idempotency-Key", &key)], body)
    }

    /// Every account, page by page.
    pub fn accounts(&self) -> Vec<Value> {
        let (mut all, mut path) = (Vec::new(), "accounts?limit=10000".to_owned());
        loop {
            let page = self.get(&path);
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { return all };
            path = format!("accounts?limit=10000&cursor={cursor}");
        }
    }

    /// User names of those who hold a seat of the one pool, sorted.
    pub fn holders(&self) -> Vec<String> {
        let holds = |account: &Value| account["seats"].as_array().unwrap().iter().any(|seat| seat["state"] == "held");
        let all = self.accounts();
        let mut names: Vec<String> = all
            .iter()
            .filter(|account| holds(account))
            .map(|account| account["profile"]["user_name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    /// The id of somebody's account.
    pub fn id(&self, user_name: &str) -> String {
        let all = self.accounts();
        let found = all.iter().find(|account| account["profile"]["user_name"] == user_name).expect("an account");
        found["id"].as_str().unwrap().to_owned()
    }

    pub fn pool(&self, pool: &str) -> (u64, u64, u64) {
        let pool = self.get(&format!("pools/{pool}"));
        let number = |key: &str| pool[key].as_u64().unwrap();
        (number("seats"), number("held"), number("waiting"))
    }

    /// Who has the lease, as it calls itself.
    pub fn holder(&self) -> Option<String> {
        self.get("lease")["holder"].as_str().map(str::to_owned)
    }
}

/// What an agent's config says of a ledger at a URL; the token lies in a file of its own.
pub fn backend(url: &str, more: &str) -> String {
    format!(
        "[backend]\nkind = \"ledger\"\ncompany = \"acme\"\nurl = \"{url}\"\ntoken = {{ file = \"token\" }}\n\
         timeout = \"2s\"\n{more}"
    )
}

const POOL: &str = "[[pool]]\nname = \"standard\"\n";

/// People in an LDIF file, whose agent asks a ledger. `named` is the agent's section.
pub fn company(people: usize, named: &str, url: &str, token: &str, more: &str) -> Company {
    let names = crate::support::company::names(people);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let company = Company::new(&names, &format!("{POOL}{more}\n{named}\n{}", backend(url, "")));
    company.agent.secret("token", token);
    company.write();
    company
}

/// The same people for another agent.
pub fn twin(company: &Company, named: &str, url: &str, token: &str, more: &str) -> Agent {
    let directory = company.agent.folder().join("corp.ldif");
    let config = format!(
        "[[directory]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"{}\"\nbase = [\"{BASE}\"]\n{POOL}{more}\n{named}\n{}",
        directory.display(),
        backend(url, "")
    );
    let agent = Agent::new(&config);
    agent.secret("token", token);
    agent
}

/// Longer than anything here takes.
pub const LONG: Duration = Duration::from_mins(1);
