mod meanwhile;
mod memory;

use jiff::Timestamp;
use proptest::prelude::*;

use self::memory::{Everyone, Memory};
use super::*;
use crate::directory::entry::RawEntry;
use crate::model::snapshot::{Kind, Nested, Role};
use crate::model::{Digest, Profile, Sighting, Standing, fold};
use crate::ports::{Roster, StateError};

fn dn(text: &str) -> Dn {
    Dn::parse(text).unwrap()
}

fn anchor(number: u8) -> Anchor {
    Anchor::from_bytes([number; 16])
}

fn person(number: u8) -> Sighting {
    Sighting {
        anchor: anchor(number),
        dn: dn(&format!("uid=P{number},ou=people,dc=x")),
        standing: Standing::Enabled,
        sign: None,
        profile: Profile::default(),
        quarantine: None,
        created: None,
        due: None,
        uids: vec![format!("P{number}"), format!("other{number}")],
        logon: None,
        entry: Digest::of(&()),
        primary_group: None,
        member_of: Vec::new(),
    }
}

fn group(name: &str, members: &[&str]) -> GroupObject {
    let dn = dn(&format!("cn={name},dc=x"));
    GroupObject {
        anchor: Anchor::of_dn(&dn),
        members: members.iter().map(|member| Dn::parse(member).unwrap()).collect(),
        member_uids: Vec::new(),
        primary_token: None,
        lists_members: true,
        changed: None,
        stamp: None,
        unreadable: 0,
        dn,
    }
}

fn key(name: &str) -> ScopeKey {
    ScopeKey { role: Role::Group, dn: format!("cn={name},dc=x").into() }
}

async fn walk_from(root: &str, people: &[Sighting], source: &mut Memory) -> Walked {
    walk_after(&[], root, people, source).await
}

async fn walk_after(before: &[Nested], root: &str, people: &[Sighting], source: &mut Memory) -> Walked {
    let root_group = source.groups.iter().find(|group| group.dn == dn(&format!("cn={root},dc=x"))).unwrap().clone();
    let roots = [(key(root), root_group)];
    let mut asked_one_by_one = source.clone();
    let mut roster = Everyone(people);
    let by_roster =
        walk(&roots, before, &mut PeopleIndex::of_roster(&mut roster), &mut asked_one_by_one).await.unwrap();
    let walked = walk(&roots, before, &mut PeopleIndex::new(people), source).await.unwrap();
    if !walked.computed {
        assert_eq!(by_roster, walked);
        assert_eq!(asked_one_by_one.asked, source.asked);
    }
    walked
}

fn way(walked: &Walked, root: &str, number: u8) -> Option<Vec<String>> {
    walked.members[&key(root)].get(&anchor(number)).map(|way| way.to_vec())
}

#[tokio::test]
async fn nested_groups_are_walked_once_though_they_run_in_a_circle() {
    let mut source = Memory {
        groups: vec![
            group("a", &["UID=p1, OU=people,dc=x", "CN=B,dc=x"]),
            group("b", &["cn=c,dc=x", "cn=a,dc=x", "cn=b,dc=x"]),
            group("c", &["uid=p2,ou=people,dc=x", "cn=b,dc=x"]),
        ],
        ..Memory::default()
    };
    let walked = walk_from("a", &[person(1), person(2)], &mut source).await;
    assert_eq!(source.asked, [["CN=B,dc=x"], ["cn=c,dc=x"]]);
    assert_eq!(way(&walked, "a", 1).unwrap(), ["cn=a,dc=x"]);
    assert_eq!(way(&walked, "a", 2).unwrap(), ["cn=a,dc=x", "cn=b,dc=x", "cn=c,dc=x"]);
    assert_eq!((walked.foreign, walked.dangling, walked.others), (0, 0, 0));
}

#[tokio::test]
async fn of_two_ways_the_shorter_counts_and_of_two_as_short_the_first_by_dn() {
    let p1 = "uid=p1,ou=people,dc=x";
    let mut source = Memory {
        groups: vec![
            group("a", &["cn=z,dc=x", "cn=m,dc=x", "cn=n,dc=x"]),
            group("m", &["cn=deep,dc=x"]),
            group("deep", &[p1]),
            group("n", &["uid=p2,ou=people,dc=x", p1]),
            group("z", &[p1]),
        ],
        ..Memory::default()
    };
    let walked = walk_from("a", &[person(1), person(2)], &mut source).await;
    assert_eq!(way(&walked, "a", 1).unwrap(), ["cn=a,dc=x", "cn=n,dc=x"]);
}

#[tokio::test]
async fn members_that_are_no_people_are_counted_once_each() {
    let mut source = Memory {
        groups: vec![
            group("a", &["cn=b,dc=x", "cn=pc,dc=x", "cn=gone,dc=x", "cn=s-1-5,dc=other", "uid=p1,ou=people,dc=x"]),
            group("b", &["CN=PC,dc=x", "cn=gone,DC=x", "cn=S-1-5,dc=other"]),
        ],
        others: vec![dn("cn=pc,dc=x")],
        ..Memory::default()
    };
    source.groups[1].unreadable = 2;
    let walked = walk_from("a", &[person(1)], &mut source).await;
    assert_eq!((walked.foreign, walked.dangling, walked.others), (1, 3, 1));
    assert!(source.asked.iter().flatten().all(|asked| !asked.contains("uid=") && !asked.contains("other")));
}

#[tokio::test]
async fn roots_inside_each_other_are_never_fetched() {
    let (a, b) = (group("a", &["cn=b,dc=x"]), group("b", &["uid=p1,ou=people,dc=x", "cn=a,dc=x"]));
    let mut source = Memory::default();
    let people = [person(1)];
    let roots = [(key("a"), a), (key("b"), b)];
    let walked = walk(&roots, &[], &mut PeopleIndex::new(&people), &mut source).await.unwrap();
    assert!(source.asked.is_empty());
    assert_eq!(way(&walked, "a", 1).unwrap(), ["cn=a,dc=x", "cn=b,dc=x"]);
    assert_eq!(way(&walked, "b", 1).unwrap(), ["cn=b,dc=x"]);
}

#[tokio::test]
async fn people_are_known_by_user_id_primary_group_and_their_own_word() {
    let mut people = [person(1), person(2), person(3), person(4)];
    people[1].primary_group = Some(513);
    people[2].member_of = vec![dn("CN=Dynamic,dc=x"), dn("cn=listing,dc=x")];
    let mut posix = group("posix", &["cn=dynamic,dc=x", "cn=listing,dc=x"]);
    posix.member_uids = vec!["p1".to_owned(), "nobody".to_owned()];
    posix.primary_token = Some(513);
    let mut dynamic = group("dynamic", &[]);
    dynamic.lists_members = false;
    let mut source = Memory { groups: vec![posix, dynamic, group("listing", &[])], ..Memory::default() };
    let walked = walk_from("posix", &people, &mut source).await;
    assert_eq!(way(&walked, "posix", 1).unwrap(), ["cn=posix,dc=x"]);
    assert_eq!(way(&walked, "posix", 2).unwrap(), ["cn=posix,dc=x"]);
    assert_eq!(way(&walked, "posix", 3).unwrap(), ["cn=posix,dc=x", "cn=dynamic,dc=x"]);
    assert_eq!(way(&walked, "posix", 4), None);
    assert_eq!(walked.by_uid, [anchor(1)]);
    let walked = walk_from("listing", &people, &mut source).await;
    assert_eq!(way(&walked, "listing", 3), None);
}

#[tokio::test]
async fn a_source_that_answers_too_little_is_an_error() {
    struct Short;
    #[async_trait]
    impl GroupSource for Short {
        async fn fetch(&mut self, _: &[Dn]) -> Result<Vec<Object>, ReadError> {
            Ok(Vec::new())
        }

        async fn find(&mut self, _: Anchor, _: &Dn) -> Result<Option<GroupObject>, ReadError> {
            Ok(None)
        }

        async fn hidden(&mut self, _: &[Dn]) -> Result<Vec<Option<&'static str>>, ReadError> {
            Ok(Vec::new())
        }

        async fn is_readable(&mut self, _: &Dn) -> Result<bool, ReadError> {
            Ok(true)
        }

        fn is_foreign(&self, _: &Dn) -> bool {
            false
        }
    }
    let roots = [(key("a"), group("a", &["cn=b,dc=x"]))];
    assert!(walk(&roots, &[], &mut PeopleIndex::default(), &mut Short).await.is_err());
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Walks from the group "a" as the read after `before`, whole in all else.
async fn read_again(source: &mut Memory, before: &[Nested], kind: Kind, second: i64) -> (Walked, Missed) {
    let mut walked = walk_after(before, "a", &[person(1), person(2)], source).await;
    let missed = missed(before, &mut walked, source, (kind, true, at(second))).await.unwrap();
    (walked, missed)
}

/// The group "a" with the groups "b" and "c" in each other, and one person in each of these.
fn nested_company() -> Memory {
    let (b, c) = (["cn=c,dc=x", "uid=p1,ou=people,dc=x"], ["uid=p2,ou=people,dc=x"]);
    Memory { groups: vec![group("a", &["cn=b,dc=x"]), group("b", &b), group("c", &c)], ..Memory::default() }
}

#[tokio::test]
async fn a_nested_group_that_is_listed_and_not_found_counts_as_deleted_when_a_second_read_says_so() {
    let mut source = nested_company();
    let (_, first) = read_again(&mut source, &[], Kind::OpenLdap, 1).await;
    let known = |name: &str, missed| {
        let GroupObject { anchor, dn, .. } = group(name, &[]);
        Nested { dn, anchor: Some(anchor), missed }
    };
    assert_eq!(first, Missed { nested: vec![known("b", None), known("c", None)], problems: vec![] });
    source.groups.remove(1);
    let (walked, second) = read_again(&mut source, &first.nested, Kind::OpenLdap, 2).await;
    assert!(second.problems[0].contains("cn=b,dc=x") && walked.members.is_empty(), "{second:?}");
    assert_eq!(second.nested, [known("b", Some(at(2))), known("c", None)], "what lies behind it stays known");
    let (walked, third) = read_again(&mut source, &second.nested, Kind::OpenLdap, 3).await;
    assert_eq!((third, walked.members[&key("a")].len()), (Missed::default(), 0));
    let (walked, back) = read_again(&mut nested_company(), &second.nested, Kind::OpenLdap, 3).await;
    assert_eq!((back, walked.members[&key("a")].len()), (first, 2));
}

#[tokio::test]
async fn a_nested_group_that_is_listed_by_a_name_of_before_is_found_by_its_anchor_in_every_read() {
    let mut source = nested_company();
    let (_, mut last) = read_again(&mut source, &[], Kind::OpenLdap, 1).await;
    source.groups[1].dn = dn("cn=new,dc=x");
    for second in 2..4 {
        let (walked, again) = read_again(&mut source, &last.nested, Kind::OpenLdap, second).await;
        assert_eq!((&again, walked.members[&key("a")].len(), walked.dangling), (&last, 2, 0));
        assert_eq!(walked.followed, BTreeMap::from([(dn("cn=b,dc=x"), dn("cn=new,dc=x"))]));
        assert_eq!(way(&walked, "a", 1).unwrap(), ["cn=a,dc=x", "cn=new,dc=x"]);
        last = again;
    }
    // Another group with the name of before is the one that is listed.
    source.groups.push(GroupObject { anchor: anchor(9), ..group("b", &["uid=p2,ou=people,dc=x"]) });
    let (walked, _) = read_again(&mut source, &last.nested, Kind::OpenLdap, 4).await;
    assert_eq!((way(&walked, "a", 1), walked.followed.len()), (None, 0));
}

#[tokio::test]
async fn a_nested_group_is_never_taken_for_deleted_where_it_may_be_hidden() {
    let inner = |container: &str| {
        let mut inner = group("b", &["uid=p1,ou=people,dc=x"]);
        inner.dn = dn(&format!("cn=b,{container}"));
        Memory { groups: vec![group("a", &[&format!("cn=b,{container}")]), inner], ..Memory::default() }
    };
    for (kind, container) in [(Kind::ActiveDirectory, "dc=x"), (Kind::OpenLdap, "ou=hidden,dc=x")] {
        let mut source = inner(container);
        let (_, mut last) = read_again(&mut source, &[], kind, 1).await;
        source.groups.remove(1);
        for second in 2..5 {
            (_, last) = read_again(&mut source, &last.nested, kind, second).await;
            assert_eq!((last.problems.len(), last.nested[0].missed), (1, None), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_read_that_is_broken_otherwise_says_nothing_of_a_nested_group() {
    let mut source = nested_company();
    let (_, first) = read_again(&mut source, &[], Kind::OpenLdap, 1).await;
    source.groups.remove(1);
    let mut walked = walk_from("a", &[], &mut source).await;
    let broken = missed(&first.nested, &mut walked, &mut source, (Kind::OpenLdap, false, at(2))).await.unwrap();
    assert_eq!(broken.nested, first.nested);
}

#[tokio::test]
async fn a_nested_group_that_nobody_lists_any_more_or_that_was_never_read_holds_nothing_up() {
    let mut source = nested_company();
    let (_, first) = read_again(&mut source, &[], Kind::OpenLdap, 1).await;
    source.groups[0].members = vec![dn("cn=never,dc=x")];
    let (walked, second) = read_again(&mut source, &first.nested, Kind::OpenLdap, 2).await;
    assert_eq!((second, walked.dangling), (Missed::default(), 1));
}

fn entry(pairs: &[(&str, &str)]) -> RawEntry {
    let attributes = pairs.iter().map(|(name, value)| ((*name).to_owned(), vec![value.as_bytes().to_vec()])).collect();
    RawEntry { dn: b"cn=g,dc=x".to_vec(), attributes }
}

#[test]
fn every_kind_of_group_is_read() {
    let of = |pairs: &[(&str, &str)]| group_object(Kind::Ldif, &entry(pairs));
    for class in ["group", "groupOfNames", "groupOfUniqueNames", "posixGroup", "groupOfMembers"] {
        assert!(of(&[("objectClass", class)]).unwrap().lists_members, "{class}");
    }
    assert!(!of(&[("objectClass", "groupOfURLs")]).unwrap().lists_members);
    assert!(of(&[("objectClass", "groupOfURLs"), ("member", "cn=a")]).unwrap().lists_members);
    assert_eq!(of(&[("objectClass", "organizationalUnit")]), None);
    assert_eq!(of(&[("objectClass", "inetOrgPerson"), ("memberOf", "cn=g")]), None);
    let read = of(&[
        ("objectClass", "group"),
        ("member", "cn=a"),
        ("MEMBER", "nonsense"),
        ("uniqueMember", "cn=b,dc=x#'0101'B"),
        ("memberUid", "p1"),
        ("primaryGroupToken", "513"),
    ]);
    let read = read.unwrap();
    assert_eq!(read.members, [dn("cn=a"), dn("cn=b,dc=x")]);
    assert_eq!(
        (read.unreadable, read.primary_token, read.member_uids.as_slice()),
        (1, Some(513), ["p1".to_owned()].as_slice())
    );
}

#[test]
fn a_unique_identifier_is_no_part_of_the_name() {
    assert_eq!(member_dn(b"cn=b,dc=x#'01'B"), Some(dn("cn=b,dc=x")));
    assert_eq!(member_dn(b"cn=b,dc=x#''B"), Some(dn("cn=b,dc=x")));
    assert_eq!(member_dn(b"cn=b#'02'B"), Some(dn("cn=b#'02'B")));
    assert_eq!(member_dn(b"cn=\xff"), None);
}

proptest! {
    #[test]
    fn the_order_of_members_changes_nothing(edges in proptest::collection::vec((0u8..6, 0u8..10), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let people: Vec<Sighting> = (6..10).map(person).collect();
        let named = |node: u8| if node < 6 { format!("cn=g{node},dc=x") } else { format!("uid=p{node},ou=people,dc=x") };
        let build = |edges: &[(u8, u8)]| {
            let groups = (0..6).map(|from| {
                let members: Vec<String> = edges.iter().filter(|edge| edge.0 == from).map(|edge| named(edge.1)).collect();
                group(&format!("g{from}"), &members.iter().map(String::as_str).collect::<Vec<_>>())
            });
            Memory { groups: groups.collect(), ..Memory::default() }
        };
        let mut reversed = edges.clone();
        reversed.reverse();
        let mut backwards = people.clone();
        backwards.reverse();
        let one = runtime.block_on(walk_from("g0", &people, &mut build(&edges)));
        let two = runtime.block_on(walk_from("g0", &backwards, &mut build(&reversed)));
        prop_assert_eq!(one, two);
    }
}

#[tokio::test]
async fn a_group_whose_members_may_not_be_seen_is_not_an_empty_one_wherever_it_is_nested() {
    let people = [person(1)];
    let mut source = Memory {
        groups: vec![
            group("outer", &["uid=p1,ou=people,dc=x", "cn=inner,dc=x"]),
            group("inner", &[]),
            group("other", &["cn=truly empty,dc=x"]),
            group("truly empty", &[]),
        ],
        closed: vec![dn("cn=inner,dc=x")],
        ..Memory::default()
    };
    let root = |name: &str| {
        (key(name), source.groups.iter().find(|g| g.dn == dn(&format!("cn={name},dc=x"))).unwrap().clone())
    };
    let roots = [root("outer"), root("other")];
    let mut walked = walk(&roots, &[], &mut PeopleIndex::new(&people), &mut source).await.unwrap();
    let problems = hidden(&mut walked, &mut source).await.unwrap();
    assert!(
        problems.len() == 1 && problems[0].contains("cn=inner,dc=x") && problems[0].contains("member"),
        "{problems:?}"
    );
    assert_eq!(walked.members.keys().collect::<Vec<_>>(), [&key("other")], "who is in the outer one is not known");
}
