//! A frame of the notification socket.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::conversation::Snapshot;
use super::json::{self, first, says, text};
use super::lenient::Loose;
use super::transcription::Transcription;
use crate::event::RawFrame;

#[cfg(test)]
mod tests;

/// What a frame turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Notification {
    /// A conversation has changed, and is now like this.
    Conversation(Snapshot),
    /// Somebody came or went.
    DetailEvent {
        /// The conversation.
        conversation: String,
        /// What happened, such as `user.start`.
        event: String,
    },
    /// Something was heard in a call.
    Transcription(Transcription),
    /// The customer is typing.
    Typing {
        /// The conversation.
        conversation: String,
        /// The customer's name.
        name: Option<String>,
    },
    /// The service will close this socket within a minute.
    SocketClosing,
    /// The channel is no more, or another socket has it; why, in words.
    ChannelLost(String),
    /// The token behind the channel is no longer good.
    TokenRevoked,
    /// A sign of life.
    Heartbeat,
    /// The answer to a ping.
    Pong,
    /// A request over the socket was carried out.
    Acknowledged,
    /// A request over the socket was refused; why, in words.
    RequestRefused(String),
    /// A topic this program does not know; its name, empty where there is none.
    Unknown(String),
    /// No JSON object, or an event without the body it has to have; the reason.
    Malformed(Cow<'static, str>),
}

/// What is around an event, and the members that an answer has in its place.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    topic_name: Loose<'a>,
    #[serde(borrow)]
    event_body: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Loose<'a>,
    #[serde(borrow)]
    status: Loose<'a>,
    #[serde(borrow)]
    message: Loose<'a>,
}

const DETAIL: &str = "v2.detail.events.conversation.";

/// Reads a frame. No words in it are redacted or escaped yet.
pub(crate) fn decode(frame: RawFrame<'_>) -> Notification {
    let text = match json::object_text(frame) {
        Ok(text) => text,
        Err(reason) => return Notification::Malformed(reason.into()),
    };
    let read = serde_json::from_str(text).map(of).or_else(|_| {
        // The quick way refuses a member given twice, and a lone surrogate.
        let plain = json::parse(text)?.to_string();
        serde_json::from_str(&plain).map(of)
    });
    read.unwrap_or_else(|error| Notification::Malformed(error.to_string().into()))
}

fn of(frame: Envelope<'_>) -> Notification {
    let body = frame.event_body.map_or("null", RawValue::get);
    match (frame.topic_name.0, frame.result.0) {
        (Some(topic), _) => of_topic(topic.into_owned(), body),
        (None, Some(result)) => of_result(&result, frame.message.0.or(frame.status.0).as_deref()),
        (None, None) => of_metadata(frame.message.as_str()).unwrap_or(Notification::Unknown(String::new())),
    }
}

fn of_topic(topic: String, body: &str) -> Notification {
    let name = topic.to_ascii_lowercase();
    if name.ends_with(".conversations") || name.ends_with(".conversations.messages") {
        // Not by way of a `Value`, which takes five times as long: these are the large ones.
        let snapshot = Snapshot::parse(body).map(Notification::Conversation);
        return snapshot.unwrap_or(Notification::Malformed("a conversation event without a conversation".into()));
    }
    let body = json::parse(body).unwrap_or_default();
    let known = if name == "channel.metadata" {
        of_metadata(&text(&body, "message").unwrap_or_default())
    } else if let Some(event) = name.strip_prefix("v2.system.") {
        of_system(event, &body)
    } else if name.starts_with(DETAIL) {
        detail(&topic, &body)
    } else if name.ends_with(".transcription") {
        Some(transcription(&topic, &body))
    } else if name.ends_with(".typing.event") {
        typing(&body)
    } else {
        None
    };
    known.unwrap_or(Notification::Unknown(topic))
}

fn of_metadata(message: &str) -> Option<Notification> {
    let message = message.to_ascii_lowercase();
    if message.contains("heartbeat") {
        return Some(Notification::Heartbeat);
    }
    (message == "pong").then_some(Notification::Pong)
}

/// By its name, else by the kind in its body: there is a topic of two ids that does not say more.
fn of_system(event: &str, body: &Value) -> Option<Notification> {
    let kind = text(body, "systemTopicType").unwrap_or_default().to_ascii_lowercase();
    let is = |name: &str| event.starts_with(name) || kind == name;
    if is("socket_closing") {
        Some(Notification::SocketClosing)
    } else if is("no_longer_subscribed") {
        Some(Notification::ChannelLost(gone(body)))
    } else if is("token_revoked") {
        Some(Notification::TokenRevoked)
    } else {
        None
    }
}

fn gone(body: &Value) -> String {
    if says(body, "reason", "another_channel_subscribed") {
        return "another socket has taken the channel".to_owned();
    }
    first(body, &["message", "reason"]).unwrap_or_else(|| "the channel is no longer subscribed".to_owned())
}

fn of_result(result: &str, words: Option<&str>) -> Notification {
    match (result.parse::<u16>(), words) {
        (Ok(200..=299), _) => Notification::Acknowledged,
        (Ok(404), words) => Notification::ChannelLost(words.unwrap_or("the channel has expired").to_owned()),
        (Ok(code), Some(words)) => Notification::RequestRefused(format!("{code} ({words})")),
        (_, words) => Notification::RequestRefused(words.unwrap_or(result).to_owned()),
    }
}

/// The id may hold dots, and so does the event: where the body names the conversation, it decides where the id ends.
fn detail(topic: &str, body: &Value) -> Option<Notification> {
    let rest = topic.get(DETAIL.len()..)?;
    let named = text(body, "conversationId").and_then(|id| Some((rest.strip_prefix(&id)?.strip_prefix('.')?, id)));
    let (event, conversation) = named.or_else(|| rest.split_once('.').map(|(id, event)| (event, id.to_owned())))?;
    Some(Notification::DetailEvent { conversation, event: event.to_ascii_lowercase() })
}

fn transcription(topic: &str, body: &Value) -> Notification {
    if !body.is_object() {
        return Notification::Malformed("a transcription event without a transcription".into());
    }
    let mut transcription = Transcription::from_value(body);
    if transcription.conversation.is_none() {
        transcription.conversation = conversation_of(topic);
    }
    Notification::Transcription(transcription)
}

fn conversation_of(topic: &str) -> Option<String> {
    let (start, end) = ("v2.conversations.".len(), topic.len().checked_sub(".transcription".len())?);
    topic.get(start..end).filter(|id| !id.is_empty()).map(ToOwned::to_owned)
}

fn typing(body: &Value) -> Option<Notification> {
    let from = |member: &str| text(body, &format!("normalizedMessage.channel.from.{member}"));
    let name = from("nickname").or_else(|| from("firstName")).or_else(|| from("lastName"));
    Some(Notification::Typing { conversation: text(body, "conversationId")?, name })
}
