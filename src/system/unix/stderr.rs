//! Writes to standard error that do not block for long.

use std::io::{self, Write};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::tcgetwinsize;

use super::job_control;

/// The number of bytes that a writable pipe takes without blocking (`PIPE_BUF`).
const MAX_ATOMIC_WRITE: usize = 4096;

/// Returns whether escape sequences work in the terminal behind standard error. The variable `TERM` tells more.
pub(crate) fn enable_escape_sequences() -> bool {
    true
}

/// Writes the text unless the terminal blocks for longer than `timeout`. Returns `false` if it does, and `true` if the
/// text is written or the terminal is gone.
pub(crate) fn write_within(text: &str, timeout: Duration) -> bool {
    let mut stderr = io::stderr().lock();
    let timeout = Timespec::try_from(timeout).ok();
    for chunk in text.as_bytes().chunks(MAX_ATOMIC_WRITE) {
        let mut writable = [PollFd::new(&stderr, PollFlags::OUT)];
        if !matches!(poll(&mut writable, timeout.as_ref()), Ok(1..)) {
            return false;
        }
        if stderr.write_all(chunk).is_err() {
            return true;
        }
    }
    true
}

/// Waits until the terminal accepts text.
pub(crate) fn wait_until_writable() {
    let _ = poll(&mut [PollFd::new(&io::stderr(), PollFlags::OUT)], None);
}

/// Returns whether this process has the terminal. In the background the shell has its prompt there.
pub(crate) fn is_in_foreground() -> bool {
    job_control::is_in_foreground(&io::stderr())
}

/// Returns the width of the terminal, if it reports one.
pub(crate) fn columns() -> Option<u16> {
    tcgetwinsize(io::stderr()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}
