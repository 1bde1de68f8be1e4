//! How many requests a token has made.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::time::Instant;

use crate::simulator::http::error_response;
use crate::simulator::state::lock;

/// The requests of each token in its window.
#[derive(Debug)]
pub(crate) struct RateLimits {
    allowed: u32,
    window: Duration,
    book: Mutex<HashMap<String, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    ends: Instant,
    count: u32,
}

/// Where a token stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateLimitStatus {
    count: u32,
    allowed: u32,
    /// Seconds until the count starts again.
    reset: u64,
}

impl RateLimits {
    pub(crate) fn new(allowed: u32, window: Duration) -> Self {
        Self { allowed, window, book: Mutex::new(HashMap::new()) }
    }

    /// Counts one more request.
    pub(crate) fn count(&self, token: &str) -> RateLimitStatus {
        let now = Instant::now();
        let mut book = lock(&self.book);
        let window = book.entry(token.to_owned()).or_insert(Window { ends: now + self.window, count: 0 });
        if window.ends <= now {
            *window = Window { ends: now + self.window, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        let left = window.ends - now;
        RateLimitStatus {
            count: window.count,
            allowed: self.allowed,
            reset: left.as_secs() + u64::from(left.subsec_nanos() > 0),
        }
    }
}

impl RateLimitStatus {
    /// The answer to one request too many.
    pub(crate) fn refusal(self) -> Option<Response> {
        if self.count <= self.allowed {
            return None;
        }
        let words = format!("Rate limit exceeded the maximum. Retry the request in [{}] seconds", self.reset);
        let mut response = error_response::rest(StatusCode::TOO_MANY_REQUESTS, "too.many.requests.retry.after", &words);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(self.reset));
        Some(response)
    }

    /// The three headers that every answer carries.
    pub(crate) fn mark(self, headers: &mut HeaderMap) {
        headers.insert("inin-ratelimit-count", self.count.into());
        headers.insert("inin-ratelimit-allowed", self.allowed.into());
        headers.insert("inin-ratelimit-reset", self.reset.into());
    }
}
