//! The same for 389 Directory Server: access control instructions in the entries themselves, given as root through the
//! server's own socket, which its installer opens for root as the directory manager.

use super::{Attribute, in_here_document};

/// How far an instruction reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Entry,
    Subtree,
}

/// Lets read these attributes, and what the entries are.
pub(super) fn let_read(dn: &str, reach: Reach, who: Option<&str>, attributes: &[Attribute]) -> String {
    let mut names = vec!["objectClass"];
    names.extend(attributes.iter().map(|attribute| attribute.name.as_str()).filter(|name| *name != "objectClass"));
    let scope = if reach == Reach::Entry { "(targetscope = \"base\")" } else { "" };
    let what = format!("(targetattr = \"{}\"){scope}", names.join(" || "));
    instruct(dn, &what, "allow (read, search, compare)", who)
}

/// Keeps passwords from the account: what is denied counts before what is allowed.
pub(super) fn hide_passwords(suffix: &str, who: Option<&str>) -> String {
    instruct(suffix, "(targetattr = \"userPassword\")", "deny (read, search, compare)", who)
}

/// Lets the account read as much as there is. The limits lie in its own entry.
pub(super) fn no_limit(who: &str) -> String {
    let limits = ["nsSizeLimit", "nsTimeLimit", "nsLookThroughLimit", "nsIDListScanLimit"];
    let paged = ["nsPagedSizeLimit", "nsPagedLookThroughLimit", "nsPagedIDListScanLimit"];
    let replaced = limits.iter().chain(&paged).map(|name| format!("replace: {name}\n{name}: -1\n"));
    modify(who, &replaced.collect::<Vec<_>>().join("-\n"))
}

/// Lets the server keep what changed, by the ids of the entries, and tell it.
pub(in super::super) fn keep_changelog() -> String {
    let on = |plugin: &str, more: &str| {
        format!(
            "dn: cn={plugin},cn=plugins,cn=config\nchangetype: modify\nreplace: nsslapd-pluginEnabled\n\
             nsslapd-pluginEnabled: on\n{more}"
        )
    };
    let kept = "-\nreplace: nsslapd-attribute\nnsslapd-attribute: nsuniqueid:targetUniqueId\n-\nreplace: \
                nsslapd-changelogmaxage\nnsslapd-changelogmaxage: 7d\n";
    let both = format!("{}\n{}", on("Retro Changelog Plugin", kept), on("Content Synchronization", ""));
    format!("{}\nsystemctl restart dirsrv.target", send(&both))
}

fn instruct(dn: &str, what: &str, right: &str, who: Option<&str>) -> String {
    // Though it looks like a URL, 389 DS 2.3 takes the DN as it is; a quotation mark would end it.
    let subject = who.map_or_else(|| "anyone".to_owned(), |who| who.replace("\\\"", "\\22"));
    let aci = format!("{what}(version 3.0; acl \"Seatsync\"; {right} userdn = \"ldap:///{subject}\";)");
    modify(dn, &format!("add: aci\naci: {aci}\n"))
}

fn modify(dn: &str, changes: &str) -> String {
    send(&format!("dn: {dn}\nchangetype: modify\n{changes}"))
}

/// The one server of the machine. Slashes of the socket's path are escaped in its URL.
fn send(ldif: &str) -> String {
    format!(
        "DS=$(ls /run/slapd-*.socket | sed 's|/|%2F|g') && ldapmodify -Q -Y EXTERNAL -H \"ldapi://$DS\" <<END\n{}END",
        in_here_document(ldif)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place_in_an_instruction() {
        let mail = Attribute { name: "mail".to_owned(), schema_id: String::new() };
        let told = let_read("ou=p,dc=x", Reach::Subtree, Some(r#"cn=a\"b $HOME,dc=x"#), &[mail]);
        assert!(told.contains("dn: ou=p,dc=x\nchangetype: modify\nadd: aci\n"), "{told}");
        assert!(told.contains(r#"(targetattr = "objectClass || mail")(version 3.0;"#), "{told}");
        assert!(told.contains(r#"userdn = "ldap:///cn=a\\22b \$HOME,dc=x";)"#), "{told}");
        let anybody = hide_passwords("dc=x", None);
        assert!(anybody.contains(r#"deny (read, search, compare) userdn = "ldap:///anyone";)"#), "{anybody}");
    }
}
