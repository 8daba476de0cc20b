//! What Windows alone has, behind safe functions: access lists, secrets, the Event Log. The only `unsafe` of the program.

#![allow(unsafe_code, reason = "the system's own interface is C; each call says why it is sound")]

pub mod access;
pub mod account;
pub mod dpapi;
pub mod eventlog;

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::ptr::null_mut;
use std::{io, slice};

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree};
use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::UI::Shell::{FOLDERID_ProgramData, KF_FLAG_DEFAULT, SHGetKnownFolderPath};

/// Where config, secrets, state and ledger lie unless a config says otherwise. Not asked of the environment, which whoever
/// starts a program can change, and which under wine 8 is another one for services.
#[must_use]
pub fn data_folder() -> PathBuf {
    let mut path = null_mut();
    let (folder, flags) = (FOLDERID_ProgramData, KF_FLAG_DEFAULT.cast_unsigned());
    // SAFETY: `path` takes what is allocated; no token means this user.
    let code = unsafe { SHGetKnownFolderPath(&raw const folder, flags, null_mut(), &raw mut path) };
    // SAFETY: filled in where the call says so, and ended by a zero.
    let found = (code == 0).then(|| PathBuf::from(unsafe { text(path) }));
    // SAFETY: allocated by the call, or null; to be freed either way.
    unsafe { CoTaskMemFree(path.cast()) };
    found.unwrap_or_else(|| PathBuf::from(r"C:\ProgramData")).join("Seatsync")
}

/// A text as Windows wants it: UTF-16, with a zero at its end.
fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain(Some(0)).collect()
}

/// Memory that Windows gave us, given back when dropped.
struct Local<T>(*mut T);

impl<T> Local<T> {
    const NONE: Self = Self(null_mut());
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer is null, which is allowed, or came from a call that asks for LocalFree.
        unsafe { LocalFree(self.0.cast()) };
    }
}

impl Local<u16> {
    fn text(&self) -> String {
        // SAFETY: what Windows gives as a text ends in zero; or there is none.
        unsafe { text(self.0) }
    }
}

/// A text that Windows gave us; empty where there is none.
///
/// # Safety
/// The pointer is null, or leads to UTF-16 that ends in zero.
unsafe fn text(start: *const u16) -> String {
    if start.is_null() {
        return String::new();
    }
    let mut length = 0;
    // SAFETY: a zero ends it, and we stop there.
    while unsafe { *start.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: so many are there, as just counted.
    String::from_utf16_lossy(unsafe { slice::from_raw_parts(start, length) })
}

fn done_or_last(done: i32) -> io::Result<()> {
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn checked(code: u32) -> io::Result<()> {
    match code {
        ERROR_SUCCESS => Ok(()),
        code => Err(io::Error::from_raw_os_error(code.cast_signed())),
    }
}
