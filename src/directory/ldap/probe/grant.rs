//! The commands that grant a right, or take one away, written out for the server and the account at hand. Each is one an
//! administrator can paste: on Windows into a console of a domain controller, elsewhere into a root shell of the server.

mod ds389;

use std::path::Path;

pub(super) use ds389::keep_changelog;

/// An attribute, as each family's commands name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: String,
    /// `schemaIDGUID`, as SDDL writes it; empty where the schema did not tell.
    pub(super) schema_id: String,
}

/// Who is to be granted something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Grantee {
    /// A user principal name, or DOMAIN\user.
    Windows(String),
    /// A security identifier.
    Samba(String),
    /// A DN; None: whoever does not bind.
    OpenLdap(Option<String>),
    /// The same.
    Ds389(Option<String>),
}

/// The beginning of a search at a server. The tools do not know the agent's `ca_file`, and trust no server without one.
pub(super) fn ldapsearch(ca_file: Option<&Path>, server: &str) -> String {
    let trusting = ca_file.map(|file| format!("LDAPTLS_CACERT={} ", single(&file.display().to_string())));
    format!("{}ldapsearch -x -H {server}", trusting.unwrap_or_default())
}

/// The class `user`, as SDDL writes it (MS-ADSC 2.263).
const USER_CLASS: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";

impl Grantee {
    /// Lets read everything at and under a DN. OpenLDAP: only these attributes, so that passwords stay closed.
    pub(super) fn read_tree(&self, dn: &str, suffix: &str, attributes: &[Attribute]) -> String {
        match self {
            Self::Windows(who) => format!("dsacls {} /I:T /G {}", double(dn), double(&format!("{who}:GR"))),
            Self::Samba(sid) => samba_tool(dn, &format!("(A;CI;RPLCLORC;;;{sid})")),
            Self::OpenLdap(who) => access(suffix, &format!("dn.subtree={}", quoted(dn)), who.as_deref(), attributes),
            Self::Ds389(who) => ds389::let_read(dn, ds389::Reach::Subtree, who.as_deref(), attributes),
        }
    }

    /// What to find out before a right is granted for something that nobody sees. `search`: as `ldapsearch` makes it.
    pub(super) fn look_first(&self, dn: &str, search: &str) -> String {
        let look = match self {
            Self::Windows(_) => format!("Get-ADObject -Identity {}", powershell(dn)),
            Self::Samba(_) | Self::OpenLdap(_) | Self::Ds389(_) => {
                format!("{search} -D ADMINISTRATOR -W -b {} -s base", single(dn))
            }
        };
        format!(
            "The name may be misspelt, or the object gone: as an administrator `{look}` shows whether it is there. Where it \
             is, the account has no right to see it"
        )
    }

    /// Lets read these attributes of the people under a DN.
    pub(super) fn read_attributes(&self, dn: &str, suffix: &str, attributes: &[Attribute]) -> String {
        match self {
            Self::Windows(who) => {
                let rights = attributes.iter().map(|of| double(&format!("{who}:RP;{};user", of.name)));
                format!("dsacls {} /I:S /G {}", double(dn), rights.collect::<Vec<_>>().join(" "))
            }
            Self::Samba(sid) => {
                let ace = |of: &Attribute| format!("(OA;CIIO;RP;{};{USER_CLASS};{sid})", of.schema_id);
                samba_tool(dn, &attributes.iter().map(ace).collect::<String>())
            }
            Self::OpenLdap(_) | Self::Ds389(_) => self.read_tree(dn, suffix, attributes),
        }
    }

    /// Lets read one attribute of one entry.
    pub(super) fn read_at(&self, dn: &str, suffix: &str, attribute: &Attribute) -> String {
        match self {
            Self::Windows(who) => {
                format!("dsacls {} /G {}", double(dn), double(&format!("{who}:RP;{}", attribute.name)))
            }
            Self::Samba(sid) => samba_tool(dn, &format!("(OA;;RP;{};;{sid})", attribute.schema_id)),
            Self::OpenLdap(who) => {
                // A search of one entry filters by its classes.
                let classes = Attribute { name: "objectClass".to_owned(), schema_id: String::new() };
                let what = format!("dn.base={}", quoted(dn));
                access(suffix, &what, who.as_deref(), &[classes, attribute.clone()])
            }
            Self::Ds389(who) => {
                ds389::let_read(dn, ds389::Reach::Entry, who.as_deref(), std::slice::from_ref(attribute))
            }
        }
    }

    /// Lets see what was deleted. The container is the system's own, and hidden: dsacls must take it over first, and
    /// samba-tool 4.17 does not find it, so Samba's own library is asked.
    pub(super) fn see_deleted(&self, container: &str) -> String {
        let dn = double(container);
        match self {
            Self::Windows(who) => {
                format!("dsacls {dn} /takeOwnership\ndsacls {dn} /G {}", double(&format!("{who}:LCRP")))
            }
            Self::Samba(sid) => format!(
                "/usr/bin/python3 -c {}",
                single(&format!(
                    "from samba.auth import system_session; from samba.param import LoadParm; from samba.samdb import SamDB; \
                     from samba.sd_utils import SDUtils; lp = LoadParm(); lp.load_default(); \
                     SDUtils(SamDB(session_info=system_session(), lp=lp)).update_aces_in_dacl({}, \
                     add_aces=[\"(A;;RPLC;;;{sid})\"], controls=[\"show_deleted:1\", \"sd_flags:1:4\"])",
                    python(container)
                ))
            ),
            Self::OpenLdap(_) | Self::Ds389(_) => String::new(),
        }
    }

    /// Lets read as much as there is, in pages of any size. The first limit that fits counts, and slapd 2.5 puts an added one
    /// behind all others until it is restarted, whatever its number says: so all are written anew.
    pub(super) fn read_without_limit(&self, suffix: &str) -> Option<String> {
        let who = match self {
            Self::OpenLdap(who) => who,
            Self::Ds389(who) => return who.as_deref().map(ds389::no_limit),
            Self::Windows(_) | Self::Samba(_) => return None,
        };
        let limit = "size=unlimited size.pr=unlimited size.prtotal=unlimited time=unlimited";
        let value = format!("{} {limit}", subject(who.as_deref()));
        Some(format!(
            "{}{{ cat <<END && ldapsearch -Q -LLL -o ldif-wrap=no -Y EXTERNAL -H ldapi:/// -s base -b \"$DB\" olcLimits | sed -n \
             's/^olcLimits: {{[0-9]*}}/olcLimits: /p; /^olcLimits:: /p'; }} | ldapmodify -Q -Y EXTERNAL -H ldapi:///\ndn: \
             $DB\nchangetype: modify\nreplace: olcLimits\nolcLimits: {}\nEND",
            database(suffix),
            in_here_document(&value)
        ))
    }

    /// Keeps passwords from the account.
    pub(super) fn hide_passwords(&self, suffix: &str) -> Option<String> {
        let who = match self {
            Self::OpenLdap(who) => who,
            Self::Ds389(who) => return Some(ds389::hide_passwords(suffix, who.as_deref())),
            Self::Windows(_) | Self::Samba(_) => return None,
        };
        let rule = format!("{{0}}to attrs=userPassword by {} none by * break", subject(who.as_deref()));
        Some(modify(suffix, "olcAccess", &rule))
    }

    /// Takes a member, named by `sAMAccountName`, out of a group.
    pub(super) fn leave(&self, group: &str, member: &str) -> Option<String> {
        match self {
            Self::Windows(_) => Some(format!(
                "Remove-ADGroupMember -Identity {} -Members {} -Confirm:$false",
                powershell(group),
                powershell(member)
            )),
            Self::Samba(_) => Some(format!("samba-tool group removemembers {} {}", single(group), single(member))),
            Self::OpenLdap(_) | Self::Ds389(_) => None,
        }
    }
}

/// Loads the overlay that keeps `contextCSN`.
pub(super) fn load_syncprov(suffix: &str) -> String {
    format!(
        "{}ldapmodify -Q -c -Y EXTERNAL -H ldapi:/// <<END\ndn: cn=module{{0}},cn=config\nchangetype: modify\nadd: \
         olcModuleLoad\nolcModuleLoad: syncprov\n\ndn: olcOverlay=syncprov,$DB\nchangetype: add\nobjectClass: \
         olcOverlayConfig\nobjectClass: olcSyncProvConfig\nolcOverlay: syncprov\nEND",
        database(suffix)
    )
}

fn samba_tool(dn: &str, aces: &str) -> String {
    format!("samba-tool dsacl set --objectdn={} --sddl={}", single(dn), single(aces))
}

/// A rule before all others; `break`: everybody else is judged by those.
fn access(suffix: &str, what: &str, who: Option<&str>, attributes: &[Attribute]) -> String {
    let mut names = vec!["entry"];
    names.extend(attributes.iter().map(|attribute| attribute.name.as_str()));
    let rule = format!("{{0}}to {what} attrs={} by {} read by * break", names.join(","), subject(who));
    modify(suffix, "olcAccess", &rule)
}

fn subject(who: Option<&str>) -> String {
    who.map_or_else(|| "anonymous".to_owned(), |dn| format!("dn.exact={}", quoted(dn)))
}

/// Adds a value to the database that has the suffix.
fn modify(suffix: &str, attribute: &str, value: &str) -> String {
    format!(
        "{}ldapmodify -Q -Y EXTERNAL -H ldapi:/// <<END\ndn: $DB\nchangetype: modify\nadd: {attribute}\n{attribute}: \
         {}\nEND",
        database(suffix),
        in_here_document(value)
    )
}

/// Puts the name of the database that has the suffix into `$DB`.
fn database(suffix: &str) -> String {
    let filter = format!("(olcSuffix={})", super::super::filter::text(suffix));
    format!(
        "DB=$(ldapsearch -Q -LLL -o ldif-wrap=no -Y EXTERNAL -H ldapi:/// -b cn=config {} dn | sed -n 's/^dn: //p') && ",
        single(&filter)
    )
}

/// For slapd.access(5).
fn quoted(dn: &str) -> String {
    format!("\"{}\"", dn.replace('\\', "\\\\").replace('"', "\\\""))
}

fn in_here_document(text: &str) -> String {
    text.replace('\\', "\\\\").replace('$', "\\$").replace('`', "\\`")
}

/// For a POSIX shell.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// For Windows' own way of taking a command line apart.
fn double(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

fn powershell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn python(text: &str) -> String {
    quoted(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_to_paste_trusts_the_authority_of_the_config() {
        let paste = ldapsearch(Some(Path::new("/etc/my ca.pem")), "ldaps://h");
        assert_eq!(paste, "LDAPTLS_CACERT='/etc/my ca.pem' ldapsearch -x -H ldaps://h");
        assert_eq!(ldapsearch(None, "ldap://h -ZZ"), "ldapsearch -x -H ldap://h -ZZ");
    }

    fn attribute(name: &str) -> Attribute {
        Attribute { name: name.to_owned(), schema_id: "bf967a68-0de6-11d0-a285-00aa003049e2".to_owned() }
    }

    #[test]
    fn windows_is_told_by_dsacls_whom_to_let_read_what() {
        let who = Grantee::Windows("svc@corp.example".to_owned());
        assert_eq!(
            who.read_tree("OU=Staff,DC=corp,DC=example", "", &[]),
            r#"dsacls "OU=Staff,DC=corp,DC=example" /I:T /G "svc@corp.example:GR""#
        );
        assert_eq!(
            who.read_attributes("OU=Staff", "", &[attribute("mail"), attribute("userAccountControl")]),
            r#"dsacls "OU=Staff" /I:S /G "svc@corp.example:RP;mail;user" "svc@corp.example:RP;userAccountControl;user""#
        );
        assert_eq!(
            who.see_deleted("CN=Deleted Objects,DC=x"),
            "dsacls \"CN=Deleted Objects,DC=x\" /takeOwnership\ndsacls \"CN=Deleted Objects,DC=x\" /G \"svc@corp.example:LCRP\""
        );
        assert_eq!(
            who.leave("Domain Admins", "o'neill").as_deref(),
            Some("Remove-ADGroupMember -Identity 'Domain Admins' -Members 'o''neill' -Confirm:$false")
        );
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_a_command() {
        let samba = Grantee::Samba("S-1-5-7".to_owned());
        assert_eq!(
            samba.read_tree("OU=O'Neill,DC=x", "", &[]),
            r"samba-tool dsacl set --objectdn='OU=O'\''Neill,DC=x' --sddl='(A;CI;RPLCLORC;;;S-1-5-7)'"
        );
        let slapd = Grantee::OpenLdap(Some(r"cn=a\2Cb $HOME `id`,dc=x".to_owned()));
        let told = slapd.read_tree("ou=p,dc=x", "dc=x", &[attribute("uid")]);
        let rule = r#"olcAccess: {0}to dn.subtree="ou=p,dc=x" attrs=entry,uid by dn.exact="cn=a\\\\2Cb \$HOME \`id\`,dc=x" read by * break"#;
        assert!(told.contains(rule), "{told}");
        assert!(told.contains("'(olcSuffix=dc=x)'"), "{told}");
    }

    #[test]
    fn who_does_not_bind_is_named_so() {
        let told = Grantee::OpenLdap(None).read_without_limit("dc=x").unwrap();
        assert!(told.contains("olcLimits: anonymous size=unlimited"), "{told}");
    }
}
