//! The data that Genesys Cloud sends, from bytes to plain data. Pure: no I/O, no clock.

mod annotations;
pub(crate) mod call_transcript;
pub(crate) mod channel;
mod content;
pub(crate) mod conversation;
pub(crate) mod conversation_row;
mod event_body;
pub(crate) mod event_stream;
#[cfg(test)]
mod fixtures;
pub(crate) mod json;
mod lenient;
pub(crate) mod message;
mod message_event;
pub(crate) mod notification;
pub(crate) mod open_conversations;
mod timestamp;
mod topic;
pub(crate) mod transcript;
pub(crate) mod transcription;
