//! The writer of the request log.

use tokio::sync::watch;
use tokio::time::Instant;

use super::{
    Channel, NotificationHandshake, NotificationSocket, Request, RequestLog, SubscriptionRequest, TokenRequest,
    TranscriptHandshake, TranscriptSocket, UnroutedRequest,
};

/// The number of message ids kept per socket, so that an endless flood does not fill the memory.
const MAX_LOGGED_MESSAGES: usize = 200_000;

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
    pub(crate) fn frames_sent(&self, index: usize, frames: u64, messages: Vec<String>) {
        self.update_transcript_socket(index, |socket| {
            socket.frames += frames;
            let capacity = MAX_LOGGED_MESSAGES.saturating_sub(socket.messages.len());
            socket.messages.extend(messages.into_iter().take(capacity));
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
