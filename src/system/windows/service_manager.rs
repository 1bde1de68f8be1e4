//! The notifications of systemd, which Windows does not have.

use std::ffi::OsString;
use std::future::pending;

/// No service manager.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceManager;

/// A watchdog that expects no report.
#[derive(Debug)]
pub(crate) struct Watchdog;

impl ServiceManager {
    /// Returns no service manager.
    pub(crate) fn from_variables(_: &[(OsString, OsString)]) -> Self {
        Self
    }

    /// Does nothing.
    pub(crate) fn report_ready(&self) {}

    /// Does nothing.
    pub(crate) fn report_status(&self, _: &str) {}

    /// Does nothing.
    pub(crate) fn report_stopping(&self) {}

    /// Starts nothing.
    pub(crate) fn start_watchdog(&self) -> Watchdog {
        Watchdog
    }
}

impl Watchdog {
    /// Stays pending. Cancel safe.
    pub(crate) async fn tick(&mut self) {
        pending::<()>().await;
    }
}
