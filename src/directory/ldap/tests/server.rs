//! A server that plays one part: a slapd with one person a page, and a fault in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::ber::{
    BIND_RESPONSE, ENTRY, ENUMERATED, EXTENDED_RESPONSE, INTEGER, OCTETS, REFERENCE, SEARCH_DONE, SEQUENCE, SET,
    element, number, take, unsigned,
};
use crate::directory::ldap::page::PAGED_RESULTS;

pub(super) const BASE: &str = "ou=people,dc=lab,dc=test";
/// Pages, and people, of a whole read.
pub(super) const PEOPLE: u32 = 5;

/// What goes wrong, at the third page unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Nothing,
    /// Every bind is answered with this.
    Bind(u32),
    /// The page ends with this code; its paging control comes along or not.
    Code(u32, bool),
    Cut,
    Silence,
    NoControl,
    BrokenControl,
    /// The second page comes for ever, under a cookie that never changes.
    Loop,
    /// Twenty empty pages come first.
    EmptyPages,
    Reference,
    /// These bytes instead of a page.
    Bytes(&'static [u8]),
    Notice,
    WrongId,
    /// The DN of the person is no UTF-8.
    OddDn,
    /// One byte at a time.
    Dribble,
    /// A person now and then, for ever.
    Drip(Duration),
    /// Pages of more than two people are refused.
    SmallPages,
    /// The base is there without its entryUUID.
    NoAnchor,
    /// Accepts, and says nothing.
    Mute,
}

pub(super) struct Server {
    pub(super) url: String,
    pub(super) connections: Arc<AtomicU32>,
    /// Pages that were too large.
    pub(super) refusals: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a server whose first `faulty` connections have the fault.
pub(super) async fn start(fault: Fault, faulty: u32) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicU32::new(0));
    let refusals = Arc::new(AtomicU32::new(0));
    let (count, refused) = (Arc::clone(&connections), Arc::clone(&refusals));
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let fault = if number < faulty { fault } else { Fault::Nothing };
            let refusals = Arc::clone(&refused);
            tokio::spawn(async move { Connection { stream, fault, empty: 0, refusals }.run().await });
        }
    });
    Server { url, connections, refusals, task }
}

struct Connection {
    stream: TcpStream,
    fault: Fault,
    empty: u32,
    refusals: Arc<AtomicU32>,
}

impl Connection {
    async fn run(mut self) -> Option<()> {
        let mut buffer = Vec::new();
        loop {
            let mut rest = buffer.as_slice();
            while let Some((_, request)) = take(&mut rest) {
                if self.fault != Fault::Mute {
                    self.answer(request).await?;
                }
            }
            buffer = rest.to_vec();
            if self.stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn answer(&mut self, request: &[u8]) -> Option<()> {
        let mut fields = request;
        let id = unsigned(take(&mut fields)?.1);
        let (tag, mut operation) = take(&mut fields)?;
        match tag {
            0x60 => {
                let code = if let Fault::Bind(code) = self.fault { code } else { 0 };
                self.send(&message(id, BIND_RESPONSE, &result(code), None)).await
            }
            0x63 => {
                let base = String::from_utf8(take(&mut operation)?.1.to_vec()).ok()?;
                let subtree = unsigned(take(&mut operation)?.1) == 2;
                if subtree { self.page(id, request).await } else { self.entry(id, &base).await }
            }
            _ => None,
        }
    }

    async fn entry(&mut self, id: u32, base: &str) -> Option<()> {
        let uuid = uuid(0xff);
        let found = match base {
            "" => Some(vec![("objectClass", "OpenLDAProotDSE"), ("namingContexts", "dc=lab,dc=test")]),
            "dc=lab,dc=test" => Some(vec![("contextCSN", "20260101000000.000000Z#000000#001#000000")]),
            BASE if self.fault == Fault::NoAnchor => Some(vec![("objectClass", "organizationalUnit")]),
            BASE => Some(vec![("objectClass", "organizationalUnit"), ("entryUUID", uuid.as_str())]),
            _ => None,
        };
        let mut bytes = Vec::new();
        if let Some(attributes) = &found {
            bytes.extend(message(id, ENTRY, &entry(base.as_bytes(), attributes), None));
        }
        let code = if found.is_some() { 0 } else { 32 };
        bytes.extend(message(id, SEARCH_DONE, &result(code), None));
        self.send(&bytes).await
    }

    /// The page whose number is in the cookie, or the fault.
    async fn page(&mut self, id: u32, request: &[u8]) -> Option<()> {
        let (size, cookie) = asked(request)?;
        let page: u32 = cookie.parse().unwrap_or(0);
        if self.fault == Fault::SmallPages && size > 2 {
            self.refusals.fetch_add(1, Ordering::Relaxed);
            let refused = outcome(11, "illegal pagedResults page size");
            return self.send(&message(id, SEARCH_DONE, &refused, None)).await;
        }
        if self.fault == Fault::EmptyPages && self.empty < 20 {
            self.empty += 1;
            return self.send(&message(id, SEARCH_DONE, &result(0), Some("0"))).await;
        }
        let next = if page + 1 < PEOPLE { (page + 1).to_string() } else { String::new() };
        if page == 2 && self.fault != Fault::Nothing {
            return self.fail(id, page, &next).await;
        }
        self.whole(id, page, &next).await
    }

    async fn whole(&mut self, id: u32, page: u32, next: &str) -> Option<()> {
        let bytes = [person(id, page), message(id, SEARCH_DONE, &result(0), Some(next))].concat();
        self.send(&bytes).await
    }

    async fn fail(&mut self, id: u32, page: u32, next: &str) -> Option<()> {
        match self.fault {
            Fault::Code(code, control) => {
                self.send(&message(id, SEARCH_DONE, &result(code), control.then_some(next))).await
            }
            Fault::Cut => None,
            Fault::Silence => Some(()),
            Fault::NoControl => self.send(&message(id, SEARCH_DONE, &result(0), None)).await,
            Fault::BrokenControl => self.send(&message(id, SEARCH_DONE, &result(0), Some("\u{0}broken"))).await,
            Fault::Loop => self.whole(id, page, "2").await,
            Fault::Reference => {
                let url = element(OCTETS, b"ldap://elsewhere/ou=other,dc=lab,dc=test");
                self.send(&message(id, REFERENCE, &url, None)).await?;
                self.whole(id, page, next).await
            }
            Fault::Bytes(bytes) => self.send(bytes).await,
            Fault::Notice => {
                self.send(&message(0, EXTENDED_RESPONSE, &outcome(52, "going down"), None)).await?;
                None
            }
            Fault::WrongId => self.whole(id + 7, page, next).await,
            Fault::OddDn => {
                let odd = message(id, ENTRY, &entry(b"uid=\xff", &[("uid", "x")]), None);
                self.send(&odd).await?;
                self.send(&message(id, SEARCH_DONE, &result(0), Some(next))).await
            }
            Fault::Drip(apart) => loop {
                self.send(&person(id, page)).await?;
                tokio::time::sleep(apart).await;
            },
            _ => self.whole(id, page, next).await,
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Option<()> {
        if self.fault != Fault::Dribble {
            return self.stream.write_all(bytes).await.ok();
        }
        for byte in bytes {
            self.stream.write_all(&[*byte]).await.ok()?;
            tokio::task::yield_now().await;
        }
        Some(())
    }
}

/// Size and cookie of a request for a page.
fn asked(request: &[u8]) -> Option<(u32, String)> {
    let oid = element(OCTETS, PAGED_RESULTS.as_bytes());
    let at = request.windows(oid.len()).position(|bytes| bytes == oid)? + oid.len();
    let mut rest = &request[at..];
    take(&mut rest)?;
    let mut value = take(&mut take(&mut rest)?.1)?.1;
    let size = unsigned(take(&mut value)?.1);
    Some((size, String::from_utf8(take(&mut value)?.1.to_vec()).ok()?))
}

fn uuid(number: u32) -> String {
    format!("00000000-0000-0000-0000-{number:012x}")
}

fn person(id: u32, number: u32) -> Vec<u8> {
    let (uid, anchor) = (format!("u{number}"), uuid(number));
    let mail = format!("{uid}@lab.test");
    let attributes = [
        ("objectClass", "inetOrgPerson"),
        ("uid", uid.as_str()),
        ("mail", mail.as_str()),
        ("entryUUID", anchor.as_str()),
    ];
    message(id, ENTRY, &entry(format!("uid={uid},{BASE}").as_bytes(), &attributes), None)
}

fn entry(dn: &[u8], attributes: &[(&str, &str)]) -> Vec<u8> {
    let attributes: Vec<u8> = attributes
        .iter()
        .flat_map(|(name, value)| {
            let values = element(SET, &element(OCTETS, value.as_bytes()));
            element(SEQUENCE, &[element(OCTETS, name.as_bytes()), values].concat())
        })
        .collect();
    [element(OCTETS, dn), element(SEQUENCE, &attributes)].concat()
}

fn result(code: u32) -> Vec<u8> {
    outcome(code, "")
}

fn outcome(code: u32, text: &str) -> Vec<u8> {
    [number(ENUMERATED, code), element(OCTETS, b""), element(OCTETS, text.as_bytes())].concat()
}

/// A message, with a paging control where there is a cookie. A cookie that begins with NUL breaks the control.
fn message(id: u32, tag: u8, operation: &[u8], cookie: Option<&str>) -> Vec<u8> {
    let mut content = [number(INTEGER, id), element(tag, operation)].concat();
    if let Some(cookie) = cookie {
        let value = if cookie.starts_with('\0') {
            b"\x30\x05ab".to_vec()
        } else {
            element(SEQUENCE, &[number(INTEGER, 0), element(OCTETS, cookie.as_bytes())].concat())
        };
        let control = [element(OCTETS, PAGED_RESULTS.as_bytes()), element(OCTETS, &value)].concat();
        content.extend(element(0xa0, &element(SEQUENCE, &control)));
    }
    element(SEQUENCE, &content)
}
