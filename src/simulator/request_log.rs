//! The log of everything a client did, which tests read and wait on.

pub(super) mod recorder;

use tokio::time::Instant;

/// Everything a client did, each list in order of arrival.
#[derive(Debug, Clone, Default)]
pub struct RequestLog {
    /// Requests to the token endpoint.
    pub token_requests: Vec<TokenRequest>,
    /// Requests for a transcript socket.
    pub transcript_handshakes: Vec<TranscriptHandshake>,
    /// Transcript sockets that were opened.
    pub transcript_sockets: Vec<TranscriptSocket>,
    /// Requests to the REST API, including those for channels and subscriptions.
    pub requests: Vec<Request>,
    /// Notification channels that were created.
    pub channels: Vec<Channel>,
    /// Changes of a channel's topics over REST.
    pub subscriptions: Vec<SubscriptionRequest>,
    /// Requests for a notification socket.
    pub notification_handshakes: Vec<NotificationHandshake>,
    /// Notification sockets that were opened.
    pub notification_sockets: Vec<NotificationSocket>,
    /// Requests to any other path, which no client should make.
    pub unrouted_requests: Vec<UnroutedRequest>,
}

impl RequestLog {
    /// Returns the number of open transcript sockets.
    #[must_use]
    pub fn open_transcript_sockets(&self) -> usize {
        self.transcript_sockets.iter().filter(|socket| socket.closed_at.is_none()).count()
    }

    /// Returns the number of open notification sockets.
    #[must_use]
    pub fn open_notification_sockets(&self) -> usize {
        self.notification_sockets.iter().filter(|socket| socket.closed_at.is_none()).count()
    }

    /// Counts the REST requests whose method and path contain `part`, such as `POST /api/v2/notifications/channels`.
    #[must_use]
    pub fn count_requests(&self, part: &str) -> usize {
        self.requests.iter().filter(|request| format!("{} {}", request.method, request.path).contains(part)).count()
    }
}

/// A request for a token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The time of arrival.
    pub at: Instant,
    /// The client id in the request, if it has one.
    pub client_id: Option<String>,
    /// The status of the response; `None` before a response, or if there is none.
    pub status: Option<u16>,
    /// The token in the response.
    pub token: Option<String>,
}

/// A request for a transcript socket.
#[derive(Debug, Clone)]
pub struct TranscriptHandshake {
    /// The time of arrival.
    pub at: Instant,
    /// The conversation id in the path.
    pub conversation: String,
    /// The `Authorization` header as sent.
    pub authorization: Option<String>,
    /// The status of the response; `None` before a response, or if there is none.
    pub status: Option<u16>,
}

/// A transcript socket.
#[derive(Debug, Clone)]
pub struct TranscriptSocket {
    /// The id of its conversation.
    pub conversation: String,
    /// The token in the handshake.
    pub token: String,
    /// The time of the handshake.
    pub opened_at: Instant,
    /// The number of script frames written to it, without those that a fault adds or drops.
    pub frames: u64,
    /// The ids of the messages among these frames, a repeated one twice; at most the first 200,000.
    pub messages: Vec<String>,
    /// The number of pings from the client.
    pub pings: u64,
    /// The number of pongs from the client.
    pub pongs: u64,
    /// The code in the client's close frame; 1005 for a frame without a code.
    pub close_code: Option<u16>,
    /// The time at which the connection ended.
    pub closed_at: Option<Instant>,
}

/// A request to the REST API.
#[derive(Debug, Clone)]
pub struct Request {
    /// The time of arrival.
    pub at: Instant,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, or an empty string.
    pub query: String,
    /// The bearer token, if the request has one.
    pub token: Option<String>,
    /// The status of the response; `None` before a response, or if there is none.
    pub status: Option<u16>,
}

/// A notification channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// The channel id.
    pub id: String,
    /// The time of creation.
    pub at: Instant,
    /// The token that created it.
    pub token: String,
    /// The id of the channel that was evicted for it.
    pub evicted: Option<String>,
}

/// A request that changed the topics of a channel.
#[derive(Debug, Clone)]
pub struct SubscriptionRequest {
    /// The time of arrival.
    pub at: Instant,
    /// The channel id.
    pub channel: String,
    /// `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// The topics that were accepted.
    pub topics: Vec<String>,
    /// The topics that were rejected.
    pub rejected: Vec<String>,
}

/// A request for a notification socket.
#[derive(Debug, Clone)]
pub struct NotificationHandshake {
    /// The time of arrival.
    pub at: Instant,
    /// The channel id in the path.
    pub channel: String,
    /// The `Authorization` header as sent; none is needed.
    pub authorization: Option<String>,
    /// The status of the response; `None` before a response.
    pub status: Option<u16>,
}

/// A notification socket.
#[derive(Debug, Clone)]
pub struct NotificationSocket {
    /// The id of its channel.
    pub channel: String,
    /// The time of the handshake.
    pub opened_at: Instant,
    /// The number of topic events written to it, repeated ones twice.
    pub events: u64,
    /// The number of heartbeats that came due.
    pub heartbeats: u64,
    /// The number of text and binary messages from the client.
    pub messages_received: u64,
    /// The number of `{"message":"ping"}` among these messages.
    pub pings: u64,
    /// The code in the client's close frame; 1005 for a frame without a code.
    pub close_code: Option<u16>,
    /// The time at which the connection ended.
    pub closed_at: Option<Instant>,
}

/// A request to a path that is not served.
#[derive(Debug, Clone)]
pub struct UnroutedRequest {
    /// The path, without the query.
    pub path: String,
    /// The `Authorization` header as sent.
    pub authorization: Option<String>,
}
