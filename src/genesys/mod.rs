//! What the remote side speaks.

mod content;
pub(crate) mod decode;
mod wire;
