//! What a message carries besides plain text, read into words a person can use.
//!
//! The shapes are those of the published API (facts, section 6.4), which grow without notice: whatever is not known is
//! shown by its type.

use std::borrow::Cow;

use serde_json::Value;

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
    for item in items(json) {
        match &item {
            Value::Object(_) => into.attachments.push(file(&item)),
            Value::String(name) if !name.is_empty() => into.attachments.push(named("attachment", Some(name.clone()))),
            _ => {}
        }
    }
}

/// Reads a `content` member: a list of parts, each with its `contentType`.
pub(crate) fn parts(json: &str, into: &mut Content) {
    for item in items(json) {
        part(&item, into);
    }
}

/// A message that has a title and nothing else.
pub(crate) fn title(title: &str) -> Attachment<'static> {
    named("title", Some(title.to_owned()))
}

fn items(json: &str) -> Vec<Value> {
    match serde_json::from_str(json) {
        Ok(Value::Array(items)) => items,
        Ok(Value::Null) | Err(_) => Vec::new(),
        Ok(item) => vec![item],
    }
}

fn part(item: &Value, into: &mut Content) {
    let kind = text_at(item, "/contentType").unwrap_or_default();
    let carried = match kind.as_str() {
        "Text" => return append(&mut into.text, text_at(item, "/text/body").or_else(|| text_at(item, "/text"))),
        "Attachment" => file(item.get("attachment").unwrap_or(item)),
        "Location" => place(item.get("location").unwrap_or(item)),
        "QuickReply" => named("quick reply", text_at(item, "/quickReply/text")),
        "QuickReplyV2" => named("quick replies", titled(item.get("quickReplyV2"), "actions")),
        "ButtonResponse" => named("answer", first(item, &["/buttonResponse/text", "/buttonResponse/payload"])),
        "Card" => named("card", titled(item.get("card"), "actions")),
        "Carousel" => return cards(item, into),
        "Notification" => {
            named("notification", first(item, &["/template/body/text", "/template/header/text", "/template/id"]))
        }
        "NotificationResponse" => named("notification answer", text_at(item, "/notificationResponse/notificationText")),
        "ListPicker" => named("list", titled(item.get("listPicker"), "sections")),
        "DatePicker" => named("dates", titled(item.get("datePicker"), "availableTimes")),
        "Form" => named("form", titled(item.get("form"), "response")),
        "Story" => named("story", text_at(item, "/story/url")),
        "Reactions" => named("reactions", Some(reactions(item))),
        "" => match item {
            Value::Object(_) => file(item),
            _ => return,
        },
        other => named(other, None),
    };
    into.attachments.push(carried);
}

fn file(item: &Value) -> Attachment<'static> {
    Attachment {
        kind: Cow::Borrowed("attachment"),
        name: first(item, &["/filename", "/name", "/fileName", "/text", "/title"]).map(Cow::Owned),
        mime: first(item, &["/mime", "/contentType", "/mimeType", "/mediaType"]).map(Cow::Owned),
        url: first(item, &["/url", "/href"]).map(Cow::Owned),
        size: ["/contentSizeBytes", "/contentLengthBytes", "/size"]
            .iter()
            .find_map(|path| item.pointer(path).and_then(Value::as_u64)),
    }
}

fn place(item: &Value) -> Attachment<'static> {
    let coordinates = || match (item.get("latitude")?.as_f64(), item.get("longitude")?.as_f64()) {
        (Some(latitude), Some(longitude)) => Some(format!("{latitude}, {longitude}")),
        _ => None,
    };
    let mut place = named("location", first(item, &["/text", "/address"]).or_else(coordinates));
    place.url = text_at(item, "/url").map(Cow::Owned);
    place
}

fn cards(item: &Value, into: &mut Content) {
    let cards = item.pointer("/carousel/cards").and_then(Value::as_array);
    for card in cards.into_iter().flatten() {
        into.attachments.push(named("card", titled(Some(card), "actions")));
    }
    if cards.is_none_or(Vec::is_empty) {
        into.attachments.push(named("carousel", None));
    }
}

/// The title of a structured part, its description, and what can be chosen in it: `Plan – monthly: Yes | No`.
fn titled(item: Option<&Value>, choices: &str) -> Option<String> {
    let item = item?;
    let mut words = [text_at(item, "/title"), first(item, &["/description", "/subtitle"])]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" – ");
    let labels = item.get(choices).and_then(Value::as_array).into_iter().flatten();
    let labels: Vec<String> = labels.filter_map(|choice| first(choice, &["/text", "/title", "/value"])).collect();
    if !labels.is_empty() {
        if !words.is_empty() {
            words.push_str(": ");
        }
        words.push_str(&labels.join(" | "));
    }
    (!words.is_empty()).then_some(words)
}

fn reactions(item: &Value) -> String {
    let listed = item.get("reactions").and_then(Value::as_array).into_iter().flatten();
    let words = listed.filter_map(|reaction| text_at(reaction, "/reactionType"));
    words.collect::<Vec<_>>().join(", ")
}

fn named(kind: &str, name: Option<String>) -> Attachment<'static> {
    let name = name.filter(|name| !name.is_empty());
    Attachment { kind: Cow::Owned(kind.to_owned()), name: name.map(Cow::Owned), ..Attachment::default() }
}

fn first(item: &Value, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| text_at(item, path))
}

fn text_at(item: &Value, path: &str) -> Option<String> {
    let text = item.pointer(path)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
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
            (r#"[{"contentType":"RoadsideAssistance"}]"#, "[RoadsideAssistance]"),
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
