//! A real Samba domain controller that becomes another one: what it has not got yet takes nobody's seat.

#![allow(clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::path::Path;
use std::process::Command;

use seatsync::model::Anchor;
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
