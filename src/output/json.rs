//! The JSON format: one object per line (OUT-10 to OUT-27).

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::escape::push_json_string;
use super::timestamp::TimestampFormatter;
use crate::config::Timestamps;
use crate::event::{Attachment, EventBody, EventContext, Gap, Message, MessageDetails, Party, TranscriptEvent};

/// The JSON Schema of a line.
pub(crate) const SCHEMA: &str = include_str!("schema.json");

/// Formats events as objects. The two times of an event are seldom of the same second, and a formatter caches the last
/// second, so each has its own.
pub(super) struct JsonLines {
    ts: TimestampFormatter,
    received: TimestampFormatter,
}

impl JsonLines {
    pub(super) fn new() -> Self {
        Self { ts: utc(), received: utc() }
    }

    /// Appends the object of one event with its line break.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, event: &TranscriptEvent<'_>) {
        out.extend_from_slice(b"{\"v\":1,\"type\":\"");
        out.extend_from_slice(event_type(&event.body).as_bytes());
        out.push(b'"');
        push_time(out, "ts", &mut self.ts, event.time());
        push_time(out, "received", &mut self.received, event.received);
        push_member(out, "conversation", event.conversation);
        if let Some(context) = &event.context {
            push_context(out, context);
        }
        match &event.body {
            EventBody::Message(message) => push_message(out, message),
            EventBody::Update { description } => push_optional(out, "text", description.as_deref()),
            EventBody::Closed => {}
            EventBody::Gap(gap) => push_gap(out, gap),
        }
        out.extend_from_slice(b"}\n");
    }
}

fn utc() -> TimestampFormatter {
    TimestampFormatter::new(Timestamps::Iso, true)
}

fn event_type(body: &EventBody<'_>) -> &'static str {
    match body {
        EventBody::Message(_) => "message",
        EventBody::Update { .. } => "update",
        EventBody::Closed => "closed",
        EventBody::Gap(_) => "gap",
    }
}

/// Appends the surroundings of an event. A gap has none.
fn push_context(out: &mut Vec<u8>, context: &EventContext) {
    push_optional(out, "media", context.media.as_deref());
    for (key, party) in [("queue", &context.queue), ("agent", &context.agent)] {
        if let Some(party) = party {
            push_party(out, key, party);
        }
    }
}

fn push_message(out: &mut Vec<u8>, message: &Message<'_>) {
    push_optional(out, "id", message.id.as_deref());
    push_member(out, "role", message.role.as_str());
    push_party(out, "from", &message.from);
    push_party(out, "to", &message.to);
    push_optional(out, "text", message.text.as_deref());
    push_attachments(out, &message.attachments);
    if !message.has_content() {
        push_key(out, "available");
        out.extend_from_slice(b"false");
    }
    push_optional(out, "status", message.status_name());
    if let Some(details) = &message.details {
        push_details(out, details);
    }
    push_member(out, "source", message.origin.as_str());
}

fn push_details(out: &mut Vec<u8>, details: &MessageDetails) {
    push_optional(out, "reason", details.failure.as_deref());
    if details.edited {
        push_key(out, "edited");
        out.extend_from_slice(b"true");
    }
    if let Some(quoted) = &details.reply_to {
        push_key(out, "reply_to");
        out.push(b'{');
        push_optional(out, "id", quoted.id.as_deref());
        push_optional(out, "text", quoted.text.as_deref());
        out.push(b'}');
    }
    push_optional(out, "language", details.language.as_deref());
}

fn push_party(out: &mut Vec<u8>, key: &str, party: &Party<'_>) {
    if party.id.is_none() && party.name.is_none() {
        return;
    }
    push_key(out, key);
    out.push(b'{');
    push_optional(out, "id", party.id.as_deref());
    push_optional(out, "name", party.name.as_deref());
    out.push(b'}');
}

fn push_attachments(out: &mut Vec<u8>, attachments: &[Attachment<'_>]) {
    if attachments.is_empty() {
        return;
    }
    push_key(out, "attachments");
    for (index, attachment) in attachments.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"[{" } else { b",{" });
        push_member(out, "kind", &attachment.kind);
        push_optional(out, "name", attachment.name.as_deref());
        push_optional(out, "mime", attachment.mime.as_deref());
        push_optional(out, "url", attachment.url.as_deref());
        if let Some(size) = attachment.size {
            push_number(out, "size", size);
        }
        if let Some(content) = &attachment.content {
            push_key(out, "content");
            push_value(out, content);
        }
        out.push(b'}');
    }
    out.push(b']');
}

/// Appends JSON of the service, with its strings escaped like all others.
fn push_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => push_json_string(out, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { b'[' } else { b',' });
                push_value(out, item);
            }
            out.extend_from_slice(if items.is_empty() { b"[]" } else { b"]" });
        }
        Value::Object(members) => {
            for (index, (name, member)) in members.iter().enumerate() {
                out.push(if index == 0 { b'{' } else { b',' });
                push_json_string(out, name);
                out.push(b':');
                push_value(out, member);
            }
            out.extend_from_slice(if members.is_empty() { b"{}" } else { b"}" });
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => out.extend_from_slice(value.to_string().as_bytes()),
    }
}

fn push_gap(out: &mut Vec<u8>, gap: &Gap) {
    push_time(out, "from", &mut utc(), gap.from);
    push_time(out, "to", &mut utc(), gap.to);
    push_number(out, "seconds", gap.seconds());
    push_member(out, "reason", &gap.reason);
}

fn push_optional(out: &mut Vec<u8>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        push_member(out, key, value);
    }
}

fn push_member(out: &mut Vec<u8>, key: &str, value: &str) {
    push_key(out, key);
    push_json_string(out, value);
}

fn push_number(out: &mut Vec<u8>, key: &str, value: u64) {
    push_key(out, key);
    out.extend_from_slice(value.to_string().as_bytes());
}

fn push_time(out: &mut Vec<u8>, key: &str, formatter: &mut TimestampFormatter, at: DateTime<Utc>) {
    push_key(out, key);
    out.push(b'"');
    formatter.push(out, at);
    out.push(b'"');
}

/// Appends a key, after a comma unless it is the first of its object. Keys are literals that need no escaping.
fn push_key(out: &mut Vec<u8>, key: &str) {
    if !out.ends_with(b"{") {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::fixtures::{event, gap, hostile_text, message, message_event};
    use super::*;
    use crate::event::{DeliveryStatus, Origin, QuotedMessage, Role};

    fn line(event: &TranscriptEvent<'_>) -> String {
        let mut out = Vec::new();
        JsonLines::new().push(&mut out, event);
        String::from_utf8(out).unwrap()
    }

    const HEAD: &str = concat!(
        r#""ts":"2026-01-02T03:04:05.612Z","received":"2026-01-02T03:04:06.612Z","#,
        r#""conversation":"97b9dcb3-0000-4000-8000-000000000001""#
    );

    #[test]
    fn each_kind_of_event_has_its_documented_object() {
        for (event, kind, rest) in [
            (
                message_event(Role::Customer, "Ada", "Hello"),
                "message",
                r#","id":"85c01f55","role":"customer","from":{"id":"external","name":"Ada"},"text":"Hello","source":"live""#,
            ),
            (event(EventBody::Update { description: None }), "update", ""),
            (event(EventBody::Update { description: Some("Sam joined".into()) }), "update", r#","text":"Sam joined""#),
            (event(EventBody::Closed), "closed", ""),
            (
                gap(),
                "gap",
                r#","from":"2026-01-02T03:03:23.612Z","to":"2026-01-02T03:04:05.612Z","seconds":42,"reason":"connection reset""#,
            ),
        ] {
            assert_eq!(line(&event), format!("{{\"v\":1,\"type\":\"{kind}\",{HEAD}{rest}}}\n"));
        }
    }

    #[test]
    fn the_surroundings_of_an_event_follow_the_conversation() {
        let of = |body: EventBody<'static>, context: EventContext| {
            let event = TranscriptEvent { context: Some(Arc::new(context)), ..event(body) };
            line(&event).replacen(HEAD, "", 1)
        };
        let update = || EventBody::Update { description: None };
        let party = |id: Option<&'static str>, name: Option<&'static str>| {
            Some(Party { id: id.map(Into::into), name: name.map(Into::into) })
        };
        let queue = party(Some("q1"), Some("Billing\u{202e}"));
        let all = EventContext { media: Some("sms".into()), queue: queue.clone(), agent: party(Some("u1"), None) };
        let expected = concat!(
            r#"{"v":1,"type":"update",,"media":"sms","queue":{"id":"q1","name":"Billing\u202e"},"agent":{"id":"u1"}}"#,
            "\n"
        );
        assert_eq!(of(update(), all), expected);
        let closed = of(EventBody::Closed, EventContext { media: Some("call".into()), ..EventContext::default() });
        assert_eq!(closed, "{\"v\":1,\"type\":\"closed\",,\"media\":\"call\"}\n");
        assert_eq!(of(update(), EventContext::default()), "{\"v\":1,\"type\":\"update\",}\n");
    }

    #[test]
    fn absent_members_are_omitted_also_in_attachments() {
        let file = Attachment {
            kind: "attachment".into(),
            name: Some("a.png".into()),
            mime: Some("image/png".into()),
            url: Some("https://x.invalid/a".into()),
            size: Some(7),
            content: None,
        };
        let card = Attachment { kind: "card".into(), ..Attachment::default() };
        let mut bare = message(Role::Unknown, "", "");
        (bare.id, bare.from, bare.text, bare.attachments) = (None, Party::default(), None, vec![file, card]);
        bare.to = Party { id: None, name: Some("Sam".into()) };
        let expected = concat!(
            r#","role":"unknown","to":{"name":"Sam"},"attachments":[{"kind":"attachment","name":"a.png","#,
            r#""mime":"image/png","url":"https://x.invalid/a","size":7},{"kind":"card"}],"source":"live""#
        );
        assert_eq!(
            line(&event(EventBody::Message(bare))),
            format!("{{\"v\":1,\"type\":\"message\",{HEAD}{expected}}}\n")
        );
    }

    #[test]
    fn the_delivery_the_quote_and_the_content_follow_the_text() {
        let content = json!({"list\u{202e}": {"a": ["x\n\u{202e}", 1, -2.5, true, null, [], {}]}});
        let mut sent = message(Role::Agent, "Sam", "Hello");
        sent.attachments =
            vec![Attachment { kind: "card".into(), content: Some(content.clone()), ..Attachment::default() }];
        sent.details = Some(Box::new(MessageDetails {
            edited: true,
            reply_to: Some(QuotedMessage { id: Some("m1".into()), text: None }),
            language: Some("de".into()),
            ..MessageDetails::default()
        }));
        sent.set_status(Some(DeliveryStatus::FAILED), Some("opted out".into()));
        let written = line(&event(EventBody::Message(sent)));
        let expected = concat!(
            r#","text":"Hello","attachments":[{"kind":"card","content":{"list\u202e":{"a":["x\n\u202e",1,-2.5,true,null,"#,
            r#"[],{}]}}}],"status":"failed","reason":"opted out","edited":true,"reply_to":{"id":"m1"},"language":"de","#,
            r#""source":"live"}"#
        );
        assert!(written.trim_end().ends_with(expected), "{written}");
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap()["attachments"][0]["content"], content);
    }

    /// Returns events that together have every member of the schema.
    fn events_of_every_shape() -> Vec<TranscriptEvent<'static>> {
        let full = Attachment {
            kind: "attachment".into(),
            name: Some("a.png".into()),
            mime: Some("image/png".into()),
            url: Some("https://x.invalid/a".into()),
            size: Some(u64::MAX),
            content: Some(json!({"sha256": "0f", "size": -1, "thumbs": [], "more": {"x": [null, true, 0.5]}})),
        };
        let bare = Attachment { kind: "card".into(), ..Attachment::default() };
        let anonymous = Message { id: None, from: Party::default(), ..message(Role::Unknown, "", "Hello") };
        let with_attachments = Message { text: None, attachments: vec![full, bare], ..message(Role::Bot, "Quill", "") };
        let without_text = Message { text: None, origin: Origin::History, ..message(Role::Agent, "Sam", "") };
        let addressed = Message { to: Party { id: Some("x".into()), name: None }, ..message(Role::System, "Sam", "") };
        let mut detailed = message(Role::Agent, "Sam", "Hello");
        detailed.details = Some(Box::new(MessageDetails {
            edited: true,
            reply_to: Some(QuotedMessage { id: Some("m1".into()), text: Some("Hi".into()) }),
            language: Some("en-US".into()),
            ..MessageDetails::default()
        }));
        detailed.set_status(Some(DeliveryStatus::FAILED), Some("Unknown subscriber".into()));
        let mut latest = event(EventBody::Closed);
        latest.at = Some(DateTime::<Utc>::MAX_UTC);
        let bodies = [anonymous, with_attachments, without_text, addressed, detailed]
            .map(|message| event(EventBody::Message(message)));
        let update = |what: Option<&'static str>| event(EventBody::Update { description: what.map(Into::into) });
        let party = || Some(Party { id: Some("q".into()), name: Some("Billing".into()) });
        let surrounded = |mut event: TranscriptEvent<'static>, queue, agent| {
            event.context = Some(Arc::new(EventContext { media: Some("webmessaging".into()), queue, agent }));
            event
        };
        let others = [
            update(None),
            update(Some("Sam joined")),
            event(EventBody::Closed),
            gap(),
            latest,
            surrounded(message_event(Role::Customer, "Ada", "Hello"), party(), None),
            surrounded(update(Some("Sam joined")), party(), party()),
            surrounded(event(EventBody::Closed), None, None),
        ];
        [message_event(Role::Customer, "Ada", "Hello")].into_iter().chain(bodies).chain(others).collect()
    }

    fn validator() -> jsonschema::Validator {
        jsonschema::draft202012::new(&serde_json::from_str(SCHEMA).unwrap()).unwrap()
    }

    #[test]
    fn every_line_is_valid_under_the_schema() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        jsonschema::draft202012::meta::validate(&schema).unwrap();
        let validator = validator();
        for event in events_of_every_shape() {
            let line = line(&event);
            let object = serde_json::from_str(&line).unwrap();
            assert!(validator.is_valid(&object), "{line}: {:?}", validator.validate(&object));
        }
    }

    fn object(event: &TranscriptEvent<'_>) -> Value {
        serde_json::from_str(&line(event)).unwrap()
    }

    #[test]
    fn the_schema_rejects_missing_null_and_unknown_members() {
        let validator = validator();
        for event in events_of_every_shape() {
            let whole = object(&event);
            for member in ["v", "type", "ts", "received", "conversation"] {
                let mut without = whole.clone();
                without.as_object_mut().unwrap().remove(member);
                assert!(!validator.is_valid(&without), "{member} may be missing: {without}");
            }
            let null = |member: &str| whole.get(member).map(|_| (member.to_owned(), Value::Null));
            let members = whole.as_object().unwrap().keys().filter_map(|member| null(member));
            for (member, wrong) in
                members.chain([("other".to_owned(), Value::from(1)), ("v".to_owned(), Value::from(2))])
            {
                let mut broken = whole.clone();
                broken[&member] = wrong;
                assert!(!validator.is_valid(&broken), "{broken}");
            }
        }
    }

    #[test]
    fn the_schema_rejects_wrong_values() {
        let validator = validator();
        let hello = object(&message_event(Role::Customer, "Ada", "Hello"));
        for (member, wrong) in [
            ("role", "boss"),
            ("source", "dream"),
            ("ts", "03:04:05"),
            ("received", "2026-01-02T03:04:05.612+01:00"),
            ("conversation", "../x"),
            ("seconds", "1"),
        ] {
            let mut broken = hello.clone();
            broken[member] = wrong.into();
            assert!(!validator.is_valid(&broken), "{broken}");
        }
        let mut unavailable = hello.clone();
        unavailable["available"] = false.into();
        assert!(!validator.is_valid(&unavailable), "a text that is not available");
        let mut empty = hello.clone();
        empty.as_object_mut().unwrap().remove("text");
        assert!(!validator.is_valid(&empty), "a message without text and attachments");
    }

    #[test]
    fn an_event_without_a_time_has_its_arrival_as_ts() {
        let mut update = event(EventBody::Update { description: None });
        update.at = None;
        let value = object(&update);
        assert_eq!(value["ts"], value["received"]);
    }

    proptest! {
        #[test]
        fn strings_are_lossless_and_an_event_is_one_line(name in hostile_text(), text in hostile_text()) {
            let written = line(&message_event(Role::Agent, &name, &text));
            prop_assert_eq!(written.find('\n'), Some(written.len() - 1));
            let value: Value = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(value["text"].as_str(), Some(text.as_str()));
            prop_assert_eq!(value["from"]["name"].as_str(), Some(name.as_str()));
        }
    }
}
