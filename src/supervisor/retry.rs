//! The count of attempts, and what follows from it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Failure, RetryPolicy};
use crate::backoff::Backoff;
use crate::config::Retries;
use crate::event::Gap;
use crate::source::{Retry, SourceError};
use crate::status::connection_status::{Attempt, ConnectionStatus, RetryCount};

/// The count of attempts, and what follows from it.
#[derive(Debug)]
pub(super) struct RetryState<'a> {
    name: &'a str,
    status: &'a watch::Sender<ConnectionStatus>,
    persistence: RetryPolicy,
    backoff: Backoff,
    failures: u32,
    connected_before: bool,
}

impl<'a> RetryState<'a> {
    /// Nothing was attempted yet.
    pub(super) fn new(
        (name, status): (&'a str, &'a watch::Sender<ConnectionStatus>),
        persistence: RetryPolicy,
    ) -> Self {
        Self { name, status, persistence, backoff: Backoff::new(), failures: 0, connected_before: false }
    }

    /// The next failure is the first in a row again.
    pub(super) fn start_over(&mut self) {
        self.failures = 0;
    }

    /// Notes a success, which is not yet a reason to start over, and tells the user.
    pub(super) fn connected(&mut self, peer: &str, lost: Option<DateTime<Utc>>) {
        let name = self.name;
        self.connected_before = true;
        match lost {
            None => tracing::info!(peer, "{name}connected to {peer}"),
            Some(last_activity) => {
                let seconds = Gap { from: last_activity, to: Utc::now(), reason: String::new() }.seconds();
                tracing::info!(peer, seconds, "{name}reconnected to {peer} after {seconds} s");
            }
        }
    }

    /// Notes a failure, tells the user, and says how long to wait before the next attempt; `None` when there is
    /// nothing left to attempt.
    ///
    /// # Errors
    ///
    /// When the failure is final, or one too many. It was not told then.
    pub(super) fn next_delay(&mut self, error: SourceError) -> Result<Option<Duration>, Failure> {
        let wish = match error.retry() {
            Retry::Never => return Err(Failure::Refused(error)),
            Retry::NeverOnFirst if !self.connected_before => return Err(Failure::Refused(error)),
            Retry::ClosedByServer if !self.persistence.follow => return Ok(None),
            Retry::Immediately => {
                tracing::warn!("{}{error}; reconnecting", self.name);
                self.publish_retry(None, Duration::ZERO);
                return Ok(Some(Duration::ZERO));
            }
            Retry::After(wish) => wish,
            Retry::ClosedByServer | Retry::NeverOnFirst => None,
        };
        let of = match self.persistence.retries {
            Retries::Limited(most) if self.failures >= most => {
                return Err(Failure::GaveUp { attempts: self.failures.saturating_add(1), last: error });
            }
            Retries::Limited(most) => format!(" of {most}"),
            Retries::Unlimited => String::new(),
        };
        let delay = self.backoff.delay(self.failures, wish);
        self.failures = self.failures.saturating_add(1);
        let (name, retry, seconds) = (self.name, self.failures, delay.as_secs_f64());
        tracing::warn!(retry, seconds, "{name}{error}; retry {retry}{of} in {seconds:.1} s");
        self.publish_retry(Some(RetryCount { number: retry, limit: self.persistence.retries }), delay);
        Ok(Some(delay))
    }

    fn publish_retry(&self, retry: Option<RetryCount>, delay: Duration) {
        let attempt = Attempt { is_reconnect: self.connected_before, retry };
        self.status.send_replace(ConnectionStatus::Retrying { attempt, at: Instant::now() + delay });
    }
}
