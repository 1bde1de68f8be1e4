//! The JSON format: one object per line (OUT-10 to OUT-27).

#[cfg(test)]
mod tests;

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
    if let Some(confidence) = details.confidence {
        push_key(out, "confidence");
        out.extend_from_slice(Value::from(confidence).to_string().as_bytes());
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
    formatter.push(out, at, at);
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
