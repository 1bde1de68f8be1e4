//! Shared parts of the tests of the built binary.

pub(crate) mod memory;
pub(crate) mod mute_proxy;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod raw_server;
pub(crate) mod stop_method;
pub(crate) mod tls_proxy;

// Windows has no signals, no shell with these commands, and no pseudo-terminals without unsafe code.
#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use self::unix::{pty, shell};
