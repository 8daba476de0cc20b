//! A mail server behind TLS, with an authority of its own, that wants to know who sends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::harness::CONFIG;
use crate::support::{Agent, MailSink, ldif};

struct Office {
    agent: Agent,
    sink: MailSink,
    port: u16,
    _runtime: Runtime,
}

impl Office {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let chain: Vec<CertificateDer<'static>> = vec![made.cert.der().clone()];
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let tls = tls.with_no_client_auth().with_single_cert(chain, key).unwrap();
        let sink = MailSink { login: Some(STANDARD.encode("\0seats@corp.example\0geheim")), ..MailSink::default() };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let port = runtime.block_on(sink.start_with_tls(tls));
        let agent = Agent::new(CONFIG);
        std::fs::write(agent.folder().join("mail-ca.pem"), made.cert.pem()).unwrap();
        let base = "dc=lab,dc=test";
        let people: String = (1..=8).map(|number| ldif::person(base, &format!("u{number}"))).collect();
        let people = format!("dn: ou=people,{base}\nobjectClass: organizationalUnit\nou: people\n\n{people}");
        std::fs::write(agent.folder().join("corp.ldif"), people).unwrap();
        Self { agent, sink, port, _runtime: runtime }
    }

    fn configure(&self, password: &str, authority: &str) {
        self.agent.secret("mail.password", password);
        self.agent.write_config(&format!(
            "{CONFIG}[notify.email]\nsmtp = \"smtps://seats@corp.example@localhost:{}\"\npassword = {{ file = \"mail.password\" }}\n{authority}\
             from = \"seats@corp.example\"\nto = [\"it@corp.example\"]\n",
            self.port
        ));
    }

    /// What `check --connect` says of the mail server.
    fn probe(&self) -> Value {
        let report = self.agent.check(true).1;
        let probes = report["probes"].as_array().unwrap();
        probes.iter().find(|probe| probe["what"] == "notify: log in to the mail server").unwrap().clone()
    }
}

const TRUSTED: &str = "ca_file = \"mail-ca.pem\"\n";

#[test]
fn with_its_authority_and_the_password_the_server_takes_the_message() {
    let office = Office::new();
    office.configure("geheim", TRUSTED);
    let probe = office.probe();
    assert_eq!(probe["ok"], json!(true), "{probe}");
    assert!(probe["message"].as_str().unwrap().contains("takes user and password"), "{probe}");
    assert!(office.sink.taken.lock().unwrap().is_empty());
    assert_eq!(office.agent.sync().0, 0);
    let mails = office.sink.taken.lock().unwrap().clone();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].contains("3 people wait for a seat of standard"), "{}", mails[0]);
}

#[test]
fn a_wrong_password_is_told_and_tried_once_a_round_not_once_a_message() {
    let office = Office::new();
    office.configure("falsch", TRUSTED);
    let probe = office.probe();
    assert_eq!(probe["ok"], json!(false), "{probe}");
    office.sink.said.lock().unwrap().clear();
    let ended = office.agent.run(&["sync"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("the mail server answered 535"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("falsch"), "{}", ended.stderr);
    let tries = office.sink.said.lock().unwrap().iter().filter(|line| line.starts_with("AUTH")).count();
    assert_eq!(tries, 1);
    assert!(office.sink.taken.lock().unwrap().is_empty());
}

#[test]
fn a_server_that_nobody_vouches_for_hears_no_password() {
    let office = Office::new();
    office.configure("geheim", "");
    assert_eq!(office.probe()["ok"], json!(false));
    assert_eq!(office.agent.sync().0, 0);
    assert!(office.sink.said.lock().unwrap().is_empty());
}
