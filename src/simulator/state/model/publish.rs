//! Events for subscribers, composed at the time of a change.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::ConversationModel;
use super::json::raw_json;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::ids::uuid;
use crate::simulator::state::message::{SentMessage, format_time};

/// Collects the events of one action. Composes only those that have a subscriber.
pub(crate) struct EventPublisher<'a> {
    /// The time of the action.
    pub(crate) now: DateTime<Utc>,
    state: &'a SimulatorState,
    has_event_stream: bool,
    events: Vec<Event>,
    stream_events: Vec<BodyOnTopic>,
}

/// The events of an action.
pub(crate) struct PublishedEvents {
    /// The events for the subscribers of channels.
    pub(crate) events: Vec<Event>,
    /// The events for the event stream.
    pub(crate) stream_events: Vec<BodyOnTopic>,
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) topic: String,
    pub(crate) json: Utf8Bytes,
}

#[derive(Debug)]
pub(crate) struct BodyOnTopic {
    pub(crate) topic: String,
    pub(crate) body: Box<RawValue>,
}

impl<'a> EventPublisher<'a> {
    pub(crate) fn new(state: &'a SimulatorState, now: DateTime<Utc>) -> Self {
        let has_event_stream = state.event_stream.is_open();
        Self { now, state, has_event_stream, events: Vec::new(), stream_events: Vec::new() }
    }

    pub(crate) fn into_events(self) -> PublishedEvents {
        PublishedEvents { events: self.events, stream_events: self.stream_events }
    }

    pub(super) fn publishes_status_updates(&self) -> bool {
        self.state.faults.publishes_status_updates()
    }

    /// Publishes the whole conversation to the queues and users that it has, or had until this change.
    pub(super) fn publish_conversation(&mut self, model: &mut ConversationModel) {
        let mut scopes: Vec<_> = model
            .participants
            .iter()
            .filter(|participant| !participant.is_end_published)
            .flat_map(|participant| {
                let queue = participant.queue.as_ref().map(|queue| format!("v2.routing.queues.{}", queue.id));
                let user = participant.user.as_ref().map(|user| format!("v2.users.{}", user.id));
                queue.into_iter().chain(user)
            })
            .collect();
        scopes.sort_unstable();
        scopes.dedup();
        let max_listed = self.state.faults.max_listed_messages();
        if !model.is_call && !model.is_email {
            self.publish_to(&scopes, "conversations.messages", || model.flat_event(max_listed));
        }
        if model.is_call {
            self.publish_to(&scopes, "conversations.calls", || model.call_event());
        }
        self.publish_to(&scopes, "conversations", || model.nested_event(max_listed));
        for participant in model.participants.iter_mut().filter(|participant| !participant.is_present()) {
            participant.is_end_published = true;
        }
    }

    /// Publishes to the present users that a customer is typing.
    pub(super) fn publish_typing(&mut self, model: &ConversationModel, customer: usize, message: &SentMessage) {
        let present = model.participants.iter().filter(|participant| participant.is_present());
        let scopes: Vec<_> = present
            .filter_map(|participant| participant.user.as_ref())
            .map(|user| format!("v2.users.{}", user.id))
            .collect();
        let name = &model.participants[customer].name;
        self.publish_to(&scopes, "conversations.inbound.typing.event", || {
            raw_json(&json!({
                "conversationId": model.id,
                "normalizedMessage": {
                    "channel": {
                        "platform": "WebMessaging",
                        "from": { "id": model.customer_address(), "idType": "Opaque", "nickname": name },
                        "time": format_time(message.sent_at),
                    },
                    "type": "Event",
                    "events": [{ "eventType": "Typing", "typing": { "type": "On", "duration": 5000 } }],
                    "direction": "Inbound",
                },
            }))
        });
    }

    /// Publishes a body on a topic of the event stream, which has it with and without a subscriber.
    pub(super) fn publish_on_stream(&mut self, topic: String, body: impl FnOnce() -> Box<RawValue>) {
        if !self.has_event_stream {
            return self.publish(vec![topic], body);
        }
        let body = body();
        self.publish(vec![topic.clone()], || body.clone());
        self.stream_events.push(BodyOnTopic { topic, body });
    }

    /// Publishes the same body on every topic that has a subscriber.
    fn publish(&mut self, topics: Vec<String>, body: impl FnOnce() -> Box<RawValue>) {
        let subscribed: Vec<_> = topics.into_iter().filter(|topic| self.state.channels.has_subscriber(topic)).collect();
        if subscribed.is_empty() {
            return;
        }
        let (body, correlation) = (body(), uuid(&format!("event at {} {}", self.now, self.events.len())));
        for topic in subscribed {
            let json = format!(
                r#"{{"topicName":{name},"version":"2","eventBody":{body},"metadata":{{"CorrelationId":"{correlation}"}}}}"#,
                name = Value::from(topic.as_str()),
                body = body.get()
            );
            self.events.push(Event { topic, json: json.into() });
        }
    }

    fn publish_to(&mut self, scopes: &[String], suffix: &str, body: impl FnOnce() -> Box<RawValue>) {
        let topics: Vec<_> = scopes.iter().map(|scope| format!("{scope}.{suffix}")).collect();
        self.publish(topics, body);
    }
}
