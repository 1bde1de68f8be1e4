//! The latest keys of a conversation.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use chrono::{DateTime, Utc};

use super::REMEMBERED;

/// Events between two notes of how late it was, in the order of their coming.
const STEP: usize = 1024;

/// The latest [`REMEMBERED`] keys, and how far back they reach.
#[derive(Debug, Default)]
pub(super) struct Recent {
    known: HashSet<u64, Keyed>,
    order: VecDeque<u64>,
    /// The latest time among all events until then, noted once a [`STEP`].
    times: VecDeque<Option<DateTime<Utc>>>,
    latest: Option<DateTime<Utc>>,
    inserted: usize,
    /// Whatever happened until then and is not known was forgotten.
    forgotten: Option<DateTime<Utc>>,
}

impl Recent {
    /// Whether the key of what happened then was unknown.
    pub(super) fn insert(&mut self, key: u64, at: Option<DateTime<Utc>>) -> bool {
        if !self.known.insert(key) {
            return false;
        }
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(key);
        self.latest = self.latest.max(at);
        self.inserted += 1;
        if self.inserted.is_multiple_of(STEP) {
            self.note_time();
        }
        true
    }

    /// Whether the key of something that happened then was inserted, as far as is remembered; and what is older than what
    /// was forgotten is taken for it.
    pub(super) fn contains(&self, key: u64, at: Option<DateTime<Utc>>) -> bool {
        self.known.contains(&key) || at.zip(self.forgotten).is_some_and(|(at, forgotten)| at <= forgotten)
    }

    /// Whole steps are forgotten at a time.
    fn note_time(&mut self) {
        self.times.push_back(self.latest);
        if self.times.len() > REMEMBERED / STEP {
            self.forgotten = self.times.pop_front().flatten();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: usize) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(i64::try_from(second).expect("small"), 0)
    }

    #[test]
    fn what_was_forgotten_is_known_by_its_time() {
        let mut recent = Recent::default();
        let never = |recent: &Recent, second| recent.contains(u64::MAX, at(second));
        for number in 0..REMEMBERED {
            assert!(recent.insert(number as u64, at(1000 + number)));
        }
        assert!(recent.contains(0, at(1000)) && !never(&recent, 0), "nothing is forgotten yet");
        for number in REMEMBERED..REMEMBERED + STEP {
            assert!(recent.insert(number as u64, at(1000 + number)));
        }
        assert!(!recent.known.contains(&0), "bounded");
        assert!(recent.contains(0, at(1000)) && never(&recent, 1000 + STEP - 1), "as old as what was forgotten");
        assert!(!never(&recent, 1000 + STEP) && !recent.contains(u64::MAX, None), "newer, or without a time");
    }
}
