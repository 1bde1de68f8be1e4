//! The pen of the ledger.

use tokio::sync::watch;
use tokio::time::Instant;

use super::ledger::{
    Channel, Connection, Dial, Handshake, Ledger, Listener, Request, Stray, Subscription, TokenRequest,
};

/// The ids of this many messages are kept per connection, so that an endless flood does not fill the memory.
const MESSAGES_KEPT: usize = 200_000;

/// An entry is named by its place in its list.
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

    pub(super) fn requested(&self, request: Request) -> usize {
        self.add(|ledger| &mut ledger.requests, request)
    }

    pub(super) fn request_answered(&self, request: usize, status: u16) {
        self.0.send_modify(|ledger| ledger.requests[request].status = Some(status));
    }

    pub(super) fn channel(&self, id: String, token: String, evicted: Option<String>) {
        self.add(|ledger| &mut ledger.channels, Channel { id, at: Instant::now(), token, evicted });
    }

    pub(super) fn subscribed(&self, subscription: Subscription) {
        self.add(|ledger| &mut ledger.subscriptions, subscription);
    }

    pub(super) fn dialled(&self, channel: String, authorization: Option<String>) -> usize {
        let dial = Dial { at: Instant::now(), channel, authorization, status: None };
        self.add(|ledger| &mut ledger.dials, dial)
    }

    pub(super) fn dial_answered(&self, dial: usize, status: u16) {
        self.0.send_modify(|ledger| ledger.dials[dial].status = Some(status));
    }

    pub(super) fn listening(&self, channel: String) -> usize {
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
    pub(super) fn on_listener(&self, listener: usize, note: impl FnOnce(&mut Listener)) {
        self.0.send_modify(|ledger| note(&mut ledger.listeners[listener]));
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
