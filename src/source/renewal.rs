//! Make-before-break: the next connection is opened while the live one is still read (CONN-27).

use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::SourceError;
use super::dial::DialResult;
use super::error::Retry;
use super::rest_backoff::Pause;
use crate::backoff::Backoff;

/// The renewal of the live connection.
pub(super) struct Renewal<'a, T> {
    opening: Option<LocalBoxFuture<'a, DialResult<T>>>,
    backoff: Backoff,
    attempt: u32,
    not_before: Option<Instant>,
}

impl<T> Default for Renewal<'_, T> {
    fn default() -> Self {
        Self { opening: None, backoff: Backoff::new(), attempt: 0, not_before: None }
    }
}

impl<'a, T> Renewal<'a, T> {
    /// Starts to open the next connection.
    pub(super) fn start(&mut self, opening: LocalBoxFuture<'a, DialResult<T>>) {
        self.opening = Some(opening);
    }

    /// Returns when a renewal that is wanted at `due` may start; `None` while one is in progress.
    pub(super) fn next_at(&self, due: Option<Instant>) -> Option<Instant> {
        let due = due.filter(|_| self.opening.is_none())?;
        Some(self.not_before.map_or(due, |soonest| due.max(soonest)))
    }

    /// Waits for the next connection, forever if none is being opened. Cancel safe.
    pub(super) async fn opened(&mut self) -> DialResult<T> {
        let Some(opening) = &mut self.opening else { return std::future::pending().await };
        let result = opening.await;
        self.opening = None;
        result
    }

    /// Schedules the next attempt after a failed one, which costs nothing but time.
    pub(super) fn failed(&mut self, error: &SourceError) -> Pause {
        let retry_after = match error.retry(true) {
            Retry::After(delay) => delay,
            _ => None,
        };
        let delay = self.backoff.delay(self.attempt, retry_after);
        let is_logged = self.attempt == 0;
        self.attempt += 1;
        self.not_before = Some(Instant::now() + delay);
        Pause { delay, is_logged }
    }

    /// Forgets failures and the connection that is being opened.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

impl<T> std::fmt::Debug for Renewal<'_, T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Renewal").field("is_opening", &self.opening.is_some()).finish_non_exhaustive()
    }
}
