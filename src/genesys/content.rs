//! What a message carries besides plain text, read into words a person can use.
//!
//! The shapes are those of the published API (facts, section 6.4), which grow without notice: whatever is not known is
//! shown by its type.

use std::borrow::Cow;

use serde_json::Value;

use super::value::{self, first, items, text};
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
    match value::parse(json) {
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
        "QuickReply" => named("quick reply", first(item, &["quickReply.text", "quickReply.payload"])),
        "QuickReplyV2" => named("quick replies", titled(item.get("quickReplyV2"), "actions")),
        "ButtonResponse" => named("answer", first(item, &["buttonResponse.text", "buttonResponse.payload"])),
        "Card" => named("card", titled(item.get("card"), "actions")),
        "Carousel" => return cards(item, into),
        "Notification" => {
            named("notification", first(item, &["template.body.text", "template.header.text", "template.id"]))
        }
        "NotificationResponse" => named(
            "notification answer",
            first(item, &["notificationResponse.notificationText", "notificationResponse.notificationStatus"]),
        ),
        "ListPicker" => named("list", titled(item.get("listPicker"), "sections")),
        "DatePicker" => named("dates", titled(item.get("datePicker"), "availableTimes")),
        "Form" => named("form", titled(item.get("form"), "response")),
        "Story" => story(item),
        "Reactions" => named("reactions", Some(reactions(item))),
        "" => match item {
            Value::Object(_) => file("attachment", item),
            _ => return,
        },
        other => other_part(other, item),
    };
    into.attachments.push(carried);
}

fn file(kind: &str, item: &Value) -> Attachment<'static> {
    Attachment {
        kind: Cow::Owned(kind.to_owned()),
        name: first(item, &["filename", "name", "fileName", "text", "title"]).map(Cow::Owned),
        mime: first(item, &["mime", "mimeType", "mediaType", "contentType"]).map(Cow::Owned),
        url: first(item, &["url", "href"]).map(Cow::Owned),
        size: ["contentSizeBytes", "contentLengthBytes", "size"]
            .iter()
            .find_map(|member| item.get(member).and_then(Value::as_u64)),
    }
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

fn cards(item: &Value, into: &mut Content) {
    let before = into.attachments.len();
    let cards = items(item, "carousel.cards").map(|card| named("card", titled(Some(card), "actions")));
    into.attachments.extend(cards);
    if into.attachments.len() == before {
        into.attachments.push(named("carousel", None));
    }
}

fn story(item: &Value) -> Attachment<'static> {
    let url = text(item, "story.url").map(Cow::Owned);
    Attachment { url, ..named("story", first(item, &["story.text", "story.type"])) }
}

/// A type that is best told by its name, with what can be read in the member of that name: `payment request: Order 7`.
fn other_part(kind: &str, item: &Value) -> Attachment<'static> {
    let inner = item.get(member_of(kind)).unwrap_or(&Value::Null);
    let words = || titled(Some(inner), "actions");
    let name = first(inner, &["text"]).or_else(words).or_else(|| first(inner, &["name", "status"]));
    Attachment { url: text(inner, "url").map(Cow::Owned), ..named(readable(kind), name) }
}

/// `paymentRequest` for `PaymentRequest`.
fn member_of(kind: &str) -> String {
    let mut letters = kind.chars();
    letters.next().map_or_else(String::new, |head| head.to_lowercase().chain(letters).collect())
}

fn readable(kind: &str) -> &str {
    match kind {
        "Mention" => "mention",
        "PaymentRequest" => "payment request",
        "PaymentResponse" => "payment answer",
        "Push" => "push notification",
        "InteractiveApplication" => "app",
        "RoadsideAssistance" => "roadside assistance",
        "RichLink" => "link",
        "Unknown" => "unknown content",
        other => other,
    }
}

/// The title of a structured part, its description, and what can be chosen in it: `Plan – monthly: Yes | No`.
fn titled(item: Option<&Value>, choices: &str) -> Option<String> {
    let item = item?;
    let title = first(item, &["title", "receivedMessage.title", "replyMessage.title"]);
    let description = first(item, &["description", "subtitle", "receivedMessage.subtitle"]);
    let mut words = title.into_iter().chain(description).collect::<Vec<_>>().join(" – ");
    let labels: Vec<String> = items(item, choices).filter_map(label).collect();
    if !labels.is_empty() {
        if !words.is_empty() {
            words.push_str(": ");
        }
        words.push_str(&labels.join(" | "));
    }
    (!words.is_empty()).then_some(words)
}

fn label(choice: &Value) -> Option<String> {
    first(choice, &["text", "title", "value", "dateTime"])
}

fn reactions(item: &Value) -> String {
    items(item, "reactions").filter_map(|reaction| text(reaction, "reactionType")).collect::<Vec<_>>().join(", ")
}

fn named(kind: &str, name: Option<String>) -> Attachment<'static> {
    let name = name.filter(|name| !name.is_empty());
    Attachment { kind: Cow::Owned(kind.to_owned()), name: name.map(Cow::Owned), ..Attachment::default() }
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
            attachment.describe(&mut words);
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
