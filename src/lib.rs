//! `tail -f` for Genesys Cloud conversations.

pub mod event;
pub mod output;
