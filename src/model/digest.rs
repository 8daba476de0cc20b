//! A fingerprint of a value, to see whether it changed without keeping it.

use std::hash::Hash;

use xxhash_rust::xxh3::Xxh3;

/// 128 bits of XXH3: two values with one digest count as equal.
///
/// Only for telling our own values apart. A digest kept by an older build may differ for the same value; that costs one
/// rewrite of the row and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// The digest of everything that `Hash` covers.
    #[must_use]
    pub fn of(value: &(impl Hash + ?Sized)) -> Self {
        let mut hasher = Xxh3::new();
        value.hash(&mut hasher);
        Self(hasher.digest128().to_be_bytes())
    }

    /// As it is kept.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// As it was kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_letter_from_one_field_to_the_next_is_a_change() {
        assert_ne!(Digest::of(&("ab", "c")), Digest::of(&("a", "bc")));
        assert_eq!(Digest::of(&("ab", "c")), Digest::of(&("ab", "c")));
    }
}
