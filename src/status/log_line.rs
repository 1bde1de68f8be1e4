//! The text of one line on stderr (ERR-6 to ERR-8, ERR-11).

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use serde_json::Value;
use tracing::Level;

use super::redact::Secrets;
use crate::output::escape::{escape, push_json_string};

/// The maximum length of a line in bytes, with its line break. Text from the server may be as long as a frame.
const MAX_LINE_BYTES: usize = 8192;

/// The maximum length of a string in a JSON line, other than the message.
const MAX_MEMBER_BYTES: usize = 1024;

/// The end of a text that was cut off.
const ELLIPSIS: &str = "…";

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The style of text lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LineStyle {
    /// Lines start with the local time.
    pub(crate) is_timed: bool,
    /// Lines have the color of their level.
    pub(crate) is_colored: bool,
}

/// The contents of a line. Secrets are redacted before a text is escaped and shortened: an escaped secret, or the beginning
/// of one, would not be recognized.
#[derive(Debug)]
pub(super) struct LogLine {
    pub(super) level: Level,
    /// The prefix of one of several conversations, in text only (ERR-10).
    pub(super) prefix: Option<String>,
    pub(super) message: String,
    /// The members of the JSON object that follow the message.
    pub(super) members: Vec<(&'static str, Value)>,
}

impl LogLine {
    /// Returns the line as text, with its line break.
    pub(super) fn to_text(&self, at: DateTime<FixedOffset>, style: LineStyle, secrets: &Secrets) -> String {
        let time = if style.is_timed { at.to_rfc3339_opts(SecondsFormat::Secs, false) + " " } else { String::new() };
        let color = if style.is_colored { color(self.level) } else { Style::new() };
        let (start, end) = (format!("{color}{time}{PROGRAM}: {}", label(self.level)), format!("{color:#}\n"));
        let room = MAX_LINE_BYTES - start.len() - end.len();
        let message = match &self.prefix {
            Some(prefix) => &format!("{prefix}: {}", self.message),
            None => &self.message,
        };
        format!("{start}{}{end}", escape_within(&secrets.redact(message), room, escape))
    }

    /// Returns the line as a JSON object, with its line break.
    pub(super) fn to_json(&self, at: DateTime<Utc>, secrets: &Secrets) -> String {
        let (ts, level) = (at.to_rfc3339_opts(SecondsFormat::Millis, true), name(self.level));
        let start = format!("{{\"ts\":\"{ts}\",\"level\":\"{level}\",\"message\":\"");
        let mut end = "\"".to_owned();
        for (name, value) in &self.members {
            // Writing to a String cannot fail.
            let _ = match value {
                Value::String(text) => {
                    let text = secrets.redact(text);
                    write!(end, ",\"{name}\":\"{}\"", escape_within(&text, MAX_MEMBER_BYTES, json_escape))
                }
                number_or_bool => write!(end, ",\"{name}\":{number_or_bool}"),
            };
        }
        end.push_str("}\n");
        let room = MAX_LINE_BYTES.saturating_sub(start.len() + end.len());
        format!("{start}{}{end}", escape_within(&secrets.redact(&self.message), room, json_escape))
    }
}

/// Returns the color of a level: yellow, red or dim, which the sixteen ANSI colors make readable on every background.
fn color(level: Level) -> Style {
    match level {
        Level::ERROR => AnsiColor::Red.on_default(),
        Level::WARN => AnsiColor::Yellow.on_default(),
        _ => Style::new().dimmed(),
    }
}

/// Returns the level as it precedes the message of a text line.
fn label(level: Level) -> String {
    if level == Level::INFO { String::new() } else { format!("{}: ", name(level)) }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// Escapes a text, and cuts it off if the result would exceed `room` bytes.
fn escape_within(text: &str, room: usize, escape: fn(&str) -> Cow<'_, str>) -> Cow<'_, str> {
    // No escape is shorter than its character.
    let whole = Some(text).filter(|text| text.len() <= room).map(escape);
    if let Some(whole) = whole.filter(|whole| whole.len() <= room) {
        return whole;
    }
    let mut short = String::new();
    for character in text.chars() {
        let mut buffer = [0; 4];
        let escaped = escape(character.encode_utf8(&mut buffer));
        if short.len() + escaped.len() + ELLIPSIS.len() > room {
            break;
        }
        short.push_str(&escaped);
    }
    Cow::Owned(short + ELLIPSIS)
}

/// Returns the text as the content of a JSON string.
fn json_escape(text: &str) -> Cow<'_, str> {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    push_json_string(&mut quoted, text);
    let content = quoted[1..quoted.len() - 1].to_vec();
    Cow::Owned(String::from_utf8(content).expect("the JSON string of a text is UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339("2026-01-02T04:04:05.678+01:00").unwrap()
    }

    fn line(level: Level, message: &str) -> LogLine {
        LogLine { level, prefix: None, message: message.to_owned(), members: Vec::new() }
    }

    fn secrets() -> Secrets {
        let secrets = Secrets::default();
        secrets.add_token(&"to\"k\ten-1".to_owned().into());
        secrets
    }

    #[test]
    fn text_names_the_program_and_every_level_but_info() {
        for (level, expected) in [
            (Level::ERROR, "genesys-tail: error: x\n"),
            (Level::WARN, "genesys-tail: warning: x\n"),
            (Level::INFO, "genesys-tail: x\n"),
            (Level::DEBUG, "genesys-tail: debug: x\n"),
            (Level::TRACE, "genesys-tail: trace: x\n"),
        ] {
            assert_eq!(line(level, "x").to_text(at(), LineStyle::default(), &secrets()), expected);
        }
    }

    #[test]
    fn a_timed_line_starts_with_the_local_time_in_whole_seconds() {
        let style = LineStyle { is_timed: true, is_colored: false };
        let text = line(Level::WARN, "x").to_text(at(), style, &secrets());
        assert_eq!(text, "2026-01-02T04:04:05+01:00 genesys-tail: warning: x\n");
        let utc = at().to_utc().fixed_offset();
        let text = line(Level::INFO, "x").to_text(utc, style, &secrets());
        assert_eq!(text, "2026-01-02T03:04:05+00:00 genesys-tail: x\n");
    }

    #[test]
    fn errors_are_red_warnings_yellow_and_other_lines_dim() {
        let style = LineStyle { is_timed: false, is_colored: true };
        for (level, expected) in [
            (Level::ERROR, "\x1b[31mgenesys-tail: error: x\x1b[0m\n"),
            (Level::WARN, "\x1b[33mgenesys-tail: warning: x\x1b[0m\n"),
            (Level::INFO, "\x1b[2mgenesys-tail: x\x1b[0m\n"),
            (Level::DEBUG, "\x1b[2mgenesys-tail: debug: x\x1b[0m\n"),
        ] {
            assert_eq!(line(level, "x").to_text(at(), style, &secrets()), expected);
        }
    }

    #[test]
    fn text_about_one_of_several_conversations_carries_its_prefix() {
        let line = LogLine { prefix: Some("97b9dcb3".into()), ..line(Level::WARN, "x") };
        let text = line.to_text(at(), LineStyle::default(), &secrets());
        assert_eq!(text, "genesys-tail: warning: 97b9dcb3: x\n");
    }

    #[test]
    fn json_has_the_time_in_utc_and_the_members_after_the_message() {
        let members = vec![("host", "h".into()), ("ok", true.into()), ("retry", 2.into())];
        let line = LogLine { prefix: Some("97b9dcb3".into()), members, ..line(Level::WARN, "no\n\"way\"") };
        let json = r#"{"ts":"2026-01-02T03:04:05.678Z","level":"warning","message":"no\n\"way\"","host":"h","ok":true,"retry":2}"#;
        assert_eq!(line.to_json(at().to_utc(), &secrets()), format!("{json}\n"));
    }

    #[test]
    fn every_text_is_redacted_and_then_escaped() {
        let why = "to\"k\ten-1 \u{202e}";
        let message = "refused: to\"k\ten-1\nforged\u{7f}\u{1b}[2J";
        let line = LogLine { members: vec![("why", why.into())], ..line(Level::INFO, message) };
        let text = line.to_text(at(), LineStyle::default(), &secrets());
        assert_eq!(text, "genesys-tail: refused: [redacted]\\nforged\\x7f\\x1b[2J\n");
        let json = line.to_json(at().to_utc(), &secrets());
        assert!(json.contains(r#""message":"refused: [redacted]\nforged\u007f\u001b[2J""#), "{json}");
        assert!(json.contains(r#""why":"[redacted] \u202e""#), "{json}");
    }

    #[test]
    fn a_line_has_at_most_8_kib_of_whole_characters_and_no_beginning_of_a_secret() {
        let style = LineStyle { is_timed: true, is_colored: true };
        for filler in ["x", "ä", "\u{1b}", "\u{202e}", "\""] {
            let until_secret = filler.repeat((MAX_LINE_BYTES - 70) / filler.len());
            let message = format!("{until_secret}to\"k\ten-1{}", filler.repeat(MAX_LINE_BYTES));
            let members = vec![("why", message.clone().into())];
            let line = LogLine { members, ..line(Level::WARN, &message) };
            let text = line.to_text(at(), style, &secrets());
            let json = line.to_json(at().to_utc(), &secrets());
            for line in [&text, &json] {
                assert!(line.len() <= MAX_LINE_BYTES && line.len() > MAX_LINE_BYTES - 16, "{}", line.len());
                assert!(
                    line.contains('…') && line.ends_with('\n') && !line.contains("to\\\"k") && !line.contains("to\"k")
                );
            }
            assert!(text.ends_with("…\x1b[0m\n"), "the color ends");
            serde_json::from_str::<Value>(&json).expect("the cut is at the end of an escape");
        }
    }
}
