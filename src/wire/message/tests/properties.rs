//! Properties of every message that the published schema allows, on both sources: each string that a person was shown is
//! in the line, and each member is in JSON or in [`LEFT_OUT`].

use std::collections::BTreeSet;

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::parse_bulk;
use crate::config::{Format, Style, Timestamps};
use crate::event::{EventBody, Origin, TranscriptEvent};
use crate::output::{escape, format_event};
use crate::tracker::message_from_body;
use crate::wire::transcript::{Decoded, decode_by_serde};

/// The members of a message that JSON output leaves out on purpose.
const LEFT_OUT: [&str; 34] = [
    "name",
    "selfUri",
    "createdBy.selfUri",
    "normalizedReceipts.id",
    "normalizedReceipts.type",
    "normalizedReceipts.direction",
    "normalizedReceipts.reasons.code",
    "providerMessageId",
    "messengerType",
    "normalizedMessage.id",
    "normalizedMessage.type",
    "normalizedMessage.direction",
    "normalizedMessage.metadata.key",
    "normalizedMessage.byoSmsIntegrationId",
    "normalizedMessage.enrichment.sentimentV2.tag",
    "normalizedMessage.channel.id",
    "normalizedMessage.channel.platform",
    "normalizedMessage.channel.type",
    "normalizedMessage.channel.messageId",
    "normalizedMessage.channel.time",
    "normalizedMessage.channel.from.idType",
    "normalizedMessage.channel.from.image",
    "normalizedMessage.channel.from.firstName",
    "normalizedMessage.channel.from.lastName",
    "normalizedMessage.channel.from.email",
    "normalizedMessage.channel.from.externalContactId",
    "normalizedMessage.channel.from.additionalIds.type",
    "normalizedMessage.channel.from.additionalIds.value",
    "normalizedMessage.channel.to.idType",
    "normalizedMessage.channel.dateModified",
    "normalizedMessage.channel.publicMetadata.rootId",
    "normalizedMessage.channel.publicMetadata.url",
    // The quoted message tells more than its id.
    "normalizedMessage.channel.publicMetadata.replyToId",
    "normalizedMessage.content.text.type",
];

/// Composes a message from given strings, and notes those that a person was shown.
struct Composer {
    texts: Vec<String>,
    used: usize,
    shown: Vec<String>,
}

impl Composer {
    fn next(&mut self) -> String {
        self.used += 1;
        self.texts[(self.used - 1) % self.texts.len()].clone()
    }

    /// Returns a string that a person was shown.
    fn shown(&mut self) -> Value {
        let text = self.next();
        self.shown.push(text.clone());
        Value::from(text)
    }

    /// Returns a string that is not shown, such as an id or a payload.
    fn hidden(&mut self) -> Value {
        self.used += 1;
        Value::from(format!("hidden-{}", self.used))
    }

    fn received(&mut self) -> Value {
        json!({"header": self.shown(), "title": self.shown(), "subtitle": self.shown(), "buttonLabel": self.shown(), "imageUrl": self.hidden()})
    }

    fn actions(&mut self) -> Value {
        json!([
            {"type": "Postback", "text": self.shown(), "payload": self.hidden()},
            {"type": "Link", "text": self.shown(), "url": self.hidden()}
        ])
    }

    fn card(&mut self) -> Value {
        json!({"title": self.shown(), "description": self.shown(), "image": self.hidden(), "video": self.hidden(),
            "defaultAction": {"type": "Link", "text": self.shown(), "url": self.hidden()}, "actions": self.actions()})
    }

    fn section(&mut self) -> Value {
        json!({"title": self.shown(), "multipleSelection": true, "items": [
            {"id": self.hidden(), "title": self.shown(), "subtitle": self.shown()},
            {"id": self.hidden(), "title": self.shown(), "imageUrl": self.hidden()}]})
    }

    fn list_picker(&mut self) -> Value {
        json!({"id": self.hidden(), "receivedMessage": self.received(), "replyMessage": {"title": self.hidden()},
            "sections": [self.section(), self.section()]})
    }

    fn date_picker(&mut self) -> Value {
        json!({"id": self.hidden(), "title": self.shown(), "subtitle": self.shown(), "imageUrl": self.hidden(),
            "location": {"text": self.shown(), "address": self.shown(), "latitude": 1.5, "url": self.hidden()},
            "availableTimes": [{"dateTime": self.shown(), "duration": 1800}]})
    }

    fn form(&mut self) -> Value {
        let component = json!({"title": self.shown(), "subtitle": self.shown(), "placeholderText": self.shown(), "isRequired": true});
        json!({"cannedResponseId": self.hidden(), "showSummary": false,
            "introduction": {"title": self.shown(), "subtitle": self.shown(), "buttonText": self.shown()},
            "receivedMessage": self.received(),
            "formPages": [
                {"title": self.shown(), "subtitle": self.shown(), "pageComponents": [
                    {"formComponentType": "Input", "input": component},
                    {"formComponentType": "DatePicker", "datePicker": {"title": self.shown(), "subtitle": self.shown()}}]},
                {"title": self.shown(), "pageComponents": [
                    {"formComponentType": "ListPicker", "listPicker": {"sections": [self.section()]}},
                    {"formComponentType": "WheelPicker", "wheelPicker": {"items": [{"id": self.hidden(), "title": self.shown(), "value": "1"}]}}]}]})
    }

    fn form_answer(&mut self) -> Value {
        let mut answer = || {
            json!({"id": self.hidden(), "component": {"contentType": "ButtonResponse",
            "buttonResponse": {"type": "Form", "text": self.shown(), "payload": self.hidden()}}})
        };
        json!({"originatingMessageId": "m0", "response": [answer(), answer()]})
    }

    fn template(&mut self) -> Value {
        let mut parameter = || json!({"name": "1", "text": self.shown()});
        let (header, body, button) = (parameter(), parameter(), parameter());
        json!({"id": self.hidden(), "language": "en_US",
            "header": {"type": "Text", "text": self.shown(), "parameters": [header]},
            "body": {"text": self.shown(), "parameters": [body]},
            "buttons": [{"type": "Url", "index": 0, "text": self.shown(), "url": self.hidden(), "parameters": [button]}],
            "footer": {"text": self.shown()}})
    }

    fn payment_request(&mut self) -> Value {
        json!({"paymentPlatform": "ApplePay", "countryCode": "DE", "currencyCode": "EUR", "orderTotal": 12.5,
            "lineItems": [{"name": self.shown(), "description": self.shown(), "price": 9.5, "identifier": self.hidden()}],
            "shippingOptions": [{"name": self.shown(), "price": 3.0}],
            "requiredContactFields": [{"contactField": "PostalAddress"}], "receivedMessage": self.received()})
    }

    fn file(&mut self, media_type: &str) -> Value {
        let url = if media_type == "Link" { self.shown() } else { self.hidden() };
        json!({"id": self.hidden(), "mediaType": media_type, "url": url, "mime": "image/png", "sha256": self.hidden(),
            "text": self.shown(), "filename": self.shown(), "contentSizeBytes": 7})
    }

    fn location(&mut self) -> Value {
        json!({"text": self.shown(), "address": self.shown(), "latitude": 48.1, "longitude": 11.5, "url": self.hidden()})
    }

    /// Returns a part of each content type of the schema, and of one that is not in it.
    fn part(&mut self, number: usize) -> Value {
        let (content_type, member, content) = match number {
            0 => ("Text", "text", json!({"type": "Title", "body": self.shown()})),
            1 => ("Attachment", "attachment", self.file("Image")),
            2 => ("Attachment", "attachment", self.file("Link")),
            3 => ("Location", "location", self.location()),
            4 => (
                "QuickReply",
                "quickReply",
                json!({"text": self.shown(), "payload": self.hidden(), "image": self.hidden(), "action": "Message"}),
            ),
            5 => ("QuickReplyV2", "quickReplyV2", json!({"title": self.shown(), "actions": self.actions()})),
            6 => (
                "ButtonResponse",
                "buttonResponse",
                json!({"type": "Button", "originatingMessageId": "m0", "text": self.shown(), "payload": self.hidden()}),
            ),
            7 => ("Card", "card", self.card()),
            8 => ("Carousel", "carousel", json!({"cards": [self.card(), self.card()]})),
            9 => ("ListPicker", "listPicker", self.list_picker()),
            10 => ("DatePicker", "datePicker", self.date_picker()),
            11 => ("Form", "form", self.form()),
            12 => ("Form", "form", self.form_answer()),
            13 => ("Notification", "template", self.template()),
            14 => (
                "NotificationResponse",
                "notificationResponse",
                json!({"notificationStatus": "Accepted", "referenceId": self.hidden(), "notificationText": self.shown()}),
            ),
            15 => ("Story", "story", json!({"type": "Reply", "url": self.shown(), "replyToId": self.hidden()})),
            16 => ("Mention", "mention", json!({"text": self.shown()})),
            17 => (
                "Reactions",
                "reactions",
                json!([{"reactionType": self.shown(), "count": 2}, {"reactionType": self.shown(), "count": 1}]),
            ),
            18 => ("PaymentRequest", "paymentRequest", self.payment_request()),
            19 => (
                "PaymentResponse",
                "paymentResponse",
                json!({"paymentStatus": "Failed", "failureReason": self.shown()}),
            ),
            20 => (
                "Push",
                "push",
                json!({"deviceType": "Ios", "deviceToken": self.hidden(), "notificationMessage": {"title": self.shown(), "body": self.shown()}}),
            ),
            21 => (
                "InteractiveApplication",
                "interactiveApplication",
                json!({"name": self.shown(), "url": self.hidden(), "receivedMessage": self.received()}),
            ),
            22 => (
                "RoadsideAssistance",
                "roadsideAssistance",
                json!({"text": self.shown(), "phoneNumber": self.shown(), "location": {"text": self.shown(), "address": self.shown()}}),
            ),
            23 => (
                "RichLink",
                "richLink",
                json!({"header": {"type": "Text", "value": self.shown()}, "text": self.shown(), "urlLabel": self.shown(), "footer": self.shown(), "url": self.shown()}),
            ),
            24 => (
                "Hologram",
                "hologram",
                json!({"title": self.shown(), "hull": {"label": self.shown()}, "decks": [{"name": self.shown()}]}),
            ),
            _ => ("Unknown", "unknown", json!({})),
        };
        json!({"contentType": content_type, member: content})
    }

    /// Returns a text that is not empty: a frame without content is malformed.
    fn text(&mut self) -> String {
        let text = format!("{}!", self.next());
        self.shown.push(text.clone());
        text
    }

    fn channel(&mut self) -> Value {
        json!({"id": self.hidden(), "platform": "WebMessaging", "type": "Private", "messageId": self.hidden(),
            "from": {"nickname": "Dana", "id": "org", "idType": "Opaque", "image": self.hidden(), "firstName": self.hidden(),
                "lastName": self.hidden(), "email": self.hidden(), "externalContactId": self.hidden(),
                "additionalIds": [{"type": "Email", "value": self.hidden()}]},
            "to": {"id": "a1", "idType": "Phone"}, "time": "2026-10-08T14:02:30.000Z",
            "dateModified": "2026-10-08T14:03:00.000Z",
            "publicMetadata": {"rootId": self.hidden(), "replyToId": self.hidden(), "url": self.hidden()}})
    }

    fn normalized(&mut self, parts: &[usize]) -> Value {
        json!({"id": "n1", "type": "Structured", "text": self.text(), "direction": "Outbound", "originatingEntity": "Human",
            "channel": self.channel(),
            "content": parts.iter().map(|&part| self.part(part)).collect::<Vec<_>>(),
            "relatedMessages": [{"id": "m0", "text": "quoted"}], "metadata": {"key": self.hidden()},
            "byoSmsIntegrationId": self.hidden(),
            "enrichment": {"language": {"language": "en-US"}, "sentimentV2": {"tag": "Positive"}}})
    }

    fn body(&mut self, parts: &[usize]) -> Value {
        json!({"id": "m1", "name": self.hidden(), "providerMessageId": self.hidden(), "timestamp": "2026-10-08T14:02:31.902Z",
            "fromAddress": "org", "toAddress": "a1", "direction": "outbound", "messengerType": "webmessaging",
            "status": "delivery-failed", "normalizedMessage": self.normalized(parts), "conversationId": "c1",
            "normalizedReceipts": [{"id": self.hidden(), "type": "Receipt", "direction": "Outbound", "status": "Failed",
                "isFinalReceipt": true, "reasons": [{"code": "RateLimited", "message": self.shown()}]}],
            "createdBy": {"id": "u1", "name": "Dana", "selfUri": self.hidden()}, "selfUri": self.hidden()})
    }
}

const PARTS: usize = 26;

/// Composes a message of these parts from these texts. Returns it, and the strings that a person was shown.
fn compose(texts: &[String], parts: &[usize]) -> (Value, Vec<String>) {
    let mut composer = Composer { texts: texts.to_vec(), used: 0, shown: Vec::new() };
    let body = composer.body(parts);
    (body, composer.shown)
}

/// Returns a body as a frame of the transcript source.
fn frame(body: &Value) -> String {
    let mut payload = body["normalizedMessage"].clone();
    for member in ["id", "timestamp", "status", "normalizedReceipts"] {
        payload[member] = body[member].clone();
    }
    (payload["from"], payload["to"]) = (json!({"id": "u1", "name": "Dana"}), json!({"id": "a1"}));
    json!({"event": "messageAdded", "payload": payload}).to_string()
}

/// Returns the text lines and the JSON lines of a body, from both sources.
pub(super) fn lines(body: &Value) -> Vec<[String; 2]> {
    let bulk = json!({ "entities": [body] }).to_string();
    let body_of_rest = parse_bulk(&bulk).and_then(|mut bodies| bodies.pop()).expect("a body");
    let at = body_of_rest.sent_at;
    let message = EventBody::Message(message_from_body(body_of_rest, None, Origin::Live));
    let rest = TranscriptEvent { conversation: "c1", at, received: DateTime::UNIX_EPOCH, body: message, context: None };
    let frame = frame(body);
    let Decoded::Event(event) = decode_by_serde(&frame, "c1", DateTime::UNIX_EPOCH) else { panic!("{frame}") };
    [rest, event].iter().map(|event| [Format::Text, Format::Json].map(|format| formatted(format, event))).collect()
}

fn formatted(format: Format, event: &TranscriptEvent<'_>) -> String {
    let style = Style { format, timestamps: Timestamps::None, ..Style::default() };
    String::from_utf8(format_event(&style, event)).expect("UTF-8")
}

/// Returns the leaves of JSON with their paths, without the positions in lists.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(&path, member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(path, item, found)),
        leaf => found.push((path.to_owned(), leaf.clone())),
    }
}

/// Returns the members that JSON lacks.
fn lost_members(body: &Value, json_line: &str) -> Vec<(String, Value)> {
    let (mut sent, mut kept) = (Vec::new(), Vec::new());
    leaves("", body, &mut sent);
    leaves("", &serde_json::from_str(json_line).expect("JSON"), &mut kept);
    let values: BTreeSet<String> = kept.iter().map(|(_, value)| value.to_string()).collect();
    let texts = || kept.iter().filter_map(|(_, value)| value.as_str());
    let is_kept = |value: &Value| {
        values.contains(&value.to_string())
            || value
                .as_str()
                .is_some_and(|text| texts().any(|kept| kept.contains(text.trim()) || kept.eq_ignore_ascii_case(text)))
    };
    sent.retain(|(_, value)| !is_kept(value));
    sent
}

/// The members that become others: the direction and the author a role, the status a status in lower case.
const TRANSLATED: [&str; 9] = [
    "direction",
    "normalizedMessage.originatingEntity",
    "status",
    "normalizedReceipts.status",
    "normalizedReceipts.isFinalReceipt",
    "fromAddress",
    "normalizedMessage.channel.from.id",
    "normalizedMessage.content.contentType",
    "normalizedMessage.channel.from.nickname",
];

fn texts() -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof![
        3 => "[a-z]{1,2}",
        3 => "[A-Za-z0-9 äß語🙂]{1,12}",
        2 => "[ \\t\\r\\n\"\\\\\\x1b\\u{202e}a-c|–:;\\]\\[]{0,8}",
    ];
    prop::collection::vec(text, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_string_that_a_person_was_shown_is_in_the_line(texts in texts(), parts in prop::collection::vec(0..PARTS, 0..4)) {
        let (body, shown) = compose(&texts, &parts);
        for [line, _] in lines(&body) {
            for string in &shown {
                let escaped = escape(string.trim()).into_owned();
                prop_assert!(line.contains(&escaped), "{escaped:?} is not in {line}");
            }
        }
    }

    #[test]
    fn every_member_is_in_json_or_left_out_on_purpose(texts in texts(), parts in prop::collection::vec(0..PARTS, 0..4)) {
        let (body, _) = compose(&texts, &parts);
        for [_, json] in lines(&body) {
            let mut lost = lost_members(&body, &json);
            lost.retain(|(path, _)| !TRANSLATED.contains(&path.as_str()) && !LEFT_OUT.contains(&path.as_str()));
            prop_assert!(lost.is_empty(), "{lost:?} is not in {json}");
        }
    }
}

/// Returns texts of which none is a part of another.
fn distinct_texts() -> Vec<String> {
    (100..600).map(|number| format!("t{number}.")).collect()
}

#[test]
fn every_part_of_the_schema_shows_each_string_once() {
    for part in 0..PARTS {
        let (body, shown) = compose(&distinct_texts(), &[part]);
        for [line, _] in lines(&body) {
            for string in &shown {
                assert_eq!(line.matches(string).count(), 1, "{string} in {line}");
            }
            assert!(!line.contains("hidden-"), "{line}");
            assert!(line.contains("] [not delivered: ") || part == 0, "{line}");
        }
    }
}

#[test]
fn every_member_that_is_listed_as_left_out_is_left_out() {
    let (body, _) = compose(&distinct_texts(), &[0]);
    let lost: BTreeSet<String> = lost_members(&body, &lines(&body)[0][1]).into_iter().map(|(path, _)| path).collect();
    let kept: Vec<_> = LEFT_OUT.iter().filter(|path| !lost.contains(**path)).collect();
    assert!(kept.is_empty(), "{kept:?} need not be listed");
}

#[test]
fn both_sources_show_the_same() {
    for part in 0..PARTS {
        let [rest, frame] = &lines(&compose(&distinct_texts(), &[part, 4, 1]).0)[..] else { panic!("two sources") };
        assert_eq!(rest[0], frame[0]);
    }
}
