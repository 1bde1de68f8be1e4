//! The ids of the latest events of a stream.

use super::bounded_map::BoundedMap;
use super::fingerprint::{BuildIdentityHasher, FingerprintKey};

/// The number of ids: those of some minutes of a large organization. A repeat follows soon.
const CAPACITY: usize = 131_072;

/// Recognizes repeated events of a stream by the ids of their envelopes.
#[derive(Debug, Default)]
pub(crate) struct EventIds {
    key: FingerprintKey,
    seen: BoundedMap<u64, (), CAPACITY, BuildIdentityHasher>,
}

impl EventIds {
    /// Inserts an id. Returns whether it is new.
    pub(crate) fn insert(&mut self, id: &str) -> bool {
        let mut fingerprinter = self.key.fingerprinter();
        fingerprinter.add_id(id);
        let fingerprint = fingerprinter.finish();
        let is_new = !self.seen.contains(&fingerprint);
        self.seen.get_or_insert(fingerprint);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once_and_old_ones_are_forgotten() {
        let mut ids = EventIds::default();
        assert_eq!(["a", "b", "a", "b"].map(|id| ids.insert(id)), [true, true, false, false]);
        for number in 0..CAPACITY {
            ids.insert(&number.to_string());
        }
        assert_eq!(ids.seen.len(), CAPACITY);
        assert!(ids.insert("a"), "forgotten");
    }
}
