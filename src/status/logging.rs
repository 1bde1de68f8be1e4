//! Log lines on stderr, written through `tracing`.
//!
//! An event of `tracing` is a line: its message, and fields that appear in JSON only. Every line is redacted and escaped as a
//! whole, so it is always one line. The final error of a run bypasses `tracing` and its filter: see [`Log::report`].
//!
//! Only events of this crate are logged. Those of the HTTP library may contain headers.

use std::fmt;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, FixedOffset, Local};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::log_line::{LineStyle, LogLine};
use super::redact::Secrets;
use super::stderr::Stderr;
use crate::config::LogFormat;
use crate::output::Prefixes;
use crate::output::escape::escape;
use crate::system::service_manager::ServiceManager;

/// The field with the id of the conversation that an event concerns.
const CONVERSATION: &str = "conversation";

const CRATE: &str = env!("CARGO_CRATE_NAME");

/// The settings and the destination of log lines.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) style: LineStyle,
    /// The secrets that are redacted in every line.
    pub(crate) secrets: Secrets,
    pub(crate) stderr: Stderr,
    /// The service manager that is told about the state.
    pub(crate) service: ServiceManager,
    /// The prefixes of the followed conversations. Clones share them.
    prefixes: Arc<OnceLock<Prefixes>>,
}

/// The next step and the subject of the final error of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ErrorDetails<'a> {
    pub(crate) hint: Option<&'a str>,
    /// The id of the conversation that the error concerns.
    pub(crate) conversation: Option<&'a str>,
}

impl Log {
    /// Creates a log without secrets.
    pub(crate) fn new(format: LogFormat, style: LineStyle) -> Self {
        Self {
            format,
            style,
            secrets: Secrets::default(),
            stderr: Stderr::default(),
            service: ServiceManager::default(),
            prefixes: Arc::default(),
        }
    }

    /// Sets the prefixes of lines about one of several conversations.
    pub(crate) fn set_prefixes(&self, prefixes: Prefixes) {
        // A second run in this process keeps those of the first.
        let _ = self.prefixes.set(prefixes);
    }

    /// Writes the events of this crate that pass `filter` to stderr, until the process ends.
    ///
    /// Does nothing if the process has a subscriber already, as in a test.
    pub(crate) fn init(self, filter: Targets) {
        let stderr = self.stderr.clone();
        let layer = layer(self, filter, move |line: &str| stderr.write_line(line));
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    }

    /// Writes the final error of a run: the failure, and the next step on a second line (ERR-9).
    ///
    /// Works before [`Log::init`] and passes no filter.
    pub(crate) fn report(&self, message: &str, details: ErrorDetails<'_>) {
        self.stderr.write_line(&self.error_lines(now(), message, details));
    }

    /// The line of the next step continues that of the failure: it is indented and has no time.
    fn error_lines(&self, at: DateTime<FixedOffset>, message: &str, details: ErrorDetails<'_>) -> String {
        let ErrorDetails { hint, conversation } = details;
        let members = [(CONVERSATION, conversation), ("hint", hint)];
        let members = members.into_iter().filter_map(|(name, value)| Some((name, value?.into()))).collect();
        let line = LogLine { level: Level::ERROR, prefix: None, message: message.to_owned(), members };
        let next_step = match (self.format, hint) {
            (LogFormat::Text, Some(hint)) => format!("  tip: {}\n", escape(&self.secrets.redact(hint))),
            (LogFormat::Json, _) | (_, None) => String::new(),
        };
        self.render(&line, at) + &next_step
    }

    fn render(&self, line: &LogLine, at: DateTime<FixedOffset>) -> String {
        match self.format {
            LogFormat::Text => line.to_text(at, self.style, &self.secrets),
            LogFormat::Json => line.to_json(at.to_utc(), &self.secrets),
        }
    }
}

fn now() -> DateTime<FixedOffset> {
    Local::now().fixed_offset()
}

/// Returns a layer that passes each line with its line break to `write_line`.
pub(super) fn layer<S, F>(log: Log, filter: Targets, write_line: F) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: Fn(&str) + 'static,
{
    let is_logged = filter_fn(move |metadata| {
        is_own_target(metadata.target()) && filter.would_enable(metadata.target(), metadata.level())
    });
    LineLayer { log, write_line }.with_filter(is_logged)
}

fn is_own_target(target: &str) -> bool {
    target.strip_prefix(CRATE).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

struct LineLayer<F> {
    log: Log,
    write_line: F,
}

impl<S: Subscriber, F: Fn(&str) + 'static> Layer<S> for LineLayer<F> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = EventFields::default();
        event.record(&mut fields);
        let EventFields { message, members } = fields;
        let conversation = members.iter().find(|(name, _)| *name == CONVERSATION).and_then(|(_, id)| id.as_str());
        // A fact with the whole id needs no prefix.
        let is_fact = *event.metadata().level() >= Level::INFO;
        let conversation = conversation.filter(|id| !(is_fact && message.contains(*id)));
        let prefix = conversation.and_then(|id| self.log.prefixes.get()?.of(id)).map(str::to_owned);
        let line = LogLine { level: *event.metadata().level(), prefix, message, members };
        (self.write_line)(&self.log.render(&line, now()));
    }
}

#[derive(Default)]
struct EventFields {
    message: String,
    members: Vec<(&'static str, Value)>,
}

impl EventFields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.members.push((field.name(), value.into()));
    }
}

impl Visit for EventFields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.insert(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.insert(field, value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    fn log(format: LogFormat) -> Log {
        let log = Log::new(format, LineStyle::default());
        log.secrets.add_token(&"to\"k\ten-1".to_owned().into());
        log
    }

    /// Serializes the tests. `tracing` caches for all threads whether a call site has a subscriber, so a subscriber may
    /// miss events of a call site that another thread reaches for the first time.
    static SUBSCRIBER_LOCK: Mutex<()> = Mutex::new(());

    fn log_lines(format: LogFormat, filter: Targets, run: impl FnOnce()) -> Vec<String> {
        let _guard = SUBSCRIBER_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let written = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&written);
        let layer = layer(log(format), filter, move |line: &str| lines.lock().unwrap().push(line.to_owned()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), run);
        Arc::into_inner(written).unwrap().into_inner().unwrap()
    }

    fn filter(level: Level) -> Targets {
        Targets::new().with_default(level)
    }

    fn one_event_of_each_level() {
        tracing::error!("e");
        tracing::warn!("w");
        tracing::info!(host = "api.example", "connected to {}", "api.example");
        tracing::debug!("d");
        tracing::trace!("t");
    }

    #[test]
    fn the_filter_sets_the_lowest_level() {
        let expected = [
            "genesys-tail: error: e\n",
            "genesys-tail: warning: w\n",
            "genesys-tail: connected to api.example\n",
            "genesys-tail: debug: d\n",
            "genesys-tail: trace: t\n",
        ];
        for (level, count) in [(Level::ERROR, 1), (Level::INFO, 3), (Level::DEBUG, 4), (Level::TRACE, 5)] {
            assert_eq!(log_lines(LogFormat::Text, filter(level), one_event_of_each_level), expected[..count]);
        }
    }

    #[test]
    fn json_lines_are_objects_with_the_fields_of_the_event() {
        let lines = log_lines(LogFormat::Json, filter(Level::INFO), || {
            tracing::info!(attempt = 2_u64, delay = ?1.5, host = "h", ok = true, "retrying");
        });
        let value: Value = serde_json::from_str(&lines[0]).unwrap();
        assert!(value["ts"].as_str().unwrap().ends_with('Z'));
        let expected = serde_json::json!({"ts": value["ts"], "level": "info", "message": "retrying",
            "attempt": 2, "delay": "1.5", "host": "h", "ok": true});
        assert_eq!(value, expected);
        assert!(lines[0].starts_with("{\"ts\":") && lines[0].ends_with("}\n"));
    }

    #[test]
    fn events_of_other_crates_are_never_logged() {
        let lines = log_lines(LogFormat::Text, "trace,hyper=trace".parse().unwrap(), || {
            tracing::error!(target: "hyper", "authorization: Bearer x");
            tracing::error!(target: "genesys_tail_other", "x");
            tracing::trace!(target: "genesys_tail::follow", "ours");
        });
        assert_eq!(lines, ["genesys-tail: trace: ours\n"]);
    }

    #[test]
    fn the_final_error_has_two_lines_as_text_and_one_as_json() {
        let at = DateTime::from_timestamp(1_767_323_045, 678_000_000).unwrap().fixed_offset();
        let message = "no such\nconversation: to\"k\ten-1";
        let details = ErrorDetails { hint: Some("check the id"), conversation: Some("97b9dcb3-1") };
        assert_eq!(
            log(LogFormat::Text).error_lines(at, message, details),
            "genesys-tail: error: no such\\nconversation: [redacted]\n  tip: check the id\n"
        );
        let json = r#"{"ts":"2026-01-02T03:04:05.678Z","level":"error","message":"no such\nconversation: [redacted]","conversation":"97b9dcb3-1","hint":"check the id"}"#;
        assert_eq!(log(LogFormat::Json).error_lines(at, message, details), format!("{json}\n"));
        assert_eq!(log(LogFormat::Text).error_lines(at, "x", ErrorDetails::default()), "genesys-tail: error: x\n");
    }
}
