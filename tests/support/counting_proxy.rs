//! Counts the binds that cross it, on the way to a real server.

use std::io::{Read as _, Write as _, copy};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Plain LDAP on a port of its own. Its threads end with the test's process.
#[derive(Debug)]
pub struct CountingProxy {
    pub url: String,
    binds: Arc<AtomicUsize>,
}

impl CountingProxy {
    /// Before a server at `to`, `HOST:PORT`.
    pub fn start(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("ldap://{}", listener.local_addr().expect("its address"));
        let binds = Arc::new(AtomicUsize::new(0));
        let (to, count) = (to.to_owned(), Arc::clone(&binds));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (to, count) = (to.clone(), Arc::clone(&count));
                thread::spawn(move || pass(client, &to, &count));
            }
        });
        Self { url, binds }
    }

    /// So far.
    pub fn binds(&self) -> usize {
        self.binds.load(Ordering::SeqCst)
    }
}

/// The agent binds with the first message of a connection, and sends it in one piece.
fn pass(mut client: TcpStream, to: &str, binds: &AtomicUsize) {
    let mut first = [0; 4096];
    let Ok(length) = client.read(&mut first) else { return };
    if is_bind(&first[..length]) {
        binds.fetch_add(1, Ordering::SeqCst);
    }
    let Ok(mut server) = TcpStream::connect(to) else { return };
    let (Ok(mut from_client), Ok(mut to_server)) = (client.try_clone(), server.try_clone()) else { return };
    if to_server.write_all(&first[..length]).is_err() {
        return;
    }
    thread::spawn(move || {
        let _ = copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    let _ = copy(&mut server, &mut client);
}

/// SEQUENCE, INTEGER (the id), and then [APPLICATION 0] (RFC 4511, 4.2).
fn is_bind(message: &[u8]) -> bool {
    matches!(message, [0x30, length, 0x02, 0x01, _, 0x60, ..] if *length < 0x80)
}
