//! Something that was said, as lists of it and as the body that is fetched by its id.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::{ConversationModel, Purpose, uuid};
use crate::simulator::script::Line;
use crate::simulator::state::transcript_frames::{content, stamp};

/// What a line became on its way to the wire: the same on both of them.
#[derive(Debug, Clone)]
pub(crate) struct SentMessage {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) at: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) struct StoredMessage {
    /// The participant in whose list it is.
    pub(super) by: usize,
    pub(super) status: &'static str,
    outbound: bool,
    spoken: SentMessage,
    content: Content,
    /// As an event lists it.
    pub(super) in_event: Box<RawValue>,
    /// As a conversation that is read lists it.
    pub(super) in_answer: Box<RawValue>,
}

#[derive(Debug)]
pub(super) enum Content {
    Text,
    Structured(Vec<Value>),
    Event(Event),
    Receipt(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Presence(&'static str),
    Typing,
    Unknown,
}

impl Content {
    pub(super) fn of(line: &Line) -> Self {
        let content = content(line);
        if content.is_empty() { Self::Text } else { Self::Structured(content) }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Structured(_) => "Structured",
            Self::Event(_) => "Event",
            Self::Receipt(_) => "Receipt",
        }
    }

    /// What is said of it where the words are not.
    fn metadata(&self) -> Value {
        let kind = |part: &Value| json!({ "contentType": part["contentType"] });
        let content: Vec<_> = match self {
            Self::Structured(content) => content.iter().map(kind).collect(),
            _ => Vec::new(),
        };
        let events = match self {
            Self::Event(Event::Presence(sub)) => vec![json!({ "eventType": "Presence", "subType": sub })],
            Self::Event(Event::Typing) => vec![json!({ "eventType": "Typing", "subType": "On" })],
            Self::Event(Event::Unknown) => vec![json!({ "eventType": "Unknown" })],
            _ => Vec::new(),
        };
        json!({ "type": self.kind(), "events": events, "content": content })
    }
}

impl StoredMessage {
    pub(super) fn new(by: usize, outbound: bool, spoken: SentMessage, content: Content, conversation: &str) -> Self {
        let mut said = Self {
            by,
            status: "",
            outbound,
            spoken,
            content,
            in_event: RawValue::NULL.to_owned(),
            in_answer: RawValue::NULL.to_owned(),
        };
        said.set_status(if outbound { "sent" } else { "received" }, conversation);
        said
    }

    pub(super) fn is_outbound(&self) -> bool {
        self.outbound
    }

    /// Changes the status, and with it what the lists say.
    pub(super) fn set_status(&mut self, status: &'static str, conversation: &str) {
        self.status = status;
        let id = &self.spoken.id;
        let mut entry = json!({
            "messageTime": stamp(self.spoken.at),
            "messageSegmentCount": i32::from(matches!(self.content, Content::Text)),
            "messageStatus": status,
            "media": [],
            "stickers": [],
            "messageMetadata": self.content.metadata(),
        });
        entry["message"] = json!({ "id": id });
        self.in_event = raw(&entry);
        if let Some(entry) = entry.as_object_mut() {
            entry.remove("message");
        }
        entry["messageId"] = id.as_str().into();
        entry["messageURI"] = uri(conversation, id).into();
        self.in_answer = raw(&entry);
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).expect("a value is always JSON")
}

fn uri(conversation: &str, id: &str) -> String {
    format!("/api/v2/conversations/messages/{conversation}/messages/{id}")
}

impl ConversationModel {
    /// The body of a message, where it is here and at least `age` old; `legacy` is its form before there were
    /// normalized messages.
    pub(crate) fn body(&self, id: &str, age: TimeDelta, legacy: bool) -> Option<Value> {
        let said = self.said.iter().rev().find(|said| said.spoken.id == id)?;
        if Utc::now() - said.spoken.at < age {
            return None;
        }
        let mut body = self.message_data(said);
        if legacy {
            to_legacy_shape(&mut body);
        }
        Some(body)
    }

    fn message_data(&self, said: &StoredMessage) -> Value {
        let SentMessage { id, at, .. } = &said.spoken;
        let (customer, organisation) = (self.address(), uuid("deployment"));
        let (from, to) = if said.outbound { (organisation, customer) } else { (customer, organisation) };
        let mut data = json!({
            "id": id,
            "providerMessageId": &uuid(id)[..8],
            "timestamp": stamp(*at),
            "fromAddress": from,
            "toAddress": to,
            "direction": if said.outbound { "outbound" } else { "inbound" },
            "messengerType": "webmessaging",
            "status": said.status,
            "normalizedMessage": self.normalized(said, &from, &to),
            "conversationId": self.id,
            "selfUri": uri(&self.id, id),
        });
        if let Some(user) = &self.people[said.by].user {
            data["createdBy"] =
                json!({ "id": user.id, "name": user.name, "selfUri": format!("/api/v2/users/{}", user.id) });
        }
        data
    }

    fn normalized(&self, said: &StoredMessage, from: &str, to: &str) -> Value {
        let (SentMessage { id, text, at }, participant) = (&said.spoken, &self.people[said.by]);
        let first_name = participant.name.split(' ').next().unwrap_or_default();
        let mut message = json!({
            "id": id,
            "channel": {
                "id": uuid(&format!("channel {}", self.id)),
                "platform": "WebMessaging",
                "type": "Private",
                "to": { "id": to, "idType": "Opaque" },
                "from": { "nickname": first_name, "id": from, "idType": "Opaque" },
                "time": stamp(*at),
            },
            "type": said.content.kind(),
            "direction": if said.outbound { "Outbound" } else { "Inbound" },
            "metadata": {},
        });
        match participant.purpose {
            Purpose::Bot => message["originatingEntity"] = "Bot".into(),
            Purpose::Agent => message["originatingEntity"] = "Human".into(),
            Purpose::Customer | Purpose::Acd => {}
        }
        match &said.content {
            Content::Text => (message["text"], message["content"]) = (text.as_str().into(), json!([])),
            Content::Structured(content) => {
                (message["text"], message["content"]) = (text.as_str().into(), content.clone().into());
            }
            Content::Event(event) => message["events"] = json!([event.json()]),
            Content::Receipt(status) => {
                (message["status"], message["isFinalReceipt"]) = ((*status).into(), true.into());
            }
        }
        message
    }

    /// Where the customer is reached.
    pub(super) fn address(&self) -> String {
        uuid(&format!("address {}", self.id)).replace('-', "")
    }
}

impl Event {
    fn json(self) -> Value {
        match self {
            Self::Presence(kind) => json!({ "eventType": "Presence", "presence": { "type": kind } }),
            Self::Typing => json!({ "eventType": "Typing", "typing": { "type": "On", "duration": 5000 } }),
            Self::Unknown => json!({ "eventType": "Unknown" }),
        }
    }
}

/// Moves the text and the attachments to where they were.
fn to_legacy_shape(body: &mut Value) {
    let normalized = body.as_object_mut().and_then(|body| body.remove("normalizedMessage")).unwrap_or_default();
    let attachments = normalized["content"].as_array().into_iter().flatten().map(|part| &part["attachment"]);
    let media: Vec<_> = attachments
        .filter(|attachment| attachment.is_object())
        .map(|attachment| {
            json!({
                "url": attachment["url"],
                "mediaType": attachment["mime"],
                "name": attachment["filename"],
                "id": attachment["id"],
                "contentLengthBytes": attachment["contentSizeBytes"],
            })
        })
        .collect();
    body["textBody"] = normalized["text"].clone();
    body["media"] = media.into();
    body["stickers"] = json!([]);
}
