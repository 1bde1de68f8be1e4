//! `tail -f` for Genesys Cloud conversations.
#![allow(dead_code)]

mod backoff;
pub mod config;
mod delivery;
pub mod event;
mod follow;
mod genesys;
mod ledger;
mod output;
mod recording;
pub mod redact;
mod source;
