//! Entries as LDIF, for the plain cases; odd ones come from `tests/lab/population.py`.

use std::fmt::Write as _;

/// An OpenLDAP person `uid=UID,ou=people,BASE` with mail `UID@lab.test`.
pub fn person(base: &str, uid: &str) -> String {
    format!(
        "dn: uid={uid},ou=people,{base}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: Given {uid}\nsn: {uid}\n\
         givenName: Given\ndisplayName: Given {uid}\nmail: {uid}@lab.test\n\n"
    )
}

/// People u0000001 to u000000N of `person`.
pub fn people(base: &str, count: usize) -> String {
    (1..=count).map(|number| person(base, &format!("u{number:07}"))).collect()
}

/// A group `cn=NAME,ou=groups,BASE` with these members, which are DNs; at least one.
pub fn group(base: &str, name: &str, members: &[String]) -> String {
    assert!(!members.is_empty(), "a groupOfNames needs a member (RFC 4519, 3.5)");
    let mut entry = format!("dn: cn={name},ou=groups,{base}\nobjectClass: groupOfNames\ncn: {name}\n");
    for member in members {
        writeln!(entry, "member: {member}").expect("writing to a string");
    }
    entry + "\n"
}

/// A person in AD, `CN=NAME,OU`, enabled, with user name and mail `NAME@lab.test`.
pub fn ad_person(ou: &str, name: &str) -> String {
    format!(
        "dn: CN={name},{ou}\nobjectClass: user\nsAMAccountName: {name}\nuserPrincipalName: {name}@lab.test\n\
         mail: {name}@lab.test\ngivenName: Given\nsn: {name}\ndisplayName: Given {name}\nuserAccountControl: 544\n\n"
    )
}

/// A global security group in AD with these members, which are DNs.
pub fn ad_group(ou: &str, name: &str, members: &[String]) -> String {
    let mut entry = format!("dn: CN={name},{ou}\nobjectClass: group\nsAMAccountName: {name}\ngroupType: -2147483646\n");
    for member in members {
        writeln!(entry, "member: {member}").expect("writing to a string");
    }
    entry + "\n"
}

/// The change `modify` that replaces one attribute; no value takes it away.
pub fn replace(dn: &str, attribute: &str, values: &[&str]) -> String {
    let mut change = format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n");
    for value in values {
        writeln!(change, "{attribute}: {value}").expect("writing to a string");
    }
    change + "-\n\n"
}

/// The change `modrdn` that renames an entry, and moves it under `parent` where one is given.
pub fn rename(dn: &str, rdn: &str, parent: Option<&str>) -> String {
    let parent = parent.map(|parent| format!("newsuperior: {parent}\n")).unwrap_or_default();
    format!("dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\n{parent}\n")
}
