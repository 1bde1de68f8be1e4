//! Counts failures, and decides on the delay before the next attempt (CONN-1 to CONN-5).

use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use super::{Failure, Supervision};
use crate::backoff::Backoff;
use crate::config::Retries;
use crate::event::Gap;
use crate::source::{Outage, Retry, SourceError};
use crate::status::connection_status::{Attempt, ConnectionStatus, RetryCount};

/// The attempts of one source.
pub(super) struct RetryState<'a> {
    supervision: Supervision<'a>,
    backoff: Backoff,
    failures: u32,
    has_connected: bool,
}

impl<'a> RetryState<'a> {
    /// Creates the state before the first attempt.
    pub(super) fn new(supervision: Supervision<'a>) -> Self {
        Self { supervision, backoff: Backoff::new(), failures: 0, has_connected: false }
    }

    /// Makes the next failure the first in a row again (CONN-3).
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Records and reports an open connection. That alone does not reset the retries.
    pub(super) fn connected(&mut self, peer: &str, outage: Option<&Outage>) {
        let label = self.supervision.label;
        self.has_connected = true;
        match outage {
            None => tracing::info!(peer, "{label}connected to {peer}"),
            Some(outage) => {
                let seconds = Gap { from: outage.last_activity, to: Utc::now(), reason: String::new() }.seconds();
                tracing::info!(peer, seconds, "{label}reconnected to {peer} after {seconds} s");
            }
        }
    }

    /// Records and reports a failure. Returns the delay before the next attempt; `None` if the server has closed for good.
    ///
    /// # Errors
    ///
    /// A final failure, or one too many. It was not reported.
    pub(super) fn next_delay(&mut self, error: SourceError) -> Result<Option<Duration>, Failure> {
        let label = self.supervision.label;
        let retry_after = match error.retry() {
            Retry::Never => return Err(Failure::Refused(error)),
            Retry::NeverOnFirst if !self.has_connected => return Err(Failure::Refused(error)),
            Retry::ClosedByServer if !self.supervision.policy.reconnect_after_close => return Ok(None),
            Retry::Immediately => {
                tracing::warn!("{label}{error}; reconnecting");
                self.publish(None, Duration::ZERO);
                return Ok(Some(Duration::ZERO));
            }
            Retry::After(delay) => delay,
            Retry::ClosedByServer | Retry::NeverOnFirst => None,
        };
        let limit = self.supervision.policy.retries;
        let of_limit = match limit {
            Retries::Limited(maximum) if self.failures >= maximum => {
                return Err(Failure::GaveUp { attempts: self.failures.saturating_add(1), last: error });
            }
            Retries::Limited(maximum) => format!(" of {maximum}"),
            Retries::Unlimited => String::new(),
        };
        let delay = self.backoff.delay(self.failures, retry_after);
        self.failures = self.failures.saturating_add(1);
        let (retry, seconds) = (self.failures, delay.as_secs_f64());
        tracing::warn!(retry, seconds, "{label}{error}; retry {retry}{of_limit} in {seconds:.1} s");
        self.publish(Some(RetryCount { number: retry, limit }), delay);
        Ok(Some(delay))
    }

    fn publish(&self, retry: Option<RetryCount>, delay: Duration) {
        let attempt = Attempt { is_reconnect: self.has_connected, retry };
        self.supervision.status.send_replace(ConnectionStatus::Retrying { attempt, at: Instant::now() + delay });
    }
}
