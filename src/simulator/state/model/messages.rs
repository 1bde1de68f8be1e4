//! Messages as they are stored and listed.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::json::raw_json;
use crate::simulator::script::MessageLine;
use crate::simulator::state::message::{SentMessage, content_items, format_time};

#[derive(Debug)]
pub(super) struct StoredMessage {
    /// The index of its participant.
    pub(super) participant: usize,
    pub(super) status: &'static str,
    pub(super) direction: Direction,
    pub(super) content: MessageContent,
    message: SentMessage,
    /// The list entry in events.
    pub(super) event_entry: Box<RawValue>,
    /// The list entry in REST responses.
    pub(super) response_entry: Box<RawValue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Inbound,
    Outbound,
}

#[derive(Debug)]
pub(super) enum MessageContent {
    Text,
    Structured(Vec<Value>),
    Event(MessageEvent),
    Receipt(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageEvent {
    Presence(&'static str),
    Typing,
    Unknown,
}

impl MessageContent {
    pub(super) fn of(line: &MessageLine) -> Self {
        let items = content_items(line);
        if items.is_empty() { Self::Text } else { Self::Structured(items) }
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Structured(_) => "Structured",
            Self::Event(_) => "Event",
            Self::Receipt(_) => "Receipt",
        }
    }

    /// Returns the description of the content in lists, which hold no text.
    fn metadata(&self) -> Value {
        let item_type = |item: &Value| json!({ "contentType": item["contentType"] });
        let content: Vec<_> = match self {
            Self::Structured(items) => items.iter().map(item_type).collect(),
            _ => Vec::new(),
        };
        let events = match self {
            Self::Event(MessageEvent::Presence(sub_type)) => {
                vec![json!({ "eventType": "Presence", "subType": sub_type })]
            }
            Self::Event(MessageEvent::Typing) => vec![json!({ "eventType": "Typing", "subType": "On" })],
            Self::Event(MessageEvent::Unknown) => vec![json!({ "eventType": "Unknown" })],
            _ => Vec::new(),
        };
        json!({ "type": self.type_name(), "events": events, "content": content })
    }
}

impl StoredMessage {
    pub(super) fn new(
        participant: usize,
        direction: Direction,
        message: SentMessage,
        content: MessageContent,
        conversation: &str,
    ) -> Self {
        let mut stored = Self {
            participant,
            status: "",
            direction,
            content,
            message,
            event_entry: RawValue::NULL.to_owned(),
            response_entry: RawValue::NULL.to_owned(),
        };
        let status = if direction == Direction::Outbound { "sent" } else { "received" };
        stored.set_status(status, conversation);
        stored
    }

    pub(super) fn id(&self) -> &str {
        &self.message.id
    }

    pub(super) fn text(&self) -> &str {
        &self.message.text
    }

    pub(super) fn sent_at(&self) -> DateTime<Utc> {
        self.message.sent_at
    }

    /// Returns the further members of the body.
    pub(super) fn members(&self) -> &Map<String, Value> {
        &self.message.members
    }

    /// Changes the status, also in the list entries.
    pub(super) fn set_status(&mut self, status: &'static str, conversation: &str) {
        self.status = status;
        let id = &self.message.id;
        let mut entry = json!({
            "messageTime": format_time(self.message.sent_at),
            "messageSegmentCount": i32::from(matches!(self.content, MessageContent::Text)),
            "media": [],
            "stickers": [],
            "messageMetadata": self.content.metadata(),
        });
        let members = &self.message.members;
        entry["messageStatus"] = members.get("status").cloned().unwrap_or_else(|| status.into());
        if let Some(error) = members.get("errorInfo") {
            entry["errorInfo"] = error.clone();
        }
        if let Some(Value::Object(normalized)) = members.get("normalizedMessage") {
            describe(&mut entry["messageMetadata"], normalized);
        }
        entry["message"] = json!({ "id": id });
        self.event_entry = raw_json(&entry);
        if let Some(entry) = entry.as_object_mut() {
            entry.remove("message");
        }
        entry["messageId"] = id.as_str().into();
        entry["messageURI"] = message_uri(conversation, id).into();
        self.response_entry = raw_json(&entry);
    }
}

/// Adds the type and the events of a normalized message to its description.
fn describe(metadata: &mut Value, normalized: &Map<String, Value>) {
    if let Some(kind) = normalized.get("type") {
        metadata["type"] = kind.clone();
    }
    if let Some(Value::Array(events)) = normalized.get("events") {
        metadata["events"] = events.iter().map(event_description).collect();
    }
}

/// Returns the description of an event, such as `{"eventType": "CoBrowse", "coBrowse": {"type": "Join"}}`.
fn event_description(event: &Value) -> Value {
    let details = event.as_object().into_iter().flatten().filter_map(|(_, detail)| detail.get("type"));
    let mut description = json!({ "eventType": event["eventType"] });
    for detail in details {
        description["subType"] = detail.clone();
    }
    description
}

pub(super) fn message_uri(conversation: &str, id: &str) -> String {
    format!("/api/v2/conversations/messages/{conversation}/messages/{id}")
}
