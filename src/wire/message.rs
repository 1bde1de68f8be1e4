//! Message bodies from the bulk messages call.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::annotations::Annotations;
use super::content::{Content, ShownContent};
use super::conversation::ListedOutcome;
use super::json::{items_at, name_at, parse, str_at, text_at, time_at, value_at};
use super::lenient::LenientObject;
use super::message_event::MessageMetadata;
use crate::event::{Attachment, DeliveryStatus, MessageDetails, Party};

/// A message, without the participant that sent it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct MessageBody {
    pub(crate) id: String,
    /// The id of its conversation.
    pub(crate) conversation: Option<String>,
    pub(crate) sent_at: Option<DateTime<Utc>>,
    pub(crate) text: Option<String>,
    pub(crate) attachments: Vec<Attachment<'static>>,
    pub(crate) status: Option<DeliveryStatus>,
    /// The reason why it was not delivered.
    pub(crate) failure: Option<String>,
    pub(crate) details: Option<Box<MessageDetails>>,
    pub(crate) direction: Option<Direction>,
    /// `true` if a bot wrote it.
    pub(crate) is_bot: bool,
    /// `true` if a person wrote it.
    pub(crate) is_human: bool,
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

/// The text of a body whose content the service does not pass on.
const UNSUPPORTED: &str = "[unsupported message]";

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
        let status = str_at(entity, "status").unwrap_or_default();
        let metadata = LenientObject::<MessageMetadata<'_>>::deserialize(normalized).unwrap_or_default().0;
        let event_text = metadata.event_text(status, direction != Some(Direction::Outbound));
        let content = content_of(entity, normalized, event_text.is_some());
        let origin = str_at(normalized, "originatingEntity").unwrap_or_default();
        let mut annotations = Annotations::read(entity, normalized);
        Some(Self {
            id,
            conversation: text_at(entity, "conversationId"),
            sent_at: time_at(entity, "timestamp").or_else(|| time_at(normalized, "channel.time")),
            text: content.text.map(Cow::into_owned),
            details: annotations.details_with(content.brackets),
            attachments: content.attachments,
            status: annotations.status,
            failure: annotations.failure,
            direction,
            is_bot: origin.eq_ignore_ascii_case("Bot"),
            is_human: origin.eq_ignore_ascii_case("Human"),
            event_text,
            author: author(entity),
            sender: party(normalized, "channel.from", text_at(entity, "fromAddress")),
            recipient: party(normalized, "channel.to", text_at(entity, "toAddress")),
        })
    }

    /// Adds what a list tells of the delivery. A message that was removed or has failed in either place stays so.
    pub(crate) fn with_listed(self, outcome: ListedOutcome) -> Self {
        let is_final = |status: &DeliveryStatus| status.is_removed() || (status.is_failed() && !self.has_arrived());
        let (listed, own) = (outcome.status, self.status.clone());
        let status = if listed.as_ref().is_some_and(is_final) { listed } else { own.or(listed) };
        Self { status, failure: self.failure.or(outcome.failure), ..self }
    }

    fn has_arrived(&self) -> bool {
        self.status.as_ref().is_some_and(DeliveryStatus::has_arrived)
    }

    /// Returns whether the service has sent the content, or that there is none. It lists a body before that.
    pub(crate) fn is_complete(&self) -> bool {
        let is_removed = self.status.as_ref().is_some_and(DeliveryStatus::is_removed);
        self.text.is_some() || !self.attachments.is_empty() || self.event_text.is_some() || is_removed
    }
}

fn direction(value: &Value) -> Option<Direction> {
    match str_at(value, "direction")? {
        name if name.eq_ignore_ascii_case("inbound") => Some(Direction::Inbound),
        name if name.eq_ignore_ascii_case("outbound") => Some(Direction::Outbound),
        _ => None,
    }
}

/// Reads the normalized message and adds what it lacks from the legacy members. Without any, a normalized message is of a
/// type that the service does not pass on (EVT-8).
fn content_of(entity: &Value, normalized: &Value, is_event: bool) -> ShownContent<'static> {
    let mut content = Content::default();
    items_at(normalized, "content").for_each(|part| content.read_part(part));
    if !content.has_files() {
        items_at(entity, "media").for_each(|item| content.read_attachment(item));
        items_at(entity, "stickers").for_each(|item| content.read_sticker(item));
    }
    let legacy_text = || text_at(entity, "textBody").filter(|_| !content.has_text());
    let text = text_at(normalized, "text").or_else(legacy_text);
    let mut content = content.behind(text.map(Cow::Owned));
    let is_unsupported = normalized.is_object() && !is_event && content.is_empty();
    content.text = content.text.or(is_unsupported.then_some(Cow::Borrowed(UNSUPPORTED)));
    content
}

fn author(entity: &Value) -> Option<Party<'static>> {
    let author = Party { id: owned(text_at(entity, "createdBy.id")), name: owned(name_at(entity, "createdBy.name")) };
    (author != Party::default()).then_some(author)
}

fn party(normalized: &Value, path: &str, address: Option<String>) -> Party<'static> {
    let party = value_at(normalized, path).unwrap_or(&Value::Null);
    let name = name_at(party, "nickname").or_else(|| full_name(party));
    Party { id: owned(text_at(party, "id").or(address)), name: owned(name) }
}

fn full_name(party: &Value) -> Option<String> {
    let names: Vec<String> = ["firstName", "lastName"].iter().filter_map(|name| name_at(party, name)).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

fn owned(text: Option<String>) -> Option<Cow<'static, str>> {
    text.map(Cow::Owned)
}
