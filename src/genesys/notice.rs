//! A frame of the notification socket.

use std::borrow::Cow;

use serde_json::Value;

use super::conversation::Snapshot;
use super::transcription::Transcription;
use super::value::{self, at, first, says, text};
use crate::event::RawFrame;

/// What a frame turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Notice {
    /// A conversation has changed, and is now like this.
    Conversation(Snapshot),
    /// Somebody came or went.
    Detail {
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
        who: Option<String>,
    },
    /// The service will close this socket within a minute.
    Closing,
    /// The channel is no more, or another socket has it; why, in words.
    ChannelGone(String),
    /// The token behind the channel is no longer good.
    TokenRevoked,
    /// A sign of life.
    Heartbeat,
    /// The answer to a ping.
    Pong,
    /// A request over the socket was carried out.
    Acknowledged,
    /// A request over the socket was refused; why, in words.
    Refused(String),
    /// A topic this program does not know; its name, empty where there is none.
    Other(String),
    /// No JSON object, or an event without the body it has to have; the reason.
    Unreadable(Cow<'static, str>),
}

/// Reads a frame. No words in it are redacted or escaped yet.
pub(crate) fn read(frame: RawFrame<'_>) -> Notice {
    let text = match value::object_text(frame) {
        Ok(text) => text,
        Err(reason) => return Notice::Unreadable(reason.into()),
    };
    match value::parse(text) {
        Ok(frame) => of(&frame),
        Err(error) => Notice::Unreadable(error.to_string().into()),
    }
}

fn of(frame: &Value) -> Notice {
    let body = at(frame, "eventBody").unwrap_or(&Value::Null);
    match (text(frame, "topicName"), text(frame, "result")) {
        (Some(topic), _) => of_topic(topic, body),
        (None, Some(result)) => of_result(&result, frame),
        (None, None) => of_metadata(frame).unwrap_or(Notice::Other(String::new())),
    }
}

fn of_topic(topic: String, body: &Value) -> Notice {
    let name = topic.to_ascii_lowercase();
    if name == "channel.metadata" {
        return of_metadata(body).unwrap_or(Notice::Other(topic));
    }
    if let Some(event) = name.strip_prefix("v2.system.") {
        return of_system(event, body).unwrap_or(Notice::Other(topic));
    }
    if name.starts_with(DETAIL) {
        return detail(&topic, body).unwrap_or(Notice::Other(topic));
    }
    if name.ends_with(".conversations") || name.ends_with(".conversations.messages") {
        return with_object(body, |body| Notice::Conversation(Snapshot::of(body)));
    }
    if name.ends_with(".transcription") {
        return with_object(body, |body| Notice::Transcription(transcription(&topic, body)));
    }
    if name.ends_with(".typing.event") {
        return typing(body).unwrap_or(Notice::Other(topic));
    }
    Notice::Other(topic)
}

const DETAIL: &str = "v2.detail.events.conversation.";

fn with_object(body: &Value, read: impl FnOnce(&Value) -> Notice) -> Notice {
    if body.is_object() { read(body) } else { Notice::Unreadable("an event without a body".into()) }
}

fn of_metadata(body: &Value) -> Option<Notice> {
    let message = text(body, "message")?.to_ascii_lowercase();
    if message.contains("heartbeat") {
        return Some(Notice::Heartbeat);
    }
    (message == "pong").then_some(Notice::Pong)
}

/// By its name, else by the kind in its body: there is a topic of two ids that does not say more.
fn of_system(event: &str, body: &Value) -> Option<Notice> {
    let kind = text(body, "systemTopicType").unwrap_or_default().to_ascii_lowercase();
    let is = |name: &str| event.starts_with(name) || kind == name;
    if is("socket_closing") {
        Some(Notice::Closing)
    } else if is("no_longer_subscribed") {
        Some(Notice::ChannelGone(gone(body)))
    } else if is("token_revoked") {
        Some(Notice::TokenRevoked)
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

fn of_result(result: &str, frame: &Value) -> Notice {
    let words = || first(frame, &["message", "status"]);
    match result.parse() {
        Ok(200..=299) => Notice::Acknowledged,
        Ok(404) => Notice::ChannelGone(words().unwrap_or_else(|| "the channel has expired".to_owned())),
        Ok(code @ 0_u16..) => Notice::Refused(words().map_or(code.to_string(), |words| format!("{code} ({words})"))),
        Err(_) => Notice::Refused(words().unwrap_or_else(|| result.to_owned())),
    }
}

/// The id may hold dots, and so does the event: where the body names the conversation, it decides where the id ends.
fn detail(topic: &str, body: &Value) -> Option<Notice> {
    let rest = topic.get(DETAIL.len()..)?;
    let named = text(body, "conversationId").and_then(|id| Some((rest.strip_prefix(&id)?.strip_prefix('.')?, id)));
    let (event, conversation) = named.or_else(|| rest.split_once('.').map(|(id, event)| (event, id.to_owned())))?;
    Some(Notice::Detail { conversation, event: event.to_ascii_lowercase() })
}

fn transcription(topic: &str, body: &Value) -> Transcription {
    let mut transcription = Transcription::of(body);
    if transcription.conversation.is_none() {
        transcription.conversation = conversation_of(topic);
    }
    transcription
}

fn conversation_of(topic: &str) -> Option<String> {
    let (start, end) = ("v2.conversations.".len(), topic.len().checked_sub(".transcription".len())?);
    topic.get(start..end).filter(|id| !id.is_empty()).map(ToOwned::to_owned)
}

fn typing(body: &Value) -> Option<Notice> {
    let from = |member: &str| text(body, &format!("normalizedMessage.channel.from.{member}"));
    let who = from("nickname").or_else(|| from("firstName")).or_else(|| from("lastName"));
    Some(Notice::Typing { conversation: text(body, "conversationId")?, who })
}
