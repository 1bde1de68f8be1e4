//! Hashes that nobody outside can foresee, and that are the same in every run that has the same keys.

#![expect(
    deprecated,
    reason = "the hasher that replaces it may hash otherwise in the next release, which a cursor survives"
)]

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, SipHasher};

/// What keys a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FingerprintKey(u64, u64);

/// A hash under way. Every part is hashed with its length, so that no two lists of parts are alike.
#[derive(Debug, Clone)]
pub(super) struct Digest(SipHasher);

/// The keys are hashes already; hashing them again would buy nothing.
pub(super) type Keyed = BuildHasherDefault<AsIs>;

#[derive(Debug, Default)]
pub(super) struct AsIs(u64);

impl FingerprintKey {
    /// Keys from two numbers, which [`FingerprintKey::parts`] gave.
    pub(crate) fn of(first: u64, second: u64) -> Self {
        Self(first, second)
    }

    /// Two numbers to keep them by.
    pub(crate) fn parts(self) -> (u64, u64) {
        (self.0, self.1)
    }

    pub(super) fn digest(self) -> Digest {
        Digest(SipHasher::new_with_keys(self.0, self.1))
    }
}

impl Default for FingerprintKey {
    /// Keys that nobody knows.
    fn default() -> Self {
        let random = RandomState::new();
        Self(random.hash_one(0), random.hash_one(1))
    }
}

impl Digest {
    /// Hashes an id that stands for everything, in as few pieces as possible: the hasher takes long over each. No other
    /// list of parts begins with this byte.
    pub(super) fn id(&mut self, id: &str) {
        self.0.write_u8(b'i');
        self.0.write(id.as_bytes());
    }

    /// Hashes a text, or that there is none.
    pub(super) fn text(&mut self, text: Option<&str>) {
        self.number(text.map_or(u64::MAX, |text| text.len() as u64));
        self.0.write(text.unwrap_or_default().as_bytes());
    }

    pub(super) fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    pub(super) fn finish(&self) -> u64 {
        self.0.finish()
    }
}

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(keys: FingerprintKey, texts: &[Option<&str>]) -> u64 {
        let mut digest = keys.digest();
        for text in texts {
            digest.text(*text);
        }
        digest.finish()
    }

    #[test]
    fn a_hash_is_the_same_in_every_release_and_on_every_machine() {
        assert_eq!(digest(FingerprintKey::of(1, 2), &[Some("id"), Some("85c01f55")]), 11_798_460_576_495_533_091);
    }

    #[test]
    fn keys_and_the_bounds_of_texts_make_a_difference() {
        let keys = FingerprintKey::of(1, 2);
        let all = [&[Some("ab"), Some("c")][..], &[Some("a"), Some("bc")], &[Some("abc")], &[None], &[Some("")], &[]];
        let hashes: std::collections::HashSet<u64> = all.iter().map(|texts| digest(keys, texts)).collect();
        assert_eq!(hashes.len(), all.len());
        assert_ne!(digest(keys, all[0]), digest(FingerprintKey::of(1, 3), all[0]));
        assert_ne!(FingerprintKey::default(), FingerprintKey::default());
    }
}
