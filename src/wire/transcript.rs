//! From a frame of the transcript socket to an event.

pub(crate) mod fast_path;
mod template;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::content::{self, Content};
use super::json;
use super::lenient::{EventName, Frame, Loose, Payload, WireParty};
use super::transcript::fast_path::TemplateCache;
use crate::event::{EventBody, Message, Origin, Party, RawFrame, Role, TranscriptEvent};

/// What a frame turned out to be.
#[derive(Debug, PartialEq)]
pub enum Decoded<'a> {
    /// An event of the transcript.
    Event(TranscriptEvent<'a>),
    /// A frame with another event name, or none: not for the reader.
    Unknown(Cow<'a, str>),
    /// No JSON object, or a message that carries nothing; the reason.
    Malformed(Cow<'static, str>),
}

/// Reads a frame, the sooner where it has one of the `shapes` that came before. A plain message borrows from it; nothing in
/// it can make this fail otherwise than by [`Decoded::Malformed`].
pub fn decode<'a>(
    raw: RawFrame<'a>,
    conversation: &'a str,
    received: DateTime<Utc>,
    shapes: &TemplateCache,
) -> Decoded<'a> {
    let text = match json::object_text(raw) {
        Ok(text) => text,
        Err(reason) => return Decoded::Malformed(reason.into()),
    };
    let mut frame = Frame::default();
    match shapes.read_into(&mut frame, text) {
        Some(()) => read(&mut frame, conversation, received),
        None => decode_by_serde(text, conversation, received),
    }
}

/// The same without the quick way.
pub(crate) fn decode_by_serde<'a>(text: &'a str, conversation: &'a str, received: DateTime<Utc>) -> Decoded<'a> {
    match serde_json::from_str(text) {
        Ok(mut frame) => read(&mut frame, conversation, received),
        Err(_) => decode_with_care(text, conversation, received),
    }
}

/// The slow way, for what the quick one refuses although it can be read: a lone surrogate, a member given twice.
fn decode_with_care<'a>(text: &str, conversation: &'a str, received: DateTime<Utc>) -> Decoded<'a> {
    let plain = match json::parse(text) {
        Ok(value) => value.to_string(),
        Err(error) => return Decoded::Malformed(error.to_string().into()),
    };
    match serde_json::from_str(&plain).map(|mut frame| read(&mut frame, "", received)) {
        Ok(Decoded::Event(TranscriptEvent { at, body, .. })) => {
            Decoded::Event(TranscriptEvent { conversation, at, received, body: body.into_owned() })
        }
        Ok(Decoded::Unknown(name)) => Decoded::Unknown(Cow::Owned(name.into_owned())),
        Ok(Decoded::Malformed(reason)) => Decoded::Malformed(reason),
        Err(error) => Decoded::Malformed(error.to_string().into()),
    }
}

/// Takes out of a frame what it says.
pub(super) fn read<'a>(frame: &mut Frame<'a>, conversation: &'a str, received: DateTime<Utc>) -> Decoded<'a> {
    let event = |at, body| Decoded::Event(TranscriptEvent { conversation, at, received, body });
    let framed = || frame.timestamp.time();
    match std::mem::take(&mut frame.event) {
        EventName::MessageAdded => match message(&mut frame.payload.0) {
            Some((at, message)) => event(at.or_else(framed), EventBody::Message(message)),
            None => Decoded::Malformed("a message that carries nothing".into()),
        },
        EventName::ConversationUpdated => {
            event(framed().or_else(|| frame.payload.0.timestamp.time()), EventBody::Update { description: None })
        }
        EventName::ConversationClosed => {
            event(framed().or_else(|| frame.payload.0.timestamp.time()), EventBody::Closed)
        }
        EventName::Other(name) => Decoded::Unknown(name),
        EventName::Missing => Decoded::Unknown("".into()),
    }
}

fn message<'a>(payload: &mut Payload<'a>) -> Option<(Option<DateTime<Utc>>, Message<'a>)> {
    let carried = carried(payload);
    let at = payload.timestamp.time();
    let from = party(&mut payload.from.0);
    let text = payload.text.0.take().or(carried.text.map(Cow::Owned));
    if text.is_none() && carried.attachments.is_empty() {
        return None;
    }
    let message = Message {
        id: payload.id.0.take(),
        role: role(&payload.kind, &payload.originating_entity, &from),
        from,
        to: party(&mut payload.to.0),
        text,
        attachments: carried.attachments,
        origin: Origin::Live,
    };
    Some((at, message))
}

/// Everything but the plain text; most messages have none of it and cost nothing here.
fn carried(payload: &Payload<'_>) -> Content {
    let mut carried = Content::default();
    for files in [payload.attachment, payload.attachments].into_iter().flatten() {
        content::attachments(files.get(), &mut carried);
    }
    if let Some(parts) = payload.content.map(RawValue::get) {
        content::parts(parts, &mut carried);
    }
    let nothing_yet = payload.text.0.is_none() && carried == Content::default();
    if let (true, Some(title)) = (nothing_yet, payload.title.0.as_deref()) {
        carried.attachments.push(content::title(title));
    }
    carried
}

fn party<'a>(party: &mut WireParty<'a>) -> Party<'a> {
    Party { id: party.id.0.take(), name: party.name.0.take() }
}

fn role(kind: &Loose<'_>, entity: &Loose<'_>, from: &Party<'_>) -> Role {
    let says = |field: &Loose<'_>, word: &str| field.0.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word));
    match from.id.as_deref() {
        _ if says(kind, "system") => Role::System,
        Some("external") => Role::Customer,
        _ if says(entity, "bot") => Role::Bot,
        Some(_) => Role::Agent,
        None => Role::Unknown,
    }
}

/// Replaces every `\uD800`–`\uDFFF` escape that is not half of a pair by `\uFFFD`, the replacement character.
pub(super) fn mend_surrogates(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let (mut copied, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]).map(|offset| at + offset) {
        at = match surrogate(bytes, found) {
            Some(0xD800..=0xDBFF) if matches!(surrogate(bytes, found + 6), Some(0xDC00..=0xDFFF)) => found + 12,
            Some(_) => {
                mended.push_str(&text[copied..found]);
                mended.push_str("\\uFFFD");
                copied = found + 6;
                copied
            }
            None => (found + 2).min(bytes.len()),
        };
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[copied..]);
    Cow::Owned(mended)
}

/// The surrogate that is escaped at this place, if one is.
fn surrogate(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let unit = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (0xD800..=0xDFFF).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received() -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_400_000, 0).expect("in range")
    }

    fn event(json: &str) -> TranscriptEvent<'_> {
        match decode(RawFrame::Text(json), "c1", received(), &TemplateCache::default()) {
            Decoded::Event(event) => event,
            other => panic!("{json}: {other:?}"),
        }
    }

    fn said(payload: &str) -> Message<'static> {
        let json = format!(r#"{{"event":"messageAdded","payload":{payload}}}"#);
        match event(&json).body {
            EventBody::Message(message) => message.into_owned(),
            other => panic!("{json}: {other:?}"),
        }
    }

    fn malformed(json: &str) -> bool {
        matches!(decode(RawFrame::Text(json), "c1", received(), &TemplateCache::default()), Decoded::Malformed(_))
    }

    #[test]
    fn the_time_is_the_payloads_else_the_frames_else_the_arrival() {
        let time = |json: &str| event(json).time().timestamp();
        assert_eq!(time(r#"{"event":"messageAdded","timestamp":20,"payload":{"timestamp":10,"text":"x"}}"#), 10);
        assert_eq!(time(r#"{"event":"messageAdded","timestamp":20,"payload":{"timestamp":"soon","text":"x"}}"#), 20);
        assert_eq!(time(r#"{"event":"messageAdded","payload":{"text":"x"}}"#), received().timestamp());
        assert_eq!(time(r#"{"event":"conversationUpdated","timestamp":"30","payload":null}"#), 30);
        assert_eq!(time(r#"{"event":"conversationClosed","timestamp":40}"#), 40);
    }

    #[test]
    fn roles_follow_type_and_id() {
        for (payload, role, sender) in [
            (r#"{"text":"x","from":{"id":"external","name":"Ada"}}"#, Role::Customer, "Ada"),
            (r#"{"text":"x","from":{"id":"external","name":""}}"#, Role::Customer, "external"),
            (r#"{"text":"x","from":{"id":"agent-7","name":null}}"#, Role::Agent, "agent-7"),
            (r#"{"text":"x","from":{"id":7}}"#, Role::Agent, "7"),
            (r#"{"text":"x","from":{"name":"Ada"}}"#, Role::Unknown, "Ada"),
            (r#"{"text":"x","from":{"id":""}}"#, Role::Unknown, "Unknown"),
            (r#"{"text":"x","from":"external"}"#, Role::Unknown, "Unknown"),
            (r#"{"text":"x"}"#, Role::Unknown, "Unknown"),
            (r#"{"text":"x","type":"system","from":{"id":"external"}}"#, Role::System, "external"),
            (r#"{"text":"x","originatingEntity":"Bot","from":{"id":"flow-1"}}"#, Role::Bot, "flow-1"),
        ] {
            let message = said(payload);
            assert_eq!((message.role, message.sender_label()), (role, sender), "{payload}");
        }
    }

    #[test]
    fn a_message_without_text_shows_what_it_carries() {
        for (payload, words) in [
            (r#"{"text":"","attachment":{"name":"invoice.png"}}"#, "[attachment: invoice.png]"),
            (r#"{"text":null,"attachments":[{"name":"a"},{"name":"b"}]}"#, "[attachment: a] [attachment: b]"),
            (r#"{"title":"Your order"}"#, "[title: Your order]"),
            (r#"{"text":"see","title":"Your order","attachment":{"name":"a"}}"#, "see [attachment: a]"),
            (r#"{"content":[{"contentType":"Text","text":{"body":"hi"}}]}"#, "hi"),
            (r#"{"text":42}"#, "42"),
        ] {
            assert_eq!(said(payload).display_text(), words, "{payload}");
        }
        assert!(malformed(r#"{"event":"messageAdded","payload":{"text":"","id":"m1"}}"#));
        assert!(malformed(r#"{"event":"messageAdded"}"#));
    }

    #[test]
    fn unknown_events_are_named_and_broken_ones_told_apart() {
        let name = |json| match decode(RawFrame::Text(json), "c1", received(), &TemplateCache::default()) {
            Decoded::Unknown(name) => name.into_owned(),
            other => panic!("{json}: {other:?}"),
        };
        assert_eq!(name(r#"{"event":"participantTyping"}"#), "participantTyping");
        assert_eq!(name(r#"{"event":{"new":"shape"}}"#), "");
        assert_eq!(name(r#" {"topicName":"channel.metadata"}"#), "");
        for broken in ["", "pong", "42", "[]", "null", r#"{"event":"messageAdded""#, r#"{"event":}"#] {
            assert!(malformed(broken), "{broken}");
        }
    }

    #[test]
    fn binary_frames_that_hold_json_are_read_like_text() {
        let json = br#"{"event":"conversationUpdated"}"#;
        assert!(matches!(
            decode(RawFrame::Binary(json), "c1", received(), &TemplateCache::default()),
            Decoded::Event(_)
        ));
        assert!(matches!(
            decode(RawFrame::Binary(b"{\xff}"), "c1", received(), &TemplateCache::default()),
            Decoded::Malformed(_)
        ));
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        for (text, words) in [
            (r"broken \ud83d here", "broken \u{fffd} here"),
            (r"\ude80", "\u{fffd}"),
            (r"\ud83d\ud83d\ude80", "\u{fffd}\u{1f680}"),
            (r"\ud83d\u0041 \\ud83d", "\u{fffd}A \\ud83d"),
            (r"\uD83D", "\u{fffd}"),
        ] {
            assert_eq!(said(&format!(r#"{{"text":"{text}"}}"#)).display_text(), words, "{text}");
        }
    }

    #[test]
    fn a_member_given_twice_counts_as_given_last() {
        assert_eq!(said(r#"{"text":"one","text":"two"}"#).display_text(), "two");
    }
}
