//! The pause of all requests after an error (NTF-13), and the failures that are worth a warning.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::config::Retries;
use crate::decision::RefusalRow;

/// The time after a warning during which another row of failures is no logged.
const QUIET_TIME: Duration = Duration::from_secs(60);

/// The pause of all requests: a service that fails one request fails the others as well.
#[derive(Debug)]
pub(super) struct RestBackoff {
    backoff: Backoff,
    failures: u32,
    refusals: RefusalRow,
    paused_until: Option<Instant>,
    /// The first failure of the row.
    failing_since: Option<Instant>,
    is_told: bool,
    logged_at: Option<Instant>,
}

/// A request that has failed while a socket is open.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FailedRequest {
    /// The delay that the server asks for.
    pub(super) retry_after: Option<Duration>,
    /// The last activity of the socket, if the request had no response. The socket may be dead, too, and its loss is told.
    pub(super) socket_activity: Option<Instant>,
}

/// A pause that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    pub(super) delay: Duration,
    /// The failure is worth a warning: no other has told of this outage.
    pub(super) is_logged: bool,
}

impl RestBackoff {
    /// Returns the state before the first failure.
    pub(super) fn new() -> Self {
        Self {
            backoff: Backoff::new(),
            failures: 0,
            refusals: RefusalRow::default(),
            paused_until: None,
            failing_since: None,
            is_told: false,
            logged_at: None,
        }
    }

    /// Returns the end of the pause.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    /// Starts a pause after an error.
    pub(super) fn on_error(&mut self, failed: FailedRequest) -> Pause {
        let now = Instant::now();
        let delay = self.backoff.delay(self.failures, failed.retry_after);
        self.failures = self.failures.saturating_add(1);
        self.paused_until = Some(now + delay);
        Pause { delay, is_logged: self.is_logged(failed, now) }
    }

    /// Starts a pause after a refusal; `None` if it is one too many in a row.
    pub(super) fn on_refusal(&mut self, limit: Retries) -> Option<Pause> {
        let is_exhausted = self.refusals.is_exhausted_by_another(limit, Instant::now());
        (!is_exhausted).then(|| self.on_error(FailedRequest::default()))
    }

    /// Ends the row of failures. During a pause it does nothing: the request was sent before.
    pub(super) fn on_success(&mut self) {
        if self.paused_until.is_none_or(|until| until <= Instant::now()) {
            self.reset();
        }
    }

    /// Ends the row of failures and its pause.
    pub(super) fn reset(&mut self) {
        (self.failures, self.paused_until, self.failing_since, self.is_told) = (0, None, None, false);
        self.refusals.reset();
    }

    /// Decides once for each row of failures. A failure without a response waits until the socket shows that it is alive.
    fn is_logged(&mut self, failed: FailedRequest, now: Instant) -> bool {
        let since = *self.failing_since.get_or_insert(now);
        let may_share_outage = failed.socket_activity.is_some_and(|at| at <= since);
        if may_share_outage || std::mem::replace(&mut self.is_told, true) {
            return false;
        }
        let is_logged = self.logged_at.is_none_or(|at| now - at >= QUIET_TIME);
        if is_logged {
            self.logged_at = Some(now);
        }
        is_logged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a failure without a response while the socket was active at `at`.
    fn unanswered(at: Instant) -> FailedRequest {
        FailedRequest { socket_activity: Some(at), ..FailedRequest::default() }
    }

    async fn pass(seconds: u64) -> Instant {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_with_failures_respect_the_service_and_end_with_a_success() {
        let mut backoff = RestBackoff::new();
        for (at_least, at_most) in [(1000, 2000), (2000, 3000), (4000, 5000), (8000, 9000)] {
            let pause = backoff.on_error(FailedRequest::default());
            assert!((at_least..=at_most).contains(&pause.delay.as_millis()), "{pause:?}");
            assert_eq!(pause.is_logged, at_least == 1000, "once in a row");
            assert_eq!(backoff.paused_until, Some(Instant::now() + pause.delay));
        }
        let until = backoff.paused_until;
        backoff.on_success();
        assert_eq!(backoff.paused_until, until, "the request was sent before the pause");
        pass(9).await;
        backoff.on_success();
        assert_eq!(backoff.paused_until, None);
        let retry_after = Some(Duration::from_secs(20));
        let pause = backoff.on_error(FailedRequest { retry_after, ..FailedRequest::default() });
        assert!(pause.delay >= Duration::from_secs(20), "{pause:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn rows_of_failures_that_follow_each_other_are_told_once_a_minute() {
        let mut backoff = RestBackoff::new();
        let mut logged = Vec::new();
        for _ in 0..14 {
            logged.push(backoff.on_error(FailedRequest::default()).is_logged);
            pass(5).await;
            backoff.on_success();
        }
        let logged_rows: Vec<usize> = (0..logged.len()).filter(|row| logged[*row]).collect();
        assert_eq!(logged_rows, [0, 12]);
    }

    /// (R17)
    #[tokio::test(start_paused = true)]
    async fn a_failure_without_a_response_is_told_only_if_the_socket_is_alive() {
        let mut dead = RestBackoff::new();
        let last_activity = Instant::now();
        for _ in 0..5 {
            pass(10).await;
            assert!(!dead.on_error(unanswered(last_activity)).is_logged, "the loss of the socket is logged already");
        }
        let mut alive = RestBackoff::new();
        assert!(!alive.on_error(unanswered(last_activity)).is_logged, "too early to say");
        let heartbeat = pass(10).await;
        assert!(alive.on_error(unanswered(heartbeat)).is_logged);
        assert!(!alive.on_error(unanswered(heartbeat)).is_logged, "once");
    }
}
