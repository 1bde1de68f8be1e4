//! When requests have to wait because the service is in trouble.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;

/// The waits of all requests together: trouble with one is trouble for the others.
#[derive(Debug)]
pub(super) struct RestBackoff {
    backoff: Backoff,
    failures: u32,
    until: Option<Instant>,
}

impl RestBackoff {
    /// Nothing has failed yet.
    pub(super) fn new() -> Self {
        Self { backoff: Backoff::new(), failures: 0, until: None }
    }

    /// One more has failed: how long to wait, and whether it is the first in a row.
    pub(super) fn extend(&mut self, wish: Option<Duration>) -> (Duration, bool) {
        let first = self.failures == 0;
        let delay = self.backoff.delay(self.failures, wish);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(Instant::now() + delay);
        (delay, first)
    }

    /// Something was answered. That it was asked before the trouble is no reason to wait less.
    pub(super) fn answered(&mut self) {
        if self.until.is_none_or(|until| until <= Instant::now()) {
            self.clear();
        }
    }

    /// Somebody else has waited.
    pub(super) fn clear(&mut self) {
        (self.failures, self.until) = (0, None);
    }

    /// When the next request may be made; may have passed.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_with_failures_obey_the_service_and_end_with_an_answer() {
        let mut pauses = RestBackoff::new();
        assert_eq!(pauses.until(), None);
        for (least, most) in [(1000, 2000), (2000, 3000), (4000, 5000), (8000, 9000)] {
            let (delay, first) = pauses.extend(None);
            assert!((least..=most).contains(&delay.as_millis()), "{delay:?}");
            assert_eq!((first, pauses.until()), (least == 1000, Some(Instant::now() + delay)));
        }
        let until = pauses.until();
        pauses.answered();
        assert_eq!(pauses.until(), until, "by a request from before");
        tokio::time::advance(Duration::from_secs(9)).await;
        pauses.answered();
        assert_eq!(pauses.until(), None);
        let (delay, first) = pauses.extend(Some(Duration::from_secs(20)));
        assert!(first && delay >= Duration::from_secs(20), "{delay:?}");
    }
}
