//! Tokens: made from the system's randomness, kept as a hash, compared in constant time.
//!
//! A token is `seatsync_ID_SECRET`. The secret is 256 random bits, so one round of SHA-256 keeps it as well as a slow hash
//! keeps a password: there is nothing to guess.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::LedgerError;
use super::records::{Role, Token};
use crate::model::Name;

const PREFIX: &str = "seatsync";
/// In characters, as of every name.
const LONGEST_LABEL: usize = 128;

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    pub role: Role,
    pub connector: Option<Name>,
    pub label: String,
    pub expires: Option<Timestamp>,
}

impl Purpose {
    /// The way in of a connector that is registered with it.
    #[must_use]
    pub fn of_connector(connector: &Name) -> Self {
        let label = format!("connector {connector}").chars().take(LONGEST_LABEL).collect();
        Self { role: Role::Connector, connector: Some(connector.clone()), label, expires: None }
    }
}

/// A new token: what is kept, and what is shown this once.
///
/// # Errors
/// Where the system has no randomness to give.
pub fn make(company: &Name, purpose: Purpose, now: Timestamp) -> Result<(Token, String), LedgerError> {
    let id: String = random::<8>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = URL_SAFE_NO_PAD.encode(random::<32>()?);
    let Purpose { role, connector, label, expires } = purpose;
    let token = Token {
        id: id.clone(),
        company: company.clone(),
        role,
        connector,
        label,
        hash: hash(&secret),
        made: now,
        expires,
        ended: false,
    };
    Ok((token, format!("{PREFIX}_{id}_{secret}")))
}

/// Id and hash of a token as it was presented; none where it has not the form of one.
#[must_use]
pub fn read(token: &str) -> Option<(String, String)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.strip_prefix('_')?.split_once('_')?;
    let well_formed = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && !secret.is_empty();
    well_formed.then(|| (id.to_owned(), hash(secret)))
}

/// Compares two hashes in a time that tells nothing of where they differ.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn hash(secret: &str) -> String {
    format!("{:x}", Sha256::digest(secret))
}

fn random<const N: usize>() -> Result<[u8; N], LedgerError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| LedgerError::File {
        doing: "the system gave no random bytes for a token".to_owned(),
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose() -> Purpose {
        Purpose { role: Role::Admin, connector: None, label: "test".to_owned(), expires: None }
    }

    #[test]
    fn a_token_is_known_by_its_hash_and_shows_no_secret() {
        let (kept, shown) = make(&"acme".into(), purpose(), Timestamp::UNIX_EPOCH).unwrap();
        let (id, hash) = read(&shown).unwrap();
        assert_eq!(id, kept.id);
        assert!(same(&hash, &kept.hash));
        // The secret may have such letters itself.
        let secret = shown.splitn(3, '_').nth(2).unwrap();
        assert!(!format!("{kept:?}").contains(secret));
    }

    #[test]
    fn no_two_tokens_are_alike_and_none_passes_for_another() {
        let (one, shown) = make(&"acme".into(), purpose(), Timestamp::UNIX_EPOCH).unwrap();
        let (other, _) = make(&"acme".into(), purpose(), Timestamp::UNIX_EPOCH).unwrap();
        assert_ne!(one.id, other.id);
        assert!(!same(&read(&shown).unwrap().1, &other.hash));
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        for text in
            ["", "seatsync", "seatsync_", "seatsync_0123456789abcdef_", "seatsync_xyz_abc", "other_0123456789abcdef_s"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
