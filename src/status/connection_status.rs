//! The status of one supervised connection, published for the status line on a [`tokio::sync::watch`] channel.

use std::fmt;

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
    /// A socket is open.
    Connected { last_activity: LastActivity },
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

impl ConnectionStatus {
    /// Returns the status of an open connection. A connection without a socket shows nothing.
    pub(crate) fn connected(last_activity: Option<LastActivity>) -> Self {
        last_activity.map_or(Self::Idle, |last_activity| Self::Connected { last_activity })
    }

    /// Starts the attempt that was waited for, or a first one.
    pub(crate) fn start_attempt(&mut self) {
        *self = match self {
            Self::Connecting(attempt) | Self::Retrying { attempt, .. } => Self::Connecting(*attempt),
            Self::Idle | Self::Connected { .. } => Self::Connecting(Attempt::default()),
        };
    }
}
