//! The grammar of faults: `place:fault[=value][,option=value…]`.

mod spec;

use std::str::FromStr;
use std::time::Duration;

use hyper::StatusCode;
use thiserror::Error;

use super::fault::{
    CallFault, Endpoint, Fault, FaultAction, NotificationFault, RequestFault, SocketFault, StatedWait, StreamFault,
    StreamShape,
};
use spec::FaultSpec;

/// The size of a huge body without a value.
const HUGE: usize = 64 << 20;

/// The size of a huge transcript without a value.
const HUGE_TRANSCRIPT: usize = 30_000_000;

/// The time between the announcement of a closing and the closing; the service uses about this long.
const CLOSING_NOTICE: Duration = Duration::from_secs(60);

const PLACES: &str = "token, handshake, socket, transcript, rest, channel, notify-handshake, notify, call, events";

/// The values of a shape.
const SHAPES: &str = "detail, notification or sqs";

/// A fault that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{spec}': {reason}")]
pub struct FaultError {
    spec: String,
    reason: String,
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(spec: &str) -> Result<Self, FaultError> {
        parse(spec).map_err(|reason| FaultError { spec: spec.to_owned(), reason })
    }
}

fn parse(text: &str) -> Result<Fault, String> {
    let unknown_place = |place: &str| format!("unknown place '{place}' [possible values: {PLACES}]");
    let (location, rest) = text.split_once(':').ok_or_else(|| unknown_place(text))?;
    let mut spec = FaultSpec::split(location, rest);
    let action = match location {
        "token" => FaultAction::Request(Endpoint::Token, request_fault(Endpoint::Token, &mut spec)?),
        "handshake" => {
            let endpoint = Endpoint::TranscriptHandshake;
            FaultAction::Request(endpoint, request_fault(endpoint, &mut spec)?)
        }
        "notify-handshake" => {
            let endpoint = Endpoint::NotificationHandshake;
            FaultAction::Request(endpoint, request_fault(endpoint, &mut spec)?)
        }
        "socket" => FaultAction::TranscriptSocket(socket_fault(&mut spec)?),
        "transcript" => transcript_fault(&spec)?,
        "rest" => rest_fault(&mut spec)?,
        "channel" => channel_fault(&mut spec)?,
        "call" => FaultAction::StoredTranscript(call_fault(&mut spec)?),
        "notify" => FaultAction::NotificationSocket(notification_fault(&mut spec)?),
        "events" => stream_fault(&spec)?,
        _ => return Err(unknown_place(location)),
    };
    let fault = Fault {
        after: spec.number("after")?.unwrap_or(0),
        skip: spec.number("skip")?.unwrap_or(0),
        times: spec.times(default_times(location, &action))?,
        conversation: spec.take("conversation").map(str::to_owned),
        path: spec.take("path").or(default_path(location, &action)).map(str::to_owned),
        action,
    };
    spec.finish()?;
    Ok(fault)
}

/// Returns how often a fault happens by default: once, or always if a single occurrence would have no effect.
fn default_times(location: &str, action: &FaultAction) -> Option<u64> {
    use FaultAction::{DenyPermission, NotificationSocket, RejectTopic, Request, TranscriptSocket};
    match action {
        TranscriptSocket(SocketFault::Replay) | DenyPermission(_) | RejectTopic(_) => None,
        NotificationSocket(NotificationFault::StatusUpdates | NotificationFault::Truncate(_)) => None,
        Request(_, RequestFault::LateBody(_) | RequestFault::NewestFirst | RequestFault::TextBody) => None,
        FaultAction::StoredTranscript(CallFault::ExpiredLink) => Some(1),
        FaultAction::StoredTranscript(_) | FaultAction::EventStream(_, Some(_)) => None,
        FaultAction::EventStream(StreamFault::Shape(_) | StreamFault::Concatenated, _) => None,
        _ if location == "transcript" => None,
        _ => Some(1),
    }
}

/// Returns the part of the path that a REST fault applies to by default.
fn default_path(location: &str, action: &FaultAction) -> Option<&'static str> {
    let FaultAction::Request(_, fault) = action else { return None };
    match fault {
        RequestFault::Omit(_) | RequestFault::NewestFirst => Some("/messages/bulk"),
        RequestFault::LateBody(_) | RequestFault::TextBody => Some("/conversations/messages/"),
        _ if location == "channel" => Some("/notifications/channels"),
        _ => None,
    }
}

/// The published API has no transcript path, and responds 404 before it looks at the token.
fn transcript_fault(spec: &FaultSpec<'_>) -> Result<FaultAction, String> {
    match spec.name {
        "absent" => {
            let status =
                RequestFault::Status { status: StatusCode::NOT_FOUND, wait: StatedWait::default(), body: None };
            spec.without_value(FaultAction::Request(Endpoint::TranscriptHandshake, status))
        }
        _ => Err(spec.unknown()),
    }
}

fn call_fault(spec: &mut FaultSpec<'_>) -> Result<CallFault, String> {
    Ok(match spec.name {
        "transcript-after" => CallFault::TranscriptAfter(spec.duration()?),
        "no-transcript" => spec.without_value(CallFault::NoTranscript)?,
        "expired-link" => spec.without_value(CallFault::ExpiredLink)?,
        "broken-transcript" => spec.without_value(CallFault::BrokenTranscript)?,
        "huge-transcript" => CallFault::HugeTranscript(spec.size(Some(HUGE_TRANSCRIPT))?),
        "redirected-transcript" => spec.without_value(CallFault::RedirectedTranscript)?,
        _ => return Err(spec.unknown()),
    })
}

fn stream_fault(spec: &FaultSpec<'_>) -> Result<FaultAction, String> {
    Ok(match spec.name {
        "duplicates" => FaultAction::EventStream(StreamFault::Duplicate, spec.share()?),
        "disorder" => FaultAction::EventStream(StreamFault::Disorder, spec.share()?),
        "malformed" => FaultAction::EventStream(StreamFault::Malformed, spec.share()?),
        "oversize" => FaultAction::EventStream(StreamFault::Oversize(spec.size(None)?), None),
        "stall" => FaultAction::EventStream(StreamFault::Stall(spec.duration()?), None),
        "concatenated" => spec.without_value(FaultAction::EventStream(StreamFault::Concatenated, None))?,
        "shape" => FaultAction::EventStream(StreamFault::Shape(spec.parsed(SHAPES)?), None),
        _ => return Err(spec.unknown()),
    })
}

impl FromStr for StreamShape {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "detail" => Ok(Self::Detail),
            "notification" => Ok(Self::Notification),
            "sqs" => Ok(Self::Sqs),
            _ => Err(()),
        }
    }
}

fn rest_fault(spec: &mut FaultSpec<'_>) -> Result<FaultAction, String> {
    Ok(match spec.name {
        "deny" => FaultAction::DenyPermission(spec.text("a permission")?),
        _ => FaultAction::Request(Endpoint::Rest, request_fault(Endpoint::Rest, spec)?),
    })
}

fn channel_fault(spec: &mut FaultSpec<'_>) -> Result<FaultAction, String> {
    Ok(match spec.name {
        "reject" => FaultAction::RejectTopic(spec.text("a part of a topic")?),
        "expire" => spec.without_value(FaultAction::NotificationSocket(NotificationFault::Expire))?,
        "evict" => spec.without_value(FaultAction::NotificationSocket(NotificationFault::Evict))?,
        _ => FaultAction::Request(Endpoint::Rest, request_fault(Endpoint::Rest, spec)?),
    })
}

fn request_fault(endpoint: Endpoint, spec: &mut FaultSpec<'_>) -> Result<RequestFault, String> {
    Ok(match (spec.name, endpoint) {
        ("status", _) => RequestFault::Status {
            status: spec.status(None)?,
            wait: spec.stated_wait()?,
            body: spec.take("body").map(str::to_owned),
        },
        ("slow", _) => RequestFault::Slow(spec.duration()?),
        ("redirect", Endpoint::Token) => RequestFault::Redirect(spec.status(Some(StatusCode::TEMPORARY_REDIRECT))?),
        ("redirect", _) => RequestFault::Redirect(spec.status(Some(StatusCode::FOUND))?),
        ("reset", _) => spec.without_value(RequestFault::Reset)?,
        ("forbidden-page", _) => spec.without_value(RequestFault::ForbiddenPage)?,
        ("hang", _) => spec.without_value(RequestFault::Hang)?,
        ("silence-all", _) => spec.without_value(RequestFault::SilenceAll)?,
        ("not-json", _) => spec.without_value(RequestFault::NotJson)?,
        ("huge", _) => RequestFault::Huge(spec.size(Some(HUGE))?),
        ("echo", _) => RequestFault::Echo(spec.status(Some(StatusCode::UNAUTHORIZED))?),
        ("garbage", Endpoint::Token) => spec.without_value(RequestFault::Garbage)?,
        ("expires-in", Endpoint::Token) => RequestFault::ExpiresIn(spec.json()?),
        ("unknown-for", Endpoint::Token) => RequestFault::UnknownFor(spec.duration()?),
        ("bad-accept", Endpoint::TranscriptHandshake | Endpoint::NotificationHandshake) => {
            spec.without_value(RequestFault::BadAccept)?
        }
        ("ok", Endpoint::TranscriptHandshake | Endpoint::NotificationHandshake) => {
            spec.without_value(RequestFault::Ok)?
        }
        ("empty", Endpoint::Rest) => spec.without_value(RequestFault::Empty)?,
        ("late-body", Endpoint::Rest) => RequestFault::LateBody(spec.duration()?),
        ("newest-first", Endpoint::Rest) => spec.without_value(RequestFault::NewestFirst)?,
        ("omit", Endpoint::Rest) => RequestFault::Omit(spec.parsed_or(1, "a whole number")?),
        ("textbody", Endpoint::Rest) => spec.without_value(RequestFault::TextBody)?,
        _ => return Err(spec.unknown()),
    })
}

fn socket_fault(spec: &mut FaultSpec<'_>) -> Result<SocketFault, String> {
    Ok(match spec.name {
        "close" => SocketFault::Close {
            code: spec.parsed("a close code, such as 1011")?,
            reason: spec.take("reason").unwrap_or_default().to_owned(),
        },
        "forbid" => spec.without_value(SocketFault::Close { code: 1008, reason: "token expired".to_owned() })?,
        "reset" => spec.without_value(SocketFault::Reset)?,
        "eof" => spec.without_value(SocketFault::Eof)?,
        "silence" | "half-open" => spec.without_value(SocketFault::Silence)?,
        "silence-all" => spec.without_value(SocketFault::SilenceAll)?,
        "deaf" => spec.without_value(SocketFault::Deaf)?,
        "no-close-answer" => spec.without_value(SocketFault::NoCloseAnswer)?,
        "replay" => spec.without_value(SocketFault::Replay)?,
        "duplicate" => spec.without_value(SocketFault::Duplicate)?,
        "no-id" => spec.without_value(SocketFault::NoId)?,
        "ping" => SocketFault::Ping(spec.duration()?),
        "binary" => spec.without_value(SocketFault::Binary)?,
        "fragmented" => spec.without_value(SocketFault::Fragmented)?,
        "malformed" => spec.without_value(SocketFault::Malformed)?,
        "binary-junk" => spec.without_value(SocketFault::BinaryJunk)?,
        "bad-utf8" => spec.without_value(SocketFault::BadUtf8)?,
        "reserved-bits" => spec.without_value(SocketFault::ReservedBits)?,
        "masked" => spec.without_value(SocketFault::Masked)?,
        "unknown-event" => spec.without_value(SocketFault::UnknownEvent)?,
        "odd-types" => spec.without_value(SocketFault::OddTypes)?,
        "oversize" => SocketFault::Oversize {
            bytes: spec.size(None)?,
            fragments: usize::try_from(spec.number("fragments")?.unwrap_or(1).max(1)).map_err(|e| e.to_string())?,
        },
        "burst" => SocketFault::Burst(spec.parsed("a whole number")?),
        _ => return Err(spec.unknown()),
    })
}

fn notification_fault(spec: &mut FaultSpec<'_>) -> Result<NotificationFault, String> {
    Ok(match spec.name {
        "socket_closing" => NotificationFault::SocketClosing(spec.duration_or(CLOSING_NOTICE)?),
        "no-heartbeat" => spec.without_value(NotificationFault::NoHeartbeat)?,
        "duplicate" => spec.without_value(NotificationFault::Duplicate)?,
        "reorder" => spec.without_value(NotificationFault::Reorder)?,
        "lose" => NotificationFault::Lose(spec.parsed_or(1, "a whole number")?),
        "revoke" => spec.without_value(NotificationFault::Revoke)?,
        "unknown" => spec.without_value(NotificationFault::Unknown)?,
        "status-updates" => spec.without_value(NotificationFault::StatusUpdates)?,
        "truncate" => NotificationFault::Truncate(spec.parsed("a whole number")?),
        "close" | "reset" | "eof" | "silence" | "half-open" | "silence-all" | "deaf" | "no-close-answer"
        | "malformed" | "binary-junk" | "bad-utf8" | "reserved-bits" | "masked" | "oversize" => {
            NotificationFault::Common(socket_fault(spec)?)
        }
        _ => return Err(spec.unknown()),
    })
}

#[cfg(test)]
mod tests;
