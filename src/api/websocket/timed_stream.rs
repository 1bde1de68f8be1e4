//! A stream that keeps the time of the last byte received: a large message may take longer than the idle timeout (CONN-30).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// A stream, and the time of the last byte received from it that can belong to a message.
#[derive(Debug)]
pub(super) struct TimedStream<T> {
    stream: T,
    received_at: Instant,
    /// The number of bytes since the last message.
    received: usize,
    /// The maximum size of a message. A server may send an endless one, whose further bytes do not count.
    max_message: usize,
}

impl<T> TimedStream<T> {
    /// Wraps a stream that has been opened just now.
    pub(super) fn new(stream: T, max_message: usize) -> Self {
        Self { stream, received_at: Instant::now(), received: 0, max_message }
    }

    /// Records that a message is complete.
    pub(super) fn message_completed(&mut self) {
        self.received = 0;
    }

    /// Returns the time of the last byte that counts.
    pub(super) fn received_at(&self) -> Instant {
        self.received_at
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for TimedStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        let count = buffer.filled().len() - filled;
        self.received = self.received.saturating_add(count);
        if count > 0 && self.received <= self.max_message {
            self.received_at = Instant::now();
        }
        result
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for TimedStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
