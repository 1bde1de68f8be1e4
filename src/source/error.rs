//! Why a source cannot go on, and what that means.

use std::time::Duration;

use crate::api::error_body::ErrorBody;
use crate::api::http::HttpError;
use crate::api::oauth::AuthError;
use crate::api::rest::RestError;
use crate::api::websocket::CloseReason;

/// Why there is no connection, or no longer one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    /// The server does not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// There is no token to be had.
    #[error(transparent)]
    Auth(AuthError),
    /// Two tokens in a row were refused.
    #[error("{host} refuses a token it has just granted: {answer}")]
    Unauthorized { host: String, answer: ErrorBody },
    /// The client may not read this.
    #[error("{host} does not permit reading this conversation: {answer}")]
    Forbidden { host: String, answer: ErrorBody },
    /// There is no such conversation, or no longer.
    #[error("{host} has no conversation {conversation}: {answer}")]
    NoConversation { host: String, conversation: String, answer: ErrorBody },
    /// Not now.
    #[error("{host} cannot serve the transcript now: {answer}")]
    Unavailable { host: String, answer: ErrorBody },
    /// Whatever answers there, it is no transcript endpoint; with the status, unless that was the right one.
    #[error("{host} does not answer like a transcript endpoint: {reason}")]
    UnexpectedResponse { host: String, reason: String, status: Option<u16> },
    /// Whatever answers there, it is not the published API.
    #[error("{host} does not answer like the Genesys Cloud API: {reason}")]
    NotGenesysCloud { host: String, reason: String },
    /// Both wires are refused.
    #[error("{notifications}; before that, the transcript socket was refused: {}", transcript.in_short())]
    BothSourcesRefused { transcript: Box<SourceError>, notifications: Box<SourceError> },
    /// The connection stood, and has ended.
    #[error(transparent)]
    ClosedByServer(#[from] CloseReason),
    /// The notification socket stood, and has ended, which says nothing about the conversations.
    #[error(transparent)]
    ConnectionLost(CloseReason),
    /// The notification channel is of no more use.
    #[error("the notification channel is gone: {0}")]
    ChannelLost(String),
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Trying again cannot help.
    Never,
    /// Trying again cannot help unless it has worked before.
    NeverOnFirst,
    /// The server has ended it as one ends things.
    ClosedByServer,
    /// Try again now: the time has been spent already.
    Immediately,
    /// Try again after a while, and not before the server's wish.
    After(Option<Duration>),
}

/// Whether this answer to the handshake of the transcript socket means that there is none, but perhaps another wire.
pub(crate) fn leads_elsewhere(status: u16) -> bool {
    matches!(status, 200..=399 | 400 | 404 | 405 | 410 | 426 | 501)
}

impl From<AuthError> for SourceError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Http(error) => Self::Http(error),
            error => Self::Auth(error),
        }
    }
}

impl SourceError {
    /// What it means for this conversation that a request has failed.
    pub(crate) fn of_rest(error: RestError, conversation: &str) -> Self {
        match error {
            RestError::Http(error) => Self::Http(error),
            RestError::Auth(error) => error.into(),
            RestError::Unauthorized { host, answer } => Self::Unauthorized { host, answer },
            RestError::Forbidden { host, answer } => Self::Forbidden { host, answer },
            RestError::NotFound { host, answer } => {
                Self::NoConversation { host, conversation: conversation.to_owned(), answer }
            }
            RestError::Unavailable { host, answer } => Self::Unavailable { host, answer },
            RestError::UnexpectedResponse { host, reason } => Self::NotGenesysCloud { host, reason },
        }
    }

    /// The same where the transcript socket was refused `before` it.
    pub(crate) fn after(self, before: SourceError) -> Self {
        match self {
            both @ Self::BothSourcesRefused { .. } => both,
            this => Self::BothSourcesRefused { transcript: Box::new(before), notifications: Box::new(this) },
        }
    }

    /// Whether a handshake was answered as where there is no transcript socket, but perhaps another wire.
    pub(crate) fn is_of_another_wire(&self) -> bool {
        self.status().is_some_and(leads_elsewhere)
    }

    /// What the server said, where that is what matters.
    fn in_short(&self) -> String {
        match self {
            Self::NoConversation { answer, .. } => answer.to_string(),
            Self::UnexpectedResponse { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    /// The status of a handshake that was answered as where there is no such conversation, or no such endpoint.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::NoConversation { answer, .. } => Some(answer.status.as_u16()),
            Self::UnexpectedResponse { status, .. } => *status,
            _ => None,
        }
    }

    /// What to do about it.
    pub(crate) fn recovery(&self) -> Retry {
        match self {
            Self::Http(
                HttpError::Dns { .. }
                | HttpError::Unreachable { .. }
                | HttpError::Timeout { .. }
                | HttpError::Proxy { .. }
                | HttpError::ProxyRefuses { .. },
            ) => Retry::After(None),
            Self::Http(HttpError::Certificate { .. }) => Retry::NeverOnFirst,
            Self::Http(HttpError::ProxyCredentials { .. }) => Retry::Never,
            Self::Auth(AuthError::Http(_)) => Retry::After(None),
            Self::Auth(AuthError::Unavailable { answer, .. }) | Self::Unavailable { answer, .. } => {
                Retry::After(answer.retry_after)
            }
            Self::Auth(AuthError::Refused { .. } | AuthError::Unusable { .. }) => Retry::Never,
            Self::Unauthorized { .. } | Self::Forbidden { .. } => Retry::Never,
            Self::NoConversation { .. } | Self::UnexpectedResponse { .. } => Retry::Never,
            // Where the API has answered before, something in between has spoken for it.
            Self::NotGenesysCloud { .. } => Retry::NeverOnFirst,
            Self::BothSourcesRefused { notifications, .. } => notifications.recovery(),
            Self::ChannelLost(_) => Retry::After(None),
            Self::ClosedByServer(CloseReason::Closed { code: 1000 | 1001, .. }) => Retry::ClosedByServer,
            Self::ClosedByServer(CloseReason::Suspended(_)) | Self::ConnectionLost(CloseReason::Suspended(_)) => {
                Retry::Immediately
            }
            Self::ConnectionLost(_) => Retry::After(None),
            Self::ClosedByServer(
                CloseReason::Closed { .. }
                | CloseReason::ConnectionLost(_)
                | CloseReason::IdleTimeout(_)
                | CloseReason::MessageTooBig
                | CloseReason::InvalidUtf8
                | CloseReason::ProtocolError(_),
            ) => Retry::After(None),
        }
    }

    /// Whether the server closed the socket because of the token: missing, expired or without permission.
    pub(crate) fn is_policy_close(&self) -> bool {
        matches!(self, Self::ClosedByServer(CloseReason::Closed { code: 1008, .. }))
    }

    /// The likely cause and the next step, where there is something to say.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Http(HttpError::Dns { .. }) => Some(
                "check the region or --api-url, and whether this machine is online; behind a proxy, set HTTPS_PROXY",
            ),
            Self::Http(HttpError::Timeout { .. }) => {
                Some("check the network, and the proxy: one may be needed, or does not answer (--proxy, HTTPS_PROXY)")
            }
            Self::Http(HttpError::Unreachable { .. }) => {
                Some("check the region or --api-url, the network, and whether a proxy is needed (--proxy, HTTPS_PROXY)")
            }
            Self::Http(HttpError::Certificate { distrust, .. }) => Some(distrust.mend),
            Self::Http(HttpError::Proxy { .. }) => {
                Some("check the address of the proxy (--proxy, HTTPS_PROXY); NO_PROXY names hosts that need none")
            }
            Self::Http(HttpError::ProxyRefuses { .. }) => Some(
                "ask whoever runs the proxy to let this host pass, and check its scheme and address (--proxy, HTTPS_PROXY)",
            ),
            Self::Http(HttpError::ProxyCredentials { .. }) => Some("set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"),
            Self::Auth(AuthError::Refused { .. }) => Some(
                "check client id and secret, and the region: a client exists only in its own; its grant must be \"Client Credentials\"",
            ),
            Self::Auth(AuthError::Unusable { .. }) => {
                Some("check --region and --login-url; a proxy, or the login page of a network, may answer in its place")
            }
            Self::Auth(AuthError::Http(_)) => None,
            Self::Auth(AuthError::Unavailable { .. }) | Self::Unavailable { .. } => {
                Some("the service has trouble or is asked too often: try later, or --max-retries unlimited")
            }
            Self::Unauthorized { .. } => Some("check that --api-url and --login-url belong to the same region"),
            Self::Forbidden { answer, .. } if !answer.names_permission() => {
                Some("the OAuth client lacks a permission: genesys-tail check tries each of them, and says which")
            }
            Self::Forbidden { .. } => {
                Some("give the OAuth client a role with that permission, in the conversation's division")
            }
            Self::NoConversation { .. } => Some("check the id and the region: a conversation exists only in its own"),
            Self::UnexpectedResponse { .. } => {
                Some("check --region or --api-url; a proxy in between may not pass WebSockets on")
            }
            Self::NotGenesysCloud { .. } => {
                Some("check --region and --api-url; a proxy, or the login page of a network, may answer in its place")
            }
            Self::BothSourcesRefused { notifications, .. } => notifications.hint(),
            Self::ClosedByServer(CloseReason::Closed { code: 1008, .. }) => {
                Some("check the permissions of the OAuth client: genesys-tail check tries each of them")
            }
            Self::ClosedByServer(CloseReason::MessageTooBig) | Self::ConnectionLost(CloseReason::MessageTooBig) => {
                Some("raise --max-frame-size if such messages are wanted")
            }
            Self::ClosedByServer(CloseReason::InvalidUtf8 | CloseReason::ProtocolError(_))
            | Self::ConnectionLost(CloseReason::InvalidUtf8 | CloseReason::ProtocolError(_)) => {
                Some("something in between may garble what is sent: try without the proxy, or from another network")
            }
            Self::ClosedByServer(_) | Self::ConnectionLost(_) | Self::ChannelLost(_) => {
                Some("the network or the service ends connections: try later, or --max-retries unlimited")
            }
        }
    }
}
