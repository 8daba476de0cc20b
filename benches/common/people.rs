//! People as a large company has them: about 800 bytes an entry on the wire.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use uuid::Uuid;

/// Below it stand `ou=people` and everybody.
pub const BASE: &str = "dc=lab,dc=test";

const GIVEN: [&str; 12] = [
    "Alexandra-Maria",
    "Bartholomew",
    "Charlotte Elisabeth",
    "Dominik-Sebastian",
    "Evangelina",
    "Friedrich-Wilhelm",
    "Genevieve",
    "Hans-Joachim",
    "Isabella-Sophie",
    "Jean-Baptiste",
    "Konstantin",
    "Louisa-Magdalena",
];
const FAMILY: [&str; 11] = [
    "Abendroth-Winterfeldt",
    "Featherstonehaugh",
    "Castellanos de la Vega",
    "van der Westhuizen",
    "Papadimitriou",
    "Kowalczykiewicz",
    "Montgomery-Cuninghame",
    "Schnurrenberger",
    "Oberhofer-Reichenbach",
    "Rasmussen-Lindqvist",
    "Thistlethwaite",
];
const TITLES: [&str; 7] = [
    "Senior Vice President, Regulatory Affairs and Compliance",
    "Principal Engineer, Industrial Automation Systems",
    "Deputy Head of Procurement and Supplier Relations",
    "Laboratory Technician, Analytical Chemistry, Second Shift",
    "Regional Manager, After-Sales Service and Spare Parts",
    "Apprentice Mechatronics Fitter, Third Year of Training",
    "Executive Assistant to the Managing Director, Logistics",
];

/// One person, by number.
#[derive(Clone, Debug)]
pub struct Person {
    pub uid: String,
    pub given_name: &'static str,
    pub family_name: &'static str,
    pub display_name: String,
    pub email: String,
    pub department: String,
    pub title: &'static str,
    /// In no order, as a directory's ids are.
    pub anchor: Uuid,
}

impl Person {
    pub fn new(number: usize) -> Self {
        let (given_name, family_name) = (GIVEN[number % GIVEN.len()], FAMILY[number % FAMILY.len()]);
        let department = format!("D{:05}", number % 400);
        Self {
            uid: format!("u{number:07}"),
            given_name,
            family_name,
            display_name: format!("{family_name}, {given_name} ({department}, Operations and Technology)"),
            email: format!("u{number:07}.{}@operations.emea.example", department.to_ascii_lowercase()),
            department,
            title: TITLES[number % TITLES.len()],
            anchor: Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()),
        }
    }

    pub fn dn(&self, base: &str) -> String {
        format!("uid={},ou=people,{base}", self.uid)
    }

    /// As an OpenLDAP entry.
    pub fn write(&self, base: &str, ldif: &mut dyn Write) -> io::Result<()> {
        let Self { uid, given_name, family_name, display_name, email, department, title, anchor } = self;
        write!(
            ldif,
            "dn: {}\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\n\
             objectClass: inetOrgPerson\nuid: {uid}\ncn: {given_name} {family_name} {uid}\nsn: {family_name}\n\
             givenName: {given_name}\ndisplayName: {display_name}\nmail: {email}\ndepartmentNumber: {department}\n\
             title: {title}\nentryUUID: {anchor}\n\n",
            self.dn(base)
        )
    }
}

/// A directory of so many people, as a file.
pub fn write_people(path: &Path, people: usize) -> io::Result<()> {
    let mut ldif = BufWriter::new(File::create(path)?);
    write!(ldif, "dn: {BASE}\nobjectClass: domain\ndc: lab\n\n")?;
    write!(ldif, "dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n\n")?;
    (1..=people).try_for_each(|number| Person::new(number).write(BASE, &mut ldif))?;
    ldif.flush()
}
