//! Attachments and structured content of a message, as text and attachments to print.
//!
//! The content types are those of the published API, which adds more without notice. An unknown type is shown by name.

pub(super) mod structured;

use std::borrow::Cow;

use serde_json::Value;

use self::structured::named;
use super::json::{self, first_text_at, text_at};
use crate::event::Attachment;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Content {
    /// The text parts, one per line.
    pub(super) text: Option<String>,
    /// All other parts.
    pub(super) attachments: Vec<Attachment<'static>>,
}

/// Reads an `attachment` or `attachments` member: an object, a list of them, or a bare name or URL.
pub(super) fn read_attachments(json: &str, content: &mut Content) {
    for item in list_of(json) {
        read_attachment(&item, content);
    }
}

/// Reads a `content` member: a list of parts, each with its `contentType`.
pub(super) fn read_parts(json: &str, content: &mut Content) {
    for item in list_of(json) {
        read_part(&item, content);
    }
}

/// Reads one attachment: an object, or a bare name or URL.
pub(super) fn read_attachment(item: &Value, content: &mut Content) {
    match item {
        Value::Object(_) => content.attachments.push(file("attachment", item)),
        Value::String(name) if !name.is_empty() => content.attachments.push(named("attachment", Some(name.clone()))),
        _ => {}
    }
}

/// Reads one sticker.
pub(super) fn read_sticker(item: &Value, content: &mut Content) {
    if item.is_object() {
        content.attachments.push(file("sticker", item));
    }
}

/// Reads one part of a `content` member.
pub(super) fn read_part(part: &Value, content: &mut Content) {
    let kind = text_at(part, "contentType").unwrap_or_default();
    let inner = |member: &str| part.get(member).unwrap_or(part);
    let attachment = match kind.as_str() {
        "Text" => return append(&mut content.text, first_text_at(part, &["text.body", "text"])),
        "Attachment" => file("attachment", inner("attachment")),
        "Location" => location(inner("location")),
        "Carousel" if structured::cards(part).next().is_some() => {
            return content.attachments.extend(structured::cards(part));
        }
        "" if part.is_object() => file("attachment", part),
        "" => return,
        kind => structured::read(kind, part),
    };
    content.attachments.push(attachment);
}

/// Returns the title of a message that has nothing else, as an attachment.
pub(super) fn title(title: &str) -> Attachment<'static> {
    named("title", Some(title.to_owned()))
}

fn list_of(json: &str) -> Vec<Value> {
    match json::parse(json) {
        Ok(Value::Array(items)) => items,
        Ok(Value::Null) | Err(_) => Vec::new(),
        Ok(item) => vec![item],
    }
}

fn file(kind: &str, item: &Value) -> Attachment<'static> {
    Attachment {
        kind: Cow::Owned(kind.to_owned()),
        name: first_text_at(item, &["filename", "name", "fileName", "text", "title"]).map(Cow::Owned),
        mime: media_type(item).map(Cow::Owned),
        url: first_text_at(item, &["url", "href"]).map(Cow::Owned),
        size: ["contentSizeBytes", "contentLengthBytes", "size"]
            .iter()
            .find_map(|member| item.get(member).and_then(Value::as_u64)),
    }
}

/// `contentType` is a media type as well, unless it names the type of the part.
fn media_type(item: &Value) -> Option<String> {
    first_text_at(item, &["mime", "mimeType", "mediaType", "contentType"]).filter(|mime| mime != "Attachment")
}

fn location(item: &Value) -> Attachment<'static> {
    let coordinates = || match (item.get("latitude")?.as_f64(), item.get("longitude")?.as_f64()) {
        (Some(latitude), Some(longitude)) => Some(format!("{latitude}, {longitude}")),
        _ => None,
    };
    let mut location = named("location", first_text_at(item, &["text", "address"]).or_else(coordinates));
    location.url = text_at(item, "url").map(Cow::Owned);
    location
}

fn append(text: &mut Option<String>, line: Option<String>) {
    match (text.as_mut(), line) {
        (Some(text), Some(line)) => {
            text.push('\n');
            text.push_str(&line);
        }
        (None, line) => *text = line,
        (Some(_), None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        let mut content = Content::default();
        read_parts(json, &mut content);
        let mut shown = content.text.unwrap_or_default();
        for attachment in &content.attachments {
            attachment.push_description(&mut shown);
        }
        shown
    }

    #[test]
    fn every_content_type_is_shown() {
        for (json, expected) in [
            (r#"[{"contentType":"Text","text":{"body":"hello"}}]"#, "hello"),
            (
                r#"[{"contentType":"Attachment","attachment":{"filename":"invoice.png","mime":"image/png"}}]"#,
                "[attachment: invoice.png]",
            ),
            (r#"[{"contentType":"Attachment","attachment":{"mediaType":"Image"}}]"#, "[attachment: Image]"),
            (r#"[{"contentType":"Attachment","filename":"flat.pdf"}]"#, "[attachment: flat.pdf]"),
            (r#"[{"contentType":"Attachment"}]"#, "[attachment]"),
            (r#"[{"contentType":"Location","location":{"latitude":48.1,"longitude":11.5}}]"#, "[location: 48.1, 11.5]"),
            (
                r#"[{"contentType":"QuickReply","quickReply":{"text":"Billing"}},{"contentType":"QuickReply","quickReply":{"text":"Delivery"}}]"#,
                "[quick reply: Billing][quick reply: Delivery]",
            ),
            (
                r#"[{"contentType":"QuickReplyV2","quickReplyV2":{"title":"Topic?","actions":[{"text":"A"},{"text":"B"}]}}]"#,
                "[quick replies: Topic?: A | B]",
            ),
            (r#"[{"contentType":"ButtonResponse","buttonResponse":{"text":"Yes"}}]"#, "[answer: Yes]"),
            (r#"[{"contentType":"Card","card":{"title":"Plan","description":"monthly"}}]"#, "[card: Plan – monthly]"),
            (
                r#"[{"contentType":"Carousel","carousel":{"cards":[{"title":"One"},{"title":"Two"}]}}]"#,
                "[card: One][card: Two]",
            ),
            (r#"[{"contentType":"Carousel"}]"#, "[carousel]"),
            (
                r#"[{"contentType":"Notification","template":{"id":"t","body":{"text":"Parcel here"}}}]"#,
                "[notification: Parcel here]",
            ),
            (r#"[{"contentType":"Reactions","reactions":[{"reactionType":"Like","count":1}]}]"#, "[reactions: Like]"),
            (r#"[{"contentType":"RoadsideAssistance"}]"#, "[roadside assistance]"),
            (r#"[{"filename":"plain.txt"}]"#, "[attachment: plain.txt]"),
            (r#"[7,null,"x"]"#, ""),
            ("7", ""),
        ] {
            assert_eq!(shown(json), expected, "{json}");
        }
    }

    #[test]
    fn attachments_are_an_object_or_a_list_of_objects_and_names() {
        for (json, expected) in [
            (r#"{"name":"a.pdf","size":7}"#, 1),
            (r#"[{"url":"https://files.example.invalid/b"},"c.txt",""]"#, 2),
            ("null", 0),
            ("[]", 0),
        ] {
            let mut content = Content::default();
            read_attachments(json, &mut content);
            assert_eq!(content.attachments.len(), expected, "{json}");
        }
    }
}
