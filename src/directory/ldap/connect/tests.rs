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
