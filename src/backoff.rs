//! How long to wait before trying again, as arithmetic.

use std::time::Duration;

/// The longest delay of our own making.
const LONGEST: Duration = Duration::from_secs(30);

/// A server that asks for more patience than this is asked again after this long.
const LONGEST_WISH: Duration = Duration::from_secs(5 * 60);

/// Draws the delays between attempts; two with the same seed draw the same ones.
#[derive(Debug)]
pub(crate) struct Backoff {
    jitter: fastrand::Rng,
}

impl Backoff {
    /// Delays that nobody can foretell.
    pub(crate) fn new() -> Self {
        Self { jitter: fastrand::Rng::new() }
    }

    /// The delay before retry number `n` in a row, counted from 0: `min(1000·2^n + uniform(0..1000), 30000)` ms,
    /// and never less than the server's wish, of which at most five minutes are granted.
    pub(crate) fn delay(&mut self, n: u32, wish: Option<Duration>) -> Duration {
        let own = exponential(n, Duration::from_millis(self.jitter.u64(0..1000)));
        own.max(wish.unwrap_or_default().min(LONGEST_WISH))
    }
}

fn exponential(n: u32, jitter: Duration) -> Duration {
    let doubled = Duration::from_secs(1).saturating_mul(1_u32.checked_shl(n).unwrap_or(u32::MAX));
    doubled.saturating_add(jitter).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeded(seed: u64) -> Backoff {
        Backoff { jitter: fastrand::Rng::with_seed(seed) }
    }

    #[test]
    fn the_base_doubles_from_one_second_and_stops_at_thirty() {
        let bases: Vec<u64> = (0..8).map(|n| exponential(n, Duration::ZERO).as_secs()).collect();
        assert_eq!(bases, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(exponential(u32::MAX, Duration::from_millis(999)), LONGEST);
    }

    #[test]
    fn jitter_counts_in_milliseconds_and_never_lifts_the_ceiling() {
        assert_eq!(exponential(0, Duration::from_millis(1)), Duration::from_millis(1001));
        assert_eq!(exponential(4, Duration::from_millis(999)), Duration::from_millis(16_999));
        assert_eq!(exponential(5, Duration::from_millis(999)), LONGEST);
    }

    #[test]
    fn the_same_seed_draws_the_same_delays_within_their_second() {
        let (mut one, mut two) = (seeded(7), seeded(7));
        let drawn: Vec<Duration> = (0..5).map(|n| one.delay(n, None)).collect();
        assert_eq!(drawn, (0..5).map(|n| two.delay(n, None)).collect::<Vec<_>>());
        for (n, delay) in drawn.iter().enumerate().take(4) {
            let base = Duration::from_secs(1 << n);
            assert!((base..base + Duration::from_secs(1)).contains(delay), "{n}: {delay:?}");
        }
        assert!(
            (0..100)
                .any(|seed| seeded(seed).delay(0, None).subsec_millis() != seeded(0).delay(0, None).subsec_millis())
        );
    }

    #[test]
    fn a_wish_of_the_server_is_a_floor_of_at_most_five_minutes() {
        let mut backoff = seeded(1);
        assert_eq!(backoff.delay(0, Some(Duration::from_secs(60))), Duration::from_secs(60));
        assert_eq!(backoff.delay(9, Some(Duration::from_secs(1))), LONGEST);
        assert_eq!(backoff.delay(0, Some(Duration::from_secs(86_400 * 365))), LONGEST_WISH);
        assert!(backoff.delay(0, Some(Duration::ZERO)) >= Duration::from_secs(1));
    }
}
