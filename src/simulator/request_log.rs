//! The log of everything a client did, which tests read and wait on.

use tokio::sync::watch;
use tokio::time::Instant;

/// The number of message ids kept per socket, so that an endless flood does not fill the memory.
const MAX_LOGGED_MESSAGES: usize = 200_000;

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

/// Appends to the log. Its methods return the index of the new entry, which later updates name.
#[derive(Debug, Default)]
pub(crate) struct Recorder(watch::Sender<RequestLog>);

impl Recorder {
    pub(crate) fn snapshot(&self) -> RequestLog {
        self.0.borrow().clone()
    }

    pub(crate) async fn wait_for(&self, predicate: impl FnMut(&RequestLog) -> bool) -> RequestLog {
        let mut receiver = self.0.subscribe();
        receiver.wait_for(predicate).await.expect("the sender is in self").clone()
    }

    pub(crate) fn token_request(&self, client_id: Option<String>) -> usize {
        let request = TokenRequest { at: Instant::now(), client_id, status: None, token: None };
        self.push(|log| &mut log.token_requests, request)
    }

    pub(crate) fn token_response(&self, index: usize, status: u16, token: Option<String>) {
        self.0.send_modify(|log| {
            let request = &mut log.token_requests[index];
            request.status = Some(status);
            request.token = token;
        });
    }

    pub(crate) fn transcript_handshake(&self, conversation: String, authorization: Option<String>) -> usize {
        let handshake = TranscriptHandshake { at: Instant::now(), conversation, authorization, status: None };
        self.push(|log| &mut log.transcript_handshakes, handshake)
    }

    pub(crate) fn transcript_handshake_response(&self, index: usize, status: u16) {
        self.0.send_modify(|log| log.transcript_handshakes[index].status = Some(status));
    }

    pub(crate) fn transcript_socket(&self, conversation: String, token: String) -> usize {
        let socket = TranscriptSocket {
            conversation,
            token,
            opened_at: Instant::now(),
            frames: 0,
            messages: Vec::new(),
            pings: 0,
            pongs: 0,
            close_code: None,
            closed_at: None,
        };
        self.push(|log| &mut log.transcript_sockets, socket)
    }

    /// Adds frames that were written to a transcript socket, and the ids of the messages among them.
    pub(crate) fn frames_sent(&self, index: usize, frames: u64, messages: &mut Vec<String>) {
        self.update_transcript_socket(index, |socket| {
            socket.frames += frames;
            let capacity = MAX_LOGGED_MESSAGES.saturating_sub(socket.messages.len());
            socket.messages.extend(messages.drain(..).take(capacity));
        });
    }

    pub(crate) fn update_transcript_socket(&self, index: usize, update: impl FnOnce(&mut TranscriptSocket)) {
        self.0.send_modify(|log| update(&mut log.transcript_sockets[index]));
    }

    pub(crate) fn request(&self, request: Request) -> usize {
        self.push(|log| &mut log.requests, request)
    }

    pub(crate) fn response(&self, index: usize, status: u16) {
        self.0.send_modify(|log| log.requests[index].status = Some(status));
    }

    pub(crate) fn channel(&self, id: String, token: String, evicted: Option<String>) {
        self.push(|log| &mut log.channels, Channel { id, at: Instant::now(), token, evicted });
    }

    pub(crate) fn subscription(&self, subscription: SubscriptionRequest) {
        self.push(|log| &mut log.subscriptions, subscription);
    }

    pub(crate) fn notification_handshake(&self, channel: String, authorization: Option<String>) -> usize {
        let handshake = NotificationHandshake { at: Instant::now(), channel, authorization, status: None };
        self.push(|log| &mut log.notification_handshakes, handshake)
    }

    pub(crate) fn notification_handshake_response(&self, index: usize, status: u16) {
        self.0.send_modify(|log| log.notification_handshakes[index].status = Some(status));
    }

    pub(crate) fn notification_socket(&self, channel: String) -> usize {
        let socket = NotificationSocket {
            channel,
            opened_at: Instant::now(),
            events: 0,
            heartbeats: 0,
            messages_received: 0,
            pings: 0,
            close_code: None,
            closed_at: None,
        };
        self.push(|log| &mut log.notification_sockets, socket)
    }

    pub(crate) fn update_notification_socket(&self, index: usize, update: impl FnOnce(&mut NotificationSocket)) {
        self.0.send_modify(|log| update(&mut log.notification_sockets[index]));
    }

    pub(crate) fn unrouted_request(&self, request: UnroutedRequest) {
        self.push(|log| &mut log.unrouted_requests, request);
    }

    fn push<T>(&self, list: impl FnOnce(&mut RequestLog) -> &mut Vec<T>, entry: T) -> usize {
        let mut index = 0;
        self.0.send_modify(|log| {
            let list = list(log);
            index = list.len();
            list.push(entry);
        });
        index
    }
}
