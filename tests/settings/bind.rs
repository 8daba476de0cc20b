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

fn kerberos(keys: &str) -> String {
    config_of(&format!("[[directory]]\nname = \"corp\"\nbase = [\"dc=corp\"]\nbind = \"kerberos\"\n{keys}\n"))
}

#[cfg(not(feature = "kerberos"))]
#[test]
fn a_program_without_kerberos_says_so_and_how_to_come_by_it() {
    let said = Folder::new().load(&kerberos("url = [\"ldaps://dc01\"]"), &[]).unwrap_err().to_string();
    assert!(said.contains("directory.corp.bind = \"kerberos\": is not in this program"), "{said}");
    assert!(said.contains("cargo build --release --features kerberos"), "{said}");
}

#[cfg(all(feature = "kerberos", unix))]
mod with_kerberos {
    use super::*;

    /// A folder with a keytab that holds no key yet.
    fn folder() -> Folder {
        let folder = Folder::new();
        folder.write("corp.keytab", "\u{5}\u{2}");
        folder
    }

    fn refused(keys: &str, words: &str) {
        let said = folder().load(&kerberos(keys), &[]).map(|_| ()).unwrap_err().to_string();
        assert!(said.contains(words), "{keys}: {said}");
    }

    #[test]
    fn keytab_and_principal_may_each_be_left_out() {
        for keys in [
            "",
            "keytab = \"corp.keytab\"",
            "principal = \"svc@CORP\"",
            "keytab = \"corp.keytab\"\nprincipal = \"svc@CORP\"",
        ] {
            let folder = folder();
            let loaded = folder.load(&kerberos(&format!("url = [\"srv:corp.example\"]\n{keys}")), &[]).unwrap();
            let Source::Ldap(ldap) = &loaded.settings.directories[0].source else { panic!("a server") };
            let Bind::Kerberos { keytab, principal } = &ldap.bind else { panic!("{ldap:?}") };
            assert_eq!(keytab.as_ref(), keys.contains("keytab").then(|| folder.path("corp.keytab")).as_ref());
            assert_eq!(principal.as_deref(), keys.contains("principal").then_some("svc@CORP"));
        }
    }

    #[test]
    fn kerberos_is_for_tls_and_for_servers_that_have_a_name() {
        refused("url = [\"ldap://dc01\"]", "Kerberos is used within TLS alone");
        refused("url = [\"ldap://localhost\"]\nallow_plaintext = true", "Kerberos is used within TLS alone");
        refused("url = [\"ldaps://10.0.0.1\"]", "is an address, and Kerberos knows servers by name");
        refused("url = [\"ldaps://[::1]:636\"]", "is an address, and Kerberos knows servers by name");
    }

    #[test]
    fn a_keytab_is_a_secret_and_a_keytab() {
        const URL: &str = "url = [\"ldaps://dc01\"]\n";
        refused(&format!("{URL}keytab = \"corp.password\""), "is no keytab; name a keytab of the account");
        refused(&format!("{URL}keytab = \"nowhere\""), "cannot be read (");
        refused(&format!("{URL}principal = \"CORP\\\\svc\""), "such as \"svc-seatsync@CORP.EXAMPLE\"");
        refused(&format!("{URL}bind_dn = \"svc\""), "directory.corp.bind_dn: has no meaning with bind = \"kerberos\"");
        let folder = folder();
        set_mode(&folder.path("corp.keytab"), 0o644);
        let said = folder.load(&kerberos(&format!("{URL}keytab = \"corp.keytab\"")), &[]).unwrap_err().to_string();
        assert!(said.contains("others than its owner may use it") && said.contains("run: chmod 600"), "{said}");
    }
}
