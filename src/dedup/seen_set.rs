//! The latest keys of a conversation.

use chrono::{DateTime, Utc};

use super::REMEMBERED;

/// The latest [`REMEMBERED`] keys, at most as many older ones, and how far back they reach.
///
/// Whole generations are forgotten: keys that came and went one by one would have to be kept in order as well.
#[derive(Debug, Default)]
pub(super) struct Recent {
    table: Table,
    young: Generation,
    old: Generation,
    /// Whatever happened until then and is not known was forgotten.
    forgotten: Option<DateTime<Utc>>,
}

/// What is not told by the keys of a generation one by one.
#[derive(Debug, Default)]
struct Generation {
    count: usize,
    /// What marks its keys.
    mark: GenerationTag,
    /// The latest time among its events.
    latest: Option<DateTime<Utc>>,
}

impl Recent {
    /// Whether the key of what happened then was unknown.
    pub(super) fn insert(&mut self, key: u64, at: Option<DateTime<Utc>>) -> bool {
        if self.young.count == REMEMBERED {
            self.grow_old();
        }
        let new = self.table.insert(key, self.young.mark);
        if new {
            self.young.count += 1;
            self.young.latest = self.young.latest.max(at);
        }
        new
    }

    /// Whether the key of something that happened then was inserted, as far as is remembered; and what is older than what
    /// was forgotten is taken for it.
    pub(super) fn contains(&self, key: u64, at: Option<DateTime<Utc>>) -> bool {
        self.table.contains(key) || at.zip(self.forgotten).is_some_and(|(at, forgotten)| at <= forgotten)
    }

    fn grow_old(&mut self) {
        let mark = self.young.mark.other();
        self.forgotten = self.forgotten.max(self.old.latest);
        if self.old.count > 0 {
            self.table.forget(mark);
        }
        self.old = std::mem::replace(&mut self.young, Generation { mark, ..Generation::default() });
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.table.lines.capacity() * size_of::<Line>()
    }
}

/// What marks a key in the table: one bit that is never 0, so that an empty place can be told, and one that says which of
/// two generations it belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
enum GenerationTag {
    #[default]
    Even = 0b01,
    Odd = 0b11,
}

/// The bits of a key that the mark takes the place of.
const MARK: u64 = 0b11;

impl GenerationTag {
    fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

/// A set of keys, in which a key is looked for, and put, where a part of itself says or soon after.
///
/// They lie in lines as the processor's caches have them, since fetching one of those is most of what a look-up costs:
/// a table of the standard library is at least two of them away, and two generations of those five.
#[derive(Debug, Default)]
struct Table {
    lines: Vec<Line>,
    count: usize,
}

/// Places for keys, 0 where there is none.
#[derive(Debug, Default, Clone)]
#[repr(align(64))]
struct Line([u64; 8]);

impl Table {
    /// Whether the key was not there.
    fn insert(&mut self, key: u64, mark: GenerationTag) -> bool {
        // An eighth stays empty, so that looking for a key soon comes to an end.
        if self.count >= self.lines.len() * 7 {
            self.grow();
        }
        let new = self.put(key & !MARK | mark as u64);
        self.count += usize::from(new);
        new
    }

    fn contains(&self, key: u64) -> bool {
        let mut ways = self.ways(key);
        !self.lines.is_empty() && ways.find_map(|at| Some(self.lines[at].find(key)? != 0)).unwrap_or_default()
    }

    /// Forgets the keys that are marked so, and puts each of the others where it is found again, within the same memory.
    fn forget(&mut self, mark: GenerationTag) {
        // No key has passed a line that is not full, so that behind it all keys of a line are as far as they belong.
        let Some(room) = self.lines.iter().position(|line| line.0.contains(&0)) else { return };
        for place in self.lines.iter_mut().flat_map(|line| &mut line.0) {
            if *place & MARK == mark as u64 {
                *place = 0;
                self.count -= 1;
            }
        }
        for at in (room + 1..self.lines.len()).chain(0..=room) {
            for key in std::mem::take(&mut self.lines[at]).0.into_iter().filter(|key| *key != 0) {
                self.put(key);
            }
        }
    }

    fn grow(&mut self) {
        let lines = vec![Line::default(); (self.lines.len() * 2).max(1)];
        let places = std::mem::replace(&mut self.lines, lines).into_iter().flat_map(|Line(places)| places);
        for key in places.filter(|key| *key != 0) {
            self.put(key);
        }
    }

    /// Puts a key with its mark where there is room, unless it is there with any.
    fn put(&mut self, key: u64) -> bool {
        for at in self.ways(key) {
            let Line(places) = &mut self.lines[at];
            if let Some(place) = places.iter_mut().find(|place| is_for(**place, key)) {
                let new = *place == 0;
                if new {
                    *place = key;
                }
                return new;
            }
        }
        unreachable!("an eighth of the places is empty")
    }

    /// The lines in which a key may be, the likeliest first.
    fn ways(&self, key: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.lines.len().wrapping_sub(1);
        let first = (key >> 32) as usize;
        (0..=mask).map(move |step| first.wrapping_add(step) & mask)
    }
}

impl Line {
    /// What is in the place of this key, 0 if that is empty; `None` if the key may be in the next line.
    fn find(&self, key: u64) -> Option<u64> {
        self.0.iter().copied().find(|place| is_for(*place, key))
    }
}

/// Whether a place holds this key or nothing.
fn is_for(place: u64, key: u64) -> bool {
    place == 0 || (place ^ key) & !MARK == 0
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn at(second: usize) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(i64::try_from(second).expect("small"), 0)
    }

    /// Numbers that are as far apart as hashes are.
    fn key(number: usize) -> u64 {
        (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn what_was_forgotten_is_known_by_its_time() {
        let mut recent = Recent::default();
        let mut insert = |numbers: std::ops::Range<usize>| {
            assert!(numbers.into_iter().all(|number| recent.insert(key(number), at(1000 + number))));
            (recent.contains(key(0), None), recent.contains(u64::MAX, at(1000)), recent.contains(u64::MAX, None))
        };
        assert_eq!(insert(0..2 * REMEMBERED), (true, false, false), "nothing is forgotten yet");
        assert_eq!(insert(2 * REMEMBERED..2 * REMEMBERED + 1), (false, true, false), "the first generation is");
        assert!(recent.contains(u64::MAX, at(999 + REMEMBERED)), "as old as what was forgotten");
        assert!(!recent.contains(u64::MAX, at(1000 + REMEMBERED)), "newer than that");
    }

    #[test]
    fn the_latest_are_known_through_many_generations_in_half_a_mebibyte() {
        let mut recent = Recent::default();
        for number in 0..4 * REMEMBERED {
            assert!(recent.insert(key(number), None), "{number} is new");
            if number % 1009 == 0 {
                assert!(
                    !recent.insert(key(number), None)
                        && !recent.insert(key(number.saturating_sub(REMEMBERED - 1)), None)
                );
            }
        }
        assert!((2 * REMEMBERED..4 * REMEMBERED).all(|number| recent.contains(key(number), None)));
        assert!(!(0..2 * REMEMBERED).any(|number| recent.contains(key(number), None)));
        assert_eq!(recent.bytes(), 512 * 1024);
    }

    #[test]
    fn a_conversation_in_which_little_is_said_takes_little() {
        let mut recent = Recent::default();
        assert!(!recent.contains(0, None) && recent.insert(0, None) && recent.contains(0, None));
        assert_eq!(recent.bytes(), 64);
    }

    proptest! {
        #[test]
        fn a_table_is_a_set(keys in prop::collection::vec((0_u64..64, 0_u64..40, any::<bool>()), 0..400)) {
            let (mut table, mut model) = (Table::default(), HashSet::new());
            for (high, low, forget) in keys {
                // Many that begin in the same line, and many that are there already.
                let key = ((high / 8) << 32) | (low << 2);
                if forget && low == 0 {
                    model.retain(|(_, mark)| *mark != GenerationTag::Odd);
                    table.forget(GenerationTag::Odd);
                }
                let mark = if high % 2 == 0 { GenerationTag::Even } else { GenerationTag::Odd };
                let known = model.iter().any(|(known, _)| *known == key);
                prop_assert_eq!(table.contains(key), known);
                prop_assert_eq!(table.insert(key, mark), !known);
                if !known {
                    model.insert((key, mark));
                }
                prop_assert_eq!(table.count, model.len());
            }
        }
    }
}
