//! Resolves the settings of connections (CLI-40 to CLI-44, CLI-80).

use crate::cli::{ConnectionArgs, NetworkArgs};
use crate::config::{ConnectionOptions, Retries, SocketLimits};

use super::env::Env;
use super::network;
use super::problems::Problems;

const DEFAULT_RETRIES: Retries = Retries::Limited(5);

/// The size of the read buffer of a socket. The WebSocket library clears all of it before every read, however little
/// arrives, and processes all of it before timers run, which a peer that sends endless empty fragments could exploit.
const READ_BUFFER: usize = 16 * 1024;

pub(super) fn resolve(
    args: &ConnectionArgs,
    network: NetworkArgs,
    env: &Env,
    problems: &mut Problems,
) -> Option<ConnectionOptions> {
    let ConnectionArgs { max_retries, follow, idle_timeout, ping_interval, max_frame_size } = *args;
    if idle_timeout <= ping_interval {
        problems.contradictory(format!(
            "--idle-timeout {} must be greater than --ping-interval {}",
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
