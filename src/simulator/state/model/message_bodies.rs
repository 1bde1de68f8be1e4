//! Message bodies, as the REST API returns them.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::ConversationModel;
use super::messages::{Direction, MessageContent, MessageEvent, StoredMessage, message_uri};
use super::participants::Purpose;
use crate::simulator::state::ids::uuid;
use crate::simulator::state::message::{format_time, merge};

impl ConversationModel {
    /// Returns the body of a message that is at least `min_age` old. `legacy` asks for the shape before normalized
    /// messages.
    pub(crate) fn message_body(&self, id: &str, min_age: TimeDelta, legacy: bool) -> Option<Value> {
        let message = self.messages.iter().rev().find(|message| message.id() == id)?;
        if Utc::now() - message.sent_at() < min_age {
            return None;
        }
        let mut body = self.body(message);
        if legacy {
            to_legacy_shape(&mut body);
        }
        Some(body)
    }

    /// Returns the customer's address.
    pub(super) fn customer_address(&self) -> String {
        uuid(&format!("address {}", self.id)).replace('-', "")
    }

    fn body(&self, message: &StoredMessage) -> Value {
        let (customer, organization) = (self.customer_address(), uuid("deployment"));
        let (direction, from, to) = match message.direction {
            Direction::Outbound => ("outbound", organization, customer),
            Direction::Inbound => ("inbound", customer, organization),
        };
        let id = message.id();
        let mut body = json!({
            "id": id,
            "providerMessageId": &uuid(id)[..8],
            "timestamp": format_time(message.sent_at()),
            "fromAddress": from,
            "toAddress": to,
            "direction": direction,
            "messengerType": "webmessaging",
            "status": message.status,
            "normalizedMessage": self.normalized(message, &from, &to),
            "conversationId": self.id,
            "selfUri": message_uri(&self.id, id),
        });
        if let Some(user) = &self.participants[message.participant].user {
            body["createdBy"] =
                json!({ "id": user.id, "name": user.name, "selfUri": format!("/api/v2/users/{}", user.id) });
        }
        merge(&mut body, message.members());
        body
    }

    fn normalized(&self, message: &StoredMessage, from: &str, to: &str) -> Value {
        let participant = &self.participants[message.participant];
        let first_name = participant.name.split(' ').next().unwrap_or_default();
        let mut normalized = json!({
            "id": message.id(),
            "channel": {
                "id": uuid(&format!("channel {}", self.id)),
                "platform": "WebMessaging",
                "type": "Private",
                "to": { "id": to, "idType": "Opaque" },
                "from": { "nickname": first_name, "id": from, "idType": "Opaque" },
                "time": format_time(message.sent_at()),
            },
            "type": message.content.type_name(),
            "direction": match message.direction {
                Direction::Outbound => "Outbound",
                Direction::Inbound => "Inbound",
            },
            "metadata": {},
        });
        match participant.purpose {
            Purpose::Bot => normalized["originatingEntity"] = "Bot".into(),
            Purpose::Agent => normalized["originatingEntity"] = "Human".into(),
            // The service names no author of an automatic message.
            Purpose::Customer | Purpose::Acd | Purpose::Automatic(_) => {}
        }
        add_content(&mut normalized, message);
        normalized
    }
}

fn add_content(normalized: &mut Value, message: &StoredMessage) {
    match &message.content {
        MessageContent::Text => {
            normalized["text"] = message.text().into();
            normalized["content"] = json!([]);
        }
        MessageContent::Structured(items) => {
            normalized["text"] = message.text().into();
            normalized["content"] = items.clone().into();
        }
        MessageContent::Event(event) => normalized["events"] = json!([event_json(*event)]),
        MessageContent::Receipt(status) => {
            normalized["status"] = (*status).into();
            normalized["isFinalReceipt"] = true.into();
        }
    }
}

fn event_json(event: MessageEvent) -> Value {
    match event {
        MessageEvent::Presence(kind) => json!({ "eventType": "Presence", "presence": { "type": kind } }),
        MessageEvent::Typing => json!({ "eventType": "Typing", "typing": { "type": "On", "duration": 5000 } }),
        MessageEvent::Unknown => json!({ "eventType": "Unknown" }),
    }
}

/// Moves text and attachments to the fields that were used before normalized messages.
fn to_legacy_shape(body: &mut Value) {
    let normalized = body.as_object_mut().and_then(|body| body.remove("normalizedMessage")).unwrap_or_default();
    let attachments = normalized["content"].as_array().into_iter().flatten().map(|item| &item["attachment"]);
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
