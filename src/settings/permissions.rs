//! Who else may read or write a file: the one place that asks.

use std::fs::Metadata;

/// Write permission of group and others.
pub const WRITE: u32 = 0o022;
/// Any permission of group and others.
pub const ANY: u32 = 0o077;

/// The permissions of a file, if they give any of `bits` to people they should not.
#[cfg(unix)]
pub fn given(metadata: &Metadata, bits: u32) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode();
    (mode & bits != 0).then_some(mode & 0o7777)
}

/// Nothing: Windows has no mode bits, and the installer's folder under `%ProgramData%` lets only administrators and
/// the service in. Access lists are not looked at in this version.
#[cfg(not(unix))]
pub fn given(_metadata: &Metadata, _bits: u32) -> Option<u32> {
    None
}
