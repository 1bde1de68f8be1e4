//! Ctrl-Z: the signal SIGTSTP of a terminal, and the stop that it demands.

use std::io;

use rustix::process::{Pid, getpgid, getpgrp, getppid, getsid};
use signal_hook::consts::SIGTSTP;
use tokio::signal::unix::{self, SignalKind};

use super::signals::is_ignored;

/// A stream of the stop signals that this process receives. A signal that is ignored at the start stays ignored.
#[derive(Debug)]
pub(crate) struct StopSignals(Option<unix::Signal>);

impl StopSignals {
    /// Returns a stream without signals, which leaves them their default action.
    pub(crate) fn disabled() -> Self {
        Self(None)
    }

    /// Replaces the default action of the signal by this stream. The receiver calls [`stop_process`].
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system does not allow it.
    pub(crate) fn listen() -> io::Result<Self> {
        let kind = SignalKind::from_raw(SIGTSTP);
        if is_ignored(kind) { Ok(Self::disabled()) } else { unix::signal(kind).map(Some).map(Self) }
    }

    /// Waits for the next signal. Cancel safe.
    pub(crate) async fn next(&mut self) {
        super::signals::recv(&mut self.0).await;
    }
}

/// Stops this process until it is continued, as the default action of SIGTSTP does. The kernel takes that action only in a
/// session with a shell that can continue the process.
pub(crate) fn stop_process() {
    if has_job_control() {
        let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
    }
}

/// Returns whether an ancestor in this session belongs to another process group: such a shell can continue the process.
/// Without one, the group is orphaned (POSIX).
fn has_job_control() -> bool {
    let (Ok(session), group) = (getsid(None), getpgrp()) else { return false };
    let mut ancestor = getppid();
    while let Some(process) = ancestor {
        match (getsid(Some(process)), getpgid(Some(process))) {
            (Ok(other), Ok(_)) if other != session => return false,
            (Ok(_), Ok(other)) if other != group => return true,
            (Ok(_), Ok(_)) => ancestor = parent(process),
            _ => return false,
        }
    }
    false
}

/// Returns the parent of a process; `None` without `/proc`.
fn parent(process: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, in parentheses, may contain anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    Pid::from_raw(after_name.split_whitespace().nth(1)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use rustix::process::getpid;

    use super::*;

    #[test]
    fn the_parent_of_this_process_is_read_from_proc() {
        assert_eq!(parent(getpid()), getppid());
    }
}
