//! The members of a body, the lines of it, and properties of every body.

mod cases;
mod properties;

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
    let brackets = body.details.map_or_else(String::new, |details| details.brackets);
    format!("{} {brackets}", body.text.unwrap_or_default()).trim().to_owned()
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
    assert_eq!((&dana.sender, &dana.recipient), (&party_of(Some("org"), Some("Dana")), &party_of(Some("a1"), None)));
    assert_eq!((casey.text.as_deref(), casey.direction), (None, Some(Direction::Inbound)));
    assert_eq!(casey.sent_at, Some("2026-10-08T14:03:10Z".parse().unwrap()), "the time of the channel");
    assert_eq!(casey.sender, party_of(Some("a1"), Some("Casey Low")));
    let file = Attachment {
        kind: "image".into(),
        name: Some("invoice.png".into()),
        mime: Some("image/png".into()),
        url: Some("https://files.example.invalid/invoice.png".into()),
        size: Some(48213),
        content: None,
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
        (json!({"textBody": "see", "media": [{"name": "a.png", "mediaType": "image/png"}]}), "see [attachment: a.png]"),
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
fn a_body_without_any_content_is_incomplete() {
    for empty in [json!({}), json!({"normalizedMessage": null, "textBody": null}), json!({"normalizedMessage": 7})] {
        let body = body(empty);
        assert!(!body.is_complete() && body.text.is_none() && body.attachments.is_empty(), "{body:?}");
    }
    assert!(body(json!({"status": "removed"})).is_complete());
}

#[test]
fn a_normalized_message_without_content_is_unsupported() {
    for (entity, expected) in [
        (json!({"normalizedMessage": {"type": "Unknown"}}), "[unsupported message]"),
        (json!({"normalizedMessage": {"type": "Unknown", "text": "Hi"}}), "Hi"),
        (json!({"normalizedMessage": {"type": "Unknown", "content": [{"contentType": "Hologram"}]}}), "[Hologram]"),
        (json!({"normalizedMessage": {"type": "Unknown"}, "textBody": "old"}), "old"),
        (json!({"normalizedMessage": {"type": "Text", "text": "", "content": []}}), "[unsupported message]"),
        (json!({"normalizedMessage": {}}), "[unsupported message]"),
    ] {
        assert_eq!(shown(entity.clone()), expected, "{entity}");
    }
}

#[test]
fn the_list_and_the_body_tell_of_the_delivery_together() {
    for (own, listed, expected) in [
        (None, "sent", "sent"),
        (Some("read"), "sent", "read"),
        (None, "failed", "failed"),
        (Some("sent"), "failed", "failed"),
        (Some("delivery-success"), "failed", "delivered"),
        (Some("read"), "removed", "removed"),
        (Some("removed"), "sent", "removed"),
    ] {
        let outcome = ListedOutcome { status: Some(DeliveryStatus::new(listed)), failure: Some("listed".into()) };
        let body = body(json!({"status": own})).with_listed(outcome);
        assert_eq!(
            (body.status, body.failure.as_deref()),
            (Some(DeliveryStatus::new(expected)), Some("listed")),
            "{own:?}"
        );
    }
    let outcome = ListedOutcome { status: None, failure: Some("listed".into()) };
    assert_eq!(body(json!({"errorInfo": {"message": "own"}})).with_listed(outcome).failure.as_deref(), Some("own"));
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
    let ids = |json| parse_bulk(json).map(|bodies| bodies.into_iter().map(|body| body.id).collect::<Vec<_>>().concat());
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

#[test]
fn names_have_no_outer_blanks() {
    for (from, expected) in [
        (json!({"nickname": " Dana "}), Some("Dana")),
        (json!({"nickname": " ", "firstName": "Dana ", "lastName": " Reyes"}), Some("Dana Reyes")),
        (json!({"nickname": "\t"}), None),
    ] {
        let body = body(
            json!({"normalizedMessage": {"channel": {"from": from, "to": from}}, "createdBy": {"id": "u", "name": "Sam\n"}}),
        );
        assert_eq!((body.sender.name.as_deref(), body.recipient.name.as_deref()), (expected, expected));
        assert_eq!(body.author, Some(party_of(Some("u"), Some("Sam"))));
    }
}
