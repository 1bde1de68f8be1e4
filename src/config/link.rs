//! How connections are made and kept alive.

use std::time::Duration;

use crate::cli::{ConnectionArgs, NetworkArgs};

use super::env::Env;
use super::error::Problems;
use super::network::{self, Network};

const DEFAULT_RETRIES: Retries = Retries::Limited(5);

/// As much as is worth reading at once: the WebSocket library clears all of it before every read, however little comes, and
/// goes through all of it before an alarm is heard, which a peer that sends empty fragments without end would make use of.
const READ_BUFFER: usize = 16 * 1024;

/// How connections are made and kept alive.
#[derive(Debug, Clone)]
pub struct ConnectionOptions {
    /// How the network is reached.
    pub network: Network,
    /// What a socket is held to.
    pub socket: SocketLimits,
    /// How many retries in a row.
    pub retries: Retries,
    /// Whether to go on after a close with 1000 or 1001, until the conversation itself ends.
    pub follow: bool,
}

/// What a socket is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketLimits {
    /// How often a ping is sent, above zero.
    pub ping_interval: Duration,
    /// How long a silent peer is believed in; longer than [`SocketLimits::ping_interval`].
    pub idle_timeout: Duration,
    /// The largest message in bytes, above zero.
    pub max_frame_size: usize,
    /// The bytes that are read at once, above zero.
    pub read_buffer: usize,
}

/// How often to try again in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// This often; zero is one attempt.
    Limited(u32),
    /// For ever.
    Unlimited,
}

pub(super) fn resolve(
    args: &ConnectionArgs,
    network: NetworkArgs,
    env: &Env,
    problems: &mut Problems,
) -> Option<ConnectionOptions> {
    let ConnectionArgs { max_retries, follow, idle_timeout, ping_interval, max_frame_size } = *args;
    if idle_timeout <= ping_interval {
        problems.contradictory(format!(
            "--idle-timeout {} has to be longer than --ping-interval {}",
            humantime::format_duration(idle_timeout),
            humantime::format_duration(ping_interval)
        ));
    }
    let default = if follow { Retries::Unlimited } else { DEFAULT_RETRIES };
    Some(ConnectionOptions {
        network: network::resolve(network, env, problems)?,
        socket: SocketLimits { ping_interval, idle_timeout, max_frame_size, read_buffer: READ_BUFFER },
        retries: max_retries.unwrap_or(default),
        follow,
    })
}
