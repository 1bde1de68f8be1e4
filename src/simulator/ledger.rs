//! The record of what the client did, which tests read and wait on.

use tokio::time::Instant;

/// Everything that has happened, each list in order of arrival.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Requests to the token endpoint.
    pub tokens: Vec<TokenRequest>,
    /// Requests for a transcript socket.
    pub handshakes: Vec<Handshake>,
    /// Sockets that were opened.
    pub connections: Vec<Connection>,
    /// Requests to the REST API, those for channels and subscriptions among them.
    pub requests: Vec<Request>,
    /// Channels that were made.
    pub channels: Vec<Channel>,
    /// Topics that were asked for, over REST.
    pub subscriptions: Vec<Subscription>,
    /// Requests for a notification socket.
    pub dials: Vec<Dial>,
    /// Notification sockets that were opened.
    pub listeners: Vec<Listener>,
    /// Requests to any other path, which no client should make.
    pub strays: Vec<Stray>,
}

impl Ledger {
    /// How many transcript sockets are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.connections.iter().filter(|connection| connection.closed.is_none()).count()
    }

    /// How many notification sockets are open.
    #[must_use]
    pub fn listening(&self) -> usize {
        self.listeners.iter().filter(|listener| listener.closed.is_none()).count()
    }

    /// How many REST requests have this in their method and path, such as `POST /api/v2/notifications/channels`.
    #[must_use]
    pub fn requests_of(&self, part: &str) -> usize {
        self.requests.iter().filter(|request| format!("{} {}", request.method, request.path).contains(part)).count()
    }
}

/// One request for a token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// When it came.
    pub at: Instant,
    /// The client that asked, as far as it said.
    pub client_id: Option<String>,
    /// The status it was answered with; `None` while, or because, there was no answer.
    pub status: Option<u16>,
    /// The token it was given.
    pub token: Option<String>,
}

/// One request for a socket.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// When it came.
    pub at: Instant,
    /// The conversation it named.
    pub conversation: String,
    /// The `Authorization` header as sent.
    pub authorization: Option<String>,
    /// The status it was answered with; `None` while, or because, there was no answer.
    pub status: Option<u16>,
}

/// One socket.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The conversation it belongs to.
    pub conversation: String,
    /// The token it was opened with.
    pub token: String,
    /// When it was opened.
    pub opened: Instant,
    /// How many script frames were written to it; what a fault adds or swallows does not count.
    pub frames: u64,
    /// The ids of the messages among them, a repeated one twice; at most the first 200,000.
    pub messages: Vec<String>,
    /// Pings the client sent.
    pub pings: u64,
    /// Pongs the client sent.
    pub pongs: u64,
    /// The code in the client's close frame, 1005 for one without.
    pub close_code: Option<u16>,
    /// When the connection was gone.
    pub closed: Option<Instant>,
}

/// One request to the REST API.
#[derive(Debug, Clone)]
pub struct Request {
    /// When it came.
    pub at: Instant,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, empty where there is none.
    pub query: String,
    /// The bearer token, as far as there was one.
    pub token: Option<String>,
    /// The status it was answered with; `None` while, or because, there was no answer.
    pub status: Option<u16>,
}

/// One channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub at: Instant,
    /// The token it was made with.
    pub token: String,
    /// The channel that had to go for it.
    pub evicted: Option<String>,
}

/// One request that changed the topics of a channel.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// When it came.
    pub at: Instant,
    /// The channel.
    pub channel: String,
    /// `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// The topics that were permitted.
    pub topics: Vec<String>,
    /// The topics that were not.
    pub rejected: Vec<String>,
}

/// One request for a notification socket.
#[derive(Debug, Clone)]
pub struct Dial {
    /// When it came.
    pub at: Instant,
    /// The channel it named.
    pub channel: String,
    /// The `Authorization` header as sent; none is needed.
    pub authorization: Option<String>,
    /// The status it was answered with; `None` while there was no answer.
    pub status: Option<u16>,
}

/// One notification socket.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The channel it belongs to.
    pub channel: String,
    /// When it was opened.
    pub opened: Instant,
    /// How many events of topics were written to it, repeated ones twice.
    pub events: u64,
    /// How many heartbeats came due.
    pub heartbeats: u64,
    /// How many messages the client sent, whatever they were.
    pub heard: u64,
    /// How many of these were `{"message":"ping"}`.
    pub pings: u64,
    /// The code in the client's close frame, 1005 for one without.
    pub close_code: Option<u16>,
    /// When the connection was gone.
    pub closed: Option<Instant>,
}

/// A request to a path that is not served.
#[derive(Debug, Clone)]
pub struct Stray {
    /// The path, without the query.
    pub path: String,
    /// The `Authorization` header as sent.
    pub authorization: Option<String>,
}
