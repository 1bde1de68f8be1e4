//! The part of a conversation's events that a cursor retains.

use std::sync::Arc;

use chrono::DateTime;

use super::{MAX_LATENESS, MIN_RETAINED_EVENTS};
use crate::dedup::CAPACITY as DEDUP_CAPACITY;
use crate::dedup::checkpoint::{CLOSED_KEY, EarlierDeliveries, ResumePoint};

/// The retained events of a conversation. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RetainedConversation {
    pub(super) id: Arc<str>,
    /// Events older than this count as delivered.
    pub(super) before: Option<i64>,
    pub(super) events: Vec<RetainedEvent>,
}

/// A delivered event. Ordered by time; events without a time, which age cannot identify, come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RetainedEvent {
    pub(super) at: Option<i64>,
    pub(super) key: u64,
}

impl RetainedConversation {
    /// Returns a conversation without delivered events, whose history before `before` is not wanted.
    pub(super) fn new(id: Arc<str>, before: Option<i64>) -> Self {
        Self { id, before, events: Vec::new() }
    }

    /// Drops the events that age identifies at the time `now`.
    pub(super) fn trim(&mut self, now: i64) {
        self.events.sort_unstable();
        let untimed = self.untimed_count();
        let droppable = droppable_count(&self.events[untimed..], now);
        self.drop_oldest_timed(droppable, now);
        self.events.drain(..untimed.saturating_sub(DEDUP_CAPACITY));
    }

    /// Drops all events with a time after a long silence.
    pub(super) fn retire(&mut self, now: i64) {
        self.events.sort_unstable();
        self.drop_oldest_timed(self.events.len() - self.untimed_count(), now);
    }

    /// Returns the time of the newest delivered event.
    pub(super) fn latest(&self) -> Option<i64> {
        self.events.iter().filter_map(|event| event.at).max().or(self.before)
    }

    pub(super) fn resume_point(&self) -> ResumePoint {
        ResumePoint {
            before: self.before.and_then(DateTime::from_timestamp_millis),
            latest: self.latest().and_then(DateTime::from_timestamp_millis),
            closed: self.events.iter().any(|event| event.key == CLOSED_KEY),
        }
    }

    /// Returns the number of events without a time in the sorted list.
    fn untimed_count(&self) -> usize {
        self.events.partition_point(|event| event.at.is_none())
    }

    fn drop_oldest_timed(&mut self, count: usize, now: i64) {
        let untimed = self.untimed_count();
        let newest_dropped = count.checked_sub(1).and_then(|last| self.events.get(untimed + last));
        if let Some(at) = newest_dropped.and_then(|event| event.at) {
            // An event with a time in the future must not age the events until then.
            let before = at.saturating_add(1).min(now);
            self.before = Some(self.before.map_or(before, |earlier| earlier.max(before)));
        }
        self.events.drain(untimed..untimed + count);
    }
}

impl From<&RetainedConversation> for EarlierDeliveries {
    fn from(conversation: &RetainedConversation) -> Self {
        Self {
            conversation: conversation.id.as_ref().to_owned(),
            resume_point: conversation.resume_point(),
            keys: conversation.events.iter().map(|event| event.key).collect(),
        }
    }
}

/// Returns the number of the oldest events that can be dropped from a sorted list of events with a time.
fn droppable_count(timed: &[RetainedEvent], now: i64) -> usize {
    let newest = timed.last().and_then(|event| event.at).map_or(now, |at| at.min(now));
    let horizon = newest.saturating_sub(MAX_LATENESS.num_milliseconds());
    let surplus = timed.len().saturating_sub(MIN_RETAINED_EVENTS);
    let aged = timed[..surplus].partition_point(|event| event.at.is_some_and(|at| at < horizon));
    aged.max(timed.len().saturating_sub(DEDUP_CAPACITY))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [`DEDUP_CAPACITY`]
    const CAPACITY: i64 = 28_672;
    const MINUTE: i64 = 60_000;
    const NOW: i64 = 1_767_323_045_000;

    fn with_events_at(times: impl IntoIterator<Item = i64>) -> RetainedConversation {
        let mut conversation = RetainedConversation::new("c".into(), None);
        conversation.events = times.into_iter().zip(1..).map(|(at, key)| RetainedEvent { at: Some(at), key }).collect();
        conversation
    }

    fn untimed(key: u64) -> RetainedEvent {
        RetainedEvent { at: None, key }
    }

    #[test]
    fn a_thousand_events_are_retained_at_any_age() {
        let mut few = with_events_at((0..1_000).map(|n| NOW - n * 60 * MINUTE));
        few.trim(NOW);
        assert_eq!((few.events.len(), few.before), (1_000, None));
    }

    #[test]
    fn age_identifies_the_events_before_the_latest_thousand() {
        let mut many = with_events_at((0..3_000).map(|n| NOW - n * MINUTE));
        many.trim(NOW);
        assert_eq!(many.events.len(), 1_000);
        assert_eq!(many.before, Some(NOW - 1_000 * MINUTE + 1));
        let resume_point = many.resume_point();
        let covers = |minutes| resume_point.covers(DateTime::from_timestamp_millis(NOW - minutes * MINUTE));
        assert_eq!([covers(2_000), covers(1_000), covers(999)], [true, true, false]);
        assert!(!resume_point.covers(None));
    }

    #[test]
    fn events_of_the_last_ten_minutes_are_retained() {
        let mut burst = with_events_at((0..5_000).map(|n| NOW - n * 300));
        burst.trim(NOW);
        assert_eq!(burst.events.len(), 2_001);
        assert_eq!(burst.before, Some(NOW - 10 * MINUTE - 300 + 1));
    }

    #[test]
    fn a_flood_of_events_is_bounded_within_ten_minutes_and_without_times() {
        let mut flood = with_events_at((0..CAPACITY + 10).map(|n| NOW - n));
        flood.events.extend((0..DEDUP_CAPACITY as u64 + 10).map(untimed));
        flood.trim(NOW);
        assert_eq!(flood.events.len(), 2 * DEDUP_CAPACITY);
        assert_eq!(flood.before, Some(NOW - CAPACITY + 1));
    }

    #[test]
    fn an_event_with_a_future_time_does_not_age_the_events_until_then() {
        let mut odd = with_events_at((0..2_000).map(|n| NOW - n).chain([i64::MAX, NOW + 1_000 * MINUTE]));
        odd.trim(NOW);
        assert_eq!((odd.events.len(), odd.before), (2_002, None));
        let mut future = with_events_at((0..CAPACITY + 10).map(|n| i64::MAX - n));
        future.trim(NOW);
        assert_eq!(future.before, Some(NOW));
    }

    #[test]
    fn a_retired_conversation_retains_its_age_and_its_end() {
        let mut silent = with_events_at((0..10).map(|n| NOW - n));
        silent.events.push(untimed(CLOSED_KEY));
        silent.trim(NOW + 1_000_000 * MINUTE);
        assert_eq!(silent.events.len(), 11, "silence alone does not retire a conversation");

        silent.retire(NOW + MINUTE);
        assert_eq!((silent.events.as_slice(), silent.before), (&[untimed(CLOSED_KEY)][..], Some(NOW + 1)));
        assert!(silent.resume_point().closed);
        assert_eq!(silent.latest(), Some(NOW + 1));

        silent.retire(NOW + MINUTE);
        assert_eq!(silent.before, Some(NOW + 1));
    }

    #[test]
    fn unwanted_history_stays_unwanted() {
        let mut since = RetainedConversation::new("c".into(), Some(NOW));
        since.events = vec![RetainedEvent { at: Some(NOW + 1), key: 1 }];
        since.trim(NOW + 2);
        assert_eq!((since.before, since.latest()), (Some(NOW), Some(NOW + 1)));
    }
}
