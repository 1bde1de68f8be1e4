//! Detects the end of a conversation from its snapshots (NTF-5, NTF-6).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::protocol::{Now, TimedEvent};
use super::{MAX_CLOCK_DIFFERENCE, SnapshotKind};
use crate::event::EventBody;

/// Delay between the end and the final snapshot: bodies and late messages may still arrive.
const FINAL_SNAPSHOT_DELAY: Duration = Duration::from_secs(3);

/// The age of an end above which the first snapshot is the final one: bodies and late messages have arrived.
const MAX_RECENT_END: TimeDelta = TimeDelta::seconds(10);

/// State of the end detection.
#[derive(Debug, Default)]
pub(super) enum EndDetector {
    /// No complete snapshot was read yet.
    #[default]
    Unknown,
    /// Participants are connected.
    Open,
    /// The customer left. A snapshot decides whether the conversation ended.
    CustomerLeft { snapshot_taken: bool },
    /// The conversation ended; the final snapshot is due.
    Ending { ended_at: Option<DateTime<Utc>>, final_snapshot_at: Instant },
    /// The final snapshot was read; the closed event is pending.
    Ended { ended_at: Option<DateTime<Utc>> },
    /// The closed event was emitted.
    Reported,
}

/// The end of a conversation as a snapshot states it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SnapshotEnd {
    /// Every participant has left, or the end time is set.
    pub(super) has_ended: bool,
    /// The end time.
    pub(super) ended_at: Option<DateTime<Utc>>,
    /// The time at which the last participant left.
    pub(super) last_left_at: Option<DateTime<Utc>>,
}

impl EndDetector {
    /// Records whether the customer has left.
    pub(super) fn on_customer_presence(&mut self, has_left: bool) {
        match self {
            Self::Unknown | Self::Open if has_left => *self = Self::CustomerLeft { snapshot_taken: false },
            Self::CustomerLeft { .. } if !has_left => *self = Self::Open,
            _ => {}
        }
    }

    /// Advances the state with a snapshot. Only a complete one confirms the end.
    pub(super) fn on_snapshot(&mut self, snapshot: SnapshotEnd, kind: SnapshotKind, now: Now) {
        let SnapshotEnd { has_ended, ended_at, .. } = snapshot;
        let is_complete = kind == SnapshotKind::Complete;
        match self {
            Self::Reported | Self::Ended { .. } => {}
            Self::Ending { final_snapshot_at, ended_at: known }
                if has_ended && is_complete && *final_snapshot_at <= now.mono =>
            {
                *self = Self::Ended { ended_at: known.or(ended_at) };
            }
            Self::Ending { ended_at: known, .. } if has_ended => *known = known.or(ended_at),
            Self::Ending { .. } => *self = Self::Open,
            Self::Unknown | Self::Open | Self::CustomerLeft { .. } if has_ended => {
                *self = if is_complete && self.is_long_ago(snapshot, now) {
                    Self::Ended { ended_at }
                } else {
                    Self::Ending { ended_at, final_snapshot_at: now.mono + FINAL_SNAPSHOT_DELAY }
                };
            }
            Self::CustomerLeft { snapshot_taken } => *snapshot_taken |= is_complete,
            Self::Unknown if is_complete => *self = Self::Open,
            Self::Unknown | Self::Open => {}
        }
    }

    /// Returns whether a snapshot is needed; [`EndDetector::next_snapshot_at`] says from when on.
    pub(super) fn needs_snapshot(&self) -> bool {
        matches!(self, Self::CustomerLeft { snapshot_taken: false } | Self::Ending { .. })
    }

    /// Returns whether the final snapshot was read.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Reported)
    }

    /// Returns the earliest moment of the final snapshot.
    pub(super) fn next_snapshot_at(&self) -> Option<Instant> {
        match self {
            Self::Ending { final_snapshot_at, .. } => Some(*final_snapshot_at),
            _ => None,
        }
    }

    /// Records that the service no longer knows the conversation, which confirms its end (CONN-20).
    pub(super) fn on_missing(&mut self) {
        if let Self::Ending { ended_at, .. } = *self {
            *self = Self::Ended { ended_at };
        }
    }

    /// Takes the closed event. Returns `Some` exactly once.
    pub(super) fn take_closed_event(&mut self) -> Option<TimedEvent> {
        let Self::Ended { ended_at } = *self else { return None };
        *self = Self::Reported;
        Some(TimedEvent::new(ended_at, EventBody::Closed))
    }

    /// Returns whether the conversation has ended, or seems to have.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self, Self::Ending { .. }) || self.is_final()
    }

    /// Returns whether an end is so old that nothing can follow. A conversation that was open before has ended just now,
    /// unless the clocks differ by more than is assumed.
    fn is_long_ago(&self, snapshot: SnapshotEnd, now: Now) -> bool {
        let limit = if matches!(self, Self::Unknown) { MAX_RECENT_END } else { MAX_CLOCK_DIFFERENCE };
        snapshot.ended_at.or(snapshot.last_left_at).is_some_and(|end| now.wall - end > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDED: SnapshotEnd = SnapshotEnd { has_ended: true, ..OPEN };
    const OPEN: SnapshotEnd = SnapshotEnd { has_ended: false, ended_at: None, last_left_at: None };

    fn ended_at(wall: DateTime<Utc>) -> SnapshotEnd {
        SnapshotEnd { ended_at: Some(wall), ..ENDED }
    }

    fn later(now: Now, delay: Duration) -> Now {
        Now { mono: now.mono + delay, wall: now.wall + delay }
    }

    fn closed(at: Option<DateTime<Utc>>) -> TimedEvent {
        TimedEvent::new(at, EventBody::Closed)
    }

    fn step(end: &mut EndDetector, snapshot: SnapshotEnd, kind: SnapshotKind, now: Now) -> Option<TimedEvent> {
        end.on_snapshot(snapshot, kind, now);
        end.take_closed_event()
    }

    #[test]
    fn a_complete_snapshot_three_seconds_later_confirms_the_end() {
        use SnapshotKind::{Complete, Partial};
        let (mut end, now) = (EndDetector::default(), Now::read());
        assert_eq!(step(&mut end, ENDED, Partial, now), None);
        assert!(end.is_ending() && end.needs_snapshot());
        assert_eq!(end.next_snapshot_at(), Some(now.mono + FINAL_SNAPSHOT_DELAY));
        assert_eq!(step(&mut end, ended_at(now.wall), Complete, now), None, "too early");
        let after = later(now, FINAL_SNAPSHOT_DELAY);
        assert_eq!(step(&mut end, ENDED, Partial, after), None, "a notification confirms nothing");
        assert_eq!(step(&mut end, ENDED, Complete, after), Some(closed(Some(now.wall))), "with the first end time");
        assert_eq!((step(&mut end, ended_at(now.wall), Complete, after), end.is_ending()), (None, true), "once");
        assert_eq!(step(&mut end, OPEN, Complete, after), None, "the end was reported");
    }

    #[test]
    fn a_conversation_that_ended_long_ago_needs_one_complete_snapshot() {
        use SnapshotKind::{Complete, Partial};
        let now = Now::read();
        let long_ago = now.wall - MAX_RECENT_END - TimeDelta::seconds(1);
        let left_long_ago = SnapshotEnd { last_left_at: Some(long_ago), ..ENDED };
        assert_eq!(step(&mut EndDetector::default(), ended_at(long_ago), Partial, now), None);
        assert_eq!(step(&mut EndDetector::default(), ended_at(long_ago), Complete, now), Some(closed(Some(long_ago))));
        assert_eq!(step(&mut EndDetector::default(), left_long_ago, Complete, now), Some(closed(None)));
        for recent in [ended_at(now.wall), ended_at(now.wall - MAX_RECENT_END), ENDED] {
            assert_eq!(step(&mut EndDetector::default(), recent, Complete, now), None, "{recent:?}");
        }
    }

    #[test]
    fn a_conversation_that_was_open_gets_its_final_snapshot_although_the_clocks_differ() {
        use SnapshotKind::Complete;
        let now = Now::read();
        let mut end = EndDetector::default();
        assert_eq!(step(&mut end, OPEN, Complete, now), None);
        assert_eq!(step(&mut end, ended_at(now.wall - MAX_CLOCK_DIFFERENCE), Complete, now), None);
        assert!(end.needs_snapshot() && !end.is_final());
    }

    #[test]
    fn each_departure_of_the_customer_asks_for_one_snapshot() {
        use SnapshotKind::{Complete, Partial};
        let (mut end, now) = (EndDetector::default(), Now::read());
        end.on_customer_presence(false);
        assert!(!end.needs_snapshot());
        for _ in 0..2 {
            end.on_customer_presence(true);
            assert!(end.needs_snapshot() && !end.is_ending());
            end.on_snapshot(OPEN, Partial, now);
            assert!(end.needs_snapshot(), "a notification answers nothing");
            end.on_snapshot(OPEN, Complete, now);
            end.on_customer_presence(true);
            assert!(!end.needs_snapshot());
            end.on_customer_presence(false);
        }
        end.on_snapshot(ENDED, Partial, now);
        end.on_snapshot(OPEN, Complete, now);
        assert!(!end.is_ending(), "the conversation goes on");
    }
}
