//! The data that Genesys Cloud sends: bytes in, plain data out. Nothing here opens, waits or prints.

pub(crate) mod channel;
pub(crate) mod content;
pub(crate) mod conversation;
#[cfg(test)]
mod fixtures;
pub(crate) mod json;
mod lenient;
pub(crate) mod message;
mod message_event;
pub(crate) mod notification;
mod objects;
pub(crate) mod transcript;
pub(crate) mod transcription;
mod weight;
