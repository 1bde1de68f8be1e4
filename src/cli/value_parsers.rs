//! Parsers for the values of flags: choices, durations, sizes, rates.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use chrono::DateTime;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use regex::Regex;

use crate::config::{Color, Format, LineLimit, LogFormat, Multiline, Retries, Since, SourceChoice, Timestamps};
use crate::event::Role;

/// The maximum of all durations, one year: sums of longer ones could overflow.
const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

// Names and values of the flags with a choice, in the order of the help. They keep clap out of `config`.

pub(super) const SOURCES: [(&str, SourceChoice); 3] = [
    ("auto", SourceChoice::Auto),
    ("transcript", SourceChoice::Transcript),
    ("notifications", SourceChoice::Notifications),
];

pub(super) const FORMATS: [(&str, Format); 3] = [("text", Format::Text), ("json", Format::Json), ("raw", Format::Raw)];

pub(super) const TIMESTAMPS: [(&str, Timestamps); 4] = [
    ("time", Timestamps::Time),
    ("iso", Timestamps::Iso),
    ("relative", Timestamps::Relative),
    ("none", Timestamps::None),
];

pub(super) const COLORS: [(&str, Color); 3] =
    [("auto", Color::Auto), ("always", Color::Always), ("never", Color::Never)];

pub(super) const MULTILINES: [(&str, Multiline); 2] = [("escape", Multiline::Escape), ("indent", Multiline::Indent)];

pub(super) const ROLES: [(&str, Role); 4] =
    [("customer", Role::Customer), ("agent", Role::Agent), ("bot", Role::Bot), ("system", Role::System)];

pub(super) const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

/// Returns a parser for the names in `choices`, which the help lists in this order.
pub(super) fn choice<T, const N: usize>(choices: [(&'static str, T); N]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let names = choices.each_ref().map(|(name, _)| *name);
    PossibleValuesParser::new(names).map(move |argument| {
        let found = choices.iter().find(|(name, _)| *name == argument);
        found.expect("the parser accepts only the names").1
    })
}

/// Parses `20s`, `1m 30s`, `500ms`, or plain seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed =
        if is_number { text.parse().ok().map(Duration::from_secs) } else { humantime::parse_duration(text).ok() };
    match parsed {
        Some(Duration::ZERO) => Err("it must be longer than nothing".into()),
        Some(duration) if duration > MAX_DURATION => Err("a year is the longest".into()),
        Some(duration) => Ok(duration),
        None => Err("not a duration; 20s, 1m30s and 500ms are, and 20 is in seconds".into()),
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
        Some(0) => Err("it must be more than nothing".into()),
        Some(bytes) => Ok(bytes),
        None => Err("not a size; 65536, 64KiB and 16MiB are".into()),
    }
}

/// Parses a number of retries, or `unlimited`.
pub(super) fn retries(text: &str) -> Result<Retries, String> {
    if text.eq_ignore_ascii_case("unlimited") {
        return Ok(Retries::Unlimited);
    }
    text.parse().map(Retries::Limited).map_err(|_| "neither a number nor 'unlimited'".into())
}

/// Parses a number of lines, or `all`.
pub(super) fn line_limit(text: &str) -> Result<LineLimit, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(LineLimit::All);
    }
    text.parse().map(LineLimit::Lines).map_err(|_| "neither a number nor 'all'".into())
}

/// Parses a time of RFC 3339, or a duration like that of other flags.
pub(super) fn since(text: &str) -> Result<Since, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(Since::At(time.to_utc()));
    }
    duration(text).map(Since::Ago).map_err(|reason| format!("{reason}; a time like 2026-01-02T03:04:05Z will do too"))
}

/// Compiles a regular expression. The error is one line.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        // The message marks the position in several lines and ends with the reason.
        error => {
            let message = error.to_string();
            let reason = message.lines().last().unwrap_or_default();
            reason.strip_prefix("error: ").unwrap_or(reason).to_owned()
        }
    })
}

/// Parses a number of messages per second: `10`, `0.5` or `10/s`.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let rate = number.trim_end().parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "not a rate; 10, 0.5 and 10/s are, in messages per second".into())
}

/// Parses a loopback address with a port. `localhost` stands for 127.0.0.1.
pub(super) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let localhost_port = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let address = match localhost_port {
        Some(port) => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        None => text.parse().ok(),
    };
    let loopback = address.filter(|address| address.ip().is_loopback());
    loopback.ok_or_else(|| "not a loopback address with a port; 127.0.0.1:8080 is".into())
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
        for text in ["", "0", "0s", "-1", "1.5", "soon", "2years", "99999999999999999999"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_binary_units() {
        let cases = [("1", 1), ("65536", 65_536), ("64KiB", 65_536), ("16mib", 16 << 20), ("1 GIB", 1 << 30)];
        for (text, bytes) in cases {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "0", "0MiB", "MiB", "-1", "1.5MiB", "16MB", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
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
        for text in ["", "-1", "+", "1.5", "none", "99999999999999999999"] {
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
        for text in ["", "0s", "yesterday", "2years", "-1h", "2026-01-02", "2026-13-02T03:04:05Z"] {
            assert!(since(text).unwrap_err().contains("2026-01-02T03:04:05Z"), "{text}");
        }
    }

    #[test]
    fn errors_of_patterns_are_one_line() {
        for (text, reason) in [
            ("(", "unclosed group"),
            ("(\n[z-a]", "invalid character class range"),
            ("\\q", "unrecognized escape"),
            ("(a{999}){999}", "it is too large"),
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
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_loopback_addresses_are_accepted() {
        for text in ["127.0.0.1:0", "localhost:8080", "[::1]:1"] {
            assert!(loopback(text).is_ok(), "{text}");
        }
        for text in ["0.0.0.0:80", "10.0.0.1:80", "127.0.0.1", "localhost", "example.com:80", "localhost:99999"] {
            assert!(loopback(text).is_err(), "{text}");
        }
    }
}
