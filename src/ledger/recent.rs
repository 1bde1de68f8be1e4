//! The latest keys of a conversation.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use chrono::{DateTime, Utc};

use super::REMEMBERED;

/// The latest [`REMEMBERED`] keys, at most as many older ones, and how far back they reach.
///
/// Whole generations are forgotten: keys that came and went one by one would wear the table out until it doubled, and
/// their order would have to be kept.
#[derive(Debug, Default)]
pub(super) struct Recent {
    young: Generation,
    old: Generation,
    /// Whatever happened until then and is not known was forgotten.
    forgotten: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct Generation {
    keys: HashSet<u64, Keyed>,
    /// The latest time among its events.
    latest: Option<DateTime<Utc>>,
}

impl Recent {
    /// Whether the key of what happened then was unknown.
    pub(super) fn insert(&mut self, key: u64, at: Option<DateTime<Utc>>) -> bool {
        if self.young.keys.len() == REMEMBERED {
            self.grow_old();
        }
        let new = !self.old.keys.contains(&key) && self.young.keys.insert(key);
        if new {
            self.young.latest = self.young.latest.max(at);
        }
        new
    }

    /// Whether the key of something that happened then was inserted, as far as is remembered; and what is older than what
    /// was forgotten is taken for it.
    pub(super) fn contains(&self, key: u64, at: Option<DateTime<Utc>>) -> bool {
        let known = self.young.keys.contains(&key) || self.old.keys.contains(&key);
        known || at.zip(self.forgotten).is_some_and(|(at, forgotten)| at <= forgotten)
    }

    fn grow_old(&mut self) {
        std::mem::swap(&mut self.young, &mut self.old);
        self.forgotten = self.forgotten.max(self.young.latest.take());
        self.young.keys.clear();
    }

    #[cfg(test)]
    pub(super) fn capacities(&self) -> [usize; 2] {
        [&self.young, &self.old].map(|generation| generation.keys.capacity())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: usize) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(i64::try_from(second).expect("small"), 0)
    }

    #[test]
    fn what_was_forgotten_is_known_by_its_time() {
        let mut recent = Recent::default();
        let mut insert = |numbers: std::ops::Range<usize>| {
            assert!(numbers.into_iter().all(|number| recent.insert(number as u64, at(1000 + number))));
            (recent.contains(0, None), recent.contains(u64::MAX, at(1000)), recent.contains(u64::MAX, None))
        };
        assert_eq!(insert(0..2 * REMEMBERED), (true, false, false), "nothing is forgotten yet");
        assert_eq!(insert(2 * REMEMBERED..2 * REMEMBERED + 1), (false, true, false), "the first generation is");
        assert!(recent.contains(u64::MAX, at(999 + REMEMBERED)), "as old as what was forgotten");
        assert!(!recent.contains(u64::MAX, at(1000 + REMEMBERED)), "newer than that");
    }
}
