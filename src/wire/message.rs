//! Message bodies from the bulk messages call.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::content::structured;
use super::content::{self, Content};
use super::json::{items_at, parse, text_at, text_equals, time_at, value_at};
use super::lenient::LenientObject;
use super::message_event::MessageMetadata;
use crate::event::{Attachment, Party};

/// A message, without the participant that sent it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct MessageBody {
    pub(crate) id: String,
    /// The id of its conversation.
    pub(crate) conversation: Option<String>,
    pub(crate) sent_at: Option<DateTime<Utc>>,
    pub(crate) text: Option<String>,
    pub(crate) attachments: Vec<Attachment<'static>>,
    pub(crate) direction: Option<Direction>,
    /// `true` if a bot wrote it.
    pub(crate) is_bot: bool,
    /// The text of an event or receipt, to be shown behind the name of a participant, such as `joined`.
    pub(crate) event_text: Option<String>,
    /// The user of the organisation who wrote it.
    pub(crate) author: Option<Party<'static>>,
    /// The address and display name it was sent from.
    pub(crate) sender: Party<'static>,
    /// The address and display name it was sent to.
    pub(crate) recipient: Party<'static>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the customer.
    Inbound,
    /// To the customer.
    Outbound,
}

/// Parses the response of the bulk call. Entities without an id are left out. `None` if the response is not a list of
/// entities.
pub(crate) fn parse_bulk(json: &str) -> Option<Vec<MessageBody>> {
    let response = parse(json).ok()?;
    match response.get("entities")? {
        Value::Array(entities) => Some(entities.iter().filter_map(MessageBody::from_value).collect()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

impl MessageBody {
    fn from_value(entity: &Value) -> Option<Self> {
        let id = text_at(entity, "id")?;
        let normalized = value_at(entity, "normalizedMessage").unwrap_or(&Value::Null);
        let direction = direction(entity).or_else(|| direction(normalized));
        let status = text_at(entity, "status").unwrap_or_default();
        let metadata = LenientObject::<MessageMetadata<'_>>::deserialize(normalized).unwrap_or_default().0;
        let content = content_of(entity, normalized);
        Some(Self {
            id,
            conversation: text_at(entity, "conversationId"),
            sent_at: time_at(entity, "timestamp").or_else(|| time_at(normalized, "channel.time")),
            text: content.text,
            attachments: content.attachments,
            direction,
            is_bot: text_equals(normalized, "originatingEntity", "Bot"),
            event_text: metadata.event_text(&status, direction != Some(Direction::Outbound)),
            author: author(entity),
            sender: party(normalized, "channel.from", text_at(entity, "fromAddress")),
            recipient: party(normalized, "channel.to", text_at(entity, "toAddress")),
        })
    }
}

fn direction(value: &Value) -> Option<Direction> {
    match text_at(value, "direction")?.to_ascii_lowercase().as_str() {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

/// Reads the normalized message and adds what it lacks from the legacy members.
fn content_of(entity: &Value, normalized: &Value) -> Content {
    let mut content = Content::default();
    items_at(normalized, "content").for_each(|part| content::read_part(part, &mut content));
    if content.attachments.is_empty() {
        items_at(entity, "media").for_each(|item| content::read_attachment(item, &mut content));
        items_at(entity, "stickers").for_each(|item| content::read_sticker(item, &mut content));
    }
    content.text = text_at(normalized, "text").or(content.text).or_else(|| text_at(entity, "textBody"));
    content.attachments.retain(|attachment| !repeats_text(attachment, content.text.as_deref()));
    content
}

/// A pressed button comes as the text of the message and as a part with the same text.
fn repeats_text(attachment: &Attachment<'_>, text: Option<&str>) -> bool {
    attachment.kind == structured::BUTTON_RESPONSE && text.is_some() && attachment.name.as_deref() == text
}

fn author(entity: &Value) -> Option<Party<'static>> {
    let author = Party { id: owned(text_at(entity, "createdBy.id")), name: owned(text_at(entity, "createdBy.name")) };
    (author != Party::default()).then_some(author)
}

fn party(normalized: &Value, path: &str, address: Option<String>) -> Party<'static> {
    let party = value_at(normalized, path).unwrap_or(&Value::Null);
    let name = text_at(party, "nickname").or_else(|| full_name(party));
    Party { id: owned(text_at(party, "id").or(address)), name: owned(name) }
}

fn full_name(party: &Value) -> Option<String> {
    let names: Vec<String> = ["firstName", "lastName"].iter().filter_map(|name| text_at(party, name)).collect();
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

    fn body(mut entity: Value) -> MessageBody {
        entity["id"] = json!("m1");
        MessageBody::from_value(&entity).expect("an entity with an id")
    }

    fn party_of(id: Option<&'static str>, name: Option<&'static str>) -> Party<'static> {
        Party { id: id.map(Cow::Borrowed), name: name.map(Cow::Borrowed) }
    }

    /// The text, then the attachments.
    fn shown(entity: Value) -> String {
        let body = body(entity);
        let mut shown = body.text.unwrap_or_default();
        body.attachments.iter().for_each(|attachment| attachment.push_description(&mut shown));
        shown
    }

    #[test]
    fn a_bulk_response_is_parsed() {
        let bulk = parse_bulk(BULK).expect("a list of entities");
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
        assert_eq!(casey.sent_at, Some("2026-10-08T14:03:10Z".parse().unwrap()), "the time of the channel");
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
    fn the_normalized_message_precedes_the_legacy_members() {
        for (entity, expected) in [
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
            assert_eq!(shown(entity.clone()), expected, "{entity}");
        }
    }

    #[test]
    fn an_empty_body_has_no_content() {
        for empty in [
            json!({}),
            json!({"normalizedMessage": {"type": "Text", "text": "", "content": []}}),
            json!({"textBody": null}),
        ] {
            let body = body(empty);
            assert!(body.text.is_none() && body.attachments.is_empty() && body.event_text.is_none(), "{body:?}");
        }
    }

    #[test]
    fn events_and_receipts_have_an_event_text() {
        for (entity, expected) in [
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
            assert_eq!(body(entity.clone()).event_text.as_deref(), Some(expected), "{entity}");
        }
    }

    #[test]
    fn entities_without_an_id_are_left_out_and_other_responses_are_rejected() {
        let ids =
            |json| parse_bulk(json).map(|bodies| bodies.into_iter().map(|body| body.id).collect::<Vec<_>>().concat());
        assert_eq!(ids(r#"{"entities":[{"id":"a"},{},7,null,{"id":""},{"id":7}]}"#).as_deref(), Some("a7"));
        assert_eq!(ids(r#"{"entities":null}"#).as_deref(), Some(""));
        for other in ["", "[]", "{}", "null", r#"{"entities":{}}"#, r#"{"message":"not found","status":404}"#] {
            assert_eq!(parse_bulk(other), None, "{other}");
        }
        let repaired =
            parse_bulk(r#"{"entities":[{"id":"a","textBody":"\ud83d"},{"id":"b"}]}"#).expect("a list of entities");
        assert_eq!((repaired[0].text.as_deref(), repaired.len()), (Some("\u{fffd}"), 2));
    }

    proptest! {
        #[test]
        fn a_list_of_entities_is_parsed_with_any_value_in_any_place(json in mangled(BULK)) {
            let value: Value = serde_json::from_str(&json).unwrap();
            let is_list = value["entities"].is_array() || value["entities"].is_null();
            prop_assert_eq!(parse_bulk(&json).is_some(), is_list);
        }
    }
}
