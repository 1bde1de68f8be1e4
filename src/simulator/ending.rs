//! How a socket ends.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::peer::{Over, Peer};

/// How long a client may take to answer a close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

impl Peer {
    /// Sends a close frame; 1005 is one without a code.
    pub(super) async fn close(&mut self, code: u16, reason: &str) -> Over {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        match self.ws.close((code != 1005).then_some(frame)).await {
            Ok(()) => Over::Closing,
            Err(_) => Over::Gone,
        }
    }

    /// Stays until the connection is gone; `heard` gets what the client still says.
    pub(super) async fn see_off(mut self, over: Over, heard: impl FnMut(&Message)) {
        match over {
            Over::Left if self.no_close_answer || self.fate.is_mute() => self.linger().await,
            Over::Left | Over::Closing => self.listen_to_the_end(heard).await,
            Over::Cut => {
                // Where the client has gone first there is nothing left to cut.
                let _ = self.ws.get_mut().shutdown().await;
                self.listen_to_the_end(heard).await;
            }
            Over::Gone => {}
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
        self.fate.mute();
        let mut sink = [0; 1024];
        while self.ws.get_mut().read(&mut sink).await.is_ok_and(|count| count > 0) {}
    }
}
