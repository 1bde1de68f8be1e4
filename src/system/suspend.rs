//! Whether the machine has slept, and a connection with it.

use std::time::Duration;

/// A shorter sleep leaves the connection as it was.
const SHORTEST_NAP: Duration = Duration::from_secs(10);

/// Tells a sleep of the machine from an ordinary wait: the clock that goes on while it sleeps runs ahead of the one that
/// stands still.
#[derive(Debug, Clone)]
pub(crate) struct SuspendDetector {
    asleep: fn() -> Duration,
    before: Duration,
}

impl SuspendDetector {
    /// Watches from now on. `asleep` tells how long the machine has slept in all.
    pub(crate) fn start(asleep: fn() -> Duration) -> Self {
        Self { asleep, before: asleep() }
    }

    /// How long the machine has slept since then, in all.
    pub(crate) fn total(&self) -> Duration {
        (self.asleep)().saturating_sub(self.before)
    }

    /// The same when that was long enough to matter to a connection.
    pub(crate) fn slept(&self) -> Option<Duration> {
        let slept = self.total();
        (slept >= SHORTEST_NAP).then(|| Duration::from_secs(slept.as_secs()))
    }
}

/// How long this machine has slept since it was started.
#[cfg(target_os = "linux")]
pub(crate) fn time_asleep() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    read(ClockId::Boottime).saturating_sub(read(ClockId::Monotonic))
}

/// Elsewhere the wall clock stands in for the one that goes on.
#[cfg(not(target_os = "linux"))]
pub(crate) fn time_asleep() -> Duration {
    use std::sync::LazyLock;
    #[expect(clippy::disallowed_types, reason = "a paused clock would take every test for a sleeping machine")]
    static START: LazyLock<(std::time::SystemTime, std::time::Instant)> =
        LazyLock::new(|| (std::time::SystemTime::now(), std::time::Instant::now()));
    START.0.elapsed().unwrap_or_default().saturating_sub(START.1.elapsed())
}
