//! What subscribers hear of a conversation, written down at the moment it happens.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{ConversationModel, SentMessage, uuid};
use crate::simulator::faults::FaultSchedule;
use crate::simulator::state::channels::ChannelRegistry;
use crate::simulator::state::transcript_frames::stamp;

/// Collects the events of one act; only those that somebody subscribed are composed.
pub(crate) struct EventPublisher<'a> {
    pub(crate) now: DateTime<Utc>,
    channels: &'a ChannelRegistry,
    faults: &'a FaultSchedule,
    events: Vec<Event>,
}

/// An event on its way to whoever subscribed its topic.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) topic: String,
    pub(crate) json: Utf8Bytes,
}

impl<'a> EventPublisher<'a> {
    pub(crate) fn new(channels: &'a ChannelRegistry, faults: &'a FaultSchedule, now: DateTime<Utc>) -> Self {
        Self { now, channels, faults, events: Vec::new() }
    }

    pub(crate) fn into_events(self) -> Vec<Event> {
        self.events
    }

    pub(super) fn updates_status(&self) -> bool {
        self.faults.updates_status()
    }

    /// Tells the whole conversation to the queues and users it belongs to, or just left.
    pub(super) fn changed(&mut self, model: &mut ConversationModel) {
        let mut scopes: Vec<_> = model
            .people
            .iter()
            .filter(|participant| !participant.end_is_known)
            .flat_map(|participant| {
                let queue = participant.queue.as_ref().map(|queue| format!("v2.routing.queues.{}", queue.id));
                let user = participant.user.as_ref().map(|user| format!("v2.users.{}", user.id));
                queue.into_iter().chain(user)
            })
            .collect();
        scopes.sort_unstable();
        scopes.dedup();
        let listed = self.faults.listed();
        if !model.is_call {
            self.tell(&scopes, "conversations.messages", || model.flat_event(listed));
        }
        self.tell(&scopes, "conversations", || model.nested_event(listed));
        for participant in model.people.iter_mut().filter(|participant| !participant.is_present()) {
            participant.end_is_known = true;
        }
    }

    /// Tells the queue or user that the customer types.
    pub(super) fn typing(&mut self, model: &ConversationModel, by: usize, spoken: &SentMessage) {
        let present = model.people.iter().filter(|participant| participant.is_present());
        let scopes: Vec<_> = present
            .filter_map(|participant| participant.user.as_ref())
            .map(|user| format!("v2.users.{}", user.id))
            .collect();
        let name = &model.people[by].name;
        self.tell(&scopes, "conversations.inbound.typing.event", || {
            raw(&json!({
                "conversationId": model.id,
                "normalizedMessage": {
                    "channel": {
                        "platform": "WebMessaging",
                        "from": { "id": model.address(), "idType": "Opaque", "nickname": name },
                        "time": stamp(spoken.at),
                    },
                    "type": "Event",
                    "events": [{ "eventType": "Typing", "typing": { "type": "On", "duration": 5000 } }],
                    "direction": "Inbound",
                },
            }))
        });
    }

    fn tell(&mut self, scopes: &[String], what: &str, body: impl FnOnce() -> Box<RawValue>) {
        let topics: Vec<_> = scopes.iter().map(|scope| format!("{scope}.{what}")).collect();
        self.publish(topics, body);
    }

    /// The same body on every topic that somebody subscribed.
    pub(super) fn publish(&mut self, topics: Vec<String>, body: impl FnOnce() -> Box<RawValue>) {
        let wanted: Vec<_> = topics.into_iter().filter(|topic| self.channels.wants(topic)).collect();
        if wanted.is_empty() {
            return;
        }
        let (body, correlation) = (body(), uuid(&format!("event at {} {}", self.now, self.events.len())));
        for topic in wanted {
            let json = format!(
                r#"{{"topicName":{name},"version":"2","eventBody":{body},"metadata":{{"CorrelationId":"{correlation}"}}}}"#,
                name = Value::from(topic.as_str()),
                body = body.get()
            );
            self.events.push(Event { topic, json: json.into() });
        }
    }
}

pub(super) fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("a value is always JSON")
}
