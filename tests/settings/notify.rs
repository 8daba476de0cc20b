//! `[notify]`: what is allowed, at its limits.

use jiff::civil::time;
use seatsync::model::settings::{NotifySettings, SmtpTls};
use secrecy::ExposeSecret as _;

use crate::folder::{Folder, config};

const MAIL: &str = "[notify.email]\nsmtp = \"smtps://mail\"\nfrom = \"a@b.example\"\nto = [\"it@b.example\"]\n";

fn load(folder: &Folder, sections: &str, variables: &[(&str, &str)]) -> Result<Option<NotifySettings>, String> {
    let loaded = folder.load(&config(sections), variables);
    loaded.map(|loaded| loaded.settings.notify).map_err(|problems| problems.to_string())
}

#[test]
fn without_the_section_nobody_is_told_and_one_way_is_enough() {
    let folder = Folder::new();
    assert!(load(&folder, "", &[]).unwrap().is_none());
    let notify = load(&folder, MAIL, &[]).unwrap().unwrap();
    assert_eq!((notify.after_failures, notify.digest, notify.webhook.is_none()), (3, Some(time(8, 0, 0, 0)), true));
}

#[test]
fn the_digest_has_a_time_or_is_off() {
    let folder = Folder::new();
    for (text, wanted) in [
        ("00:00", Some(Some(time(0, 0, 0, 0)))),
        ("23:59", Some(Some(time(23, 59, 0, 0)))),
        ("off", Some(None)),
        ("24:00", None),
        ("7:30", None),
        ("07:30:00", None),
        ("+7:30", None),
        ("dawn!", None),
        ("é:00", None),
    ] {
        let text = format!("[notify]\ndigest = \"{text}\"\n{MAIL}");
        let found = load(&folder, &text, &[]).ok().map(|notify| notify.unwrap().digest);
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn the_user_of_the_mail_server_stands_beside_it_or_in_its_url() {
    let folder = Folder::new();
    for (smtp, user, wanted) in [
        ("smtps://mail", "", None),
        ("smtps://mail", "user = \"seats@b.example\"\n", Some("seats@b.example")),
        ("smtps://seats@b.example@mail", "", Some("seats@b.example")),
        ("smtp://seats@mail:2525", "", Some("seats")),
    ] {
        let password = if wanted.is_some() { "password = { file = \"corp.password\" }\n" } else { "" };
        let text = MAIL.replace("smtps://mail\"\n", &format!("{smtp}\"\n{user}{password}"));
        let smtp = load(&folder, &text, &[]).unwrap().unwrap().email.unwrap().smtp;
        assert_eq!(smtp.host, "mail");
        assert_eq!(smtp.credentials.as_ref().map(|(user, _)| user.as_str()), wanted, "{text}");
        if let Some((_, password)) = smtp.credentials {
            assert_eq!(password.expose_secret(), "secret");
            assert_ne!(smtp.tls, SmtpTls::None);
        }
    }
}

#[test]
fn each_receiver_is_told_once_and_a_variable_may_name_them() {
    let folder = Folder::new();
    let text = MAIL.replace("[\"it@b.example\"]", "[\"it@b.example\", \"boss@b.example\", \"it@b.example\"]");
    let to = |notify: Option<NotifySettings>| notify.unwrap().email.unwrap().to;
    assert_eq!(to(load(&folder, &text, &[]).unwrap()), ["boss@b.example", "it@b.example"]);
    let variable = [("SEATSYNC__NOTIFY__EMAIL__TO", "c@b.example,d@b.example")];
    assert_eq!(to(load(&folder, MAIL, &variable).unwrap()), ["c@b.example", "d@b.example"]);
}

#[test]
fn a_webhook_needs_tls_but_on_this_machine_and_a_secret_that_nobody_guesses() {
    let folder = Folder::new();
    folder.write("raw.secret", "0123456789abcdef01234567\n");
    folder.write("short.secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NQ==\n");
    folder.write("broken.secret", "whsec_ this is no base64 at all\n");
    folder.write("coded.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    for (url, secret, allowed) in [
        ("https://alerts.b.example/hook?code=x", "raw", true),
        ("https://alerts.b.example?code=x", "coded", true),
        ("http://127.0.0.1:9000/hook", "raw", true),
        ("http://alerts.b.example/hook", "raw", false),
        ("https://me@alerts.b.example/hook", "raw", false),
        ("https://alerts.b.example/hook#top", "raw", false),
        ("alerts.b.example", "raw", false),
        ("https://alerts.b.example/hook", "broken", false),
        ("https://alerts.b.example/hook", "short", false),
        ("https://alerts.b.example/hook", "corp.password", false),
    ] {
        let file = if secret.contains('.') { secret.to_owned() } else { format!("{secret}.secret") };
        let text = format!("[notify.webhook]\nurl = \"{url}\"\nsecret = {{ file = \"{file}\" }}\n");
        let loaded = load(&folder, &text, &[]);
        assert_eq!(loaded.is_ok(), allowed, "{url} {secret}: {loaded:?}");
        assert!(!format!("{loaded:?}").contains("code=x"), "{loaded:?}");
    }
    let coded = "[notify.webhook]\nurl = \"https://a.example\"\nsecret = { file = \"coded.secret\" }\n";
    let key = load(&folder, coded, &[]).unwrap().unwrap().webhook.unwrap().key;
    assert_eq!(key.expose_secret().len(), 24);
}
