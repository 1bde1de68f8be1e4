//! Standard error: whole lines, and below them, on a terminal, one that is rewritten in place: the foot.
//!
//! The foot is gone before anything else is written to that terminal. Lines on standard error see to that themselves;
//! those on standard output do when they go through `Above`. What draws the foot has to make sure that none of those is
//! under way. The cursor rests at the foot's beginning: there a terminal keeps it when it becomes narrower and breaks
//! the foot, and there a shell finds it if nobody comes to wipe.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{tcgetpgrp, tcgetwinsize};
use tokio::time::Instant;

use crate::config::StatusLineStyle;

/// A pipe that is writable takes so many bytes without blocking (`PIPE_BUF`).
const ATOMIC: usize = 4096;

/// How long a reader of standard error may hold up everything else.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

const NO_PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// To the beginning of the line, and everything from there on is gone; also what a narrower terminal has broken off.
const WIPE: &str = "\r\x1b[J";

/// The width of a terminal that does not tell.
const USUAL_COLUMNS: u16 = 80;

/// Standard error of this process. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stderr(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Without one there is never a foot.
    look: OnceLock<StatusLineStyle>,
    has_foot: AtomicBool,
    /// When the last line was written. Held while something is.
    turn: Mutex<Option<Instant>>,
    /// When something was written to standard output last.
    output: Mutex<Option<Instant>>,
}

impl Stderr {
    /// Writes a line, or several, with their line breaks.
    ///
    /// A reader that went away is no reason to stop the tail, and one that stalls is none to hold up pings and signals:
    /// after a moment the line is dropped. An ordinary line is one write, so that lines of several processes do not mix.
    pub(crate) fn line(&self, line: &str) {
        let mut turn = self.turn();
        *turn = Some(Instant::now());
        let mut stderr = io::stderr().lock();
        let wiping = if self.has_foot() && is_in_foreground(&stderr) { WIPE } else { "" };
        if write(&mut stderr, &format!("{wiping}{line}"), &PATIENCE) {
            self.0.has_foot.store(false, Ordering::Release);
        }
    }

    /// When something was written last, the foot apart.
    pub(crate) fn last_line(&self) -> Option<Instant> {
        *self.turn()
    }

    /// When something was written last to the output that stands above, which is looked at only where there may be a foot.
    pub(crate) fn last_output(&self) -> Option<Instant> {
        *lock(&self.0.output)
    }

    /// From now on there may be a foot: standard error is a terminal that can move its cursor.
    pub(crate) fn allow_foot(&self, look: StatusLineStyle) {
        // The second of two runs in one process finds it allowed.
        let _ = self.0.look.set(look);
    }

    /// Whether there may be a foot.
    pub(crate) fn may_have_foot(&self) -> bool {
        self.0.look.get().is_some()
    }

    /// Puts `text`, which is ASCII, at the foot of the terminal, instead of what is there. Not if that would disturb
    /// a shell or a program in the foreground, or take time.
    pub(crate) fn foot(&self, text: &str) {
        let Some(look) = self.0.look.get() else { return };
        let _turn = self.turn();
        let mut stderr = io::stderr().lock();
        let foot = foot(text, columns(&stderr), *look);
        let drawn = is_in_foreground(&stderr) && write(&mut stderr, &foot, &NO_PATIENCE);
        self.0.has_foot.fetch_or(drawn, Ordering::Release);
    }

    /// Wipes the foot, if there is one, unless that would take time.
    pub(crate) fn wipe(&self) {
        if !self.has_foot() {
            return;
        }
        let _turn = self.turn();
        let mut stderr = io::stderr().lock();
        // Who was stopped, and is in the background now, has lost it to what the shell has written since.
        if self.has_foot() && (!is_in_foreground(&stderr) || write(&mut stderr, WIPE, &NO_PATIENCE)) {
            self.0.has_foot.store(false, Ordering::Release);
        }
    }

    /// The same, however long that takes.
    fn make_way(&self) {
        while self.has_foot() {
            // Waited for in no one's way: whoever has the turn must not be held up by a terminal that is.
            let _ = poll(&mut [PollFd::new(&io::stderr(), PollFlags::OUT)], None);
            self.wipe();
        }
    }

    fn has_foot(&self) -> bool {
        self.0.has_foot.load(Ordering::Acquire)
    }

    fn turn(&self) -> MutexGuard<'_, Option<Instant>> {
        lock(&self.0.turn)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stderr").field("look", &self.look).finish_non_exhaustive()
    }
}

/// An output that is written to only when there is no foot in the way. Where there may be none that costs a glance.
pub(crate) struct Above<W> {
    out: W,
    foot: Stderr,
    /// Whether the foot would be in the way.
    on_terminal: bool,
}

impl<W: AsFd> Above<W> {
    /// `out`, which has the foot in its way only if it is a terminal as well.
    pub(crate) fn new(out: W, stderr: &Stderr) -> Self {
        let on_terminal = out.as_fd().is_terminal();
        Self { out, foot: stderr.clone(), on_terminal }
    }
}

impl<W: Write> Write for Above<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.foot.may_have_foot() {
            if self.on_terminal {
                self.foot.make_way();
            }
            *lock(&self.foot.0.output) = Some(Instant::now());
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: AsFd> AsFd for Above<W> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.out.as_fd()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether nobody else is behind standard output who may write to the same terminal, as `| grep` and `| less` do.
pub(crate) fn ends_here(stdout: &std::fs::File) -> bool {
    stdout.metadata().is_ok_and(|of| !of.file_type().is_fifo() && !of.file_type().is_socket())
}

/// Whether the terminal takes everything without keeping us waiting longer than that, or is gone.
fn write(out: &mut (impl Write + AsFd), text: &str, patience: &Timespec) -> bool {
    for piece in text.as_bytes().chunks(ATOMIC) {
        let mut writable = [PollFd::new(out, PollFlags::OUT)];
        if !matches!(poll(&mut writable, Some(patience)), Ok(1..)) {
            return false;
        }
        if out.write_all(piece).is_err() {
            return true;
        }
    }
    true
}

/// Otherwise the terminal is a shell's, which has its prompt where the foot would be.
fn is_in_foreground(terminal: &impl AsFd) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp())
}

fn columns(terminal: &impl AsFd) -> u16 {
    let told = tcgetwinsize(terminal).map_or(0, |size| size.ws_col);
    if told == 0 { USUAL_COLUMNS } else { told }
}

/// What draws this text in place of an earlier one. The last column stays free: a cursor behind it is on the next line
/// in some terminals.
fn foot(text: &str, columns: u16, look: StatusLineStyle) -> String {
    let text = text.get(..usize::from(columns).saturating_sub(1)).unwrap_or(text);
    match look {
        StatusLineStyle::Plain => format!("\r{text}\x1b[J\r"),
        StatusLineStyle::Dim => format!("\r\x1b[2m{text}\x1b[0m\x1b[J\r"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foot_is_shorter_than_the_terminal_is_wide_and_ends_where_it_begins() {
        assert_eq!(foot("alive", 80, StatusLineStyle::Plain), "\ralive\x1b[J\r");
        assert_eq!(foot("alive", 6, StatusLineStyle::Plain), "\ralive\x1b[J\r");
        assert_eq!(foot("alive", 5, StatusLineStyle::Plain), "\raliv\x1b[J\r");
        assert_eq!(foot("alive", 0, StatusLineStyle::Dim), "\r\x1b[2m\x1b[0m\x1b[J\r");
    }

    #[test]
    fn a_foot_is_for_terminals_and_files_not_for_what_others_read() {
        let (_reader, writer) = std::io::pipe().unwrap();
        assert!(!ends_here(&std::os::fd::OwnedFd::from(writer).into()));
        let (socket, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(!ends_here(&std::os::fd::OwnedFd::from(socket).into()));
        assert!(ends_here(&tempfile::tempfile().unwrap()));
        assert!(ends_here(&std::fs::File::options().write(true).open("/dev/null").unwrap()));
    }

    #[test]
    fn where_none_is_allowed_there_is_none() {
        let stderr = Stderr::default();
        stderr.foot("alive");
        stderr.wipe();
        assert!(!stderr.may_have_foot() && !stderr.has_foot());
    }
}
