//! End-to-end tests of the built binary, one file per promise. All share one test program, so that their waits overlap.

#![expect(clippy::unwrap_used, reason = "a failed step of a test panics")]

mod alive;
mod chaos;
mod check;
mod conformance;
mod content;
mod cursor;
mod dead_connections;
mod demo;
mod documentation;
mod error_messages;
mod exit_codes;
mod file_permissions;
mod history;
mod hostile_text;
mod list;
mod list_service;
mod misbehaving_servers;
mod names;
mod no_terminal;
mod notifications;
mod outage_stories;
mod output;
mod proxy;
mod queue;
mod reader;
mod recording;
mod refusals;
mod refusals_after_success;
mod secrets;
mod settings;
mod shell_pipelines;
mod signals;
mod simulate;
mod slow_reader;
mod stated_wait;
mod status;
mod status_line;
mod stored_calls;
mod structure;
mod support;
mod terminal;
mod tls;
mod token_renewal;
mod whole_lines;
