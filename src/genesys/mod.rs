//! What the remote side speaks.

pub(crate) mod answer;
pub(crate) mod auth;
#[cfg_attr(not(test), expect(dead_code, reason = "for the notifications source"))]
pub(crate) mod channel_data;
mod content;
#[cfg_attr(not(test), expect(dead_code, reason = "for the notifications source"))]
pub(crate) mod conversation;
pub(crate) mod decode;
pub(crate) mod http;
#[cfg_attr(not(test), expect(dead_code, reason = "for the notifications source"))]
pub(crate) mod message_data;
pub(crate) mod nap;
#[cfg_attr(not(test), expect(dead_code, reason = "for the notifications source"))]
pub(crate) mod notice;
mod objects;
pub(crate) mod region;
#[cfg(test)]
mod samples;
mod sign;
pub(crate) mod socket;
#[cfg_attr(not(test), expect(dead_code, reason = "for the notifications source"))]
pub(crate) mod speaker;
mod structured;
pub(crate) mod transcription;
mod value;
mod wire;
