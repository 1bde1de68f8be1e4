//! Scenarios of one conversation: snapshots, notifications and bodies in, events out.

mod backfill;
mod bodies;
mod changes;
mod ends;
mod message_events;
mod outages;

use serde_json::{Value, json};

use super::*;
use crate::event::EventBody;
use crate::event::Role;
use crate::tracker::protocol::Outage;
use crate::wire::message::MessageBody;
use crate::wire::message::parse_bulk;

/// The start of all conversations, in seconds since 1970.
const START: i64 = 1_000_000;

/// The time since then, in seconds. Only events of the last ten minutes may be recent.
const AGE: i64 = 86_400;

const POLL_PERIOD: Duration = Duration::from_secs(25);

/// A conversation and the time.
struct Scenario {
    conversation: Conversation,
    now: Now,
}

impl Scenario {
    /// A followed conversation of which nothing is known.
    fn new() -> Self {
        Self::of(Mode::Full)
    }

    fn of(mode: Mode) -> Self {
        Self::with(mode, ConversationStart { not_before: None, reason: BackfillReason::Startup })
    }

    fn with(mode: Mode, start: ConversationStart) -> Self {
        let now = Now { mono: Instant::now(), wall: at(AGE) };
        Self { conversation: Conversation::new("c1".into(), mode, start, now), now }
    }

    /// A conversation whose history, the message `1a`, was emitted.
    fn live() -> Self {
        let mut scenario = Self::new();
        scenario.snapshot(&[ada(&["1a"])]);
        scenario.answer_requests();
        assert_eq!(scenario.events(), ["<Startup", "Ada: 1a (old)", ">"]);
        scenario
    }

    fn advance(&mut self, milliseconds: u64) {
        let duration = Duration::from_millis(milliseconds);
        self.now = Now { mono: self.now.mono + duration, wall: self.now.wall + duration };
    }

    /// Requests a snapshot, and applies it.
    fn snapshot(&mut self, participants: &[Value]) {
        self.start_poll();
        self.apply(snapshot(participants), SnapshotKind::Complete);
    }

    fn start_poll(&mut self) {
        self.conversation.poll_started(self.now.mono, POLL_PERIOD);
    }

    fn notification(&mut self, participants: &[Value]) {
        self.apply(snapshot(participants), SnapshotKind::Partial);
    }

    fn apply(&mut self, snapshot: Snapshot, kind: SnapshotKind) {
        self.conversation.apply_snapshot(snapshot, kind, self.now, |_, _, _| false);
    }

    fn start_request(&mut self) -> Option<Vec<String>> {
        self.conversation.start_messages_request(self.now)
    }

    /// Answers a request with the bodies of these messages.
    fn answer(&mut self, ids: &[impl AsRef<str>]) {
        self.conversation.on_messages(bodies(ids), self.now);
    }

    /// Answers every request that is due with all bodies, and returns the ids of each.
    fn answer_requests(&mut self) -> Vec<Vec<String>> {
        let mut requests = Vec::new();
        while let Some(ids) = self.start_request() {
            self.answer(&ids);
            requests.push(ids);
        }
        requests
    }

    /// Ends an outage that began at this second.
    fn reconnect(&mut self, second: i64) {
        let outage = Outage { last_activity: at(second), reason: "reset".into() };
        self.conversation.on_reconnect(&outage, self.now);
    }

    fn abandon_backfill(&mut self) {
        self.conversation.abandon_backfill(self.now);
    }

    /// Returns the time until the next snapshot is due, if one is.
    fn time_to_poll(&self) -> Option<Duration> {
        self.conversation.next_poll_at().map(|due| due - self.now.mono)
    }

    /// Takes the events, as one line each. A backfill is between `<` and `>`, and messages of the history are old.
    fn events(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for event in self.conversation.take_events() {
            match event {
                Event::Live(_, event) => lines.push(line(&event)),
                Event::Backfill(_, events, reason) => {
                    lines.push(format!("<{reason:?}"));
                    lines.extend(events.iter().map(line));
                    lines.push(">".into());
                }
                other @ Event::ChannelLost(_) => panic!("a conversation does not emit {other:?}"),
            }
        }
        lines
    }
}

fn line(event: &TimedEvent) -> String {
    match &event.body {
        EventBody::Message(message) => {
            let text = message.text.as_deref().unwrap_or("no text");
            let old = if message.origin == Origin::History { " (old)" } else { "" };
            format!("{}: {text}{old}", message.from.name.as_deref().unwrap_or("-"))
        }
        EventBody::Update { description } => format!("[{}]", description.as_deref().unwrap_or_default()),
        EventBody::Closed => "closed".into(),
        EventBody::Gap(gap) => format!("gap from {}", gap.from.timestamp() - START),
    }
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START + second, 0).expect("in range")
}

/// Returns the second in which a message was sent. Its id begins with it.
fn second(id: &str) -> i64 {
    id.trim_end_matches(char::is_alphabetic).parse().expect("an id that begins with a number")
}

fn participant(name: &str, purpose: &str, state: &str, messages: &[&str]) -> Value {
    let message = |id: &&str| json!({ "messageId": id, "messageTime": at(second(id)) });
    let messages: Vec<Value> = messages.iter().map(message).collect();
    json!({ "id": name, "purpose": purpose, "name": name, "state": state, "connectedTime": at(0), "messages": messages })
}

/// The customer, connected.
fn ada(messages: &[&str]) -> Value {
    participant("Ada", "customer", "connected", messages)
}

/// The customer with the messages of these ids.
fn ada_with(ids: &[String]) -> Value {
    ada(&ids.iter().map(String::as_str).collect::<Vec<_>>())
}

fn snapshot(participants: &[Value]) -> Snapshot {
    Snapshot::from_value(&json!({ "id": "c1", "participants": participants }))
}

fn bodies(ids: &[impl AsRef<str>]) -> Vec<MessageBody> {
    let body = |id: &str| json!({ "id": id, "timestamp": at(second(id)), "normalizedMessage": { "text": id } });
    let entities: Vec<Value> = ids.iter().map(|id| body(id.as_ref())).collect();
    parse_bulk(&json!({ "entities": entities }).to_string()).expect("a list of bodies")
}
