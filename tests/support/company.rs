//! A company whose directory is an LDIF file: what happens to seats when the directory changes.

use std::collections::BTreeMap;

use super::Agent;

/// A company of people in an LDIF file, each a map of attributes; anchors follow the user name.
#[derive(Debug)]
pub struct Company {
    pub agent: Agent,
    pub people: BTreeMap<String, String>,
    pub groups: String,
}

pub const BASE: &str = "ou=people,dc=lab,dc=test";

impl Company {
    pub fn new(people: &[&str], rest: &str) -> Self {
        let config = format!(
            "[[directory]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"corp.ldif\"\nbase = [\"{BASE}\"]\n{rest}"
        );
        let mut company = Self { agent: Agent::new(&config), people: BTreeMap::new(), groups: String::new() };
        for name in people {
            company.join(name);
        }
        company
    }

    pub fn join(&mut self, name: &str) {
        self.set(name, &format!("mail: {name}@lab.test\n"));
    }

    /// Replaces what is said of somebody beyond the name.
    pub fn set(&mut self, name: &str, attributes: &str) {
        self.people.insert(name.to_owned(), attributes.to_owned());
    }

    pub fn leave(&mut self, name: &str) {
        self.people.remove(name).expect("somebody to leave");
    }

    pub fn disable(&mut self, name: &str) {
        self.set(name, &format!("mail: {name}@lab.test\npwdAccountLockedTime: 000001010000Z\n"));
    }

    pub fn group(&mut self, name: &str, members: &[&str]) {
        self.groups.push_str(&format!("dn: cn={name},dc=lab,dc=test\nobjectClass: groupOfNames\ncn: {name}\n"));
        for member in members {
            self.groups.push_str(&format!("member: uid={member},{BASE}\n"));
        }
        self.groups.push('\n');
    }

    pub fn write(&self) {
        let mut ldif = format!("dn: {BASE}\nobjectClass: organizationalUnit\nou: people\n\n{}", self.groups);
        for (name, attributes) in &self.people {
            ldif.push_str(&format!(
                "dn: uid={name},{BASE}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\n{attributes}\n"
            ));
        }
        std::fs::write(self.agent.folder().join("corp.ldif"), ldif).expect("writing corp.ldif");
    }

    /// Writes the file and makes a cycle.
    pub fn sync(&self) -> (i32, serde_json::Value) {
        self.write();
        self.agent.sync()
    }
}

pub fn pool(seats: u32) -> String {
    format!("[[pool]]\nname = \"standard\"\nseats = {seats}\n")
}

pub fn names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("p{number:03}")).collect()
}

pub fn company_of(count: usize, rest: &str) -> Company {
    let names = names(count);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Company::new(&names, rest)
}
