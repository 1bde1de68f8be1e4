//! What the remote side speaks.

pub(crate) mod analytics;
pub(crate) mod answer;
pub(crate) mod auth;
mod budget;
pub(crate) mod certificate;
pub(crate) mod channel_data;
pub(crate) mod channels;
mod content;
pub(crate) mod conversation;
pub(crate) mod decode;
mod explain;
pub(crate) mod http;
mod layout;
pub(crate) mod message_data;
pub(crate) mod nap;
pub(crate) mod notice;
mod objects;
pub(crate) mod proxy;
pub(crate) mod quick;
pub(crate) mod region;
pub(crate) mod rest;
#[cfg(test)]
mod samples;
mod sign;
pub(crate) mod socket;
pub(crate) mod speaker;
mod structured;
pub(crate) mod transcription;
pub(crate) mod value;
mod weight;
mod wire;
