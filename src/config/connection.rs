//! Connections: limits of a socket, retries, reconnects.

use std::time::Duration;

use super::Network;

/// The settings of all connections to Genesys Cloud.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionOptions {
    pub(crate) network: Network,
    pub(crate) socket: SocketLimits,
    pub(crate) retries: Retries,
    /// Reconnects after a close with code 1000 or 1001, until the conversation itself ends.
    pub(crate) follow: bool,
}

/// The limits of a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SocketLimits {
    /// The interval between pings, greater than 0.
    pub(crate) ping_interval: Duration,
    /// The time without data after which a connection counts as lost. Longer than the ping interval.
    pub(crate) idle_timeout: Duration,
    /// The maximum size of a message in bytes, greater than 0.
    pub(crate) max_frame_size: usize,
    /// The size of the read buffer in bytes, greater than 0.
    pub(crate) read_buffer: usize,
}

/// The maximum number of consecutive retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retries {
    /// At most this many. 0 means a single attempt.
    Limited(u32),
    Unlimited,
}
