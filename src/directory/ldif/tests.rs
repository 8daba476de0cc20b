use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::model::settings::{AttributeSettings, Source};
use crate::model::snapshot::Found;
use crate::model::{Defect, Standing};

const TOP: &str = "dn: dc=x\nobjectClass: domain\ndc: x\n\n";

fn uuid(number: u8) -> String {
    format!("00000000-0000-4000-8000-0000000000{number:02x}")
}

fn anchor(number: u8) -> Anchor {
    uuid(number).parse().unwrap()
}

fn unit(number: u8, name: &str) -> String {
    format!("dn: ou={name},dc=x\nobjectClass: organizationalUnit\nentryUUID: {}\n\n", uuid(number))
}

/// A person `uNUMBER` with this anchor; `more` are further lines.
fn person(number: u8, place: &str, more: &str) -> String {
    let uuid = uuid(number);
    format!(
        "dn: uid=u{number},{place}\nobjectClass: inetOrgPerson\nuid: u{number}\nmail: u{number}@x.example\nentryUUID: {uuid}\n{more}\n"
    )
}

fn group(number: u8, name: &str, members: &[&str]) -> String {
    let members: Vec<String> = members.iter().map(|member| format!("member: {member}\n")).collect();
    let members = members.concat();
    format!("dn: cn={name},dc=x\nobjectClass: groupOfNames\nentryUUID: {}\n{members}\n", uuid(number))
}

fn key(role: Role, dn: &str) -> ScopeKey {
    ScopeKey { role, dn: dn.into() }
}

/// A directory in a file that can be written again.
struct Lab {
    folder: TempDir,
    directory: LdifDirectory,
    pins: BTreeMap<ScopeKey, Pin>,
}

impl Lab {
    fn new(base: &str, filter: Option<&str>, groups: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export.ldif");
        let settings = settings(base, filter, &path);
        let groups: Vec<ScopeKey> = groups.iter().map(|dn| key(Role::Group, dn)).collect();
        Self { directory: LdifDirectory::new(&settings, &path, &groups).unwrap(), folder, pins: BTreeMap::new() }
    }

    fn write(&self, text: &[u8]) {
        fs::write(self.folder.path().join("export.ldif"), text).unwrap();
    }

    fn request(&self) -> ReadRequest {
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        ReadRequest { now, pins: self.pins.clone(), nested: Vec::new(), watermark: None }
    }

    async fn try_read(&mut self, text: &str) -> Result<Snapshot, ReadError> {
        self.write(text.as_bytes());
        let request = self.request();
        self.directory.read(&request, &|_| ()).await
    }

    /// Reads, and remembers where everything was, as a cycle would.
    async fn read(&mut self, text: &str) -> Snapshot {
        let snapshot = self.try_read(text).await.unwrap();
        for (key, found) in &snapshot.scope {
            if let Found::Here { anchor, dn } = found {
                let pin = Pin { key: key.clone(), anchor: Some(*anchor), dn: dn.to_string() };
                self.pins.insert(key.clone(), pin);
            }
        }
        snapshot
    }

    async fn locate(&mut self, number: u8, dn: Option<&str>) -> Result<Whereabouts, ReadError> {
        let missing = Missing { anchor: anchor(number), dn: dn.map(str::to_owned) };
        let now = self.request().now;
        self.directory.locate(&[missing], now).await.map(|mut all| all.remove(&anchor(number)).unwrap())
    }
}

fn settings(base: &str, filter: Option<&str>, path: &Path) -> DirectorySettings {
    DirectorySettings {
        name: "file".into(),
        kind: Some(Kind::Ldif),
        source: Source::Ldif { path: path.to_owned() },
        bases: vec![base.into()],
        filter: filter.map(str::to_owned),
        groups: Vec::new(),
        exclude_groups: Vec::new(),
        attributes: AttributeSettings::default(),
    }
}

fn anchors(snapshot: &Snapshot) -> Vec<Anchor> {
    snapshot.people.iter().map(|person| person.anchor).collect()
}

fn found(snapshot: &Snapshot, role: Role, dn: &str) -> Found {
    snapshot.scope[&key(role, dn)].clone()
}

#[tokio::test]
async fn people_under_the_base_whom_the_filter_takes_come_in_the_order_of_their_anchors() {
    let mut lab = Lab::new("OU=People, DC=x", Some("(employeeType=staff)"), &[]);
    let text = [
        unit(1, "people"),
        person(9, "ou=people,dc=x", "employeeType: Staff\n"),
        person(3, "ou=deep,ou=people,dc=x", "employeeType: staff\n"),
        person(4, "ou=people,dc=x", "employeeType: guest\n"),
        person(5, "ou=others,dc=x", "employeeType: staff\n"),
        "dn: cn=pc,ou=people,dc=x\nobjectClass: user\nobjectClass: computer\nemployeeType: staff\n\n".to_owned(),
    ];
    let snapshot = lab.read(&text.concat()).await;
    assert_eq!(anchors(&snapshot), [anchor(3), anchor(9)]);
    assert_eq!((snapshot.partial.as_ref(), snapshot.entries), (None, 2));
    let mut backwards = text;
    backwards.reverse();
    let again = lab.read(&backwards.concat()).await;
    assert_eq!(anchors(&again), anchors(&snapshot));
    assert_ne!(again.watermark, snapshot.watermark);
    assert_eq!(again.scope, snapshot.scope);
}

#[tokio::test]
async fn groups_are_followed_wherever_they_lie() {
    let mut lab = Lab::new("ou=people,dc=x", None, &["cn=staff,dc=x"]);
    let text = [
        unit(1, "people"),
        person(2, "ou=people,dc=x", ""),
        person(3, "ou=people,dc=x", ""),
        group(4, "staff", &["UID=u2,ou=People,dc=x", "cn=inner,dc=x", "cn=gone,dc=x", "cn=a,dc=y", "ou=people,dc=x"]),
        group(5, "inner", &["uid=u3,ou=people,dc=x", "cn=staff,dc=x"]),
    ];
    let snapshot = lab.read(&text.concat()).await;
    let members = &snapshot.members[&key(Role::Group, "cn=staff,dc=x")];
    assert_eq!(members[&anchor(2)].as_ref(), ["cn=staff,dc=x"]);
    assert_eq!(members[&anchor(3)].as_ref(), ["cn=staff,dc=x", "cn=inner,dc=x"]);
    assert_eq!((snapshot.foreign, snapshot.dangling, snapshot.partial), (1, 1, None));
}

#[tokio::test]
async fn a_broken_file_is_not_a_smaller_directory() {
    let mut lab = Lab::new("dc=x", None, &[]);
    let good = [person(2, "dc=x", ""), person(3, "dc=x", "")].concat();
    lab.read(&good).await;
    for broken in [
        format!("{good}oops\n"),
        format!("{good}dn: uid=u4,dc=x\n"),
        format!("{good}dn:: ab\nuid: u4\n"),
        format!("{good}{}", person(4, "dc=x", "").replace("uid=u4", "UID=U3")),
    ] {
        let error = lab.try_read(&broken).await.unwrap_err();
        assert!(error.doing.contains("export.ldif") && error.doing.contains("line "), "{}", error.doing);
        assert!(lab.locate(9, None).await.is_err());
    }
    fs::remove_file(lab.folder.path().join("export.ldif")).unwrap();
    assert!(lab.locate(2, None).await.is_err());
    let request = lab.request();
    let error = lab.directory.read(&request, &|_| ()).await.unwrap_err();
    assert_eq!(error.persistence, Persistence::Permanent);
}

#[tokio::test]
async fn an_empty_file_has_no_base() {
    let mut lab = Lab::new("dc=x", None, &[]);
    let snapshot = lab.try_read("# nothing\n").await.unwrap();
    assert_eq!(found(&snapshot, Role::Base, "dc=x"), Found::Nowhere);
    assert!(snapshot.partial.is_some());
    lab.read(&person(2, "dc=x", "")).await;
    let snapshot = lab.try_read("").await.unwrap();
    assert!(matches!(found(&snapshot, Role::Base, "dc=x"), Found::Replaced { new: None, .. }));
    assert!(snapshot.partial.is_some());
}

#[tokio::test]
async fn a_base_without_an_entry_of_its_own_is_found_by_what_lies_under_it() {
    let mut lab = Lab::new("ou=people,dc=x", None, &[]);
    let people = person(2, "ou=people,dc=x", "");
    let first = lab.read(&people).await;
    assert_eq!(first.partial, None);
    let second = lab.read(&[unit(7, "people"), people.clone()].concat()).await;
    assert_eq!((second.partial, second.people.len()), (None, 1));
    assert!(
        matches!(&second.scope[&key(Role::Base, "ou=people,dc=x")], Found::Here { anchor: now, .. } if *now == anchor(7))
    );
    let third = lab.read(&people).await;
    assert_eq!((third.partial, third.people.len()), (None, 1));
    assert!(
        matches!(&third.scope[&key(Role::Base, "ou=people,dc=x")], Found::Here { anchor: now, .. } if *now == anchor(7))
    );
}

#[tokio::test]
async fn a_renamed_base_or_group_is_followed_by_its_anchor() {
    let mut lab = Lab::new("ou=people,dc=x", None, &["cn=staff,dc=x"]);
    let text = |unit_name: &str, group_name: &str| {
        let place = format!("ou={unit_name},dc=x");
        let member = format!("uid=u2,{place}");
        [unit(1, unit_name), person(2, &place, ""), group(4, group_name, &[&member])].concat()
    };
    lab.read(&text("people", "staff")).await;
    let renamed = lab.read(&text("folk", "crew")).await;
    assert_eq!((renamed.partial.as_ref(), anchors(&renamed)), (None, vec![anchor(2)]));
    assert_eq!(renamed.members[&key(Role::Group, "cn=staff,dc=x")].len(), 1);
    let Found::Here { dn, .. } = found(&renamed, Role::Group, "cn=staff,dc=x") else { panic!() };
    assert_eq!(dn.as_str(), "cn=crew,dc=x");
    lab.directory.close().await;
    assert!(matches!(lab.locate(2, None).await.unwrap(), Whereabouts::Overlooked(_)));
}

#[tokio::test]
async fn a_group_that_is_gone_or_another_makes_the_read_partial() {
    let mut lab = Lab::new("dc=x", None, &["cn=staff,dc=x"]);
    let people = [TOP.to_owned(), person(2, "dc=x", "")].concat();
    lab.read(&[people.clone(), group(4, "staff", &["uid=u2,dc=x"])].concat()).await;
    let again = lab.try_read(&[people.clone(), group(5, "staff", &["uid=u2,dc=x"])].concat()).await.unwrap();
    let replaced = Found::Replaced { old: anchor(4), new: Some(anchor(5)) };
    assert_eq!(found(&again, Role::Group, "cn=staff,dc=x"), replaced);
    assert!(again.partial.unwrap().message.contains(&uuid(5)));
    let gone = lab.try_read(&people).await.unwrap();
    assert_eq!(found(&gone, Role::Group, "cn=staff,dc=x"), Found::Replaced { old: anchor(4), new: None });
    assert!(gone.partial.is_some());
    let staff = key(Role::Group, "cn=staff,dc=x");
    lab.pins.insert(staff.clone(), Pin { key: staff, anchor: None, dn: "cn=staff,dc=x".to_owned() });
    let without = lab.try_read(&people).await.unwrap();
    assert_eq!((found(&without, Role::Group, "cn=staff,dc=x"), without.partial), (Found::DoneWithout, None));
    let made_again = lab.try_read(&[people, group(6, "staff", &["uid=u2,dc=x"])].concat()).await.unwrap();
    assert!(
        matches!(found(&made_again, Role::Group, "cn=staff,dc=x"), Found::Here { anchor: it, .. } if it == anchor(6))
    );
    assert!(made_again.partial.is_none());
}

#[tokio::test]
async fn what_is_no_group_is_none() {
    let mut lab = Lab::new("dc=x", None, &["ou=staff,dc=x"]);
    let snapshot = lab.try_read(&[person(2, "dc=x", ""), unit(4, "staff")].concat()).await.unwrap();
    assert_eq!(found(&snapshot, Role::Group, "ou=staff,dc=x"), Found::Nowhere);
    assert!(snapshot.partial.is_some());
}

#[tokio::test]
async fn entries_that_share_an_anchor_are_nobody_and_the_read_is_partial() {
    let mut lab = Lab::new("dc=x", None, &[]);
    let twin = person(4, "dc=x", "").replace(&uuid(4), &uuid(2));
    let snapshot = lab.try_read(&[person(2, "dc=x", ""), person(3, "dc=x", ""), twin].concat()).await.unwrap();
    assert_eq!(anchors(&snapshot), [anchor(3)]);
    let reasons: Vec<Defect> = snapshot.unidentified.iter().map(|entry| entry.quarantine.reason).collect();
    assert_eq!(reasons, [Defect::Duplicate, Defect::Duplicate]);
    let message = snapshot.partial.unwrap().message;
    assert!(message.contains("lines 1, 13") && message.contains(&uuid(2)), "{message}");
}

#[tokio::test]
async fn whoever_is_missing_is_looked_for_in_the_whole_file() {
    let mut lab = Lab::new("ou=people,dc=x", Some("(uid=*)"), &[]);
    let text = [
        unit(1, "people"),
        person(2, "ou=people,dc=x", ""),
        person(3, "ou=others,dc=x", ""),
        person(4, "ou=others,dc=x", "nsAccountLock: true\n"),
        person(5, "ou=people,dc=x", "").replace("uid: u5\n", ""),
        person(6, "ou=people,dc=x", "").replace("inetOrgPerson", "room"),
        person(7, "ou=people,dc=x", "objectClass: user\nisDeleted: TRUE\n"),
        person(8, "ou=people,dc=x", "").replace("objectClass: inetOrgPerson\n", ""),
        person(9, "ou=people,dc=x", "").replace(&uuid(9), "spoilt"),
    ];
    lab.read(&text.concat()).await;
    assert!(matches!(lab.locate(2, None).await.unwrap(), Whereabouts::Overlooked(_)));
    assert!(matches!(lab.locate(3, None).await.unwrap(), Whereabouts::OutOfScope(_)));
    assert!(matches!(lab.locate(4, None).await.unwrap(), Whereabouts::Left(who) if who.standing == Standing::Disabled));
    assert!(matches!(lab.locate(5, None).await.unwrap(), Whereabouts::OutOfScope(_)));
    assert!(matches!(lab.locate(6, None).await.unwrap(), Whereabouts::OutOfScope(_)));
    assert!(matches!(lab.locate(7, None).await.unwrap(), Whereabouts::Tombstone));
    let gone = |whereabouts| matches!(whereabouts, Whereabouts::Nowhere { parent_readable: true });
    assert!(!gone(lab.locate(8, None).await.unwrap()));
    assert!(!gone(lab.locate(9, Some("uid=u9,ou=people,dc=x")).await.unwrap()));
    assert!(gone(lab.locate(10, Some("uid=u10,ou=people,dc=x")).await.unwrap()));
    assert!(gone(lab.locate(10, None).await.unwrap()));
    assert!(!gone(lab.locate(10, Some("uid=u10,ou=lost,dc=x")).await.unwrap()));
}

#[tokio::test]
async fn a_lookup_reads_a_file_that_has_changed_since() {
    let mut lab = Lab::new("dc=x", None, &[]);
    lab.read(&person(2, "dc=x", "")).await;
    lab.write([person(2, "dc=x", ""), person(3, "dc=x", "")].concat().as_bytes());
    assert!(matches!(lab.locate(3, None).await.unwrap(), Whereabouts::Overlooked(_)));
    lab.write(person(3, "dc=y", "").as_bytes());
    assert!(lab.locate(2, None).await.is_err(), "the base is gone");
}

#[tokio::test]
async fn nobody_can_be_told_by_a_name_that_is_no_text() {
    let mut lab = Lab::new("dc=x", None, &[]);
    lab.write(
        &[person(2, "dc=x", "").as_bytes(), b"dn: uid=\xff,dc=x\nobjectClass: person\nuid: u3\nmail: u3@x.example\n"]
            .concat(),
    );
    let request = lab.request();
    let snapshot = lab.directory.read(&request, &|_| ()).await.unwrap();
    assert_eq!((snapshot.people.len(), snapshot.unidentified.len(), snapshot.partial), (1, 1, None));
}

#[tokio::test]
async fn a_probe_says_what_is_not_there() {
    let mut lab = Lab::new("dc=x", None, &["cn=staff,dc=x"]);
    assert!(!lab.directory.probe(&BTreeMap::new()).await.probes[0].ok);
    lab.write(person(2, "dc=x", "").as_bytes());
    let probes = lab.directory.probe(&BTreeMap::new()).await.probes;
    assert_eq!(probes.iter().map(|probe| probe.ok).collect::<Vec<_>>(), [true, false]);
    assert!(probes[1].message.contains("cn=staff,dc=x"));
}

#[tokio::test]
async fn a_probe_follows_what_a_cycle_follows_and_says_where_to() {
    let mut lab = Lab::new("dc=x", None, &["cn=staff,dc=x"]);
    let people = [TOP.to_owned(), person(2, "dc=x", "")].concat();
    lab.read(&[people.clone(), group(4, "staff", &["uid=u2,dc=x"])].concat()).await;
    lab.write([people, group(4, "crew", &["uid=u2,dc=x"])].concat().as_bytes());
    let pins = lab.pins.clone();
    let followed = lab.directory.probe(&pins).await.probes;
    assert!(followed.iter().all(|probe| probe.ok), "{followed:?}");
    assert!(followed[1].remedy.as_ref().is_some_and(|remedy| remedy.contains("\"cn=crew,dc=x\"")), "{followed:?}");
    assert!(!lab.directory.probe(&BTreeMap::new()).await.probes[1].ok, "without a state nobody knows what it was");
}

#[test]
fn a_filter_that_only_a_server_can_apply_is_refused() {
    let path = Path::new("export.ldif");
    let refused = |filter| LdifDirectory::new(&settings("dc=x", Some(filter), path), path, &[]).err();
    assert!(matches!(refused("(cn:caseExactMatch:=a)"), Some(LdifConfigError::NeedsServer(_))));
    assert!(matches!(refused("(cn=a"), Some(LdifConfigError::Filter(_))));
    assert!(refused("(cn=a)").is_none());
    let odd = LdifDirectory::new(&settings("people", None, path), path, &[]);
    assert!(matches!(odd.err(), Some(LdifConfigError::Dn(_))));
}

#[tokio::test]
async fn progress_is_told() {
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut lab = Lab::new("dc=x", None, &[]);
    let units: Vec<String> =
        (0..2500).map(|at| format!("dn: ou={at},dc=x\nobjectClass: organizationalUnit\n\n")).collect();
    lab.write(units.concat().as_bytes());
    let (request, ears) = (lab.request(), Arc::clone(&heard));
    lab.directory.read(&request, &move |count| ears.lock().unwrap().push(count)).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), [1000, 2000, 2500]);
}

#[tokio::test]
async fn the_demo_has_sixty_people_of_whom_six_come_first() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo.ldif");
    let executives = key(Role::Group, "cn=executives,ou=groups,dc=demo,dc=example");
    let settings = settings("ou=people,dc=demo,dc=example", None, &path);
    let mut demo = LdifDirectory::new(&settings, &path, std::slice::from_ref(&executives)).unwrap();
    let now = "2026-01-02T00:00:00Z".parse().unwrap();
    let request = ReadRequest { now, pins: BTreeMap::new(), nested: Vec::new(), watermark: None };
    let snapshot = demo.read(&request, &|_| ()).await.unwrap();
    assert_eq!((snapshot.people.len(), snapshot.unidentified.len(), snapshot.partial.as_ref()), (60, 0, None));
    assert_eq!((snapshot.foreign, snapshot.dangling, snapshot.members[&executives].len()), (0, 0, 6));
    for person in &snapshot.people {
        assert_eq!((person.standing, person.quarantine.as_ref()), (Standing::Enabled, None), "{}", person.dn);
        assert!(person.created.is_some() && person.profile.family_name.is_some());
    }
    let names: BTreeSet<&str> =
        snapshot.people.iter().filter_map(|person| person.profile.display_name.as_deref()).collect();
    assert!(names.contains("高橋 美咲") && names.len() == 60);
}
