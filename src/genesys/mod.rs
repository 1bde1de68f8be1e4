//! What the remote side speaks.

pub(crate) mod answer;
pub(crate) mod auth;
mod content;
pub(crate) mod decode;
pub(crate) mod http;
pub(crate) mod nap;
pub(crate) mod region;
pub(crate) mod socket;
mod wire;
