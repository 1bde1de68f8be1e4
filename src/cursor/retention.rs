//! What is kept of one conversation, and what of it may be left out after a while.

use std::sync::Arc;

use chrono::DateTime;

use super::{KEPT, LATENESS};
use crate::dedup;
use crate::dedup::checkpoint::{CLOSED_KEY, EarlierDeliveries, ResumePoint};

/// What is kept of one conversation. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) conversation: Arc<str>,
    /// What is older than this counts as delivered.
    pub(super) before: Option<i64>,
    /// When it happened, and its key. Those without a time cannot be told by their age, and stay.
    pub(super) events: Vec<(Option<i64>, u64)>,
}

impl Kept {
    /// Nothing was delivered, and what is older than `before` is not going to be.
    pub(super) fn new(conversation: Arc<str>, before: Option<i64>) -> Self {
        Self { conversation, before, events: Vec::new() }
    }

    /// Leaves out what can be told by its age, as seen at `now`.
    pub(super) fn trim(&mut self, now: i64) {
        self.events.sort_unstable();
        let untimed = self.untimed();
        let old = old(&self.events[untimed..], now);
        self.leave_out(old, now);
        self.events.drain(..untimed.saturating_sub(dedup::CAPACITY));
    }

    /// Leaves out everything that can be told by its age, after a long silence.
    pub(super) fn retire(&mut self, now: i64) {
        self.events.sort_unstable();
        self.leave_out(self.events.len() - self.untimed(), now);
    }

    /// How many have no time, and so stand before all others.
    fn untimed(&self) -> usize {
        self.events.partition_point(|(at, _)| at.is_none())
    }

    /// Leaves out so many of those that have a time, the oldest.
    fn leave_out(&mut self, old: usize, now: i64) {
        let untimed = self.untimed();
        if let Some((Some(at), _)) = old.checked_sub(1).and_then(|last| self.events.get(untimed + last)) {
            // A stamp of tomorrow must not make old what will be said until then.
            let before = at.saturating_add(1).min(now);
            self.before = Some(self.before.map_or(before, |earlier| earlier.max(before)));
        }
        self.events.drain(untimed..untimed + old);
    }

    /// The newest that was delivered.
    pub(super) fn latest(&self) -> Option<i64> {
        self.events.iter().filter_map(|(at, _)| *at).max().or(self.before)
    }

    /// How far it came.
    pub(super) fn resume_point(&self) -> ResumePoint {
        ResumePoint {
            before: self.before.and_then(DateTime::from_timestamp_millis),
            latest: self.latest().and_then(DateTime::from_timestamp_millis),
            closed: self.events.iter().any(|(_, key)| *key == CLOSED_KEY),
        }
    }
}

impl From<&Kept> for EarlierDeliveries {
    fn from(kept: &Kept) -> Self {
        let keys = kept.events.iter().map(|(_, key)| *key).collect();
        Self { conversation: kept.conversation.as_ref().to_owned(), resume_point: kept.resume_point(), keys }
    }
}

/// How many of these events, which are in order, can be left out.
fn old(timed: &[(Option<i64>, u64)], now: i64) -> usize {
    let newest = timed.last().and_then(|(at, _)| *at).map_or(now, |at| at.min(now));
    let horizon = newest.saturating_sub(LATENESS.num_milliseconds());
    let spare = timed.len().saturating_sub(KEPT);
    let aged = timed[..spare].partition_point(|(at, _)| at.is_some_and(|at| at < horizon));
    aged.max(timed.len().saturating_sub(dedup::CAPACITY))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: i64 = 28_672;

    const MINUTE: i64 = 60_000;
    const NOW: i64 = 1_767_323_045_000;

    fn kept(times: impl IntoIterator<Item = i64>) -> Kept {
        let mut kept = Kept::new("c".into(), None);
        kept.events = times.into_iter().zip(1..).map(|(at, key)| (Some(at), key)).collect();
        kept
    }

    #[test]
    fn a_thousand_are_known_one_by_one_however_old_they_are() {
        let mut a_few = kept((0..1_000).map(|n| NOW - n * 60 * MINUTE));
        a_few.trim(NOW);
        assert_eq!((a_few.events.len(), a_few.before), (1_000, None));
    }

    #[test]
    fn of_more_the_oldest_are_known_by_their_age() {
        let mut many = kept((0..3_000).map(|n| NOW - n * MINUTE));
        many.trim(NOW);
        assert_eq!(many.events.len(), 1_000);
        assert_eq!(many.before, Some(NOW - 1_000 * MINUTE + 1));
        let begun = many.resume_point();
        let at = |minutes| DateTime::from_timestamp_millis(NOW - minutes * MINUTE);
        assert!(begun.covers(at(1_000)) && begun.covers(at(2_000)) && !begun.covers(at(999)) && !begun.covers(None));
    }

    #[test]
    fn what_is_not_much_older_than_the_newest_is_known_one_by_one() {
        let mut burst = kept((0..5_000).map(|n| NOW - n * 300));
        burst.trim(NOW);
        assert_eq!(burst.events.len(), 2_001, "ten minutes of them");
        assert_eq!(burst.before, Some(NOW - 10 * MINUTE - 300 + 1));
    }

    #[test]
    fn a_flood_is_bounded_all_the_same() {
        let mut flood = kept((0..MOST + 10).map(|n| NOW - n));
        flood.events.extend((0..dedup::CAPACITY as u64 + 10).map(|key| (None, key)));
        flood.trim(NOW);
        assert_eq!(flood.events.len(), 2 * dedup::CAPACITY);
        assert_eq!(flood.before, Some(NOW - MOST + 1));
    }

    #[test]
    fn a_stamp_of_tomorrow_makes_nothing_old_that_is_said_until_then() {
        let mut odd = kept((0..2_000).map(|n| NOW - n).chain([i64::MAX, NOW + 1_000 * MINUTE]));
        odd.trim(NOW);
        assert_eq!((odd.events.len(), odd.before), (2_002, None));
        let mut future = kept((0..MOST + 10).map(|n| i64::MAX - n));
        future.trim(NOW);
        assert_eq!(future.before, Some(NOW));
    }

    #[test]
    fn of_a_conversation_that_is_retired_only_the_age_and_the_end_are_kept() {
        let mut silent = kept((0..10).map(|n| NOW - n));
        silent.events.push((None, CLOSED_KEY));
        silent.trim(NOW + 1_000_000 * MINUTE);
        assert_eq!(silent.events.len(), 11, "silence alone does not make old");
        silent.retire(NOW + MINUTE);
        assert_eq!((silent.events.as_slice(), silent.before), (&[(None, CLOSED_KEY)][..], Some(NOW + 1)));
        assert!(silent.resume_point().closed);
        assert_eq!(silent.latest(), Some(NOW + 1));
        silent.retire(NOW + MINUTE);
        assert_eq!(silent.before, Some(NOW + 1));
    }

    #[test]
    fn what_was_not_wanted_stays_unwanted() {
        let mut since = Kept::new("c".into(), Some(NOW));
        since.events = vec![(Some(NOW + 1), 1)];
        since.trim(NOW + 2);
        assert_eq!((since.before, since.latest()), (Some(NOW), Some(NOW + 1)));
    }
}
