//! The built binary, from outside: one file a promise, in one program so that what waits can wait together.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod alive;
mod chaos;
mod check;
mod conformance;
mod cursor;
mod demo;
mod ecosystem;
mod exit_codes;
mod foot;
mod history;
mod hostile;
mod notifications;
mod output;
mod peers;
mod places;
mod proxy;
mod reader;
mod readme;
mod recording;
mod refusals;
mod secrets;
mod settings;
mod signals;
mod simulate;
mod slow;
mod status;
mod support;
mod terminal;
mod tls;
mod unattended;
