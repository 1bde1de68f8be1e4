//! Where events come from.

mod error;
pub(crate) mod replay;
pub(crate) mod transcript;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

pub(crate) use self::error::{Recovery, SourceError};
use crate::event::RawFrame;
use crate::genesys::auth::Token;
use crate::genesys::decode::{Decoded, decode};
use crate::genesys::socket::{CLOSE_NORMAL, Ending, Frame, Socket};
use crate::redact::Secrets;

/// One open connection to one conversation.
#[derive(Debug)]
pub(crate) struct Session<T> {
    socket: Socket<T>,
    conversation: String,
    token: Token,
    secrets: Secrets,
    frame: Option<Frame>,
    /// Where it leads, for the reader.
    pub(crate) peer: String,
}

/// Something that came over a connection.
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    /// The conversation it belongs to.
    pub(crate) conversation: &'a str,
    /// When it came.
    pub(crate) received: DateTime<Utc>,
    /// The frame as received.
    pub(crate) raw: RawFrame<'a>,
    /// What it means.
    pub(crate) meaning: Decoded<'a>,
}

impl<'a> Arrival<'a> {
    /// Reads a frame.
    pub(crate) fn new(raw: RawFrame<'a>, conversation: &'a str, received: DateTime<Utc>) -> Self {
        Self { conversation, received, raw, meaning: decode(raw, conversation, received) }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Session<T> {
    /// A session over an open socket that was opened with this token. No reason for its end shows any of the `secrets`.
    pub(crate) fn new(socket: Socket<T>, conversation: String, token: Token, peer: String, secrets: Secrets) -> Self {
        Self { socket, conversation, token, secrets, frame: None, peer }
    }

    /// When the next session should be opened beside this one, because its token will expire.
    pub(crate) fn renew_at(&self) -> Option<Instant> {
        self.token.renew_at
    }

    /// The last sign of life of the other end, by the wall clock.
    pub(crate) fn heard_at(&self) -> DateTime<Utc> {
        self.socket.heard_at()
    }

    /// What is there already, without waiting.
    pub(crate) fn ready(&mut self) -> Option<Result<Arrival<'_>, SourceError>> {
        let result = self.socket.ready()?;
        Some(self.take(result))
    }

    /// What comes next.
    ///
    /// # Errors
    ///
    /// When the connection has ended; it is of no use after that. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Arrival<'_>, SourceError> {
        let result = self.socket.next().await;
        self.take(result)
    }

    /// Reads nothing until `until` is over; the connection is kept alive meanwhile. Cancel safe.
    pub(crate) async fn hold(&mut self, until: impl Future<Output = ()>) {
        self.socket.hold(until).await;
    }

    /// Asks the server to end this connection; what is under way can still be read.
    pub(crate) async fn close(&mut self) {
        self.socket.close(CLOSE_NORMAL).await;
    }

    /// Says goodbye as the ending demands.
    pub(crate) async fn bury(&mut self, error: &SourceError) {
        if let SourceError::Ended(ending) = error {
            self.socket.give_up(ending).await;
        }
    }

    /// What a server says at the end is shown on both streams, and a token may be in it.
    fn redacted(&self, ending: Ending) -> Ending {
        match ending {
            Ending::Closed { code, reason } => {
                Ending::Closed { code, reason: self.secrets.redact(&reason).into_owned() }
            }
            ending => ending,
        }
    }

    fn take(&mut self, result: Result<Frame, Ending>) -> Result<Arrival<'_>, SourceError> {
        match result {
            Ok(frame) => {
                let frame = self.frame.insert(frame);
                Ok(Arrival::new(frame.raw(), &self.conversation, frame.received))
            }
            Err(ending) => {
                let error = SourceError::from(self.redacted(ending));
                if error.is_policy_close() {
                    self.token.refuse();
                }
                Err(error)
            }
        }
    }
}
