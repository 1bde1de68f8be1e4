//! The values that a source yields.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::event::{RawFrame, TranscriptEvent};
use crate::tracker::{BackfillReason, TimedEvent};

/// The next thing that a source has.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "an item comes for every frame, and a box would allocate for each")]
pub(crate) enum SourceEvent<'a> {
    /// A frame, or events that did not come in a frame.
    Item(Item<'a>),
    /// The server has accepted the live connection: it has sent something, or left the connection open.
    Accepted,
    /// A new connection has taken the place of the live one, which retires.
    Renewed,
    /// Nothing more is expected: everything has ended.
    Finished,
}

/// A frame, or events that did not come in a frame.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    /// The conversation; empty for a frame that belongs to none.
    pub(crate) conversation: &'a str,
    /// The time of arrival.
    pub(crate) received: DateTime<Utc>,
    /// The frame as received; `None` for events that did not come in a frame.
    pub(crate) raw: Option<RawFrame<'a>>,
    /// The content.
    pub(crate) kind: ItemKind<'a>,
    /// The connection it came over.
    pub(crate) connection: ConnectionRole,
}

/// The content of an item.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "an event comes with every frame, and a box would allocate for each")]
pub(crate) enum ItemKind<'a> {
    /// An event of the transcript.
    Event(TranscriptEvent<'a>),
    /// Events that were read by REST, in order.
    Backfill(Vec<TimedEvent>, BackfillReason),
    /// A heartbeat, or the answer to a ping.
    Keepalive,
    /// A notification that the tracker has handled. Its events, if any, follow as items of their own.
    Notification,
    /// A frame with this unknown event name.
    Ignored(Cow<'a, str>),
    /// A frame that cannot be read, and the reason.
    Malformed(Cow<'static, str>),
    /// A line of an event stream, or a part of it, that cannot be read, and the reason.
    MalformedLine(Cow<'static, str>),
}

/// The role of a connection during make-before-break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionRole {
    /// The current connection.
    Live,
    /// The previous connection, which is read to its end.
    Retiring,
}
