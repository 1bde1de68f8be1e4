//! The delay between attempts (CONN-1), and the renewal time of what expires (CONN-25).

use std::time::Duration;

/// The maximum delay without a request of the server.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// The maximum delay that a server can request.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5 * 60);

/// A source of delays with random jitter. The same seed gives the same delays.
#[derive(Debug)]
pub(crate) struct Backoff {
    jitter: fastrand::Rng,
}

impl Backoff {
    /// Returns a source of unpredictable delays.
    pub(crate) fn new() -> Self {
        Self { jitter: fastrand::Rng::new() }
    }

    /// Returns the delay before the retry number `n` in a row, counted from 0:
    /// `min(1000·2^n + uniform(0..1000), 30000)` ms, and at least `retry_after`, which is cut to five minutes.
    pub(crate) fn delay(&mut self, n: u32, retry_after: Option<Duration>) -> Duration {
        let exponential = exponential(n, Duration::from_millis(self.jitter.u64(0..1000)));
        exponential.max(retry_after.map(limited).unwrap_or_default())
    }
}

/// Returns the delay that a server asks for, cut to five minutes.
pub(crate) fn limited(retry_after: Duration) -> Duration {
    retry_after.min(MAX_RETRY_AFTER)
}

/// Returns the delay from obtaining a token or subscription to renewing it: `lifetime − max(60 s, 10 %)`, at least half the
/// lifetime (CONN-25).
pub(crate) fn renewal_delay(lifetime: Duration) -> Duration {
    let margin = (lifetime / 10).max(Duration::from_secs(60));
    lifetime.saturating_sub(margin).max(lifetime / 2)
}

/// Returns a delay in whole milliseconds, for JSON.
pub(crate) fn milliseconds(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

fn exponential(n: u32, jitter: Duration) -> Duration {
    let base = Duration::from_secs(1).saturating_mul(1_u32.checked_shl(n).unwrap_or(u32::MAX));
    base.saturating_add(jitter).min(MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeded(seed: u64) -> Backoff {
        Backoff { jitter: fastrand::Rng::with_seed(seed) }
    }

    #[test]
    fn the_delay_doubles_from_one_second_to_thirty() {
        let delays: Vec<u64> = (0..8).map(|n| exponential(n, Duration::ZERO).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(exponential(u32::MAX, Duration::from_millis(999)), MAX_DELAY);
    }

    #[test]
    fn jitter_is_counted_in_milliseconds_and_never_exceeds_the_maximum() {
        assert_eq!(exponential(0, Duration::from_millis(1)), Duration::from_millis(1001));
        assert_eq!(exponential(4, Duration::from_millis(999)), Duration::from_millis(16_999));
        assert_eq!(exponential(5, Duration::from_millis(999)), MAX_DELAY);
    }

    #[test]
    fn the_same_seed_gives_the_same_delays_with_less_than_a_second_of_jitter() {
        let (mut first, mut second) = (seeded(7), seeded(7));
        let delays: Vec<Duration> = (0..5).map(|n| first.delay(n, None)).collect();
        assert_eq!(delays, (0..5).map(|n| second.delay(n, None)).collect::<Vec<_>>());
        for (n, delay) in delays.iter().enumerate().take(4) {
            let base = Duration::from_secs(1 << n);
            assert!((base..base + Duration::from_secs(1)).contains(delay), "{n}: {delay:?}");
        }
        let jitter = |seed| seeded(seed).delay(0, None).subsec_millis();
        assert!((0..100).any(|seed| jitter(seed) != jitter(0)));
    }

    #[test]
    fn the_delay_is_at_least_the_requested_one_of_at_most_five_minutes() {
        let mut backoff = seeded(1);
        assert_eq!(backoff.delay(0, Some(Duration::from_secs(60))), Duration::from_secs(60));
        assert_eq!(backoff.delay(9, Some(Duration::from_secs(1))), MAX_DELAY);
        assert_eq!(backoff.delay(0, Some(Duration::from_secs(86_400 * 365))), MAX_RETRY_AFTER);
        assert!(backoff.delay(0, Some(Duration::ZERO)) >= Duration::from_secs(1));
    }

    #[test]
    fn renewal_leaves_a_margin_and_waits_for_half_the_lifetime() {
        for (lifetime, expected) in
            [(86_400, 77_760), (3_600, 3_240), (600, 540), (300, 240), (100, 50), (60, 30), (2, 1)]
        {
            assert_eq!(renewal_delay(Duration::from_secs(lifetime)), Duration::from_secs(expected), "{lifetime}");
        }
    }
}
