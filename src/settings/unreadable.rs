//! Files that the config names and that cannot be read: what the system says, and what to do.

use std::io::{Error, ErrorKind};

/// Another file would help nobody where the rights are missing.
#[cfg(unix)]
const RIGHTS: &str = "whoever runs this may not read it, or not enter a folder on the way: run this as root or with sudo; where it is the \
                      service that says so, `seatsync check` as root tells the command that lets its user read it";
#[cfg(not(unix))]
const RIGHTS: &str = "whoever runs this may not read it, or not enter a folder on the way: run this as an administrator; where it is \
                      the service that says so, let its account read it";

/// "cannot be read (...); what to do"; `remedy` is for a file that is not there, or is another one.
pub fn unreadable(error: &Error, remedy: &str) -> String {
    let next = if error.kind() == ErrorKind::PermissionDenied { RIGHTS } else { remedy };
    format!("cannot be read ({error}); {next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_rights_are_missing_no_other_file_is_asked_for() {
        let said = |kind: ErrorKind| unreadable(&Error::from(kind), "name a PEM file");
        assert!(said(ErrorKind::NotFound).ends_with("; name a PEM file"));
        let told = said(ErrorKind::PermissionDenied);
        assert!(told.contains("whoever runs this may not read it") && !told.contains("PEM"), "{told}");
    }
}
