//! Who may do what to a file: access lists, as text (SDDL, "Security Descriptor String Format" of the Windows SDK).

use std::ffi::c_void;
use std::io;
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1, SE_FILE_OBJECT,
    SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, GetSecurityDescriptorOwner, GetTokenInformation,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::{Local, checked, done_or_last, wide};

/// The id of `NT SERVICE\seatsync`: the SHA-1 of the upper-case name in UTF-16. It is in the token of the service whatever
/// account it runs as.
pub const SERVICE: &str = "S-1-5-80-1635781514-602566668-2430874641-1823942638-1438628188";

/// Owner and access list of a file or folder.
///
/// # Errors
/// Where it is not there, or its list is not ours to read.
pub fn of(path: &Path) -> io::Result<String> {
    let (name, mut descriptor) = (wide(path), Local::<c_void>::NONE);
    let wanted = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    // SAFETY: `name` ends in zero; what is not wanted may be null; `descriptor` takes what is allocated.
    let code = unsafe {
        GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            wanted,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor.0,
        )
    };
    checked(code)?;
    let mut text = Local::<u16>::NONE;
    // SAFETY: `descriptor` was just filled in, and `text` takes what is allocated.
    let done = unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor.0,
            SDDL_REVISION_1,
            wanted,
            &raw mut text.0,
            null_mut(),
        )
    };
    done_or_last(done)?;
    Ok(text.text())
}

/// Gives a file or folder this owner and access list, and takes nothing of what the folder above lets others do.
///
/// # Errors
/// Where `sddl` is none, or who asks may not.
pub fn set(path: &Path, sddl: &str) -> io::Result<()> {
    let (name, text, mut descriptor) = (wide(path), wide(sddl), Local::<c_void>::NONE);
    // SAFETY: `text` ends in zero, and `descriptor` takes what is allocated.
    done_or_last(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor.0,
            null_mut(),
        )
    })?;
    let (mut owner, mut list) = (null_mut(), null_mut());
    let (mut present, mut defaulted) = (0, 0);
    // SAFETY: `descriptor` was just filled in; owner and list point into it, and it lives to the end of this function.
    unsafe {
        done_or_last(GetSecurityDescriptorOwner(descriptor.0, &raw mut owner, &raw mut defaulted))?;
        done_or_last(GetSecurityDescriptorDacl(descriptor.0, &raw mut present, &raw mut list, &raw mut defaulted))?;
    }
    if list.is_null() {
        // Set as it is, it would let everyone do everything.
        return Err(io::Error::other(format!("{sddl:?} has no access list")));
    }
    let mut what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    if !owner.is_null() {
        what |= OWNER_SECURITY_INFORMATION;
    }
    // SAFETY: as above; the group and the audit list are not set.
    checked(unsafe { SetNamedSecurityInfoW(name.as_ptr(), SE_FILE_OBJECT, what, owner, null_mut(), list, null()) })
}

/// The account that this process runs as: `S-1-5-21-...`.
///
/// # Errors
/// Where Windows does not say.
pub fn own_account() -> io::Result<String> {
    let mut token = Token(null_mut());
    // SAFETY: the process's own handle needs no closing, the token's is closed by its drop.
    done_or_last(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token.0) })?;
    // A TOKEN_USER and the id behind it, which has 68 bytes at most; u64 for its alignment.
    let mut buffer = [0_u64; 32];
    let (room, mut length) = (u32::try_from(size_of_val(&buffer)).unwrap_or(0), 0);
    // SAFETY: the buffer is as large as said.
    done_or_last(unsafe {
        GetTokenInformation(token.0, TokenUser, buffer.as_mut_ptr().cast(), room, &raw mut length)
    })?;
    let mut text = Local::<u16>::NONE;
    // SAFETY: Windows has put a TOKEN_USER at the buffer's beginning; its id lies in the buffer, too.
    done_or_last(unsafe {
        let user = buffer.as_ptr().cast::<TOKEN_USER>();
        ConvertSidToStringSidW((*user).User.Sid, &raw mut text.0)
    })?;
    Ok(text.text())
}

struct Token(HANDLE);

impl Drop for Token {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: we opened it, and nobody has it but us.
            unsafe { CloseHandle(self.0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_an_owner_and_a_list_and_no_file_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "x").unwrap();
        let sddl = of(&file).unwrap();
        assert!(sddl.starts_with("O:") && sddl.contains("D:"), "{sddl}");
        assert_eq!(of(&folder.path().join("b")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_list_that_is_none_is_refused_and_never_lets_everyone_in() {
        let folder = tempfile::tempdir().unwrap();
        for wrong in ["", "O:BA", "D:P(A;OICI;FA;;;NOBODY)"] {
            assert!(set(folder.path(), wrong).is_err(), "{wrong:?}");
        }
        set(folder.path(), &format!("D:P(A;OICI;FA;;;{})", own_account().unwrap())).unwrap();
    }

    #[test]
    fn the_account_of_the_process_has_an_id() {
        assert!(own_account().unwrap().starts_with("S-1-"));
    }
}
