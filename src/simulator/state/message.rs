//! The parts of a message that both sources carry alike.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::simulator::script::{Attachment, MessageLine};

/// A message, or an utterance in a call.
#[derive(Debug, Clone)]
pub(crate) struct SentMessage {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) sent_at: DateTime<Utc>,
    /// Further members of its body.
    pub(crate) members: Map<String, Value>,
}

pub(crate) fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Returns the content items of a message: its quick replies and attachments.
pub(crate) fn content_items(line: &MessageLine) -> Vec<Value> {
    let quick_replies = line.quick_replies.iter().map(|reply| {
        json!({ "contentType": "QuickReply", "quickReply": { "text": reply, "payload": reply, "action": "Message" } })
    });
    let attachments = line.attachments.iter().map(attachment_item);
    quick_replies.chain(attachments).chain(line.parts.iter().cloned()).collect()
}

fn attachment_item(attachment: &Attachment) -> Value {
    let media_type = match attachment.mime.split('/').next() {
        Some("image") => "Image",
        Some("audio") => "Audio",
        Some("video") => "Video",
        _ => "File",
    };
    json!({
        "contentType": "Attachment",
        "attachment": {
            "mediaType": media_type,
            "filename": attachment.name,
            "mime": attachment.mime,
            "contentSizeBytes": attachment.size,
            "url": format!("https://files.example.com/{}", attachment.name),
        },
    })
}

/// Sets the members of an object in another one. Objects in both are merged.
pub(crate) fn merge(into: &mut Value, members: &Map<String, Value>) {
    for (name, member) in members {
        match (into.get_mut(name), member) {
            (Some(known @ Value::Object(_)), Value::Object(members)) => merge(known, members),
            _ => into[name] = member.clone(),
        }
    }
}
