//! Counts failures, and decides on the delay before the next attempt (CONN-1 to CONN-5).

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::announcement::Announcement;
use super::connection::LostConnection;
use super::{Failure, RetryPolicy, Supervision};
use crate::backoff::{Backoff, milliseconds};
use crate::config::Retries;
use crate::decision::RefusalRow;
use crate::source::{Retry, SourceError};
use crate::status::connection_status::{Attempt, ConnectionReporter, ConnectionStatus, RetryCount};

/// The attempts of one source.
pub(super) struct RetryState<'a> {
    /// The conversation that status lines concern.
    conversation: Option<&'a str>,
    policy: RetryPolicy,
    status: &'a ConnectionReporter,
    backoff: Backoff,
    failures: u32,
    /// The refusals since the last success.
    refusals: RefusalRow,
    has_connected: bool,
    /// The last activity of the connection that was lost last, until another one is accepted.
    lost_at: Option<DateTime<Utc>>,
}

/// An attempt to connect that has failed, or whose connection was lost.
pub(super) enum FailedAttempt {
    NotConnected(SourceError),
    Lost(LostConnection),
}

impl<'a> RetryState<'a> {
    /// Creates the state before the first attempt.
    pub(super) fn new(conversation: Option<&'a str>, policy: RetryPolicy, status: &'a ConnectionReporter) -> Self {
        let (backoff, refusals) = (Backoff::new(), RefusalRow::default());
        Self { conversation, policy, status, backoff, failures: 0, refusals, has_connected: false, lost_at: None }
    }

    /// Records an open connection, which does not reset the retries, and returns the line about it.
    pub(super) fn announcement(&mut self, supervision: Supervision<'a>) -> Announcement<'a> {
        self.has_connected = true;
        Announcement::new(supervision, self.lost_at)
    }

    /// Records and reports a failure. Returns the delay before the next attempt; `None` if the server has closed for good.
    ///
    /// # Errors
    ///
    /// A final failure, or one too many. It was not reported.
    pub(super) fn next_delay(&mut self, attempt: FailedAttempt) -> Result<Option<Duration>, Failure> {
        let error = self.record(attempt);
        let retry = error.retry(self.has_connected);
        let retry_after = match retry {
            Retry::Never => return Err(Failure::refused(error)),
            Retry::ClosedByServer if !self.policy.reconnect_after_close => return Ok(None),
            Retry::Immediately => {
                tracing::warn!(conversation = self.conversation, "{error}; reconnecting");
                self.publish(None, Duration::ZERO);
                return Ok(Some(Duration::ZERO));
            }
            Retry::After(delay) => delay,
            Retry::ClosedByServer | Retry::AfterRefusal => None,
        };
        let limit = self.policy.retries;
        if self.is_one_too_many(retry == Retry::AfterRefusal) {
            return Err(Failure::GaveUp { attempts: self.failures.saturating_add(1), last: Box::new(error) });
        }
        let delay = self.backoff.delay(self.failures, retry_after);
        self.failures = self.failures.saturating_add(1);
        let count = RetryCount { number: self.failures, limit };
        self.log_retry(&error, count, delay);
        self.publish(Some(count), delay);
        Ok(Some(delay))
    }

    /// Returns whether this failure is one too many in a row (CONN-4, CONN-20).
    fn is_one_too_many(&mut self, is_refusal: bool) -> bool {
        if !is_refusal {
            self.refusals.reset();
        }
        match self.policy.retries {
            Retries::Limited(maximum) => self.failures >= maximum,
            limit @ Retries::Unlimited => is_refusal && self.refusals.is_exhausted_by_another(limit, Instant::now()),
        }
    }

    /// Updates the state. A productive connection makes its loss the first failure in a row again (CONN-3).
    fn record(&mut self, attempt: FailedAttempt) -> SourceError {
        match attempt {
            FailedAttempt::NotConnected(error) => error,
            FailedAttempt::Lost(lost) => {
                if lost.was_productive {
                    self.refusals.reset();
                    self.failures = 0;
                }
                if lost.was_accepted {
                    self.lost_at = Some(lost.last_activity);
                }
                lost.error
            }
        }
    }

    fn log_retry(&self, error: &SourceError, count: RetryCount, delay: Duration) {
        let conversation = self.conversation;
        let (retry, delay_ms, seconds) = (count.number, milliseconds(delay), delay.as_secs_f64());
        let hint = error.hint_before_retries().filter(|_| retry == 1);
        let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
        tracing::warn!(conversation, retry, delay_ms, "{error}; retry {count} in {seconds:.1} s{hint}");
    }

    fn publish(&self, retry: Option<RetryCount>, delay: Duration) {
        let attempt = Attempt { is_reconnect: self.lost_at.is_some(), retry };
        self.status.report(ConnectionStatus::Retrying { attempt, at: Instant::now() + delay });
    }
}
