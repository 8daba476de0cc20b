//! Secrets sealed by the Data Protection API: any account of this machine can open them, and no other machine. Which account
//! of this machine may, the access list of the file says.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_LOCAL_MACHINE, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData, CryptUnprotectData,
};

use super::{Local, done_or_last};

/// What was sealed for another program, or under another name, is not opened.
const PURPOSE: &str = "seatsync secret ";

/// Seals a secret under its name.
///
/// # Errors
/// Where Windows cannot.
pub fn seal(name: &str, secret: &[u8]) -> io::Result<Vec<u8>> {
    let purpose = format!("{PURPOSE}{name}");
    let (plain, entropy, mut sealed) = (blob(secret)?, blob(purpose.as_bytes())?, EMPTY);
    let flags = CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN;
    // SAFETY: both blobs are only read, and live to the end of this function; `sealed` takes what is allocated.
    done_or_last(unsafe {
        CryptProtectData(&raw const plain, null(), &raw const entropy, null(), null(), flags, &raw mut sealed)
    })?;
    Ok(taken(sealed))
}

/// Opens what was sealed under this name on this machine.
///
/// # Errors
/// Where it was sealed elsewhere or under another name, or was changed since.
pub fn open(name: &str, sealed: &[u8]) -> io::Result<Vec<u8>> {
    let purpose = format!("{PURPOSE}{name}");
    let (sealed, entropy, mut plain) = (blob(sealed)?, blob(purpose.as_bytes())?, EMPTY);
    // SAFETY: as above.
    done_or_last(unsafe {
        CryptUnprotectData(
            &raw const sealed,
            null_mut(),
            &raw const entropy,
            null(),
            null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut plain,
        )
    })?;
    Ok(taken(plain))
}

const EMPTY: CRYPT_INTEGER_BLOB = CRYPT_INTEGER_BLOB { cbData: 0, pbData: null_mut() };

fn blob(bytes: &[u8]) -> io::Result<CRYPT_INTEGER_BLOB> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    Ok(CRYPT_INTEGER_BLOB { cbData: length, pbData: bytes.as_ptr().cast_mut() })
}

/// A copy, in memory of our own; Windows' own is overwritten before it is given back.
fn taken(blob: CRYPT_INTEGER_BLOB) -> Vec<u8> {
    let memory = Local(blob.pbData);
    if memory.0.is_null() {
        return Vec::new();
    }
    // SAFETY: Windows has allocated so many bytes there, and nobody has them but us.
    let bytes = unsafe { std::slice::from_raw_parts_mut(memory.0, blob.cbData as usize) };
    let copy = bytes.to_vec();
    bytes.fill(0);
    std::hint::black_box(bytes);
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_opened_under_its_own_name_and_under_no_other() {
        let sealed = seal("corp", b"hunter2").unwrap();
        assert_eq!(open("corp", &sealed).unwrap(), b"hunter2");
        assert!(open("other", &sealed).is_err());
    }

    #[test]
    fn what_is_no_sealed_secret_is_an_error() {
        assert!(open("corp", b"hunter2").is_err());
        assert!(open("corp", b"").is_err());
    }
}
