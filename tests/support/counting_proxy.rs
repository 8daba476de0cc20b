//! Counts the binds and searches that cross it on the way to a real server, and ends or swallows what runs over it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Plain LDAP on a port of its own. Its threads end with the test's process.
#[derive(Debug)]
pub struct CountingProxy {
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    binds: AtomicUsize,
    searches: AtomicUsize,
    open: Mutex<Vec<Arc<Link>>>,
}

/// Both ends of one connection.
#[derive(Debug)]
struct Link {
    client: TcpStream,
    server: TcpStream,
    mute: AtomicBool,
}

impl CountingProxy {
    /// Before a server at `to`, `HOST:PORT`.
    pub fn start(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("ldap://{}", listener.local_addr().expect("its address"));
        let shared = Arc::new(Shared::default());
        let (to, count) = (to.to_owned(), Arc::clone(&shared));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (to, shared) = (to.clone(), Arc::clone(&count));
                thread::spawn(move || shared.pass(client, &to));
            }
        });
        Self { url, shared }
    }

    /// So far.
    pub fn binds(&self) -> usize {
        self.shared.binds.load(Ordering::SeqCst)
    }

    /// So far.
    pub fn searches(&self) -> usize {
        self.shared.searches.load(Ordering::SeqCst)
    }

    /// Connections there are now.
    pub fn open(&self) -> usize {
        self.links().len()
    }

    /// Ends those that are open.
    pub fn cut(&self) {
        for link in self.links() {
            let _ = link.client.shutdown(Shutdown::Both);
        }
    }

    /// From now on nothing that is sent on those that are open arrives, and nobody is told.
    pub fn mute(&self) {
        for link in self.links() {
            link.mute.store(true, Ordering::SeqCst);
        }
    }

    fn links(&self) -> Vec<Arc<Link>> {
        self.shared.open.lock().expect("the connections").clone()
    }
}

impl Shared {
    /// The agent binds with the first message of a connection, and sends none before it has the answer to the one before.
    fn pass(self: &Arc<Self>, mut client: TcpStream, to: &str) {
        let mut first = [0; 4096];
        let Ok(length) = client.read(&mut first) else { return };
        if operation(&first[..length]) == Some(BIND) {
            self.binds.fetch_add(1, Ordering::SeqCst);
        }
        let Ok(mut server) = TcpStream::connect(to) else { return };
        if server.write_all(&first[..length]).is_err() {
            return;
        }
        let link = Arc::new(Link { client, server, mute: AtomicBool::new(false) });
        self.open.lock().expect("the connections").push(Arc::clone(&link));
        let (up, shared) = (Arc::clone(&link), Arc::clone(self));
        thread::spawn(move || {
            up.pump(&up.client, &up.server, |sent| {
                if operation(sent) == Some(SEARCH) {
                    shared.searches.fetch_add(1, Ordering::SeqCst);
                }
            });
        });
        link.pump(&link.server, &link.client, |_| {});
        self.open.lock().expect("the connections").retain(|other| !Arc::ptr_eq(other, &link));
    }
}

impl Link {
    fn pump(&self, mut from: &TcpStream, mut to: &TcpStream, see: impl Fn(&[u8])) {
        let mut buffer = [0; 16 * 1024];
        loop {
            match from.read(&mut buffer) {
                Ok(length) if length > 0 => {
                    see(&buffer[..length]);
                    if !self.mute.load(Ordering::SeqCst) && to.write_all(&buffer[..length]).is_err() {
                        break;
                    }
                }
                _ => break,
            }
        }
        // Neither end waits for one that is gone.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;

/// What a message is that begins here: SEQUENCE, INTEGER (the id), and then the operation (RFC 4511 4.1.1).
fn operation(message: &[u8]) -> Option<u8> {
    let [0x30, length, rest @ ..] = message else { return None };
    let more = if *length < 0x80 { 0 } else { usize::from(length & 0x7f) };
    let [0x02, size, id @ ..] = rest.get(more..)? else { return None };
    id.get(usize::from(*size)).copied()
}
