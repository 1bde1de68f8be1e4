//! A WebSocket connection of either kind.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::faulty_stream::StreamControl;

/// The size of a read buffer. The default of 128 KiB is too much for a thousand sockets that only receive pongs.
const READ_BUFFER: usize = 4 << 10;

/// The time in which a client has to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The close code for a close frame without a code (RFC 6455, section 7.4.1).
pub(super) const NO_STATUS: u16 = 1005;

pub(super) struct Connection {
    pub(super) stream: StreamControl,
    /// True if the client's close frame stays without an answer.
    pub(super) ignores_close: bool,
    ws: WebSocketStream<TokioIo<Upgraded>>,
}

/// The reason why a connection is of no more use.
pub(super) enum Disconnect {
    /// The client sent a close frame.
    ClosedByClient,
    /// The simulator sent a close frame.
    CloseSent,
    /// The simulator ends the connection with FIN and without a close frame.
    Eof,
    /// The connection failed.
    Lost,
}

impl<E: Into<WsError>> From<E> for Disconnect {
    fn from(_: E) -> Self {
        Self::Lost
    }
}

impl Connection {
    pub(super) async fn new(upgraded: Upgraded, stream: StreamControl) -> Self {
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let ws = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        Self { stream, ignores_close: false, ws }
    }

    /// Queues a message for the next flush.
    pub(super) async fn feed(&mut self, message: Message) -> Result<(), Disconnect> {
        Ok(self.ws.feed(message).await?)
    }

    pub(super) async fn flush(&mut self) -> Result<(), Disconnect> {
        Ok(self.ws.flush().await?)
    }

    pub(super) async fn send(&mut self, message: Message) -> Result<(), Disconnect> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Writes bytes below the WebSocket, after all queued messages.
    pub(super) async fn write_raw(&mut self, bytes: &[u8]) -> Result<(), Disconnect> {
        self.flush().await?;
        let stream = self.ws.get_mut();
        stream.write_all(bytes).await.map_err(WsError::from)?;
        Ok(stream.flush().await.map_err(WsError::from)?)
    }

    /// Receives the client's next message. Cancel safe.
    pub(super) async fn receive(&mut self) -> Result<Message, Disconnect> {
        match self.ws.next().await {
            Some(Ok(message)) => Ok(message),
            _ => Err(Disconnect::Lost),
        }
    }

    /// Sends a close frame, without a code for [`NO_STATUS`].
    pub(super) async fn close(&mut self, code: u16, reason: &str) -> Disconnect {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        match self.ws.close((code != NO_STATUS).then_some(frame)).await {
            Ok(()) => Disconnect::CloseSent,
            Err(_) => Disconnect::Lost,
        }
    }

    /// Returns when the connection has ended. `on_message` gets the client's last messages.
    pub(super) async fn drain_and_close(mut self, disconnect: Disconnect, on_message: impl FnMut(&Message)) {
        match disconnect {
            Disconnect::Lost => {}
            Disconnect::ClosedByClient if self.ignores_close => self.await_end_in_silence().await,
            _ if self.stream.is_muted() => self.await_end_in_silence().await,
            Disconnect::ClosedByClient | Disconnect::CloseSent => self.drain(on_message).await,
            Disconnect::Eof => {
                // An error means that the client has disconnected already.
                let _ = self.ws.get_mut().shutdown().await;
                self.drain(on_message).await;
            }
        }
    }

    /// Reads until the connection ends or [`CLOSE_TIMEOUT`] passes. Reading also answers the client's close frame.
    async fn drain(&mut self, mut on_message: impl FnMut(&Message)) {
        let read = async {
            while let Some(Ok(message)) = self.ws.next().await {
                on_message(&message);
            }
        };
        // The connection is dropped next in either case.
        let _ = timeout(CLOSE_TIMEOUT, read).await;
    }

    /// Sends nothing more, and returns when the client ends the connection.
    async fn await_end_in_silence(&mut self) {
        self.stream.mute();
        let mut buffer = [0; 1024];
        while self.ws.get_mut().read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    }
}

/// Returns the code of a close frame.
pub(super) fn close_code(frame: Option<&CloseFrame>) -> u16 {
    frame.map_or(NO_STATUS, |frame| frame.code.into())
}
