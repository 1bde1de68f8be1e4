//! How a socket ends.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::socket::{Live, Over};

/// How long a client may take to answer a close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

impl Live {
    /// Sends a close frame; 1005 is one without a code.
    pub(super) async fn close(&mut self, code: u16, reason: &str) -> Over {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        let sent = async {
            self.flush().await?;
            Ok::<_, Over>(self.ws.close((code != 1005).then_some(frame)).await?)
        };
        match sent.await {
            Ok(()) => Over::Closing,
            Err(over) => over,
        }
    }

    /// Sees the connection off, and tells the ledger when it is gone.
    pub(super) async fn finish(mut self, over: Over) {
        match over {
            Over::Left if self.manner.no_close_answer || self.fate.is_mute() => self.linger().await,
            Over::Left | Over::Closing => self.listen_to_the_end().await,
            Over::Cut => {
                // Where the client has gone first there is nothing left to cut.
                let _ = self.ws.get_mut().shutdown().await;
                self.listen_to_the_end().await;
            }
            Over::Gone => {}
        }
        let Self { ws, cloud, place, .. } = self;
        drop(ws);
        cloud.recorder.on(place, |connection| connection.closed = Some(Instant::now()));
    }

    /// Reads on, which also answers the client's close frame, until the connection ends or the client takes too long.
    async fn listen_to_the_end(&mut self) {
        let listen = async {
            while let Some(Ok(message)) = self.ws.next().await {
                // It is over already; only what the ledger learns matters.
                let _ = self.hear(Some(Ok(message)));
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
