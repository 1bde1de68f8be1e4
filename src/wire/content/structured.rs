//! The parts of a message that are neither text nor files: quick replies, cards, pickers, forms, and content types that
//! this program does not know.

use std::borrow::Cow;

use serde_json::Value;

use crate::event::Attachment;
use crate::wire::json::{first_text_at, items_at, text_at};

/// The kind of attachment that a pressed button becomes.
pub(in crate::wire) const BUTTON_RESPONSE: &str = "answer";

/// The members of a part that hold its title, in order of preference.
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

/// The members of a part that hold its description, in order of preference.
const DESCRIPTIONS: [&str; 6] = [
    "description",
    "subtitle",
    "receivedMessage.subtitle",
    "introduction.subtitle",
    "notificationMessage.body",
    "failureReason",
];

/// Reads a part with this `contentType`.
pub(super) fn read(content_type: &str, part: &Value) -> Attachment<'static> {
    let member = part.get(member_of(content_type)).unwrap_or(&Value::Null);
    let name = match content_type {
        "QuickReply" => first_text_at(part, &["quickReply.text", "quickReply.payload"]),
        "ButtonResponse" => first_text_at(part, &["buttonResponse.text", "buttonResponse.payload"]),
        "Notification" => first_text_at(part, &["template.body.text", "template.header.text", "template.id"]),
        "NotificationResponse" => first_text_at(member, &["notificationText", "notificationStatus"]),
        "Story" => first_text_at(member, &["text", "url", "type"]),
        "Reactions" => reactions(part),
        "PaymentRequest" => join([heading_and_choices(member, "lineItems"), price(member)], ", "),
        "ListPicker" => heading_and_choices(member, "sections"),
        "DatePicker" => heading_and_choices(member, "availableTimes"),
        "Form" => heading_and_choices(member, "response"),
        _ => heading_and_choices(member, "actions"),
    };
    Attachment { url: text_at(member, "url").map(Cow::Owned), ..named(kind_of(content_type), name) }
}

/// Returns the cards of a carousel.
pub(super) fn cards(part: &Value) -> impl Iterator<Item = Attachment<'static>> {
    items_at(part, "carousel.cards").map(|card| named("card", heading_and_choices(card, "actions")))
}

/// Returns an attachment without media type, URL and size.
pub(super) fn named(kind: &str, name: Option<String>) -> Attachment<'static> {
    Attachment { kind: Cow::Owned(kind.to_owned()), name: name.map(Cow::Owned), ..Attachment::default() }
}

/// Returns the kind to show for a content type: the type itself if unknown.
fn kind_of(content_type: &str) -> &str {
    match content_type {
        "QuickReply" => "quick reply",
        "QuickReplyV2" => "quick replies",
        "ButtonResponse" => BUTTON_RESPONSE,
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

/// Returns the member that holds a content type: `paymentRequest` for `PaymentRequest`.
fn member_of(content_type: &str) -> String {
    let mut letters = content_type.chars();
    letters.next().map_or_else(String::new, |head| head.to_lowercase().chain(letters).collect())
}

/// Returns the title, the description and the choices: `Plan – monthly: Yes | No`.
fn heading_and_choices(member: &Value, choices: &str) -> Option<String> {
    let heading = join([first_text_at(member, &TITLES), first_text_at(member, &DESCRIPTIONS)], " – ");
    let choices = join(items_at(member, choices).map(choice), " | ");
    join([heading, choices], ": ")
}

fn choice(choice: &Value) -> Option<String> {
    const LABELS: [&str; 7] =
        ["text", "title", "label", "value", "dateTime", "component.buttonResponse.text", "component.text"];
    first_text_at(choice, &LABELS)
}

fn reactions(part: &Value) -> Option<String> {
    join(items_at(part, "reactions").map(|reaction| text_at(reaction, "reactionType")), ", ")
}

fn price(request: &Value) -> Option<String> {
    let total = text_at(request, "orderTotal")?;
    join([Some(total), text_at(request, "currencyCode")], " ")
}

fn join(texts: impl IntoIterator<Item = Option<String>>, separator: &str) -> Option<String> {
    let texts: Vec<String> = texts.into_iter().flatten().collect();
    (!texts.is_empty()).then(|| texts.join(separator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(content_type: &str, member: &Value) -> String {
        let mut shown = String::new();
        let part = json!({"contentType": content_type, member_of(content_type): member, "template": member});
        read(content_type, &part).push_description(&mut shown);
        shown
    }

    #[test]
    fn every_content_type_is_shown() {
        let action = json!([{"text": "Yes", "type": "Postback"}, {"text": "No"}]);
        for (content_type, member, expected) in [
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
            assert_eq!(shown(content_type, &member), expected, "{content_type} {member}");
        }
    }
}
