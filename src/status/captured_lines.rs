//! Captures the log lines of a test.

use std::cell::RefCell;
use std::sync::Once;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;

use super::log_line::LineStyle;
use super::logging::{Log, layer};
use crate::config::LogFormat;

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Runs `run` and returns its result and the lines that it logs on this thread, down to debug level and without the name of
/// the program.
pub(crate) fn captured_lines<T>(run: impl FnOnce() -> T) -> (T, Vec<String>) {
    install();
    LINES.set(Some(Vec::new()));
    let result = run();
    (result, LINES.take().unwrap_or_default())
}

/// Installs a subscriber for all threads: `tracing` caches whether a call site has one, so that a subscriber of one thread
/// misses the events of a call site that another thread has reached before.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let log = Log::new(LogFormat::Text, LineStyle::default());
        let layer = layer(log, Targets::new().with_default(Level::DEBUG), push);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).expect("the only one");
    });
}

fn push(line: &str) {
    let line = line.trim_end().trim_start_matches("genesys-tail: ").to_owned();
    LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.push(line)));
}
