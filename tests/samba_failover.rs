//! A real Samba domain controller that becomes another one: what it has not got yet takes nobody's seat.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on ends here")]

mod support;

use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use seatsync::model::Anchor;
use serde_json::Value;
use support::spoiled::{NONE, Spoiled};
use support::twins::Twins;
use support::{Agent, Samba, ldif, process};

/// Changes the database of a controller that is stopped.
fn edit(folder: &Path, change: &str) {
    let database = folder.join("private/sam.ldb");
    process::tool(Command::new("ldbmodify").arg("-H").arg(database).arg("--relax"), change);
}

/// Gives a controller the invocationId that has this byte all over: to its clients it is another server.
fn becomes(folder: &Path, digit: char) {
    let group = |length: usize| digit.to_string().repeat(length);
    let id = [8, 4, 4, 4, 12].map(group).join("-");
    edit(
        folder,
        &format!(
            "dn: CN=NTDS Settings,CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,DC=lab,DC=test\n\
             changetype: modify\nreplace: invocationId\ninvocationId: {id}\n-\n"
        ),
    );
}

/// The invocationId of a controller that is stopped.
fn id_of(folder: &Path) -> Anchor {
    let database = folder.join("private/sam.ldb");
    let mut search = Command::new("ldbsearch");
    search.arg("-H").arg(database).args(["-b", "CN=Configuration,DC=lab,DC=test", "(invocationId=*)", "invocationId"]);
    let shown = process::tool(&mut search, "");
    let id = shown.lines().find_map(|line| line.strip_prefix("invocationId: ")).expect("an invocationId");
    id.trim().parse().expect("a GUID")
}

/// Lets a controller say that it has got the changes of the one with the id `from` up to `number`.
fn received(folder: &Path, from: Anchor, number: u64) {
    let mut vector = vec![2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    vector.extend(from.to_guid_le());
    vector.extend(number.to_le_bytes());
    vector.extend([0; 8]);
    let file = folder.join("vector");
    std::fs::write(&file, vector).expect("writing the vector");
    edit(
        folder,
        &format!(
            "dn: DC=lab,DC=test\nchangetype: modify\nreplace: replUpToDateVector\nreplUpToDateVector:< file://{}\n-\n",
            file.display()
        ),
    );
}

#[test]
fn a_controller_that_has_not_got_who_joined_takes_nobodys_seat_until_it_has() {
    let first = Anchor::from_bytes([0x11; 16]);
    let mut samba = Samba::own();
    samba.restart(|folder| becomes(folder, '1'));
    let ou = samba.ou("failover");
    let names = ["fail1", "fail2", "fail3", "fail4"];
    samba.load(&names.map(|name| ldif::ad_person(&ou, name)).concat());
    let agent = Agent::new("");
    agent.secret("pw", &samba.password);
    agent.write_config(&format!(
        "[[directory]]\nname = \"corp\"\nurl = [\"{}\"]\nca_file = \"{}\"\nbind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
         base = [\"{ou}\"]\ntimeout = \"10s\"\n[[pool]]\nname = \"standard\"\nseats = 10\n",
        samba.ldaps_url,
        samba.ca.display(),
        samba.admin_dn,
    ));
    let sync = |agent: &Agent| {
        let (code, report) = agent.sync();
        let problem = report["directories"][0]["problem"].as_str().unwrap_or_default().to_owned();
        (code, agent.names("active").len(), problem)
    };
    assert_eq!(sync(&agent), (0, 4, String::new()));
    let watermark = agent.status()["directories"][0]["watermark"].as_str().expect("a watermark").to_owned();
    let shown =
        watermark.rsplit_once("uSNChanged=").and_then(|(_, number)| number.parse::<u64>().ok()).expect("a number");

    samba.restart(|folder| {
        becomes(folder, '2');
        let who = format!("CN=fail4,{ou}");
        process::tool(Command::new("ldbdel").arg("-H").arg(folder.join("private/sam.ldb")).arg(who), "");
    });
    for _ in 0..2 {
        let (code, active, problem) = sync(&agent);
        assert_eq!((code, active), (1, 4), "{problem}");
        assert!(problem.contains("does not say what it has got"), "{problem}");
    }
    samba.restart(|folder| received(folder, first, shown - 1));
    let (code, active, problem) = sync(&agent);
    assert_eq!((code, active), (1, 4), "{problem}");
    assert!(problem.contains(&format!("up to {}, and {shown} was seen there", shown - 1)), "{problem}");
    samba.restart(|folder| received(folder, first, shown));
    assert_eq!(sync(&agent), (0, 3, String::new()), "who is deleted there leaves");
}

#[test]
fn a_controller_that_has_got_what_was_shown_goes_on_where_the_one_before_was_asked_last() {
    let mut samba = Samba::own();
    let ou = samba.ou("goes-on");
    let dn = |name: &str| format!("CN={name},{ou}");
    samba.load(&["on1", "on2", "on3", "on4"].map(|name| ldif::ad_person(&ou, name)).concat());
    samba.add(&ldif::ad_person(&ou, "on-gone"));
    samba.delete(&dn("on-gone"));
    let config = format!(
        "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"1h\"\n\
         [[directory]]\nname = \"corp\"\nurl = [\"{}\"]\nca_file = \"{}\"\nbind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
         base = [\"{ou}\"]\ntimeout = \"10s\"\n[[pool]]\nname = \"standard\"\nseats = 3\n[seats]\npromotion = \"automatic\"\n\
         [guard]\npercent = 100\nfloor = 1000\n",
        samba.ldaps_url,
        samba.ca.display(),
        samba.admin_dn,
    );
    let twins = Twins::of(&config, &samba.password);
    twins.delta("nothing, and a cookie");
    samba.modify(&ldif::replace(&dn("on1"), "displayName", &["Another Name"]));
    twins.delta("a new name");
    let watermark = twins.follows.status()["directories"][0]["watermark"].as_str().expect("a watermark").to_owned();
    assert!(!watermark.contains("dirsync"), "{watermark}");
    let shown =
        watermark.rsplit_once("uSNChanged=").and_then(|(_, number)| number.parse::<u64>().ok()).expect("a number");
    samba.restart(|folder| {
        let first = id_of(folder);
        becomes(folder, '2');
        received(folder, first, shown);
    });
    samba.modify(&ldif::replace(&dn("on2"), "displayName", &["A Third Name"]));
    samba.delete(&dn("on3"));
    twins.delta("another controller answers");
    assert_eq!(twins.follows.names("suspended"), ["on3@lab.test"]);
    samba.restart(|folder| becomes(folder, '3'));
    assert_eq!(twins.follows.sync().0, 1, "one that does not say what it has got: partial");
}

/// One thing that happens at a controller, to one of the people whom it shows.
#[derive(Clone, Copy, Debug)]
enum Change {
    Add,
    Name,
    Disable,
    Enable,
    Delete,
    Out,
    Back,
    Join,
    Leave,
}

/// What happens, at the second controller or the first, to whom of those it shows.
fn change() -> impl Strategy<Value = (Change, bool, usize)> {
    use Change::{Add, Back, Delete, Disable, Enable, Join, Leave, Name, Out};
    let what = prop::sample::select(vec![Add, Add, Name, Name, Disable, Enable, Delete, Out, Back, Join, Join, Leave]);
    (what, any::<bool>(), 0..100_usize)
}

/// Two controllers of a domain, and its places that count.
struct Pair {
    first: Samba,
    second: Samba,
    ou: String,
    elsewhere: String,
    group: String,
}

impl Pair {
    /// With five people in the group, and one to whom nothing happens: the guard holds back the last to leave. And one who was
    /// deleted.
    fn new() -> Self {
        let first = Samba::own();
        let (ou, elsewhere) = (first.ou("two"), first.ou("two-out"));
        let dn = |who: usize| format!("CN=two-{who},{ou}");
        first.load(&(1..=6).map(|who| ldif::ad_person(&ou, &format!("two-{who}"))).collect::<String>());
        first.load(&ldif::ad_person(&ou, "stays"));
        let members: Vec<String> = (1..=5).map(dn).chain([format!("CN=stays,{ou}")]).collect();
        first.load(&ldif::ad_group(&ou, "two", &members));
        first.delete(&dn(6));
        let second = first.joined();
        Self { first, second, group: format!("CN=two,{ou}"), ou, elsewhere }
    }

    /// One of them, and the other.
    fn sides(&self, is_second: bool) -> (&Samba, &Samba) {
        if is_second { (&self.second, &self.first) } else { (&self.first, &self.second) }
    }

    fn config(&self, urls: &str) -> String {
        format!(
            "[agent]\nname = \"test\"\nstate_dir = \"state\"\npoll = \"1h\"\npush = false\n\
             [[directory]]\nname = \"corp\"\nurl = [{urls}]\nca_file = \"{}\"\nbind_dn = \"{}\"\nbind_password = {{ file = \"pw\" }}\n\
             base = [\"{}\"]\ngroups = [\"{}\"]\ntimeout = \"10s\"\n[[pool]]\nname = \"standard\"\nseats = 100\n\
             [guard]\npercent = 100\nfloor = 1000\n",
            self.first.ca.display(),
            self.first.admin_dn,
            self.ou,
            self.group,
        )
    }
}

/// The first controller does not answer while the second is to.
fn rules(is_second: bool) -> &'static str {
    if is_second { "refuse" } else { NONE }
}

/// Carries it out; what does not fit the domain as the controller has it does nothing.
fn make(samba: &Samba, domain: &Pair, change: Change, (who, new): (usize, &str)) {
    let shown = samba.search_under(&samba.base, "(&(objectClass=user)(sAMAccountName=two-*))", &["1.1"]);
    let people: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("dn: ")).collect();
    let dn = people[who % people.len()];
    let name = dn.split(',').next().unwrap_or_default();
    let member = |what: &str| {
        samba.try_modify(&format!("dn: {}\nchangetype: modify\n{what}: member\nmember: {dn}\n-\n\n", domain.group));
    };
    match change {
        Change::Add => samba.add(&ldif::ad_person(&domain.ou, new)),
        Change::Name => samba.modify(&ldif::replace(dn, "displayName", &[new])),
        Change::Disable => samba.modify(&ldif::replace(dn, "userAccountControl", &["546"])),
        Change::Enable => samba.modify(&ldif::replace(dn, "userAccountControl", &["544"])),
        Change::Delete if people.len() > 3 => samba.delete(dn),
        Change::Delete => {}
        Change::Out => samba.try_modify(&ldif::rename(dn, name, Some(&domain.elsewhere))),
        Change::Back => samba.try_modify(&ldif::rename(dn, name, Some(&domain.ou))),
        Change::Join => member("add"),
        Change::Leave => member("delete"),
    }
}

/// Everyone who holds a seat.
fn holders(agent: &Agent) -> Vec<[Value; 4]> {
    let shown = |user: &Value| ["user_name", "email", "display_name", "dn"].map(|key| user[key].clone());
    let mut holders: Vec<_> = agent.users().iter().filter(|user| user["state"] == "active").map(shown).collect();
    holders.sort_by_key(|holder| holder[0].to_string());
    holders
}

/// `SEATSYNC_DELTAS_SEED=N` plays another history, `SEATSYNC_DELTAS_STEPS=N` a longer one.
#[test]
fn of_two_controllers_that_replicate_the_one_that_answers_has_its_accounts_whoever_answered_before() {
    let number = |variable: &str, default: u64| {
        std::env::var(variable).map_or(default, |text| text.parse().expect("a number in SEATSYNC_DELTAS_..."))
    };
    let (seed, steps) = (number("SEATSYNC_DELTAS_SEED", 1), number("SEATSYNC_DELTAS_STEPS", 10));
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() });
    let pair = Pair::new();
    let follows = Spoiled::before(&pair.first.address(), &pair.first.password, |url| {
        pair.config(&format!("\"{url}\", \"{}\"", pair.second.ldaps_url))
    });
    follows.agent.sync();
    let (mut was_second, mut taken_over) = (false, 0);
    for step in 0..steps {
        let mut happened = Vec::new();
        for _ in 0..2 {
            let (change, at_second, who) = change().new_tree(&mut runner).expect("a change").current();
            let new = format!("two-{seed}-{step}-{}", happened.len());
            make(pair.sides(at_second).0, &pair, change, (who, &new));
            happened.push((change, at_second, who));
        }
        let is_second = any::<bool>().new_tree(&mut runner).expect("a choice").current();
        let (here, there) = pair.sides(is_second);
        here.pull(there);
        let (code, report) = follows.cycle(rules(is_second), false);
        assert_eq!(code, 0, "step {step}, {happened:?}: {report}");
        taken_over += u32::from(is_second != was_second && report["directories"][0]["mode"] == "delta");
        was_second = is_second;
        let reads = Agent::new(&pair.config(&format!("\"{}\"", here.ldaps_url)));
        reads.secret("pw", &here.password);
        assert_eq!(reads.sync().0, 0);
        assert_eq!(holders(&follows.agent), holders(&reads), "step {step}, {happened:?}: {report}");
    }
    eprintln!("seed {seed}: {taken_over} times one went on where the other was asked last");
    assert!(taken_over > 0);
    let (here, there) = pair.sides(was_second);
    here.add(&ldif::ad_person(&pair.ou, "two-late"));
    assert_eq!(follows.cycle(rules(was_second), false).0, 0);
    let before = holders(&follows.agent);
    assert_eq!(follows.cycle(rules(!was_second), false).0, 1, "it has not got who joined: partial");
    assert_eq!(holders(&follows.agent), before);
    there.pull(here);
    assert_eq!(follows.cycle(rules(!was_second), false).0, 0);
    what_no_person_s_entry_shows(&pair, &follows, !was_second);
}

/// Whatever makes somebody come or go holds the other controller until it has got it, though it is no change of an entry of
/// somebody who is there: a place was moved, somebody was deleted or does not count any more.
fn what_no_person_s_entry_shows(pair: &Pair, follows: &Spoiled, is_second: bool) {
    let (here, there) = pair.sides(is_second);
    let (place, dn) = (format!("OU=taken,{}", pair.elsewhere), |name: &str| format!("CN=two-{name},{}", pair.ou));
    here.add(&format!("dn: {place}\nobjectClass: organizationalUnit\n\n"));
    here.load(&["moved"].map(|name| ldif::ad_person(&place, &format!("two-{name}"))).concat());
    here.load(&["gone", "out"].map(|name| ldif::ad_person(&pair.ou, &format!("two-{name}"))).concat());
    let members = [format!("CN=two-moved,{place}"), dn("gone"), dn("out")].map(|dn| format!("member: {dn}\n"));
    here.modify(&format!("dn: {}\nchangetype: modify\nadd: member\n{}-\n\n", pair.group, members.concat()));
    there.pull(here);
    assert_eq!(follows.cycle(rules(is_second), true).0, 0);
    let happen: [&dyn Fn(); 3] =
        [&|| here.modify(&ldif::rename(&place, "OU=taken", Some(&pair.ou))), &|| here.delete(&dn("gone")), &|| {
            here.modify(&ldif::rename(&dn("out"), "CN=two-out", Some(&pair.elsewhere)));
        }];
    for (number, happens) in happen.iter().enumerate() {
        happens();
        let before = holders(&follows.agent);
        assert_eq!(follows.cycle(rules(is_second), true).0, 0, "{number}");
        let after = holders(&follows.agent);
        assert_ne!(after, before, "{number}");
        let (code, report) = follows.cycle(rules(!is_second), false);
        assert_eq!((code, holders(&follows.agent)), (1, after.clone()), "{number}: {report}");
        there.pull(here);
        let (code, report) = follows.cycle(rules(!is_second), false);
        assert_eq!((code, holders(&follows.agent)), (0, after), "{number}, once it has got that: {report}");
        // The other's own numbers begin with all it had.
        here.pull(there);
        assert_eq!(follows.cycle(rules(is_second), false).0, 0, "{number}, and back");
    }
}
