//! What happened in a conversation: the one currency between a source, the ledger and the output.
//!
//! Events borrow from the frame they were read from, so a plain message costs no allocation on its way to the
//! reader. Nothing here is escaped yet: every string is as hostile as the network it came from.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One event of one conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptEvent<'a> {
    /// The id of the conversation it belongs to.
    pub conversation: &'a str,
    /// When it happened, by the clock of the service; `None` when the service gave no usable time.
    pub at: Option<DateTime<Utc>>,
    /// When it arrived here.
    pub received: DateTime<Utc>,
    /// What happened.
    pub body: EventBody<'a>,
}

impl TranscriptEvent<'_> {
    /// The time to show: the service's, else the time of arrival.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        self.at.unwrap_or(self.received)
    }
}

/// The four kinds of event that reach a reader.
#[derive(Debug, Clone, PartialEq)]
pub enum EventBody<'a> {
    /// Somebody, or the system, said something.
    Message(Message<'a>),
    /// Something about the conversation changed.
    Update {
        /// What, in words such as `Sam joined`; `None` where the service does not say.
        description: Option<Cow<'a, str>>,
    },
    /// The conversation is over.
    Closed,
    /// There was no connection for a while, and what was said in it cannot be had any more.
    Gap(Gap),
}

impl EventBody<'_> {
    /// The same, borrowing nothing.
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

/// One message. A message carries text, attachments, or both; neither only where the service has not given its text away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message<'a> {
    /// The id the service gave it, unique within its conversation.
    pub id: Option<Cow<'a, str>>,
    /// Who speaks, as far as labels go.
    pub role: Role,
    /// The sender.
    pub from: Party<'a>,
    /// The addressee.
    pub to: Party<'a>,
    /// What was said.
    pub text: Option<Cow<'a, str>>,
    /// What came with the text, or in place of it.
    pub attachments: Vec<Attachment<'a>>,
    /// How it was learned of.
    pub origin: Origin,
}

/// What stands for words that were said and cannot be had.
const UNAVAILABLE: &str = "[message text not available]";

impl Message<'_> {
    /// Whether what was said is known.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.text.is_some() || !self.attachments.is_empty()
    }

    /// The sender as shown to a person: the name, else the id, else the label of the role.
    #[must_use]
    pub fn sender_label(&self) -> &str {
        self.from.name.as_deref().or(self.from.id.as_deref()).unwrap_or(self.role.label())
    }

    /// The same, borrowing nothing.
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
        }
    }

    /// The words as shown to a person: the text, then each attachment as `[kind: name]`, separated by spaces.
    ///
    /// Borrowed when there is nothing but text.
    #[must_use]
    pub fn display_text(&self) -> Cow<'_, str> {
        if self.attachments.is_empty() {
            return Cow::Borrowed(self.text.as_deref().unwrap_or(UNAVAILABLE));
        }
        let text = self.text.as_deref().unwrap_or_default();
        let mut words = text.to_owned();
        for attachment in &self.attachments {
            if !words.is_empty() {
                words.push(' ');
            }
            attachment.push_description(&mut words);
        }
        Cow::Owned(words)
    }
}

/// One side of a message. An empty string on the wire counts as missing and is `None` here.
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

/// The side a message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// The person outside.
    Customer,
    /// Somebody of the organisation.
    Agent,
    /// A program that speaks for the organisation.
    Bot,
    /// No words of anybody: typing, receipts, joins.
    System,
    /// The wire does not say.
    Unknown,
}

impl Role {
    /// The label between brackets in a transcript line.
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

    /// The value of `role` in json output, and of `--only`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
            Self::Bot => "bot",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }
}

/// Something other than text: a file, a card, a quick reply, a location.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attachment<'a> {
    /// What it is in a word or two, such as `attachment`, `card` or `quick reply`.
    pub kind: Cow<'a, str>,
    /// The file name, title or words.
    pub name: Option<Cow<'a, str>>,
    /// The media type, such as `image/png`.
    pub mime: Option<Cow<'a, str>>,
    /// Where it can be fetched.
    pub url: Option<Cow<'a, str>>,
    /// Its size in bytes.
    pub size: Option<u64>,
}

impl Attachment<'_> {
    fn into_owned(self) -> Attachment<'static> {
        Attachment {
            kind: Cow::Owned(self.kind.into_owned()),
            name: owned(self.name),
            mime: owned(self.mime),
            url: owned(self.url),
            size: self.size,
        }
    }

    /// Appends `[kind: name]`, with the media type or address where there is no name, and `[kind]` with neither.
    pub fn push_description(&self, into: &mut String) {
        into.push('[');
        into.push_str(&self.kind);
        if let Some(detail) = self.name.as_deref().or(self.mime.as_deref()).or(self.url.as_deref()) {
            into.push_str(": ");
            into.push_str(detail);
        }
        into.push(']');
    }
}

/// How a message was learned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// It came over the socket as it happened.
    Live,
    /// It was read afterwards: at the start, or after a time without a connection.
    History,
}

impl Origin {
    /// The value of `source` in json output.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::History => "history",
        }
    }
}

/// A stretch of time without a connection, whose messages cannot be had any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// The last sign of life of the connection that was lost.
    pub from: DateTime<Utc>,
    /// When the next connection stood.
    pub to: DateTime<Utc>,
    /// Why the connection was lost, in the words of the status line.
    pub reason: String,
}

impl Gap {
    /// The length in whole seconds, rounded to the nearest; zero when the wall clock was set back meanwhile.
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

/// A frame exactly as it came over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawFrame<'a> {
    /// A text frame.
    Text(&'a str),
    /// A binary frame.
    Binary(&'a [u8]),
}

impl RawFrame<'_> {
    /// Its size in bytes.
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
    fn words_join_text_and_attachments() {
        let file = Attachment { kind: "attachment".into(), name: Some("invoice.png".into()), ..Attachment::default() };
        let mut message = Message {
            id: None,
            role: Role::Customer,
            from: Party::default(),
            to: Party::default(),
            text: None,
            attachments: vec![file],
            origin: Origin::Live,
        };
        assert_eq!(message.display_text(), "[attachment: invoice.png]");
        message.text = Some("see here".into());
        assert_eq!(message.display_text(), "see here [attachment: invoice.png]");
        assert_eq!(message.sender_label(), "Customer");
        (message.text, message.attachments) = (None, Vec::new());
        assert_eq!((message.display_text().as_ref(), message.has_content()), ("[message text not available]", false));
    }

    #[test]
    fn a_gap_is_counted_in_whole_seconds_and_never_negative() {
        let from = DateTime::from_timestamp(1_000, 0).expect("in range");
        let gap = |millis| Gap { from, to: from + chrono::TimeDelta::milliseconds(millis), reason: String::new() };
        assert_eq!(gap(41_600).seconds(), 42);
        assert_eq!(gap(400).seconds(), 0);
        assert_eq!(gap(-5_000).seconds(), 0);
    }
}
