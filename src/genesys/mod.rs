//! What the remote side speaks.

pub(crate) mod answer;
pub(crate) mod auth;
#[expect(dead_code, reason = "for the notifications source")]
pub(crate) mod channel_data;
mod content;
#[expect(dead_code, reason = "for the notifications source")]
pub(crate) mod conversation;
pub(crate) mod decode;
pub(crate) mod http;
#[expect(dead_code, reason = "for the notifications source")]
pub(crate) mod message_data;
pub(crate) mod nap;
#[expect(dead_code, reason = "for the notifications source")]
pub(crate) mod notice;
pub(crate) mod region;
mod sign;
pub(crate) mod socket;
#[expect(dead_code, reason = "for the notifications source")]
pub(crate) mod speaker;
pub(crate) mod transcription;
mod value;
mod wire;
