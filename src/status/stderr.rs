//! Writing to stderr: whole lines, and on a terminal the status line below them.
//!
//! The status line is redrawn in place and has to be cleared before any other output reaches the terminal. A line on
//! stderr clears it; output on stdout does so through [`StderrAwareStdout`]. The status line may be drawn only while no
//! output on stdout is in progress.
//!
//! The cursor stays at the beginning of the status line. A terminal that becomes narrower and wraps the line keeps it
//! there, and a shell finds it there if the process ends without clearing.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::log_line::LineStyle;
use crate::system::stderr::{columns, is_in_foreground, wait_until_writable, write_within};
use crate::system::stream::{AsStream, BorrowedStream};

/// The maximum time that a stalled reader of stderr delays the program.
const LINE_TIMEOUT: Duration = Duration::from_millis(100);

/// Moves the cursor to the beginning of the line and clears everything after it, including the rest of a status line
/// that a narrower terminal has wrapped.
const CLEAR: &str = "\r\x1b[J";

/// The width of a terminal that does not report one.
const DEFAULT_COLUMNS: u16 = 80;

/// The stderr of this process. Clones share its state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stderr(Arc<SharedStderr>);

#[derive(Default)]
struct SharedStderr {
    /// Unset while the status line is disabled.
    style: OnceLock<LineStyle>,
    is_status_line_shown: AtomicBool,
    /// The time of the last line. Locked during each write to stderr.
    last_line: Mutex<Option<Instant>>,
    /// The time of the last output on stdout.
    last_output: Mutex<Option<Instant>>,
    /// Stdout is a terminal, which is assumed to be that of stderr.
    is_stdout_terminal: AtomicBool,
    /// Wakes the task that shows the status line.
    update_request: Notify,
}

impl Stderr {
    /// Writes one or more lines, given with their line breaks.
    ///
    /// Ignores a closed stderr, and drops the line if a stalled reader would delay pings and signals. A line of usual
    /// length is one write, so that lines of several processes do not mix.
    pub(crate) fn write_line(&self, line: &str) {
        let mut last_line = self.lock();
        *last_line = Some(Instant::now());
        let clear = if self.is_status_line_shown() && is_in_foreground() { CLEAR } else { "" };
        if write_within(&format!("{clear}{line}"), LINE_TIMEOUT) {
            self.0.is_status_line_shown.store(false, Ordering::Release);
        }
    }

    /// Returns the time of the last line, other than the status line.
    pub(crate) fn last_line(&self) -> Option<Instant> {
        *self.lock()
    }

    /// Returns the time of the last output on stdout. It is recorded only while the status line is enabled.
    pub(crate) fn last_output(&self) -> Option<Instant> {
        *lock(&self.0.last_output)
    }

    /// Records the time of output that does not go to stdout.
    pub(crate) fn on_output(&self) {
        if self.is_status_line_enabled() {
            *lock(&self.0.last_output) = Some(Instant::now());
        }
    }

    /// Enables the status line. Stderr must be a terminal that can move its cursor.
    pub(crate) fn enable_status_line(&self, style: LineStyle) {
        // A second run in this process finds it enabled.
        let _ = self.0.style.set(style);
    }

    pub(crate) fn is_status_line_enabled(&self) -> bool {
        self.0.style.get().is_some()
    }

    /// Returns whether output and status line go to the same terminal.
    pub(crate) fn shares_terminal(&self) -> bool {
        self.0.is_stdout_terminal.load(Ordering::Relaxed)
    }

    /// Asks for an update of the status line before the next regular one.
    pub(crate) fn request_update(&self) {
        self.0.update_request.notify_one();
    }

    /// Waits for a request to update the status line. Cancel safe.
    pub(crate) async fn update_requested(&self) {
        self.0.update_request.notified().await;
    }

    /// Draws the status line with this ASCII text in place of an earlier one. Does nothing if the process is in the
    /// background or the terminal would block.
    pub(crate) fn show_status_line(&self, text: &str) {
        let Some(style) = self.0.style.get() else { return };
        let _lock = self.lock();
        let status_line = render_status_line(text, columns().unwrap_or(DEFAULT_COLUMNS), *style);
        let is_drawn = is_in_foreground() && write_within(&status_line, Duration::ZERO);
        self.0.is_status_line_shown.fetch_or(is_drawn, Ordering::Release);
    }

    /// Clears the status line if one is shown, unless the terminal would block.
    pub(crate) fn clear_status_line(&self) {
        if !self.is_status_line_shown() {
            return;
        }
        let _lock = self.lock();
        // After a stop by Ctrl-Z the process may be in the background; the shell has overwritten the status line then.
        // Checked again under the lock: another thread may have cleared it, and other output may stand in its place.
        if self.is_status_line_shown() && (!is_in_foreground() || write_within(CLEAR, Duration::ZERO)) {
            self.0.is_status_line_shown.store(false, Ordering::Release);
        }
    }

    /// Runs `stop`, which stops the process until it is continued, without a status line on the terminal.
    pub(crate) fn suspend(&self, stop: impl FnOnce()) {
        self.clear_status_line();
        stop();
        self.request_update();
    }

    /// Clears the status line and waits for a blocking terminal.
    fn wait_until_cleared(&self) {
        while self.is_status_line_shown() {
            // Waits without the lock: a blocked terminal must not stop the other threads.
            wait_until_writable();
            self.clear_status_line();
        }
    }

    fn is_status_line_shown(&self) -> bool {
        self.0.is_status_line_shown.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        lock(&self.0.last_line)
    }
}

impl fmt::Debug for SharedStderr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stderr").field("style", &self.style).finish_non_exhaustive()
    }
}

/// A stdout that clears the status line before each write. While the status line is disabled, that costs one check.
pub(crate) struct StderrAwareStdout<W> {
    out: W,
    stderr: Stderr,
    is_terminal: bool,
}

impl<W: AsStream> StderrAwareStdout<W> {
    pub(crate) fn new(out: W, stderr: &Stderr) -> Self {
        let is_terminal = out.as_stream().is_terminal();
        stderr.0.is_stdout_terminal.store(is_terminal, Ordering::Relaxed);
        Self { out, stderr: stderr.clone(), is_terminal }
    }
}

impl<W: Write> Write for StderrAwareStdout<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stderr.is_status_line_enabled() {
            if self.is_terminal {
                self.stderr.wait_until_cleared();
            }
            *lock(&self.stderr.0.last_output) = Some(Instant::now());
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: AsStream> AsStream for StderrAwareStdout<W> {
    fn as_stream(&self) -> BorrowedStream<'_> {
        self.out.as_stream()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the bytes that draw the status line over an earlier one. The last column stays free, because some terminals
/// move the cursor to the next line behind it.
fn render_status_line(text: &str, columns: u16, style: LineStyle) -> String {
    let text = text.get(..usize::from(columns).saturating_sub(1)).unwrap_or(text);
    if style.is_colored { format!("\r\x1b[2m{text}\x1b[0m\x1b[J\r") } else { format!("\r{text}\x1b[J\r") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_narrower_than_the_terminal_and_returns_the_cursor() {
        let (plain, dim) = (LineStyle::default(), LineStyle { is_colored: true, ..LineStyle::default() });
        assert_eq!(render_status_line("alive", 80, plain), "\ralive\x1b[J\r");
        assert_eq!(render_status_line("alive", 6, plain), "\ralive\x1b[J\r");
        assert_eq!(render_status_line("alive", 5, plain), "\raliv\x1b[J\r");
        assert_eq!(render_status_line("alive", 0, dim), "\r\x1b[2m\x1b[0m\x1b[J\r");
    }

    #[test]
    fn a_disabled_status_line_is_never_drawn() {
        let stderr = Stderr::default();
        stderr.show_status_line("alive");
        stderr.clear_status_line();
        assert!(!stderr.is_status_line_enabled() && !stderr.is_status_line_shown());
    }
}
