//! The notifications source: one channel for all conversations, whose events are hints, and REST for the rest (SRC-2).

use std::borrow::Cow;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::mpsc;

use super::SourceError;
use super::dial::{ChannelChange, DialRequest, DialResult, Opened, Peer};
use super::item::ItemKind;
use super::requests::{self, Subscription};
use crate::api::calls;
use crate::api::http_error::host;
use crate::api::rest::{Rest, RestError};
use crate::api::websocket::{self, HandshakeError, KeepAlive, Socket, Upgraded};
use crate::config::SocketLimits;
use crate::decision::{Action, Before, Request, decide};
use crate::event::RawFrame;
use crate::status::redact::Secrets;
use crate::tracker::CreatedChannel;
use crate::wire::channel::{Channel, SubscribeMode};
use crate::wire::notification::Notification;

/// The service answers this message, beside pings, with a pong (NTF-7).
const KEEP_ALIVE: KeepAlive = KeepAlive::TextMessage(r#"{"message":"ping"}"#);

/// Opens the socket of the notification channel.
pub(super) struct ChannelDialer {
    pub(super) rest: Rest,
    pub(super) limits: SocketLimits,
    /// Takes the changes of the channel.
    pub(super) changes: mpsc::UnboundedSender<ChannelChange>,
}

impl ChannelDialer {
    /// Opens the socket of the channel, which is created if there is none.
    pub(super) fn dial(&self, request: DialRequest<'_>) -> LocalBoxFuture<'static, DialResult<Upgraded>> {
        let setup = ChannelSetup {
            rest: self.rest.clone(),
            limits: self.limits,
            topics: request.tracker.topics_for_new_channel(),
            changes: self.changes.clone(),
        };
        let known = request.tracker.channel().cloned();
        async move { setup.open(known).await.map(Box::new) }.boxed_local()
    }
}

/// One attempt to open the socket of the channel.
struct ChannelSetup {
    rest: Rest,
    limits: SocketLimits,
    topics: Vec<String>,
    changes: mpsc::UnboundedSender<ChannelChange>,
}

impl ChannelSetup {
    /// Opens the socket of the known channel, else of a new one. A channel that the service has forgotten is replaced once.
    async fn open(&self, known: Option<Channel>) -> Result<Opened<Upgraded>, SourceError> {
        for known in [known, None] {
            if let Some(opened) = self.open_socket(known).await? {
                return Ok(opened);
            }
            self.report(ChannelChange::Forgotten);
        }
        let host = self.rest.host();
        Err(SourceError::ChannelLost(format!("{host} does not know the channel that it just created")))
    }

    /// Reports a change. A source that has ended needs it no more.
    fn report(&self, change: ChannelChange) {
        let _ = self.changes.send(change);
    }

    /// Opens a socket; `None` if the service does not know its channel.
    async fn open_socket(&self, known: Option<Channel>) -> Result<Option<Opened<Upgraded>>, SourceError> {
        let channel = match known {
            Some(channel) if self.exists(&channel).await? => channel,
            _ => match self.create().await? {
                Some(channel) => channel,
                None => return Ok(None),
            },
        };
        let socket = self.handshake(&channel).await?;
        let host = host(&websocket::to_http_scheme(&channel.connect_uri));
        let peer = Peer { host, source: "notifications" };
        Ok(socket.map(|socket| Opened { socket, peer, token: None }))
    }

    async fn exists(&self, channel: &Channel) -> Result<bool, SourceError> {
        match calls::channel_exists(&self.rest, &channel.id).await {
            // The channel may belong to a token that was revoked.
            Err(RestError::Forbidden { .. } | RestError::UnexpectedResponse { .. }) => Ok(false),
            result => result.map_err(channel_error),
        }
    }

    /// Creates a channel and subscribes it; `None` if the service does not know it.
    async fn create(&self) -> Result<Option<Channel>, SourceError> {
        let channel = calls::create_channel(&self.rest).await.map_err(channel_error)?;
        self.rest.http().secrets().add_channel(&channel.id, channel.connect_uri.as_str());
        let created =
            |subscription| CreatedChannel { channel: channel.clone(), topics: self.topics.clone(), subscription };
        self.report(ChannelChange::Created(created(None)));
        if self.topics.is_empty() {
            return Ok(Some(channel));
        }
        let subscribed = requests::subscribe(&self.rest, &channel.id, SubscribeMode::Add, &self.topics).await;
        let (subscription, token) = match subscribed {
            Ok(Subscription { answer, token }) => (Ok(answer), Some(token)),
            Err(RestError::NotFound { .. }) => return Ok(None),
            // Without any topic the conversations are polled.
            Err(RestError::Forbidden { body, .. }) => (Err(body.to_string()), None),
            Err(RestError::UnexpectedResponse { reason, .. }) => (Err(reason), None),
            Err(error) => return Err(channel_error(error)),
        };
        self.report(ChannelChange::Subscribed(created(Some(subscription)), token));
        Ok(Some(channel))
    }

    /// Opens the socket of a channel; `None` if the service does not know it.
    async fn handshake(&self, channel: &Channel) -> Result<Option<Socket<Upgraded>>, SourceError> {
        let url = websocket::to_http_scheme(&channel.connect_uri);
        let (host, body) = match websocket::open(self.rest.http(), &url, None, self.limits, KEEP_ALIVE).await {
            Ok(socket) => return Ok(Some(socket)),
            Err(HandshakeError::Http(error)) => return Err(error.into()),
            Err(HandshakeError::Invalid { host, reason }) => return Err(SourceError::NotGenesysCloud { host, reason }),
            Err(HandshakeError::Rejected { host, body }) => (host, body),
        };
        match decide(Request::ChannelSocket, body.response_kind(), Before::new(false)) {
            Action::NewChannel => Ok(None),
            Action::Retry => Err(SourceError::Unavailable { host, body }),
            _ => Err(SourceError::NotGenesysCloud { host, reason: body.to_string() }),
        }
    }
}

fn channel_error(error: RestError) -> SourceError {
    SourceError::from_rest(error, "")
}

/// Returns the conversation of a notification, if it names one.
pub(super) fn conversation_of(notification: &Notification) -> Option<&str> {
    match notification {
        Notification::Conversation(snapshot) => snapshot.id.as_deref(),
        Notification::DetailEvent { conversation, .. } | Notification::Typing { conversation, .. } => {
            Some(conversation)
        }
        Notification::Transcription(transcription) => transcription.conversation.as_deref(),
        _ => None,
    }
}

/// Returns the kind of the item of a notification.
pub(super) fn item_kind(notification: &Notification, secrets: &Secrets) -> ItemKind<'static> {
    match notification {
        Notification::Heartbeat | Notification::Pong => ItemKind::Keepalive,
        Notification::Unknown(name) => ItemKind::Ignored(secrets.redact(name).into_owned().into()),
        Notification::Malformed(reason) => ItemKind::Malformed(reason.clone()),
        _ => ItemKind::Notification,
    }
}

/// Returns the text of a frame without the channel id, if it holds that.
pub(super) fn redact_channel(raw: RawFrame<'_>, secrets: &Secrets) -> Option<String> {
    let text = match raw {
        RawFrame::Text(text) => text,
        RawFrame::Binary(bytes) => str::from_utf8(bytes).ok()?,
    };
    match secrets.redact_channel(text) {
        Cow::Owned(text) => Some(text),
        Cow::Borrowed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_id_is_redacted_in_text_and_binary_frames() {
        let secrets = Secrets::default();
        secrets.add_channel("streaming-5-abc", "wss://streaming.example.invalid/channels/streaming-5-abc");
        let frame = r#"{"topicName":"v2.system.token_revoked.streaming-5-abc"}"#;
        let redacted = Some(r#"{"topicName":"v2.system.token_revoked.[channel]"}"#.to_owned());
        assert_eq!(redact_channel(RawFrame::Text(frame), &secrets), redacted);
        assert_eq!(redact_channel(RawFrame::Binary(frame.as_bytes()), &secrets), redacted);
        assert_eq!(redact_channel(RawFrame::Binary(b"\xff streaming"), &secrets), None);
        assert_eq!(redact_channel(RawFrame::Text("{}"), &secrets), None);
    }
}
