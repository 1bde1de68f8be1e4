//! The latest keys of a conversation.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::REMEMBERED;

/// The latest [`REMEMBERED`] keys.
#[derive(Debug, Default)]
pub(super) struct Recent {
    known: HashSet<u64, Keyed>,
    order: VecDeque<u64>,
}

impl Recent {
    /// Whether the key was unknown.
    pub(super) fn insert(&mut self, key: u64) -> bool {
        if !self.known.insert(key) {
            return false;
        }
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(key);
        true
    }

    pub(super) fn contains(&self, key: u64) -> bool {
        self.known.contains(&key)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}

/// The keys are hashes already; hashing them again would buy nothing.
pub(super) type Keyed = BuildHasherDefault<AsIs>;

#[derive(Debug, Default)]
pub(super) struct AsIs(u64);

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
