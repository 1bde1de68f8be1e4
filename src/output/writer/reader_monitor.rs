//! Noticing that the reader has gone while there is nothing to write.

use std::future::pending;
use std::io::{self, IsTerminal};
use std::os::fd::{BorrowedFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A watch over the other end of a pipe or socket.
pub(super) struct ReaderMonitor(Option<AsyncFd<OwnedFd>>);

impl ReaderMonitor {
    /// Watches a duplicate of `fd`. A file cannot be watched, and a terminal that goes away sends a signal.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub(super) fn watch(fd: BorrowedFd<'_>) -> Self {
        if fd.is_terminal() {
            return Self(None);
        }
        Self(fd.try_clone_to_owned().and_then(register).ok())
    }

    /// Resolves when nobody can read any more; never for what is not watched. Cancel safe.
    ///
    /// A peer that has merely stopped writing to us, as sshd does when its client's input ends, may still read.
    pub(super) async fn gone(&self) {
        let Some(fd) = &self.0 else { return pending().await };
        // The descriptor is not registered for writability, so of what this asks for only "closed for writing" and
        // errors are ever reported, both for good: waiting costs nothing while the reader lives.
        if fd.ready(Interest::WRITABLE | Interest::ERROR).await.is_err() {
            pending::<()>().await;
        }
    }
}

#[expect(deprecated, reason = "its successor is unsafe for the sake of types that do not own their descriptor")]
fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, Interest::ERROR)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::Shutdown;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use futures_util::FutureExt;
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;

    /// More than anything takes that works.
    const BOUND: Duration = Duration::from_secs(10);

    /// Asks several times, letting the runtime look at its descriptors in between.
    async fn is_gone(hangup: &ReaderMonitor) -> bool {
        for _ in 0..200 {
            if hangup.gone().now_or_never().is_some() {
                return true;
            }
            yield_now().await;
        }
        false
    }

    #[tokio::test]
    async fn a_pipe_is_watched() {
        let (reader, writer) = std::io::pipe().unwrap();
        let hangup = ReaderMonitor::watch(writer.as_fd());
        assert!(!is_gone(&hangup).await);
        drop(reader);
        timeout(BOUND, hangup.gone()).await.unwrap();
    }

    #[tokio::test]
    async fn a_socket_is_gone_when_it_is_closed_and_not_when_it_is_half_closed() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let hangup = ReaderMonitor::watch(ours.as_fd());
        theirs.shutdown(Shutdown::Write).unwrap();
        assert!(!is_gone(&hangup).await);
        drop(theirs);
        timeout(BOUND, hangup.gone()).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_is_not_watched() {
        let file = File::options().write(true).open("/dev/null").unwrap();
        assert!(!is_gone(&ReaderMonitor::watch(file.as_fd())).await);
        assert!(ReaderMonitor::watch(tempfile::tempfile().unwrap().as_fd()).0.is_none());
    }
}
