//! Status lines on standard error, through `tracing`.
//!
//! As text, a line is the name of the program and the message; fields are for the json form. Every line passes the
//! [`Secrets`] and an escaping of control characters as a whole, so a status line is always one line. The error a run
//! ends with does not come through `tracing` but through [`Log::report`]: it has a second line for the next step, and
//! is shown whatever the filter says.
//!
//! Only this crate is ever heard: what others trace may carry headers.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::config::LogFormat;
use crate::status::redact::Secrets;
use crate::status::stderr::Stderr;

/// No message is longer than this, in bytes: what the network says may be as long as a frame.
const LONGEST: usize = 8192;

const CRATE: &str = env!("CARGO_CRATE_NAME");
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// Spells out what must not reach a terminal; borrowed when there is none of it.
pub(crate) type Escape = fn(&str) -> Cow<'_, str>;

/// What every line on standard error goes through.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// The look of a line.
    pub(crate) format: LogFormat,
    /// What is struck out.
    pub(crate) secrets: Secrets,
    /// What is spelled out.
    pub(crate) escape: Escape,
    /// Where it goes.
    pub(crate) stderr: Stderr,
}

impl Log {
    /// Sends the events of this crate that pass `filter` to standard error, for the rest of the process.
    ///
    /// Does nothing when the process has a subscriber already.
    pub(crate) fn init(self, filter: Targets) {
        let stderr = self.stderr.clone();
        let subscriber = tracing_subscriber::registry().with(layer(self, filter, move |line: &str| stderr.line(line)));
        // There is one already in a test, or in a program that embeds this library: then that one is to be used.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }

    /// Writes the error a run ends with: what failed, and on a second line the next step.
    ///
    /// Works before [`Log::init`] and passes no filter.
    pub(crate) fn report(&self, what: &str, hint: Option<&str>) {
        self.stderr.line(&self.error_lines(Utc::now(), what, hint));
    }

    fn error_lines(&self, at: DateTime<Utc>, what: &str, hint: Option<&str>) -> String {
        match self.format {
            LogFormat::Text => {
                let mut lines = self.text_line(Level::ERROR, what);
                if let Some(hint) = hint {
                    lines.push_str("  ");
                    lines.push_str(&self.clean(hint));
                    lines.push('\n');
                }
                lines
            }
            LogFormat::Json => {
                let fields = hint.map(|hint| ("hint".to_owned(), hint.into()));
                self.json_line(at, Level::ERROR, what, fields.into_iter().collect())
            }
        }
    }

    fn event_line(&self, event: &Event<'_>) -> String {
        let mut parts = Parts::default();
        event.record(&mut parts);
        let level = *event.metadata().level();
        match self.format {
            LogFormat::Text => self.text_line(level, &parts.message),
            LogFormat::Json => self.json_line(Utc::now(), level, &parts.message, parts.fields),
        }
    }

    fn text_line(&self, level: Level, message: &str) -> String {
        let word = match level {
            Level::INFO => "",
            Level::WARN => "warning: ",
            _ => &format!("{}: ", level_name(level)),
        };
        format!("{PROGRAM}: {word}{}\n", self.clean(message))
    }

    /// Redaction comes first: a secret that has been escaped is no longer recognised.
    fn clean(&self, text: &str) -> String {
        (self.escape)(&self.redacted(text)).into_owned()
    }

    /// Without secrets, and not without end: the cut comes last, so it leaves no beginning of a secret.
    fn redacted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.secrets.redact(text) {
            text if text.len() <= LONGEST => text,
            text => {
                let whole = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
                format!("{}…", &text[..whole]).into()
            }
        }
    }

    fn json_line(&self, at: DateTime<Utc>, level: Level, message: &str, mut fields: Map<String, Value>) -> String {
        for value in fields.values_mut() {
            if let Value::String(text) = value {
                *text = self.redacted(text).into_owned();
            }
        }
        let line = JsonLine {
            ts: at.to_rfc3339_opts(SecondsFormat::Millis, true),
            level: level_name(level),
            message: &self.redacted(message),
            fields,
        };
        let json = serde_json::to_string(&line).expect("strings and numbers always serialise");
        self.escape_json(&json) + "\n"
    }

    /// Writes like `\u202e` what `escape` objects to and JSON itself would let pass.
    fn escape_json(&self, json: &str) -> String {
        let mut out = String::with_capacity(json.len());
        for char in json.chars() {
            let mut buffer = [0; 4];
            let text: &str = char.encode_utf8(&mut buffer);
            if (char.is_ascii() && char != '\x7f') || (self.escape)(text) == text {
                out.push(char);
            } else {
                let mut units = [0; 2];
                let units = char.encode_utf16(&mut units);
                out.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
        out
    }
}

/// The filter of `-q` and `-v`: errors only; else status lines, with one `-v` debug lines, with two every step.
#[must_use]
pub(crate) fn filter(quiet: bool, verbose: u8) -> Targets {
    let level = match (quiet, verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    Targets::new().with_default(level)
}

#[derive(Serialize)]
struct JsonLine<'a> {
    ts: String,
    level: &'static str,
    message: &'a str,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// `sink` is given whole lines with their line break.
fn layer<S, F>(log: Log, filter: Targets, sink: F) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: Fn(&str) + 'static,
{
    let heard = filter_fn(move |metadata| {
        is_ours(metadata.target()) && filter.would_enable(metadata.target(), metadata.level())
    });
    Lines { log, sink }.with_filter(heard)
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix(CRATE).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

struct Lines<F> {
    log: Log,
    sink: F,
}

impl<S: Subscriber, F: Fn(&str) + 'static> Layer<S> for Lines<F> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        (self.sink)(&self.log.event_line(event));
    }
}

#[derive(Default)]
struct Parts {
    message: String,
    fields: Map<String, Value>,
}

impl Parts {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Parts {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.put(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    /// Enough of an escape to see that it is called.
    fn escape(text: &str) -> Cow<'_, str> {
        let hostile = |char: char| char.is_control() || char == '\u{202e}';
        if text.contains(hostile) { text.replace(hostile, "?").into() } else { text.into() }
    }

    fn log(format: LogFormat) -> Log {
        let secrets = Secrets::default();
        secrets.add_token(&"to\"k\ten-1".to_owned().into());
        Log { format, secrets, escape, stderr: Stderr::default() }
    }

    /// One subscriber at a time: `tracing` caches for all threads whether somebody listens, and when one thread comes
    /// to a line for the first time while another starts to listen, that one may hear nothing of it.
    static TURN: Mutex<()> = Mutex::new(());

    fn lines(format: LogFormat, filter: Targets, run: impl FnOnce()) -> Vec<String> {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let layer = layer(log(format), filter, move |line: &str| sink.lock().unwrap().push(line.to_owned()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), run);
        Arc::into_inner(written).unwrap().into_inner().unwrap()
    }

    fn one_of_each() {
        tracing::error!("e");
        tracing::warn!("w");
        tracing::info!(host = "api.example", "connected to {}", "api.example");
        tracing::debug!("d");
        tracing::trace!("t");
    }

    #[test]
    fn text_lines_name_the_program_and_all_levels_but_info() {
        let expected = [
            "genesys-tail: error: e\n",
            "genesys-tail: warning: w\n",
            "genesys-tail: connected to api.example\n",
            "genesys-tail: debug: d\n",
            "genesys-tail: trace: t\n",
        ];
        for (quiet, verbose, count) in [(true, 0, 1), (false, 0, 3), (false, 1, 4), (false, 2, 5), (false, 9, 5)] {
            assert_eq!(lines(LogFormat::Text, filter(quiet, verbose), one_of_each), expected[..count]);
        }
    }

    #[test]
    fn json_lines_are_objects_with_fields() {
        let lines = lines(LogFormat::Json, filter(false, 0), || {
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
    fn nobody_else_is_heard_whatever_the_filter_says() {
        let lines = lines(LogFormat::Text, "trace,hyper=trace".parse().unwrap(), || {
            tracing::error!(target: "hyper", "authorization: Bearer x");
            tracing::error!(target: "genesys_tail_other", "x");
            tracing::trace!(target: "genesys_tail::follow", "ours");
        });
        assert_eq!(lines, ["genesys-tail: trace: ours\n"]);
    }

    #[test]
    fn secrets_and_hostile_characters_reach_no_line() {
        let say = || tracing::info!(why = "to\"k\ten-1 \u{202e}", "refused: to\"k\ten-1\nforged\u{7f}\u{1b}[2J");
        let text = lines(LogFormat::Text, filter(false, 0), say);
        assert_eq!(text, ["genesys-tail: refused: [redacted]?forged??[2J\n"]);
        let json = lines(LogFormat::Json, filter(false, 0), say);
        assert!(json[0].contains(r#""message":"refused: [redacted]\nforged\u007f\u001b[2J""#), "{}", json[0]);
        assert!(json[0].contains(r#""why":"[redacted] \u202e""#), "{}", json[0]);
    }

    #[test]
    fn a_message_without_end_is_cut_after_its_secrets_are_gone() {
        let long = format!("{}to\"k\ten-1{}", "ä".repeat(LONGEST / 2 - 2), "x".repeat(LONGEST));
        for format in [LogFormat::Text, LogFormat::Json] {
            let line = lines(format, filter(false, 0), || tracing::info!(long, "{long}")).concat();
            assert!(line.len() < 3 * LONGEST && line.contains('…') && !line.contains("to\"k"), "{}", line.len());
        }
    }

    #[test]
    fn the_final_error_has_two_lines_as_text_and_one_as_json() {
        let at = DateTime::from_timestamp(1_767_323_045, 678_000_000).unwrap();
        let (what, hint) = ("no such\nconversation: to\"k\ten-1", Some("check the id"));
        assert_eq!(
            log(LogFormat::Text).error_lines(at, what, hint),
            "genesys-tail: error: no such?conversation: [redacted]\n  check the id\n"
        );
        let json = r#"{"ts":"2026-01-02T03:04:05.678Z","level":"error","message":"no such\nconversation: [redacted]","hint":"check the id"}"#;
        assert_eq!(log(LogFormat::Json).error_lines(at, what, hint), format!("{json}\n"));
        assert_eq!(log(LogFormat::Text).error_lines(at, "x", None), "genesys-tail: error: x\n");
    }
}
