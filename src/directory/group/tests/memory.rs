//! Groups and people in memory.

use super::*;

/// Groups by DN, and what was asked for.
#[derive(Clone, Default)]
pub(super) struct Memory {
    pub(super) groups: Vec<GroupObject>,
    pub(super) others: Vec<Dn>,
    /// Who lies at one of those.
    pub(super) renamed: HashMap<Dn, Anchor>,
    /// Groups that become these once all were read.
    pub(super) later: Vec<GroupObject>,
    /// Groups whose members may not be seen.
    pub(super) closed: Vec<Dn>,
    pub(super) asked: Vec<Vec<String>>,
}

#[async_trait]
impl GroupSource for Memory {
    async fn fetch(&mut self, dns: &[Dn]) -> Result<Vec<Object>, ReadError> {
        self.asked.push(dns.iter().map(Dn::to_string).collect());
        let found = dns.iter().map(|dn| match self.groups.iter().find(|group| group.dn == *dn) {
            Some(group) => Object::Group(group.clone()),
            None if self.others.contains(dn) => Object::Other(self.renamed.get(dn).copied()),
            None => Object::Gone,
        });
        Ok(found.collect())
    }

    async fn find(&mut self, anchor: Anchor, _last: &Dn) -> Result<Option<GroupObject>, ReadError> {
        Ok(self.groups.iter().find(|group| group.anchor == anchor).cloned())
    }

    async fn changed(&mut self, groups: &[(&Dn, &str)]) -> Result<bool, ReadError> {
        for group in std::mem::take(&mut self.later) {
            self.groups.retain(|old| old.dn != group.dn);
            self.groups.push(group);
        }
        let now = |dn: &Dn| self.groups.iter().find(|group| group.dn == *dn).and_then(|group| group.stamp.as_deref());
        Ok(groups.iter().any(|(dn, stamp)| now(dn) != Some(stamp)))
    }

    async fn hidden(&mut self, dns: &[Dn]) -> Result<Vec<Option<&'static str>>, ReadError> {
        Ok(dns.iter().map(|dn| self.closed.contains(dn).then_some("member")).collect())
    }

    async fn is_readable(&mut self, place: &Dn) -> Result<bool, ReadError> {
        Ok(*place != dn("ou=hidden,dc=x"))
    }

    fn is_foreign(&self, dn: &Dn) -> bool {
        !dn.is_under(&Dn::parse("dc=x").unwrap())
    }
}

/// People who are asked for, as a mirror has them.
pub(super) struct Everyone<'a>(pub(super) &'a [Sighting]);

impl Everyone<'_> {
    fn of(&self, holds: impl Fn(&Sighting) -> bool) -> Vec<Anchor> {
        self.0.iter().filter(|person| holds(person)).map(|person| person.anchor).collect()
    }
}

impl Roster for Everyone<'_> {
    fn at(&mut self, dns: &[&Dn]) -> Result<Vec<Option<Anchor>>, StateError> {
        Ok(dns.iter().map(|dn| self.of(|person| person.dn == **dn).pop()).collect())
    }

    fn is_there(&mut self, anchor: Anchor) -> Result<bool, StateError> {
        Ok(self.0.iter().any(|person| person.anchor == anchor))
    }

    fn with_uid(&mut self, uid: &str) -> Result<Vec<Anchor>, StateError> {
        Ok(self.of(|person| person.uids.iter().any(|own| fold(own) == uid)))
    }

    fn with_primary_group(&mut self, token: u32) -> Result<Vec<Anchor>, StateError> {
        Ok(self.of(|person| person.primary_group == Some(token)))
    }
}
