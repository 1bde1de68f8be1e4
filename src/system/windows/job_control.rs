//! Stop signals, which Windows does not have.

use std::future::pending;
use std::io;

/// A stream without signals.
#[derive(Debug)]
pub(crate) struct StopSignals;

impl StopSignals {
    /// Returns a stream without signals.
    pub(crate) fn disabled() -> Self {
        Self
    }

    /// Returns a stream without signals.
    #[expect(clippy::unnecessary_wraps, reason = "other systems may refuse it")]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Stays pending. Cancel safe.
    pub(crate) async fn next(&mut self) {
        pending::<()>().await;
    }
}

/// Does nothing.
pub(crate) fn stop_process() {}
