//! The memory of the running program.

use std::time::Duration;

use super::program::{Finished, Running};

/// Returns the peak memory of a process so far, in MiB. It is measured on Linux; on other systems it is 0.
#[cfg(target_os = "linux")]
pub(crate) fn peak_memory_mib(process: Option<u32>) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process?)).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kib| kib / 1024)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn peak_memory_mib(_: Option<u32>) -> Option<usize> {
    Some(0)
}

impl Running {
    /// Does what [`Running::finish`] does. Returns the peak memory in MiB too.
    pub(crate) async fn finish_measured(self) -> (Finished, usize) {
        let (process, mut peak) = (self.child.id(), 0);
        let measuring = async {
            loop {
                peak = peak.max(peak_memory_mib(process).unwrap_or(0));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let finished = tokio::select! {
            finished = self.finish() => finished,
            () = measuring => unreachable!("the measurement has no end"),
        };
        (finished, peak)
    }
}
