//! The WebSocket half: open sockets of both kinds, and the stream below them.

mod connection;
pub(super) mod faulty_stream;
mod notification_faults;
pub(super) mod notifications;
mod raw_frames;
pub(super) mod transcript;
mod transcript_faults;
