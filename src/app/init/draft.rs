//! The text of the config: every key with a line that says what it is.

use super::answers::{Answers, BackendAsked, PoolAsked};
use super::machine::Findings;

/// What the config says of this machine.
pub struct Places {
    /// None: the default.
    pub state_dir: Option<String>,
    /// Of the embedded ledger; None: the default, beside the state.
    pub ledger: Option<String>,
    /// Where editors find what they need, as a URL.
    pub schema: Option<String>,
    /// How the config names the secrets: `{ credential = "..." }` and the like.
    pub password: String,
    pub token: String,
}

/// The whole config.
pub fn text(answers: &Answers, found: &Findings, places: &Places) -> String {
    let mut page = Page::default();
    if let Some(schema) = &places.schema {
        // Editors look for it in the first line (taplo, "Even Better TOML").
        page.text.push_str(&format!("#:schema {schema}\n"));
    }
    page.say("The config of Seatsync, as `seatsync init` wrote it. `seatsync check` looks at it, --connect at the servers too.");
    page.say("seatsync.toml among the samples shows every key at its default.");
    page.table("[agent]");
    match &places.state_dir {
        Some(folder) => page.key("where the agent keeps what it must remember", "state_dir", &quoted(folder)),
        None => page.hidden("where the agent keeps what it must remember", "state_dir = \"...\""),
    }
    page.hidden("a cycle this often", "poll = \"5m\"");
    directory(&mut page, answers, found, places);
    for pool in &answers.pools {
        of_pool(&mut page, pool);
    }
    backend(&mut page, answers, places);
    page.text
}

fn directory(page: &mut Page, answers: &Answers, found: &Findings, places: &Places) {
    let list = |list: &Option<Vec<String>>| array(list.as_deref().unwrap_or_default());
    page.table("[[directory]]");
    page.key("a short name, for reports and messages", "name", &quoted(answers.name.as_deref().unwrap_or_default()));
    if let Some(kind) = found.catalogue.as_ref().and_then(|catalogue| catalogue.kind) {
        page.key(
            "active-directory, openldap, 389ds or ldif; left out: asked of the server",
            "kind",
            &quoted(kind.as_str()),
        );
    }
    page.key("the servers, in the order in which to try them", "url", &array(&found.urls));
    if found.greeting.as_ref().is_some_and(|greeting| greeting.start_tls) {
        page.key("TLS on a connection that begins without", "start_tls", "true");
    }
    match &answers.ca_file {
        Some(file) => {
            page.key("the authority that alone is trusted (PEM)", "ca_file", &quoted(&file.display().to_string()));
        }
        None => page.hidden("the authority that alone is trusted (PEM); left out: the system's", "ca_file = \"...\""),
    }
    page.key(
        "the account; it needs to read, and nothing more",
        "bind_dn",
        &quoted(answers.bind_dn.as_deref().unwrap_or_default()),
    );
    page.key("its password, which never stands here itself", "bind_password", &places.password);
    page.key("people at and under these are considered", "base", &list(&answers.bases));
    match &answers.filter {
        Some(filter) => page.key("only those who match this as well (RFC 4515)", "filter", &quoted(filter)),
        None => page.hidden("only those who match this as well (RFC 4515)", "filter = \"(employeeType=staff)\""),
    }
    match answers.groups.as_deref() {
        Some([_, ..]) => page.key("only members of these, through nested groups too", "groups", &list(&answers.groups)),
        _ => {
            page.hidden(
                "only members of these, through nested groups too; left out: everyone",
                "groups = [\"CN=...\"]",
            );
        }
    }
    page.hidden("members of these never", "exclude_groups = [\"CN=...\"]");
}

fn of_pool(page: &mut Page, pool: &PoolAsked) {
    page.table("[[pool]]");
    page.key("as the backend names it; a person takes the first pool that fits", "name", &quoted(&pool.name));
    if let Some(seats) = pool.seats {
        page.key("how many were bought", "seats", &seats.to_string());
    }
    match &pool.groups {
        Some(groups) => page.key("for members of these", "groups", &array(groups)),
        None => page.hidden("for members of these; left out: for everyone in scope", "groups = [\"CN=...\"]"),
    }
    page.hidden("who comes first when seats are short, in this order", "priority = [\"CN=...\"]");
}

fn backend(page: &mut Page, answers: &Answers, places: &Places) {
    page.table("[backend]");
    let is_ledger = answers.backend == Some(BackendAsked::Ledger);
    let kind = if is_ledger { "ledger" } else { "embedded" };
    page.key("embedded: a ledger of this machine; ledger: one over HTTP", "kind", &quoted(kind));
    page.key("whose seats these are", "company", &quoted(answers.company.as_deref().unwrap_or_default()));
    if is_ledger {
        page.key("where the ledger answers", "url", &quoted(answers.ledger_url.as_deref().unwrap_or_default()));
        page.key("a connector's token", "token", &places.token);
        if let Some(file) = &answers.ledger_ca_file {
            page.key("the authority that alone is trusted (PEM)", "ca_file", &quoted(&file.display().to_string()));
        }
    } else if let Some(path) = &places.ledger {
        page.key("the ledger's file", "path", &quoted(path));
    }
    page.hidden("accounts that are there already: none, anchor or email", "adopt = \"anchor\"");
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn say(&mut self, comment: &str) {
        self.text.push_str(&format!("# {comment}\n"));
    }

    fn table(&mut self, name: &str) {
        self.text.push_str(&format!("\n{name}\n"));
    }

    fn key(&mut self, comment: &str, key: &str, value: &str) {
        self.text.push_str(&format!("# {comment}\n{key} = {value}\n"));
    }

    /// A key at its default.
    fn hidden(&mut self, comment: &str, line: &str) {
        self.text.push_str(&format!("# {comment}\n# {line}\n"));
    }
}

/// A basic string of TOML: JSON escapes no less.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn array(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings;

    #[test]
    fn whatever_was_answered_is_read_back_as_it_was() {
        let odd = r#"cn=a\"quoted\" \2C back\\slash é,dc=x"#;
        let answers = Answers {
            name: Some("corp".to_owned()),
            bind_dn: Some("line\nbreak \"and\" \\ back".to_owned()),
            bases: Some(vec!["dc=x".to_owned(), odd.to_owned()]),
            groups: Some(vec!["cn=g,dc=x".to_owned()]),
            filter: Some("(cn=a\\2ab)".to_owned()),
            backend: Some(BackendAsked::Embedded),
            company: Some("acme".to_owned()),
            pools: vec![PoolAsked { name: "std".to_owned(), seats: Some(7), groups: None }],
            ..Answers::default()
        };
        let found = Findings { urls: vec!["ldaps://dc.x".to_owned()], ..Findings::default() };
        let places = Places {
            state_dir: Some("state".to_owned()),
            ledger: None,
            schema: Some("file:///usr/share/seatsync/seatsync.schema.json".to_owned()),
            password: "{ env = \"P\" }".to_owned(),
            token: String::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seatsync.toml");
        let text = text(&answers, &found, &places);
        assert!(text.starts_with("#:schema file:///usr/share/seatsync/seatsync.schema.json\n# "), "{text}");
        std::fs::write(&file, text).unwrap();
        let variables = [("P".to_owned(), "secret".to_owned())].into();
        let loaded = settings::load(&file, &variables).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        let directory = &loaded.settings.directories[0];
        assert_eq!(directory.bases.iter().map(|dn| &**dn).collect::<Vec<_>>(), ["dc=x", odd]);
        assert_eq!(directory.filter, answers.filter);
        let crate::model::settings::Source::Ldap(ldap) = &directory.source else { panic!("no server") };
        let crate::model::settings::Bind::Simple { dn, .. } = &ldap.bind else { panic!("no account") };
        assert_eq!(Some(dn), answers.bind_dn.as_ref());
        assert_eq!(loaded.settings.pools[0].seats, Some(7));
    }
}
