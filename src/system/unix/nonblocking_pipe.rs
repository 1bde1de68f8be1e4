//! Non-blocking writes by the producer itself: to wake a thread on another core takes longer than everything else that
//! happens to a line.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;

/// The maximum size of a write. A pipe accepts this much as a whole or not at all (`PIPE_BUF`). More is left to the
/// thread, which writes while the producer reads on.
const MAX_BYTES: usize = 4096;

/// A pipe that accepts writes without blocking. Every other output is left to the thread.
pub(crate) struct NonblockingPipe(Option<OwnedFd>);

impl NonblockingPipe {
    /// Leaves all writes to the thread.
    pub(crate) fn disabled() -> Self {
        Self(None)
    }

    /// Writes to a duplicate of `out` if it is a pipe.
    pub(crate) fn new(out: BorrowedFd<'_>) -> Self {
        let is_pipe = fstat(out).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
        Self(is_pipe.then(|| out.try_clone_to_owned().ok()).flatten())
    }

    /// Writes as much as the pipe accepts at once, and returns the number of bytes. Returns 0 if the thread has to write,
    /// also on an error: the thread meets the same error and reports it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let Some(pipe) = self.0.as_ref().filter(|_| bytes.len() <= MAX_BYTES) else { return 0 };
        match try_write(pipe, bytes) {
            Ok(length) => length,
            Err(Errno::AGAIN | Errno::INTR | Errno::PIPE) => 0,
            Err(_) => {
                // The kernel is too old for RWF_NOWAIT on pipes.
                self.0 = None;
                0
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn try_write(pipe: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    /// The current position, the only one that a pipe has.
    const CURRENT_POSITION: u64 = u64::MAX;
    let buffers = [std::io::IoSlice::new(bytes)];
    rustix::io::pwritev2(pipe, &buffers, CURRENT_POSITION, rustix::io::ReadWriteFlags::NOWAIT)
}

#[cfg(not(target_os = "linux"))]
fn try_write(_: &OwnedFd, _: &[u8]) -> Result<usize, Errno> {
    Err(Errno::NOTSUP)
}

#[cfg(test)]
// Only Linux has a write to a pipe that does not wait.
#[cfg(target_os = "linux")]
mod tests {
    use std::io::{Read, Write, pipe};
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_small_write_to_a_pipe_with_space_is_done_at_once() {
        let (mut reader, out) = pipe().unwrap();
        let mut pipe = NonblockingPipe::new(out.as_fd());
        assert_eq!(pipe.write(b"one\n"), 4);
        assert_eq!(pipe.write(&[b'x'; MAX_BYTES + 1]), 0, "left to the thread");
        let mut read = [0; 4];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"one\n");
        drop(reader);
        assert_eq!(pipe.write(b"two\n"), 0, "the thread reports the error");
    }

    #[test]
    fn a_full_pipe_accepts_nothing_and_does_not_block() {
        let (mut reader, out) = pipe().unwrap();
        let mut pipe = NonblockingPipe::new(out.as_fd());
        let mut written = 0;
        while let more @ 1.. = pipe.write(&[b'x'; MAX_BYTES]) {
            written += more;
        }
        reader.read_exact(&mut vec![0; written]).unwrap();
        assert_eq!(pipe.write(b"one\n"), 4);
    }

    #[test]
    fn other_outputs_than_pipes_are_left_to_the_thread() {
        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(NonblockingPipe::new(file.as_fd()).write(b"one\n"), 0);
        file.write_all(b"two\n").unwrap();
        assert_eq!((file.metadata().unwrap().len(), NonblockingPipe::disabled().write(b"one\n")), (4, 0));
    }
}
