//! A WebSocket connection: keep-alive pings, idle timeout, suspend detection, and limits on memory.

mod handshake;
mod timed_stream;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use self::timed_stream::TimedStream;
use super::http_error::innermost;
use crate::config::SocketLimits;
use crate::event::RawFrame;
use crate::system::last_activity::LastActivity;
use crate::system::suspend::SuspendDetector;

pub(crate) use self::handshake::{HandshakeError, Upgraded, open, to_http_scheme};

/// The maximum size of the write buffer: a server that sends pings and reads no pongs cannot make it grow further.
const WRITE_BUFFER: usize = 64 * 1024;

/// The interval of the checks for a suspend of the machine.
const SUSPEND_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The limit for sending a close frame, and again for reading what the server still sends.
const CLOSE_FRAME_TIMEOUT: Duration = Duration::from_secs(1);

/// The close code for the normal end of a connection.
pub(crate) const CLOSE_NORMAL: CloseCode = CloseCode::Normal;

/// The reason why a socket has ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CloseReason {
    /// The server sent a close frame. Code 1005 stands for a close frame without a code.
    #[error("connection lost: closed by the server with {code}{}", parenthesized(.reason))]
    Closed { code: u16, reason: String },
    /// The connection ended without a close frame (1006).
    #[error("connection lost: {0} (1006)")]
    ConnectionLost(String),
    /// No data came for the idle timeout.
    #[error("connection lost: no data for {}", humantime::format_duration(*.0))]
    IdleTimeout(Duration),
    /// The machine was suspended, for long enough that the server has given up the connection.
    #[error("connection lost: system suspended for {}", humantime::format_duration(*.0))]
    Suspended(Duration),
    /// A message exceeds the limit (closed with 1009).
    #[error("connection lost: message above --max-frame-size (1009)")]
    MessageTooBig,
    /// A text frame is not UTF-8 (closed with 1007).
    #[error("connection lost: text frame with invalid UTF-8 (1007)")]
    InvalidUtf8,
    /// The server violates the WebSocket protocol (closed with 1002).
    #[error("connection lost: WebSocket protocol violation: {0} (1002)")]
    ProtocolError(String),
}

/// A data frame as received.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    payload: Payload,
    /// The wall-clock time of arrival.
    pub(crate) received: DateTime<Utc>,
}

#[derive(Debug, Clone)]
enum Payload {
    Text(Utf8Bytes),
    Binary(Bytes),
}

impl Frame {
    /// Returns the contents.
    pub(crate) fn raw(&self) -> RawFrame<'_> {
        match &self.payload {
            Payload::Text(text) => RawFrame::Text(text),
            Payload::Binary(bytes) => RawFrame::Binary(bytes),
        }
    }
}

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Socket<T> {
    ws: WebSocketStream<TimedStream<T>>,
    limits: SocketLimits,
    keep_alive: KeepAlive,
    /// The start of the idle timeout: the last message, the end of the last pause or, when the timer fires, the last byte.
    idle_since: Instant,
    /// The wall-clock time of the last message.
    last_activity: DateTime<Utc>,
    /// The time of the last message, for the status line. A pause does not change it.
    activity: LastActivity,
    /// Reading was paused, and no message was read since.
    was_paused: bool,
    last_ping: Instant,
    timer: Pin<Box<Sleep>>,
    suspend: SuspendDetector,
    acceptance: Acceptance,
    probe: Probe,
}

/// The latest ping that has to be answered.
#[derive(Debug, Default)]
struct Probe {
    /// Its number, which is its payload.
    number: u32,
    answer: Acceptance,
}

/// The acceptance of a connection by its server (ERR-2). A clone reads the same state.
///
/// The response to the handshake is none: a server may send it and then close at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Acceptance(Arc<AtomicBool>);

impl Acceptance {
    /// Returns whether the server has sent a message other than a close frame.
    pub(crate) fn is_given(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The message that makes the server show that it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepAlive {
    /// A ping frame.
    PingFrame,
    /// A ping frame and this text message.
    TextMessage(&'static str),
}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    /// Wraps a connection after its handshake.
    pub(crate) async fn new(stream: T, limits: SocketLimits, keep_alive: KeepAlive, suspend: SuspendDetector) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(limits.read_buffer)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(limits.max_frame_size))
            .max_frame_size(Some(limits.max_frame_size));
        let now = Instant::now();
        let timer = Box::pin(tokio::time::sleep_until(now + limits.ping_interval.min(SUSPEND_CHECK_INTERVAL)));
        let ws = WebSocketStream::from_raw_socket(
            TimedStream::new(stream, limits.max_frame_size),
            Role::Client,
            Some(config),
        )
        .await;
        Self {
            ws,
            limits,
            keep_alive,
            idle_since: now,
            last_activity: Utc::now(),
            activity: LastActivity::new(now),
            was_paused: false,
            last_ping: now,
            timer,
            suspend,
            acceptance: Acceptance::default(),
            probe: Probe::default(),
        }
    }

    /// Sends a ping, whose answer shows that the server accepts the connection.
    pub(crate) fn request_acceptance(&mut self) -> Acceptance {
        let _ = self.ws.send(Message::Ping(Bytes::new())).now_or_never();
        self.acceptance.clone()
    }

    /// Sends a ping with a number. The result is given when this ping was answered: everything that the server sent before was
    /// read by then.
    pub(crate) fn probe(&mut self) -> Acceptance {
        self.probe = Probe { number: self.probe.number + 1, answer: Acceptance::default() };
        let _ = self.ws.send(Message::Ping(self.probe.payload())).now_or_never();
        self.probe.answer.clone()
    }

    /// Returns the wall-clock time of the last message.
    pub(crate) fn last_activity(&self) -> DateTime<Utc> {
        self.last_activity
    }

    /// Returns the shared time of the last message.
    pub(crate) fn activity(&self) -> LastActivity {
        self.activity.clone()
    }

    /// Returns the next frame if it was already received. Its time of arrival is that of the last wait.
    pub(crate) fn try_next(&mut self) -> Option<Result<Frame, CloseReason>> {
        loop {
            let message = self.ws.next().now_or_never()?;
            // After a pause, the time of the last wait is too long ago.
            if std::mem::take(&mut self.was_paused) && matches!(message, Some(Ok(_))) {
                self.record_activity();
            }
            if let Some(result) = self.to_frame(message).transpose() {
                return Some(result);
            }
        }
    }

    /// Returns the next frame. Sends pings and checks the idle timeout while it waits.
    ///
    /// Returns an error once the socket has ended; then it must not be called again. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Frame, CloseReason> {
        loop {
            let message = tokio::select! {
                biased;
                message = self.ws.next() => message,
                () = &mut self.timer => {
                    self.on_timer()?;
                    continue;
                }
            };
            // An error is no activity: the gap after it starts at the last message.
            if let Some(Ok(message)) = &message {
                self.record_activity();
                if !message.is_close() {
                    self.acceptance.0.store(true, Ordering::Relaxed);
                }
            }
            if let Some(frame) = self.to_frame(message)? {
                return Ok(frame);
            }
        }
    }

    /// Reads no frame until `until` completes. Pings go on, and the time does not count as idle. Cancel safe.
    pub(crate) async fn pause_reading(&mut self, until: impl Future<Output = ()>) {
        let mut until = std::pin::pin!(until);
        loop {
            tokio::select! {
                biased;
                () = &mut until => break,
                () = &mut self.timer => {
                    self.idle_since = Instant::now();
                    self.ping_if_due();
                    self.reset_timer();
                }
            }
        }
        self.resume_reading();
    }

    /// Ends a pause that was cancelled.
    pub(crate) fn resume_reading(&mut self) {
        (self.idle_since, self.was_paused) = (Instant::now(), true);
    }

    /// Sends a close frame. Frames that the server sends before its own close frame can still be read.
    pub(crate) async fn close(&mut self, code: CloseCode) {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static("") };
        // A server that does not read never receives the frame. The connection is dropped in any case.
        let _ = tokio::time::timeout(CLOSE_FRAME_TIMEOUT, self.ws.close(Some(frame))).await;
    }

    /// Sends the close frame that `reason` calls for: the code of a violation, or the reply to the server's close frame.
    pub(crate) async fn send_close_for(&mut self, reason: &CloseReason) {
        match reason {
            CloseReason::MessageTooBig => self.close_and_drain(CloseCode::Size).await,
            CloseReason::InvalidUtf8 => self.close_and_drain(CloseCode::Invalid).await,
            CloseReason::ProtocolError(_) => self.close_and_drain(CloseCode::Protocol).await,
            CloseReason::Closed { .. } => {
                let _ = tokio::time::timeout(CLOSE_FRAME_TIMEOUT, self.ws.flush()).await;
            }
            CloseReason::ConnectionLost(_) | CloseReason::IdleTimeout(_) | CloseReason::Suspended(_) => {}
        }
    }

    /// Sends a close frame and discards what the server still sends. Dropping a connection with unread data resets it,
    /// and the reset would overtake the close frame.
    async fn close_and_drain(&mut self, code: CloseCode) {
        self.close(code).await;
        let stream = self.ws.get_mut();
        let mut buffer = vec![0; self.limits.read_buffer];
        let drain = async { while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {} };
        // A server that keeps sending ignores the close frame.
        let _ = tokio::time::timeout(CLOSE_FRAME_TIMEOUT, drain).await;
    }

    fn record_activity(&mut self) {
        self.ws.get_mut().message_completed();
        self.idle_since = Instant::now();
        self.last_activity = Utc::now();
        self.activity.set(self.idle_since);
    }

    /// Returns the frame of a message; `None` for a control frame.
    fn to_frame(&self, message: Option<Result<Message, Error>>) -> Result<Option<Frame>, CloseReason> {
        let payload = match message {
            Some(Ok(Message::Text(text))) => Payload::Text(text),
            Some(Ok(Message::Binary(bytes))) => Payload::Binary(bytes),
            Some(Ok(Message::Pong(payload))) => {
                self.probe.on_pong(&payload);
                return Ok(None);
            }
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => return Ok(None),
            Some(Ok(Message::Close(frame))) => return Err(CloseReason::from_close_frame(frame)),
            Some(Err(error)) => return Err(CloseReason::from_error(error)),
            None => return Err(CloseReason::ConnectionLost("closed without a close frame".to_owned())),
        };
        Ok(Some(Frame { payload, received: self.last_activity }))
    }

    fn on_timer(&mut self) -> Result<(), CloseReason> {
        if let Some(suspended) = self.suspend.long_suspend() {
            return Err(CloseReason::Suspended(suspended));
        }
        self.idle_since = self.idle_since.max(self.ws.get_ref().received_at());
        if self.idle_since.elapsed() >= self.limits.idle_timeout {
            return Err(CloseReason::IdleTimeout(self.limits.idle_timeout));
        }
        self.ping_if_due();
        self.reset_timer();
        Ok(())
    }

    /// Sends a ping. One that the connection does not accept at once is buffered and sent with the next read.
    fn ping_if_due(&mut self) {
        if self.last_ping.elapsed() >= self.limits.ping_interval {
            self.last_ping = Instant::now();
            let _ = self.ws.send(Message::Ping(Bytes::new())).now_or_never();
            if let KeepAlive::TextMessage(text) = self.keep_alive {
                let _ = self.ws.send(Message::Text(text.into())).now_or_never();
            }
        }
    }

    fn reset_timer(&mut self) {
        let now = Instant::now();
        let idle_timeout = (self.idle_since + self.limits.idle_timeout).max(now + Duration::from_millis(1));
        let ping = self.last_ping + self.limits.ping_interval;
        self.timer.as_mut().reset(idle_timeout.min(ping).min(now + SUSPEND_CHECK_INTERVAL));
    }
}

impl Probe {
    fn payload(&self) -> Bytes {
        Bytes::copy_from_slice(&self.number.to_be_bytes())
    }

    fn on_pong(&self, payload: &[u8]) {
        if self.number > 0 && payload == self.number.to_be_bytes() {
            self.answer.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Returns the server's own text as it follows a code; nothing if there is none.
fn parenthesized(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

impl CloseReason {
    fn from_close_frame(frame: Option<CloseFrame>) -> Self {
        match frame {
            Some(frame) => Self::Closed { code: frame.code.into(), reason: frame.reason.to_string() },
            None => Self::Closed { code: 1005, reason: String::new() },
        }
    }

    fn from_error(error: Error) -> Self {
        match error {
            Error::Capacity(_) => Self::MessageTooBig,
            Error::Utf8(_) => Self::InvalidUtf8,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Self::ConnectionLost("closed without a close frame".to_owned())
            }
            Error::Protocol(error) => Self::ProtocolError(error.to_string()),
            Error::Io(error) => Self::ConnectionLost(innermost(&error)),
            error => Self::ConnectionLost(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, DuplexStream};
    use tokio::time::sleep;

    use super::*;

    async fn socket() -> (Socket<DuplexStream>, DuplexStream) {
        let limits = SocketLimits {
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(45),
            max_frame_size: 1024,
            read_buffer: 4096,
        };
        let (near, far) = tokio::io::duplex(1024);
        let suspend = SuspendDetector::start(|| Duration::ZERO);
        (Socket::new(near, limits, KeepAlive::PingFrame, suspend).await, far)
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_socket_wakes_for_pings_and_not_for_the_idle_timeout() {
        let (mut socket, _far) = socket().await;
        socket.pause_reading(sleep(Duration::from_secs(102))).await;
        assert!(socket.timer.deadline() >= Instant::now() + Duration::from_secs(2), "{:?}", socket.timer.deadline());
    }

    #[tokio::test(start_paused = true)]
    async fn each_byte_of_a_slow_frame_is_activity() {
        let (mut socket, mut far) = socket().await;
        let send = async {
            for byte in b"\x81\x05hello" {
                sleep(Duration::from_secs(40)).await;
                far.write_all(&[*byte]).await.expect("an open connection");
            }
        };
        let (frame, ()) = tokio::join!(socket.next(), send);
        assert_eq!(frame.expect("a frame").raw(), RawFrame::Text("hello"));
        let (start, end) = (Instant::now(), socket.next().await.expect_err("silence"));
        assert_eq!((end, start.elapsed().as_secs()), (CloseReason::IdleTimeout(Duration::from_secs(45)), 45));
    }
}
