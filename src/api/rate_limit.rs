//! The rate limit of the REST API, as its responses report it, and the earliest time of the next request.

use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::Instant;

/// Requests are not delayed while more than this fraction (1/3) of the limit is left. The rest is spread over the
/// remaining window, because other processes may share the token.
const UNTHROTTLED_FRACTION: u32 = 3;

/// The same fraction (1/10) for urgent requests: the rest of the third is kept for them.
const UNTHROTTLED_URGENT_FRACTION: u32 = 10;

/// The maximum difference of the ends of one window, which are stated in whole seconds.
const ROUNDING: Duration = Duration::from_secs(2);

/// The longest window that is believed, in seconds.
const MAX_WINDOW: u32 = 3600;

/// The rate limit of a token.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    window: Option<Window>,
    last_request: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    limit: u32,
    remaining: u32,
    resets_at: Instant,
}

impl RateLimit {
    /// Counts a request that is sent now.
    pub(crate) fn record_request(&mut self) {
        self.last_request = Some(Instant::now());
        if let Some(window) = &mut self.window {
            window.remaining = window.remaining.saturating_sub(1);
        }
    }

    /// Reads `inin-ratelimit-count`, `-allowed` and `-reset` (seconds) of a response. Changes nothing if one is missing.
    pub(crate) fn update(&mut self, headers: &HeaderMap) {
        let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
        let count = number("inin-ratelimit-count");
        let limit = number("inin-ratelimit-allowed").filter(|limit| *limit > 0);
        let reset = number("inin-ratelimit-reset");
        if let (Some(count), Some(limit), Some(reset)) = (count, limit, reset) {
            let now = Instant::now();
            let resets_at = now + Duration::from_secs(u64::from(reset.min(MAX_WINDOW)));
            let reported = limit.saturating_sub(count);
            // The response does not count the requests that were sent meanwhile.
            let known = self.window.filter(|window| window.resets_at > now && resets_at < window.resets_at + ROUNDING);
            let remaining = known.map_or(reported, |window| window.remaining.min(reported));
            self.window = Some(Window { limit, remaining, resets_at });
        }
    }

    /// Returns the number of requests that the API allows per minute, if it has reported one.
    pub(crate) fn per_minute(&self) -> Option<u32> {
        self.window.map(|window| window.limit)
    }

    /// Returns when the next request may be sent: `now` or later.
    pub(crate) fn next_request_at(&self, now: Instant) -> Instant {
        self.next_at(now, UNTHROTTLED_FRACTION)
    }

    /// Returns when the next urgent request may be sent: `now` or later.
    pub(crate) fn next_urgent_request_at(&self, now: Instant) -> Instant {
        self.next_at(now, UNTHROTTLED_URGENT_FRACTION)
    }

    /// Returns when a request may be sent that is not delayed while more than one `fraction`th of the limit is left.
    fn next_at(&self, now: Instant, fraction: u32) -> Instant {
        let Some(Window { limit, remaining, resets_at }) = self.window.filter(|window| window.resets_at > now) else {
            return now;
        };
        match self.last_request {
            _ if remaining > limit / fraction => now,
            _ if remaining == 0 => resets_at,
            Some(last) => (last + (resets_at - last) / (remaining + 1)).min(resets_at),
            None => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(count: u32, allowed: u32, reset: u32) -> HeaderMap {
        let headers =
            [("inin-ratelimit-count", count), ("inin-ratelimit-allowed", allowed), ("inin-ratelimit-reset", reset)];
        headers.into_iter().map(|(name, value)| (name.parse().expect("a name"), value.into())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_not_delayed_before_a_limit_is_reported() {
        let mut rate_limit = RateLimit::default();
        let now = Instant::now();
        rate_limit.record_request();
        assert_eq!((rate_limit.next_request_at(now), rate_limit.per_minute()), (now, None));
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_third_of_the_requests_is_spread_over_the_window() {
        let mut rate_limit = RateLimit::default();
        let now = Instant::now();
        rate_limit.record_request();
        for (count, seconds) in
            [(1, 0.0), (119, 0.0), (120, 60.0 / 61.0), (149, 60.0 / 32.0), (179, 30.0), (180, 60.0), (999, 60.0)]
        {
            rate_limit.update(&reported(count, 180, 60));
            let delay = (rate_limit.next_request_at(now) - now).as_secs_f64();
            assert!((delay - seconds).abs() < 0.001, "{count}: {delay}");
        }
        tokio::time::advance(Duration::from_secs(60)).await;
        let now = Instant::now();
        assert_eq!(rate_limit.next_request_at(now), now, "a new window");
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_response_does_not_return_requests_that_were_sent_meanwhile() {
        let mut rate_limit = RateLimit::default();
        rate_limit.update(&reported(297, 300, 10));
        (0..3).for_each(|_| rate_limit.record_request());
        tokio::time::advance(Duration::from_secs(1)).await;
        let now = Instant::now();
        let resets_at = now + Duration::from_secs(9);
        for count in [298, 299] {
            rate_limit.update(&reported(count, 300, 9));
            assert_eq!(rate_limit.next_urgent_request_at(now), resets_at, "{count}");
        }
        tokio::time::advance(Duration::from_secs(8)).await;
        rate_limit.update(&reported(1, 300, 60));
        let now = Instant::now();
        assert_eq!(rate_limit.next_request_at(now), now, "a new window");
    }

    /// The share that is kept for urgent requests.
    #[tokio::test(start_paused = true)]
    async fn urgent_requests_are_not_delayed_until_a_tenth_of_the_limit_is_left() {
        let mut rate_limit = RateLimit::default();
        let now = Instant::now();
        rate_limit.record_request();
        for (count, is_delayed, is_urgent_delayed) in
            [(199, false, false), (200, true, false), (269, true, false), (270, true, true), (300, true, true)]
        {
            rate_limit.update(&reported(count, 300, 60));
            assert_eq!(rate_limit.next_request_at(now) > now, is_delayed, "{count}");
            assert_eq!(rate_limit.next_urgent_request_at(now) > now, is_urgent_delayed, "{count}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn headers_that_make_no_sense_are_no_limit() {
        let mut rate_limit = RateLimit::default();
        rate_limit.update(&reported(5, 0, 60));
        rate_limit.update(&HeaderMap::from_iter([(
            "inin-ratelimit-count".parse().expect("a name"),
            "many".parse().expect("a value"),
        )]));
        let now = Instant::now();
        assert_eq!((rate_limit.next_request_at(now), rate_limit.per_minute()), (now, None));
    }
}
