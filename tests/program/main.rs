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
mod events;
mod exit_codes;
// Windows has no file modes, named pipes in folders or links for everyone.
#[cfg(unix)]
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
mod output_dir;
mod packages;
mod proxy;
mod queue;
mod reader;
mod recording;
mod redaction;
mod refusals;
mod refusals_after_success;
mod secrets;
// Only Linux has systemd.
#[cfg(target_os = "linux")]
mod service_manager;
mod settings;
// The pipelines and completions are those of Unix shells.
#[cfg(unix)]
mod shell_pipelines;
// Windows has no signals.
#[cfg(unix)]
mod signals;
mod simulate;
mod simulate_events;
mod slow_reader;
mod stated_wait;
mod status;
// Windows has no pseudo-terminals without unsafe code.
#[cfg(unix)]
mod status_line;
mod stored_calls;
mod structure;
mod support;
mod terminal;
mod tls;
mod token_renewal;
// A Unix shell prepares the file and its size limit.
#[cfg(unix)]
mod whole_lines;
