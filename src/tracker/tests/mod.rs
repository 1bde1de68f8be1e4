//! Scenarios of the whole tracker: inputs and responses in, requests and events out.

mod calls;
mod channel;
mod delays;
mod discovery;
mod event_stream;
mod fairness;
mod media;
mod notifications;
mod properties;
mod requests;
mod responses;
mod status;

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::*;
use crate::api::error_body::ErrorBody;
use crate::config::{FollowedMedia, Target};
use crate::dedup::FingerprintKey;
use crate::event::{Message, Origin};
use crate::status::redact::Secrets;
use crate::wire::channel::{SubscribeMode, TopicState};
use crate::wire::conversation::Snapshot;
use crate::wire::message::{MessageBody, parse_bulk};
use crate::wire::notification::Notification;
use crate::wire::open_conversations::{OpenConversation, OpenConversations};

/// The wall-clock time of the start, in seconds since 1970.
const START: i64 = 1_000_000;

/// A tracker and the time.
struct Scenario {
    tracker: Tracker,
    now: Now,
    dedup: Dedup,
}

impl Scenario {
    /// A tracker that follows these conversations.
    fn of(mode: Mode, conversations: &[&str]) -> Self {
        let mut scenario = Self::with(TrackerOptions { mode, ..options() });
        for id in conversations {
            scenario.follow(id);
        }
        scenario
    }

    /// A tracker that follows the queue `q`.
    fn of_queue() -> Self {
        Self::with(TrackerOptions { targets: queue(), ..options() })
    }

    fn with(options: TrackerOptions) -> Self {
        let now = Now { mono: Instant::now(), wall: at(0) };
        Self { tracker: Tracker::new(options, now.mono), now, dedup: Dedup::default() }
    }

    fn advance(&mut self, milliseconds: u64) {
        let duration = Duration::from_millis(milliseconds);
        self.now = Now { mono: self.now.mono + duration, wall: self.now.wall + duration };
    }

    /// Applies an input that is no failure.
    fn handle(&mut self, input: Input) {
        let error = self.tracker.handle(input, self.now, &self.dedup);
        assert_eq!(error, None);
    }

    fn follow(&mut self, id: &str) {
        self.handle(Input::Follow(id.to_owned()));
    }

    fn notify(&mut self, notification: Notification) {
        self.handle(Input::Notification(notification));
    }

    fn reconnect(&mut self, second: i64) {
        self.handle(Input::Reconnected(Outage { last_activity: at(second), reason: "reset".into() }));
    }

    fn create_channel(&mut self, id: &str) {
        let connect_uri = "wss://streaming.example.invalid/channels/c".parse().expect("a URL");
        let channel = Channel { id: id.to_owned(), connect_uri, expires: None };
        self.handle(Input::ChannelCreated(CreatedChannel { channel, topics: Vec::new(), subscription: None }));
    }

    /// Applies a response, and returns the error that makes the caller pause.
    fn respond(&mut self, response: Response) -> Option<RestError> {
        self.tracker.handle(Input::Response(response), self.now, &self.dedup)
    }

    /// Answers the request for a snapshot.
    fn snapshot(&mut self, id: &str, participants: &[Value]) {
        let result = Ok(snapshot(id, participants));
        assert_eq!(self.respond(Response::Snapshot { conversation: id.to_owned(), result }), None);
    }

    fn fail_snapshot(&mut self, id: &str, error: RestError) -> Option<RestError> {
        self.respond(Response::Snapshot { conversation: id.to_owned(), result: Err(error) })
    }

    /// Answers the request for bodies.
    fn bodies(&mut self, id: &str, messages: &[&str]) {
        let result = Ok(bodies(messages));
        assert_eq!(self.respond(Response::Messages { conversation: id.to_owned(), result }), None);
    }

    fn fail_bodies(&mut self, id: &str, error: RestError) -> Option<RestError> {
        self.respond(Response::Messages { conversation: id.to_owned(), result: Err(error) })
    }

    /// Answers the search that is in flight, and the requests that complete it, with these conversations.
    fn find(&mut self, ids: &[&str]) {
        self.answer_search(DiscoveryQuery::Observations, || Ok(open_conversations(ids)));
    }

    /// Refuses the search that is in flight, and the request that would replace it.
    fn refuse_search(&mut self, error: &RestError) {
        self.answer_search(DiscoveryQuery::Observations, || Err(error.clone()));
    }

    fn answer_search(&mut self, first: DiscoveryQuery, result: impl Fn() -> Result<OpenConversations, RestError>) {
        let mut next = Some(first);
        while let Some(search) = next {
            assert_eq!(self.respond(Response::OpenConversations { search, result: result() }), None);
            next = self.tracker.discovery.start(self.now.mono);
        }
    }

    /// Starts all requests that are due.
    fn requests(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.tracker.poll_request(self.now, Lane::All)).collect()
    }

    /// Returns the time until the next request is due, if there is one.
    fn time_to_request(&self) -> Option<Duration> {
        self.tracker.poll_timeout(self.now.mono, Lane::All).map(|due| due.saturating_duration_since(self.now.mono))
    }

    /// Takes the events, and then the refusals, as one line each.
    fn events(&mut self) -> Vec<String> {
        let mut lines: Vec<String> =
            std::iter::from_fn(|| self.tracker.poll_event()).map(|event| line(&event)).collect();
        let refusals = std::iter::from_fn(|| self.tracker.poll_refusal());
        lines.extend(refusals.map(|refusal| format!("{} refused: {}", refusal.conversation, refusal.error)));
        lines
    }

    fn warnings(&mut self) -> Vec<Warning> {
        std::iter::from_fn(|| self.tracker.poll_warning()).collect()
    }
}

fn line(event: &Event) -> String {
    match event {
        Event::Live(id, event) => format!("{id}: {}", text(event)),
        Event::Backfill(id, events, reason) => {
            format!("{id} {reason:?}: {}", events.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        Event::ChannelLost(reason) => format!("channel lost: {reason}"),
    }
}

/// Returns the id of a message, `[…]` around that of an old one, and `?` behind that of one without text.
fn text(event: &TimedEvent) -> String {
    match &event.body {
        EventBody::Message(Message { id, text, origin, .. }) => {
            let id = format!("{}{}", id.as_deref().unwrap_or_default(), if text.is_none() { "?" } else { "" });
            if *origin == Origin::History { format!("[{id}]") } else { id }
        }
        EventBody::Update { description } => description.as_deref().unwrap_or_default().to_owned(),
        EventBody::Closed => "closed".to_owned(),
        EventBody::Gap(gap) => format!("gap from {}", gap.from.timestamp() - START),
    }
}

fn options() -> TrackerOptions {
    let history = History { lines: None, since: None, follow: true, call_transcript_wait: Duration::ZERO };
    let (targets, retries) = (Targets::default(), Retries::Limited(5));
    TrackerOptions { mode: Mode::Full, targets, history, retries, follows_several: false, has_stream: false }
}

fn queue() -> Targets {
    Targets { queues: vec!["q".to_owned()], users: Vec::new(), ..Targets::default() }
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START + second, 0).expect("in range")
}

/// A customer with messages that were sent an hour before the start.
fn customer(messages: &[&str]) -> Value {
    let message = |id: &&str| json!({ "messageId": id, "messageTime": at(-3600) });
    let messages: Vec<Value> = messages.iter().map(message).collect();
    json!({ "id": "ada", "purpose": "customer", "name": "Ada", "state": "connected", "messages": messages })
}

/// An agent whose name has to be looked up.
fn agent(user: &str) -> Value {
    json!({ "id": user, "purpose": "agent", "state": "connected", "userId": user })
}

/// The participant after it has left.
fn left(mut participant: Value) -> Value {
    participant["state"] = json!("disconnected");
    participant
}

fn snapshot(id: &str, participants: &[Value]) -> Snapshot {
    Snapshot::from_value(&json!({ "id": id, "participants": participants }))
}

fn notification(id: &str, participants: &[Value]) -> Notification {
    Notification::Conversation(snapshot(id, participants))
}

fn bodies(ids: &[impl AsRef<str>]) -> Vec<MessageBody> {
    let body = |id: &str| json!({ "id": id, "normalizedMessage": { "text": "hello" } });
    let entities: Vec<Value> = ids.iter().map(|id| body(id.as_ref())).collect();
    parse_bulk(&json!({ "entities": entities }).to_string()).expect("a list of bodies")
}

/// Open conversations of the queue `q`.
fn open_conversations(ids: &[&str]) -> OpenConversations {
    let found = |id: &&str| OpenConversation { id: (*id).to_owned(), queues: vec!["q".to_owned()], users: Vec::new() };
    OpenConversations { found: ids.iter().map(found).collect(), is_complete: true }
}

fn look_up(user: &str) -> Request {
    Request::UserNames(vec![user.to_owned()])
}

fn observe() -> Request {
    Request::OpenConversations(DiscoveryQuery::Observations)
}

fn request_messages(conversation: &str, ids: &[&str]) -> Request {
    let ids = ids.iter().map(|&id| id.to_owned()).collect();
    Request::Messages { conversation: conversation.to_owned(), ids }
}

fn error_body(status: StatusCode) -> ErrorBody {
    ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default())
}

fn unauthorized() -> RestError {
    RestError::Unauthorized { host: "api".into(), body: error_body(StatusCode::UNAUTHORIZED) }
}

fn forbidden() -> RestError {
    RestError::Forbidden { host: "api".into(), body: error_body(StatusCode::FORBIDDEN) }
}

fn not_found() -> RestError {
    RestError::NotFound { host: "api".into(), body: error_body(StatusCode::NOT_FOUND) }
}

fn unavailable() -> RestError {
    RestError::Unavailable { host: "api".into(), body: error_body(StatusCode::SERVICE_UNAVAILABLE) }
}

fn rate_limited() -> RestError {
    RestError::Unavailable { host: "api".into(), body: error_body(StatusCode::TOO_MANY_REQUESTS) }
}

fn unexpected() -> RestError {
    RestError::UnexpectedResponse { host: "api".into(), reason: "HTML".into() }
}
