//! What changes between the read of the people and the walk, and during that.

use super::*;

#[tokio::test]
async fn whom_a_group_lists_by_another_name_than_the_read_knows_is_a_member() {
    let people = [person(1), person(2)];
    let mut source =
        Memory { groups: vec![group("a", &["uid=p1,ou=people,dc=x", "uid=new,dc=x"])], ..Memory::default() };
    source.others = vec![dn("uid=new,dc=x")];
    assert_eq!(walk_from("a", &people, &mut source).await.members[&key("a")].len(), 1, "nobody can tell who it is");
    source.renamed = HashMap::from([(dn("uid=new,dc=x"), anchor(2))]);
    let walked = walk_from("a", &people, &mut source).await;
    assert_eq!(walked.members[&key("a")].len(), 2);
    assert_eq!((walked.others, walked.dangling), (0, 0));
    source.renamed = HashMap::from([(dn("uid=new,dc=x"), anchor(9))]);
    assert_eq!(walk_from("a", &people, &mut source).await.others, 1, "somebody else");
}

#[tokio::test]
async fn who_goes_from_one_group_to_another_while_they_are_read_is_in_one_of_them() {
    let stamped =
        |name, members: &[&str], stamp: &str| GroupObject { stamp: Some(stamp.into()), ..group(name, members) };
    let inner = "cn=b,dc=x";
    let mut source = Memory {
        // The outer group was read before, and the inner one after, she went from there to here.
        groups: vec![stamped("a", &[inner], "1"), stamped("b", &[], "2")],
        later: vec![stamped("a", &[inner, "uid=p1,ou=people,dc=x"], "3")],
        ..Memory::default()
    };
    let people = [person(1)];
    let root = source.groups[0].clone();
    let walked = walk(&[(key("a"), root)], &[], &mut PeopleIndex::new(&people), &mut source).await.unwrap();
    assert!(walked.members[&key("a")].contains_key(&anchor(1)));
}

#[tokio::test]
async fn groups_that_change_whenever_they_are_read_tell_nothing() {
    struct Restless(Memory);
    #[async_trait]
    impl GroupSource for Restless {
        async fn fetch(&mut self, dns: &[Dn]) -> Result<Vec<Object>, ReadError> {
            self.0.fetch(dns).await
        }
        async fn find(&mut self, anchor: Anchor, last: &Dn) -> Result<Option<GroupObject>, ReadError> {
            self.0.find(anchor, last).await
        }
        async fn changed(&mut self, _groups: &[(&Dn, &str)]) -> Result<bool, ReadError> {
            Ok(true)
        }
        async fn hidden(&mut self, dns: &[Dn]) -> Result<Vec<Option<&'static str>>, ReadError> {
            self.0.hidden(dns).await
        }
        async fn is_readable(&mut self, place: &Dn) -> Result<bool, ReadError> {
            self.0.is_readable(place).await
        }
        fn is_foreign(&self, dn: &Dn) -> bool {
            self.0.is_foreign(dn)
        }
    }
    let mut source = Restless(Memory { groups: vec![group("a", &[])], ..Memory::default() });
    let roots = [(key("a"), group("a", &[]))];
    let error = walk(&roots, &[], &mut PeopleIndex::default(), &mut source).await.unwrap_err();
    assert!(error.doing.contains("groups changed each of the 3 times"), "{}", error.doing);
    assert_eq!(error.persistence, Persistence::Transient);
}
