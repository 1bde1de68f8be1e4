//! The parts of a message that are neither text nor files: replies to choose from, cards, pickers, forms, and whatever
//! the service thinks of next.

use std::borrow::Cow;

use serde_json::Value;

use crate::event::Attachment;
use crate::wire::json::{first, items, text};

/// The kind of what a button says when it is pressed.
pub(crate) const ANSWER: &str = "answer";

/// Where the members of a part hold what a person would read first.
const TITLES: [&str; 9] = [
    "title",
    "receivedMessage.title",
    "introduction.title",
    "notificationMessage.title",
    "name",
    "text",
    "paymentStatus",
    "status",
    "replyMessage.title",
];

/// And what second.
const DESCRIPTIONS: [&str; 6] = [
    "description",
    "subtitle",
    "receivedMessage.subtitle",
    "introduction.subtitle",
    "notificationMessage.body",
    "failureReason",
];

/// A part of this type, in words. A type that is not known is told by its name.
pub(super) fn read(kind: &str, part: &Value) -> Attachment<'static> {
    let member = part.get(member_of(kind)).unwrap_or(&Value::Null);
    let name = match kind {
        "QuickReply" => first(part, &["quickReply.text", "quickReply.payload"]),
        "ButtonResponse" => first(part, &["buttonResponse.text", "buttonResponse.payload"]),
        "Notification" => first(part, &["template.body.text", "template.header.text", "template.id"]),
        "NotificationResponse" => first(member, &["notificationText", "notificationStatus"]),
        "Story" => first(member, &["text", "url", "type"]),
        "Reactions" => reactions(part),
        "PaymentRequest" => joined([titled(member, "lineItems"), price(member)], ", "),
        "ListPicker" => titled(member, "sections"),
        "DatePicker" => titled(member, "availableTimes"),
        "Form" => titled(member, "response"),
        _ => titled(member, "actions"),
    };
    Attachment { url: text(member, "url").map(Cow::Owned), ..named(in_words(kind), name) }
}

/// The cards of a carousel.
pub(super) fn cards(part: &Value) -> impl Iterator<Item = Attachment<'static>> {
    items(part, "carousel.cards").map(|card| named("card", titled(card, "actions")))
}

/// Something that goes by a name, or by its kind only.
pub(super) fn named(kind: &str, name: Option<String>) -> Attachment<'static> {
    Attachment { kind: Cow::Owned(kind.to_owned()), name: name.map(Cow::Owned), ..Attachment::default() }
}

fn in_words(kind: &str) -> &str {
    match kind {
        "QuickReply" => "quick reply",
        "QuickReplyV2" => "quick replies",
        "ButtonResponse" => ANSWER,
        "Card" => "card",
        "Carousel" => "carousel",
        "Notification" => "notification",
        "NotificationResponse" => "notification answer",
        "ListPicker" => "list",
        "DatePicker" => "dates",
        "Form" => "form",
        "Story" => "story",
        "Mention" => "mention",
        "Reactions" => "reactions",
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

/// `paymentRequest` for `PaymentRequest`.
fn member_of(kind: &str) -> String {
    let mut letters = kind.chars();
    letters.next().map_or_else(String::new, |head| head.to_lowercase().chain(letters).collect())
}

/// The title, the description, and what can be chosen: `Plan – monthly: Yes | No`.
fn titled(member: &Value, choices: &str) -> Option<String> {
    let heading = joined([first(member, &TITLES), first(member, &DESCRIPTIONS)], " – ");
    let choices = joined(items(member, choices).map(choice), " | ");
    joined([heading, choices], ": ")
}

fn choice(choice: &Value) -> Option<String> {
    first(choice, &["text", "title", "label", "value", "dateTime", "component.buttonResponse.text", "component.text"])
}

fn reactions(part: &Value) -> Option<String> {
    joined(items(part, "reactions").map(|reaction| text(reaction, "reactionType")), ", ")
}

fn price(request: &Value) -> Option<String> {
    let total = text(request, "orderTotal")?;
    joined([Some(total), text(request, "currencyCode")], " ")
}

fn joined(words: impl IntoIterator<Item = Option<String>>, separator: &str) -> Option<String> {
    let words: Vec<String> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(separator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(kind: &str, member: &Value) -> String {
        let mut words = String::new();
        let part = json!({"contentType": kind, member_of(kind): member, "template": member});
        read(kind, &part).push_description(&mut words);
        words
    }

    #[test]
    fn every_type_reads_as_something() {
        let action = json!([{"text": "Yes", "type": "Postback"}, {"text": "No"}]);
        for (kind, member, expected) in [
            ("QuickReply", json!({"text": "Billing", "payload": "b"}), "[quick reply: Billing]"),
            ("QuickReplyV2", json!({"title": "Topic?", "actions": action}), "[quick replies: Topic?: Yes | No]"),
            ("QuickReplyV2", json!({"actions": action}), "[quick replies: Yes | No]"),
            ("ButtonResponse", json!({"payload": "yes"}), "[answer: yes]"),
            (
                "Card",
                json!({"title": "Plan", "description": "monthly", "actions": action}),
                "[card: Plan – monthly: Yes | No]",
            ),
            ("Carousel", json!({}), "[carousel]"),
            ("Notification", json!({"id": "t", "body": {"text": "Parcel here"}}), "[notification: Parcel here]"),
            ("NotificationResponse", json!({"notificationStatus": "Accepted"}), "[notification answer: Accepted]"),
            (
                "ListPicker",
                json!({"receivedMessage": {"title": "Size?"}, "sections": [{"title": "Small"}, {"title": "Large"}]}),
                "[list: Size?: Small | Large]",
            ),
            (
                "DatePicker",
                json!({"title": "When?", "subtitle": "in May", "availableTimes": [{"dateTime": "2026-05-04T10:00Z"}]}),
                "[dates: When? – in May: 2026-05-04T10:00Z]",
            ),
            ("Form", json!({"introduction": {"title": "About you"}, "formPages": []}), "[form: About you]"),
            (
                "Story",
                json!({"type": "Reply", "url": "https://s.example.invalid"}),
                "[story: https://s.example.invalid]",
            ),
            ("Mention", json!({"text": "@casey"}), "[mention: @casey]"),
            (
                "Reactions",
                json!([{"reactionType": "Like", "count": 1}, {"reactionType": "Love"}]),
                "[reactions: Like, Love]",
            ),
            (
                "PaymentRequest",
                json!({"receivedMessage": {"title": "Order 7"}, "orderTotal": 12.5, "currencyCode": "EUR"}),
                "[payment request: Order 7, 12.5 EUR]",
            ),
            (
                "PaymentResponse",
                json!({"paymentStatus": "Failed", "failureReason": "no funds"}),
                "[payment answer: Failed – no funds]",
            ),
            (
                "Push",
                json!({"notificationMessage": {"title": "News", "body": "One message"}, "deviceToken": "x"}),
                "[push notification: News – One message]",
            ),
            ("InteractiveApplication", json!({"name": "Seats", "url": "data:x"}), "[app: Seats]"),
            ("RoadsideAssistance", json!(null), "[roadside assistance]"),
            ("RichLink", json!({"url": "https://l.example.invalid"}), "[link: https://l.example.invalid]"),
            ("Unknown", json!(7), "[unknown content]"),
            ("Hologram", json!({"title": "Ship"}), "[Hologram: Ship]"),
            ("Éclair", json!([]), "[Éclair]"),
        ] {
            assert_eq!(shown(kind, &member), expected, "{kind} {member}");
        }
    }
}
