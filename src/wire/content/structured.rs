//! The parts of a message that are neither text nor files, one row for each content type of the published API. The
//! service adds types without notice: a type without a row is shown by its name, with every string that looks like a
//! label.

use std::borrow::Cow;

use serde_json::Value;

use super::line::{Bracket, Part};
use super::{prompts, template};
use crate::event::Attachment;
use crate::wire::json::text_at;

/// A content type.
struct ContentType {
    /// The value of `contentType`.
    name: &'static str,
    /// The member of the part that holds the content.
    member: &'static str,
    /// The kind in JSON output, and the label in a line.
    kind: &'static str,
    bracket: Bracket,
    /// Reads the strings of the content.
    read: fn(&Value) -> Part,
}

const QUICK_REPLIES: Bracket = Bracket::Shared("quick replies");

const ANSWERS: Bracket = Bracket::Shared("answers");

#[rustfmt::skip]
const CONTENT_TYPES: [ContentType; 22] = [
    row("QuickReply", "quickReply", "quick reply", QUICK_REPLIES, prompts::quick_reply),
    row("QuickReplyV2", "quickReplyV2", "quick replies", Bracket::Own, prompts::quick_replies),
    row("ButtonResponse", "buttonResponse", "answer", ANSWERS, prompts::answer),
    row("Card", "card", "card", Bracket::Own, prompts::card),
    row("GenericTemplate", "generic", "card", Bracket::Own, prompts::card),
    row("Carousel", "carousel", "carousel", Bracket::Own, prompts::carousel),
    row("ListPicker", "listPicker", "list", Bracket::Own, prompts::list_picker),
    row("DatePicker", "datePicker", "dates", Bracket::Own, prompts::date_picker),
    row("Form", "form", "form", Bracket::Own, prompts::form),
    row("Notification", "template", "notification", Bracket::TextOnly, template::notification),
    row("NotificationResponse", "notificationResponse", "notification answer", Bracket::TextOnly, template::response),
    row("Location", "location", "location", Bracket::Own, prompts::location),
    row("Story", "story", "story", Bracket::Own, prompts::story),
    row("Mention", "mention", "mention", Bracket::Own, prompts::unknown),
    row("Reactions", "reactions", "reactions", Bracket::Own, prompts::reactions),
    row("PaymentRequest", "paymentRequest", "payment request", Bracket::Own, prompts::payment_request),
    row("PaymentResponse", "paymentResponse", "payment answer", Bracket::Own, prompts::payment_response),
    row("Push", "push", "push notification", Bracket::Own, prompts::push),
    row("InteractiveApplication", "interactiveApplication", "app", Bracket::Own, prompts::application),
    row("RoadsideAssistance", "roadsideAssistance", "roadside assistance", Bracket::Own, prompts::roadside_assistance),
    row("RichLink", "richLink", "link", Bracket::Own, prompts::rich_link),
    row("Unknown", "unknown", "unknown content", Bracket::Own, prompts::unknown),
];

const fn row(
    name: &'static str,
    member: &'static str,
    kind: &'static str,
    bracket: Bracket,
    read: fn(&Value) -> Part,
) -> ContentType {
    ContentType { name, member, kind, bracket, read }
}

/// Reads a part with this `contentType`, whose letter case does not matter.
pub(super) fn read(content_type: &str, part: &Value) -> (Attachment<'static>, Part) {
    let known = CONTENT_TYPES.iter().find(|known| known.name.eq_ignore_ascii_case(content_type));
    let member = known.map_or_else(|| member_of(content_type), |known| known.member.to_owned());
    // Some senders leave out the object around the content.
    let content = part.get(member).unwrap_or(part);
    let kind = match known {
        Some(known) if known.kind == "form" && prompts::is_form_response(content) => Cow::Borrowed("form answer"),
        Some(known) => Cow::Borrowed(known.kind),
        None => Cow::Owned(content_type.to_owned()),
    };
    let shown = match known {
        Some(known) => Part { bracket: known.bracket, ..(known.read)(content) },
        None => prompts::unknown(content),
    };
    let shown = Part { label: kind.clone(), ..shown };
    let attachment = Attachment {
        kind,
        name: shown.name().map(Cow::Owned),
        url: text_at(content, "url").map(Cow::Owned),
        content: Some(part.clone()),
        ..Attachment::default()
    };
    (attachment, shown)
}

/// Returns the member that holds an unknown content type: `smokeSignal` for `SmokeSignal`.
fn member_of(content_type: &str) -> String {
    let mut letters = content_type.chars();
    letters.next().map_or_else(String::new, |head| head.to_lowercase().chain(letters).collect())
}
