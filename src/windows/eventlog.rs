//! The Event Log of Windows: one message with an id and a severity.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE, RegisterEventSourceW,
    ReportEventW,
};
use windows_sys::Win32::System::Registry::{
    HKEY_LOCAL_MACHINE, REG_DWORD, REG_EXPAND_SZ, RegDeleteTreeW, RegSetKeyValueW,
};

use super::{checked, done_or_last, wide};

/// What one string of an event may hold, in UTF-16 units, with room for its end.
const LONGEST: usize = 31_000;

/// Where sources of the log "Application" are registered.
const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";

/// Error, warning, information.
const SEVERITIES: u32 = 7;

/// Registers a source with the file that has its messages; `file` may name environment variables.
///
/// # Errors
/// Where who asks is no administrator.
pub fn register(source: &str, file: &str) -> io::Result<()> {
    let (key, name, file) = (wide(format!(r"{SOURCES}\{source}")), wide("EventMessageFile"), wide(file));
    let size = u32::try_from(size_of_val(file.as_slice())).map_err(io::Error::other)?;
    // SAFETY: all texts end in zero, and the value has as many bytes as said.
    checked(unsafe {
        RegSetKeyValueW(HKEY_LOCAL_MACHINE, key.as_ptr(), name.as_ptr(), REG_EXPAND_SZ, file.as_ptr().cast(), size)
    })?;
    let name = wide("TypesSupported");
    let severities = SEVERITIES;
    // SAFETY: as above; the value has four bytes.
    checked(unsafe {
        let value = (&raw const severities).cast();
        RegSetKeyValueW(HKEY_LOCAL_MACHINE, key.as_ptr(), name.as_ptr(), REG_DWORD, value, 4)
    })
}

/// Takes a source away; what it wrote stays.
///
/// # Errors
/// Where it is not there, or who asks is no administrator.
pub fn forget(source: &str) -> io::Result<()> {
    let key = wide(format!(r"{SOURCES}\{source}"));
    // SAFETY: the text ends in zero, and names a key of our own.
    checked(unsafe { RegDeleteTreeW(HKEY_LOCAL_MACHINE, key.as_ptr()) })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
    Information,
}

/// A source of events in the log "Application".
#[derive(Debug)]
pub struct EventLog(HANDLE);

// SAFETY: the handle names a connection to the Event Log service, which takes messages from any thread.
unsafe impl Send for EventLog {}
// SAFETY: as above.
unsafe impl Sync for EventLog {}

impl EventLog {
    /// # Errors
    /// Where the Event Log service does not answer.
    pub fn of(source: &str) -> io::Result<Self> {
        let source = wide(source);
        // SAFETY: `source` ends in zero; no server means this machine.
        let handle = unsafe { RegisterEventSourceW(null(), source.as_ptr()) };
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(handle)) }
    }

    /// # Errors
    /// Where the log is full and may not forget, or its service does not answer.
    pub fn report(&self, severity: Severity, id: u32, text: &str) -> io::Result<()> {
        let kind = match severity {
            Severity::Error => EVENTLOG_ERROR_TYPE,
            Severity::Warning => EVENTLOG_WARNING_TYPE,
            Severity::Information => EVENTLOG_INFORMATION_TYPE,
        };
        let mut text = wide(text.replace('\0', " "));
        if text.len() > LONGEST {
            text.truncate(LONGEST);
            text.push(0);
        }
        let texts = [text.as_ptr()];
        // SAFETY: one text, which ends in zero, and no data.
        done_or_last(unsafe { ReportEventW(self.0, kind, 0, id, null_mut(), 1, 0, texts.as_ptr(), null()) })
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        // SAFETY: we opened it, and nobody has it but us.
        unsafe { DeregisterEventSource(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_any_length_is_taken() {
        let log = EventLog::of("seatsync").unwrap();
        for text in ["", "short", "with\0zero", &"x".repeat(100_000)] {
            log.report(Severity::Information, 1, text).unwrap();
        }
    }
}
