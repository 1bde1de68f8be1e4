//! The near end of an open WebSocket, whatever is spoken on it.

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

use crate::simulator::ws::faulty_stream::StreamControl;

/// A thousand sockets should not take 128 KiB each to hear a pong.
const READ_BUFFER: usize = 4 << 10;

/// How long a client may take to answer a close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

pub(crate) struct Connection {
    pub(crate) stream: StreamControl,
    pub(crate) no_close_answer: bool,
    pub(crate) ws: WebSocketStream<TokioIo<Upgraded>>,
}

/// Why a socket is done.
pub(crate) enum Disconnect {
    /// The client closed.
    Left,
    /// We sent a close frame.
    Closing,
    /// We cut the connection, with FIN.
    Cut,
    /// The connection is of no more use.
    Gone,
}

impl<E: Into<WsError>> From<E> for Disconnect {
    fn from(_: E) -> Self {
        Self::Gone
    }
}

impl Connection {
    pub(crate) async fn new(upgraded: Upgraded, stream: StreamControl) -> Self {
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let ws = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        Self { stream, no_close_answer: false, ws }
    }

    /// Puts a message behind those that wait to be written.
    pub(crate) async fn feed(&mut self, message: Message) -> Result<(), Disconnect> {
        Ok(self.ws.feed(message).await?)
    }

    /// Writes out what waits.
    pub(crate) async fn flush(&mut self) -> Result<(), Disconnect> {
        Ok(self.ws.flush().await?)
    }

    /// Writes bytes below the WebSocket, after everything that waits.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Disconnect> {
        self.flush().await?;
        let stream = self.ws.get_mut();
        stream.write_all(bytes).await.map_err(WsError::from)?;
        Ok(stream.flush().await.map_err(WsError::from)?)
    }

    /// What the client says next; cancel safe.
    pub(crate) async fn hear(&mut self) -> Result<Message, Disconnect> {
        match self.ws.next().await {
            Some(Ok(message)) => Ok(message),
            _ => Err(Disconnect::Gone),
        }
    }

    /// Sends a close frame; 1005 is one without a code.
    pub(crate) async fn close(&mut self, code: u16, reason: &str) -> Disconnect {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        match self.ws.close((code != 1005).then_some(frame)).await {
            Ok(()) => Disconnect::Closing,
            Err(_) => Disconnect::Gone,
        }
    }

    /// Stays until the connection is gone; `heard` gets what the client still says.
    pub(crate) async fn drain_and_close(mut self, over: Disconnect, heard: impl FnMut(&Message)) {
        match over {
            Disconnect::Left if self.no_close_answer || self.stream.is_mute() => self.linger().await,
            Disconnect::Left | Disconnect::Closing => self.listen_to_the_end(heard).await,
            Disconnect::Cut => {
                // Where the client has gone first there is nothing left to cut.
                let _ = self.ws.get_mut().shutdown().await;
                self.listen_to_the_end(heard).await;
            }
            Disconnect::Gone => {}
        }
    }

    /// Reads on, which also answers the client's close frame, until the connection ends or the client takes too long.
    async fn listen_to_the_end(&mut self, mut heard: impl FnMut(&Message)) {
        let listen = async {
            while let Some(Ok(message)) = self.ws.next().await {
                heard(&message);
            }
        };
        // Either way the connection is dropped next.
        let _ = timeout(CLOSE_WAIT, listen).await;
    }

    /// Says nothing any more, and stays until the client cuts the connection.
    async fn linger(&mut self) {
        self.stream.mute();
        let mut sink = [0; 1024];
        while self.ws.get_mut().read(&mut sink).await.is_ok_and(|count| count > 0) {}
    }
}
