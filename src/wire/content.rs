//! What a message carries besides plain text, read into words a person can use.
//!
//! The shapes are those of the published API (facts, section 6.4), which grow without notice: whatever is not known is
//! shown by its type.

pub(crate) mod structured;

use std::borrow::Cow;

use serde_json::Value;

use self::structured::named;
use super::json::{self, first, text};
use crate::event::Attachment;

/// What was found in the structured parts of a message.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Content {
    /// Plain text among the parts.
    pub(crate) text: Option<String>,
    /// Everything else.
    pub(crate) attachments: Vec<Attachment<'static>>,
}

/// Reads an `attachment` or `attachments` member: an object, a list of them, or a bare name or address.
pub(crate) fn attachments(json: &str, into: &mut Content) {
    for item in listed(json) {
        attachment(&item, into);
    }
}

/// Reads a `content` member: a list of parts, each with its `contentType`.
pub(crate) fn parts(json: &str, into: &mut Content) {
    for item in listed(json) {
        part(&item, into);
    }
}

/// Reads one attachment.
pub(crate) fn attachment(item: &Value, into: &mut Content) {
    match item {
        Value::Object(_) => into.attachments.push(file("attachment", item)),
        Value::String(name) if !name.is_empty() => into.attachments.push(named("attachment", Some(name.clone()))),
        _ => {}
    }
}

/// Reads one sticker.
pub(crate) fn sticker(item: &Value, into: &mut Content) {
    if item.is_object() {
        into.attachments.push(file("sticker", item));
    }
}

/// A message that has a title and nothing else.
pub(crate) fn title(title: &str) -> Attachment<'static> {
    named("title", Some(title.to_owned()))
}

fn listed(json: &str) -> Vec<Value> {
    match json::parse(json) {
        Ok(Value::Array(items)) => items,
        Ok(Value::Null) | Err(_) => Vec::new(),
        Ok(item) => vec![item],
    }
}

/// Reads one part of a `content` member.
pub(crate) fn part(item: &Value, into: &mut Content) {
    let kind = text(item, "contentType").unwrap_or_default();
    let inner = |member: &str| item.get(member).unwrap_or(item);
    let carried = match kind.as_str() {
        "Text" => return append(&mut into.text, first(item, &["text.body", "text"])),
        "Attachment" => file("attachment", inner("attachment")),
        "Location" => place(inner("location")),
        "Carousel" if structured::cards(item).next().is_some() => {
            return into.attachments.extend(structured::cards(item));
        }
        "" if item.is_object() => file("attachment", item),
        "" => return,
        kind => structured::read(kind, item),
    };
    into.attachments.push(carried);
}

fn file(kind: &str, item: &Value) -> Attachment<'static> {
    Attachment {
        kind: Cow::Owned(kind.to_owned()),
        name: first(item, &["filename", "name", "fileName", "text", "title"]).map(Cow::Owned),
        mime: mime(item).map(Cow::Owned),
        url: first(item, &["url", "href"]).map(Cow::Owned),
        size: ["contentSizeBytes", "contentLengthBytes", "size"]
            .iter()
            .find_map(|member| item.get(member).and_then(Value::as_u64)),
    }
}

/// `contentType` means this too, except in a part that only says what it is.
fn mime(item: &Value) -> Option<String> {
    first(item, &["mime", "mimeType", "mediaType", "contentType"]).filter(|mime| mime != "Attachment")
}

fn place(item: &Value) -> Attachment<'static> {
    let coordinates = || match (item.get("latitude")?.as_f64(), item.get("longitude")?.as_f64()) {
        (Some(latitude), Some(longitude)) => Some(format!("{latitude}, {longitude}")),
        _ => None,
    };
    let mut place = named("location", first(item, &["text", "address"]).or_else(coordinates));
    place.url = text(item, "url").map(Cow::Owned);
    place
}

fn append(text: &mut Option<String>, more: Option<String>) {
    match (text.as_mut(), more) {
        (Some(text), Some(more)) => {
            text.push('\n');
            text.push_str(&more);
        }
        (None, more) => *text = more,
        (Some(_), None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        let mut content = Content::default();
        parts(json, &mut content);
        let mut words = content.text.unwrap_or_default();
        for attachment in &content.attachments {
            attachment.push_description(&mut words);
        }
        words
    }

    #[test]
    fn every_content_type_reads_as_something() {
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
    fn attachments_may_be_one_or_many_objects_or_names() {
        for (json, expected) in [
            (r#"{"name":"a.pdf","size":7}"#, 1),
            (r#"[{"url":"https://files.example.invalid/b"},"c.txt",""]"#, 2),
            ("null", 0),
            ("[]", 0),
        ] {
            let mut content = Content::default();
            attachments(json, &mut content);
            assert_eq!(content.attachments.len(), expected, "{json}");
        }
    }
}
