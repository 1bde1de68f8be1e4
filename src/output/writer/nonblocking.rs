//! Writing past the thread, where that cannot block: to wake a thread on another core takes longer than everything else
//! that happens to a line on its way.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;

/// More than this is for the thread, which writes while more is read. A pipe takes so much whole or not at all
/// (`PIPE_BUF`).
const FEW: usize = 4096;

/// A pipe that can be written to without waiting, whatever its reader does; nothing else can.
pub(super) struct NonblockingPipe(Option<OwnedFd>);

impl NonblockingPipe {
    /// Never writes.
    pub(super) fn never() -> Self {
        Self(None)
    }

    /// Writes to a duplicate of `out`, if it is a pipe.
    pub(super) fn to(out: BorrowedFd<'_>) -> Self {
        let is_pipe = fstat(out).is_ok_and(|of| FileType::from_raw_mode(of.st_mode) == FileType::Fifo);
        Self(is_pipe.then(|| out.try_clone_to_owned().ok()).flatten())
    }

    /// Writes what can be written at once, and says how much that was: nothing where it is for the thread, which finds out
    /// what is wrong, too.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        let Some(pipe) = self.0.as_ref().filter(|_| bytes.len() <= FEW) else { return 0 };
        match write_now(pipe, bytes) {
            Ok(length) => length,
            Err(Errno::AGAIN | Errno::INTR | Errno::PIPE) => 0,
            Err(_) => {
                // An older system, which cannot.
                self.0 = None;
                0
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn write_now(pipe: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    /// Where the file is at; a pipe is nowhere else.
    const HERE: u64 = u64::MAX;
    rustix::io::pwritev2(pipe, &[std::io::IoSlice::new(bytes)], HERE, rustix::io::ReadWriteFlags::NOWAIT)
}

#[cfg(not(target_os = "linux"))]
fn write_now(_: &OwnedFd, _: &[u8]) -> Result<usize, Errno> {
    Err(Errno::NOTSUP)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Read, Write, pipe};
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_pipe_takes_little_at_once_and_is_not_waited_for_when_it_is_full() {
        let (mut reader, out) = pipe().unwrap();
        let mut direct = NonblockingPipe::to(out.as_fd());
        assert_eq!(direct.write(b"one\n"), 4);
        assert_eq!(direct.write(&[b'x'; FEW + 1]), 0, "for the thread");
        let mut written = 4;
        while let more @ 1.. = direct.write(&[b'x'; FEW]) {
            written += more;
        }
        let mut read = vec![0; written];
        reader.read_exact(&mut read).unwrap();
        assert_eq!((&read[..4], direct.write(b"two\n")), (&b"one\n"[..], 4));
        drop(reader);
        assert_eq!(direct.write(b"three\n"), 0, "the thread says what that means");
    }

    #[test]
    fn what_is_no_pipe_is_for_the_thread() {
        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(NonblockingPipe::to(file.as_fd()).write(b"one\n"), 0);
        file.write_all(b"two\n").unwrap();
        assert_eq!((file.metadata().unwrap().len(), NonblockingPipe::never().write(b"one\n")), (4, 0));
    }
}
