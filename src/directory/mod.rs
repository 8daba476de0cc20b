//! Directories: the read edge. Raw entries come in; people, groups and where they stopped come out.

pub mod entry;
pub mod generalized_time;
pub mod group;
pub mod identity;
pub mod ldap;
pub mod ldif;
pub mod person;
pub mod srv;
