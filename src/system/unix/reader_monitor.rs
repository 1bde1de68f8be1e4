//! Detects that the reader closed the output while there is nothing to write (OUT-43).

use std::future::pending;
use std::io::{self, IsTerminal};
use std::os::fd::{BorrowedFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The monitor of the other end of a pipe or socket.
pub(crate) struct ReaderMonitor(Option<AsyncFd<OwnedFd>>);

impl ReaderMonitor {
    /// Monitors a duplicate of `fd`. Files are not monitored, nor are terminals: a closed terminal sends a signal.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub(crate) fn new(fd: BorrowedFd<'_>) -> Self {
        if fd.is_terminal() {
            return Self(None);
        }
        Self(fd.try_clone_to_owned().and_then(register).ok())
    }

    /// Monitors nothing.
    pub(crate) fn disabled() -> Self {
        Self(None)
    }

    /// Waits until the reader has closed its end. Stays pending for an output that is not monitored. Cancel safe.
    ///
    /// A peer that only stopped writing to us may still read. sshd does so when the input of its client ends.
    pub(crate) async fn closed(&self) {
        let Some(fd) = &self.0 else { return pending().await };
        // The descriptor is not registered for writability. Of the requested events, only "closed for writing" and errors
        // are therefore reported, both of them final. Waiting costs nothing while the reader is alive.
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

    /// A limit that only a failure reaches.
    const TIMEOUT: Duration = Duration::from_secs(10);

    /// Polls repeatedly. The runtime checks its descriptors in between.
    async fn is_closed(monitor: &ReaderMonitor) -> bool {
        for _ in 0..200 {
            if monitor.closed().now_or_never().is_some() {
                return true;
            }
            yield_now().await;
        }
        false
    }

    #[tokio::test]
    async fn a_closed_pipe_is_detected() {
        let (reader, writer) = std::io::pipe().unwrap();
        let monitor = ReaderMonitor::new(writer.as_fd());
        assert!(!is_closed(&monitor).await);
        drop(reader);
        timeout(TIMEOUT, monitor.closed()).await.unwrap();
    }

    #[tokio::test]
    async fn a_half_closed_socket_is_open_and_a_closed_one_is_detected() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let monitor = ReaderMonitor::new(ours.as_fd());
        theirs.shutdown(Shutdown::Write).unwrap();
        assert!(!is_closed(&monitor).await);
        drop(theirs);
        timeout(TIMEOUT, monitor.closed()).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_is_not_monitored() {
        let file = File::options().write(true).open("/dev/null").unwrap();
        assert!(!is_closed(&ReaderMonitor::new(file.as_fd())).await);
        assert!(ReaderMonitor::new(tempfile::tempfile().unwrap().as_fd()).0.is_none());
    }
}
