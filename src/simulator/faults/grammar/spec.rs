//! The tokens of a fault specification.

use std::str::FromStr;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;

use crate::simulator::faults::fault::{RetryAfter, Share, StatedWait};

/// The part of a fault after the colon, split into its tokens.
pub(super) struct FaultSpec<'a> {
    location: &'a str,
    pub(super) name: &'a str,
    value: Option<&'a str>,
    options: Vec<(&'a str, &'a str)>,
}

impl<'a> FaultSpec<'a> {
    pub(super) fn split(location: &'a str, text: &'a str) -> Self {
        let mut parts = split_at_commas(text).into_iter();
        let (name, value) = split_at_equals(parts.next().unwrap_or_default());
        let option = |part| {
            let (key, value) = split_at_equals(part);
            (key, value.unwrap_or_default())
        };
        Self { location, name, value, options: parts.map(option).collect() }
    }

    /// Returns the reason for a fault that its place does not have.
    pub(super) fn unknown(&self) -> String {
        format!("unknown fault '{}' of '{}'", self.name, self.location)
    }

    /// Removes an option and returns its value.
    pub(super) fn take(&mut self, key: &str) -> Option<&'a str> {
        let index = self.options.iter().position(|(name, _)| *name == key)?;
        Some(self.options.swap_remove(index).1)
    }

    pub(super) fn number(&mut self, key: &str) -> Result<Option<u64>, String> {
        self.take(key)
            .map(|text| text.parse().map_err(|_| format!("the value of '{key}' must be a whole number")))
            .transpose()
    }

    pub(super) fn times(&mut self, default: Option<u64>) -> Result<Option<u64>, String> {
        if self.take("always").is_some() {
            return Ok(None);
        }
        match self.take("times") {
            None => Ok(default),
            Some("always") => Ok(None),
            Some(text) => {
                text.parse().map(Some).map_err(|_| "the value of 'times' must be a whole number or 'always'".to_owned())
            }
        }
    }

    /// Returns the wait that an error states; its message is either `body` or the text of `in-body`.
    pub(super) fn stated_wait(&mut self) -> Result<StatedWait, String> {
        let wait = StatedWait {
            retry_after: self.retry_after()?,
            ratelimit_reset: self.number("ratelimit-reset")?,
            in_body: self.number("in-body")?,
        };
        let has_body = self.options.iter().any(|(key, _)| *key == "body");
        if has_body && wait.in_body.is_some() { Err("use either 'body' or 'in-body'".to_owned()) } else { Ok(wait) }
    }

    fn retry_after(&mut self) -> Result<Option<RetryAfter>, String> {
        let Some(text) = self.take("retry-after") else { return Ok(None) };
        match text.strip_prefix("date+") {
            None => Ok(Some(RetryAfter::Text(text.to_owned()))),
            Some(ahead) => match ahead.parse() {
                Ok(seconds) => Ok(Some(RetryAfter::Date(Duration::from_secs(seconds)))),
                Err(_) => Err("the value of 'retry-after' must be whole seconds after 'date+'".to_owned()),
            },
        }
    }

    fn value(&self, expected: &str) -> Result<&'a str, String> {
        self.value.ok_or_else(|| format!("'{}' requires a value: {expected}", self.name))
    }

    fn invalid(&self, expected: &str) -> String {
        format!("the value of '{}' must be {expected}", self.name)
    }

    /// Returns `fault`, or an error if there is a value.
    pub(super) fn without_value<T>(&self, fault: T) -> Result<T, String> {
        if self.value.is_some() { Err(format!("'{}' takes no value", self.name)) } else { Ok(fault) }
    }

    pub(super) fn text(&self, expected: &str) -> Result<String, String> {
        self.value(expected).map(str::to_owned)
    }

    pub(super) fn parsed<T: FromStr>(&self, expected: &str) -> Result<T, String> {
        self.value(expected)?.parse().map_err(|_| self.invalid(expected))
    }

    pub(super) fn parsed_or<T: FromStr>(&self, default: T, expected: &str) -> Result<T, String> {
        if self.value.is_none() { Ok(default) } else { self.parsed(expected) }
    }

    pub(super) fn status(&self, default: Option<StatusCode>) -> Result<StatusCode, String> {
        match default {
            Some(status) if self.value.is_none() => Ok(status),
            _ => self.parsed("an HTTP status, such as 503"),
        }
    }

    pub(super) fn size(&self, default: Option<usize>) -> Result<usize, String> {
        match default {
            Some(size) if self.value.is_none() => Ok(size),
            _ => self.parsed("a number of bytes"),
        }
    }

    /// Returns the value as a share of all events.
    pub(super) fn share(&self) -> Result<Option<Share>, String> {
        const EXPECTED: &str = "a percentage above 0, such as 10%";
        let Some(value) = self.value else { return Ok(None) };
        let percent: Option<f64> = value.strip_suffix('%').and_then(|number| number.parse().ok());
        let percent = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0);
        percent.map(|percent| Some(Share(percent / 100.0))).ok_or_else(|| self.invalid(EXPECTED))
    }

    pub(super) fn duration(&self) -> Result<Duration, String> {
        const EXPECTED: &str = "a duration, such as 500ms";
        humantime::parse_duration(self.value(EXPECTED)?).map_err(|_| self.invalid(EXPECTED))
    }

    pub(super) fn duration_or(&self, default: Duration) -> Result<Duration, String> {
        if self.value.is_none() { Ok(default) } else { self.duration() }
    }

    pub(super) fn json(&self) -> Result<Value, String> {
        const EXPECTED: &str = "a JSON value";
        serde_json::from_str(self.value(EXPECTED)?).map_err(|_| self.invalid(EXPECTED))
    }

    /// Checks that no unknown option is left.
    pub(super) fn finish(self) -> Result<(), String> {
        match self.options.first() {
            None => Ok(()),
            Some((key, _)) => Err(format!("unknown option '{key}' of '{}:{}'", self.location, self.name)),
        }
    }
}

/// Splits at commas. A comma before a space belongs to the value, so that reasons and dates need no escapes.
fn split_at_commas(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, _) in text.match_indices(',').filter(|(index, _)| !text[index + 1..].starts_with(' ')) {
        parts.push(&text[start..index]);
        start = index + 1;
    }
    parts.push(&text[start..]);
    parts
}

fn split_at_equals(text: &str) -> (&str, Option<&str>) {
    text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value)))
}
