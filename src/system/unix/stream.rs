//! File descriptors.

use std::io;
use std::os::fd::AsFd;
pub use std::os::fd::BorrowedFd as BorrowedStream;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::system::stream::AsStream;

impl<T: AsFd> AsStream for T {
    fn as_stream(&self) -> BorrowedStream<'_> {
        self.as_fd()
    }
}

/// Waits for a non-blocking output. ssh and node share theirs with us, and its flags are not ours to change.
pub(crate) fn wait_until_writable(out: BorrowedStream<'_>) -> io::Result<()> {
    match poll(&mut [PollFd::new(&out, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
