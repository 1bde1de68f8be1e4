//! The time of the last byte received on a socket, shared by the socket and the status line.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The time of the last byte received on a socket, to the millisecond. A clone reads and sets the same time.
#[derive(Debug, Clone)]
pub(crate) struct LastActivity {
    start: Instant,
    milliseconds: Arc<AtomicU64>,
}

impl LastActivity {
    /// Starts at `now`.
    pub(crate) fn new(now: Instant) -> Self {
        Self { start: now, milliseconds: Arc::default() }
    }

    /// Sets the time.
    pub(crate) fn set(&self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.start).as_millis();
        self.milliseconds.store(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns the time.
    pub(crate) fn get(&self) -> Instant {
        self.start + Duration::from_millis(self.milliseconds.load(Ordering::Relaxed))
    }
}

impl PartialEq for LastActivity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.milliseconds, &other.milliseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_reads_the_time_that_was_set() {
        let start = Instant::now();
        let activity = LastActivity::new(start);
        let clone = activity.clone();
        activity.set(start + Duration::from_millis(1500));
        assert_eq!(clone.get(), start + Duration::from_millis(1500));
        assert_eq!(activity, clone);
        assert_ne!(activity, LastActivity::new(start));
    }
}
