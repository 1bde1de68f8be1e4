//! The body of a message as REST gives it, read into words.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::content::structured;
use super::content::{self, Content};
use super::json::{at, items, parse, says, text, time};
use super::lenient::Object;
use super::message_event::MessageMetadata;
use crate::event::{Attachment, Party};

/// A message and who it is from, as far as its body knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct MessageBody {
    /// Its id.
    pub(crate) id: String,
    /// The conversation it belongs to.
    pub(crate) conversation: Option<String>,
    /// When it was sent.
    pub(crate) sent_at: Option<DateTime<Utc>>,
    /// What was said.
    pub(crate) text: Option<String>,
    /// What came with the text, or in place of it.
    pub(crate) attachments: Vec<Attachment<'static>>,
    /// Which way it went.
    pub(crate) direction: Option<Direction>,
    /// Whether a program said it.
    pub(crate) is_bot: bool,
    /// What happened, in words that read behind a name, where nothing was said.
    pub(crate) event_text: Option<String>,
    /// The user of the organisation who wrote it.
    pub(crate) author: Option<Party<'static>>,
    /// The address it came from, with the name it goes by.
    pub(crate) sender: Party<'static>,
    /// The address it went to, with the name it goes by.
    pub(crate) recipient: Party<'static>,
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the customer.
    Inbound,
    /// To the customer.
    Outbound,
}

/// Reads what bulk answers, without the entities that have no id; `None` when this is not the JSON that it answers with.
pub(crate) fn parse_bulk(json: &str) -> Option<Vec<MessageBody>> {
    let listing = parse(json).ok()?;
    match listing.get("entities")? {
        Value::Array(entities) => Some(entities.iter().filter_map(MessageBody::of).collect()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

impl MessageBody {
    fn of(data: &Value) -> Option<Self> {
        let id = text(data, "id")?;
        let normal = at(data, "normalizedMessage").unwrap_or(&Value::Null);
        let direction = direction(data).or_else(|| direction(normal));
        let status = text(data, "status").unwrap_or_default();
        let nature = Object::<MessageMetadata<'_>>::deserialize(normal).unwrap_or_default().0;
        let content = content(data, normal);
        Some(Self {
            id,
            conversation: text(data, "conversationId"),
            sent_at: time(data, "timestamp").or_else(|| time(normal, "channel.time")),
            text: content.text,
            attachments: content.attachments,
            direction,
            is_bot: says(normal, "originatingEntity", "Bot"),
            event_text: nature.event_text(&status, direction != Some(Direction::Outbound)),
            author: author(data),
            sender: party(normal, "channel.from", text(data, "fromAddress")),
            recipient: party(normal, "channel.to", text(data, "toAddress")),
        })
    }
}

fn direction(value: &Value) -> Option<Direction> {
    match text(value, "direction")?.to_ascii_lowercase().as_str() {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

/// The normalized message first, and what it lacks from the members that came before it.
fn content(data: &Value, normal: &Value) -> Content {
    let mut content = Content::default();
    items(normal, "content").for_each(|part| content::part(part, &mut content));
    if content.attachments.is_empty() {
        items(data, "media").for_each(|item| content::attachment(item, &mut content));
        items(data, "stickers").for_each(|item| content::sticker(item, &mut content));
    }
    content.text = text(normal, "text").or(content.text).or_else(|| text(data, "textBody"));
    content.attachments.retain(|carried| !repeats(carried, content.text.as_deref()));
    content
}

/// Who presses a button says its words.
fn repeats(carried: &Attachment<'_>, text: Option<&str>) -> bool {
    carried.kind == structured::ANSWER && text.is_some() && carried.name.as_deref() == text
}

fn author(data: &Value) -> Option<Party<'static>> {
    let author = Party { id: owned(text(data, "createdBy.id")), name: owned(text(data, "createdBy.name")) };
    (author != Party::default()).then_some(author)
}

fn party(normal: &Value, side: &str, address: Option<String>) -> Party<'static> {
    let side = at(normal, side).unwrap_or(&Value::Null);
    let name = text(side, "nickname").or_else(|| full_name(side));
    Party { id: owned(text(side, "id").or(address)), name: owned(name) }
}

fn full_name(side: &Value) -> Option<String> {
    let names: Vec<String> = ["firstName", "lastName"].iter().filter_map(|name| text(side, name)).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

fn owned(text: Option<String>) -> Option<Cow<'static, str>> {
    text.map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::fixtures::{BULK, mangled};
    use super::*;

    fn said(mut data: Value) -> MessageBody {
        data["id"] = json!("m1");
        MessageBody::of(&data).expect("it has an id")
    }

    fn party_of(id: Option<&'static str>, name: Option<&'static str>) -> Party<'static> {
        Party { id: id.map(Cow::Borrowed), name: name.map(Cow::Borrowed) }
    }

    /// The text, then what is carried.
    fn shown(data: Value) -> String {
        let said = said(data);
        let mut words = said.text.unwrap_or_default();
        said.attachments.iter().for_each(|carried| carried.push_description(&mut words));
        words
    }

    #[test]
    fn a_whole_bulk_is_read() {
        let bulk = parse_bulk(BULK).expect("a listing");
        let [dana, casey, bot] = bulk.as_slice() else { panic!("{bulk:?}") };
        assert_eq!((dana.id.as_str(), dana.conversation.as_deref()), ("m3", Some("c1")));
        assert_eq!(
            (dana.text.as_deref(), dana.direction, dana.is_bot),
            (Some("One moment."), Some(Direction::Outbound), false)
        );
        assert_eq!(dana.author, Some(party_of(Some("u1"), Some("Dana Reyes"))));
        assert_eq!(
            (&dana.sender, &dana.recipient),
            (&party_of(Some("org"), Some("Dana")), &party_of(Some("a1"), None))
        );
        assert_eq!((casey.text.as_deref(), casey.direction), (None, Some(Direction::Inbound)));
        assert_eq!(casey.sent_at, Some("2026-10-08T14:03:10Z".parse().unwrap()), "the channel's time stands in");
        assert_eq!(casey.sender, party_of(Some("a1"), Some("Casey Low")));
        let file = Attachment {
            kind: "attachment".into(),
            name: Some("invoice.png".into()),
            mime: Some("image/png".into()),
            url: Some("https://files.example.invalid/invoice.png".into()),
            size: Some(48213),
        };
        assert_eq!(casey.attachments, [file]);
        assert_eq!((bot.is_bot, bot.direction, bot.author.as_ref()), (true, Some(Direction::Outbound), None));
        assert_eq!((bot.sender.clone(), bot.event_text.as_deref()), (Party::default(), None));
    }

    #[test]
    fn the_normalized_message_comes_first() {
        for (data, expected) in [
            (json!({"normalizedMessage": {"text": "new"}, "textBody": "old"}), "new"),
            (json!({"normalizedMessage": {"text": ""}, "textBody": "old"}), "old"),
            (json!({"normalizedMessage": null, "textBody": "old"}), "old"),
            (
                json!({"textBody": "see", "media": [{"name": "a.png", "mediaType": "image/png"}]}),
                "see[attachment: a.png]",
            ),
            (
                json!({"stickers": [{"url": "https://s.example.invalid/1", "id": "s"}]}),
                "[sticker: https://s.example.invalid/1]",
            ),
            (
                json!({"normalizedMessage": {"content": [{"contentType": "Attachment", "attachment": {"filename": "b"}}]},
                       "media": [{"name": "a"}]}),
                "[attachment: b]",
            ),
            (json!({"normalizedMessage": {"content": [{"contentType": "Text", "text": {"body": "part"}}]}}), "part"),
            (
                json!({"normalizedMessage": {"text": "Yes", "content": [{"contentType": "ButtonResponse", "buttonResponse": {"text": "Yes"}}]}}),
                "Yes",
            ),
            (
                json!({"normalizedMessage": {"content": [{"contentType": "ButtonResponse", "buttonResponse": {"text": "Yes"}}]}}),
                "[answer: Yes]",
            ),
        ] {
            assert_eq!(shown(data.clone()), expected, "{data}");
        }
    }

    #[test]
    fn a_body_with_nothing_in_it_says_nothing() {
        for empty in [
            json!({}),
            json!({"normalizedMessage": {"type": "Text", "text": "", "content": []}}),
            json!({"textBody": null}),
        ] {
            let said = said(empty);
            assert!(said.text.is_none() && said.attachments.is_empty() && said.event_text.is_none(), "{said:?}");
        }
    }

    #[test]
    fn events_and_receipts_are_signs() {
        for (data, words) in [
            (
                json!({"normalizedMessage": {"type": "Event", "events": [{"eventType": "Presence", "presence": {"type": "Join"}}]}}),
                "joined",
            ),
            (
                json!({"normalizedMessage": {"type": "Receipt", "status": "Read"}, "direction": "inbound"}),
                "read the message",
            ),
            (
                json!({"normalizedMessage": {"type": "Receipt", "status": "Failed", "direction": "Outbound",
                       "reasons": [{"code": "RecipientOptedOut"}]}}),
                "message not delivered: recipient opted out",
            ),
            (json!({"normalizedMessage": {"type": "Receipt"}, "status": "read"}), "read the message"),
        ] {
            assert_eq!(said(data.clone()).event_text.as_deref(), Some(words), "{data}");
        }
    }

    #[test]
    fn what_has_no_id_is_left_out_and_what_is_no_listing_told_apart() {
        let ids = |json| parse_bulk(json).map(|said| said.into_iter().map(|said| said.id).collect::<Vec<_>>().concat());
        assert_eq!(ids(r#"{"entities":[{"id":"a"},{},7,null,{"id":""},{"id":7}]}"#).as_deref(), Some("a7"));
        assert_eq!(ids(r#"{"entities":null}"#).as_deref(), Some(""));
        for garbage in ["", "[]", "{}", "null", r#"{"entities":{}}"#, r#"{"message":"not found","status":404}"#] {
            assert_eq!(parse_bulk(garbage), None, "{garbage}");
        }
        let mended = parse_bulk(r#"{"entities":[{"id":"a","textBody":"\ud83d"},{"id":"b"}]}"#).expect("a listing");
        assert_eq!((mended[0].text.as_deref(), mended.len()), (Some("\u{fffd}"), 2));
    }

    proptest! {
        #[test]
        fn anything_anywhere_is_read(json in mangled(BULK)) {
            let value: Value = serde_json::from_str(&json).unwrap();
            let listing = value["entities"].is_array() || value["entities"].is_null();
            prop_assert_eq!(parse_bulk(&json).is_some(), listing);
        }
    }
}
