//! The fingerprints of the latest events of a conversation.

use chrono::{DateTime, Utc};

use super::CAPACITY;

/// The latest [`CAPACITY`] fingerprints, up to as many older ones, and the age of the forgotten ones.
///
/// Forgets whole generations. To forget one fingerprint at a time would require their order as well.
#[derive(Debug, Default)]
pub(super) struct SeenSet {
    buckets: Buckets,
    current: Generation,
    previous: Generation,
    /// The latest time of a forgotten event. An event up to this time may have been seen.
    forgotten_until: Option<DateTime<Utc>>,
}

/// The summary of the fingerprints that were inserted in a row.
#[derive(Debug, Default)]
struct Generation {
    count: usize,
    tag: GenerationTag,
    /// The latest time of an event in it.
    latest: Option<DateTime<Utc>>,
}

impl SeenSet {
    /// Inserts the fingerprint of an event of this time. Returns whether it is new.
    pub(super) fn insert(&mut self, fingerprint: u64, at: Option<DateTime<Utc>>) -> bool {
        if self.current.count == CAPACITY {
            self.start_generation();
        }
        let is_new = self.buckets.insert(fingerprint, self.current.tag);
        if is_new {
            self.current.count += 1;
            self.current.latest = self.current.latest.max(at);
        }
        is_new
    }

    /// Returns whether the fingerprint was inserted. An event as old as the forgotten ones counts as inserted.
    pub(super) fn contains(&self, fingerprint: u64, at: Option<DateTime<Utc>>) -> bool {
        self.buckets.contains(fingerprint) || at.zip(self.forgotten_until).is_some_and(|(at, until)| at <= until)
    }

    /// Forgets the previous generation, whose tag the next one takes over.
    fn start_generation(&mut self) {
        let tag = self.current.tag.other();
        self.forgotten_until = self.forgotten_until.max(self.previous.latest);
        if self.previous.count > 0 {
            self.buckets.remove_generation(tag);
        }
        self.previous = std::mem::replace(&mut self.current, Generation { tag, ..Generation::default() });
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.buckets.lines.capacity() * size_of::<CacheLine>()
    }
}

/// The two low bits of an occupied slot: one that is never 0, unlike in an empty slot, and one for the generation.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
enum GenerationTag {
    #[default]
    Even = 0b01,
    Odd = 0b11,
}

/// The bits of a fingerprint that the tag replaces.
const TAG_BITS: u64 = 0b11;

impl GenerationTag {
    fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

/// An open-addressing hash set of fingerprints with linear probing over cache lines.
///
/// Fetching a cache line is most of the cost of a lookup. This set touches one; a set of the standard library touches two
/// at least, and two generations of those touch five.
#[derive(Debug, Default)]
struct Buckets {
    lines: Vec<CacheLine>,
    count: usize,
}

/// Eight slots. An empty slot is 0.
#[derive(Debug, Default, Clone)]
#[repr(align(64))]
struct CacheLine([u64; 8]);

impl Buckets {
    /// Inserts a fingerprint unless it is present in any generation. Returns whether it is new.
    fn insert(&mut self, fingerprint: u64, tag: GenerationTag) -> bool {
        // An eighth of the slots stays empty, so that probing ends soon.
        if self.count >= self.lines.len() * 7 {
            self.grow();
        }
        let is_new = self.put(fingerprint & !TAG_BITS | tag as u64);
        self.count += usize::from(is_new);
        is_new
    }

    fn contains(&self, fingerprint: u64) -> bool {
        let mut probes = self.probe_sequence(fingerprint);
        !self.lines.is_empty()
            && probes.find_map(|line| Some(self.lines[line].find(fingerprint)? != 0)).unwrap_or_default()
    }

    /// Removes the fingerprints with this tag and moves the others to where probing finds them, in the same memory.
    fn remove_generation(&mut self, tag: GenerationTag) {
        // No probe sequence passes a line with an empty slot. Starting behind one, every fingerprint of a line is
        // reinserted no further than where it was.
        let Some(first_open) = self.lines.iter().position(|line| line.0.contains(&0)) else { return };
        for slot in self.lines.iter_mut().flat_map(|line| &mut line.0) {
            if *slot & TAG_BITS == tag as u64 {
                *slot = 0;
                self.count -= 1;
            }
        }
        for line in (first_open + 1..self.lines.len()).chain(0..=first_open) {
            for slot in std::mem::take(&mut self.lines[line]).0.into_iter().filter(|slot| *slot != 0) {
                self.put(slot);
            }
        }
    }

    fn grow(&mut self) {
        let lines = vec![CacheLine::default(); (self.lines.len() * 2).max(1)];
        let slots = std::mem::replace(&mut self.lines, lines).into_iter().flat_map(|CacheLine(slots)| slots);
        for slot in slots.filter(|slot| *slot != 0) {
            self.put(slot);
        }
    }

    /// Stores a tagged fingerprint in the first empty slot, unless it is present with any tag. Returns whether it is new.
    fn put(&mut self, tagged: u64) -> bool {
        for line in self.probe_sequence(tagged) {
            let CacheLine(slots) = &mut self.lines[line];
            if let Some(slot) = slots.iter_mut().find(|slot| is_empty_or_holds(**slot, tagged)) {
                let is_new = *slot == 0;
                if is_new {
                    *slot = tagged;
                }
                return is_new;
            }
        }
        unreachable!("an eighth of the slots is empty")
    }

    /// Returns the indexes of the lines that may hold a fingerprint, the most likely first.
    fn probe_sequence(&self, fingerprint: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.lines.len().wrapping_sub(1);
        let first = (fingerprint >> 32) as usize;
        (0..=mask).map(move |step| first.wrapping_add(step) & mask)
    }
}

impl CacheLine {
    /// Returns the slot that holds this fingerprint, or the empty slot that proves its absence. `None` means that it may
    /// be in the next line.
    fn find(&self, fingerprint: u64) -> Option<u64> {
        self.0.iter().copied().find(|slot| is_empty_or_holds(*slot, fingerprint))
    }
}

fn is_empty_or_holds(slot: u64, fingerprint: u64) -> bool {
    slot == 0 || (slot ^ fingerprint) & !TAG_BITS == 0
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::ops::Range;

    use proptest::prelude::*;

    use super::*;

    fn at(second: usize) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(i64::try_from(second).expect("small"), 0)
    }

    /// Returns numbers spread like hashes.
    fn fingerprint(number: usize) -> u64 {
        (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn insert_all(seen: &mut SeenSet, numbers: Range<usize>) {
        assert!(numbers.into_iter().all(|number| seen.insert(fingerprint(number), at(1000 + number))));
    }

    #[test]
    fn an_event_as_old_as_a_forgotten_generation_counts_as_seen() {
        let mut seen = SeenSet::default();
        insert_all(&mut seen, 0..2 * CAPACITY);
        assert!(seen.contains(fingerprint(0), None), "two generations are remembered");
        assert!(!seen.contains(u64::MAX, at(1000)) && !seen.contains(u64::MAX, None));

        insert_all(&mut seen, 2 * CAPACITY..2 * CAPACITY + 1);
        assert!(!seen.contains(fingerprint(0), None), "the first generation is forgotten");
        assert!(seen.contains(u64::MAX, at(1000)) && !seen.contains(u64::MAX, None));
        assert!(seen.contains(u64::MAX, at(999 + CAPACITY)), "the latest of the first generation");
        assert!(!seen.contains(u64::MAX, at(1000 + CAPACITY)), "the oldest of the second generation");
    }

    #[test]
    fn the_latest_fingerprints_stay_known_in_half_a_mebibyte() {
        let mut seen = SeenSet::default();
        for number in 0..4 * CAPACITY {
            assert!(seen.insert(fingerprint(number), None), "{number} is new");
            if number % 1009 == 0 {
                let oldest_guaranteed = number.saturating_sub(CAPACITY - 1);
                assert!(!seen.insert(fingerprint(number), None) && !seen.insert(fingerprint(oldest_guaranteed), None));
            }
        }
        assert!((2 * CAPACITY..4 * CAPACITY).all(|number| seen.contains(fingerprint(number), None)));
        assert!(!(0..2 * CAPACITY).any(|number| seen.contains(fingerprint(number), None)));
        assert_eq!(seen.bytes(), 512 * 1024);
    }

    #[test]
    fn a_short_conversation_takes_one_cache_line() {
        let mut seen = SeenSet::default();
        assert!(!seen.contains(0, None) && seen.insert(0, None) && seen.contains(0, None));
        assert_eq!(seen.bytes(), 64);
    }

    proptest! {
        #[test]
        fn buckets_behave_like_a_set(steps in prop::collection::vec((0_u64..64, 0_u64..40, any::<bool>()), 0..400)) {
            let (mut buckets, mut model) = (Buckets::default(), HashSet::new());
            for (high, low, remove) in steps {
                // Many fingerprints probe the same line first, and many repeat.
                let fingerprint = ((high / 8) << 32) | (low << 2);
                if remove && low == 0 {
                    model.retain(|(_, tag)| *tag != GenerationTag::Odd);
                    buckets.remove_generation(GenerationTag::Odd);
                }
                let tag = if high % 2 == 0 { GenerationTag::Even } else { GenerationTag::Odd };
                let is_known = model.iter().any(|(known, _)| *known == fingerprint);
                prop_assert_eq!(buckets.contains(fingerprint), is_known);
                prop_assert_eq!(buckets.insert(fingerprint, tag), !is_known);
                if !is_known {
                    model.insert((fingerprint, tag));
                }
                prop_assert_eq!(buckets.count, model.len());
            }
        }
    }
}
