//! What the remote side speaks.

pub(crate) mod region;
