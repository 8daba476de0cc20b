//! The unreliable network between an agent and the ledger: passes HTTP on, and does to single requests what networks do.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It never arrives.
    LoseRequest,
    /// It arrives, is carried out, and nobody hears of it.
    LoseAnswer,
    /// It arrives twice; the second answer comes back.
    Twice,
    /// The connection is lost at once, and the request arrives after this time, when others have overtaken it.
    Late(Duration),
    /// The answer ends after so many bytes.
    Cut(usize),
    /// Half of the body comes, and nothing in the head says how long it was.
    CutClosed,
    /// The status is the ledger's, and this is all there is of the body.
    Body(&'static str),
    /// A status of the ledger's, without asking it: its problem's name, and seconds to wait.
    Problem(u16, &'static str, Option<u32>),
    /// The answer comes in drops of this many bytes, one a tenth of a second.
    Drip(usize),
    /// Somebody else answers, with this status and page.
    Page(u16, &'static str),
    /// The list ends with the page before the last item.
    ShortList,
}

#[derive(Debug)]
struct Rule {
    /// "POST /v1/companies/acme/batches": what the request line must contain.
    of: String,
    fault: Fault,
    times: usize,
}

/// Faults by chance.
#[derive(Debug)]
struct Storm {
    dice: u64,
    one_in: u64,
    in_a_row: u32,
}

impl Storm {
    /// Three tries get through: no more than two faults come in a row.
    fn next_fault(&mut self) -> Option<Fault> {
        // xorshift64
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        if self.in_a_row == 2 || !(self.dice >> 8).is_multiple_of(self.one_in) {
            self.in_a_row = 0;
            return None;
        }
        self.in_a_row += 1;
        Some(match (self.dice >> 32) % 8 {
            0 => Fault::LoseRequest,
            1 => Fault::Twice,
            2 => Fault::Cut(60),
            3 => Fault::Problem(503, "unavailable", None),
            4 => Fault::Page(502, "bad gateway"),
            5 => Fault::Late(Duration::from_millis(20)),
            6 => Fault::CutClosed,
            _ => Fault::LoseAnswer,
        })
    }
}

#[derive(Debug)]
struct Shared {
    to: Mutex<String>,
    rules: Mutex<Vec<Rule>>,
    storm: Mutex<Option<Storm>>,
    asked: Mutex<Vec<String>>,
    /// Items on a page at most, whatever the client asks for.
    page: Mutex<Option<u32>>,
}

/// In front of a ledger, on a port of its own. Its threads end with the test's process.
#[derive(Clone, Debug)]
pub struct HttpProxy {
    pub port: u16,
    shared: Arc<Shared>,
}

impl HttpProxy {
    /// Before a ledger at `to`, `HOST:PORT`, which speaks plain HTTP.
    pub fn start(to: &str) -> Self {
        Self::listen(to, None)
    }

    /// The same with TLS towards the client.
    pub fn start_tls(to: &str, certificate: &Path, key: &Path) -> Self {
        let chain = CertificateDer::pem_file_iter(certificate).expect("a certificate").collect::<Result<_, _>>();
        let key = PrivateKeyDer::from_pem_file(key).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_no_client_auth()
            .with_single_cert(chain.expect("certificates"), key);
        Self::listen(to, Some(Arc::new(config.expect("a certificate and its key"))))
    }

    fn listen(to: &str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared {
            to: Mutex::new(to.to_owned()),
            rules: Mutex::default(),
            storm: Mutex::default(),
            asked: Mutex::default(),
            page: Mutex::default(),
        });
        let inner = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (shared, tls) = (Arc::clone(&inner), tls.clone());
                thread::spawn(move || match tls {
                    None => shared.serve(client),
                    Some(config) => {
                        let Ok(connection) = ServerConnection::new(config) else { return };
                        shared.serve(StreamOwned::new(connection, client));
                    }
                });
            }
        });
        Self { port, shared }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next `times` requests whose first line contains `of` meet a fault.
    pub fn fault(&self, of: &str, fault: Fault, times: usize) {
        self.shared.rules.lock().unwrap().push(Rule { of: of.to_owned(), fault, times });
    }

    /// From here on one request of so many meets a fault, by dice of this seed.
    pub fn storm(&self, seed: u64, one_in: u64) {
        *self.shared.storm.lock().unwrap() = Some(Storm { dice: seed | 1, one_in, in_a_row: 0 });
    }

    /// From here on nothing goes wrong.
    pub fn heal(&self) {
        self.shared.rules.lock().unwrap().clear();
        *self.shared.storm.lock().unwrap() = None;
    }

    /// Faults that did not come to pass yet.
    pub fn faults_left(&self) -> usize {
        self.shared.rules.lock().unwrap().iter().map(|rule| rule.times).sum()
    }

    /// Every page of a list has so many items at most.
    pub fn page(&self, items: u32) {
        *self.shared.page.lock().unwrap() = Some(items);
    }

    /// From here on another ledger answers.
    pub fn lead_to(&self, to: &str) {
        to.clone_into(&mut self.shared.to.lock().unwrap());
    }

    /// First lines of the requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How many of them contain this.
    pub fn count(&self, of: &str) -> usize {
        self.asked().iter().filter(|line| line.contains(of)).count()
    }
}

/// A request or an answer: head with the empty line, and body.
struct Message {
    head: String,
    body: Vec<u8>,
}

impl Shared {
    fn serve(&self, mut client: impl Read + Write) {
        let Some(mut request) = read_message(&mut client) else { return };
        let line = request.head.lines().next().unwrap_or_default().to_owned();
        self.asked.lock().unwrap().push(line.clone());
        if let Some(items) = *self.page.lock().unwrap() {
            request.head = request.head.replacen("limit=10000", &format!("limit={items}"), 1);
        }
        let request = request.bytes();
        let answer = match self.next_fault(&line) {
            None => self.ask(&request),
            Some(Fault::LoseRequest) => return,
            Some(Fault::LoseAnswer) => {
                self.ask(&request);
                return;
            }
            Some(Fault::Twice) => {
                self.ask(&request);
                self.ask(&request)
            }
            Some(Fault::Late(after)) => {
                drop(client);
                thread::sleep(after);
                self.ask(&request);
                return;
            }
            Some(Fault::Cut(length)) => self.ask(&request).into_iter().take(length).collect(),
            Some(Fault::CutClosed) => cut_closed(self.ask(&request)),
            Some(Fault::Body(body)) => {
                self.ask(&request);
                answer(200, "application/json", "", body)
            }
            Some(Fault::Problem(status, name, wait)) => problem(status, name, wait),
            Some(Fault::Page(status, page)) => answer(status, "text/html", "", page),
            Some(Fault::ShortList) => short(self.ask(&request)),
            Some(Fault::Drip(bytes)) => return drip(&mut client, &self.ask(&request), bytes),
        };
        let _ = client.write_all(&answer);
        let _ = client.flush();
    }

    /// The first fault that fits, used up once.
    fn next_fault(&self, line: &str) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap();
        if let Some(rule) = rules.iter_mut().find(|rule| rule.times > 0 && line.contains(&rule.of)) {
            rule.times -= 1;
            return Some(rule.fault.clone());
        }
        self.storm.lock().unwrap().as_mut().and_then(Storm::next_fault)
    }

    /// What the ledger answers; nothing where it is not there.
    fn ask(&self, request: &[u8]) -> Vec<u8> {
        let to = self.to.lock().unwrap().clone();
        let mut answer = Vec::new();
        if let Ok(mut ledger) = TcpStream::connect(to)
            && ledger.write_all(request).is_ok()
        {
            let _ = ledger.read_to_end(&mut answer);
        }
        answer
    }
}

impl Message {
    fn bytes(self) -> Vec<u8> {
        [self.head.into_bytes(), self.body].concat()
    }
}

/// A request with a body of a known length; it is passed on so that the ledger closes the connection, and uncompressed, so
/// that its end is the answer's end and faults can look into it.
fn read_message(stream: &mut impl Read) -> Option<Message> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            head.push_str("Connection: close\r\n\r\n");
            break;
        }
        if !lower.starts_with("connection:") && !lower.starts_with("accept-encoding:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Message { head, body })
}

fn answer(status: u16, kind: &str, extra: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n");
    format!("{head}{extra}\r\n{body}").into_bytes()
}

fn problem(status: u16, name: &str, wait: Option<u32>) -> Vec<u8> {
    let extra = wait.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
    let body = serde_json::json!({
        "type": format!("urn:seatsync:problem:{name}"), "title": name, "status": status,
        "detail": format!("the network says {name}"),
    });
    answer(status, "application/problem+json", &extra, &body.to_string())
}

/// The answer as a server gives it that ends each with the connection, and half of its body; nothing where there is none.
fn cut_closed(bytes: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(bytes).expect("an answer in UTF-8");
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Vec::new() };
    let body = if head.to_ascii_lowercase().contains("chunked") { unchunked(body) } else { body.to_owned() };
    let says_how_long = |line: &&str| {
        line.to_ascii_lowercase().starts_with("content-length:") || line.to_ascii_lowercase().contains("chunked")
    };
    let head: Vec<&str> = head.lines().filter(|line| !says_how_long(line)).collect();
    let half = body.into_bytes();
    [format!("{}\r\n\r\n", head.join("\r\n")).as_bytes(), &half[..half.len() / 2]].concat()
}

/// The same page as the last one, and without its last item.
fn short(bytes: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(bytes).expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    let body = if head.to_ascii_lowercase().contains("chunked") { unchunked(body) } else { body.to_owned() };
    let mut page: serde_json::Value = serde_json::from_str(&body).expect("a page");
    page["items"].as_array_mut().expect("items").pop();
    page["next_cursor"] = serde_json::Value::Null;
    answer(200, "application/json", "", &page.to_string())
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or(0);
        if length == 0 {
            break;
        }
        body.push_str(&after[..length]);
        rest = after[length..].trim_start_matches("\r\n");
    }
    body
}

fn drip(client: &mut impl Write, answer: &[u8], bytes: usize) {
    for drop in answer.chunks(bytes) {
        if client.write_all(drop).and_then(|()| client.flush()).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
}
