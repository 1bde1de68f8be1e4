//! What can go wrong, and when.
//!
//! A fault is written `where:what[=value][,key=value…]`. The list for people is [`fault_help`]; the grammar is in
//! `grammar`, the accounts of what still has to happen in `schedule`, the answers in place of the real ones in `responses`.

mod grammar;
mod help;
mod responses;
mod schedule;

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

pub use grammar::FaultError;
pub use help::fault_help;
pub(crate) use responses::{RequestContext, answer};
pub(crate) use schedule::{FaultSchedule, PendingFault};

/// One thing that goes wrong; made by parsing, such as `"socket:reset,after=3".parse()`. See [`fault_help`].
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    fault: FaultAction,
    /// Requests to let through, or frames of a connection to send, before it happens.
    after: u64,
    /// Connections to leave alone before it happens to one.
    skip: u64,
    /// How often it happens in the life of the process; `None` is always.
    times: Option<u64>,
    /// The only conversation it happens to.
    conversation: Option<String>,
    /// A part of the method and path of the only requests it happens to.
    path: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum FaultAction {
    Request(Endpoint, RequestFault),
    Socket(SocketFault),
    Notify(NotificationFault),
    /// This permission is not granted.
    Deny(String),
    /// A topic with this in its name is refused.
    Reject(String),
}

/// Where a request comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Token,
    Handshake,
    Rest,
}

/// What can happen to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RequestFault {
    Slow(Duration),
    Status {
        status: StatusCode,
        retry_after: Option<RetryAfter>,
        body: Option<String>,
    },
    Redirect(StatusCode),
    Reset,
    Hang,
    NotJson,
    Huge(usize),
    Echo(StatusCode),
    /// A success that lacks the token.
    Garbage,
    /// A token with this in the place of its lifetime.
    ExpiresIn(Value),
    /// An upgrade with the wrong `Sec-WebSocket-Accept`.
    BadAccept,
    /// A success where an upgrade belongs.
    Ok,
    /// A success without a body.
    Empty,
    // What the real answer is like.
    /// A body cannot be read until its message is this old.
    LateBody(Duration),
    NewestFirst,
    /// So many of the ids asked for are missing.
    Omit(usize),
    /// The text where it was before there were normalized messages.
    TextBody,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RetryAfter {
    /// Seconds, or whatever else was asked for, as it is.
    Text(String),
    /// The date this far ahead, in the form of HTTP.
    Date(Duration),
}

/// What can happen on an open socket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SocketFault {
    // The end of the connection, one way or another.
    Close { code: u16, reason: String },
    Reset,
    Eof,
    // What the connection is like from then on.
    Silence,
    Deaf,
    NoCloseAnswer,
    Replay,
    Duplicate,
    NoId,
    Ping(Duration),
    // What the next message is like.
    Binary,
    Fragmented,
    // What is sent out of turn.
    Malformed,
    BinaryJunk,
    BadUtf8,
    ReservedBits,
    Masked,
    UnknownEvent,
    OddTypes,
    Oversize { bytes: usize, fragments: usize },
    Burst(u64),
}

/// What can happen on an open notification socket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NotificationFault {
    /// What can happen on the other kind as well.
    Common(SocketFault),
    /// A closing is announced this long before it happens.
    SocketClosing(Duration),
    // What the connection is like from then on.
    NoHeartbeat,
    Duplicate,
    // What becomes of the next events.
    Reorder,
    Lose(u64),
    // What is sent out of turn.
    Unknown,
    // What becomes of the channel or its token.
    Expire,
    Evict,
    Revoke,
    // What the world is like, whoever listens.
    StatusUpdates,
    Truncate(usize),
}

impl RequestFault {
    /// Whether the real answer is given all the same.
    fn keeps_response(&self) -> bool {
        matches!(self, Self::Slow(_) | Self::LateBody(_) | Self::NewestFirst | Self::Omit(_) | Self::TextBody)
    }
}

impl Fault {
    /// The trick, of a fault that happens on sockets.
    pub(crate) fn into_socket_fault(self) -> Option<SocketFault> {
        match self.fault {
            FaultAction::Socket(fault) => Some(fault),
            _ => None,
        }
    }

    /// The trick, of a fault that happens on notification sockets.
    pub(crate) fn into_notification_fault(self) -> Option<NotificationFault> {
        match self.fault {
            FaultAction::Notify(fault) => Some(fault),
            _ => None,
        }
    }
}
