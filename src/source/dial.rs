//! The interface between a source and the code that opens its connections.

use std::fmt;

use futures_util::future::LocalBoxFuture;

use super::SourceError;
use crate::api::token::Token;
use crate::api::websocket::Socket;
use crate::tracker::{CreatedChannel, Tracker};

/// Opens connections. The future owns what it needs, so that the live connection can be read meanwhile.
pub(crate) type Dial<'a, T> = Box<dyn Fn(DialRequest<'_>) -> LocalBoxFuture<'a, DialResult<T>> + 'a>;

/// The result of opening a connection. Boxed, since a connection is large and moves through several futures.
pub(crate) type DialResult<T> = Result<Box<Opened<T>>, SourceError>;

/// The state of a source before a connection is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DialRequest<'a> {
    /// Knows the channel and the topics for a new one.
    pub(crate) tracker: &'a Tracker,
    /// A connection of this source was open before.
    pub(crate) has_connected: bool,
    /// The connection is to replace the live one, with a token whose renewal is not due.
    pub(crate) is_renewal: bool,
}

/// A change of the notification channel. A dial reports it at once: a created channel outlives a dial that is dropped.
#[derive(Debug)]
pub(crate) enum ChannelChange {
    /// The service does not know the channel any more.
    Forgotten,
    /// A channel was created.
    Created(CreatedChannel),
    /// The created channel was subscribed, with this token.
    Subscribed(CreatedChannel, Option<Token>),
}

/// The server of a connection, for status lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) host: String,
    /// `transcript` or `notifications`.
    pub(crate) source: &'static str,
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.host, self.source)
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Opened<T> {
    /// The socket.
    pub(crate) socket: Socket<T>,
    /// The server.
    pub(crate) peer: Peer,
    /// The token that the socket was opened with.
    pub(crate) token: Option<Token>,
}
