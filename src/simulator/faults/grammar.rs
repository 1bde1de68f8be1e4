//! `where:what[=value][,key=value…]`.

use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;
use thiserror::Error;

use super::{Endpoint, Fault, FaultAction, NotificationFault, RequestFault, RetryAfter, SocketFault};

/// What a body or a message is blown up to when no size is given.
const HUGE: usize = 64 << 20;

/// The service announces a closing about this long before.
const CLOSING_NOTICE: Duration = Duration::from_secs(60);

const PLACES: &str = "'token', 'handshake', 'socket', 'transcript', 'rest', 'channel' and 'notify'";

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
    let (place, rest) = spec.split_once(':').ok_or_else(|| format!("a fault begins with one of {PLACES}"))?;
    let mut words = FaultSpec::split(rest);
    let fault = match place {
        "token" => FaultAction::Request(Endpoint::Token, request_fault(Endpoint::Token, &mut words)?),
        "handshake" => FaultAction::Request(Endpoint::Handshake, request_fault(Endpoint::Handshake, &mut words)?),
        "socket" => FaultAction::Socket(socket_fault(&mut words)?),
        "transcript" => transcript_fault(&words)?,
        "rest" => rest_fault(&mut words)?,
        "channel" => channel_fault(&mut words)?,
        "notify" => FaultAction::Notify(notify_fault(&mut words)?),
        _ => return Err(format!("nothing goes wrong at '{place}', only at {PLACES}")),
    };
    let fault = Fault {
        after: words.number("after")?.unwrap_or(0),
        skip: words.number("skip")?.unwrap_or(0),
        times: words.times(usual_times(place, &fault))?,
        conversation: words.take("conversation").map(str::to_owned),
        path: words.take("path").or(usual_path(place, &fault)).map(str::to_owned),
        fault,
    };
    words.finish()?;
    Ok(fault)
}

/// Once, except for what is of no use when it happens once.
fn usual_times(place: &str, fault: &FaultAction) -> Option<u64> {
    match fault {
        FaultAction::Socket(SocketFault::Replay) | FaultAction::Deny(_) | FaultAction::Reject(_) => None,
        FaultAction::Notify(NotificationFault::StatusUpdates | NotificationFault::Truncate(_)) => None,
        FaultAction::Request(_, RequestFault::LateBody(_) | RequestFault::NewestFirst | RequestFault::TextBody) => None,
        _ if place == "transcript" => None,
        _ => Some(1),
    }
}

/// Where in the REST API it happens unless a path is given.
fn usual_path(place: &str, fault: &FaultAction) -> Option<&'static str> {
    match fault {
        FaultAction::Request(_, RequestFault::Omit(_) | RequestFault::NewestFirst) => Some("/messages/bulk"),
        FaultAction::Request(_, RequestFault::LateBody(_) | RequestFault::TextBody) => Some("/conversations/messages/"),
        FaultAction::Request(..) if place == "channel" => Some("/notifications/channels"),
        _ => None,
    }
}

/// The published API has no such path, and says so before it asks who is there.
fn transcript_fault(words: &FaultSpec<'_>) -> Result<FaultAction, String> {
    match words.what {
        "absent" => {
            let status = RequestFault::Status { status: StatusCode::NOT_FOUND, retry_after: None, body: None };
            words.bare(FaultAction::Request(Endpoint::Handshake, status))
        }
        what => Err(format!("there is no '{what}' here")),
    }
}

fn rest_fault(words: &mut FaultSpec<'_>) -> Result<FaultAction, String> {
    Ok(match words.what {
        "deny" => FaultAction::Deny(words.words("the name of a permission")?),
        _ => FaultAction::Request(Endpoint::Rest, request_fault(Endpoint::Rest, words)?),
    })
}

fn channel_fault(words: &mut FaultSpec<'_>) -> Result<FaultAction, String> {
    Ok(match words.what {
        "reject" => FaultAction::Reject(words.words("a part of a topic")?),
        "expire" => words.bare(FaultAction::Notify(NotificationFault::Expire))?,
        "evict" => words.bare(FaultAction::Notify(NotificationFault::Evict))?,
        _ => FaultAction::Request(Endpoint::Rest, request_fault(Endpoint::Rest, words)?),
    })
}

fn request_fault(place: Endpoint, words: &mut FaultSpec<'_>) -> Result<RequestFault, String> {
    Ok(match (words.what, place) {
        ("status", _) => RequestFault::Status {
            status: words.status(None)?,
            retry_after: words.retry_after()?,
            body: words.take("body").map(str::to_owned),
        },
        ("slow", _) => RequestFault::Slow(words.duration()?),
        ("redirect", Endpoint::Token) => RequestFault::Redirect(words.status(Some(StatusCode::TEMPORARY_REDIRECT))?),
        ("redirect", Endpoint::Handshake | Endpoint::Rest) => {
            RequestFault::Redirect(words.status(Some(StatusCode::FOUND))?)
        }
        ("reset", _) => words.bare(RequestFault::Reset)?,
        ("hang", _) => words.bare(RequestFault::Hang)?,
        ("not-json", _) => words.bare(RequestFault::NotJson)?,
        ("huge", _) => RequestFault::Huge(words.size(Some(HUGE))?),
        ("echo", _) => RequestFault::Echo(words.status(Some(StatusCode::UNAUTHORIZED))?),
        ("garbage", Endpoint::Token) => words.bare(RequestFault::Garbage)?,
        ("expires-in", Endpoint::Token) => RequestFault::ExpiresIn(words.json()?),
        ("bad-accept", Endpoint::Handshake) => words.bare(RequestFault::BadAccept)?,
        ("ok", Endpoint::Handshake) => words.bare(RequestFault::Ok)?,
        ("empty", Endpoint::Rest) => words.bare(RequestFault::Empty)?,
        ("late-body", Endpoint::Rest) => RequestFault::LateBody(words.duration()?),
        ("newest-first", Endpoint::Rest) => words.bare(RequestFault::NewestFirst)?,
        ("omit", Endpoint::Rest) => RequestFault::Omit(words.parsed_or(1, "a number of ids")?),
        ("textbody", Endpoint::Rest) => words.bare(RequestFault::TextBody)?,
        (what, _) => return Err(format!("there is no '{what}' here")),
    })
}

fn socket_fault(words: &mut FaultSpec<'_>) -> Result<SocketFault, String> {
    Ok(match words.what {
        "close" => SocketFault::Close {
            code: words.parsed("a close code")?,
            reason: words.take("reason").unwrap_or_default().to_owned(),
        },
        "forbid" => words.bare(SocketFault::Close { code: 1008, reason: "token expired".to_owned() })?,
        "reset" => words.bare(SocketFault::Reset)?,
        "eof" => words.bare(SocketFault::Eof)?,
        "silence" | "half-open" => words.bare(SocketFault::Silence)?,
        "deaf" => words.bare(SocketFault::Deaf)?,
        "no-close-answer" => words.bare(SocketFault::NoCloseAnswer)?,
        "replay" => words.bare(SocketFault::Replay)?,
        "duplicate" => words.bare(SocketFault::Duplicate)?,
        "no-id" => words.bare(SocketFault::NoId)?,
        "ping" => SocketFault::Ping(words.duration()?),
        "binary" => words.bare(SocketFault::Binary)?,
        "fragmented" => words.bare(SocketFault::Fragmented)?,
        "malformed" => words.bare(SocketFault::Malformed)?,
        "binary-junk" => words.bare(SocketFault::BinaryJunk)?,
        "bad-utf8" => words.bare(SocketFault::BadUtf8)?,
        "reserved-bits" => words.bare(SocketFault::ReservedBits)?,
        "masked" => words.bare(SocketFault::Masked)?,
        "unknown-event" => words.bare(SocketFault::UnknownEvent)?,
        "odd-types" => words.bare(SocketFault::OddTypes)?,
        "oversize" => SocketFault::Oversize {
            bytes: words.size(None)?,
            fragments: usize::try_from(words.number("fragments")?.unwrap_or(1).max(1)).map_err(|e| e.to_string())?,
        },
        "burst" => SocketFault::Burst(words.parsed("a number of messages")?),
        what => return Err(format!("there is no '{what}' here")),
    })
}

fn notify_fault(words: &mut FaultSpec<'_>) -> Result<NotificationFault, String> {
    Ok(match words.what {
        "socket_closing" => NotificationFault::SocketClosing(words.duration_or(CLOSING_NOTICE)?),
        "no-heartbeat" => words.bare(NotificationFault::NoHeartbeat)?,
        "duplicate" => words.bare(NotificationFault::Duplicate)?,
        "reorder" => words.bare(NotificationFault::Reorder)?,
        "lose" => NotificationFault::Lose(words.parsed_or(1, "a number of events")?),
        "revoke" => words.bare(NotificationFault::Revoke)?,
        "unknown" => words.bare(NotificationFault::Unknown)?,
        "status-updates" => words.bare(NotificationFault::StatusUpdates)?,
        "truncate" => NotificationFault::Truncate(words.parsed("a number of messages")?),
        "close" | "reset" | "eof" | "silence" | "half-open" | "deaf" | "no-close-answer" | "malformed"
        | "binary-junk" | "bad-utf8" | "reserved-bits" | "masked" | "oversize" => {
            NotificationFault::Common(socket_fault(words)?)
        }
        what => return Err(format!("there is no '{what}' here")),
    })
}

/// A specification behind its colon, taken apart.
pub(super) struct FaultSpec<'a> {
    pub(super) what: &'a str,
    value: Option<&'a str>,
    settings: Vec<(&'a str, &'a str)>,
}

impl<'a> FaultSpec<'a> {
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

    pub(super) fn bare<T>(&self, fault: T) -> Result<T, String> {
        if self.value.is_some() { Err(format!("'{}' takes no value", self.what)) } else { Ok(fault) }
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

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;

    fn fault(fault: FaultAction) -> Fault {
        Fault { fault, after: 0, skip: 0, times: Some(1), conversation: None, path: None }
    }

    fn token(fault: RequestFault) -> FaultAction {
        FaultAction::Request(Endpoint::Token, fault)
    }

    #[test]
    fn faults_mean_what_they_say() {
        let expires_in = token(RequestFault::ExpiresIn(json!("300")));
        let close = SocketFault::Close { code: 1011, reason: "going away, bye".to_owned() };
        let status =
            |retry_after, body| RequestFault::Status { status: StatusCode::SERVICE_UNAVAILABLE, retry_after, body };
        let dated = status(Some(RetryAfter::Date(Duration::from_secs(30))), None);
        let plain = status(Some(RetryAfter::Text("Wed, 21 Oct 2026 07:28:00 GMT".to_owned())), Some("busy".to_owned()));
        for (spec, wanted) in [
            ("token:expires-in=\"300\"", fault(expires_in)),
            ("token:status=503,retry-after=date+30,times=2", Fault { times: Some(2), ..fault(token(dated)) }),
            ("token:status=503,retry-after=Wed, 21 Oct 2026 07:28:00 GMT,body=busy", fault(token(plain))),
            ("token:redirect", fault(token(RequestFault::Redirect(StatusCode::TEMPORARY_REDIRECT)))),
            (
                "socket:close=1011,reason=going away, bye,after=5",
                Fault { after: 5, ..fault(FaultAction::Socket(close)) },
            ),
            (
                "socket:burst=10,times=always",
                Fault { times: None, ..fault(FaultAction::Socket(SocketFault::Burst(10))) },
            ),
            ("socket:replay", Fault { times: None, ..fault(FaultAction::Socket(SocketFault::Replay)) }),
            (
                "rest:omit=2",
                Fault {
                    path: Some("/messages/bulk".to_owned()),
                    ..fault(FaultAction::Request(Endpoint::Rest, RequestFault::Omit(2)))
                },
            ),
            ("notify:lose=2,after=1", Fault { after: 1, ..fault(FaultAction::Notify(NotificationFault::Lose(2))) }),
            ("notify:reset", fault(FaultAction::Notify(NotificationFault::Common(SocketFault::Reset)))),
            ("rest:deny=a:b:view", Fault { times: None, ..fault(FaultAction::Deny("a:b:view".to_owned())) }),
            ("socket:half-open,skip=1", Fault { skip: 1, ..fault(FaultAction::Socket(SocketFault::Silence)) }),
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
            ("rest:bad-accept", "no 'bad-accept'"),
            ("notify:burst=3", "no 'burst'"),
            ("transcript:present", "no 'present'"),
            ("rest:late-body", "needs a value: a duration"),
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
