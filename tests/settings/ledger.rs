//! `[ledger]`: what is allowed, at its limits.

use seatsync::model::settings::{LedgerSettings, SmtpTls};
use seatsync::settings;
use secrecy::ExposeSecret as _;

use crate::folder::{Folder, certificate, config, these};

fn load(folder: &Folder, text: &str, variables: &[(&str, &str)]) -> Result<LedgerSettings, String> {
    let path = folder.write("ledger.toml", text);
    let loaded = settings::load_ledger(&path, &these(variables));
    loaded.map(|loaded| loaded.ledger).map_err(|problems| problems.to_string())
}

#[test]
fn what_is_left_out_has_the_defaults_of_the_sample() {
    let ledger = load(&Folder::new(), "[ledger]\ndatabase = \"ledger.db\"\n", &[]).unwrap();
    assert_eq!(ledger.listen.to_string(), "127.0.0.1:8760");
    assert!(ledger.database.is_absolute() && ledger.tls.is_none() && ledger.smtp.is_none());
}

const TLS: &str = "tls_cert = \"ledger.pem\"\ntls_key = \"ledger.key\"\n";

#[test]
fn tokens_travel_in_the_clear_on_this_machine_alone() {
    let folder = Folder::new();
    let (cert, key) = certificate();
    folder.write("ledger.pem", &cert);
    folder.write("ledger.key", &key);
    for (listen, tls, allowed) in [
        ("127.0.0.1:1", "", true),
        ("127.9.9.9:1", "", true),
        ("[::1]:1", "", true),
        ("0.0.0.0:1", "", false),
        ("[::]:1", "", false),
        ("192.0.2.1:1", "", false),
        ("0.0.0.0:1", TLS, true),
        ("127.0.0.1:1", TLS, true),
    ] {
        let text = format!("[ledger]\ndatabase = \"ledger.db\"\nlisten = \"{listen}\"\n{tls}");
        assert_eq!(load(&folder, &text, &[]).is_ok(), allowed, "{listen} {tls}");
    }
}

#[cfg(unix)]
#[test]
fn the_key_is_for_its_owner_alone() {
    let folder = Folder::new();
    let (cert, key) = certificate();
    folder.write("ledger.pem", &cert);
    let path = folder.write("ledger.key", &key);
    crate::folder::set_mode(&path, 0o640);
    let text = "[ledger]\ndatabase = \"ledger.db\"\ntls_cert = \"ledger.pem\"\ntls_key = \"ledger.key\"\n";
    let said = load(&folder, text, &[]).unwrap_err();
    assert!(said.ends_with(&format!("run: chmod 600 {}", path.display())), "{said}");
}

#[test]
fn the_key_of_another_certificate_is_refused_before_anybody_is_served_with_it() {
    let folder = Folder::new();
    let ((cert, _), (_, another)) = (certificate(), certificate());
    folder.write("ledger.pem", &cert);
    folder.write("ledger.key", &another);
    let text = "[ledger]\ndatabase = \"ledger.db\"\ntls_cert = \"ledger.pem\"\ntls_key = \"ledger.key\"\n";
    let said = load(&folder, text, &[]).unwrap_err();
    assert!(said.contains("is not the key of tls_cert"), "{said}");
}

#[test]
fn mail_goes_over_tls_but_to_this_machine_without_a_password() {
    let folder = Folder::new();
    for (url, more, host, port, tls) in [
        ("smtps://mail", "", "mail", 465, SmtpTls::Implicit),
        ("smtps://127.0.0.1:4650", "", "127.0.0.1", 4650, SmtpTls::Implicit),
        ("smtp://mail", "", "mail", 587, SmtpTls::StartTls),
        ("smtp://mail:25", "", "mail", 25, SmtpTls::StartTls),
        ("smtp://localhost:25", "", "localhost", 25, SmtpTls::None),
        ("smtp://[::1]", "", "::1", 587, SmtpTls::None),
        ("smtp://localhost:25", "user = \"x\"\npassword = { env = \"P\" }\n", "localhost", 25, SmtpTls::StartTls),
    ] {
        let text = format!(
            "[ledger]\ndatabase = \"l.db\"\n[ledger.smtp]\nurl = \"{url}\"\nfrom = \"Seats <a@b.example>\"\n{more}"
        );
        let smtp = load(&folder, &text, &[("P", "hunter2")]).unwrap().smtp.unwrap();
        assert_eq!((smtp.host.as_str(), smtp.port, smtp.tls), (host, port, tls), "{url}");
        assert_eq!(smtp.credentials.is_some(), !more.is_empty());
        assert!(!format!("{smtp:?}").contains("hunter2"));
        let password = smtp.credentials.map(|(_, password)| password.expose_secret().to_owned());
        assert!(password.is_none_or(|password| password == "hunter2"));
    }
}

#[test]
fn a_variable_stands_over_the_file() {
    let variables = [("SEATSYNC__LEDGER__LISTEN", "127.0.0.1:1"), ("SEATSYNC__LEDGER__DATABASE", "/x/other.db")];
    let ledger = load(&Folder::new(), "[ledger]\ndatabase = \"ledger.db\"\n", &variables).unwrap();
    assert_eq!(ledger.listen.port(), 1);
    assert!(ledger.database.ends_with("other.db"));
}

#[test]
fn it_may_stand_beside_an_agent_and_is_checked_with_it() {
    let folder = Folder::new();
    let text = config("[ledger]\ndatabase = \"ledger.db\"\n");
    assert!(load(&folder, &text, &[]).is_ok());
    assert!(folder.load(&text, &[]).is_ok());
    let path = folder.write("both.toml", &text);
    assert!(!settings::is_ledger_alone(&path, &these(&[])));
    let wrong = config("[ledger]\ndatabase = \"ledger.db\"\nlisten = \"x\"\n");
    assert!(folder.load(&wrong, &[]).unwrap_err().to_string().contains("ledger.listen"));
}
