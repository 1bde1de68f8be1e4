//! The transcript source: one authenticated WebSocket for each conversation (SRC-1).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use url::Url;

use super::dial::{Opened, Peer};
use super::{ConnectionRole, Item, ItemKind, SourceError};
use crate::api::http::Http;
use crate::api::http_error::host;
use crate::api::oauth::Auth;
use crate::api::token::Token;
use crate::api::websocket::{self, KeepAlive, Upgraded};
use crate::config::SocketLimits;
use crate::decision::Request;
use crate::event::RawFrame;
use crate::wire::transcript::fast_path::TemplateCache;
use crate::wire::transcript::{Decoded, decode};

/// Returns the URL of the transcript socket of a conversation. The id needs no escaping in a URL.
pub(crate) fn endpoint(api: &Url, conversation: &str) -> Url {
    let mut url = api.clone();
    let prefix = api.path().trim_end_matches('/');
    url.set_path(&format!("{prefix}/api/v2/messaging/conversations/{conversation}/transcript"));
    url
}

/// The transcript endpoint of one conversation.
#[derive(Debug, Clone)]
pub(crate) struct TranscriptEndpoint {
    pub(crate) http: Http,
    pub(crate) auth: Arc<Auth>,
    pub(crate) url: Url,
    pub(crate) conversation: String,
    pub(crate) limits: SocketLimits,
}

impl TranscriptEndpoint {
    /// Opens the socket with the current token, or with a new one if the server refuses that (CONN-21). Cancel safe.
    ///
    /// # Errors
    ///
    /// The refusal, or the failure of the connection.
    pub(crate) async fn open(self) -> Result<Opened<Upgraded>, SourceError> {
        let is_unauthorized = |error: &SourceError| matches!(error, SourceError::Unauthorized { .. });
        let open = async |token: &Token| self.open_with(token.clone()).await;
        self.auth.authorize(Request::Handshake, is_unauthorized, open).await
    }

    async fn open_with(&self, token: Token) -> Result<Opened<Upgraded>, SourceError> {
        let opened = websocket::open(&self.http, &self.url, Some(&token), self.limits, KeepAlive::PingFrame).await;
        let socket = opened.map_err(|error| SourceError::from_handshake(error, &self.conversation))?;
        let peer = Peer { host: host(&self.url), source: "transcript" };
        Ok(Opened { socket, peer, token: Some(token) })
    }
}

/// Decodes a frame of the transcript socket.
pub(crate) fn item<'a>(
    raw: RawFrame<'a>,
    conversation: &'a str,
    received: DateTime<Utc>,
    connection: ConnectionRole,
    templates: &TemplateCache,
) -> Item<'a> {
    let kind = match decode(raw, conversation, received, templates) {
        Decoded::Event(event) => ItemKind::Event(event),
        Decoded::Unknown(name) => ItemKind::Ignored(name),
        Decoded::Malformed(reason) => ItemKind::Malformed(reason),
    };
    Item { conversation, received, raw: Some(raw), kind, connection }
}
