//! When to look at a conversation.

use std::time::Duration;

use tokio::time::Instant;

/// Looks that a hint asks for keep this distance, so that a flood of hints is no flood of requests.
pub(super) const DISTANCE: Duration = Duration::from_secs(1);

/// When to look, and whether somebody is looking.
#[derive(Debug)]
pub(super) struct PollTimer {
    /// When next; `None` while nothing asks for it.
    pub(super) due: Option<Instant>,
    pub(super) under_way: bool,
    /// Looks that failed in a row.
    pub(super) failures: u32,
    last: Option<Instant>,
    /// Whether the look under way may have been answered before a connection was lost.
    stale: bool,
}

impl PollTimer {
    /// One is due at once.
    pub(super) fn new() -> Self {
        Self { due: Some(Instant::now()), under_way: false, failures: 0, last: None, stale: false }
    }

    /// Something may have changed: look soon, but not before that moment where there is one.
    pub(super) fn soon(&mut self, not_before: Option<Instant>) {
        let now = Instant::now();
        let soonest = self.last.map_or(now, |last| (last + DISTANCE).max(now));
        self.at(not_before.map_or(soonest, |moment| soonest.max(moment)));
    }

    /// What is known may be out of date: look at once, and do not believe a look that is under way.
    pub(super) fn afresh(&mut self) {
        self.due = Some(Instant::now());
        self.stale = self.under_way;
        self.failures = 0;
    }

    /// One was begun; the next is due after `period`, where there is one, unless something asks for it earlier.
    pub(super) fn begin(&mut self, period: Option<Duration>) {
        let now = Instant::now();
        self.due = period.map(|period| now + period);
        (self.under_way, self.last, self.stale) = (true, Some(now), false);
    }

    /// One came to nothing, and is to be tried again then.
    pub(super) fn fail(&mut self, again: Instant) {
        self.failures += 1;
        (self.under_way, self.stale) = (false, false);
        self.at(again);
    }

    /// One has ended; whether it tells everything until now.
    pub(super) fn end(&mut self) -> bool {
        (self.under_way, self.failures) = (false, 0);
        !std::mem::take(&mut self.stale)
    }

    /// Looks no later than then.
    fn at(&mut self, then: Instant) {
        self.due = Some(self.due.map_or(then, |due| due.min(then)));
    }

    /// Nothing asks for one any more.
    pub(super) fn stop(&mut self) {
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(looks: &PollTimer) -> Option<u128> {
        looks.due.map(|due| due.saturating_duration_since(Instant::now()).as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn hints_bring_a_look_forward_and_keep_a_distance() {
        let mut looks = PollTimer::new();
        assert_eq!(after(&looks), Some(0), "at the start at once");
        looks.begin(Some(Duration::from_secs(25)));
        assert_eq!(after(&looks), Some(25_000));
        tokio::time::advance(Duration::from_millis(300)).await;
        looks.soon(None);
        assert_eq!(after(&looks), Some(700));
        looks.soon(Some(Instant::now() + Duration::from_secs(3)));
        assert_eq!(after(&looks), Some(700), "a later one changes nothing");
        looks.begin(None);
        assert_eq!(after(&looks), None);
        tokio::time::advance(Duration::from_secs(2)).await;
        looks.soon(Some(Instant::now() + Duration::from_secs(3)));
        assert_eq!(after(&looks), Some(3000));
        looks.soon(None);
        assert_eq!(after(&looks), Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_from_before_a_loss_tells_too_little() {
        let mut looks = PollTimer::new();
        assert!(looks.end(), "somebody else looked");
        looks.begin(None);
        looks.afresh();
        assert_eq!((after(&looks), looks.end()), (Some(0), false));
        looks.begin(None);
        assert!(looks.end());
        looks.afresh();
        assert!(looks.end(), "none was under way");
    }
}
