//! Parsers for the values of flags: choices, durations, sizes, rates.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use regex::Regex;

use crate::config::{
    Color, Format, Hidden, LineLimit, LogFormat, Medium, Multiline, PrefixForm, Retries, Since, SourceChoice,
    Timestamps,
};
use crate::event::Role;
use crate::redaction::{Redact, RedactionKind};

/// The maximum of all durations, one year: sums of longer ones could overflow.
const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The maximum number of conversations of the simulator.
const MAX_SIMULATED: usize = 10_000;

/// A value of a flag with a choice.
pub(super) struct Choice<T> {
    name: &'static str,
    value: T,
    /// The explanation in the help; empty if the name needs none.
    help: &'static str,
    /// True for another word for a name, which the help does not list.
    is_synonym: bool,
}

const fn named<T: Copy>(name: &'static str, value: T) -> Choice<T> {
    Choice { name, value, help: "", is_synonym: false }
}

const fn synonym<T: Copy>(name: &'static str, value: T) -> Choice<T> {
    Choice { name, value, help: "", is_synonym: true }
}

const fn explained<T: Copy>(name: &'static str, value: T, help: &'static str) -> Choice<T> {
    Choice { name, value, help, is_synonym: false }
}

// The values of the flags with a choice, in the order of the help. They keep clap out of `config`.

pub(super) const SOURCES: [Choice<SourceChoice>; 3] = [
    named("auto", SourceChoice::Auto),
    named("transcript", SourceChoice::Transcript),
    named("notifications", SourceChoice::Notifications),
];

pub(super) const FORMATS: [Choice<Format>; 3] = [
    explained("text", Format::Text, "one line per event"),
    explained("json", Format::Json, "one JSON object per event"),
    explained("raw", Format::Raw, "frames as received"),
];

pub(super) const TIMESTAMPS: [Choice<Timestamps>; 4] = [
    explained("time", Timestamps::Time, "03:04:05"),
    explained("iso", Timestamps::Iso, "2026-01-02T03:04:05.612+01:00"),
    explained("relative", Timestamps::Relative, "+0:01:07 since the first line"),
    explained("none", Timestamps::None, "no time"),
];

pub(super) const COLORS: [Choice<Color>; 3] =
    [named("auto", Color::Auto), named("always", Color::Always), named("never", Color::Never)];

pub(super) const PREFIXES: [Choice<PrefixForm>; 3] = [
    explained("short", PrefixForm::Short, "97b9dcb3, or more until no two are equal"),
    explained("full", PrefixForm::Full, "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77"),
    explained("none", PrefixForm::None, "no id"),
];

pub(super) const MULTILINES: [Choice<Multiline>; 2] = [
    explained("escape", Multiline::Escape, "written as \\n"),
    explained("indent", Multiline::Indent, "continued on lines that begin with |"),
];

pub(super) const ROLES: [Choice<Role>; 4] = [
    named("customer", Role::Customer),
    named("agent", Role::Agent),
    named("bot", Role::Bot),
    named("system", Role::System),
];

/// The media of queues and users that can be followed.
pub(super) const FOLLOWED_MEDIA: [Choice<Medium>; 2] = [named("message", Medium::Message), named("call", Medium::Call)];

/// The media of `list`.
pub(super) const MEDIA: [Choice<Medium>; 11] = [
    named("message", Medium::Message),
    named("call", Medium::Call),
    synonym("voice", Medium::Call),
    synonym("phone", Medium::Call),
    named("email", Medium::Email),
    named("callback", Medium::Callback),
    named("chat", Medium::Chat),
    named("cobrowse", Medium::Cobrowse),
    named("internalmessage", Medium::InternalMessage),
    named("screenshare", Medium::ScreenShare),
    named("video", Medium::Video),
];

pub(super) const HIDDEN: [Choice<Hidden>; 3] = [
    explained("update", Hidden::Update, "[UPDATE]"),
    explained("closed", Hidden::Closed, "[CLOSED]"),
    explained("gap", Hidden::Gap, "[GAP]"),
];

pub(super) const LOG_FORMATS: [Choice<LogFormat>; 2] = [named("text", LogFormat::Text), named("json", LogFormat::Json)];

/// Returns a parser for the names in `choices`, which the help lists in this order.
pub(super) fn choice<T, const N: usize>(choices: [Choice<T>; N]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let values = choices.each_ref().map(|choice| {
        let value = PossibleValue::new(choice.name).hide(choice.is_synonym);
        if choice.help.is_empty() { value } else { value.help(choice.help) }
    });
    let choices = Arc::new(choices);
    PossibleValuesParser::new(values).map(move |argument| {
        let found = choices.iter().find(|choice| choice.name.eq_ignore_ascii_case(&argument));
        found.expect("the parser accepts only the names").value
    })
}

/// Parses `20s`, `1m 30s`, `500ms`, or plain seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = any_duration(text).ok_or("not a duration; examples: 20s, 1m30s, 500ms, 20 (seconds)")?;
    in_range(duration).map_err(str::to_owned)
}

/// Parses a duration that may be zero.
pub(super) fn duration_or_zero(text: &str) -> Result<Duration, String> {
    match any_duration(text) {
        Some(Duration::ZERO) => Ok(Duration::ZERO),
        _ => duration(text),
    }
}

fn any_duration(text: &str) -> Option<Duration> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    humantime::parse_duration(text).ok()
}

fn in_range(duration: Duration) -> Result<Duration, &'static str> {
    match duration {
        Duration::ZERO => Err("must be greater than 0"),
        duration if duration > MAX_DURATION => Err("must be at most 1 year"),
        duration => Ok(duration),
    }
}

/// Parses a number of bytes, with an optional unit `KiB`, `MiB` or `GiB` in any case.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let lower = text.to_ascii_lowercase();
    let units = [("kib", 10), ("mib", 20), ("gib", 30)];
    let (number, shift) = units
        .iter()
        .find_map(|(unit, shift)| lower.strip_suffix(unit).map(|number| (number.trim_end(), *shift)))
        .unwrap_or((&lower, 0));
    let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(1 << shift));
    match bytes {
        Some(0) => Err("must be greater than 0".into()),
        Some(bytes) => Ok(bytes),
        None => Err("not a size; examples: 65536, 64KiB, 16MiB".into()),
    }
}

/// Parses a number of retries, or `unlimited`.
pub(super) fn retries(text: &str) -> Result<Retries, String> {
    if text.eq_ignore_ascii_case("unlimited") {
        return Ok(Retries::Unlimited);
    }
    text.parse().map(Retries::Limited).map_err(|_| "must be a number such as 5, or 'unlimited'".into())
}

/// Parses a number of lines, or `all`.
pub(super) fn line_limit(text: &str) -> Result<LineLimit, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(LineLimit::All);
    }
    // In tail, +5 is everything from the fifth line on.
    if text.starts_with('+') {
        return Err("lines are counted from the end".into());
    }
    text.parse().map(LineLimit::Lines).map_err(|_| "must be a number such as 20, or 'all'".into())
}

/// Parses a time of RFC 3339, a local date with or without a time, the name of a day, or a duration like that of other
/// flags.
pub(super) fn since(text: &str) -> Result<Since, String> {
    let time = DateTime::parse_from_rfc3339(text).ok().map(|time| Since::At(time.to_utc()));
    if let Some(since) = time.or_else(|| named_day(text)).or_else(|| local_time(text)) {
        return Ok(since);
    }
    let examples = "1h30m, today, 2026-01-02, '2026-01-02 03:04', 2026-01-02T03:04:05Z";
    let duration = any_duration(text).ok_or_else(|| format!("not a duration or time; examples: {examples}"))?;
    in_range(duration).map(Since::Ago).map_err(|reason| format!("{reason}, or a time such as 2026-01-02T03:04:05Z"))
}

fn named_day(text: &str) -> Option<Since> {
    let days = [("today", 0), ("yesterday", 1)];
    let (_, days_ago) = days.into_iter().find(|(name, _)| text.eq_ignore_ascii_case(name))?;
    Some(Since::Midnight { days_ago })
}

/// Parses a date, with a time up to minutes or seconds after a blank or a `T`.
fn local_time(text: &str) -> Option<Since> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|date| date.and_time(NaiveTime::MIN));
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let time = || formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    date.ok().or_else(time).map(Since::AtLocal)
}

/// Compiles a regular expression. The error is one line.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        // The message marks the position in several lines and ends with the reason.
        error => {
            let message = error.to_string();
            let reason = message.lines().last().unwrap_or_default();
            reason.strip_prefix("error: ").unwrap_or(reason).to_owned()
        }
    })
}

/// Parses kinds of personal data, separated by commas, or `regex:` and a pattern, which may contain commas.
pub(super) fn redact(text: &str) -> Result<Redact, String> {
    if let Some(regex) = text.strip_prefix("regex:") {
        return pattern(regex).map(Redact::Pattern);
    }
    let kinds: Result<Vec<_>, String> = text.split(',').map(|name| kinds_of(name.trim())).collect();
    Ok(Redact::Kinds(kinds?.concat()))
}

fn kinds_of(name: &str) -> Result<Vec<RedactionKind>, String> {
    let kinds: &[RedactionKind] = match name.to_ascii_lowercase().as_str() {
        "card" => &[RedactionKind::Card],
        "email" => &[RedactionKind::Email],
        "phone" => &[RedactionKind::Phone],
        "iban" => &[RedactionKind::Iban],
        "all" => &RedactionKind::ALL,
        _ => return Err(format!("'{name}' is not card, email, phone, iban, all or regex:PATTERN")),
    };
    Ok(kinds.to_vec())
}

/// Parses a number of messages per second: `10`, `0.5` or `10/s`.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let rate = number.trim_end().parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "must be a number greater than 0; examples: 10, 0.5, 10/s".into())
}

/// Parses a number of simulated conversations.
pub(super) fn conversation_count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=MAX_SIMULATED).contains(count));
    count.ok_or_else(|| format!("must be a number from 1 to {MAX_SIMULATED}"))
}

/// Parses a loopback address with a port. `localhost` stands for 127.0.0.1.
pub(super) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let localhost_port = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let address = match localhost_port {
        Some(port) => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        None => text.parse().ok(),
    };
    let loopback = address.filter(|address| address.ip().is_loopback());
    loopback.ok_or_else(|| "must be a loopback address with a port, such as 127.0.0.1:8080".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_or_are_in_seconds() {
        let cases = [("20", 20_000), ("20s", 20_000), ("1m 30s", 90_000), ("1m30s", 90_000), ("500ms", 500)];
        for (text, millis) in cases {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for (text, reason) in [("0", "greater than 0"), ("0s", "greater than 0"), ("2years", "at most 1 year")] {
            assert_eq!(duration(text), Err(format!("must be {reason}")), "{text}");
        }
        for text in ["", "-1", "1.5", "soon", "99999999999999999999"] {
            assert!(duration(text).unwrap_err().contains("examples: 20s, 1m30s, "), "{text}");
        }
    }

    #[test]
    fn a_wait_may_be_zero() {
        for (text, millis) in [("0", 0), ("0s", 0), ("15m", 900_000)] {
            assert_eq!(duration_or_zero(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(duration_or_zero("-1"), duration("-1"));
    }

    #[test]
    fn sizes_are_bytes_or_binary_units() {
        let cases = [("1", 1), ("65536", 65_536), ("64KiB", 65_536), ("16mib", 16 << 20), ("1 GIB", 1 << 30)];
        for (text, bytes) in cases {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["0", "0MiB"] {
            assert_eq!(size(text).unwrap_err(), "must be greater than 0", "{text}");
        }
        for text in ["", "MiB", "-1", "1.5MiB", "16MB", "99999999999GiB"] {
            assert!(size(text).unwrap_err().ends_with("examples: 65536, 64KiB, 16MiB"), "{text}");
        }
    }

    #[test]
    fn retries_are_a_number_or_unlimited() {
        assert_eq!(retries("0"), Ok(Retries::Limited(0)));
        assert_eq!(retries("Unlimited"), Ok(Retries::Unlimited));
        assert!(retries("-1").is_err());
        assert!(retries("many").is_err());
    }

    #[test]
    fn line_limits_are_a_number_or_all() {
        for (text, expected) in [("0", LineLimit::Lines(0)), ("20", LineLimit::Lines(20)), ("ALL", LineLimit::All)] {
            assert_eq!(line_limit(text), Ok(expected), "{text}");
        }
        for text in ["", "-1", "+", "+5", "+0", "+all", "1.5", "none", "99999999999999999999"] {
            assert!(line_limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn since_is_a_duration_or_a_time() {
        let cases = [("1h30m", 5_400), ("90s", 90), ("90", 90), ("2days", 172_800)];
        for (text, seconds) in cases {
            assert_eq!(since(text), Ok(Since::Ago(Duration::from_secs(seconds))), "{text}");
        }
        let time = DateTime::from_timestamp(1_767_323_045, 0).unwrap();
        for text in ["2026-01-02T03:04:05Z", "2026-01-02T04:04:05.000+01:00"] {
            assert_eq!(since(text), Ok(Since::At(time)), "{text}");
        }
        for (text, local) in [
            ("2026-01-02", "2026-01-02T00:00:00"),
            ("2026-01-02 03:04", "2026-01-02T03:04:00"),
            ("2026-01-02T03:04", "2026-01-02T03:04:00"),
            ("2026-01-02 03:04:05", "2026-01-02T03:04:05"),
        ] {
            assert_eq!(since(text), Ok(Since::AtLocal(local.parse().unwrap())), "{text}");
        }
        assert_eq!(since("today"), Ok(Since::Midnight { days_ago: 0 }));
        assert_eq!(since("Yesterday"), Ok(Since::Midnight { days_ago: 1 }));
        for text in
            ["", "0s", "tomorrow", "2years", "-1h", "2026-02-30", "03:04", "2026-01-02 25:00", "2026-13-02T03:04:05Z"]
        {
            assert!(since(text).unwrap_err().contains("2026-01-02T03:04:05Z"), "{text}");
        }
    }

    #[test]
    fn errors_of_patterns_are_one_line() {
        for (text, reason) in [
            ("(", "unclosed group"),
            ("(\n[z-a]", "invalid character class range"),
            ("\\q", "unrecognized escape"),
            ("(a{999}){999}", "the pattern is too large"),
        ] {
            let error = pattern(text).unwrap_err();
            assert!(error.starts_with(reason) && error.lines().count() == 1, "{text}: {error}");
        }
    }

    #[test]
    fn rates_are_positive() {
        for (text, expected) in [("10", 10.0), ("10/s", 10.0), ("0.5 /s", 0.5)] {
            assert!((rate(text).unwrap() - expected).abs() < f64::EPSILON, "{text}");
        }
        for text in ["", "0", "-1", "inf", "NaN", "10/m"] {
            assert!(rate(text).unwrap_err().contains("greater than 0"), "{text}");
        }
    }

    #[test]
    fn only_loopback_addresses_are_accepted() {
        for text in ["127.0.0.1:0", "localhost:8080", "[::1]:1"] {
            assert!(loopback(text).is_ok(), "{text}");
        }
        for text in ["0.0.0.0:80", "10.0.0.1:80", "127.0.0.1", "localhost", "example.com:80", "localhost:99999"] {
            assert!(loopback(text).unwrap_err().contains("such as 127.0.0.1:"), "{text}");
        }
    }
}
