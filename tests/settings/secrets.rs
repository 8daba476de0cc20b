//! Rule 22: where secrets come from, and who else may read or write.

use seatsync::model::settings::{Bind, Settings, Source};
use seatsync::settings::load_sparing;
use secrecy::ExposeSecret as _;

use crate::folder::{Folder, config_of, these};

fn server(secret: &str) -> String {
    config_of(&format!(
        "[[directory]]\nname = \"corp\"\nbase = [\"dc=corp\"]\nurl = [\"ldaps://dc01\"]\nbind_dn = \"cn=reader\"\n\
         bind_password = {secret}\n"
    ))
}

fn password(settings: &Settings) -> String {
    match &settings.directories[0].source {
        Source::Ldap(ldap) => match &ldap.bind {
            Bind::Simple { password, .. } => password.expose_secret().to_owned(),
            _ => panic!("a simple bind"),
        },
        Source::Ldif { .. } => panic!("a server"),
    }
}

#[test]
fn one_newline_at_the_end_of_a_secrets_file_is_not_part_of_it() {
    let folder = Folder::new();
    for (text, secret) in [("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), (" a\n\n", " a\n")] {
        folder.write("password", text);
        let loaded = folder.load(&server("{ file = \"password\" }"), &[]).unwrap();
        assert_eq!(password(&loaded.settings), secret, "{text:?}");
        let told = loaded.warnings.iter().any(|warning| warning.message.contains("ends with an empty line"));
        assert_eq!(told, secret.ends_with('\n'), "{text:?}: {:?}", loaded.warnings);
    }
}

#[test]
fn a_secret_comes_from_a_variable() {
    let folder = Folder::new();
    let text = server("{ env = \"CORP_PASSWORD\" }");
    let loaded = folder.load(&text, &[("CORP_PASSWORD", "s3cret")]).unwrap();
    assert_eq!(password(&loaded.settings), "s3cret");
    assert!(folder.load(&text, &[("CORP_PASSWORD", "")]).unwrap_err().to_string().contains("empty secret"));
}

#[test]
fn a_secret_comes_from_a_systemd_credential() {
    let folder = Folder::new();
    let text = server("{ credential = \"corp.password\" }");
    let credentials = folder.path("").display().to_string();
    let loaded = folder.load(&text, &[("CREDENTIALS_DIRECTORY", &credentials)]).unwrap();
    assert_eq!(password(&loaded.settings), "secret");
    let said = folder.load(&text, &[("CREDENTIALS_DIRECTORY", "/nowhere")]).unwrap_err().to_string();
    assert!(said.contains("LoadCredential=corp.password:"), "{said}");
}

#[test]
fn a_credential_of_the_packaged_service_is_found_by_verbs_that_root_types() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("secrets")).unwrap();
    let text = server("{ credential = \"secrets_corp\" }");
    let missing = folder.load(&text, &[]).unwrap_err().to_string();
    assert!(missing.contains("secrets/corp") && missing.contains("as root"), "{missing}");
    folder.write("secrets/corp", "of root");
    assert_eq!(password(&folder.load(&text, &[]).unwrap().settings), "of root");
    // The service itself has what systemd gave it, and nothing else.
    let inside = folder.load(&text, &[("CREDENTIALS_DIRECTORY", "/nowhere")]).unwrap_err().to_string();
    assert!(
        inside
            .contains("secrets/corp is there since the service was started: restart it (`systemctl restart seatsync`)"),
        "{inside}"
    );
    std::fs::remove_file(folder.path("secrets/corp")).unwrap();
    let inside = folder.load(&text, &[("CREDENTIALS_DIRECTORY", "/nowhere")]).unwrap_err().to_string();
    assert!(inside.contains("keep it as ") && inside.contains("and then restart it (`systemctl restart"), "{inside}");
}

#[test]
fn a_credential_that_is_called_like_its_file_is_told_its_name() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("secrets")).unwrap();
    folder.write("secrets/corp", "of root");
    for environment in [&[][..], &[("CREDENTIALS_DIRECTORY", "/nowhere")]] {
        let told = folder.load(&server("{ credential = \"corp\" }"), environment).unwrap_err().to_string();
        assert!(told.contains("write credential = \"secrets_corp\""), "{told}");
    }
}

#[test]
fn another_secret_than_the_service_was_given_at_its_start_needs_a_restart_and_says_so() {
    let folder = Folder::new();
    for name in ["secrets", "given"] {
        std::fs::create_dir(folder.path(name)).unwrap();
    }
    let given = folder.path("given").display().to_string();
    let load = || folder.load(&server("{ credential = \"secrets_corp\" }"), &[("CREDENTIALS_DIRECTORY", &given)]);
    folder.write("given/secrets_corp", "old");
    assert_eq!(password(&load().unwrap().settings), "old", "the service may not look into the other file");
    folder.write("secrets/corp", "old");
    assert_eq!(password(&load().unwrap().settings), "old");
    folder.write("secrets/corp", "new");
    let told = load().unwrap_err().to_string();
    assert!(told.contains("`systemctl restart seatsync`") && !told.contains("new\""), "{told}");
}

#[test]
fn who_connects_to_nothing_is_told_of_a_missing_secret_and_goes_on_without() {
    let folder = Folder::new();
    for (written, named) in [
        ("{ env = \"UNSET\" }", "is not set in the environment"),
        ("{ credential = \"corp\" }", "LoadCredential=corp:"),
        ("{ credential = \"secrets_corp\" }", "keep it as "),
        ("{ file = \"nowhere\" }", "cannot be read"),
        ("{ file = \"empty.password\" }", "holds an empty secret"),
    ] {
        let config = folder.write("seatsync.toml", &server(written));
        let loaded = load_sparing(&config, &these(&[])).unwrap();
        let [absent] = loaded.absent.as_slice() else { panic!("{written}: {:?}", loaded.absent) };
        assert!(absent.message.contains(named), "{absent}");
        assert!(absent.key.starts_with("directory.corp.bind_password."), "{absent}");
        assert_eq!(password(&loaded.settings), "");
    }
    // What is wrong with the config itself stays wrong.
    for written in ["\"s3cret\"", "{ env = \"A\", file = \"b\" }", "{ credential = \"../corp\" }"] {
        let config = folder.write("seatsync.toml", &server(written));
        assert!(load_sparing(&config, &these(&[])).is_err(), "{written}");
    }
}

#[test]
fn no_message_of_a_credential_tells_what_only_a_reload_does() {
    let folder = Folder::new();
    let text = server("{ credential = \"secrets_corp\" }");
    let told = folder.load(&text, &[("CREDENTIALS_DIRECTORY", "/nowhere")]).unwrap_err().to_string();
    assert!(!told.contains("in force"), "{told}");
}

#[test]
fn a_secret_is_printed_nowhere() {
    let folder = Folder::new();
    folder.write("password", "hunter2");
    let loaded = folder.load(&server("{ file = \"password\" }"), &[]).unwrap();
    assert!(!format!("{loaded:?}").contains("hunter2"));
}

#[test]
fn a_changed_secret_does_not_change_the_digest() {
    let folder = Folder::new();
    let text = server("{ file = \"password\" }");
    folder.write("password", "one");
    let one = folder.load(&text, &[]).unwrap().settings.digest;
    folder.write("password", "two");
    assert_eq!(folder.load(&text, &[]).unwrap().settings.digest, one);
}

#[cfg(unix)]
mod modes {
    use seatsync::settings;

    use super::server;
    use crate::folder::{Folder, config, set_mode, these};

    #[test]
    fn a_secrets_file_is_for_its_owner_alone() {
        let folder = Folder::new();
        for (mode, allowed) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            set_mode(&folder.path("corp.password"), mode);
            let loaded = folder.load(&server("{ file = \"corp.password\" }"), &[]);
            assert_eq!(loaded.is_ok(), allowed, "{mode:o}");
            if let Err(problems) = loaded {
                let command = format!("run: chmod 600 {}", folder.path("corp.password").display());
                assert!(problems.to_string().ends_with(&command), "{problems}");
            }
        }
    }

    #[test]
    fn a_config_is_written_by_its_owner_alone() {
        let folder = Folder::new();
        let path = folder.write("seatsync.toml", &config(""));
        for (mode, allowed) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false)] {
            set_mode(&path, mode);
            let loaded = settings::load(&path, &these(&[]));
            assert_eq!(loaded.is_ok(), allowed, "{mode:o}");
            if let Err(problems) = loaded {
                assert!(problems.to_string().ends_with(&format!("run: chmod go-w {}", path.display())), "{problems}");
            }
        }
    }
}

#[test]
fn a_token_is_one_line_and_where_its_file_is_missing_a_token_is_asked_for() {
    let folder = Folder::new();
    let text = |token: &str| {
        format!(
            "[[directory]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"people.ldif\"\nbase = [\"dc=corp\"]\n\
             [[pool]]\nname = \"standard\"\n[backend]\nkind = \"ledger\"\ncompany = \"acme\"\n\
             url = \"https://ledger.corp.example\"\ntoken = {{ file = \"{token}\" }}\n"
        )
    };
    folder.write("people.ldif", "");
    folder.write("token", "seatsync_0123456789abcdef_secret\n");
    folder.load(&text("token"), &[]).unwrap();
    folder.write("token", "seatsync_0123456789abcdef_secret\nseatsync_fedcba9876543210_secret\n");
    let said = folder.load(&text("token"), &[]).unwrap_err().to_string();
    assert!(said.contains("several lines") && said.contains("the token"), "{said}");
    let said = folder.load(&text("nowhere"), &[]).unwrap_err().to_string();
    assert!(said.contains("start that one first") && !said.contains("password"), "{said}");
}
