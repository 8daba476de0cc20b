//! `bind` and the keys that belong to each way of logging on.

use seatsync::model::settings::{Bind, Source};

use crate::folder::{Folder, certificate, config_of, set_mode};

/// A folder with a certificate and its key.
fn folder() -> Folder {
    let folder = Folder::new();
    let (cert, key) = certificate();
    folder.write("client.crt", &cert);
    folder.write("client.key", &key);
    folder
}

fn external(keys: &str) -> String {
    config_of(&format!(
        "[[directory]]\nname = \"corp\"\nbase = [\"dc=corp\"]\nbind = \"external\"\nclient_cert = \"client.crt\"\nclient_key = \
         \"client.key\"\n{keys}\n"
    ))
}

#[test]
fn a_certificate_and_its_key_are_files_of_the_configs_folder() {
    let folder = folder();
    let loaded = folder.load(&external("url = [\"ldaps://dc01\"]"), &[]).unwrap();
    let Source::Ldap(ldap) = &loaded.settings.directories[0].source else { panic!("a server") };
    let Bind::External(files) = &ldap.bind else { panic!("{ldap:?}") };
    assert_eq!((&files.cert, &files.key), (&folder.path("client.crt"), &folder.path("client.key")));
    let used: Vec<_> = loaded.files.iter().map(|used| used.path.clone()).collect();
    assert!(used.contains(&files.cert) && used.contains(&files.key), "{used:?}");
}

#[test]
fn a_certificate_is_shown_in_tls_alone_on_this_machine_too() {
    let folder = folder();
    for (keys, allowed) in [
        ("url = [\"ldaps://dc01\"]", true),
        ("url = [\"srv:corp.example\"]", true),
        ("url = [\"ldap://dc01\"]\nstart_tls = true", true),
        ("url = [\"ldap://dc01\"]", false),
        ("url = [\"ldap://localhost\"]", false),
        ("url = [\"ldap://dc01\"]\nallow_plaintext = true", false),
        ("url = [\"ldaps://dc01\", \"ldap://dc02\"]", false),
    ] {
        match folder.load(&external(keys), &[]) {
            Ok(_) => assert!(allowed, "{keys}"),
            Err(problems) => {
                assert!(!allowed && problems.to_string().contains("no certificate can be shown"), "{keys}: {problems}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused_with_the_command_that_closes_it() {
    let folder = folder();
    set_mode(&folder.path("client.key"), 0o640);
    let said = folder.load(&external("url = [\"ldaps://dc01\"]"), &[]).unwrap_err().to_string();
    assert!(said.contains("directory.corp.client_key") && said.contains("run: chmod 600"), "{said}");
    // A certificate is no secret.
    set_mode(&folder.path("client.key"), 0o600);
    set_mode(&folder.path("client.crt"), 0o644);
    folder.load(&external("url = [\"ldaps://dc01\"]"), &[]).unwrap();
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    let folder = folder();
    folder.write("client.key", &certificate().1);
    let said = folder.load(&external("url = [\"ldaps://dc01\"]"), &[]).unwrap_err().to_string();
    assert!(said.contains("is not the key of client_cert, whose first certificate must be the client's"), "{said}");
}
