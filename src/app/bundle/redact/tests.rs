use serde_json::json;

use super::*;

fn redactor() -> Redactor {
    let people = [("11111111-1111-4111-8111-111111111111", "jörg", "Jörg Müller", "joerg@corp.example")];
    let people = people.map(|(identity, user_name, display_name, email)| Person {
        identity: identity.to_owned(),
        names: [user_name, display_name, email, "CN=Müller\\, Jörg,OU=Staff,DC=corp,DC=example"]
            .map(str::to_owned)
            .into(),
    });
    let kept = BTreeSet::from(["CN=Vault Users,OU=Groups,DC=corp,DC=example".to_owned()]);
    Redactor::new(people.into(), &kept).unwrap()
}

#[test]
fn a_known_person_is_the_same_alias_whatever_names_them() {
    let (redactor, other) = (redactor(), redactor());
    let alias = redactor.text("jörg");
    assert!(alias.starts_with("person-") && alias.len() == 15, "{alias}");
    for named in [
        "JÖRG MÜLLER",
        "Joerg@Corp.Example",
        "11111111-1111-4111-8111-111111111111",
        "CN=Müller\\, Jörg,OU=Staff,DC=corp,DC=example",
    ] {
        let told = redactor.text(&format!("account of \"{named}\": failed"));
        assert_eq!(told, format!("account of \"{alias}\": failed"), "{named}");
    }
    assert_eq!(redactor.text("jörgen and mörg"), "jörgen and mörg", "other words stay");
    assert_ne!(other.text("jörg"), alias, "another bundle, another alias");
}

#[test]
fn whoever_is_not_known_is_taken_out_too() {
    let redactor = redactor();
    let told =
        redactor.text("uid=eve+sn=x,ou=people,dc=lab and Eve <eve@lab.test>, 22222222-2222-4222-8222-222222222222");
    assert!(told.starts_with("uid=id-") && told.contains(",ou=people,dc=lab and"), "{told}");
    assert!(!told.contains("eve@") && !told.contains("22222222-2222"), "{told}");
    assert!(told.contains("<mail-") && told.contains(", id-"), "{told}");
}

#[test]
fn groups_of_the_config_stay_and_logins_in_addresses_go() {
    let redactor = redactor();
    let group = "CN=Vault Users,OU=Groups,DC=corp,DC=example";
    assert_eq!(redactor.text(&format!("group {group} is gone")), format!("group {group} is gone"));
    assert_eq!(redactor.text("smtps://me:geheim@mail.corp.example"), "smtps://[redacted]@mail.corp.example");
}

#[test]
fn of_a_webhook_the_host_alone_stays() {
    let mut value = json!({"notify": {"webhook": {"url": "https://alerts.corp.example/hooks/T0KEN?code=geheim"}},
        "backend": {"url": "https://ledger.corp.example/seats"}});
    redactor().value(&mut value);
    assert_eq!(value["notify"]["webhook"]["url"], "https://alerts.corp.example/[redacted]");
    assert_eq!(value["backend"]["url"], "https://ledger.corp.example/seats");
}

#[test]
fn a_filter_who_logs_on_and_whose_home_it_is_go_too() {
    let redactor = redactor();
    let mut value = json!({"directory": [{"filter": "(manager=*Quux*)"}], "email": {"user": "quux"},
        "problem": {"key": "directory.corp.filter", "value": "(uid=quux"}, "state_dir": "/home/quux/state"});
    redactor.value(&mut value);
    assert!(!value.to_string().to_lowercase().contains("quux"), "{value}");
    assert_eq!(value["state_dir"], "/home/[redacted]/state");
    assert_eq!(
        redactor.text("cannot read C:\\Users\\quux\\ca.pem: no"),
        "cannot read C:\\Users\\[redacted]\\ca.pem: no"
    );
    let said = redactor.text("directory.corp.filter = \"(uid=quux\": is no filter");
    assert_eq!(said, "directory.corp.filter = [redacted]: is no filter");
}

#[test]
fn what_stands_in_a_persons_field_goes_whole_and_numbers_stay() {
    let mut value = json!({"user_name": "Unknown Person", "count": 7, "token": "geheim",
        "fields": {"email": ["a b", "joerg@corp.example"]}, "bind_dn": "CN=Ada Admin,OU=Service,DC=corp"});
    redactor().value(&mut value);
    let text = value.to_string();
    for gone in ["Unknown", "a b", "joerg", "Ada", "geheim"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert_eq!((&value["count"], &value["bind_dn"]), (&json!(7), &json!("CN=[redacted],OU=Service,DC=corp")));
}

#[test]
fn a_number_for_a_user_name_is_taken_out_and_times_and_counts_stay() {
    let person = |name: &str| Person { identity: name.to_owned(), names: vec![name.to_owned()] };
    let redactor = Redactor::new(vec![person("11"), person("2026")], &BTreeSet::new()).unwrap();
    let told = redactor.text("2026-11-26T11:11:11.5Z 11 seats for 2026, at 2026-11-26 11:11");
    assert!(told.starts_with("2026-11-26T11:11:11.5Z 11 seats for person-"), "{told}");
    assert!(told.ends_with(", at 2026-11-26 11:11"), "{told}");
}

#[test]
fn a_name_before_an_address_goes_with_it_and_what_is_no_address_yet_goes_too() {
    let redactor = redactor();
    let mut value = json!({"notify": {"email": {"from": "Seats of Eve Moneypenny <seats@lab.test>",
        "to": ["Eve Moneypenny <eve@lab.test>", "eve moneypenny"]}},
        "problems": [{"key": "notify.email.to", "value": "[\"Eve Moneypenny\"]", "message": "must be a mail address"}]});
    redactor.value(&mut value);
    let log = [
        "12:00 could not be sent to Eve Moneypenny <eve@lab.test>: refused",
        "12:00 could not be sent to \"eve moneypenny\" <eve@lab.test>",
        "eve moneypenny <eve@lab.test> refused",
        "a.toml:3: notify.email.to = [\"Eve Moneypenny\"]: must be a mail address",
        "a.toml:3: notify.email.from = \"Eve: Moneypenny <eve@\": must be a mail address",
        "no address: eve-moneypenny@",
        "value \"moneypenny, eve <eve@lab.test>\" is refused",
    ];
    let text = format!("{value}\n{}", log.map(|line| redactor.text(line)).join("\n"));
    assert!(!text.to_lowercase().contains("moneypenny") && !text.contains("eve@"), "{text}");
    for kept in ["could not be sent to ", ": refused", "notify.email.to = [redacted]: must be a mail address"] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
}
