//! A fingerprint of a value, to see whether it changed without keeping it.

use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

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
        let mut gathered = Gathered(Vec::with_capacity(512));
        value.hash(&mut gathered);
        Self(xxh3_128(&gathered.0).to_be_bytes())
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

/// Takes everything down first: many small pieces cost more than one large one.
struct Gathered(Vec<u8>);

impl Hasher for Gathered {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        xxh3_64(&self.0)
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
