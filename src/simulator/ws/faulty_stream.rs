//! A TCP stream that can be told to misbehave from outside.
//!
//! HTTP and WebSocket code above it stays ordinary: a peer that dies, falls silent or stops listening is a
//! property of the wire, whoever writes to it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// One accepted connection.
#[derive(Debug)]
pub(crate) struct FaultyStream {
    tcp: TcpStream,
    stream: StreamControl,
}

/// The remote control of a [`FaultyStream`].
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamControl(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    dead: AtomicBool,
    mute: AtomicBool,
    deaf: AtomicBool,
}

impl StreamControl {
    /// The next write fails, and dropping the wire sends RST in place of FIN.
    pub(crate) fn reset(&self) {
        self.0.dead.store(true, Ordering::Relaxed);
    }

    /// From now on writes succeed and go nowhere.
    pub(crate) fn mute(&self) {
        self.0.mute.store(true, Ordering::Relaxed);
    }

    /// From now on nothing is read, so the peer's data piles up in the kernel.
    pub(crate) fn deafen(&self) {
        self.0.deaf.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_mute(&self) -> bool {
        self.0.mute.load(Ordering::Relaxed)
    }

    fn is_dead(&self) -> bool {
        self.0.dead.load(Ordering::Relaxed)
    }

    fn is_deaf(&self) -> bool {
        self.0.deaf.load(Ordering::Relaxed)
    }
}

impl FaultyStream {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        Self { tcp, stream: StreamControl::default() }
    }

    pub(crate) fn stream(&self) -> StreamControl {
        self.stream.clone()
    }
}

impl Drop for FaultyStream {
    fn drop(&mut self) {
        if self.stream.is_dead() {
            // Where this fails the peer sees FIN, and a test that waits for RST says so.
            let _ = self.tcp.set_zero_linger();
        }
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.stream.is_deaf() {
            // Nobody wakes this task for a read again; that is the point.
            return Poll::Pending;
        }
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.stream.is_dead() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.stream.is_mute() {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stream.is_dead() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
