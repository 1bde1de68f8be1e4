//! The record of what the client did, which tests read and wait on.

use tokio::sync::watch;
use tokio::time::Instant;

/// The ids of this many messages are kept per connection, so that an endless flood does not fill the memory.
const MESSAGES_KEPT: usize = 200_000;

/// Everything that has happened, each list in order of arrival.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Requests to the token endpoint.
    pub tokens: Vec<TokenRequest>,
    /// Requests for a transcript socket.
    pub handshakes: Vec<Handshake>,
    /// Sockets that were opened.
    pub connections: Vec<Connection>,
    /// Requests to any other path, which no client should make.
    pub strays: Vec<Stray>,
}

impl Ledger {
    /// How many sockets are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.connections.iter().filter(|connection| connection.closed.is_none()).count()
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

/// A request to a path that is not served.
#[derive(Debug, Clone)]
pub struct Stray {
    /// The path, without the query.
    pub path: String,
    /// The `Authorization` header as sent.
    pub authorization: Option<String>,
}

/// The pen. An entry is named by its place in its list.
#[derive(Debug, Default)]
pub(super) struct Recorder(watch::Sender<Ledger>);

impl Recorder {
    pub(super) fn ledger(&self) -> Ledger {
        self.0.borrow().clone()
    }

    pub(super) async fn until(&self, predicate: impl FnMut(&Ledger) -> bool) -> Ledger {
        let mut watch = self.0.subscribe();
        watch.wait_for(predicate).await.expect("the sender is in self").clone()
    }

    pub(super) fn token_request(&self, client_id: Option<String>) -> usize {
        let request = TokenRequest { at: Instant::now(), client_id, status: None, token: None };
        self.add(|ledger| &mut ledger.tokens, request)
    }

    pub(super) fn token_answer(&self, request: usize, status: u16, token: Option<String>) {
        self.0.send_modify(|ledger| {
            let request = &mut ledger.tokens[request];
            request.status = Some(status);
            request.token = token;
        });
    }

    pub(super) fn handshake(&self, conversation: String, authorization: Option<String>) -> usize {
        let handshake = Handshake { at: Instant::now(), conversation, authorization, status: None };
        self.add(|ledger| &mut ledger.handshakes, handshake)
    }

    pub(super) fn handshake_answer(&self, handshake: usize, status: u16) {
        self.0.send_modify(|ledger| ledger.handshakes[handshake].status = Some(status));
    }

    pub(super) fn opened(&self, conversation: String, token: String) -> usize {
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
    pub(super) fn sent(&self, connection: usize, frames: u64, messages: &mut Vec<String>) {
        self.on(connection, |connection| {
            connection.frames += frames;
            let room = MESSAGES_KEPT.saturating_sub(connection.messages.len());
            connection.messages.extend(messages.drain(..).take(room));
        });
    }

    /// Notes something about an open connection.
    pub(super) fn on(&self, connection: usize, note: impl FnOnce(&mut Connection)) {
        self.0.send_modify(|ledger| note(&mut ledger.connections[connection]));
    }

    pub(super) fn stray(&self, stray: Stray) {
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
