//! The lines of a recording: one JSON object each.
//!
//! Every run starts with a [`Header`]. The entries after it suffice to print the same bytes again: the frames with the
//! number of their connection, the events that arrived outside of frames, and the gaps.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::{EventBody, EventContext, Message, RawFrame, TranscriptEvent};

/// The version of the format that this program writes and reads.
const VERSION: u32 = 1;

/// A line of a recording.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RecordingLine {
    Header(Header),
    Entry(RecordingEntry),
}

/// The first line of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    #[serde(rename = "genesys-tail-recording")]
    version: u32,
    started: DateTime<Utc>,
    /// The conversations of the run, in the order of the command line.
    pub(crate) conversations: Vec<String>,
    /// Conversations of queues or users could join the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) grows: bool,
}

/// Every other line of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordingEntry {
    /// The time of arrival.
    pub(crate) at: DateTime<Utc>,
    pub(crate) conversation: String,
    /// The surroundings of the event, if they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<EventContext>,
    #[serde(flatten)]
    pub(crate) item: RecordedItem,
}

/// The content of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RecordedItem {
    /// The number of the connection and a text frame.
    Text(u32, String),
    /// The number of the connection and a binary frame in base64.
    Binary(u32, String),
    /// The time of a message outside of frames, and the message.
    Message(Option<DateTime<Utc>>, Box<Message<'static>>),
    /// The time of an update outside of frames, and its description.
    Update(Option<DateTime<Utc>>, Option<String>),
    /// The time of the end of the conversation, outside of frames.
    Closed(Option<DateTime<Utc>>),
    /// A stretch without a connection that ended at the time of the entry.
    Gap {
        /// The last activity before it.
        from: DateTime<Utc>,
        /// The reason of the disconnect.
        reason: String,
    },
}

/// The reason why a text is not a line of a recording.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    /// The text may be the beginning of a line.
    #[error("incomplete")]
    Torn,
    #[error("version {0}; this program reads version {VERSION}")]
    Version(u32),
    #[error("damaged, or not a recording (column {column})")]
    Foreign {
        /// The position of the first error, in bytes from 1.
        column: usize,
    },
}

impl Header {
    /// Returns the header of a run that starts now.
    pub(super) fn new(conversations: &[String], grows: bool) -> Self {
        Self { version: VERSION, started: Utc::now(), conversations: conversations.to_vec(), grows }
    }
}

impl RecordedItem {
    pub(super) fn from_frame(connection: u32, frame: RawFrame<'_>) -> Self {
        match frame {
            RawFrame::Text(text) => Self::Text(connection, text.to_owned()),
            RawFrame::Binary(bytes) => Self::Binary(connection, BASE64_STANDARD.encode(bytes)),
        }
    }

    pub(super) fn from_event(event: &TranscriptEvent<'_>) -> Self {
        match &event.body {
            EventBody::Gap(gap) => Self::Gap { from: gap.from, reason: gap.reason.clone() },
            EventBody::Message(message) => Self::Message(event.at, Box::new(message.clone().into_owned())),
            EventBody::Update { description } => Self::Update(event.at, description.as_deref().map(str::to_owned)),
            EventBody::Closed => Self::Closed(event.at),
        }
    }
}

/// Parses a line of a recording. An editor may have put a byte order mark before it.
pub(crate) fn parse(line: &str) -> Result<RecordingLine, LineError> {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let error = match serde_json::from_str(line) {
        Ok(entry) => return Ok(RecordingLine::Entry(entry)),
        Err(error) => error,
    };
    match serde_json::from_str::<Header>(line) {
        Ok(header) if header.version == VERSION => Ok(RecordingLine::Header(header)),
        Ok(header) => Err(LineError::Version(header.version)),
        Err(_) if error.is_eof() => Err(LineError::Torn),
        Err(_) => Err(LineError::Foreign { column: error.column() }),
    }
}

/// Decodes a binary frame. `None` if the base64 is invalid.
pub(crate) fn decode_binary(base64: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(base64).ok()
}
