//! The near end of an open WebSocket, whatever is spoken on it.

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::wire::Fate;

/// A thousand sockets should not take 128 KiB each to hear a pong.
const READ_BUFFER: usize = 4 << 10;

pub(super) struct Peer {
    pub(super) fate: Fate,
    pub(super) no_close_answer: bool,
    pub(super) ws: WebSocketStream<TokioIo<Upgraded>>,
}

/// Why a socket is done.
pub(super) enum Over {
    /// The client closed.
    Left,
    /// We sent a close frame.
    Closing,
    /// We cut the connection, with FIN.
    Cut,
    /// The connection is of no more use.
    Gone,
}

impl<E: Into<WsError>> From<E> for Over {
    fn from(_: E) -> Self {
        Self::Gone
    }
}

impl Peer {
    pub(super) async fn new(upgraded: Upgraded, fate: Fate) -> Self {
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let ws = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        Self { fate, no_close_answer: false, ws }
    }

    /// Puts a message behind those that wait to be written.
    pub(super) async fn feed(&mut self, message: Message) -> Result<(), Over> {
        Ok(self.ws.feed(message).await?)
    }

    /// Writes out what waits.
    pub(super) async fn flush(&mut self) -> Result<(), Over> {
        Ok(self.ws.flush().await?)
    }

    /// Writes bytes below the WebSocket, after everything that waits.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.flush().await?;
        let stream = self.ws.get_mut();
        stream.write_all(bytes).await.map_err(WsError::from)?;
        Ok(stream.flush().await.map_err(WsError::from)?)
    }

    /// What the client says next; cancel safe.
    pub(super) async fn hear(&mut self) -> Result<Message, Over> {
        match self.ws.next().await {
            Some(Ok(message)) => Ok(message),
            _ => Err(Over::Gone),
        }
    }
}
