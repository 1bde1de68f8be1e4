//! Errors of a source: their classification, whether to retry, and hints.

use std::time::Duration;

use super::name_error::NameError;
use crate::api::error_body::ErrorBody;
use crate::api::hints::{
    ASK_PERMISSION, GRANT_PERMISSION, SAME_REGION, UNEXPECTED_RESPONSE, after_unavailable, is_rate_limit,
};
use crate::api::http_error::HttpError;
use crate::api::oauth::AuthError;
use crate::api::rest::RestError;
use crate::api::websocket::{CloseReason, HandshakeError};
use crate::config::Target;
use crate::decision::{Action, Before, Request, ResponseKind, decide};
use crate::exit_code::ErrorClass;
use crate::tracker::NOT_AVAILABLE;

/// A source that could not connect, or whose connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    /// There was no response.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// No token could be obtained.
    #[error(transparent)]
    Auth(AuthError),
    /// The server refused two tokens in a row.
    #[error("{host} rejected a new token: {body}")]
    Unauthorized { host: String, body: ErrorBody },
    /// The OAuth client lacks the permission to read the conversation.
    #[error("permission denied by {host}: {body}")]
    Forbidden { host: String, body: ErrorBody },
    /// The conversation does not exist, or no longer.
    #[error("conversation {conversation} not found at {host}: {body}")]
    NoConversation { host: String, conversation: String, body: ErrorBody },
    /// The queue or user does not exist.
    #[error("{target} not found at {host}: {body}")]
    NoTarget { host: String, target: Box<Target>, body: ErrorBody },
    /// The name of a queue or user cannot be followed.
    #[error(transparent)]
    Name(#[from] Box<NameError>),
    /// The transcript socket of the conversation does not exist: the conversation or the endpoint is missing.
    #[error("conversation {conversation} not found at {host}: {body}")]
    NoTranscript { host: String, conversation: String, body: ErrorBody },
    /// The stored transcript of a call does not exist, or not yet.
    #[error("{NOT_AVAILABLE}")]
    NoCallTranscript,
    /// The OAuth client lacks a permission to read the stored transcript of a call.
    #[error("permission denied by {host} for the transcript of the call: {body}")]
    CallTranscriptForbidden { host: String, body: ErrorBody },
    /// The stored transcript of a call cannot be downloaded or read.
    #[error("unexpected response from {host}: {reason}")]
    UnusableCallTranscript { host: String, reason: String },
    /// The server is overloaded, down, or limits requests.
    #[error("{host} is temporarily unavailable: {body}")]
    Unavailable { host: String, body: ErrorBody },
    /// The server has no transcript endpoint. `status` is that of a rejected handshake.
    #[error("unexpected response from {host} to the WebSocket handshake: {reason}")]
    UnexpectedResponse { host: String, reason: String, status: Option<u16> },
    /// The server is not the Genesys Cloud API.
    #[error("unexpected response from {host}: {reason}")]
    NotGenesysCloud { host: String, reason: String },
    /// The server refuses the socket of the notification channel.
    #[error("{host} rejected the WebSocket handshake: {body}")]
    ChannelSocketRefused { host: String, body: ErrorBody },
    /// Both the transcript socket and the notifications are refused.
    #[error("{notifications}; transcript socket: {}", transcript.brief())]
    BothSourcesRefused { transcript: Box<SourceError>, notifications: Box<SourceError> },
    /// The transcript socket was open and has ended.
    #[error(transparent)]
    ClosedByServer(#[from] CloseReason),
    /// The notification socket was open and has ended. This says nothing about the conversations.
    #[error(transparent)]
    ConnectionLost(CloseReason),
    /// The notification channel no longer exists.
    #[error("notification channel lost: {0}")]
    ChannelLost(String),
}

/// The time of the next attempt after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Never: a refusal without an earlier success.
    Never,
    /// After a backoff. A refusal after a success is an outage that ends with its own exit code (CONN-20).
    AfterRefusal,
    /// The server closed the connection in good order. The user decides whether to reconnect.
    ClosedByServer,
    /// Without a delay: the outage is already over.
    Immediately,
    /// After a backoff, of at least the delay that the server asked for.
    After(Option<Duration>),
}

impl From<AuthError> for SourceError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Http(error) => Self::Http(error),
            error => Self::Auth(error),
        }
    }
}

impl From<NameError> for SourceError {
    fn from(error: NameError) -> Self {
        Self::Name(Box::new(error))
    }
}

impl SourceError {
    /// Converts the error of a REST call about `conversation`.
    pub(crate) fn from_rest(error: RestError, conversation: &str) -> Self {
        match error {
            RestError::Http(error) => Self::Http(error),
            RestError::Auth(error) => error.into(),
            RestError::Unauthorized { host, body } => Self::Unauthorized { host, body },
            RestError::Forbidden { host, body } => Self::Forbidden { host, body },
            RestError::NotFound { host, body } => {
                Self::NoConversation { host, conversation: conversation.to_owned(), body }
            }
            RestError::Unavailable { host, body } => Self::Unavailable { host, body },
            RestError::UnexpectedResponse { host, reason } => Self::NotGenesysCloud { host, reason },
        }
    }

    /// Converts the error of the request for the stored transcript of a call.
    pub(crate) fn from_call_transcript(error: RestError, conversation: &str) -> Self {
        match error {
            RestError::NotFound { .. } => Self::NoCallTranscript,
            RestError::Forbidden { host, body } => Self::CallTranscriptForbidden { host, body },
            RestError::UnexpectedResponse { host, reason } => Self::UnusableCallTranscript { host, reason },
            error => Self::from_rest(error, conversation),
        }
    }

    /// Converts the error of the look-up of a queue or user.
    pub(crate) fn from_target_lookup(error: RestError, target: &Target) -> Self {
        match error {
            RestError::NotFound { host, body } => Self::NoTarget { host, target: Box::new(target.clone()), body },
            error => Self::from_rest(error, ""),
        }
    }

    /// Converts the error of the transcript handshake for `conversation` (CONN-10 to CONN-17).
    pub(crate) fn from_handshake(error: HandshakeError, conversation: &str) -> Self {
        let (host, body) = match error {
            HandshakeError::Http(error) => return Self::Http(error),
            HandshakeError::Invalid { host, reason } => {
                return Self::UnexpectedResponse { host, reason, status: None };
            }
            HandshakeError::Rejected { host, body } => (host, body),
        };
        match body.response_kind() {
            ResponseKind::Unauthorized => Self::Unauthorized { host, body },
            ResponseKind::Forbidden => Self::Forbidden { host, body },
            ResponseKind::Missing => Self::NoTranscript { host, conversation: conversation.to_owned(), body },
            ResponseKind::Unavailable => Self::Unavailable { host, body },
            _ => Self::UnexpectedResponse { host, reason: body.to_string(), status: Some(body.status.as_u16()) },
        }
    }

    /// Converts the error of the handshake of the notification channel (CONN-11, CONN-17, CONN-43).
    pub(crate) fn from_channel_handshake(error: HandshakeError) -> Self {
        let (host, body) = match error {
            HandshakeError::Http(error) => return Self::Http(error),
            HandshakeError::Invalid { host, reason } => {
                return Self::UnexpectedResponse { host, reason, status: None };
            }
            HandshakeError::Rejected { host, body } => (host, body),
        };
        match body.response_kind() {
            ResponseKind::Missing => Self::unknown_channel(&host),
            ResponseKind::Unavailable => Self::Unavailable { host, body },
            _ => Self::ChannelSocketRefused { host, body },
        }
    }

    /// Returns the error about a channel that is unknown right after its creation.
    pub(super) fn unknown_channel(host: &str) -> Self {
        Self::ChannelLost(format!("{host} does not know the channel that it just created"))
    }

    /// Returns whether the socket of another channel may open.
    pub(super) fn needs_new_channel(&self) -> bool {
        let action = |body: &ErrorBody| decide(Request::ChannelSocket, body.response_kind(), Before::new(false));
        match self {
            Self::ChannelLost(_) => true,
            Self::ChannelSocketRefused { body, .. } => action(body) == Action::NewChannel,
            _ => false,
        }
    }

    /// Adds the earlier refusal of the transcript socket, unless it is the usual one (SRC-6, SRC-7).
    pub(crate) fn with_transcript_refusal(self, transcript: SourceError) -> Self {
        match self {
            both @ Self::BothSourcesRefused { .. } => both,
            this if transcript.is_usual_refusal() => this,
            this => Self::BothSourcesRefused { transcript: Box::new(transcript), notifications: Box::new(this) },
        }
    }

    /// Returns whether the API has no transcript socket, so that notifications may work instead.
    pub(crate) fn is_without_transcript_socket(&self) -> bool {
        let answer = unexpected_response_kind(self.handshake_status());
        matches!(decide(Request::Handshake, answer, Before::new(false)), Action::FallBack(_))
    }

    /// Returns whether this is the answer of an ordinary organization, which has no transcript socket.
    pub(crate) fn is_usual_refusal(&self) -> bool {
        self.handshake_status() == Some(404)
    }

    /// Returns the status of a handshake that found no conversation or no transcript endpoint.
    pub(crate) fn handshake_status(&self) -> Option<u16> {
        match self {
            Self::NoTranscript { body, .. } => Some(body.status.as_u16()),
            Self::UnexpectedResponse { status, .. } => *status,
            _ => None,
        }
    }

    fn brief(&self) -> String {
        match self {
            Self::NoTranscript { body, .. } => body.to_string(),
            Self::UnexpectedResponse { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    /// Returns the class, which decides the exit code.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Http(error) => error.class(),
            Self::Auth(error) => error.class(),
            Self::Unauthorized { .. } | Self::Forbidden { .. } | Self::CallTranscriptForbidden { .. } => {
                ErrorClass::NoPermission
            }
            Self::NoCallTranscript => ErrorClass::NotYet,
            Self::NoConversation { .. } | Self::NoTarget { .. } | Self::NoTranscript { .. } => ErrorClass::NoInput,
            Self::Name(error) => error.class(),
            Self::Unavailable { .. } => ErrorClass::Unavailable,
            Self::ChannelSocketRefused { body, .. } => class_of_refused_socket(body),
            Self::UnexpectedResponse { .. } | Self::NotGenesysCloud { .. } | Self::UnusableCallTranscript { .. } => {
                ErrorClass::Protocol
            }
            Self::BothSourcesRefused { transcript, notifications } => {
                more_specific(transcript.class(), notifications.class())
            }
            Self::ClosedByServer(CloseReason::Closed { code: CLOSE_POLICY, .. }) => ErrorClass::NoPermission,
            Self::ClosedByServer(_) | Self::ConnectionLost(_) | Self::ChannelLost(_) => ErrorClass::Unavailable,
        }
    }

    /// Returns when to connect again (CONN-6, CONN-10 to CONN-20, CONN-22, CONN-23). `has_connected` tells whether an earlier
    /// attempt has succeeded.
    pub(crate) fn retry(&self, has_connected: bool) -> Retry {
        let (request, answer) = match self {
            Self::BothSourcesRefused { notifications, .. } => return notifications.retry(has_connected),
            Self::ChannelLost(_) => return Retry::After(None),
            Self::Name(_)
            | Self::NoCallTranscript
            | Self::CallTranscriptForbidden { .. }
            | Self::UnusableCallTranscript { .. } => return Retry::Never,
            Self::ClosedByServer(CloseReason::Closed { code: 1000 | 1001, .. }) => return Retry::ClosedByServer,
            Self::ClosedByServer(reason) | Self::ConnectionLost(reason) => return retry_after_close(reason),
            Self::Http(error) => (Request::Read, error.response_kind()),
            Self::Auth(error) => (Request::SignIn, error.response_kind()),
            Self::Unauthorized { .. } => (Request::Read, ResponseKind::Unauthorized),
            Self::Forbidden { .. } => (Request::Read, ResponseKind::Forbidden),
            Self::NoConversation { .. } | Self::NoTarget { .. } => (Request::Read, ResponseKind::Missing),
            Self::NoTranscript { .. } => (Request::Handshake, ResponseKind::Missing),
            Self::Unavailable { .. } => (Request::Read, ResponseKind::Unavailable),
            Self::UnexpectedResponse { status, .. } => (Request::Handshake, unexpected_response_kind(*status)),
            Self::NotGenesysCloud { .. } => (Request::Channel, ResponseKind::Unexpected),
            // Another channel was tried, too.
            Self::ChannelSocketRefused { body, .. } => (Request::Channel, body.response_kind()),
        };
        let has_worked = has_connected || matches!(self, Self::Auth(error) if error.has_signed_in());
        match decide(request, answer, Before::new(has_worked)) {
            Action::Refuse(_) | Action::FallBack(_) | Action::EndConversation => Retry::Never,
            Action::RetryRefusal(_) => Retry::AfterRefusal,
            Action::Retry
            | Action::KeepToken
            | Action::NewChannel
            | Action::RepeatWithSameToken(_)
            | Action::RepeatWithNewToken => Retry::After(self.retry_after()),
        }
    }

    /// Returns the delay that the server asks for.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Auth(AuthError::Unavailable { body, .. }) | Self::Unavailable { body, .. } => body.retry_after,
            _ => None,
        }
    }

    /// Returns whether the server closed the transcript socket because of the token: missing, expired or without
    /// permission.
    pub(crate) fn is_policy_close(&self) -> bool {
        matches!(self, Self::ClosedByServer(CloseReason::Closed { code: CLOSE_POLICY, .. }))
    }

    /// Returns the next step if a retry without it hardly succeeds.
    pub(crate) fn hint_before_retries(&self) -> Option<&str> {
        matches!(self, Self::Http(HttpError::NoLocalServer { .. })).then(|| self.hint())
    }

    /// Returns the likely cause and the next step.
    pub(crate) fn hint(&self) -> &str {
        match self {
            Self::Http(error) => error.hint(),
            Self::Name(error) => error.hint(),
            Self::Auth(AuthError::Unavailable { body, .. }) | Self::Unavailable { body, .. } => {
                if is_rate_limit(body) {
                    after_unavailable(body)
                } else {
                    RETRY_WITHOUT_LIMIT
                }
            }
            Self::Auth(error) => error.hint(),
            Self::Unauthorized { .. } => SAME_REGION,
            Self::UnusableCallTranscript { .. } => {
                "try again later; a proxy may have changed the response, or Genesys Cloud has stored a broken file"
            }
            Self::NoCallTranscript => "try again later, or wait for it with --call-transcript-wait 15m",
            Self::CallTranscriptForbidden { .. } => {
                "give the OAuth client a role with recording:recording:view and speechAndTextAnalytics:data:view"
            }
            Self::Forbidden { body, .. } if body.names_permission() => GRANT_PERMISSION,
            Self::Forbidden { .. } => FIND_PERMISSION,
            Self::NoConversation { .. } => {
                "check the conversation id and the region; a conversation exists only in its own region"
            }
            Self::NoTarget { target, .. } => match **target {
                Target::Queue(_) => "check the queue id and the region; a queue exists only in its own region",
                Target::User(_) => "check the user id and the region; a user exists only in its own region",
            },
            Self::NoTranscript { .. } => "check the conversation id and the region, or use --source auto",
            Self::UnexpectedResponse { .. } if self.is_without_transcript_socket() => {
                "use --source auto, or check the region or API URL"
            }
            Self::UnexpectedResponse { .. } => {
                "check the region or API URL; a proxy may have answered, or not support WebSockets"
            }
            Self::NotGenesysCloud { .. } => UNEXPECTED_RESPONSE,
            Self::ChannelSocketRefused { body, .. } => hint_after_refused_socket(body),
            Self::BothSourcesRefused { notifications, .. } => notifications.hint(),
            Self::ClosedByServer(CloseReason::Closed { code: CLOSE_POLICY, .. }) => FIND_PERMISSION,
            Self::ClosedByServer(reason) | Self::ConnectionLost(reason) => hint_after_close(reason),
            Self::ChannelLost(_) => RETRY_WITHOUT_LIMIT,
        }
    }
}

/// Classifies a response to the transcript handshake that has no variant of its own.
fn unexpected_response_kind(status: Option<u16>) -> ResponseKind {
    status.map_or(ResponseKind::Unexpected, |status| ResponseKind::of_status(status, false))
}

fn class_of_refused_socket(body: &ErrorBody) -> ErrorClass {
    match body.response_kind() {
        ResponseKind::Unauthorized | ResponseKind::Forbidden => ErrorClass::NoPermission,
        _ => ErrorClass::Protocol,
    }
}

fn hint_after_refused_socket(body: &ErrorBody) -> &'static str {
    match body.response_kind() {
        ResponseKind::Forbidden if body.names_permission() => GRANT_PERMISSION,
        ResponseKind::Unauthorized | ResponseKind::Forbidden => ASK_PERMISSION,
        _ => "let proxies and firewalls pass WebSockets to this host",
    }
}

/// The close code 1008 of RFC 6455, "policy violation".
const CLOSE_POLICY: u16 = 1008;

const RETRY_WITHOUT_LIMIT: &str = "try again later, or retry without limit (--max-retries unlimited)";

const FIND_PERMISSION: &str = "run genesys-tail check to find the missing permission";

/// Returns the class that helps the user more. A missing permission of either source comes first.
fn more_specific(transcript: ErrorClass, notifications: ErrorClass) -> ErrorClass {
    let order = [ErrorClass::NoPermission, ErrorClass::NoInput, ErrorClass::Protocol];
    order.into_iter().find(|class| [transcript, notifications].contains(class)).unwrap_or(notifications)
}

/// Returns the next step after a connection that was lost too often.
fn hint_after_close(reason: &CloseReason) -> &'static str {
    match reason {
        CloseReason::MessageTooBig => "raise --max-frame-size",
        CloseReason::InvalidUtf8 | CloseReason::ProtocolError(_) => {
            "try another network or proxy: a device in between may change the data"
        }
        CloseReason::Closed { .. } | CloseReason::Suspended(_) => RETRY_WITHOUT_LIMIT,
        CloseReason::ConnectionLost(_) | CloseReason::IdleTimeout(_) => {
            "check the network, or retry without limit (--max-retries unlimited)"
        }
    }
}

/// Returns when to connect again after a close that is not normal.
fn retry_after_close(reason: &CloseReason) -> Retry {
    match reason {
        CloseReason::Suspended(_) => Retry::Immediately,
        CloseReason::Closed { .. }
        | CloseReason::ConnectionLost(_)
        | CloseReason::IdleTimeout(_)
        | CloseReason::MessageTooBig
        | CloseReason::InvalidUtf8
        | CloseReason::ProtocolError(_) => Retry::After(None),
    }
}
