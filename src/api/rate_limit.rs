//! How many requests are left, as the service counts them, and so how soon the next may be made.

use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::Instant;

/// Requests may follow each other as they come while more than this part of the allowance is left; the rest is spread
/// over what is left of the window, because others may share the token.
const FREELY: u32 = 3;

/// The allowance of a token, as far as its answers have told.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    standing: Option<Window>,
    last: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    allowed: u32,
    left: u32,
    resets: Instant,
}

impl RateLimit {
    /// Notes that a request is made now.
    pub(crate) fn spend(&mut self) {
        self.last = Some(Instant::now());
        if let Some(standing) = &mut self.standing {
            standing.left = standing.left.saturating_sub(1);
        }
    }

    /// Notes what an answer says: `inin-ratelimit-count`, `-allowed` and `-reset` (seconds). Without them nothing changes.
    pub(crate) fn note(&mut self, headers: &HeaderMap) {
        let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
        let told = (
            number("inin-ratelimit-count"),
            number("inin-ratelimit-allowed").filter(|allowed| *allowed > 0),
            number("inin-ratelimit-reset"),
        );
        if let (Some(count), Some(allowed), Some(reset)) = told {
            let resets = Instant::now() + Duration::from_secs(u64::from(reset.min(3600)));
            self.standing = Some(Window { allowed, left: allowed.saturating_sub(count), resets });
        }
    }

    /// Requests a minute that the service has said it allows, if it has.
    pub(crate) fn allowed(&self) -> Option<u32> {
        self.standing.map(|standing| standing.allowed)
    }

    /// When the next request may be made; `now` where there is no need to wait.
    pub(crate) fn earliest(&self, now: Instant) -> Instant {
        let Some(Window { allowed, left, resets }) = self.standing.filter(|standing| standing.resets > now) else {
            return now;
        };
        match self.last {
            _ if left > allowed / FREELY => now,
            _ if left == 0 => resets,
            Some(last) => (last + (resets - last) / (left + 1)).min(resets),
            None => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(count: u32, allowed: u32, reset: u32) -> HeaderMap {
        let headers =
            [("inin-ratelimit-count", count), ("inin-ratelimit-allowed", allowed), ("inin-ratelimit-reset", reset)];
        headers.into_iter().map(|(name, value)| (name.parse().expect("a name"), value.into())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_spread_over_the_window_once_it_gets_scarce() {
        let mut budget = RateLimit::default();
        let now = Instant::now();
        budget.spend();
        assert_eq!((budget.earliest(now), budget.allowed()), (now, None), "nobody has said a limit");
        for (count, seconds) in [(1, 0), (119, 0), (120, 1), (149, 2), (179, 30), (180, 60), (999, 60)] {
            budget.note(&told(count, 180, 60));
            let wait = (budget.earliest(now) - now).as_secs_f64();
            let expected = if seconds == 1 {
                60.0 / 61.0
            } else if seconds == 2 {
                60.0 / 32.0
            } else {
                f64::from(seconds)
            };
            assert!((wait - expected).abs() < 0.001, "{count}: {wait}");
        }
        tokio::time::advance(Duration::from_secs(60)).await;
        let now = Instant::now();
        assert_eq!(budget.earliest(now), now, "a new window");
    }

    #[tokio::test(start_paused = true)]
    async fn nonsense_is_no_limit() {
        let mut budget = RateLimit::default();
        budget.note(&told(5, 0, 60));
        budget.note(&HeaderMap::from_iter([(
            "inin-ratelimit-count".parse().expect("a name"),
            "many".parse().expect("a value"),
        )]));
        let now = Instant::now();
        assert_eq!((budget.earliest(now), budget.allowed()), (now, None));
    }
}
