//! The interface between a source and the code that opens its connections.

use futures_util::future::LocalBoxFuture;

use super::SourceError;
use crate::api::oauth::Token;
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

/// An open connection.
#[derive(Debug)]
pub(crate) struct Opened<T> {
    /// The socket.
    pub(crate) socket: Socket<T>,
    /// The server, for status lines.
    pub(crate) peer: String,
    /// The token that the socket was opened with.
    pub(crate) token: Option<Token>,
}
