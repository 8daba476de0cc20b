//! Rights of an account on this machine.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Security::Authentication::Identity::{
    LSA_HANDLE, LSA_OBJECT_ATTRIBUTES, LSA_UNICODE_STRING, LsaAddAccountRights, LsaClose, LsaNtStatusToWinError,
    LsaOpenPolicy, POLICY_CREATE_ACCOUNT, POLICY_LOOKUP_NAMES,
};
use windows_sys::Win32::Security::LookupAccountNameW;

use super::{checked, done_or_last, wide};

/// "Log on as a service", which the service manager asks of whom a service runs as, and does not give by itself.
const LOG_ON_AS_A_SERVICE: &str = "SeServiceLogonRight";

/// Lets an account run services. Where it may already, nothing changes.
///
/// # Errors
/// Where nobody knows the account, or who asks is no administrator.
pub fn let_run_services(account: &str) -> io::Result<()> {
    let id = id_of(account)?;
    let policy = Policy::open()?;
    let mut text = wide(LOG_ON_AS_A_SERVICE);
    let bytes = u16::try_from(size_of_val(text.as_slice())).map_err(io::Error::other)?;
    let right = LSA_UNICODE_STRING { Length: bytes - 2, MaximumLength: bytes, Buffer: text.as_mut_ptr() };
    // SAFETY: the id is whole, and the right's text lives to the end of this function.
    succeeded(unsafe { LsaAddAccountRights(policy.0, id.as_ptr().cast_mut().cast(), &raw const right, 1) })
}

/// The id of an account, as bytes; u64 for its alignment.
fn id_of(account: &str) -> io::Result<Vec<u64>> {
    let account = wide(account);
    // An id has 68 bytes at most, a domain's name 255 letters.
    let (mut id, mut domain) = (vec![0_u64; 16], [0_u16; 256]);
    let (mut id_size, mut domain_size, mut kind) = (128, 256, 0);
    // SAFETY: the name ends in zero, and both buffers are as large as said.
    done_or_last(unsafe {
        LookupAccountNameW(
            null(),
            account.as_ptr(),
            id.as_mut_ptr().cast(),
            &raw mut id_size,
            domain.as_mut_ptr(),
            &raw mut domain_size,
            &raw mut kind,
        )
    })?;
    Ok(id)
}

/// This machine's security policy.
struct Policy(LSA_HANDLE);

impl Policy {
    fn open() -> io::Result<Self> {
        let size = u32::try_from(size_of::<LSA_OBJECT_ATTRIBUTES>()).map_err(io::Error::other)?;
        let none = LSA_OBJECT_ATTRIBUTES {
            Length: size,
            RootDirectory: null_mut(),
            ObjectName: null_mut(),
            Attributes: 0,
            SecurityDescriptor: null_mut(),
            SecurityQualityOfService: null_mut(),
        };
        let access = (POLICY_CREATE_ACCOUNT | POLICY_LOOKUP_NAMES).cast_unsigned();
        let mut policy = 0;
        // SAFETY: no name means this machine; the attributes are empty, as the call wants them.
        succeeded(unsafe { LsaOpenPolicy(null(), &raw const none, access, &raw mut policy) })?;
        Ok(Self(policy))
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        // SAFETY: we opened it, and nobody has it but us.
        unsafe { LsaClose(self.0) };
    }
}

fn succeeded(status: i32) -> io::Result<()> {
    // SAFETY: takes a number and gives one.
    checked(unsafe { LsaNtStatusToWinError(status) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_nobody_knows_is_an_error_and_one_of_every_windows_has_an_id() {
        assert!(let_run_services(r"NOWHERE\nobody$").is_err());
        // The first byte of an id is its revision, 1; five numbers at most stand here.
        let id = id_of("Administrators").unwrap();
        assert_eq!(id[0] & 0xff, 1);
    }
}
