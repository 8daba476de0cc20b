//! Credentials of a keytab, by what no crate offers: a credential store (`gss_acquire_cred_from`, MIT krb5 1.11 and later),
//! which names the keytab and the cache for one call instead of for the whole process.
#![allow(unsafe_code, reason = "the library is C")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use libgssapi::credential::Cred;
use libgssapi::error::{Error, MajorFlags};
use libgssapi_sys::{
    GSS_C_INITIATE, GSS_S_COMPLETE, OM_uint32, gss_OID_desc, gss_OID_set_desc, gss_acquire_cred_from, gss_buffer_desc,
    gss_cred_usage_t, gss_import_name, gss_key_value_element_desc, gss_key_value_set_desc, gss_name_t,
    gss_release_name,
};

/// 1.2.840.113554.1.2.2, Kerberos 5 (RFC 1964).
const KERBEROS: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
/// 1.2.840.113554.1.2.2.1, a principal's name as text.
const PRINCIPAL_NAME: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01";
/// As long as the ticket lasts (`GSS_C_INDEFINITE`).
const ANY_TIME: OM_uint32 = OM_uint32::MAX;

/// Credentials of a keytab, for `principal` or else the first in it, and the cache that holds their tickets.
pub(super) fn acquire(keytab: &Path, principal: Option<&str>) -> Result<(Cred, Cache), String> {
    let path = CString::new([b"FILE:", keytab.as_os_str().as_bytes()].concat()).map_err(|error| error.to_string())?;
    let name = principal.map(Name::of).transpose().map_err(|error| error.to_string())?;
    let cache = Cache::fresh();
    let mut elements = [element(c"client_keytab", &path), element(c"ccache", &cache.0)];
    let store = gss_key_value_set_desc { count: 2, elements: elements.as_mut_ptr() };
    let mut kerberos = oid(KERBEROS);
    let mut mechanisms = gss_OID_set_desc { count: 1, elements: &raw mut kerberos };
    let (mut minor, mut cred) = (0, ptr::null_mut());
    // SAFETY: every pointer is to something that lives until after the call, or null where the library takes null.
    let major = unsafe {
        gss_acquire_cred_from(
            &raw mut minor,
            name.as_ref().map_or(ptr::null_mut(), |name| name.0),
            ANY_TIME,
            &raw mut mechanisms,
            GSS_C_INITIATE.cast_signed() as gss_cred_usage_t,
            &raw const store,
            &raw mut cred,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    checked(major, minor).map_err(|error| error.to_string())?;
    // The crate's type owns it from here on, and gives it back to the library.
    Ok((Cred::from(cred), cache))
}

fn element(key: &CStr, value: &CStr) -> gss_key_value_element_desc {
    gss_key_value_element_desc { key: key.as_ptr(), value: value.as_ptr() }
}

/// The library takes a pointer to mutable bytes, and reads them.
fn oid(bytes: &'static [u8]) -> gss_OID_desc {
    gss_OID_desc {
        length: OM_uint32::try_from(bytes.len()).unwrap_or_default(),
        elements: bytes.as_ptr().cast_mut().cast(),
    }
}

fn checked(major: OM_uint32, minor: OM_uint32) -> Result<(), Error> {
    if major == GSS_S_COMPLETE {
        return Ok(());
    }
    Err(Error { major: MajorFlags::from_bits_retain(major), minor })
}

/// A principal's name, as the library has it.
struct Name(gss_name_t);

impl Name {
    fn of(principal: &str) -> Result<Self, Error> {
        let mut text =
            gss_buffer_desc { length: principal.len(), value: principal.as_ptr().cast_mut().cast::<c_void>() };
        let mut kind = oid(PRINCIPAL_NAME);
        let (mut minor, mut name) = (0, ptr::null_mut());
        // SAFETY: the text and its kind are read during the call, and copied.
        let major = unsafe { gss_import_name(&raw mut minor, &raw mut text, &raw mut kind, &raw mut name) };
        checked(major, minor).map(|()| Self(name))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: it was given by the library, and is given back once.
        unsafe { gss_release_name(&raw mut minor, &raw mut self.0) };
    }
}

/// A cache of tickets in the memory of this process, which no other bind has. Without its end here it would stay until
/// the process ends.
#[derive(Debug)]
pub(super) struct Cache(CString);

impl Cache {
    fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(CString::new(format!("MEMORY:seatsync-{number}")).unwrap_or_default())
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let (mut context, mut cache) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: each is made and given back here. A cache in memory is counted by who uses it (MIT krb5 1.17 and later):
        // credentials that still refer to it keep an empty one.
        unsafe {
            if krb5_init_context(&raw mut context) != 0 {
                return;
            }
            if krb5_cc_resolve(context, self.0.as_ptr(), &raw mut cache) == 0 {
                krb5_cc_destroy(context, cache);
            }
            krb5_free_context(context);
        }
    }
}

// krb5.h; GSSAPI has no call to forget a cache.
#[link(name = "krb5")]
unsafe extern "C" {
    fn krb5_init_context(context: *mut *mut c_void) -> i32;
    fn krb5_cc_resolve(context: *mut c_void, name: *const c_char, cache: *mut *mut c_void) -> i32;
    fn krb5_cc_destroy(context: *mut c_void, cache: *mut c_void) -> i32;
    fn krb5_free_context(context: *mut c_void);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keytab_that_is_none_is_an_error_in_words_and_caches_are_each_their_own() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no keytab").unwrap();
        for principal in [None, Some("svc@LAB.TEST")] {
            let said = acquire(file.path(), principal).map(|_| ()).unwrap_err();
            assert!(said.len() > 10 && !said.contains("unknown GSSAPI"), "{said}");
        }
        assert_ne!(Cache::fresh().0, Cache::fresh().0);
    }
}
