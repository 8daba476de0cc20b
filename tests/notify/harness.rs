//! An agent with five seats, a mail server and a webhook, all on this machine.

use std::cell::RefCell;

use tokio::runtime::Runtime;

use crate::receiver::{Hook, Receiver};
use crate::support::agent::{Ended, Running};
use crate::support::process::free_port;
use crate::support::{Agent, MailSink, ldif};

/// As good as a password in life.
pub const HOOK_PATH: &str = "/hooks/T0KEN";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub const CONFIG: &str = r#"
[agent]
name = "dc01"
state_dir = "state"
poll = "1s"
[[directory]]
name = "corp"
kind = "ldif"
path = "corp.ldif"
base = ["ou=people,dc=lab,dc=test"]
[[pool]]
name = "standard"
seats = 5
"#;

pub struct House {
    pub agent: Agent,
    pub sink: MailSink,
    pub receiver: Receiver,
    mail_port: u16,
    /// What the mail server runs on, while it does.
    mail: RefCell<Option<Runtime>>,
}

impl House {
    pub fn new() -> Self {
        Self::with("to = [\"it@corp.example\"]\n")
    }

    /// `to`: the line that says who gets mail.
    pub fn with(to: &str) -> Self {
        let receiver = Receiver::start(SECRET);
        let mail_port = free_port();
        let agent = Agent::new(CONFIG);
        agent.secret("webhook.secret", SECRET);
        let notify = format!(
            "[notify]\ndigest = \"off\"\n[notify.email]\nsmtp = \"smtp://127.0.0.1:{mail_port}\"\nfrom = \"Seatsync <seatsync@corp.example>\"\n{to}\
             [notify.webhook]\nurl = \"http://127.0.0.1:{}{HOOK_PATH}\"\nsecret = {{ file = \"webhook.secret\" }}\n",
            receiver.port
        );
        agent.write_config(&format!("{CONFIG}{notify}"));
        let house = Self { agent, sink: MailSink::default(), receiver, mail_port, mail: RefCell::new(None) };
        house.mail_starts();
        house
    }

    /// Nobody is told anything any more.
    pub fn quiet(&self) {
        self.agent.write_config(CONFIG);
    }

    /// u1 to uN are there, and nobody else.
    pub fn people(&self, count: usize) {
        let base = "dc=lab,dc=test";
        let mut text = format!("dn: ou=people,{base}\nobjectClass: organizationalUnit\nou: people\n\n");
        text.extend((1..=count).map(|number| {
            let id = format!("entryUUID: 00000000-0000-4000-8000-{number:012}\n\n");
            ldif::person(base, &format!("u{number}")).trim_end().to_owned() + "\n" + &id
        }));
        // Whole or not at all: an agent may be reading.
        let fresh = self.agent.folder().join("corp.new");
        std::fs::write(&fresh, text).unwrap();
        std::fs::rename(fresh, self.agent.folder().join("corp.ldif")).unwrap();
    }

    /// A cycle without an agent, which must end with this code.
    pub fn sync(&self, code: i32) -> Ended {
        let ended = self.agent.run(&["sync", "--full"]);
        assert_eq!(ended.code, code, "{ended:?}");
        ended
    }

    pub fn start(&self) -> Running {
        self.agent.start()
    }

    /// So many mails and webhook messages arrived, and no more.
    pub fn expect(&self, mails: usize, hooks: usize) {
        let (mailed, hooked) = (self.mails(), self.hooks());
        assert_eq!((mailed.len(), hooked.len()), (mails, hooks), "{mailed:#?}\n{hooked:#?}");
    }

    pub fn mails(&self) -> Vec<String> {
        self.sink.taken.lock().unwrap().clone()
    }

    pub fn hooks(&self) -> Vec<Hook> {
        self.receiver.taken()
    }

    pub fn mail_stops(&self) {
        drop(self.mail.borrow_mut().take());
    }

    pub fn mail_starts(&self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        assert_eq!(runtime.block_on(self.sink.start_on(self.mail_port)), self.mail_port);
        self.mail.replace(Some(runtime));
    }

    /// Messages that wait to be sent.
    pub fn waiting(&self) -> i64 {
        self.state().query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap()
    }

    /// What failed is tried again now.
    pub fn make_due(&self) {
        self.state().execute("UPDATE outbox SET next_at = 0", []).unwrap();
    }

    /// What waits was made four days ago.
    pub fn make_old(&self) {
        let sql = "UPDATE outbox SET next_at = 0, notice_json = json_set(notice_json, '$.at', '2020-01-01T00:00:00Z')";
        self.state().execute(sql, []).unwrap();
    }

    fn state(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.agent.folder().join("state/state.db")).unwrap()
    }
}
