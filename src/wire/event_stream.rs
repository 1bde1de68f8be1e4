//! The lines of an event stream: events of EventBridge in any of their envelopes (STR-1).
//!
//! A line holds one object or several, one after the other. An object is the event of EventBridge, its `detail` alone, which
//! is a notification of the WebSocket, or a message of SQS whose `Body` is the text of one of the two.

mod object_scanner;
mod shapes;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde_json::Deserializer;
use serde_json::value::RawValue;

pub(crate) use self::object_scanner::ObjectScanner;
use self::shapes::ObjectJson;
use super::event_body::{EventBody, read_repaired};
use super::topic::{self, DetailTopic};
use super::transcription::Transcription;

/// An object of a line.
#[derive(Debug)]
pub(crate) struct StreamObject<'a> {
    /// The id of the envelope, which a repeat of the event has too.
    pub(crate) id: Option<&'a str>,
    /// The text of the envelope or the notification.
    pub(crate) text: &'a str,
    pub(crate) event: StreamEvent,
}

/// An event of the stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StreamEvent {
    /// Utterances of a call.
    Transcription(Transcription),
    /// A change of a conversation.
    Detail(DetailEvent),
    /// An event of another topic; its name.
    Other(String),
    /// No event; the reason.
    Malformed(String),
}

/// A change of a conversation: a participant came or left, or something was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DetailEvent {
    /// The id of the conversation.
    pub(crate) conversation: String,
    /// The name, such as `user.start`, in lower case.
    pub(crate) name: String,
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) medium: StreamMedium,
    pub(crate) participant: Option<String>,
    /// The session of the participant.
    pub(crate) session: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) queue: Option<String>,
}

/// The medium that an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamMedium {
    Message,
    Call,
    /// E-mail, callback and others.
    Other,
    Unknown,
}

/// Hands each object of a line to `each`. An object that is no JSON ends with its last brace; what follows anything else is
/// skipped with it.
pub(crate) fn read_line(line: &str, each: &mut impl FnMut(StreamObject<'_>)) {
    read_objects(line, Nesting::Line, each);
}

/// Returns the notification in the text of an object, which may be its `detail`.
pub(crate) fn notification_text(object: &str) -> &str {
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        detail: &'a RawValue,
    }
    serde_json::from_str::<Envelope<'_>>(object).map_or(object, |envelope| envelope.detail.get())
}

/// The place of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Line,
    /// The body of a message of SQS.
    Message,
}

fn read_objects(text: &str, nesting: Nesting, each: &mut impl FnMut(StreamObject<'_>)) {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while !rest.is_empty() {
        let mut objects = Deserializer::from_str(rest).into_iter::<ObjectJson<'_>>();
        // Anything but an object would be read as an empty one.
        let first = if rest.starts_with('{') { objects.next() } else { None };
        let end = match first {
            Some(Ok(object)) => {
                let end = objects.byte_offset();
                read_object(object, &rest[..end], nesting, each);
                end
            }
            _ => read_unusual(rest, nesting, each),
        };
        rest = rest[end..].trim_start();
    }
}

/// Reads an object that has a member twice or a lone surrogate. Returns the place where the next object begins.
fn read_unusual(rest: &str, nesting: Nesting, each: &mut impl FnMut(StreamObject<'_>)) -> usize {
    let mut values = Deserializer::from_str(rest).into_iter::<&RawValue>();
    let object = values.next().and_then(Result::ok).map(RawValue::get).filter(|text| text.starts_with('{'));
    let Some(object) = object else {
        let is_object = rest.starts_with('{');
        let end = ObjectScanner::default().next_end(rest.as_bytes()).filter(|_| is_object).unwrap_or(rest.len());
        each(malformed(&rest[..end], if is_object { "invalid JSON" } else { "not a JSON object" }));
        return end;
    };
    let read = read_repaired(object, |text| {
        read_object(serde_json::from_str(text).ok()?, object, nesting, each);
        Some(())
    });
    if let Err(reason) = read {
        each(malformed(object, &reason));
    }
    values.byte_offset()
}

/// Hands the event of an object to `each`, or the events of the messages that it holds.
fn read_object(object: ObjectJson<'_>, text: &str, nesting: Nesting, each: &mut impl FnMut(StreamObject<'_>)) {
    let messages = object.messages.is_list() || object.message.0.is_some();
    if messages && nesting == Nesting::Line {
        let listed = object.messages.as_slice().iter().map(|message| message.body.as_str());
        for body in object.message.0.as_deref().into_iter().chain(listed) {
            read_objects(body, Nesting::Message, each);
        }
        return;
    }
    let ObjectJson { id, detail_type, detail, topic_name, event_body, .. } = object;
    let detail = detail.0;
    let is_bare = detail.topic_name.0.is_none() && detail_type.0.is_none();
    let (topic, body) = if is_bare {
        (topic_name, event_body.0)
    } else {
        (if detail.topic_name.0.is_some() { detail.topic_name } else { detail_type }, detail.event_body.0)
    };
    let event =
        topic.0.as_deref().map_or_else(|| StreamEvent::Malformed("no topic".to_owned()), |topic| event(topic, body));
    each(StreamObject { id: id.0.as_deref().filter(|_| !is_bare), text, event });
}

fn malformed<'a>(text: &'a str, reason: &str) -> StreamObject<'a> {
    StreamObject { id: None, text, event: StreamEvent::Malformed(reason.to_owned()) }
}

/// Returns the event with this topic, or with the template of a topic.
fn event(topic: &str, body: EventBody<'_>) -> StreamEvent {
    let id = body.conversation_id.0.clone();
    if topic.contains("{id}")
        && let Some(id) = &id
    {
        return event_of(&topic.replacen("{id}", id, 1), body);
    }
    event_of(topic, body)
}

fn event_of(topic: &str, body: EventBody<'_>) -> StreamEvent {
    if topic::is_transcription(topic) {
        return transcription(topic, body);
    }
    match topic::detail_event(topic, body.conversation_id.0.as_deref()) {
        Some(DetailTopic { conversation, .. }) if conversation.contains('{') => no_conversation(),
        Some(detail) => StreamEvent::Detail(detail_event(detail, body)),
        None => StreamEvent::Other(topic.to_owned()),
    }
}

fn transcription(topic: &str, body: EventBody<'_>) -> StreamEvent {
    let mut transcription = body.into_transcription();
    if transcription.conversation.is_none() {
        let id = topic::conversation_of_transcription(topic).filter(|id| !id.contains('{'));
        transcription.conversation = id.map(ToOwned::to_owned);
    }
    if transcription.conversation.is_none() { no_conversation() } else { StreamEvent::Transcription(transcription) }
}

fn no_conversation() -> StreamEvent {
    StreamEvent::Malformed("no conversation".to_owned())
}

fn detail_event(topic: DetailTopic, body: EventBody<'_>) -> DetailEvent {
    DetailEvent {
        conversation: topic.conversation,
        name: topic.event,
        at: body.event_time.time(),
        medium: medium(body.medium()),
        participant: body.participant_id.into_string(),
        session: body.session_id.into_string(),
        user: body.user_id.into_string(),
        queue: body.queue_id.into_string(),
    }
}

fn medium(media_type: &str) -> StreamMedium {
    match media_type.to_ascii_uppercase().as_str() {
        "MESSAGE" => StreamMedium::Message,
        "VOICE" => StreamMedium::Call,
        "" | "UNKNOWN" => StreamMedium::Unknown,
        _ => StreamMedium::Other,
    }
}
