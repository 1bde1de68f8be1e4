//! The status of one supervised connection, published for the status line and the service manager.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::config::Retries;
use crate::system::last_activity::LastActivity;

/// The status of one supervised connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum ConnectionStatus {
    /// No socket is open, and none is being opened.
    #[default]
    Idle,
    /// An attempt to connect is in progress.
    Connecting(Attempt),
    /// The next attempt starts at `at`.
    Retrying { attempt: Attempt, at: Instant },
    /// A socket is open. `peer` is the server that has accepted the connection, as in `api.example (transcript)`.
    Connected { last_activity: LastActivity, peer: Option<Arc<str>> },
}

/// One attempt to connect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// `true` when a connection was open before.
    pub(crate) is_reconnect: bool,
    /// `None` for the first attempt and for an immediate reconnect.
    pub(crate) retry: Option<RetryCount>,
}

/// The position of an attempt in a row of consecutive retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryCount {
    /// Starts at 1.
    pub(crate) number: u32,
    pub(crate) limit: Retries,
}

impl fmt::Display for RetryCount {
    /// Writes the number and, if there is one, the limit: `2 of 5`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Retries::Limited(limit) => write!(formatter, "{} of {limit}", self.number),
            Retries::Unlimited => write!(formatter, "{}", self.number),
        }
    }
}

impl fmt::Display for Attempt {
    /// Writes `connecting` or `reconnecting, retry 2 of 5`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_reconnect { "reconnecting" } else { "connecting" })?;
        self.retry.map_or(Ok(()), |count| write!(formatter, ", retry {count}"))
    }
}

impl ConnectionStatus {
    /// Returns the status of an open connection. A connection without a socket shows nothing.
    pub(crate) fn connected(last_activity: Option<LastActivity>) -> Self {
        last_activity.map_or(Self::Idle, |last_activity| Self::Connected { last_activity, peer: None })
    }

    /// Adds the server that has accepted an open connection.
    pub(crate) fn accepted_by(self, server: &dyn fmt::Display) -> Self {
        match self {
            Self::Connected { last_activity, .. } => {
                Self::Connected { last_activity, peer: Some(server.to_string().into()) }
            }
            other => other,
        }
    }

    /// Starts the attempt that was waited for, or a first one.
    fn start_attempt(&mut self) {
        *self = match self {
            Self::Connecting(attempt) | Self::Retrying { attempt, .. } => Self::Connecting(*attempt),
            Self::Idle | Self::Connected { .. } => Self::Connecting(Attempt::default()),
        };
    }
}

/// Reports the status of one connection. Dropping it removes the connection.
#[derive(Debug, Default)]
pub(crate) struct ConnectionReporter {
    status: watch::Sender<ConnectionStatus>,
    /// Signals each change to the task that shows the status.
    changed: Arc<Notify>,
}

impl ConnectionReporter {
    pub(super) fn new(changed: Arc<Notify>) -> Self {
        Self { status: watch::Sender::default(), changed }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<ConnectionStatus> {
        self.status.subscribe()
    }

    /// Reports the current status.
    pub(crate) fn report(&self, status: ConnectionStatus) {
        self.status.send_replace(status);
        self.changed.notify_one();
    }

    /// Reports the attempt that was waited for, or a first one.
    pub(crate) fn start_attempt(&self) {
        self.status.send_modify(ConnectionStatus::start_attempt);
        self.changed.notify_one();
    }
}

impl Drop for ConnectionReporter {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}
