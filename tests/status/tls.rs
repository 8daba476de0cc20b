//! The real agent's page where others than this machine come to it: over TLS, with the token.

use std::thread::sleep;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};

use crate::harness::client;
use crate::support::Agent;
use crate::support::agent::Running;
use crate::support::company::{Company, company_of, pool};
use crate::support::process::{free_port, wait_until};

const SOON: Duration = Duration::from_secs(30);
/// The agent has looked for a renewed certificate more than once.
const LOOKED: Duration = Duration::from_secs(7);
const TOKEN: &str = "0123456789abcdef";
const TLS: &str = "tls_cert = \"status.pem\"\ntls_key = \"status.key\"\n";

/// Writes a certificate and its key, and gives the certificate.
fn certify(agent: &Agent) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(agent.folder().join("status.pem"), made.cert.pem()).unwrap();
    agent.secret("status.key", &made.signing_key.serialize_pem());
    made.cert.pem()
}

/// Believes this certificate alone, and stays where it is sent away from.
fn trusting(pem: &str) -> Client {
    let _ = client();
    let certificate = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    let builder = Client::builder().tls_certs_only([certificate]).redirect(Policy::none());
    builder.timeout(Duration::from_secs(10)).build().unwrap()
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

fn answer(request: RequestBuilder) -> reqwest::Result<Answer> {
    let asked = async {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { status, headers, text: answer.text().await? })
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(asked)
}

/// An agent that listens on every address of this machine.
struct Open {
    company: Company,
    running: Running,
    port: u16,
    certificate: String,
}

impl Open {
    fn new() -> Self {
        let port = free_port();
        let status = format!("[status]\nlisten = \"0.0.0.0:{port}\"\n{TLS}token = {{ file = \"status.token\" }}\n");
        let company = company_of(5, &format!("{status}{}", pool(2)));
        company.write();
        company.agent.secret("status.token", TOKEN);
        let certificate = certify(&company.agent);
        let running = company.agent.start();
        let open = Self { company, running, port, certificate };
        wait_until("it is ready", SOON, || open.is_ready());
        open
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    fn is_ready(&self) -> bool {
        let asked = trusting(&self.certificate).get(self.url("/readyz")).bearer_auth(TOKEN);
        answer(asked).is_ok_and(|answer| answer.status == 200)
    }

    /// Whether it shows this certificate.
    fn shows(&self, pem: &str) -> bool {
        answer(trusting(pem).get(self.url("/healthz"))).is_ok()
    }
}

#[test]
fn over_tls_only_who_knows_the_token_is_told_anything() {
    let open = Open::new();
    let client = trusting(&open.certificate);
    let get = |path: &str, token: Option<&str>| {
        let request = client.get(open.url(path));
        answer(token.into_iter().fold(request, RequestBuilder::bearer_auth)).unwrap()
    };
    for (path, token, status) in [
        ("/healthz", None, 200),
        ("/metrics", None, 401),
        ("/metrics", Some("0123456789abcdeg"), 401),
        ("/metrics", Some(TOKEN), 200),
        ("/", None, 303),
        ("/explain?user=p001", None, 303),
        ("/", Some("0123456789abcdeg"), 303),
        ("/", Some(TOKEN), 200),
    ] {
        let Answer { status: found, headers, text } = get(path, token);
        assert_eq!(found, status, "{path} {token:?}");
        assert!(status != 303 || headers["location"] == "/login", "{path} {token:?}");
        assert!(status == 200 || !text.contains("p001") && !text.contains("standard"), "{path} {token:?}: {text}");
    }
    let login = |token: &str| {
        let form = client.post(open.url("/login")).header("content-type", "application/x-www-form-urlencoded");
        answer(form.body(format!("token={token}"))).unwrap()
    };
    assert_eq!(login("0123456789abcdeg").status, 403);
    let cookie = login(TOKEN).headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    let page = answer(client.get(open.url("/")).header("cookie", cookie.split(';').next().unwrap())).unwrap();
    assert!(page.status == 200 && page.text.contains("All is well; 3 people wait"), "{}", page.text);
    // Nobody is served without TLS, and nobody else vouches for the certificate.
    assert!(answer(client.get(open.url("/healthz").replace("https", "http"))).is_err());
    assert!(!open.shows(&rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()));
}

#[test]
fn a_renewed_certificate_is_taken_and_of_a_bad_one_it_is_said_once_that_the_old_one_stays() {
    let open = Open::new();
    std::fs::write(open.company.agent.folder().join("status.pem"), "no certificate").unwrap();
    open.running.signal("HUP");
    sleep(LOOKED);
    assert!(open.shows(&open.certificate));
    let renewed = certify(&open.company.agent);
    wait_until("it is taken", SOON, || open.shows(&renewed));
    assert!(!open.shows(&open.certificate));
    let ended = open.running.terminate();
    assert_eq!(ended.code, 0, "{ended:?}");
    let count = |text: &str| ended.stderr.matches(text).count();
    assert_eq!(count("The renewed certificate cannot be used; the old one stays."), 1, "{}", ended.stderr);
    assert_eq!(count("The config cannot be taken; the agent goes on with the one it has."), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("status.pem"), "{}", ended.stderr);
    assert_eq!(count("The renewed certificate is used from now on."), 1, "{}", ended.stderr);
}

/// A renewal writes two files, one after the other.
#[test]
fn a_key_that_comes_after_its_certificate_is_taken_too() {
    let open = Open::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(open.company.agent.folder().join("status.pem"), made.cert.pem()).unwrap();
    sleep(LOOKED);
    assert!(open.shows(&open.certificate));
    open.company.agent.secret("status.key", &made.signing_key.serialize_pem());
    wait_until("it is taken", SOON, || open.shows(&made.cert.pem()));
}

#[test]
fn an_open_address_without_tls_or_token_does_not_start() {
    for (status, what) in [(String::new(), "tls_cert"), (TLS.to_owned(), "token")] {
        let company = company_of(1, &format!("[status]\nlisten = \"0.0.0.0:1\"\n{status}{}", pool(2)));
        company.write();
        certify(&company.agent);
        for verb in ["check", "run"] {
            let ended = company.agent.run(&[verb]);
            assert_eq!(ended.code, 2, "{verb}: {ended:?}");
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(said.contains("status.listen") && said.contains(what), "{verb}: {said}");
        }
    }
}
