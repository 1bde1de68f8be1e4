//! Warnings that a server could trigger without end.

use std::time::Duration;

use tokio::time::Instant;

/// The minimum distance of two warnings.
const INTERVAL: Duration = Duration::from_secs(60);

/// Counts occurrences, and lets a warning through at most once a minute.
#[derive(Debug, Default)]
pub(crate) struct RateLimitedWarning {
    silent_until: Option<Instant>,
    count: u64,
}

impl RateLimitedWarning {
    /// Counts an occurrence. Returns the number since the last warning if a warning is due.
    pub(crate) fn count(&mut self) -> Option<u64> {
        self.count += 1;
        let now = Instant::now();
        if self.silent_until.is_some_and(|until| now < until) {
            return None;
        }
        self.silent_until = Some(now + INTERVAL);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_warning_is_due_once_a_minute_and_has_the_count() {
        let mut warning = RateLimitedWarning::default();
        let first: Vec<_> = (0..3).map(|_| warning.count()).collect();
        assert_eq!(first, [Some(1), None, None]);
        tokio::time::advance(Duration::from_millis(59_999)).await;
        assert_eq!(warning.count(), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!((warning.count(), warning.count()), (Some(4), None));
    }
}
