//! The objects, and the schema.

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
    assert_eq!(line(&event(EventBody::Message(bare))), format!("{{\"v\":1,\"type\":\"message\",{HEAD}{expected}}}\n"));
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
        confidence: Some(0.93),
        language: Some("de".into()),
        ..MessageDetails::default()
    }));
    sent.set_status(Some(DeliveryStatus::FAILED), Some("opted out".into()));
    let written = line(&event(EventBody::Message(sent)));
    let expected = concat!(
        r#","text":"Hello","attachments":[{"kind":"card","content":{"list\u202e":{"a":["x\n\u202e",1,-2.5,true,null,"#,
        r#"[],{}]}}}],"status":"failed","reason":"opted out","edited":true,"reply_to":{"id":"m1"},"confidence":0.93,"language":"de","#,
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
        confidence: Some(1.0),
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
        for (member, wrong) in members.chain([("other".to_owned(), Value::from(1)), ("v".to_owned(), Value::from(2))]) {
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
