//! The time for which the machine was suspended.

use std::time::Duration;

/// Returns the suspended time since boot: `CLOCK_BOOTTIME` counts it, `CLOCK_MONOTONIC` does not.
#[cfg(target_os = "linux")]
pub(crate) fn time_suspended() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    read(ClockId::Boottime).saturating_sub(read(ClockId::Monotonic))
}

/// Returns the suspended time since the first call, by the wall clock.
#[cfg(not(target_os = "linux"))]
pub(crate) fn time_suspended() -> Duration {
    use std::sync::LazyLock;
    #[expect(clippy::disallowed_types, reason = "with a paused clock of tokio every test would look suspended")]
    static START: LazyLock<(std::time::SystemTime, std::time::Instant)> =
        LazyLock::new(|| (std::time::SystemTime::now(), std::time::Instant::now()));
    START.0.elapsed().unwrap_or_default().saturating_sub(START.1.elapsed())
}
