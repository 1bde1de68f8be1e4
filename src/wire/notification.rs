//! Frames of the notification socket.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::conversation::Snapshot;
use super::json::{self, first_text_at, text_at, text_equals};
use super::lenient::LenientString;
use super::transcription::Transcription;
use super::{event_body, topic};
use crate::event::RawFrame;

#[cfg(test)]
mod tests;

/// A decoded frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Notification {
    /// A conversation changed. The snapshot is its new state.
    Conversation(Snapshot),
    /// A participant joined or left.
    DetailEvent {
        /// The id of the conversation.
        conversation: String,
        /// The event, such as `user.start`.
        event: String,
    },
    /// Utterances of a call.
    Transcription(Transcription),
    /// The customer is typing.
    Typing {
        /// The id of the conversation.
        conversation: String,
        /// The name of the customer.
        name: Option<String>,
    },
    /// The server closes this socket within a minute.
    SocketClosing,
    /// The channel expired, or another socket took it; the reason.
    ChannelLost(String),
    /// The token that created the channel was revoked.
    TokenRevoked,
    /// The heartbeat of the server.
    Heartbeat,
    /// The response to a ping in a text message.
    Pong,
    /// A request over the socket succeeded.
    Acknowledged,
    /// A request over the socket failed; the reason.
    RequestRefused(String),
    /// A topic that this program does not know; its name, or empty without one.
    Unknown(String),
    /// A frame that is not a JSON object, or an event without the required body; the reason.
    Malformed(Cow<'static, str>),
}

/// A frame: an event with its topic, or the response to a request over the socket.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    topic_name: LenientString<'a>,
    #[serde(borrow)]
    event_body: Option<&'a RawValue>,
    #[serde(borrow)]
    result: LenientString<'a>,
    #[serde(borrow)]
    status: LenientString<'a>,
    #[serde(borrow)]
    message: LenientString<'a>,
}

/// Decodes a frame. Its texts are neither redacted nor escaped.
pub(crate) fn decode(frame: RawFrame<'_>) -> Notification {
    let text = match json::object_text(frame) {
        Ok(text) => text,
        Err(reason) => return Notification::Malformed(reason.into()),
    };
    let decoded = serde_json::from_str(text).map(from_envelope).or_else(|_| {
        // The envelope refuses a member given twice and a lone surrogate, which a `Value` accepts.
        let repaired = json::parse(text)?.to_string();
        serde_json::from_str(&repaired).map(from_envelope)
    });
    decoded.unwrap_or_else(|error| Notification::Malformed(error.to_string().into()))
}

fn from_envelope(frame: Envelope<'_>) -> Notification {
    let body = frame.event_body.map_or("null", RawValue::get);
    match (frame.topic_name.0, frame.result.0) {
        (Some(topic), _) => from_topic(topic.into_owned(), body),
        (None, Some(result)) => from_result(&result, frame.message.0.or(frame.status.0).as_deref()),
        (None, None) => from_metadata(frame.message.as_str()).unwrap_or(Notification::Unknown(String::new())),
    }
}

fn from_topic(topic: String, body: &str) -> Notification {
    let name = topic.to_ascii_lowercase();
    if name.ends_with(".conversations") || name.ends_with(".conversations.messages") {
        // Not by way of a `Value`, which takes five times as long: these are the large ones.
        let snapshot = Snapshot::parse(body).map(Notification::Conversation);
        return snapshot.unwrap_or(Notification::Malformed("conversation event without a conversation".into()));
    }
    if name.ends_with(".conversations.calls") {
        let call = Snapshot::parse(body).map(|snapshot| Notification::Conversation(snapshot.of_call()));
        return call.unwrap_or(Notification::Malformed("conversation event without a conversation".into()));
    }
    if topic::is_transcription(&topic) {
        return transcription(&topic, body);
    }
    let body = json::parse(body).unwrap_or_default();
    let known = if name == "channel.metadata" {
        from_metadata(&text_at(&body, "message").unwrap_or_default())
    } else if let Some(event) = name.strip_prefix("v2.system.") {
        from_system_topic(event, &body)
    } else if let Some(event) = topic::detail_event(&topic, text_at(&body, "conversationId").as_deref()) {
        Some(Notification::DetailEvent { conversation: event.conversation, event: event.event })
    } else if name.ends_with(".typing.event") {
        typing(&body)
    } else {
        None
    };
    known.unwrap_or(Notification::Unknown(topic))
}

fn from_metadata(message: &str) -> Option<Notification> {
    let message = message.to_ascii_lowercase();
    if message.contains("heartbeat") {
        return Some(Notification::Heartbeat);
    }
    (message == "pong").then_some(Notification::Pong)
}

/// Goes by the name of the topic, else by the type in the body: the topic `v2.system.{id}.{id}` names no type.
fn from_system_topic(event: &str, body: &Value) -> Option<Notification> {
    let kind = text_at(body, "systemTopicType").unwrap_or_default().to_ascii_lowercase();
    let is = |name: &str| event.starts_with(name) || kind == name;
    if is("socket_closing") {
        Some(Notification::SocketClosing)
    } else if is("no_longer_subscribed") {
        Some(Notification::ChannelLost(channel_lost_reason(body)))
    } else if is("token_revoked") {
        Some(Notification::TokenRevoked)
    } else {
        None
    }
}

fn channel_lost_reason(body: &Value) -> String {
    if text_equals(body, "reason", "another_channel_subscribed") {
        return "another socket took over the channel".to_owned();
    }
    first_text_at(body, &["message", "reason"]).unwrap_or_else(|| "the channel is no longer subscribed".to_owned())
}

fn from_result(result: &str, message: Option<&str>) -> Notification {
    match (result.parse::<u16>(), message) {
        (Ok(200..=299), _) => Notification::Acknowledged,
        (Ok(404), message) => Notification::ChannelLost(message.unwrap_or("the channel has expired").to_owned()),
        (Ok(code), Some(message)) => Notification::RequestRefused(format!("{code} ({message})")),
        (_, message) => Notification::RequestRefused(message.unwrap_or(result).to_owned()),
    }
}

fn transcription(topic: &str, body: &str) -> Notification {
    if !body.trim_start().starts_with('{') {
        return Notification::Malformed("transcription event without a transcription".into());
    }
    let mut transcription = event_body::transcription(body);
    if transcription.conversation.is_none() {
        transcription.conversation = topic::conversation_of_transcription(topic).map(ToOwned::to_owned);
    }
    Notification::Transcription(transcription)
}

fn typing(body: &Value) -> Option<Notification> {
    let from = |member: &str| text_at(body, &format!("normalizedMessage.channel.from.{member}"));
    let name = from("nickname").or_else(|| from("firstName")).or_else(|| from("lastName"));
    Some(Notification::Typing { conversation: text_at(body, "conversationId")?, name })
}
