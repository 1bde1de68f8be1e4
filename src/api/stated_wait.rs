//! The wait that the server states in an error response (CONN-2).

use std::num::IntErrorKind;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The seconds until the window of the rate limit ends.
const WINDOW_RESET: &str = "inin-ratelimit-reset";

/// Returns the wait that a response states: in `Retry-After`; on 429 also as the rest of the rate limit's window, or in its
/// message, as in `Retry the request in [45] seconds`. A value that is neither seconds nor a date states nothing.
pub(super) fn stated_wait(status: StatusCode, headers: &HeaderMap, message: &str) -> Option<Duration> {
    let retry_after =
        header(headers, RETRY_AFTER.as_str()).and_then(|value| whole_seconds(value).or_else(|| until(value)));
    if status != StatusCode::TOO_MANY_REQUESTS {
        return retry_after;
    }
    let window_reset = || header(headers, WINDOW_RESET).and_then(whole_seconds);
    retry_after.or_else(window_reset).or_else(|| wait_in_message(message))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn whole_seconds(text: &str) -> Option<Duration> {
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Some(Duration::MAX),
        Err(_) => None,
    }
}

/// Returns the time until a date. One in the past means no delay.
fn until(date: &str) -> Option<Duration> {
    let date = DateTime::parse_from_rfc2822(date).ok()?;
    Some((date.to_utc() - Utc::now()).to_std().unwrap_or_default())
}

/// Returns the time that follows the word "retry" in a message.
fn wait_in_message(message: &str) -> Option<Duration> {
    let message = message.to_ascii_lowercase();
    message.match_indices("retry").find_map(|(start, _)| first_time(&message[start..]))
}

/// Returns the first number of a text if its unit is seconds or minutes.
fn first_time(text: &str) -> Option<Duration> {
    let (_, text) = text.split_at(text.find(|char: char| char.is_ascii_digit())?);
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start_matches(|char: char| char.is_whitespace() || "])}\"'-".contains(char));
    let seconds = match unit.split(|char: char| !char.is_alphabetic()).next() {
        Some("s" | "sec" | "secs" | "second" | "seconds") => 1.0,
        Some("m" | "min" | "mins" | "minute" | "minutes") => 60.0,
        _ => return None,
    };
    Some(Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "Rate limit exceeded the maximum. Retry the request in [45] seconds";

    fn stated(status: u16, headers: &[(&'static str, &str)], message: &str) -> Option<Duration> {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
        stated_wait(StatusCode::from_u16(status).expect("a status"), &headers.collect(), message)
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let parsed = |value| stated(503, &[("retry-after", value)], "");
        assert_eq!(parsed(" 23 "), Some(Duration::from_secs(23)));
        assert_eq!(parsed("0"), Some(Duration::ZERO));
        assert_eq!(parsed("99999999999999999999999"), Some(Duration::MAX), "an overflow is the longest delay");
        assert_eq!(parsed("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let soon = (Utc::now() + chrono::TimeDelta::seconds(90)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let delay = parsed(&soon).expect("a date");
        assert!((85..=90).contains(&delay.as_secs()), "{delay:?}");
        for invalid in ["", "soon", "-1", "1.5"] {
            assert_eq!(parsed(invalid), None, "{invalid}");
        }
    }

    /// (R9)
    #[test]
    fn a_429_states_the_wait_in_the_first_usable_place() {
        type Headers = &'static [(&'static str, &'static str)];
        let cases: [(u16, Headers, &str, Option<u64>); 10] = [
            (429, &[("retry-after", "23"), ("inin-ratelimit-reset", "40")], SAMPLE, Some(23)),
            (429, &[("retry-after", "0"), ("inin-ratelimit-reset", "40")], SAMPLE, Some(0)),
            (429, &[("retry-after", "soon"), ("inin-ratelimit-reset", "40")], SAMPLE, Some(40)),
            (429, &[("inin-ratelimit-reset", "40")], SAMPLE, Some(40)),
            (429, &[("inin-ratelimit-reset", "")], SAMPLE, Some(45)),
            (429, &[], SAMPLE, Some(45)),
            (429, &[], "", None),
            (503, &[("retry-after", "23")], "", Some(23)),
            (503, &[("inin-ratelimit-reset", "40")], SAMPLE, None),
            (400, &[], SAMPLE, None),
        ];
        for (status, headers, message, seconds) in cases {
            assert_eq!(
                stated(status, headers, message),
                seconds.map(Duration::from_secs),
                "{status} {headers:?} {message}"
            );
        }
    }

    /// (R9)
    #[test]
    fn the_wait_in_a_message_is_found_in_each_wording() {
        for (message, seconds) in [
            ("retry the request in 45 seconds.", Some(45)),
            ("RETRY in [1] Second", Some(1)),
            ("Limit of [300] requests in [60] seconds reached. Please retry after 45s", Some(45)),
            ("Retry-After: (45) sec", Some(45)),
            ("Do not retry now. Retry the request in \"45\" secs", Some(45)),
            ("Retry the request in [44.5] seconds", Some(44)),
            ("Retry in 2 minutes", Some(120)),
            ("Retry in [99999999999999999999999] seconds", Some(u64::MAX)),
            ("Retry later.", None),
            ("Retry in [] seconds", None),
            ("Retry at 12:30:00", None),
            ("Retry 2 of 5", None),
            ("Retry in 5", None),
            ("Retry in 1.2.3 seconds", None),
            ("Rate limit exceeded the maximum [300] requests within [60] seconds", None),
        ] {
            assert_eq!(wait_in_message(message).map(|wait| wait.as_secs()), seconds, "{message}");
        }
    }
}
