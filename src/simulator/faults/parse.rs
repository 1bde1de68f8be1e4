//! `where:what[=value][,key=value…]`.

use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;
use thiserror::Error;

use super::{Fault, Place, RequestTrick, RetryAfter, SocketTrick, Trick};

/// What a body or a message is blown up to when no size is given.
const HUGE: usize = 64 << 20;

/// A fault that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("fault '{spec}': {what}")]
pub struct FaultError {
    spec: String,
    what: String,
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(spec: &str) -> Result<Self, FaultError> {
        parse(spec).map_err(|what| FaultError { spec: spec.to_owned(), what })
    }
}

fn parse(spec: &str) -> Result<Fault, String> {
    let (place, rest) = spec.split_once(':').ok_or("a fault begins with 'token:', 'handshake:' or 'socket:'")?;
    let mut words = Words::split(rest);
    let trick = match place {
        "token" => Trick::Request(Place::Token, request_trick(Place::Token, &mut words)?),
        "handshake" => Trick::Request(Place::Handshake, request_trick(Place::Handshake, &mut words)?),
        "socket" => Trick::Socket(socket_trick(&mut words)?),
        _ => return Err(format!("nothing goes wrong at '{place}', only at 'token', 'handshake' and 'socket'")),
    };
    let fault = Fault {
        after: words.number("after")?.unwrap_or(0),
        skip: words.number("skip")?.unwrap_or(0),
        times: words.times(usual_times(&trick))?,
        conversation: words.take("conversation").map(str::to_owned),
        trick,
    };
    words.finish()?;
    Ok(fault)
}

/// Once, except that a backlog is of no use to the first connection.
fn usual_times(trick: &Trick) -> Option<u64> {
    if matches!(trick, Trick::Socket(SocketTrick::Replay)) { None } else { Some(1) }
}

fn request_trick(place: Place, words: &mut Words<'_>) -> Result<RequestTrick, String> {
    Ok(match (words.what, place) {
        ("status", _) => RequestTrick::Status {
            status: words.status(None)?,
            retry_after: words.retry_after()?,
            body: words.take("body").map(str::to_owned),
        },
        ("slow", _) => RequestTrick::Slow(words.duration()?),
        ("redirect", Place::Token) => RequestTrick::Redirect(words.status(Some(StatusCode::TEMPORARY_REDIRECT))?),
        ("redirect", Place::Handshake) => RequestTrick::Redirect(words.status(Some(StatusCode::FOUND))?),
        ("reset", _) => words.bare(RequestTrick::Reset)?,
        ("hang", _) => words.bare(RequestTrick::Hang)?,
        ("not-json", _) => words.bare(RequestTrick::NotJson)?,
        ("huge", _) => RequestTrick::Huge(words.size(Some(HUGE))?),
        ("echo", _) => RequestTrick::Echo(words.status(Some(StatusCode::UNAUTHORIZED))?),
        ("garbage", Place::Token) => words.bare(RequestTrick::Garbage)?,
        ("expires-in", Place::Token) => RequestTrick::ExpiresIn(words.json()?),
        ("bad-accept", Place::Handshake) => words.bare(RequestTrick::BadAccept)?,
        ("ok", Place::Handshake) => words.bare(RequestTrick::Ok)?,
        (what, _) => return Err(format!("there is no '{what}' here")),
    })
}

fn socket_trick(words: &mut Words<'_>) -> Result<SocketTrick, String> {
    Ok(match words.what {
        "close" => SocketTrick::Close {
            code: words.parsed("a close code")?,
            reason: words.take("reason").unwrap_or_default().to_owned(),
        },
        "forbid" => words.bare(SocketTrick::Close { code: 1008, reason: "token expired".to_owned() })?,
        "reset" => words.bare(SocketTrick::Reset)?,
        "eof" => words.bare(SocketTrick::Eof)?,
        "silence" | "half-open" => words.bare(SocketTrick::Silence)?,
        "deaf" => words.bare(SocketTrick::Deaf)?,
        "no-close-answer" => words.bare(SocketTrick::NoCloseAnswer)?,
        "replay" => words.bare(SocketTrick::Replay)?,
        "duplicate" => words.bare(SocketTrick::Duplicate)?,
        "no-id" => words.bare(SocketTrick::NoId)?,
        "ping" => SocketTrick::Ping(words.duration()?),
        "binary" => words.bare(SocketTrick::Binary)?,
        "fragmented" => words.bare(SocketTrick::Fragmented)?,
        "malformed" => words.bare(SocketTrick::Malformed)?,
        "binary-junk" => words.bare(SocketTrick::BinaryJunk)?,
        "bad-utf8" => words.bare(SocketTrick::BadUtf8)?,
        "reserved-bits" => words.bare(SocketTrick::ReservedBits)?,
        "masked" => words.bare(SocketTrick::Masked)?,
        "unknown-event" => words.bare(SocketTrick::UnknownEvent)?,
        "odd-types" => words.bare(SocketTrick::OddTypes)?,
        "oversize" => SocketTrick::Oversize {
            bytes: words.size(None)?,
            fragments: usize::try_from(words.number("fragments")?.unwrap_or(1).max(1)).map_err(|e| e.to_string())?,
        },
        "burst" => SocketTrick::Burst(words.parsed("a number of messages")?),
        what => return Err(format!("there is no '{what}' here")),
    })
}

/// A specification behind its colon, taken apart.
struct Words<'a> {
    what: &'a str,
    value: Option<&'a str>,
    settings: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    fn split(rest: &'a str) -> Self {
        let mut parts = split_at_commas(rest).into_iter();
        let (what, value) = pair(parts.next().unwrap_or_default());
        Self { what, value, settings: parts.map(pair).map(|(key, value)| (key, value.unwrap_or_default())).collect() }
    }

    fn take(&mut self, key: &str) -> Option<&'a str> {
        let place = self.settings.iter().position(|(name, _)| *name == key)?;
        Some(self.settings.swap_remove(place).1)
    }

    fn number(&mut self, key: &str) -> Result<Option<u64>, String> {
        self.take(key).map(|text| text.parse().map_err(|_| format!("{key}= needs a whole number"))).transpose()
    }

    fn times(&mut self, usual: Option<u64>) -> Result<Option<u64>, String> {
        if self.take("always").is_some() {
            return Ok(None);
        }
        match self.take("times") {
            None => Ok(usual),
            Some("always") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| "times= needs a whole number or 'always'".to_owned()),
        }
    }

    fn retry_after(&mut self) -> Result<Option<RetryAfter>, String> {
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

    fn parsed<T: FromStr>(&self, meaning: &str) -> Result<T, String> {
        self.value(meaning)?.parse().map_err(|_| format!("'{}' needs {meaning}", self.what))
    }

    fn bare<T>(&self, trick: T) -> Result<T, String> {
        if self.value.is_some() { Err(format!("'{}' takes no value", self.what)) } else { Ok(trick) }
    }

    fn status(&self, usual: Option<StatusCode>) -> Result<StatusCode, String> {
        match usual {
            Some(status) if self.value.is_none() => Ok(status),
            _ => self.parsed("an HTTP status"),
        }
    }

    fn size(&self, usual: Option<usize>) -> Result<usize, String> {
        match usual {
            Some(size) if self.value.is_none() => Ok(size),
            _ => self.parsed("a number of bytes"),
        }
    }

    fn duration(&self) -> Result<Duration, String> {
        let text = self.value("a duration such as 500ms")?;
        humantime::parse_duration(text).map_err(|_| format!("'{}' needs a duration such as 500ms", self.what))
    }

    fn json(&self) -> Result<Value, String> {
        serde_json::from_str(self.value("a JSON value")?).map_err(|_| format!("'{}' needs a JSON value", self.what))
    }

    fn finish(self) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(trick: Trick) -> Fault {
        Fault { trick, after: 0, skip: 0, times: Some(1), conversation: None }
    }

    fn token(trick: RequestTrick) -> Trick {
        Trick::Request(Place::Token, trick)
    }

    #[test]
    fn faults_mean_what_they_say() {
        let expires_in = token(RequestTrick::ExpiresIn(json!("300")));
        let close = SocketTrick::Close { code: 1011, reason: "going away, bye".to_owned() };
        let status =
            |retry_after, body| RequestTrick::Status { status: StatusCode::SERVICE_UNAVAILABLE, retry_after, body };
        let dated = status(Some(RetryAfter::Date(Duration::from_secs(30))), None);
        let plain = status(Some(RetryAfter::Text("Wed, 21 Oct 2026 07:28:00 GMT".to_owned())), Some("busy".to_owned()));
        for (spec, wanted) in [
            ("token:expires-in=\"300\"", fault(expires_in)),
            ("token:status=503,retry-after=date+30,times=2", Fault { times: Some(2), ..fault(token(dated)) }),
            ("token:status=503,retry-after=Wed, 21 Oct 2026 07:28:00 GMT,body=busy", fault(token(plain))),
            ("token:redirect", fault(token(RequestTrick::Redirect(StatusCode::TEMPORARY_REDIRECT)))),
            ("socket:close=1011,reason=going away, bye,after=5", Fault { after: 5, ..fault(Trick::Socket(close)) }),
            ("socket:burst=10,times=always", Fault { times: None, ..fault(Trick::Socket(SocketTrick::Burst(10))) }),
            ("socket:replay", Fault { times: None, ..fault(Trick::Socket(SocketTrick::Replay)) }),
            ("socket:half-open,skip=1", Fault { skip: 1, ..fault(Trick::Socket(SocketTrick::Silence)) }),
        ] {
            assert_eq!(spec.parse(), Ok(wanted), "{spec}");
        }
    }

    #[test]
    fn what_is_no_fault_is_refused_with_the_reason() {
        for (spec, reason) in [
            ("reset", "begins with"),
            ("moon:reset", "nothing goes wrong at 'moon'"),
            ("token:bad-accept", "no 'bad-accept'"),
            ("handshake:expires-in=3", "no 'expires-in'"),
            ("socket:reset=3", "takes no value"),
            ("socket:close", "needs a value: a close code"),
            ("socket:close=99999", "needs a close code"),
            ("socket:ping=often", "a duration"),
            ("socket:reset,afer=3", "has no 'afer'"),
            ("socket:reset,after=x", "whole number"),
            ("token:status=9999", "an HTTP status"),
            ("token:expires-in={", "a JSON value"),
        ] {
            let error = spec.parse::<Fault>().expect_err(spec).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
