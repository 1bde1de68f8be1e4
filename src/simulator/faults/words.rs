//! The words of one fault, taken one by one.

use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

use super::RetryAfter;

/// A specification behind its colon, taken apart.
pub(super) struct Words<'a> {
    pub(super) what: &'a str,
    value: Option<&'a str>,
    settings: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    pub(super) fn split(rest: &'a str) -> Self {
        let mut parts = split_at_commas(rest).into_iter();
        let (what, value) = pair(parts.next().unwrap_or_default());
        Self { what, value, settings: parts.map(pair).map(|(key, value)| (key, value.unwrap_or_default())).collect() }
    }

    pub(super) fn take(&mut self, key: &str) -> Option<&'a str> {
        let place = self.settings.iter().position(|(name, _)| *name == key)?;
        Some(self.settings.swap_remove(place).1)
    }

    pub(super) fn number(&mut self, key: &str) -> Result<Option<u64>, String> {
        self.take(key).map(|text| text.parse().map_err(|_| format!("{key}= needs a whole number"))).transpose()
    }

    pub(super) fn times(&mut self, usual: Option<u64>) -> Result<Option<u64>, String> {
        if self.take("always").is_some() {
            return Ok(None);
        }
        match self.take("times") {
            None => Ok(usual),
            Some("always") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| "times= needs a whole number or 'always'".to_owned()),
        }
    }

    pub(super) fn retry_after(&mut self) -> Result<Option<RetryAfter>, String> {
        let Some(text) = self.take("retry-after") else { return Ok(None) };
        match text.strip_prefix("date+") {
            None => Ok(Some(RetryAfter::Text(text.to_owned()))),
            Some(ahead) => match ahead.parse() {
                Ok(seconds) => Ok(Some(RetryAfter::Date(Duration::from_secs(seconds)))),
                Err(_) => Err("retry-after=date+ needs whole seconds".to_owned()),
            },
        }
    }

    fn value(&self, meaning: &str) -> Result<&'a str, String> {
        self.value.ok_or_else(|| format!("'{}' needs a value: {meaning}", self.what))
    }

    pub(super) fn parsed<T: FromStr>(&self, meaning: &str) -> Result<T, String> {
        self.value(meaning)?.parse().map_err(|_| format!("'{}' needs {meaning}", self.what))
    }

    pub(super) fn bare<T>(&self, trick: T) -> Result<T, String> {
        if self.value.is_some() { Err(format!("'{}' takes no value", self.what)) } else { Ok(trick) }
    }

    pub(super) fn status(&self, usual: Option<StatusCode>) -> Result<StatusCode, String> {
        match usual {
            Some(status) if self.value.is_none() => Ok(status),
            _ => self.parsed("an HTTP status"),
        }
    }

    pub(super) fn size(&self, usual: Option<usize>) -> Result<usize, String> {
        match usual {
            Some(size) if self.value.is_none() => Ok(size),
            _ => self.parsed("a number of bytes"),
        }
    }

    pub(super) fn duration(&self) -> Result<Duration, String> {
        let text = self.value("a duration such as 500ms")?;
        humantime::parse_duration(text).map_err(|_| format!("'{}' needs a duration such as 500ms", self.what))
    }

    pub(super) fn duration_or(&self, usual: Duration) -> Result<Duration, String> {
        if self.value.is_none() { Ok(usual) } else { self.duration() }
    }

    pub(super) fn parsed_or<T: FromStr>(&self, usual: T, meaning: &str) -> Result<T, String> {
        if self.value.is_none() { Ok(usual) } else { self.parsed(meaning) }
    }

    pub(super) fn words(&self, meaning: &str) -> Result<String, String> {
        self.value(meaning).map(str::to_owned)
    }

    pub(super) fn json(&self) -> Result<Value, String> {
        serde_json::from_str(self.value("a JSON value")?).map_err(|_| format!("'{}' needs a JSON value", self.what))
    }

    pub(super) fn finish(self) -> Result<(), String> {
        match self.settings.first() {
            None => Ok(()),
            Some((key, _)) => Err(format!("'{}' has no '{key}'", self.what)),
        }
    }
}

/// A comma before a space belongs to the value, so that reasons and dates can be written as they are.
fn split_at_commas(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(',').filter(|(at, _)| !text[at + 1..].starts_with(' ')) {
        parts.push(&text[start..at]);
        start = at + 1;
    }
    parts.push(&text[start..]);
    parts
}

fn pair(text: &str) -> (&str, Option<&str>) {
    text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value)))
}
