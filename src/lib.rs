//! `tail -f` for Genesys Cloud conversations.

pub mod cli;
pub mod config;
pub mod event;
pub(crate) mod genesys;
pub mod logging;
pub mod redact;
