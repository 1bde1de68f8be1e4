//! The WebSocket: opened through the one HTTP client, kept alive by pings, found dead by silence.

mod handshake;

use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use super::http_error::innermost;
use crate::config::SocketLimits;
use crate::event::RawFrame;
use crate::system::suspend::SuspendDetector;

pub(crate) use self::handshake::{HandshakeError, open, over_http};
pub(crate) use crate::status::connection_status::LastActivity;

/// A peer that pings and reads no pong gets no more memory than this from us.
const WRITE_BUFFER: usize = 64 * 1024;

/// How often to look whether the machine has slept meanwhile.
const NAP_CHECK: Duration = Duration::from_secs(5);

/// How long the last words to a broken connection may take.
const CLOSE_FRAME_TIMEOUT: Duration = Duration::from_secs(1);

/// The code of an orderly end.
pub(crate) const CLOSE_NORMAL: CloseCode = CloseCode::Normal;

/// Why a socket has ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CloseReason {
    /// The server closed it; 1005 stands for a close without a code.
    #[error("closed by the server with {code}{}{reason}", if .reason.is_empty() { "" } else { ": " })]
    Closed { code: u16, reason: String },
    /// The connection broke, without a close (1006).
    #[error("connection lost: {0} (1006)")]
    ConnectionLost(String),
    /// Nothing came for too long.
    #[error("nothing came for {}", humantime::format_duration(*.0))]
    IdleTimeout(Duration),
    /// The machine slept, and the other end has surely given up.
    #[error("the machine slept for {}", humantime::format_duration(*.0))]
    Suspended(Duration),
    /// A message above the limit (closed with 1009).
    #[error("a message above the limit of --max-frame-size (1009)")]
    MessageTooBig,
    /// A text frame that is not UTF-8 (closed with 1007).
    #[error("a text frame that is not UTF-8 (1007)")]
    InvalidUtf8,
    /// The server breaks the WebSocket protocol (closed with 1002).
    #[error("the server breaks the WebSocket protocol (1002): {0}")]
    ProtocolError(String),
}

/// A frame as received.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    payload: Payload,
    /// When it was read.
    pub(crate) received: DateTime<Utc>,
}

#[derive(Debug, Clone)]
enum Payload {
    Text(Utf8Bytes),
    Binary(Bytes),
}

impl Frame {
    /// The frame's contents.
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
    ws: WebSocketStream<T>,
    limits: SocketLimits,
    knock: KeepAlive,
    /// When anything came last.
    heard: Instant,
    /// The same by the wall clock.
    last_activity: DateTime<Utc>,
    /// The same for others to see, and nothing but what really came.
    life: LastActivity,
    /// Whether nothing was read since the last hold.
    held: bool,
    pinged: Instant,
    alarm: Pin<Box<Sleep>>,
    nap: SuspendDetector,
}

/// How a server is asked for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepAlive {
    /// By the ping of the WebSocket protocol.
    PingFrame,
    /// By a text frame with these words, besides the ping.
    TextMessage(&'static str),
}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    /// A socket over a connection whose handshake is done.
    pub(crate) async fn new(stream: T, limits: SocketLimits, knock: KeepAlive, nap: SuspendDetector) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(limits.read_buffer)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(limits.max_frame_size))
            .max_frame_size(Some(limits.max_frame_size));
        let now = Instant::now();
        let alarm = Box::pin(tokio::time::sleep_until(now + limits.ping_interval.min(NAP_CHECK)));
        let ws = WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await;
        Self {
            ws,
            limits,
            knock,
            heard: now,
            last_activity: Utc::now(),
            life: LastActivity::new(now.into()),
            held: false,
            pinged: now,
            alarm,
            nap,
        }
    }

    /// When anything came last, by the wall clock.
    pub(crate) fn last_activity(&self) -> DateTime<Utc> {
        self.last_activity
    }

    /// Where the time of the last sign of life is to be seen.
    pub(crate) fn life(&self) -> LastActivity {
        LastActivity::clone(&self.life)
    }

    /// The next frame that is there already, without waiting; its time of arrival is that of the last wait.
    pub(crate) fn ready(&mut self) -> Option<Result<Frame, CloseReason>> {
        loop {
            let message = self.ws.next().now_or_never()?;
            // The time of the last wait is no time of arrival after a hold.
            if std::mem::take(&mut self.held) && matches!(message, Some(Ok(_))) {
                self.hear();
            }
            if let Some(result) = self.sort(message).transpose() {
                return Some(result);
            }
        }
    }

    /// The next frame. Pings the server and watches for its silence meanwhile.
    ///
    /// # Errors
    ///
    /// When the socket has ended; calling again after that is a mistake. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Frame, CloseReason> {
        loop {
            let message = tokio::select! {
                biased;
                message = self.ws.next() => message,
                () = &mut self.alarm => {
                    self.on_alarm()?;
                    continue;
                }
            };
            // A broken connection is no sign of life: the gap after it runs from the last thing that really came.
            if matches!(message, Some(Ok(_))) {
                self.hear();
            }
            if let Some(frame) = self.sort(message)? {
                return Ok(frame);
            }
        }
    }

    /// Stops reading until `until` is over, because the reader of the transcript cannot keep up. Pings go on, so that
    /// the server sees us alive, and its silence is not held against it. Cancel safe.
    pub(crate) async fn hold(&mut self, until: impl Future<Output = ()>) {
        let mut until = std::pin::pin!(until);
        loop {
            tokio::select! {
                biased;
                () = &mut until => break,
                () = &mut self.alarm => {
                    // Its silence is not held against it, nor is it looked for.
                    self.heard = Instant::now();
                    self.ping_if_due();
                    self.rearm();
                }
            }
        }
        (self.heard, self.held) = (Instant::now(), true);
    }

    /// Closes with this code and says no more; what the server still sends can be read until it answers.
    pub(crate) async fn close(&mut self, code: CloseCode) {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static("") };
        // A server that no longer reads cannot be told; then the connection just goes.
        let _ = tokio::time::timeout(CLOSE_FRAME_TIMEOUT, self.ws.close(Some(frame))).await;
    }

    /// Says goodbye as the ending demands: with the code that tells the server its mistake, or with the answer to its
    /// own close frame.
    pub(crate) async fn give_up(&mut self, ending: &CloseReason) {
        match ending {
            CloseReason::MessageTooBig => self.complain(CloseCode::Size).await,
            CloseReason::InvalidUtf8 => self.complain(CloseCode::Invalid).await,
            CloseReason::ProtocolError(_) => self.complain(CloseCode::Protocol).await,
            CloseReason::Closed { .. } => {
                let _ = tokio::time::timeout(CLOSE_FRAME_TIMEOUT, self.ws.flush()).await;
            }
            CloseReason::ConnectionLost(_) | CloseReason::IdleTimeout(_) | CloseReason::Suspended(_) => {}
        }
    }

    /// Closes with this code, and throws away what the server is still sending: a connection that is dropped with
    /// something unread is reset, and the reset would overtake our close frame.
    async fn complain(&mut self, code: CloseCode) {
        self.close(code).await;
        let stream = self.ws.get_mut();
        let mut rest = vec![0; self.limits.read_buffer];
        let drain = async { while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {} };
        // A server that goes on for ever does not listen anyway.
        let _ = tokio::time::timeout(CLOSE_FRAME_TIMEOUT, drain).await;
    }

    fn hear(&mut self) {
        self.heard = Instant::now();
        self.last_activity = Utc::now();
        self.life.set(self.heard);
    }

    fn sort(&self, message: Option<Result<Message, Error>>) -> Result<Option<Frame>, CloseReason> {
        let payload = match message {
            Some(Ok(Message::Text(text))) => Payload::Text(text),
            Some(Ok(Message::Binary(bytes))) => Payload::Binary(bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => return Ok(None),
            Some(Ok(Message::Close(frame))) => return Err(closed(frame)),
            Some(Err(error)) => return Err(broken(error)),
            None => return Err(CloseReason::ConnectionLost("the stream ended".to_owned())),
        };
        Ok(Some(Frame { payload, received: self.last_activity }))
    }

    fn on_alarm(&mut self) -> Result<(), CloseReason> {
        if let Some(slept) = self.nap.long_suspend() {
            return Err(CloseReason::Suspended(slept));
        }
        if self.heard.elapsed() >= self.limits.idle_timeout {
            return Err(CloseReason::IdleTimeout(self.limits.idle_timeout));
        }
        self.ping_if_due();
        self.rearm();
        Ok(())
    }

    /// A ping that the connection does not take at once is buffered and goes out with the next read.
    fn ping_if_due(&mut self) {
        if self.pinged.elapsed() >= self.limits.ping_interval {
            self.pinged = Instant::now();
            let _ = self.ws.send(Message::Ping(Bytes::new())).now_or_never();
            if let KeepAlive::TextMessage(words) = self.knock {
                let _ = self.ws.send(Message::Text(words.into())).now_or_never();
            }
        }
    }

    fn rearm(&mut self) {
        let now = Instant::now();
        let idle = (self.heard + self.limits.idle_timeout).max(now + Duration::from_millis(1));
        let ping = self.pinged + self.limits.ping_interval;
        self.alarm.as_mut().reset(idle.min(ping).min(now + NAP_CHECK));
    }
}

fn closed(frame: Option<CloseFrame>) -> CloseReason {
    match frame {
        Some(frame) => CloseReason::Closed { code: frame.code.into(), reason: frame.reason.to_string() },
        None => CloseReason::Closed { code: 1005, reason: String::new() },
    }
}

fn broken(error: Error) -> CloseReason {
    match error {
        Error::Capacity(_) => CloseReason::MessageTooBig,
        Error::Utf8(_) => CloseReason::InvalidUtf8,
        Error::Protocol(error) if !is_mere_hang_up(&error) => CloseReason::ProtocolError(error.to_string()),
        Error::Io(error) => CloseReason::ConnectionLost(innermost(&error)),
        Error::Protocol(_) => CloseReason::ConnectionLost("the server hung up".to_owned()),
        error => CloseReason::ConnectionLost(error.to_string()),
    }
}

fn is_mere_hang_up(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    matches!(error, tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn while_it_is_held_back_the_alarm_rings_for_pings_and_not_for_silence() {
        let limits = SocketLimits {
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(45),
            max_frame_size: 1024,
            read_buffer: 4096,
        };
        let (near, _far) = tokio::io::duplex(1024);
        let mut socket =
            Socket::new(near, limits, KeepAlive::PingFrame, SuspendDetector::start(|| Duration::ZERO)).await;
        socket.hold(tokio::time::sleep(Duration::from_secs(102))).await;
        assert!(socket.alarm.deadline() >= Instant::now() + Duration::from_secs(2), "{:?}", socket.alarm.deadline());
    }
}
