//! Who else may read or write a file: the one place that asks.

use std::fs::Metadata;
use std::path::Path;

#[cfg(windows)]
use super::sddl;
pub use super::sddl::Right;

/// Who else has the right, and the command that takes it from them. `what` may be done to the file: "write the config".
#[cfg(unix)]
pub fn refusal(path: &Path, metadata: &Metadata, right: Right, what: &str) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let (bits, command) = match right {
        Right::Write => (0o022, "chmod go-w"),
        Right::Any => (0o077, "chmod 600"),
    };
    let mode = metadata.permissions().mode();
    (mode & bits != 0).then(|| {
        let (mode, path) = (mode & 0o7777, path.display());
        format!("others than its owner may {what} (mode {mode:04o}); run: {command} {path}")
    })
}

/// Who else has the right, and the command that takes it from them. `what` may be done to the file: "write the config".
#[cfg(windows)]
pub fn refusal(path: &Path, _metadata: &Metadata, right: Right, what: &str) -> Option<String> {
    use crate::windows::access::{self, SERVICE};
    let found = match (access::of(path), access::own_account()) {
        (Ok(sddl), Ok(own)) => sddl::others(&sddl, right, &[SERVICE, &own]),
        (Err(error), _) | (_, Err(error)) => return Some(format!("its access list cannot be read: {error}")),
    };
    (!found.is_empty()).then(|| {
        let path = path.display();
        format!(
            "others than administrators and the service may {what} ({}); run: icacls \"{path}\" /setowner *S-1-5-32-544; \
             icacls \"{path}\" /reset; icacls \"{path}\" /inheritance:r /grant *S-1-5-18:F *S-1-5-32-544:F *{SERVICE}:R",
            found.join(", ")
        )
    })
}
