//! Detection of a suspend of the machine, which breaks its connections without notice.

use std::time::Duration;

pub(crate) use super::platform::clock::time_suspended;

/// The shortest suspend that is reported. Connections survive a shorter one.
const MIN_SUSPEND: Duration = Duration::from_secs(10);

/// Measures the time for which the machine was suspended.
#[derive(Debug, Clone)]
pub(crate) struct SuspendDetector {
    total_suspended: fn() -> Duration,
    at_start: Duration,
}

impl SuspendDetector {
    /// Starts a detector. `total_suspended` returns the suspended time since boot; [`time_suspended`] outside of tests.
    pub(crate) fn start(total_suspended: fn() -> Duration) -> Self {
        Self { total_suspended, at_start: total_suspended() }
    }

    /// Returns the suspended time since the start.
    pub(crate) fn suspended(&self) -> Duration {
        (self.total_suspended)().saturating_sub(self.at_start)
    }

    /// Returns the suspended time since the start in whole seconds, if it is long enough to break a connection.
    pub(crate) fn long_suspend(&self) -> Option<Duration> {
        let suspended = self.suspended();
        (suspended >= MIN_SUSPEND).then(|| Duration::from_secs(suspended.as_secs()))
    }
}
