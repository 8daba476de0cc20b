//! A served ledger: the program itself, with one company and one pool.

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::support::ledger_process::{Place, Serving};

/// It ends on drop.
pub struct Service {
    pub serving: Serving,
    place: Place,
    admin: String,
}

impl Service {
    /// A new ledger with so many seats.
    pub fn start(seats: usize) -> Self {
        let place = Place::new(&format!(
            "[ledger.first]\ncompany = \"acme\"\npool = \"standard\"\nseats = {seats}\ntoken_file = \"agent.token\"\n"
        ));
        let serving = place.serve();
        let admin = place.json(&["ledger", "token", "add", "admin"])["token"].as_str().expect("a token").to_owned();
        Self { serving, place, admin }
    }

    /// The token that the agent shows.
    pub fn connector(&self) -> String {
        std::fs::read_to_string(self.place.path("agent.token")).expect("the agent's token")
    }

    /// A request of the administrator's to a path of the company.
    pub fn ask(&self, client: &Client, method: Method, path: &str) -> RequestBuilder {
        client.request(method, self.serving.company(path)).bearer_auth(&self.admin)
    }

    /// Seats held of the pool, and how many wait.
    pub async fn pool(&self, client: &Client) -> (u64, u64) {
        let answer = self.ask(client, Method::GET, "pools/standard").send().await.expect("an answer");
        let pool: Value = answer.json().await.expect("a pool");
        (pool["held"].as_u64().expect("a number"), pool["waiting"].as_u64().expect("a number"))
    }
}

pub fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}
