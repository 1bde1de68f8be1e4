//! The record of what the client did, which tests read and wait on.

use tokio::sync::watch;
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

/// The ids of this many messages are kept per connection, so that an endless flood does not fill the memory.
const MESSAGES_KEPT: usize = 200_000;

/// An entry is named by its place in its list.
#[derive(Debug, Default)]
pub(crate) struct Recorder(watch::Sender<Ledger>);

impl Recorder {
    pub(crate) fn ledger(&self) -> Ledger {
        self.0.borrow().clone()
    }

    pub(crate) async fn until(&self, predicate: impl FnMut(&Ledger) -> bool) -> Ledger {
        let mut watch = self.0.subscribe();
        watch.wait_for(predicate).await.expect("the sender is in self").clone()
    }

    pub(crate) fn token_request(&self, client_id: Option<String>) -> usize {
        let request = TokenRequest { at: Instant::now(), client_id, status: None, token: None };
        self.add(|ledger| &mut ledger.tokens, request)
    }

    pub(crate) fn token_answer(&self, request: usize, status: u16, token: Option<String>) {
        self.0.send_modify(|ledger| {
            let request = &mut ledger.tokens[request];
            request.status = Some(status);
            request.token = token;
        });
    }

    pub(crate) fn handshake(&self, conversation: String, authorization: Option<String>) -> usize {
        let handshake = Handshake { at: Instant::now(), conversation, authorization, status: None };
        self.add(|ledger| &mut ledger.handshakes, handshake)
    }

    pub(crate) fn handshake_answer(&self, handshake: usize, status: u16) {
        self.0.send_modify(|ledger| ledger.handshakes[handshake].status = Some(status));
    }

    pub(crate) fn opened(&self, conversation: String, token: String) -> usize {
        let connection = Connection {
            conversation,
            token,
            opened: Instant::now(),
            frames: 0,
            messages: Vec::new(),
            pings: 0,
            pongs: 0,
            close_code: None,
            closed: None,
        };
        self.add(|ledger| &mut ledger.connections, connection)
    }

    /// `frames` more were written, these messages among them.
    pub(crate) fn sent(&self, connection: usize, frames: u64, messages: &mut Vec<String>) {
        self.on(connection, |connection| {
            connection.frames += frames;
            let room = MESSAGES_KEPT.saturating_sub(connection.messages.len());
            connection.messages.extend(messages.drain(..).take(room));
        });
    }

    /// Notes something about an open connection.
    pub(crate) fn on(&self, connection: usize, note: impl FnOnce(&mut Connection)) {
        self.0.send_modify(|ledger| note(&mut ledger.connections[connection]));
    }

    pub(crate) fn requested(&self, request: Request) -> usize {
        self.add(|ledger| &mut ledger.requests, request)
    }

    pub(crate) fn request_answered(&self, request: usize, status: u16) {
        self.0.send_modify(|ledger| ledger.requests[request].status = Some(status));
    }

    pub(crate) fn channel(&self, id: String, token: String, evicted: Option<String>) {
        self.add(|ledger| &mut ledger.channels, Channel { id, at: Instant::now(), token, evicted });
    }

    pub(crate) fn subscribed(&self, subscription: Subscription) {
        self.add(|ledger| &mut ledger.subscriptions, subscription);
    }

    pub(crate) fn dialled(&self, channel: String, authorization: Option<String>) -> usize {
        let dial = Dial { at: Instant::now(), channel, authorization, status: None };
        self.add(|ledger| &mut ledger.dials, dial)
    }

    pub(crate) fn dial_answered(&self, dial: usize, status: u16) {
        self.0.send_modify(|ledger| ledger.dials[dial].status = Some(status));
    }

    pub(crate) fn listening(&self, channel: String) -> usize {
        let listener = Listener {
            channel,
            opened: Instant::now(),
            events: 0,
            heartbeats: 0,
            heard: 0,
            pings: 0,
            close_code: None,
            closed: None,
        };
        self.add(|ledger| &mut ledger.listeners, listener)
    }

    /// Notes something about an open notification socket.
    pub(crate) fn on_listener(&self, listener: usize, note: impl FnOnce(&mut Listener)) {
        self.0.send_modify(|ledger| note(&mut ledger.listeners[listener]));
    }

    pub(crate) fn stray(&self, stray: Stray) {
        self.add(|ledger| &mut ledger.strays, stray);
    }

    fn add<T>(&self, list: impl FnOnce(&mut Ledger) -> &mut Vec<T>, entry: T) -> usize {
        let mut place = 0;
        self.0.send_modify(|ledger| {
            let list = list(ledger);
            place = list.len();
            list.push(entry);
        });
        place
    }
}
