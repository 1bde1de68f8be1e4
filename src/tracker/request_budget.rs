//! The budget of the requests for message bodies of one conversation (NTF-14).

use std::time::Duration;

use tokio::time::Instant;

/// The mean distance of requests under load. With [`BURST`] it permits 56 requests in ten seconds and leaves four for
/// snapshots and subscriptions. In a minute it permits slightly more than the usual rate limit of the service (300).
const INTERVAL: Duration = Duration::from_millis(185);

/// The number of requests that need no distance after a pause.
const BURST: u32 = 2;

/// A token bucket: it holds [`BURST`] requests and regains one in each [`INTERVAL`].
#[derive(Debug, Default)]
pub(super) struct RequestBudget {
    full_at: Option<Instant>,
}

impl RequestBudget {
    /// Returns when the next request is permitted: `now` or later.
    pub(super) fn next_at(&self, now: Instant) -> Instant {
        let permitted_debt = INTERVAL * (BURST - 1);
        let wait = |full_at: Instant| full_at.saturating_duration_since(now + permitted_debt);
        now + self.full_at.map_or(Duration::ZERO, wait)
    }

    /// Counts a request that is sent now.
    pub(super) fn record_request(&mut self, now: Instant) {
        self.full_at = Some(self.full_at.map_or(now, |full_at| full_at.max(now)) + INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_requests_need_no_distance_and_later_ones_are_spread() {
        let (mut budget, start) = (RequestBudget::default(), Instant::now());
        let mut now = start;
        let times = [(); 5].map(|()| {
            now = budget.next_at(now);
            budget.record_request(now);
            (now - start).as_millis()
        });
        assert_eq!(times, [0, 0, 185, 370, 555]);
        let rested = now + INTERVAL * BURST;
        budget.record_request(rested);
        assert_eq!(budget.next_at(rested), rested, "a pause restores the burst");
    }
}
