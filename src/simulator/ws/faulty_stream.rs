//! A TCP stream that can be reset, muted or stalled from outside.
//!
//! HTTP and WebSocket code above it stays ordinary: a server that dies, falls silent or stops reading is a property of
//! the stream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// An accepted connection.
#[derive(Debug)]
pub(crate) struct FaultyStream {
    tcp: TcpStream,
    control: StreamControl,
}

/// The remote control of a [`FaultyStream`].
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamControl(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    reset: AtomicBool,
    muted: AtomicBool,
    stalled: AtomicBool,
}

impl StreamControl {
    /// Lets the next write fail, and the stream end with RST instead of FIN.
    pub(crate) fn reset(&self) {
        self.0.reset.store(true, Ordering::Relaxed);
    }

    /// Discards all later writes, which succeed.
    pub(crate) fn mute(&self) {
        self.0.muted.store(true, Ordering::Relaxed);
    }

    /// Stops reading, so that the client's data stays in the kernel's buffers.
    pub(crate) fn stall(&self) {
        self.0.stalled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_muted(&self) -> bool {
        self.0.muted.load(Ordering::Relaxed)
    }

    fn is_reset(&self) -> bool {
        self.0.reset.load(Ordering::Relaxed)
    }

    fn is_stalled(&self) -> bool {
        self.0.stalled.load(Ordering::Relaxed)
    }
}

impl FaultyStream {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        Self { tcp, control: StreamControl::default() }
    }

    pub(crate) fn control(&self) -> StreamControl {
        self.control.clone()
    }
}

impl Drop for FaultyStream {
    fn drop(&mut self) {
        if self.control.is_reset() {
            // If this fails, the client sees FIN, and the test that expects RST fails.
            let _ = self.tcp.set_zero_linger();
        }
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.control.is_stalled() {
            // No waker is registered: the task must never read again.
            return Poll::Pending;
        }
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.control.is_reset() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.control.is_muted() {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.control.is_reset() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
