//! Whether somebody may still be here: each sign of leaving, and when it speaks.
//!
//! | attribute | kinds | leaving | stays, but is asked again then | stays | cannot be read |
//! |---|---|---|---|---|---|
//! | userAccountControl | AD, ldif | bit 2: disabled | | else | no number; missing for objectClass user |
//! | accountExpires | AD, ldif | now or before: expired | later | 0, 2^63-1; no value in a file | no number, negative; missing in AD |
//! | pwdAccountLockedTime | openldap, ldif | `000001010000Z`: disabled | | any other | |
//! | pwdEndTime | openldap, ldif | now or before: expired | later | no value | no time |
//! | shadowExpire | openldap, ldif | 1 or more, now or before: expired | later | 0, negative | no number |
//! | nsAccountLock | 389ds, ldif | true: disabled | | false | anything else |
//!
//! One sign of leaving is enough, whatever the others say; what cannot be read counts only where there is none.

use jiff::Timestamp;

use super::Fault;
use crate::directory::entry::Entry;
use crate::directory::generalized_time;
use crate::model::snapshot::Kind;
use crate::model::{Defect, Standing};

/// What all signs together say.
pub(super) struct Judgement {
    pub standing: Standing,
    /// What says so where somebody is not enabled.
    pub sign: Option<Box<str>>,
    /// The first expiry that lies ahead.
    pub due: Option<Timestamp>,
    pub fault: Option<Fault>,
}

/// What one value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Nothing,
    Disabled,
    Ends(Timestamp),
}

/// One attribute that may say that somebody left; its reader gives None where a value cannot be read.
struct Sign {
    attribute: &'static str,
    kinds: &'static [Kind],
    read: fn(&str) -> Option<Says>,
    /// What the value means where it says that somebody is disabled.
    means: &'static str,
}

/// A sign that only ever ends at a time.
const ENDS: &str = "";

const SIGNS: [Sign; 6] = [
    Sign {
        attribute: CONTROL,
        kinds: &[Kind::ActiveDirectory, Kind::Ldif],
        read: control,
        means: "its bit 2 says that the account is disabled",
    },
    Sign { attribute: EXPIRES, kinds: &[Kind::ActiveDirectory, Kind::Ldif], read: account_expires, means: ENDS },
    Sign {
        attribute: "pwdAccountLockedTime",
        kinds: &[Kind::OpenLdap, Kind::Ldif],
        read: locked_time,
        means: "an administrator locked it for good",
    },
    Sign { attribute: "pwdEndTime", kinds: &[Kind::OpenLdap, Kind::Ldif], read: end_time, means: ENDS },
    Sign { attribute: "shadowExpire", kinds: &[Kind::OpenLdap, Kind::Ldif], read: shadow_expire, means: ENDS },
    Sign {
        attribute: "nsAccountLock",
        kinds: &[Kind::Ds389, Kind::Ldif],
        read: account_lock,
        means: "the account is locked",
    },
];

impl Sign {
    /// Only values that could be read come here, so nothing in them is odd.
    fn disables(&self, value: &[u8]) -> Box<str> {
        format!("{} is {} ({})", self.attribute, String::from_utf8_lossy(value).trim(), self.means).into()
    }

    fn ended(&self, end: Timestamp) -> Box<str> {
        format!("{} came due at {end}", self.attribute).into()
    }
}

const CONTROL: &str = "userAccountControl";
const EXPIRES: &str = "accountExpires";

/// The attributes that can say that somebody of this kind left.
pub(super) fn attributes(kind: Kind) -> impl Iterator<Item = &'static str> {
    SIGNS.iter().filter(move |sign| sign.kinds.contains(&kind)).map(|sign| sign.attribute)
}

/// Judges an entry by all signs of its kind.
pub(super) fn judge(kind: Kind, entry: &impl Entry, now: Timestamp) -> Judgement {
    // What says so, each by the first sign that does.
    let (mut disabled, mut expired) = (None, None);
    let mut due: Option<Timestamp> = None;
    let mut fault = missing(kind, entry);
    for sign in SIGNS.iter().filter(|sign| sign.kinds.contains(&kind)) {
        for value in entry.values(sign.attribute) {
            match std::str::from_utf8(value).ok().and_then(|text| (sign.read)(text.trim())) {
                Some(Says::Nothing) => {}
                Some(Says::Disabled) => {
                    disabled.get_or_insert_with(|| sign.disables(value));
                }
                Some(Says::Ends(end)) if end <= now => {
                    expired.get_or_insert_with(|| sign.ended(end));
                }
                Some(Says::Ends(end)) => due = Some(due.map_or(end, |known| known.min(end))),
                None => {
                    let odd =
                        || Fault::new(sign.attribute, Defect::Malformed, "cannot be read, and decides who may stay");
                    fault.get_or_insert_with(odd);
                }
            }
        }
    }
    let standing = match (&disabled, &expired) {
        (Some(_), _) => Standing::Disabled,
        (None, Some(_)) => Standing::Expired,
        (None, None) => Standing::Enabled,
    };
    Judgement { standing, sign: disabled.or(expired), due, fault }
}

/// Active Directory has these on every user (MS-ADTS 3.1.1.8.1 sets them as it makes one): where one is not to be seen, a right
/// is missing.
fn missing(kind: Kind, entry: &impl Entry) -> Option<Fault> {
    let needed: &[&'static str] = match kind {
        Kind::ActiveDirectory => &[CONTROL, EXPIRES],
        // A file may have been exported without what says nothing.
        Kind::Ldif if entry.says("objectClass", "user") => &[CONTROL],
        Kind::OpenLdap | Kind::Ds389 | Kind::Ldif => &[],
    };
    let hidden = needed.iter().copied().find(|attribute| !entry.has(attribute))?;
    Some(Fault::new(hidden, Defect::Missing, "cannot be seen, and decides who may stay"))
}

/// `userAccountControl`: bit 2 is `ADS_UF_ACCOUNT_DISABLE` (MS-ADTS 2.2.16).
fn control(text: &str) -> Option<Says> {
    let flags: i64 = text.parse().ok()?;
    Some(if flags & 2 == 0 { Says::Nothing } else { Says::Disabled })
}

/// `accountExpires`: 100 ns since 1601-01-01; 0 and 2^63-1 are never (MS-ADA1 2.2).
fn account_expires(text: &str) -> Option<Says> {
    const TICKS: i64 = 10_000_000;
    const SECONDS_FROM_1601_TO_1970: i64 = 11_644_473_600;
    let ticks: i64 = text.parse().ok().filter(|ticks| *ticks >= 0)?;
    if ticks == 0 || ticks == i64::MAX {
        return Some(Says::Nothing);
    }
    let nanoseconds = i32::try_from(ticks % TICKS * 100).ok()?;
    // Later than the year 9999 is never, too.
    Some(Timestamp::new(ticks / TICKS - SECONDS_FROM_1601_TO_1970, nanoseconds).map_or(Says::Nothing, Says::Ends))
}

/// `pwdAccountLockedTime`: only the year 0 is a person's decision, anything else a lockout
/// (draft-behera-ldap-password-policy-10 section 5.3.3).
#[expect(clippy::unnecessary_wraps, reason = "one of the readers in the table")]
fn locked_time(text: &str) -> Option<Says> {
    let for_good = generalized_time::parse(b"000001010000Z");
    Some(if generalized_time::parse(text.as_bytes()) == for_good { Says::Disabled } else { Says::Nothing })
}

/// `pwdEndTime` (draft-behera-ldap-password-policy-10 section 5.3.10).
fn end_time(text: &str) -> Option<Says> {
    generalized_time::parse(text.as_bytes()).map(Says::Ends)
}

/// `shadowExpire`: days since 1970-01-01 (RFC 2307 section 2.2, shadow(5)).
fn shadow_expire(text: &str) -> Option<Says> {
    const SECONDS_A_DAY: i64 = 86_400;
    let days: i64 = text.parse().ok()?;
    if days < 1 {
        return Some(Says::Nothing);
    }
    let end = days.checked_mul(SECONDS_A_DAY).and_then(|seconds| Timestamp::from_second(seconds).ok());
    Some(end.map_or(Says::Nothing, Says::Ends))
}

/// `nsAccountLock` of 389 DS: set on the entry itself, or by a role through a class of service, which shows the same. A lockout
/// after wrong passwords leaves it alone (`accountUnlockTime`).
fn account_lock(text: &str) -> Option<Says> {
    if text.eq_ignore_ascii_case("true") {
        Some(Says::Disabled)
    } else if text.eq_ignore_ascii_case("false") {
        Some(Says::Nothing)
    } else {
        None
    }
}
