//! Files and folders that only the owner of the state can read, whoever makes them.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use crate::ports::StateError;

/// Makes the folder, and those above it that are missing, each for the owner of the one it lies in alone.
pub fn make_folder(directory: &Path) -> Result<(), StateError> {
    let missing = |part: &&Path| !part.as_os_str().is_empty() && !part.exists();
    let missing: Vec<&Path> = directory.ancestors().take_while(missing).collect();
    for part in missing.into_iter().rev() {
        match private_folder(part) {
            Ok(()) => part.parent().map_or(Ok(()), |above| give_to_owner(above, part))?,
            // Another process was quicker.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                let doing = format!("making the state folder {}: make it, or set agent.state_dir", directory.display());
                return Err(no_file(&doing, error));
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// On Windows a folder takes the rights of the one above it.
#[cfg(not(unix))]
fn private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Whether the disk of a place, or of the nearest folder above that is there, is mounted so that nobody writes to it.
#[cfg(unix)]
#[must_use]
pub fn is_read_only(path: &Path) -> bool {
    let disk = path.ancestors().find_map(|part| rustix::fs::statvfs(part).ok());
    disk.is_some_and(|disk| disk.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

/// Errors alone tell of it there.
#[cfg(not(unix))]
#[must_use]
pub const fn is_read_only(_path: &Path) -> bool {
    false
}

/// For the owner's eyes alone. On Windows the folder's own rights say that.
pub fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Writes a small file that only the owner can read.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    private(&mut options);
    options.open(path)?.write_all(content)
}

/// Gives a file that root made to the owner of the folder, or the agent could not open it afterwards. (`SQLite` gives its
/// own files beside `state.db` the owner of that.)
#[cfg(unix)]
pub fn give_to_owner(directory: &Path, file: &Path) -> Result<(), StateError> {
    use std::os::unix::fs::{MetadataExt as _, lchown};
    // A link is given away itself: what it leads to is not ours to give.
    let give = || {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let owner = fs::metadata(directory)?;
        if fs::symlink_metadata(file)?.uid() == 0 && owner.uid() != 0 {
            lchown(file, Some(owner.uid()), Some(owner.gid()))?;
        }
        Ok(())
    };
    give().map_err(|error| no_file(&format!("giving {} to the owner of its folder", file.display()), error))
}

/// On Windows a file takes the rights of its folder.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
pub fn give_to_owner(_directory: &Path, _file: &Path) -> Result<(), StateError> {
    Ok(())
}

pub fn no_file(doing: &str, error: io::Error) -> StateError {
    StateError::Failed { doing: doing.to_owned(), source: Some(Box::new(error)) }
}
