//! What to ask or to look at next. Pure: the same answers and findings, the same next step.

use super::answers::{Answers, BackendAsked, Key};
use super::look::{Forecast, Look};
use crate::directory::ldap::{Catalogue, Certificate, Greeting, GroupFound};
use crate::directory::srv::Servers;
use crate::settings;

/// How a question is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line of text, with what stands there already.
    Text(Option<String>),
    /// Typed unseen.
    Secret,
    /// One of these: value, and what it means.
    One(Vec<(String, String)>),
    /// Any of these (value, and what is shown), with those that are chosen already.
    Many { options: Vec<(String, String)>, chosen: Vec<String> },
    /// Yes or no, and which it is if nobody says.
    Yes(bool),
}

/// One question to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub key: Key,
    pub prompt: String,
    pub help: String,
    pub form: Form,
}

/// What servers said so far. None: not asked yet.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What DNS names; without hosts: nothing.
    pub dns: Option<Servers>,
    /// What a server showed that is not trusted.
    pub untrusted: Option<(String, Vec<Certificate>)>,
    pub greeting: Option<Greeting>,
    /// As the config names them: those that were greeted.
    pub urls: Vec<String>,
    pub catalogue: Option<Catalogue>,
    /// Pools of the ledger, with their seats.
    pub pools: Option<Vec<(String, u32)>>,
    pub forecast: Option<Forecast>,
}

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Ask(Question),
    Look(Look),
    Done,
}

/// The first thing that is not known yet, in the order in which one follows from another.
pub fn next(answers: &Answers, found: &Findings) -> Next {
    servers(answers, found)
        .or_else(|| account(answers, found))
        .or_else(|| scope(answers, found))
        .or_else(|| backend(answers, found))
        .or_else(|| pools(answers, found))
        .or_else(|| end(answers, found))
        .unwrap_or(Next::Done)
}

fn servers(answers: &Answers, found: &Findings) -> Option<Next> {
    if answers.servers.is_none() {
        let Some(dns) = &found.dns else { return Some(Next::Look(Look::Dns)) };
        let hosts: Vec<&str> = dns.hosts.iter().take(3).map(|(host, _)| host.as_str()).collect();
        let default = (!hosts.is_empty()).then(|| hosts.join(", "));
        let help =
            "a host name or a URL such as ldaps://dc01.corp.example; several, parted by commas, in the order to try";
        return Some(ask(Key::Servers, "Which directory servers?", help, Form::Text(default)));
    }
    if found.greeting.is_some() {
        return None;
    }
    match &found.untrusted {
        Some((url, shown)) if answers.ca_file.is_none() => Some(Next::Ask(authority(url, shown))),
        _ => Some(Next::Look(Look::Greet)),
    }
}

/// Nobody is asked to trust what a server shows: only where its authority's certificate lies.
fn authority(url: &str, shown: &[Certificate]) -> Question {
    let mut help = format!("{url} shows a certificate that this machine does not trust:\n");
    for certificate in shown {
        let Certificate { subject, issuer, fingerprint, expires } = certificate;
        help.push_str(&format!(
            "  subject      {subject}\n  issued by    {issuer}\n  SHA-256      {fingerprint}\n  good until   {expires}\n"
        ));
    }
    help.push_str(
        "Get the certificate of the authority that issued it (PEM) from whoever runs the server, not from the server: in a Windows \
         domain from a member that trusts it (certutil -ca.cert corp-ca.cer, then certutil -encode corp-ca.cer corp-ca.pem); of Samba \
         it is private/tls/ca.pem; of OpenLDAP the file TLSCACertificateFile; of 389 Directory Server \
         /etc/dirsrv/slapd-INSTANCE/ca.crt. Where a public authority issued it: stop, give this machine those (on Linux the package \
         ca-certificates), and begin again",
    );
    Question {
        key: Key::CaFile,
        prompt: "Which file has the authority's certificate?".to_owned(),
        help,
        form: Form::Text(None),
    }
}

fn account(answers: &Answers, found: &Findings) -> Option<Next> {
    if answers.bind_dn.is_none() {
        let help =
            "an account that may read, and nothing more; in Active Directory NAME@DOMAIN will do, elsewhere a DN";
        return Some(ask(Key::BindDn, "As which account?", help, Form::Text(None)));
    }
    if answers.bind_password.is_none() {
        return Some(ask(Key::BindPassword, "Its password?", "kept apart from the config", Form::Secret));
    }
    found.catalogue.is_none().then_some(Next::Look(Look::Survey))
}

fn scope(answers: &Answers, found: &Findings) -> Option<Next> {
    let catalogue = found.catalogue.clone().unwrap_or_default();
    if answers.name.is_none() {
        let default = short_name(found).unwrap_or_else(|| "directory".to_owned());
        let help = "a short name of your own, for reports and messages";
        return Some(ask(Key::Name, "What shall the directory be called?", help, Form::Text(Some(default))));
    }
    if answers.bases.is_none() {
        let chosen = catalogue.bases.first().cloned().into_iter().collect();
        let options: Vec<_> = catalogue.bases.iter().map(|dn| (dn.clone(), dn.clone())).collect();
        let help = "people at and under these are considered";
        // A server that tells no naming context shows no places either.
        let form = if options.is_empty() { Form::Text(None) } else { Form::Many { options, chosen } };
        return Some(ask(Key::Bases, "Where do people lie?", help, form));
    }
    if answers.groups.is_none() {
        let options = catalogue.groups.iter().map(|group| (group.dn.clone(), label(group))).collect();
        let help = "members of any of these, through nested groups too; none: everyone";
        let form = Form::Many { options, chosen: Vec::new() };
        return Some(ask(Key::Groups, "Only members of which groups?", help, form));
    }
    None
}

fn label(group: &GroupFound) -> String {
    match group.members {
        Some(members) => format!("{} ({members} members)", group.dn),
        None => format!("{} (the account may not see its members)", group.dn),
    }
}

/// The first part of the domain, or of the first context.
fn short_name(found: &Findings) -> Option<String> {
    let domain = found.dns.as_ref().map(|servers| servers.domain.as_str()).filter(|domain| !domain.is_empty());
    let context = found.catalogue.as_ref().and_then(|catalogue| catalogue.bases.first()).map(String::as_str);
    let first = match domain {
        Some(domain) => domain.split('.').next()?,
        None => context?.split(',').next()?.split_once('=')?.1,
    };
    let name: String =
        first.to_lowercase().chars().filter(|letter| letter.is_alphanumeric() || *letter == '-').collect();
    (!name.is_empty()).then_some(name)
}

fn backend(answers: &Answers, found: &Findings) -> Option<Next> {
    if answers.state_dir.is_none() {
        let default = settings::default_state_dir().display().to_string();
        let help = "a folder of the agent's own, which the service may write";
        return Some(ask(Key::StateDir, "Where does the agent keep its state?", help, Form::Text(Some(default))));
    }
    let Some(kind) = answers.backend else {
        let options = [
            ("embedded", "in a ledger of this machine; the config says how many were bought"),
            ("ledger", "in a licence ledger over HTTP, which several agents may share"),
        ];
        let options = options.map(|(value, meaning)| (value.to_owned(), meaning.to_owned())).to_vec();
        return Some(ask(Key::Backend, "Where are the seats kept?", "", Form::One(options)));
    };
    if kind == BackendAsked::Ledger && answers.ledger_url.is_none() {
        let help = "https://, or http:// to this very machine";
        return Some(ask(Key::LedgerUrl, "The ledger's URL?", help, Form::Text(None)));
    }
    if answers.company.is_none() {
        let default = (kind == BackendAsked::Embedded).then(|| short_name(found)).flatten();
        let help = "whose seats these are; of a ledger, as it names the company";
        return Some(ask(Key::Company, "Which company?", help, Form::Text(default)));
    }
    if kind == BackendAsked::Embedded {
        return None;
    }
    if answers.ledger_token.is_none() {
        let help = "the ledger prints it: `seatsync --config /etc/seatsync/ledger.toml ledger connector add NAME`";
        return Some(ask(Key::LedgerToken, "The agent's token?", help, Form::Secret));
    }
    found.pools.is_none().then_some(Next::Look(Look::Ledger))
}

fn pools(answers: &Answers, found: &Findings) -> Option<Next> {
    if let Some(pools) = &found.pools {
        let label = |(name, seats): &(String, u32)| (name.clone(), format!("{seats} seats"));
        let form = Form::One(pools.iter().map(label).collect());
        let help = "for everyone in scope; further pools, and whom each is for, go into the config";
        return answers.pools.is_empty().then(|| ask(Key::LedgerPool, "Seats of which pool?", help, form));
    }
    if answers.pools.is_empty() {
        let help = "a kind of seats, such as a licence's name; further pools, and whom each is for, go into the config";
        return Some(ask(Key::PoolName, "What are the seats called?", help, Form::Text(Some("standard".to_owned()))));
    }
    let pool = answers.pools.iter().find(|pool| pool.seats.is_none())?;
    Some(ask(Key::PoolSeats, &format!("How many seats of {:?} were bought?", pool.name), "", Form::Text(None)))
}

fn end(answers: &Answers, found: &Findings) -> Option<Next> {
    if found.forecast.is_none() {
        return Some(Next::Look(Look::Forecast));
    }
    answers.write.is_none().then(|| ask(Key::Write, "Write the config?", "", Form::Yes(true)))
}

fn ask(key: Key, prompt: &str, help: &str, form: Form) -> Next {
    Next::Ask(Question { key, prompt: prompt.to_owned(), help: help.to_owned(), form })
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::app::init::answers::Value;

    /// What is asked, or looked at, in words.
    fn step(answers: &Answers, found: &Findings) -> String {
        match next(answers, found) {
            Next::Ask(question) => format!("ask {:?}", question.key),
            Next::Look(look) => format!("look {look:?}"),
            Next::Done => "done".to_owned(),
        }
    }

    fn question(answers: &Answers, found: &Findings) -> Question {
        match next(answers, found) {
            Next::Ask(question) => question,
            other => panic!("no question: {other:?}"),
        }
    }

    /// Notes what a look would have found.
    fn find(look: &str, found: &mut Findings) {
        match look {
            "look Dns" => {
                let hosts = ["dc1", "dc2", "dc3", "dc4"].map(|host| (format!("{host}.corp.example"), 389)).to_vec();
                found.dns = Some(Servers { domain: "corp.example".to_owned(), hosts });
            }
            "look Greet" => found.greeting = Some(Greeting::default()),
            "look Survey" => {
                let groups = vec![GroupFound { dn: "CN=Crew,DC=corp".to_owned(), members: Some(7) }];
                let bases = vec!["DC=corp".to_owned()];
                found.catalogue = Some(Catalogue { bases, groups, ..Catalogue::default() });
            }
            "look Ledger" => found.pools = Some(vec![("standard".to_owned(), 5), ("advanced".to_owned(), 2)]),
            "look Forecast" => found.forecast = Some(Forecast::default()),
            other => panic!("nobody looks at {other}"),
        }
    }

    /// Answers what stands there already, or this.
    fn answer(question: &Question, answers: &mut Answers, kind: &str) {
        let value = match (question.key, &question.form) {
            (Key::Backend, _) => Value::Text(kind.to_owned()),
            (_, Form::Text(Some(default))) => Value::Text(default.clone()),
            (Key::PoolSeats, _) => Value::Text("5".to_owned()),
            (_, Form::Text(None)) => Value::Text("acme".to_owned()),
            (_, Form::Secret) => Value::Secret(SecretString::from("x")),
            (_, Form::One(options)) => Value::Text(options[0].0.clone()),
            (_, Form::Many { chosen, .. }) => Value::Many(chosen.clone()),
            (_, Form::Yes(default)) => Value::Yes(*default),
        };
        answers.put(question.key, value).unwrap();
    }

    fn walk(kind: &str) -> (Vec<String>, Answers) {
        let (mut answers, mut found, mut steps) = (Answers::default(), Findings::default(), Vec::new());
        loop {
            let here = step(&answers, &found);
            assert!(steps.len() < 30, "no end: {steps:?}");
            match next(&answers, &found) {
                Next::Done => return (steps, answers),
                Next::Look(_) => find(&here, &mut found),
                Next::Ask(question) => answer(&question, &mut answers, kind),
            }
            steps.push(here);
        }
    }

    #[test]
    fn everything_is_asked_once_in_the_order_in_which_one_follows_from_another() {
        let (steps, answers) = walk("embedded");
        let wanted = "look Dns, ask Servers, look Greet, ask BindDn, ask BindPassword, look Survey, ask Name, ask Bases, ask \
                      Groups, ask StateDir, ask Backend, ask Company, ask PoolName, ask PoolSeats, look Forecast, ask Write";
        assert_eq!(steps.join(", "), wanted);
        assert_eq!(answers.servers.unwrap(), ["dc1.corp.example", "dc2.corp.example", "dc3.corp.example"]);
        assert_eq!((answers.name.as_deref(), answers.company.as_deref()), (Some("corp"), Some("corp")));
    }

    #[test]
    fn a_ledger_is_asked_for_its_pools_before_anybody_chooses_one() {
        let (steps, answers) = walk("ledger");
        let tail = "ask Backend, ask LedgerUrl, ask Company, ask LedgerToken, look Ledger, ask LedgerPool, look Forecast, ask Write";
        assert!(steps.join(", ").ends_with(tail), "{steps:?}");
        assert_eq!((answers.pools[0].name.as_str(), answers.pools[0].seats), ("standard", None));
    }

    #[test]
    fn who_answered_is_not_asked_again_and_what_was_taken_back_is() {
        let mut answers = Answers { servers: Some(vec!["dc".to_owned()]), ..Answers::default() };
        let mut found = Findings::default();
        assert_eq!(step(&answers, &found), "look Greet", "DNS is not asked for what is known");
        found.greeting = Some(Greeting::default());
        answers.put(Key::BindDn, Value::Text("svc".to_owned())).unwrap();
        answers.put(Key::BindPassword, Value::Secret(SecretString::from("wrong"))).unwrap();
        assert_eq!(step(&answers, &found), "look Survey");
        answers.forget(&[Key::BindDn, Key::BindPassword]);
        assert_eq!(step(&answers, &found), "ask BindDn");
    }

    #[test]
    fn an_unknown_authority_is_asked_for_with_what_the_server_showed_and_never_trusted() {
        let answers = Answers { servers: Some(vec!["dc".to_owned()]), ..Answers::default() };
        let shown = Certificate {
            subject: "CN=dc".to_owned(),
            issuer: "CN=Corp CA".to_owned(),
            fingerprint: "AA:BB".to_owned(),
            expires: "tomorrow".to_owned(),
        };
        let found = Findings { untrusted: Some(("ldaps://dc".to_owned(), vec![shown])), ..Findings::default() };
        let question = question(&answers, &found);
        assert_eq!((question.key, &question.form), (Key::CaFile, &Form::Text(None)), "only a file is an answer");
        for told in ["CN=dc", "CN=Corp CA", "AA:BB", "tomorrow", "not from the server"] {
            assert!(question.help.contains(told), "{told}: {}", question.help);
        }
    }

    #[test]
    fn where_the_server_shows_no_place_one_is_typed() {
        let named = Answers { name: Some("corp".to_owned()), ..walk("embedded").1 };
        let mut answers = Answers { bases: None, ..named };
        let found = Findings {
            greeting: Some(Greeting::default()),
            catalogue: Some(Catalogue::default()),
            ..Findings::default()
        };
        assert_eq!(question(&answers, &found).form, Form::Text(None));
        answers.put(Key::Bases, Value::Text("ou=a, dc=x".to_owned())).unwrap();
        assert_eq!(answers.bases.unwrap(), ["ou=a, dc=x"]);
    }

    #[test]
    fn a_wrong_answer_is_refused_with_the_reason() {
        let mut answers = Answers::default();
        let mut refuses = |key, value| answers.put(key, value).unwrap_err();
        let text = |text: &str| Value::Text(text.to_owned());
        assert!(refuses(Key::Name, text("a b")).contains("letters"));
        assert!(refuses(Key::PoolSeats, text("many")).contains("number"));
        assert!(refuses(Key::CaFile, text("/nowhere/ca.pem")).contains("ca.pem"));
        assert!(refuses(Key::CaFile, text(" ")).contains("name the PEM file"));
        assert!(refuses(Key::Bases, Value::Many(vec!["nonsense".to_owned()])).contains("distinguished name"));
        assert!(refuses(Key::Bases, Value::Many(vec![])).contains("base"));
        assert!(refuses(Key::BindPassword, Value::Secret(SecretString::from(""))).contains("empty"));
        assert!(refuses(Key::Backend, text("hubspot")).contains("ledger"));
    }
}
