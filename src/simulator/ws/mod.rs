//! The WebSocket half: open sockets of both kinds, and the TCP stream below them.

mod connection;
mod connection_faults;
pub(super) mod faulty_stream;
mod notification_faults;
pub(super) mod notifications;
mod raw_frames;
pub(super) mod transcript;
mod transcript_faults;
