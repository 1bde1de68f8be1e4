//! `tail -f` for Genesys Cloud conversations.
#![allow(dead_code)]

mod backoff;
pub mod cli;
pub mod config;
mod delivery;
pub mod event;
mod exit;
mod follow;
mod genesys;
mod ledger;
pub mod logging;
pub mod output;
mod recording;
pub mod redact;
mod run;
mod signals;
pub mod simulator;
mod source;
