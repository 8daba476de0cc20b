use super::*;

fn settings(urls: &[&str], password: &str) -> LdapSettings {
    LdapSettings {
        urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        ca_file: None,
        start_tls: false,
        allow_plaintext: false,
        bind: Bind::Simple { dn: "cn=a".to_owned(), password: password.to_owned().into() },
        page_size: 1000,
        timeout: Duration::from_secs(1),
    }
}

#[test]
fn a_password_crosses_no_plain_network_unless_allowed() {
    let plain = settings(&["ldap://dc.example"], "secret");
    let error = allowed(&plain, &plain.urls[0]).unwrap_err();
    assert!(error.doing.contains("`allow_plaintext = true`"), "{}", error.doing);
    assert!(!error.doing.contains("secret"));
    for fine in ["ldaps://dc.example", "ldap://127.0.0.1:3389", "ldap://localhost"] {
        assert!(allowed(&plain, fine).is_ok(), "{fine}");
    }
    assert!(allowed(&LdapSettings { allow_plaintext: true, ..plain.clone() }, "ldap://dc.example").is_ok());
    assert!(allowed(&LdapSettings { start_tls: true, ..plain.clone() }, "ldap://dc.example").is_ok());
    assert!(allowed(&LdapSettings { bind: Bind::Anonymous, ..plain }, "ldap://dc.example").is_ok());
}

#[test]
fn an_empty_password_is_never_sent() {
    let empty = LdapSettings { allow_plaintext: true, ..settings(&["ldaps://dc.example"], "") };
    for url in ["ldaps://dc.example", "ldap://127.0.0.1"] {
        let error = allowed(&empty, url).unwrap_err();
        assert!(error.doing.contains("the password is empty"), "{}", error.doing);
    }
}

#[test]
fn tls_to_an_ipv6_address_is_refused_with_a_reason() {
    assert!(allowed(&settings(&[], "x"), "ldaps://[::1]:636").is_err());
    assert!(allowed(&settings(&[], "x"), "ldap://[::1]:389").is_ok());
}

#[tokio::test]
async fn a_server_that_hangs_up_as_tls_begins_is_asked_whether_its_port_speaks_tls() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldaps://{}", listener.local_addr().unwrap());
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Any LDAP server reads what it does not understand, and closes.
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
    });
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let made = rcgen::generate_simple_self_signed(["lab".to_owned()]).unwrap();
    std::fs::write(&ca_file, made.cert.pem()).unwrap();
    let settings = LdapSettings { ca_file: Some(ca_file), timeout: Duration::from_secs(20), ..settings(&[], "x") };
    let budget = Budget::new(settings.timeout, 1);
    let error = dial(&settings, &url, &budget).await.err().unwrap();
    plain.await.unwrap();
    assert!(error.doing.contains("the connection was lost (") && error.doing.ends_with(NO_TLS), "{}", error.doing);
    assert_eq!((error.advice.as_deref(), error.persistence), (Some(NO_TLS), Persistence::Transient));
}
