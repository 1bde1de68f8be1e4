//! Keeps one source connected: connects, reads until the connection ends, and waits before the next attempt.
//!
//! Tokens, sockets and formats are behind [`Source`] and [`Sink`].

mod announcement;
mod connection;
mod event_stream;
mod pump;
mod retry;

use std::cell::RefCell;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::connection::{ConnectionEnd, follow_connection};
pub(crate) use self::event_stream::{StreamDelivery, deliver_stream};
use self::retry::{FailedAttempt, RetryState};
use crate::config::Retries;
use crate::dedup::Dedup;
use crate::delivery::sink::Sink;
use crate::plural;
use crate::source::{Outage, Source, SourceError};
use crate::status::connection_status::{ConnectionReporter, ConnectionStatus};

/// The rules for reconnecting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// The maximum number of retries in a row.
    pub(crate) retries: Retries,
    /// Reconnect after the server has closed normally (`-F`).
    pub(crate) reconnect_after_close: bool,
}

/// The shared parts that supervising a source needs.
#[derive(Clone, Copy)]
pub(crate) struct Supervision<'a> {
    /// The conversation that status lines concern; `None` for a source of several.
    pub(crate) conversation: Option<&'a str>,
    /// The rules for reconnecting.
    pub(crate) policy: RetryPolicy,
    /// The sink, shared by all sources. Never borrowed across a wait.
    pub(crate) sink: &'a RefCell<Sink>,
    /// The events delivered so far, shared by all sources. Never borrowed across a wait.
    pub(crate) dedup: &'a RefCell<Dedup>,
    /// Receives the status of the connection.
    pub(crate) status: &'a ConnectionReporter,
    /// Cancelled when the user wants to stop.
    pub(crate) stop: &'a CancellationToken,
}

/// The successful end of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every conversation has ended.
    Closed,
    /// The server has closed the connection normally.
    ClosedByServer,
    /// The user stopped the program.
    Stopped,
    /// An event stream was read to its end.
    InputEnded,
    /// Every conversation was refused; [`Source::take_refused`] has the reasons.
    AllRefused,
}

/// The failure of a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// A refusal that a retry cannot change.
    #[error("{0}")]
    Refused(Box<SourceError>),
    /// Too many attempts in a row have failed.
    #[error("gave up after {}: {last}", attempts_in_a_row(*.attempts))]
    GaveUp { attempts: u32, last: Box<SourceError> },
}

impl Failure {
    /// Returns the failure of a refusal.
    pub(crate) fn refused(error: SourceError) -> Self {
        Self::Refused(Box::new(error))
    }

    /// Adds the refusal of the transcript socket that preceded a refusal of the notifications.
    pub(crate) fn with_transcript_refusal(self, refusal: Option<&SourceError>) -> Self {
        match (self, refusal) {
            (Self::Refused(error), Some(refusal)) => Self::refused(error.with_transcript_refusal(refusal.clone())),
            (failure, _) => failure,
        }
    }

    /// Returns the last error.
    pub(crate) fn cause(&self) -> &SourceError {
        match self {
            Self::Refused(error) | Self::GaveUp { last: error, .. } => error,
        }
    }
}

/// Returns `1 attempt`, `2 attempts in a row`.
fn attempts_in_a_row(attempts: u32) -> String {
    let ending = if attempts == 1 { "" } else { " in a row" };
    format!("{}{ending}", plural::count(attempts, "attempt"))
}

/// Delivers what a source yields until everything has ended, is refused, or the user stops the program. Everything that was
/// read is handed to the sink.
///
/// # Errors
///
/// A final refusal, or the last error if the retries are exhausted. It was not reported.
pub(crate) async fn supervise<T>(source: &mut Source<'_, T>, supervision: Supervision<'_>) -> Result<Outcome, Failure>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let Supervision { conversation, policy, stop, status, .. } = supervision;
    let mut retry = RetryState::new(conversation, policy, status);
    let mut outage: Option<Outage> = None;
    loop {
        status.start_attempt();
        let Some(connected) = stop.run_until_cancelled(source.connect(outage.as_ref())).await else {
            return Ok(Outcome::Stopped);
        };
        let attempt = match connected {
            Ok(()) => match follow_connection(source, supervision, retry.announcement(supervision)).await {
                ConnectionEnd::Finished(outcome) => return Ok(outcome),
                ConnectionEnd::Lost(lost) => {
                    outage = Some(Outage { last_activity: lost.last_activity, reason: lost.error.to_string() });
                    FailedAttempt::Lost(lost)
                }
            },
            Err(error) => FailedAttempt::NotConnected(error),
        };
        let Some(delay) = retry.next_delay(attempt)? else { return Ok(Outcome::ClosedByServer) };
        if stop.run_until_cancelled(sleep(delay)).await.is_none() {
            return Ok(Outcome::Stopped);
        }
    }
}

/// Repeats a request of the start until it succeeds, is refused, or the user stops the program, which gives `None`.
///
/// # Errors
///
/// A final refusal, or the last error if the retries are exhausted. It was not reported.
pub(crate) async fn retry_request<T>(
    retries: Retries,
    status: &ConnectionReporter,
    stop: &CancellationToken,
    mut request: impl AsyncFnMut() -> Result<T, SourceError>,
) -> Result<Option<T>, Failure> {
    let policy = RetryPolicy { retries, reconnect_after_close: false };
    let mut retry = RetryState::new(None, policy, status);
    loop {
        status.start_attempt();
        let Some(result) = stop.run_until_cancelled(request()).await else { return Ok(None) };
        let error = match result {
            Ok(value) => {
                status.report(ConnectionStatus::Idle);
                return Ok(Some(value));
            }
            Err(error) => error,
        };
        let delay = retry.next_delay(FailedAttempt::NotConnected(error))?.unwrap_or_default();
        if stop.run_until_cancelled(sleep(delay)).await.is_none() {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests;
