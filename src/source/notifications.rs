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
use crate::api::websocket::{self, KeepAlive, Upgraded};
use crate::config::SocketLimits;
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
    /// Opens the socket of the known channel, else of a new one. A channel that the service has forgotten or refuses is
    /// replaced once.
    async fn open(&self, known: Option<Channel>) -> Result<Opened<Upgraded>, SourceError> {
        let opened = self.open_socket(known).await;
        if self.forgets_channel(&opened) { self.open_with_new_channel().await } else { opened }
    }

    async fn open_with_new_channel(&self) -> Result<Opened<Upgraded>, SourceError> {
        let opened = self.open_socket(None).await;
        self.forgets_channel(&opened);
        opened
    }

    /// Reports that the channel is of no use if the result shows that. Returns whether it does.
    fn forgets_channel(&self, opened: &Result<Opened<Upgraded>, SourceError>) -> bool {
        let is_forgotten = opened.as_ref().is_err_and(SourceError::needs_new_channel);
        if is_forgotten {
            self.report(ChannelChange::Forgotten);
        }
        is_forgotten
    }

    /// Reports a change. A source that has ended needs it no more.
    fn report(&self, change: ChannelChange) {
        let _ = self.changes.send(change);
    }

    async fn open_socket(&self, known: Option<Channel>) -> Result<Opened<Upgraded>, SourceError> {
        let channel = match known {
            Some(channel) if self.exists(&channel).await? => channel,
            _ => self.create().await?,
        };
        let url = websocket::to_http_scheme(&channel.connect_uri);
        let opened = websocket::open(self.rest.http(), &url, None, self.limits, KEEP_ALIVE).await;
        let socket = opened.map_err(SourceError::from_channel_handshake)?;
        let peer = Peer { host: host(&url), source: "notifications" };
        Ok(Opened { socket, peer, token: None })
    }

    async fn exists(&self, channel: &Channel) -> Result<bool, SourceError> {
        match calls::channel_exists(&self.rest, &channel.id).await {
            // The channel may belong to a token that was revoked.
            Err(RestError::Forbidden { .. } | RestError::UnexpectedResponse { .. }) => Ok(false),
            result => result.map_err(channel_error),
        }
    }

    /// Creates a channel and subscribes it.
    async fn create(&self) -> Result<Channel, SourceError> {
        let channel = calls::create_channel(&self.rest).await.map_err(channel_error)?;
        self.rest.http().secrets().add_channel(&channel.id, channel.connect_uri.as_str());
        let created =
            |subscription| CreatedChannel { channel: channel.clone(), topics: self.topics.clone(), subscription };
        self.report(ChannelChange::Created(created(None)));
        if self.topics.is_empty() {
            return Ok(channel);
        }
        let subscribed = requests::subscribe(&self.rest, &channel.id, SubscribeMode::Add, &self.topics).await;
        let (subscription, token) = match subscribed {
            Ok(Subscription { answer, token }) => (Ok(answer), Some(token)),
            Err(RestError::NotFound { host, .. }) => return Err(SourceError::unknown_channel(&host)),
            // Without any topic the conversations are polled.
            Err(RestError::Forbidden { body, .. }) => (Err(body.to_string()), None),
            Err(RestError::UnexpectedResponse { reason, .. }) => (Err(reason), None),
            Err(error) => return Err(channel_error(error)),
        };
        self.report(ChannelChange::Subscribed(created(Some(subscription)), token));
        Ok(channel)
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
