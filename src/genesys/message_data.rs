//! The body of a message as REST gives it, read into words.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::content::{self, Content};
use super::sign;
use super::value::{at, first, items, parse, says, text, time};
use crate::event::{Attachment, Party};

/// A message and who it is from, as far as its body knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    /// Its id.
    pub(crate) id: String,
    /// The conversation it belongs to.
    pub(crate) conversation: Option<String>,
    /// When it was sent.
    pub(crate) at: Option<DateTime<Utc>>,
    /// What was said.
    pub(crate) text: Option<String>,
    /// What came with the text, or in place of it.
    pub(crate) attachments: Vec<Attachment<'static>>,
    /// Which way it went.
    pub(crate) direction: Option<Direction>,
    /// Whether a program said it.
    pub(crate) is_bot: bool,
    /// What happened, in words that read behind a name, where nothing was said.
    pub(crate) sign: Option<String>,
    /// The user of the organisation who wrote it.
    pub(crate) author: Option<Party<'static>>,
    /// The address it came from, with the name it goes by.
    pub(crate) sender: Party<'static>,
    /// The address it went to, with the name it goes by.
    pub(crate) addressee: Party<'static>,
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
pub(crate) fn parse_bulk(json: &str) -> Option<Vec<Said>> {
    let listing = parse(json).ok()?;
    match listing.get("entities")? {
        Value::Array(entities) => Some(entities.iter().filter_map(Said::of).collect()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

/// Reads a single body; `None` when this is no JSON, or has no id.
pub(crate) fn parse_one(json: &str) -> Option<Said> {
    Said::of(&parse(json).ok()?)
}

impl Said {
    fn of(data: &Value) -> Option<Self> {
        let id = text(data, "id")?;
        let normal = at(data, "normalizedMessage").unwrap_or(&Value::Null);
        let direction = direction(data).or_else(|| direction(normal));
        let status = first(normal, &["status"]).or_else(|| text(data, "status"));
        let content = content(data, normal);
        Some(Self {
            id,
            conversation: text(data, "conversationId"),
            at: time(data, "timestamp").or_else(|| time(normal, "channel.time")),
            text: content.text,
            attachments: content.attachments,
            direction,
            is_bot: says(normal, "originatingEntity", "Bot"),
            sign: sign::words(normal, status.as_deref(), direction != Some(Direction::Outbound)),
            author: author(data),
            sender: party(normal, "channel.from", text(data, "fromAddress")),
            addressee: party(normal, "channel.to", text(data, "toAddress")),
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
    let mut content = Content { text: text(normal, "text"), attachments: Vec::new() };
    let mut carried = Content::default();
    items(normal, "content").for_each(|part| content::part(part, &mut carried));
    if carried.attachments.is_empty() {
        items(data, "media").for_each(|item| content::attachment(item, &mut carried));
        items(data, "stickers").for_each(|item| content::sticker(item, &mut carried));
    }
    content.text = content.text.or(carried.text).or_else(|| text(data, "textBody"));
    content.attachments = carried.attachments;
    content
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
