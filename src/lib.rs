//! `tail -f` for Genesys Cloud conversations.
#![allow(dead_code)]

mod backoff;
pub mod event;
mod genesys;
mod ledger;
