//! Shared parts of the tests of the built binary.

pub(crate) mod mute_proxy;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod pty;
pub(crate) mod raw_server;
pub(crate) mod shell;
pub(crate) mod tls_proxy;
