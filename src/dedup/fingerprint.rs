//! Keyed 64-bit fingerprints: unpredictable without the key, equal for the same key in every release and on every machine.

#![expect(
    deprecated,
    reason = "its replacement may change the algorithm with any release, and a cursor file outlives a release"
)]

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, SipHasher};

/// The secret key of the fingerprints of a run, or of a cursor file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FingerprintKey(u64, u64);

/// Computes the fingerprint of a list of parts.
///
/// Each part is hashed with its length, so that two different lists never feed the same bytes to the hash.
#[derive(Debug, Clone)]
pub(super) struct Fingerprinter(SipHasher);

/// The hasher for maps whose keys are fingerprints.
pub(super) type BuildIdentityHasher = BuildHasherDefault<IdentityHasher>;

/// Returns a fingerprint unchanged: another round of hashing would add nothing.
#[derive(Debug, Default)]
pub(super) struct IdentityHasher(u64);

impl FingerprintKey {
    /// Restores a key from its [`parts`](FingerprintKey::parts).
    pub(crate) fn from_parts(first: u64, second: u64) -> Self {
        Self(first, second)
    }

    pub(crate) fn parts(self) -> (u64, u64) {
        (self.0, self.1)
    }

    pub(super) fn fingerprinter(self) -> Fingerprinter {
        Fingerprinter(SipHasher::new_with_keys(self.0, self.1))
    }
}

impl Default for FingerprintKey {
    /// Returns a random key.
    fn default() -> Self {
        let random = RandomState::new();
        Self(random.hash_one(0), random.hash_one(1))
    }
}

impl Fingerprinter {
    /// Adds an id that identifies an event by itself.
    ///
    /// The prefix replaces the length: no other list of parts begins with this byte. Every call of the hasher is
    /// expensive, and this is the case of almost every message.
    pub(super) fn add_id(&mut self, id: &str) {
        self.0.write_u8(b'i');
        self.0.write(id.as_bytes());
    }

    /// Adds the id of a system message. A receipt has the id of its message, which is another event.
    pub(super) fn add_system_id(&mut self, id: &str) {
        self.0.write_u8(b's');
        self.0.write(id.as_bytes());
    }

    /// Adds a text. `None` and an empty text differ.
    pub(super) fn add_text(&mut self, text: Option<&str>) {
        self.add_number(text.map_or(u64::MAX, |text| text.len() as u64));
        self.0.write(text.unwrap_or_default().as_bytes());
    }

    pub(super) fn add_number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    pub(super) fn finish(&self) -> u64 {
        self.0.finish()
    }
}

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(key: FingerprintKey, texts: &[Option<&str>]) -> u64 {
        let mut fingerprinter = key.fingerprinter();
        for text in texts {
            fingerprinter.add_text(*text);
        }
        fingerprinter.finish()
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_release_and_on_every_machine() {
        let key = FingerprintKey::from_parts(1, 2);
        assert_eq!(fingerprint(key, &[Some("id"), Some("85c01f55")]), 11_798_460_576_495_533_091);
    }

    #[test]
    fn the_key_and_the_bounds_of_texts_change_the_fingerprint() {
        let key = FingerprintKey::from_parts(1, 2);
        let lists = [&[Some("ab"), Some("c")][..], &[Some("a"), Some("bc")], &[Some("abc")], &[None], &[Some("")], &[]];
        let fingerprints: std::collections::HashSet<u64> = lists.iter().map(|texts| fingerprint(key, texts)).collect();
        assert_eq!(fingerprints.len(), lists.len());
        assert_ne!(fingerprint(key, lists[0]), fingerprint(FingerprintKey::from_parts(1, 3), lists[0]));
        assert_ne!(FingerprintKey::default(), FingerprintKey::default());
    }
}
