//! The kinds of faults.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;

/// A fault, made by parsing, such as `"socket:reset,after=3".parse()`. See [`fault_help`](super::fault_help).
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub(super) action: FaultAction,
    /// The number of requests to let through, or of frames to send on a connection, before it happens.
    pub(super) after: u64,
    /// The number of connections to exempt before it happens to one.
    pub(super) skip: u64,
    /// The number of times it happens in the life of the process; `None` is always.
    pub(super) times: Option<u64>,
    /// The only conversation it applies to.
    pub(super) conversation: Option<String>,
    /// A part of the method and path of the only requests it applies to.
    pub(super) path: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum FaultAction {
    Request(Endpoint, RequestFault),
    TranscriptSocket(SocketFault),
    NotificationSocket(NotificationFault),
    DenyPermission(String),
    /// Rejects every topic that contains this text.
    RejectTopic(String),
    StoredTranscript(CallFault),
    /// Happens to this share of the events if there is one, and otherwise to the next event.
    EventStream(StreamFault, Option<Share>),
}

/// A fault of the event stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum StreamFault {
    /// The event is repeated after the next one of its conversation.
    Duplicate,
    /// The event follows the next one of its conversation.
    Disorder,
    /// An incomplete line precedes the event.
    Malformed,
    /// An event of about this many bytes precedes the event.
    Oversize(usize),
    /// The stream pauses before the event.
    Stall(Duration),
    /// No line break follows the event.
    Concatenated,
    Shape(StreamShape),
}

/// The shape of an event in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamShape {
    /// The envelope of EventBridge.
    Envelope,
    /// The `detail` of the envelope.
    Detail,
    /// A notification, as on a WebSocket.
    Notification,
    /// An SQS message whose `Body` is the envelope.
    Sqs,
}

/// A part of all events, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

/// A fault of the stored transcript of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CallFault {
    /// The transcript is available this long after the call.
    TranscriptAfter(Duration),
    NoTranscript,
    ExpiredLink,
    BrokenTranscript,
    /// The file has about this many bytes.
    HugeTranscript(usize),
    /// The link leads to another scheme.
    RedirectedTranscript,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Token,
    TranscriptHandshake,
    NotificationHandshake,
    Rest,
}

/// A fault of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RequestFault {
    Slow(Duration),
    Status {
        status: StatusCode,
        wait: StatedWait,
        body: Option<String>,
    },
    /// A 403 of a firewall or proxy: an HTML page in place of an error object.
    ForbiddenPage,
    Redirect(StatusCode),
    Reset,
    Hang,
    /// No response, on this connection and on every other open one.
    SilenceAll,
    NotJson,
    Huge(usize),
    Echo(StatusCode),
    /// A success that lacks the token.
    Garbage,
    /// A token with this value as its lifetime.
    ExpiresIn(Value),
    /// A token that every other endpoint answers with 401 for this long.
    UnknownFor(Duration),
    /// An upgrade with the wrong `Sec-WebSocket-Accept`.
    BadAccept,
    /// A success in place of an upgrade.
    Ok,
    /// A success without a body.
    Empty,
    // Changes of the regular response:
    /// A message body cannot be read until the message is this old.
    LateBody(Duration),
    NewestFirst,
    /// This many of the requested ids are missing.
    Omit(usize),
    /// The text is in the field that was used before normalized messages.
    TextBody,
}

/// The wait that an error states, in up to three places.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StatedWait {
    /// The header `Retry-After`.
    pub(crate) retry_after: Option<RetryAfter>,
    /// The seconds in the header `inin-ratelimit-reset`.
    pub(crate) ratelimit_reset: Option<u64>,
    /// The seconds in the message of the body.
    pub(crate) in_body: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RetryAfter {
    /// Seconds or any other text, sent verbatim.
    Text(String),
    /// An HTTP date this far ahead.
    Date(Duration),
}

/// A fault of an open transcript socket; some apply to notification sockets, too.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SocketFault {
    // Ends of the connection:
    Close {
        code: u16,
        reason: String,
    },
    Reset,
    Eof,
    // Lasting behavior of the connection:
    Silence,
    /// The silence of every open connection, of HTTP too.
    SilenceAll,
    Deaf,
    NoCloseAnswer,
    Replay,
    Duplicate,
    NoId,
    Ping(Duration),
    // Form of the next message:
    Binary,
    Fragmented,
    // Extra frames:
    Malformed,
    BinaryJunk,
    BadUtf8,
    ReservedBits,
    Masked,
    UnknownEvent,
    OddTypes,
    Oversize {
        bytes: usize,
        fragments: usize,
    },
    Burst(u64),
}

/// A fault of an open notification socket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NotificationFault {
    /// A fault that both kinds of sockets have.
    Common(SocketFault),
    /// A closing that is announced this long before.
    SocketClosing(Duration),
    // Lasting behavior of the connection:
    NoHeartbeat,
    Duplicate,
    // Handling of the next events:
    Reorder,
    Lose(u64),
    // Extra frames:
    Unknown,
    // Loss of the channel or its token:
    Expire,
    Evict,
    Revoke,
    // Contents of all events, independent of the socket:
    StatusUpdates,
    Truncate(usize),
}

impl RequestFault {
    /// Returns whether this fault replaces the regular response, rather than delaying or changing it.
    pub(super) fn replaces_response(&self) -> bool {
        !matches!(
            self,
            Self::Slow(_)
                | Self::UnknownFor(_)
                | Self::LateBody(_)
                | Self::NewestFirst
                | Self::Omit(_)
                | Self::TextBody
        )
    }
}

impl Fault {
    pub(crate) fn into_socket_fault(self) -> Option<SocketFault> {
        match self.action {
            FaultAction::TranscriptSocket(fault) => Some(fault),
            _ => None,
        }
    }

    pub(crate) fn into_notification_fault(self) -> Option<NotificationFault> {
        match self.action {
            FaultAction::NotificationSocket(fault) => Some(fault),
            _ => None,
        }
    }
}
