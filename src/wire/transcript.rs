//! Decodes a frame of the transcript socket into an event.

pub(crate) mod fast_path;
mod frame;
mod scanner;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;

use self::fast_path::TemplateCache;
use self::frame::{EventName, Frame, FrameParty, Payload};
use super::annotations::Annotations;
use super::content::{Content, ShownContent};
use super::lenient::LenientString;
use super::{json, lenient};
use crate::event::{DeliveryStatus, EventBody, Message, Origin, Party, RawFrame, Role, TranscriptEvent};

/// A decoded frame.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "most frames are events, and a box would allocate for each")]
pub enum Decoded<'a> {
    /// An event of the conversation.
    Event(TranscriptEvent<'a>),
    /// A frame with an event name that this program does not know; empty without a name.
    Unknown(Cow<'a, str>),
    /// A frame that is not a JSON object, or a message without content; the reason.
    Malformed(Cow<'static, str>),
}

/// Decodes a frame. A plain message borrows from the frame, and a frame that matches one of the `templates` takes a
/// third of the time.
#[must_use]
pub fn decode<'a>(
    raw: RawFrame<'a>,
    conversation: &'a str,
    received: DateTime<Utc>,
    templates: &TemplateCache,
) -> Decoded<'a> {
    let text = match json::object_text(raw) {
        Ok(text) => text,
        Err(reason) => return Decoded::Malformed(reason.into()),
    };
    let mut frame = Frame::default();
    match templates.read_into(&mut frame, text) {
        Some(()) => to_event(&mut frame, conversation, received),
        None => decode_by_serde(text, conversation, received),
    }
}

/// Decodes a frame without the fast path.
pub(crate) fn decode_by_serde<'a>(text: &'a str, conversation: &'a str, received: DateTime<Utc>) -> Decoded<'a> {
    match serde_json::from_str(text) {
        Ok(mut frame) => to_event(&mut frame, conversation, received),
        Err(_) => decode_repaired(text, conversation, received),
    }
}

/// Decodes a frame by way of a [`serde_json::Value`], which accepts a member given twice and, by [`json::parse`], a
/// lone surrogate.
fn decode_repaired<'a>(text: &'a str, conversation: &'a str, received: DateTime<Utc>) -> Decoded<'a> {
    let repaired = match json::parse(text) {
        Ok(value) => value.to_string(),
        Err(error) => return Decoded::Malformed(error.to_string().into()),
    };
    match serde_json::from_str(&repaired).map(|mut frame| to_event(&mut frame, "", received)) {
        Ok(Decoded::Event(TranscriptEvent { at, body, .. })) => {
            Decoded::Event(TranscriptEvent { conversation, at, received, body: body.into_owned(), context: None })
        }
        Ok(Decoded::Unknown(name)) => Decoded::Unknown(Cow::Owned(name.into_owned())),
        Ok(Decoded::Malformed(reason)) => Decoded::Malformed(reason),
        Err(error) => Decoded::Malformed(error.to_string().into()),
    }
}

/// Moves the members of a frame into an event (SRC-10 to SRC-14).
fn to_event<'a>(frame: &mut Frame<'a>, conversation: &'a str, received: DateTime<Utc>) -> Decoded<'a> {
    let event = |at, body| Decoded::Event(TranscriptEvent { conversation, at, received, body, context: None });
    let frame_time = || frame.timestamp.time();
    match std::mem::take(&mut frame.event) {
        EventName::MessageAdded => match message(&mut frame.payload.0) {
            Some((at, message)) => event(at.or_else(frame_time), EventBody::Message(message)),
            None => Decoded::Malformed("message without content".into()),
        },
        EventName::ConversationUpdated => {
            event(frame_time().or_else(|| frame.payload.0.timestamp.time()), EventBody::Update { description: None })
        }
        EventName::ConversationClosed => {
            event(frame_time().or_else(|| frame.payload.0.timestamp.time()), EventBody::Closed)
        }
        EventName::Other(name) => Decoded::Unknown(name),
        EventName::Missing => Decoded::Unknown("".into()),
    }
}

/// The text of a message whose content the service does not pass on.
const UNSUPPORTED: &str = "[unsupported message]";

/// Returns the message of a payload and the payload's timestamp; `None` if the message has no content.
fn message<'a>(payload: &mut Payload<'a>) -> Option<(Option<DateTime<Utc>>, Message<'a>)> {
    let at = payload.timestamp.time();
    if payload.is_plain() {
        let text = payload.text.0.take();
        return Some((at, envelope(payload, text)));
    }
    Some((at, message_with_parts(payload)?))
}

/// Returns a message without parts and status.
fn envelope<'a>(payload: &mut Payload<'a>, text: Option<Cow<'a, str>>) -> Message<'a> {
    let from = party(&mut payload.from.0);
    Message {
        id: payload.id.0.take(),
        role: role(&payload.kind, &payload.originating_entity, &from),
        from,
        to: party(&mut payload.to.0),
        text,
        attachments: Vec::new(),
        origin: Origin::Live,
        status: None,
        details: None,
    }
}

/// Returns a message that is more than its text; `None` if it has no content.
fn message_with_parts<'a>(payload: &mut Payload<'a>) -> Option<Message<'a>> {
    let mut content = content_of(payload);
    let mut annotations = if payload.has_annotations() { annotations(payload) } else { Annotations::default() };
    if let (None, Some(status)) = (&annotations.status, payload.status.0.as_deref()) {
        annotations.status = Some(DeliveryStatus::new(status));
    }
    let is_removed = annotations.status.as_ref().is_some_and(DeliveryStatus::is_removed);
    if content.is_empty() && !is_removed {
        content.text = Some(UNSUPPORTED.into()).filter(|_| payload.kind.as_str().eq_ignore_ascii_case("Unknown"));
        content.text.as_ref()?;
    }
    let mut message = envelope(payload, content.text);
    message.attachments = content.attachments;
    message.details = annotations.details_with(content.brackets);
    if message.role != Role::System {
        message.set_status(annotations.status, annotations.failure);
    }
    Some(message)
}

/// Reads the text and the other parts.
fn content_of<'a>(payload: &mut Payload<'a>) -> ShownContent<'a> {
    if payload.has_text_only() {
        return ShownContent { text: payload.text.0.take(), ..ShownContent::default() };
    }
    let mut content = Content::default();
    for attachments in [payload.attachment, payload.attachments].into_iter().flatten() {
        content.read_attachments(attachments.get());
    }
    if let Some(parts) = payload.content.map(RawValue::get) {
        content.read_parts(parts);
    }
    let is_empty = payload.text.0.is_none() && content.is_empty();
    if let (true, Some(title)) = (is_empty, payload.title.0.as_deref()) {
        content.add_title(title);
    }
    content.behind(payload.text.0.take())
}

/// Reads the members of which most messages have none.
#[cold]
fn annotations(payload: &Payload<'_>) -> Annotations {
    let members = [
        ("channel", payload.channel),
        ("enrichment", payload.enrichment),
        ("errorInfo", payload.error_info),
        ("normalizedReceipts", payload.normalized_receipts),
        ("relatedMessages", payload.related_messages),
    ];
    let mut message = serde_json::Map::new();
    for (name, json) in members {
        let value = json.and_then(|json| json::parse(json.get()).ok());
        message.extend(value.map(|value| (name.to_owned(), value)));
    }
    let status = payload.status.0.as_deref();
    message.extend(status.map(|status| ("status".to_owned(), Value::from(status))));
    let message = Value::Object(message);
    Annotations::read(&message, &message)
}

fn party<'a>(party: &mut FrameParty<'a>) -> Party<'a> {
    Party { id: party.id.0.take(), name: party.name.0.take().and_then(lenient::name) }
}

fn role(kind: &LenientString<'_>, originating_entity: &LenientString<'_>, from: &Party<'_>) -> Role {
    let is =
        |field: &LenientString<'_>, word: &str| field.0.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word));
    match from.id.as_deref() {
        _ if is(kind, "system") => Role::System,
        Some("external") => Role::Customer,
        _ if is(originating_entity, "bot") => Role::Bot,
        Some(_) => Role::Agent,
        None => Role::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::QuotedMessage;

    fn received() -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_400_000, 0).expect("in range")
    }

    fn event(json: &str) -> TranscriptEvent<'_> {
        match decode(RawFrame::Text(json), "c1", received(), &TemplateCache::default()) {
            Decoded::Event(event) => event,
            other => panic!("{json}: {other:?}"),
        }
    }

    fn message_of(payload: &str) -> Message<'static> {
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
    fn the_time_of_an_event_comes_from_the_payload_else_the_frame_else_the_arrival() {
        let time = |json: &str| event(json).time().timestamp();
        assert_eq!(time(r#"{"event":"messageAdded","timestamp":20,"payload":{"timestamp":10,"text":"x"}}"#), 10);
        assert_eq!(time(r#"{"event":"messageAdded","timestamp":20,"payload":{"timestamp":"soon","text":"x"}}"#), 20);
        assert_eq!(time(r#"{"event":"messageAdded","payload":{"text":"x"}}"#), received().timestamp());
        assert_eq!(time(r#"{"event":"conversationUpdated","timestamp":"30","payload":null}"#), 30);
        assert_eq!(time(r#"{"event":"conversationClosed","timestamp":40}"#), 40);
    }

    #[test]
    fn the_role_follows_from_the_type_and_the_sender_id() {
        for (payload, role, sender) in [
            (r#"{"text":"x","from":{"id":"external","name":"Ada"}}"#, Role::Customer, "Ada"),
            (r#"{"text":"x","from":{"id":"external","name":""}}"#, Role::Customer, "external"),
            (r#"{"text":"x","from":{"id":"agent-7","name":null}}"#, Role::Agent, "agent-7"),
            (r#"{"text":"x","from":{"id":"agent-7","name":" Sam\t"}}"#, Role::Agent, "Sam"),
            (r#"{"text":"x","from":{"id":"agent-7","name":" \u00a0"}}"#, Role::Agent, "agent-7"),
            (r#"{"text":"x","from":{"id":7}}"#, Role::Agent, "7"),
            (r#"{"text":"x","from":{"name":"Ada"}}"#, Role::Unknown, "Ada"),
            (r#"{"text":"x","from":{"id":""}}"#, Role::Unknown, "Unknown"),
            (r#"{"text":"x","from":"external"}"#, Role::Unknown, "Unknown"),
            (r#"{"text":"x"}"#, Role::Unknown, "Unknown"),
            (r#"{"text":"x","type":"system","from":{"id":"external"}}"#, Role::System, "external"),
            (r#"{"text":"x","originatingEntity":"Bot","from":{"id":"flow-1"}}"#, Role::Bot, "flow-1"),
        ] {
            let message = message_of(payload);
            assert_eq!((message.role, message.sender_label()), (role, sender), "{payload}");
        }
    }

    #[test]
    fn a_message_without_text_shows_its_attachments_or_title() {
        for (payload, expected) in [
            (r#"{"text":"","attachment":{"name":"invoice.png"}}"#, "[attachment: invoice.png]"),
            (r#"{"text":null,"attachments":[{"name":"a"},{"name":"b"}]}"#, "[attachment: a] [attachment: b]"),
            (r#"{"title":"Your order"}"#, "[title: Your order]"),
            (r#"{"text":"see","title":"Your order","attachment":{"name":"a"}}"#, "see [attachment: a]"),
            (r#"{"content":[{"contentType":"Text","text":{"body":"hi"}}]}"#, "hi"),
            (r#"{"text":42}"#, "42"),
        ] {
            assert_eq!(message_of(payload).display_text(), expected, "{payload}");
        }
        assert!(malformed(r#"{"event":"messageAdded","payload":{"text":"","id":"m1"}}"#));
        assert!(malformed(r#"{"event":"messageAdded"}"#));
    }

    #[test]
    fn the_delivery_edits_and_quotes_are_read() {
        let details = |payload: &str| message_of(payload).details.expect("details");
        for (payload, line, status) in [
            (r#"{"text":"x","status":"Sent"}"#, "x", Some("sent")),
            (r#"{"text":"x","status":"delivery-success"}"#, "x", Some("delivered")),
            (r#"{"text":"x","status":"failed"}"#, "x [not delivered]", Some("failed")),
            (
                r#"{"text":"x","status":"delivery-failed","normalizedReceipts":[{"type":"Receipt","status":"Failed",
                "isFinalReceipt":true,"reasons":[{"code":"InvalidDestination","message":"Unknown subscriber"}]}]}"#,
                "x [not delivered: Unknown subscriber]",
                Some("failed"),
            ),
            (
                r#"{"text":"x","status":"failed","errorInfo":{"code":"bad.address"}}"#,
                "x [not delivered: bad.address]",
                Some("failed"),
            ),
            (r#"{"text":"x","status":"removed","attachment":"a"}"#, "[message removed]", Some("removed")),
            (r#"{"status":"removed"}"#, "[message removed]", Some("removed")),
            (r#"{"text":"x","channel":{"dateDeleted":"2026-01-02T03:04:05Z"}}"#, "[message removed]", Some("removed")),
            (r#"{"text":"message not delivered","type":"system","status":"failed"}"#, "message not delivered", None),
            (r#"{"text":"x","channel":"web","enrichment":[],"status":null}"#, "x", None),
        ] {
            let message = message_of(payload);
            assert_eq!(message.display_text(), line, "{payload}");
            assert_eq!(message.status_name(), status, "{payload}");
        }
        let edited = details(
            r#"{"text":"x","channel":{"dateModified":"2026-01-02T03:04:05Z"},"relatedMessages":[{"id":"m1","text":"y"}],
            "enrichment":{"language":{"language":"en-US"}}}"#,
        );
        let quoted = QuotedMessage { id: Some("m1".into()), text: Some("y".into()) };
        assert_eq!((edited.edited, edited.reply_to, edited.language.as_deref()), (true, Some(quoted), Some("en-US")));
    }

    #[test]
    fn a_message_of_an_unknown_type_without_content_is_unsupported() {
        assert_eq!(message_of(r#"{"type":"Unknown","id":"m1"}"#).display_text(), "[unsupported message]");
        assert_eq!(message_of(r#"{"type":"unknown","text":"hi"}"#).display_text(), "hi");
    }

    #[test]
    fn an_unknown_event_keeps_its_name_and_broken_json_is_malformed() {
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
    fn a_binary_frame_with_json_is_decoded_like_a_text_frame() {
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
        for (text, expected) in [
            (r"broken \ud83d here", "broken \u{fffd} here"),
            (r"\ude80", "\u{fffd}"),
            (r"\ud83d\ud83d\ude80", "\u{fffd}\u{1f680}"),
            (r"\ud83d\u0041 \\ud83d", "\u{fffd}A \\ud83d"),
            (r"\uD83D", "\u{fffd}"),
        ] {
            assert_eq!(message_of(&format!(r#"{{"text":"{text}"}}"#)).display_text(), expected, "{text}");
        }
    }

    #[test]
    fn the_last_of_two_equal_members_counts() {
        assert_eq!(message_of(r#"{"text":"one","text":"two"}"#).display_text(), "two");
    }
}
