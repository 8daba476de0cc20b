//! A message as a mail: plain text, to one receiver, known again by its id.

use std::time::SystemTime;

use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};

use super::{Extent, TIMEOUT, Undelivered};
use crate::model::notice::Parcel;
use crate::model::settings::EmailSettings;
use crate::smtp::{MailError, Post, Unsent};

/// RFC 3834 section 5: nobody answers a machine. Exchange has a header of its own for it.
const BY_A_MACHINE: [(&str, &str); 2] = [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")];

pub struct Mail {
    post: Post,
    /// `mail.corp.example:465`.
    server: String,
    /// Whether there is a password to log in with.
    logs_in: bool,
}

impl Mail {
    pub fn new(settings: &EmailSettings) -> Result<Self, MailError> {
        let smtp = &settings.smtp;
        let server = format!("{}:{}", smtp.host, smtp.port);
        Ok(Self { post: Post::new(smtp, TIMEOUT)?, server, logs_in: smtp.credentials.is_some() })
    }

    pub async fn probe(&self) -> Result<String, String> {
        self.post.probe().await?;
        let logged_in = if self.logs_in { "takes user and password" } else { "answers, and asks for no password" };
        Ok(format!("{} {logged_in}; no mail was sent", self.server))
    }

    pub async fn send(&self, parcel: &Parcel, to: &str) -> Result<(), Undelivered> {
        let sent = match write(parcel, &self.post.from, to) {
            Ok(message) => self.post.send(message).await,
            Err(unwritable) => Err(unwritable),
        };
        sent.map_err(|unsent| Undelivered { reason: unsent.reason(), extent: extent(&unsent), rest: None })
    }
}

/// A refusal for good may be for this message alone, or for its receiver; what was not answered holds for all.
fn extent(unsent: &Unsent) -> Extent {
    match (unsent.is_answer() && !unsent.is_about_login(), unsent.is_final()) {
        (false, _) => Extent::Way,
        (true, true) => Extent::Message,
        (true, false) => Extent::Receiver,
    }
}

fn write(parcel: &Parcel, from: &Mailbox, to: &str) -> Result<Message, Unsent> {
    let notice = &parcel.notice;
    let to: Mailbox = to.parse().map_err(Unsent::unwritable)?;
    // The same in every try: a server or reader that got it already knows it again.
    let id = format!("<{}@{}>", parcel.message, from.email.domain());
    let mut message = Message::builder()
        .from(from.clone())
        .to(to)
        .subject(&notice.subject)
        .message_id(Some(id))
        .date(SystemTime::from(notice.at))
        .header(ContentType::TEXT_PLAIN);
    for (name, value) in BY_A_MACHINE {
        message = message.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned()));
    }
    message.body(notice.text.clone()).map_err(Unsent::unwritable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::notice::{Channel, Notice, NoticeKind};

    #[test]
    fn a_mail_has_the_headers_of_a_machine_and_is_the_same_in_every_try() {
        let at = "2026-11-26T07:00:00Z".parse().unwrap();
        let parcel = Parcel {
            id: 1,
            message: "0123".into(),
            channel: Channel::Mail(String::new()),
            notice: Notice {
                kind: NoticeKind::Digest,
                at,
                subject: "Zürich\r\nBcc: all@corp.example".into(),
                text: "Grüße\n".into(),
                body: "{}".into(),
            },
            attempts: 0,
            next: at,
            refused: false,
        };
        let from = "Seats <seats@corp.example>".parse().unwrap();
        let written = || String::from_utf8(write(&parcel, &from, "it@corp.example").unwrap().formatted()).unwrap();
        let mail = written();
        assert_eq!(mail, written());
        for header in [
            "From: Seats <seats@corp.example>\r\n",
            "To: it@corp.example\r\n",
            "Message-ID: <0123@corp.example>\r\n",
            "Date: Thu, 26 Nov 2026 07:00:00 +0000\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Auto-Submitted: auto-generated\r\n",
        ] {
            assert!(mail.contains(header), "{header} in {mail}");
        }
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("\nBcc:"), "{head}");
    }
}
