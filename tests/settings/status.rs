//! `[status]`: who may come where.

use seatsync::model::settings::StatusSettings;

use crate::folder::{Folder, certificate, config};

fn load(folder: &Folder, status: &str) -> Result<StatusSettings, String> {
    let loaded = folder.load(&config(&format!("[status]\n{status}")), &[]);
    loaded.map(|loaded| loaded.settings.status).map_err(|problems| problems.to_string())
}

#[test]
fn left_out_it_is_for_this_machine_alone_and_not_worth_the_agents_start() {
    let settings = load(&Folder::new(), "").unwrap();
    let listen = settings.listen.unwrap();
    assert_eq!((listen.address.to_string().as_str(), listen.named), ("127.0.0.1:8750", false));
    assert!(settings.tls.is_none() && settings.token.is_none());
    assert!(load(&Folder::new(), "listen = \"127.0.0.1:1\"").unwrap().listen.unwrap().named);
    assert!(load(&Folder::new(), "listen = \"off\"").unwrap().listen.is_none());
}

#[test]
fn others_than_this_machine_come_over_tls_and_with_a_token() {
    let folder = Folder::new();
    let (cert, key) = certificate();
    folder.write("status.pem", &cert);
    folder.write("status.key", &key);
    folder.write("status.token", "0123456789abcdef\n");
    let (tls, token) =
        ("tls_cert = \"status.pem\"\ntls_key = \"status.key\"\n", "token = { file = \"status.token\" }\n");
    for (listen, more, allowed) in [
        ("127.0.0.1:1", String::new(), true),
        ("[::1]:1", String::new(), true),
        ("127.0.0.1:1", token.to_owned(), true),
        ("0.0.0.0:1", String::new(), false),
        ("0.0.0.0:1", tls.to_owned(), false),
        ("0.0.0.0:1", token.to_owned(), false),
        ("[::]:1", format!("{tls}{token}"), true),
    ] {
        assert_eq!(load(&folder, &format!("listen = \"{listen}\"\n{more}")).is_ok(), allowed, "{listen} {more}");
    }
}

#[test]
fn a_token_that_can_be_guessed_is_refused_and_not_shown() {
    let folder = Folder::new();
    for (token, allowed) in [("0123456789abcde", false), ("0123456789abcdef", true)] {
        folder.write("status.token", token);
        let loaded = load(&folder, "token = { file = \"status.token\" }");
        assert_eq!(loaded.is_ok(), allowed, "{token}");
        assert!(!format!("{loaded:?}").contains(token));
    }
}
