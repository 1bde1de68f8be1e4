//! A TCP stream that can be reset, muted, stalled or silenced from outside.
//!
//! HTTP and WebSocket code above it stays ordinary: a server that dies, falls silent or stops reading is a property of
//! the stream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The size of the pieces in which data without a receiver is read.
const DISCARD_BUFFER: usize = 4 << 10;

/// An accepted connection.
#[derive(Debug)]
pub(crate) struct FaultyStream {
    tcp: TcpStream,
    control: StreamControl,
}

/// The remote control of a [`FaultyStream`].
#[derive(Debug, Clone)]
pub(crate) struct StreamControl(Arc<Connection>);

/// The network that all connections share: the number of times that it lost all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network(Arc<AtomicU64>);

#[derive(Debug)]
struct Connection {
    reset: AtomicBool,
    muted: AtomicBool,
    stalled: AtomicBool,
    network: Network,
    /// The number of losses before the connection was accepted.
    earlier_losses: u64,
}

impl Network {
    fn losses(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl StreamControl {
    fn new(network: Network) -> Self {
        let flag = || AtomicBool::new(false);
        let earlier_losses = network.losses();
        Self(Arc::new(Connection { reset: flag(), muted: flag(), stalled: flag(), network, earlier_losses }))
    }

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

    /// Discards all later data of every open connection, in both directions. Only the client can end them.
    pub(crate) fn silence_all(&self) {
        // The sockets that receive one broadcast fault lose the network once.
        if !self.is_lost() {
            self.0.network.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_muted(&self) -> bool {
        self.0.muted.load(Ordering::Relaxed) || self.is_lost()
    }

    /// Returns whether the network lost this connection.
    fn is_lost(&self) -> bool {
        self.0.network.losses() > self.0.earlier_losses
    }

    fn is_reset(&self) -> bool {
        self.0.reset.load(Ordering::Relaxed)
    }

    fn is_stalled(&self) -> bool {
        self.0.stalled.load(Ordering::Relaxed)
    }
}

impl FaultyStream {
    pub(crate) fn new(tcp: TcpStream, network: Network) -> Self {
        // Without this option only latency suffers; a closed socket fails at its first read.
        let _ = tcp.set_nodelay(true);
        Self { tcp, control: StreamControl::new(network) }
    }

    pub(crate) fn control(&self) -> StreamControl {
        self.control.clone()
    }

    /// Reads and discards the client's data. Returns when the client has ended the connection.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut data = [0; DISCARD_BUFFER];
        loop {
            let mut buffer = ReadBuf::new(&mut data);
            ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
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
        if self.control.is_lost() {
            return self.poll_discard(cx);
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
        if self.control.is_lost() {
            return self.poll_discard(cx);
        }
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
