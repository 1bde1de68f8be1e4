//! The parts of a message that both sources carry alike.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::simulator::script::{Attachment, MessageLine};

/// A message, or an utterance in a call.
#[derive(Debug, Clone)]
pub(crate) struct SentMessage {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) sent_at: DateTime<Utc>,
}

pub(crate) fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Returns the content items of a message: its quick replies and attachments.
pub(crate) fn content_items(line: &MessageLine) -> Vec<Value> {
    let quick_replies = line.quick_replies.iter().map(|reply| {
        json!({ "contentType": "QuickReply", "quickReply": { "text": reply, "payload": reply, "action": "Message" } })
    });
    quick_replies.chain(line.attachments.iter().map(attachment_item)).collect()
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
