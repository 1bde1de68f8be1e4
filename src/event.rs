//! The events of a conversation, as sources, deduplication and output exchange them.
//!
//! An event borrows from its frame, so a plain message costs no allocation on its way to the output. The strings
//! come from the network and are not escaped.

mod context;
mod details;

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::context::EventContext;
pub(crate) use self::details::DeliveryStatus;
pub use self::details::{KnownStatus, MessageDetails, QuotedMessage};

/// One event of one conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptEvent<'a> {
    /// The id of the conversation.
    pub conversation: &'a str,
    /// The time of the event by the server's clock; `None` without a valid time.
    pub at: Option<DateTime<Utc>>,
    /// The time of arrival by the local clock.
    pub received: DateTime<Utc>,
    /// The content of the event.
    pub body: EventBody<'a>,
    /// The surroundings; `None` if the source tells nothing of them.
    pub context: Option<Arc<EventContext>>,
}

impl TranscriptEvent<'_> {
    /// Returns the time to show: the server's, else the time of arrival.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        self.at.unwrap_or(self.received)
    }
}

/// The content of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum EventBody<'a> {
    /// A message of a participant or of the system.
    Message(Message<'a>),
    /// A change of the conversation.
    Update {
        /// A text such as `Sam joined`; `None` if the server does not tell the kind of change.
        description: Option<Cow<'a, str>>,
    },
    /// The end of the conversation.
    Closed,
    /// A time without a connection, whose messages are not available.
    Gap(Gap),
}

impl EventBody<'_> {
    /// Copies all borrowed strings.
    #[must_use]
    pub fn into_owned(self) -> EventBody<'static> {
        match self {
            Self::Message(message) => EventBody::Message(message.into_owned()),
            Self::Update { description } => EventBody::Update { description: owned(description) },
            Self::Closed => EventBody::Closed,
            Self::Gap(gap) => EventBody::Gap(gap),
        }
    }
}

/// A message with text, attachments, or both; with neither if the server does not disclose its content.
///
/// Recordings hold the serialized form, so the names of fields are part of their format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message<'a> {
    /// The server's id, unique within the conversation.
    pub id: Option<Cow<'a, str>>,
    /// The role of the sender.
    pub role: Role,
    /// The sender.
    pub from: Party<'a>,
    /// The recipient.
    pub to: Party<'a>,
    /// The text, with its line breaks.
    pub text: Option<Cow<'a, str>>,
    /// The attachments and structured content.
    pub attachments: Vec<Attachment<'a>>,
    /// The way in which the message was received.
    pub origin: Origin,
    /// The delivery status; [`Message::status_name`] has unknown ones too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<KnownStatus>,
    /// Everything that a plain message lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<MessageDetails>>,
}

/// The text of a message without content.
const UNAVAILABLE: &str = "[message text not available]";

impl Message<'_> {
    /// Returns whether the message has text or attachments.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.text.is_some() || !self.attachments.is_empty()
    }

    /// Returns the name of the sender, else its id, else the label of its role.
    #[must_use]
    pub fn sender_label(&self) -> &str {
        self.from.name.as_deref().or(self.from.id.as_deref()).unwrap_or(self.role.label())
    }

    /// Copies all borrowed strings.
    #[must_use]
    pub fn into_owned(self) -> Message<'static> {
        Message {
            id: owned(self.id),
            role: self.role,
            from: self.from.into_owned(),
            to: self.to.into_owned(),
            text: owned(self.text),
            attachments: self.attachments.into_iter().map(Attachment::into_owned).collect(),
            origin: self.origin,
            status: self.status,
            details: self.details,
        }
    }

    /// Returns the text and the brackets behind it, as a line shows them. Borrowed without brackets.
    #[must_use]
    pub fn display_text(&self) -> Cow<'_, str> {
        if self.details.is_none() && self.attachments.is_empty() {
            return Cow::Borrowed(self.text.as_deref().unwrap_or(UNAVAILABLE));
        }
        let text = if self.has_content() { self.text.as_deref().unwrap_or_default() } else { UNAVAILABLE };
        match self.brackets() {
            brackets if brackets.is_empty() => Cow::Borrowed(text),
            brackets if text.is_empty() => brackets,
            brackets => Cow::Owned(format!("{text} {brackets}")),
        }
    }
}

/// The sender or recipient of a message. Empty strings of the server are `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Party<'a> {
    /// The id; `external` is the customer.
    pub id: Option<Cow<'a, str>>,
    /// The display name.
    pub name: Option<Cow<'a, str>>,
}

impl Party<'_> {
    fn into_owned(self) -> Party<'static> {
        Party { id: owned(self.id), name: owned(self.name) }
    }
}

/// The role of the sender of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// The customer.
    Customer,
    /// A user of the organisation.
    Agent,
    /// A bot of the organisation.
    Bot,
    /// The system: typing, receipts, joins.
    System,
    /// An unknown role.
    Unknown,
}

impl Role {
    /// Returns the label between brackets in a text line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Customer => "Customer",
            Self::Agent => "Agent",
            Self::Bot => "Bot",
            Self::System => "SYSTEM",
            Self::Unknown => "Unknown",
        }
    }

    /// Returns the value of `role` in JSON output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
            Self::Bot => "bot",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }
}

/// A part of a message other than text: a file, a card, a quick reply, a location.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attachment<'a> {
    /// The kind: of a file its media type, such as `image`, else `attachment`; of other parts `card`, `quick reply`, ….
    pub kind: Cow<'a, str>,
    /// The file name, title or text.
    pub name: Option<Cow<'a, str>>,
    /// The MIME type, such as `image/png`.
    pub mime: Option<Cow<'a, str>>,
    /// The address to download it from.
    pub url: Option<Cow<'a, str>>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// The part as the service sent it. Absent if the other members hold everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
}

impl Attachment<'_> {
    fn into_owned(self) -> Attachment<'static> {
        Attachment {
            kind: Cow::Owned(self.kind.into_owned()),
            name: owned(self.name),
            mime: owned(self.mime),
            url: owned(self.url),
            size: self.size,
            content: self.content,
        }
    }

    /// Returns `[kind: name]`, with the MIME type or URL in place of a missing name, or `[kind]` alone.
    fn description(&self) -> String {
        match self.name.as_deref().or(self.mime.as_deref()).or(self.url.as_deref()) {
            Some(detail) => format!("[{}: {detail}]", self.kind),
            None => format!("[{}]", self.kind),
        }
    }
}

/// The way in which a message was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// As it happened.
    Live,
    /// From the history: at the start, or after an outage.
    History,
}

impl Origin {
    /// Returns the value of `source` in JSON output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::History => "history",
        }
    }
}

/// A time without a connection, whose messages are not available.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// The last activity on the lost connection.
    pub from: DateTime<Utc>,
    /// The time at which the gap was reported.
    pub to: DateTime<Utc>,
    /// The reason for the loss of the connection, as in the status message.
    pub reason: String,
}

impl Gap {
    /// Returns the length in seconds, rounded to the nearest; 0 if the wall clock was set back meanwhile.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        let millis = (self.to - self.from).num_milliseconds().max(0);
        u64::try_from((millis + 500) / 1000).unwrap_or(0)
    }
}

/// The record that an event was delivered: an entry of the cursor file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The id of the conversation.
    pub(crate) conversation: Arc<str>,
    /// The fingerprint of the event.
    pub(crate) key: u64,
    /// The time of the event in milliseconds since 1970. Without a time, age does not identify the event.
    pub(crate) at: Option<i64>,
}

/// A frame as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawFrame<'a> {
    /// A text frame.
    Text(&'a str),
    /// A binary frame.
    Binary(&'a [u8]),
}

impl RawFrame<'_> {
    /// Returns the size in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

fn owned(text: Option<Cow<'_, str>>) -> Option<Cow<'static, str>> {
    text.map(|text| Cow::Owned(text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_display_text_joins_text_and_attachments() {
        let file = Attachment { kind: "attachment".into(), name: Some("invoice.png".into()), ..Attachment::default() };
        let mut message = Message {
            id: None,
            role: Role::Customer,
            from: Party::default(),
            to: Party::default(),
            text: None,
            attachments: vec![file],
            origin: Origin::Live,
            status: None,
            details: None,
        };
        assert_eq!(message.display_text(), "[attachment: invoice.png]");
        message.text = Some("see here".into());
        assert_eq!(message.display_text(), "see here [attachment: invoice.png]");
        assert_eq!(message.sender_label(), "Customer");
        (message.text, message.attachments) = (None, Vec::new());
        assert_eq!((message.display_text().as_ref(), message.has_content()), ("[message text not available]", false));
    }

    #[test]
    fn the_length_of_a_gap_is_rounded_to_seconds_and_never_negative() {
        let from = DateTime::from_timestamp(1_000, 0).expect("in range");
        let gap = |millis| Gap { from, to: from + chrono::TimeDelta::milliseconds(millis), reason: String::new() };
        assert_eq!(gap(41_600).seconds(), 42);
        assert_eq!(gap(400).seconds(), 0);
        assert_eq!(gap(-5_000).seconds(), 0);
    }
}
