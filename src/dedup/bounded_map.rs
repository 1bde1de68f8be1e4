//! A map that forgets its oldest keys.

use std::borrow::Borrow;
use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};

/// A map of at most `CAPACITY` keys. A new key beyond that replaces the oldest one.
#[derive(Debug)]
pub(crate) struct BoundedMap<K, V, const CAPACITY: usize, S = RandomState> {
    entries: HashMap<K, V, S>,
    /// The keys from oldest to newest.
    order: VecDeque<K>,
}

/// A set of at most `CAPACITY` keys. A new key beyond that replaces the oldest one.
pub(crate) type BoundedSet<K, const CAPACITY: usize> = BoundedMap<K, (), CAPACITY>;

impl<K: Eq + Hash + Clone, V: Default, const CAPACITY: usize, S: BuildHasher> BoundedMap<K, V, CAPACITY, S> {
    /// Returns the value of `key`. A new key gets the default value.
    pub(crate) fn get_or_insert(&mut self, key: K) -> &mut V {
        if self.order.len() == CAPACITY
            && !self.entries.contains_key(&key)
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        match self.entries.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.order.push_back(entry.key().clone());
                entry.insert(V::default())
            }
        }
    }

    pub(crate) fn contains<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.entries.contains_key(key)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<K: Eq + Hash + Clone, const CAPACITY: usize> BoundedSet<K, CAPACITY> {
    pub(crate) fn insert(&mut self, key: K) {
        self.get_or_insert(key);
    }
}

impl<K, V, const CAPACITY: usize, S: Default> Default for BoundedMap<K, V, CAPACITY, S> {
    fn default() -> Self {
        Self { entries: HashMap::default(), order: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_beyond_the_capacity_replaces_the_oldest() {
        let mut set = BoundedSet::<String, 3>::default();
        for key in ["a", "b", "c", "a", "d"] {
            set.insert(key.to_owned());
        }
        assert_eq!(["a", "b", "c", "d"].map(|key| set.contains(key)), [false, true, true, true]);
        set.insert("b".to_owned());
        assert_eq!(set.len(), 3);
    }

    #[test]
    fn values_are_kept_with_their_keys() {
        let mut counts = BoundedMap::<u64, u32, 2>::default();
        for key in [1, 1, 2, 3] {
            *counts.get_or_insert(key) += 1;
        }
        assert_eq!([2, 3, 1].map(|key| *counts.get_or_insert(key)), [1, 1, 0], "1 was forgotten");
    }
}
