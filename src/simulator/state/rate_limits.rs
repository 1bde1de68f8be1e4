//! The REST requests of each token.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::simulator::lock::lock;

/// The requests of each token in its current window.
#[derive(Debug)]
pub(crate) struct RateLimits {
    allowed: u32,
    window: Duration,
    windows: Mutex<HashMap<String, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    ends_at: Instant,
    count: u32,
}

/// The use of a token's limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateLimitStatus {
    pub(crate) count: u32,
    pub(crate) allowed: u32,
    /// The seconds until the next window, rounded up.
    pub(crate) reset_seconds: u64,
}

impl RateLimits {
    pub(crate) fn new(allowed: u32, window: Duration) -> Self {
        Self { allowed, window, windows: Mutex::new(HashMap::new()) }
    }

    /// Counts a request, also one above the limit.
    pub(crate) fn count(&self, token: &str) -> RateLimitStatus {
        let now = Instant::now();
        let mut windows = lock(&self.windows);
        let window = windows.entry(token.to_owned()).or_insert(Window { ends_at: now + self.window, count: 0 });
        if window.ends_at <= now {
            *window = Window { ends_at: now + self.window, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        let remaining = window.ends_at - now;
        RateLimitStatus {
            count: window.count,
            allowed: self.allowed,
            reset_seconds: remaining.as_secs() + u64::from(remaining.subsec_nanos() > 0),
        }
    }
}

impl RateLimitStatus {
    pub(crate) fn is_exceeded(self) -> bool {
        self.count > self.allowed
    }
}
