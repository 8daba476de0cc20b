//! A mail server of one's own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A mail server that keeps what it takes, and refuses what it is told to.
#[derive(Clone, Debug, Default)]
pub struct MailSink {
    pub taken: Arc<Mutex<Vec<String>>>,
    /// Every word that a client said, but for what it sent as mail.
    pub said: Arc<Mutex<Vec<String>>>,
    /// Who may send: base64 of NUL, user, NUL and password (RFC 4616); None: everybody.
    pub login: Option<String>,
    /// Answer to the next recipients: `451 later`; gone once it was given.
    pub refusals: Arc<Mutex<Vec<&'static str>>>,
}

impl MailSink {
    /// On a port of its own, for as long as the runtime lives.
    pub async fn start(&self) -> u16 {
        self.start_on(0).await
    }

    pub async fn start_on(&self, port: u16) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sink = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sink = sink.clone();
                tokio::spawn(async move { sink.talk(stream).await });
            }
        });
        port
    }

    /// The same behind TLS from the first byte.
    pub async fn start_with_tls(&self, tls: ServerConfig) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sink, acceptor) = (self.clone(), TlsAcceptor::from(Arc::new(tls)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sink, acceptor) = (sink.clone(), acceptor.clone());
                tokio::spawn(async move {
                    // Who does not trust us goes away again.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        sink.talk(stream).await;
                    }
                });
            }
        });
        port
    }

    /// RFC 5321, as much of it as a client needs.
    async fn talk(&self, stream: impl AsyncRead + AsyncWrite) {
        let (reading, mut writing) = tokio::io::split(stream);
        let mut lines = BufReader::new(reading).lines();
        writing.write_all(b"220 sink\r\n").await.unwrap();
        let mut message: Option<String> = None;
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(text) = &mut message {
                if line != "." {
                    text.push_str(&line);
                    text.push('\n');
                    continue;
                }
                self.taken.lock().unwrap().extend(message.take());
            } else if line == "DATA" {
                message = Some(String::new());
            }
            let word = line.split(' ').next().unwrap_or_default().to_uppercase();
            self.said.lock().unwrap().push(line.clone());
            let refusal = (word == "RCPT").then(|| self.refusals.lock().unwrap().pop()).flatten();
            let answer = match word.as_str() {
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                "EHLO" if self.login.is_some() => "250-sink\r\n250 AUTH PLAIN",
                "AUTH" if self.login.as_ref().is_some_and(|login| line == format!("AUTH PLAIN {login}")) => "235 in",
                "AUTH" => "535 who?",
                _ => refusal.unwrap_or("250 sink"),
            };
            if writing.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// What was taken, once there are so many, or after ten seconds.
    pub async fn mails(&self, count: usize) -> Vec<String> {
        for _ in 0..200 {
            if self.taken.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.taken.lock().unwrap().clone()
    }
}
