//! The timer of the snapshots of a conversation. `schedule.rs` has their periods.

use std::time::Duration;

use tokio::time::Instant;

/// The minimum distance of snapshots that notifications ask for: a flood of notifications is no flood of requests.
pub(super) const MIN_DISTANCE: Duration = Duration::from_secs(1);

/// The schedule of the snapshots of a conversation.
#[derive(Debug)]
pub(super) struct PollTimer {
    due: Option<Instant>,
    in_flight: bool,
    failures: u32,
    last_started: Option<Instant>,
    /// Something that was announced cannot be shown without a snapshot.
    is_urgent: bool,
    /// The snapshot in flight may have been taken before the latest outage ended.
    is_stale: bool,
}

impl PollTimer {
    /// Returns a timer whose first snapshot is due at `now`.
    pub(super) fn new(now: Instant) -> Self {
        Self { due: Some(now), in_flight: false, failures: 0, last_started: None, is_urgent: false, is_stale: false }
    }

    /// Returns when the next snapshot is due; `None` while one is in flight or none is needed.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.due.filter(|_| !self.in_flight)
    }

    /// Returns whether a snapshot is in flight, or is due before `deadline`.
    pub(super) fn polls_before(&self, deadline: Instant) -> bool {
        self.in_flight || self.due.is_some_and(|due| due <= deadline)
    }

    /// Returns the number of snapshots that failed in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Schedules a snapshot soon, at `not_before` at the earliest.
    pub(super) fn poll_soon(&mut self, now: Instant, not_before: Option<Instant>) {
        let soonest = self.last_started.map_or(now, |last| (last + MIN_DISTANCE).max(now));
        self.bring_forward(not_before.map_or(soonest, |moment| soonest.max(moment)));
    }

    /// Makes the next snapshot urgent.
    pub(super) fn mark_urgent(&mut self) {
        self.is_urgent = true;
    }

    /// Returns whether the next snapshot is urgent.
    pub(super) fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    /// Schedules a snapshot at once, after an outage. A snapshot in flight may lack the events of the outage.
    pub(super) fn restart(&mut self, now: Instant) {
        self.due = Some(now);
        self.is_stale = self.in_flight;
        self.failures = 0;
    }

    /// Records that a snapshot was requested. The next one is due after `period`, if there is one.
    pub(super) fn started(&mut self, now: Instant, period: Option<Duration>) {
        self.due = period.map(|period| now + period);
        (self.in_flight, self.last_started, self.is_stale) = (true, Some(now), false);
    }

    /// Records that the snapshot failed, and schedules the next one.
    pub(super) fn failed(&mut self, retry_at: Instant) {
        self.failures += 1;
        (self.in_flight, self.is_stale) = (false, false);
        self.bring_forward(retry_at);
    }

    /// Records that the snapshot arrived. Returns whether it covers everything until now. One that was taken before the
    /// timer started it replaces the one that was due.
    pub(super) fn completed(&mut self) -> bool {
        if !self.in_flight {
            self.due = None;
        }
        (self.in_flight, self.is_urgent, self.failures) = (false, false, 0);
        !std::mem::take(&mut self.is_stale)
    }

    /// Cancels the schedule.
    pub(super) fn stop(&mut self) {
        self.due = None;
    }

    fn bring_forward(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn notifications_bring_a_snapshot_forward_and_keep_the_minimum_distance() {
        let start = Instant::now();
        let mut timer = PollTimer::new(start);
        assert_eq!(timer.next_at(), Some(start));
        timer.started(start, Some(seconds(25)));
        assert_eq!(timer.next_at(), None, "one is in flight");
        assert!(timer.completed());
        assert_eq!(timer.next_at(), Some(start + seconds(25)));
        let now = start + Duration::from_millis(300);
        timer.poll_soon(now, None);
        assert_eq!(timer.next_at(), Some(start + MIN_DISTANCE));
        timer.poll_soon(now, Some(now + seconds(3)));
        assert_eq!(timer.next_at(), Some(start + MIN_DISTANCE), "a later wish changes nothing");
    }

    #[test]
    fn a_snapshot_waits_for_the_earliest_allowed_moment() {
        let start = Instant::now();
        let mut timer = PollTimer::new(start);
        timer.started(start, None);
        timer.completed();
        assert_eq!(timer.next_at(), None);
        let now = start + seconds(2);
        timer.poll_soon(now, Some(now + seconds(3)));
        assert_eq!(timer.next_at(), Some(now + seconds(3)));
        timer.poll_soon(now, None);
        assert_eq!(timer.next_at(), Some(now));
    }

    #[test]
    fn a_snapshot_from_before_an_outage_is_incomplete() {
        let start = Instant::now();
        let mut timer = PollTimer::new(start);
        timer.started(start, None);
        timer.restart(start);
        assert!(!timer.completed());
        assert_eq!(timer.next_at(), Some(start));
        timer.started(start, None);
        assert!(timer.completed());
        timer.restart(start);
        assert!(timer.completed(), "none was in flight");
        assert_eq!(timer.next_at(), None);
    }
}
