//! The built binary, from outside: one file a promise, in one program so that what waits can wait together.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod alive;
mod chaos;
mod check;
mod conformance;
mod cursor;
mod demo;
mod exit_codes;
mod file_permissions;
mod history;
mod hostile_text;
mod misbehaving_servers;
mod no_terminal;
mod notifications;
mod output;
mod proxy;
mod reader;
mod readme;
mod recording;
mod refusals;
mod secrets;
mod settings;
mod shell_pipelines;
mod signals;
mod simulate;
mod slow_reader;
mod status;
mod status_line;
mod support;
mod terminal;
mod tls;
