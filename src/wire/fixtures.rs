//! Sample responses and events for tests, and a strategy that mangles them.

use proptest::prelude::*;
use serde_json::Value;

/// The response of `GET /conversations/{id}`: messages below the communications of participants.
pub(super) const NESTED: &str = r#"{
    "id": "c1", "startTime": "2026-10-08T14:01:02.095Z",
    "participants": [
        {"id": "p1", "connectedTime": "2026-10-08T14:01:02.110Z", "name": "Casey", "queueId": "q1", "purpose": "customer",
         "calls": [], "chats": [],
         "messages": [{"id": "m-comm-1", "state": "connected", "connectedTime": "2026-10-08T14:01:02.110Z",
             "messages": [
                 {"messageId": "m1", "messageTime": "2026-10-08T14:01:02Z", "messageStatus": "received",
                  "messageMetadata": {"type": "Event", "events": [{"eventType": "Presence", "subType": "Join"}]}},
                 {"messageId": "m2", "messageTime": "2026-10-08T14:01:20.310Z", "messageStatus": "received",
                  "messageMetadata": {"type": "Text", "events": [], "content": []}}]}]},
        {"id": "p2", "name": "Dana Reyes", "userId": "u1", "queueId": "q1", "purpose": "agent",
         "messages": [
             {"id": "m-comm-2", "state": "disconnected", "disconnectType": "transfer.noAnswer",
              "connectedTime": "2026-10-08T14:02:04.480Z", "disconnectedTime": "2026-10-08T14:03:00Z",
              "messages": [{"messageId": "m3", "messageTime": "2026-10-08T14:02:31.902Z"}]}]}
    ]}"#;

/// The body of an event on a `…conversations.messages` topic: messages below participants.
pub(super) const FLAT: &str = r#"{
    "id": "c1",
    "participants": [
        {"id": "p1", "name": "Casey", "purpose": "customer", "state": "connected",
         "connectedTime": "2026-10-08T14:01:02.110Z", "queue": {"id": "q1", "name": "Web Support"},
         "messages": [
             {"message": {"id": "m1"}, "messageTime": "2026-10-08T14:01:02Z", "messageStatus": "received",
              "messageMetadata": {"type": "Event", "events": [{"eventType": "Presence", "subType": "Join"}]}},
             {"message": {"id": "m2"}, "messageTime": "2026-10-08T14:01:20.310Z", "messageStatus": "received",
              "messageMetadata": {"type": "Text"}}]},
        {"id": "p0", "name": "Web Support", "purpose": "acd", "state": "terminated", "disconnectType": "transfer",
         "endTime": "2026-10-08T14:02:04.500Z", "messages": []},
        {"id": "p2", "name": "Dana Reyes", "purpose": "agent", "state": "parked",
         "user": {"id": "u1", "name": "Dana Reyes"}, "queue": {"id": "q1"},
         "messages": [{"message": {"id": "m3"}, "messageTime": "2026-10-08T14:02:31.902Z", "messageStatus": "sent"}]}
    ]}"#;

/// The response of the bulk messages call: messages of an agent, of a customer with a file, and of a bot.
pub(super) const BULK: &str = r#"{"entities": [
    {"id": "m3", "timestamp": "2026-10-08T14:02:31.902Z", "fromAddress": "org", "toAddress": "a1", "direction": "outbound",
     "normalizedMessage": {"channel": {"to": {"id": "a1"}, "from": {"nickname": "Dana", "id": "org"}},
         "type": "Text", "text": "One moment.", "content": [], "originatingEntity": "Human"},
     "createdBy": {"id": "u1", "name": "Dana Reyes"}, "conversationId": "c1"},
    {"id": "m4", "direction": "inbound", "fromAddress": "a1",
     "normalizedMessage": {"channel": {"time": "2026-10-08T14:03:10Z", "from": {"firstName": "Casey", "lastName": "Low"}},
         "type": "Structured", "text": "", "direction": "Inbound",
         "content": [{"contentType": "Attachment", "attachment":
             {"mediaType": "Image", "url": "https://files.example.invalid/invoice.png", "mime": "image/png",
              "filename": "invoice.png", "contentSizeBytes": 48213}}]},
     "conversationId": "c1"},
    {"id": "m5", "timestamp": "2026-10-08T14:01:05.700Z",
     "normalizedMessage": {"type": "Structured", "text": "What is it about?", "direction": "Outbound",
         "originatingEntity": "Bot",
         "content": [{"contentType": "QuickReply", "quickReply": {"text": "Billing", "payload": "billing"}}]},
     "conversationId": "c1"}
]}"#;

/// The body of an event on a transcription topic.
pub(super) const TRANSCRIPTION: &str = r#"{
    "eventTime": "2026-10-08T15:10:07.402Z", "conversationId": "call-1",
    "sessionStartTimeMs": 1791472180000, "transcriptionStartTimeMs": 1791472181500,
    "transcripts": [
        {"utteranceId": "u1", "isFinal": true, "channel": "EXTERNAL", "dialect": "en-us",
         "alternatives": [
             {"confidence": 0.93, "offsetMs": 21540, "transcript": "my order number is four two seven",
              "words": [{"startTimeMs": 1791472201540, "offsetMs": 21540, "word": "my"}],
              "decoratedTranscript": "My order number is 427."}]},
        {"utteranceId": "u2", "isFinal": false, "channel": "INTERNAL", "alternatives": []}],
    "status": {"offsetMs": 0, "status": "SESSION_ONGOING"}}"#;

/// A sample in which one value, but not the outermost, is replaced by any JSON.
pub(super) fn mangled(sample: &'static str) -> impl Strategy<Value = String> {
    let sample: Value = serde_json::from_str(sample).expect("a sample is JSON");
    (1..count(&sample), any_json()).prop_map(move |(index, replacement)| {
        let mut mangled = sample.clone();
        replace(&mut mangled, index, replacement);
        mangled.to_string()
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let member = prop::sample::select(vec!["id", "messages", "message", "state", "type", "text", "new"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((member.prop_map(str::to_owned), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn children(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => Vec::new(),
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// Replaces the value at a position in document order.
fn replace(value: &mut Value, index: usize, replacement: Value) {
    let Some(mut remaining) = index.checked_sub(1) else {
        *value = replacement;
        return;
    };
    for child in children(value) {
        let size = count(child);
        if remaining < size {
            return replace(child, remaining, replacement);
        }
        remaining -= size;
    }
}
