//! Counts the binds that cross it on the way to a real server, and ends or swallows what runs over it.

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
    /// The agent binds with the first message of a connection, and sends it in one piece.
    fn pass(&self, mut client: TcpStream, to: &str) {
        let mut first = [0; 4096];
        let Ok(length) = client.read(&mut first) else { return };
        if is_bind(&first[..length]) {
            self.binds.fetch_add(1, Ordering::SeqCst);
        }
        let Ok(mut server) = TcpStream::connect(to) else { return };
        if server.write_all(&first[..length]).is_err() {
            return;
        }
        let link = Arc::new(Link { client, server, mute: AtomicBool::new(false) });
        self.open.lock().expect("the connections").push(Arc::clone(&link));
        let up = Arc::clone(&link);
        thread::spawn(move || up.pump(&up.client, &up.server));
        link.pump(&link.server, &link.client);
        self.open.lock().expect("the connections").retain(|other| !Arc::ptr_eq(other, &link));
    }
}

impl Link {
    fn pump(&self, mut from: &TcpStream, mut to: &TcpStream) {
        let mut buffer = [0; 16 * 1024];
        loop {
            match from.read(&mut buffer) {
                Ok(length) if length > 0 => {
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

/// SEQUENCE, INTEGER (the id), and then [APPLICATION 0] (RFC 4511, 4.2).
fn is_bind(message: &[u8]) -> bool {
    matches!(message, [0x30, length, 0x02, 0x01, _, 0x60, ..] if *length < 0x80)
}
