//! The state of a conversation at one moment, in any of its four JSON shapes.
//!
//! `GET /conversations/{id}` and the `…conversations` topics have communications between a participant and its
//! messages. `GET /conversations/messages/{id}` and the `…conversations.messages` topics do not, and have two members
//! for the id of a message. The parser goes by the members that are there, not by the source of the JSON.

mod medium;
mod purpose;
mod shapes;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

pub(crate) use self::medium::{Medium, join as join_media};
pub(crate) use self::purpose::Purpose;
use self::shapes::ConversationJson;
use super::json::{parse, within_limits};
use super::lenient::LenientObject;
use crate::event::DeliveryStatus;

/// A conversation at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) id: Option<String>,
    /// The end of the conversation; `None` while it is open, and in the shapes without this time.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// `true` if the conversation has a messaging communication, even one without messages.
    pub(crate) has_messages: bool,
    /// `true` if the conversation has a call, even one that has ended.
    pub(crate) has_calls: bool,
    /// The media that are not printed, in order, each once.
    pub(crate) other_media: Vec<Medium>,
    /// All participants, past ones included, in the order of the server.
    pub(crate) participants: Vec<Participant>,
}

/// A person, queue or bot that takes part in a conversation, from connect to disconnect.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Participant {
    /// The id, empty if missing. A person who comes back is a new participant with a new id.
    pub(crate) id: String,
    pub(crate) purpose: Purpose,
    pub(crate) name: Option<String>,
    /// The address, such as a telephone number.
    pub(crate) address: Option<String>,
    /// The user of the organisation, for agents.
    pub(crate) user: Option<EntityRef>,
    /// The queue that the participant waits in or works for.
    pub(crate) queue: Option<EntityRef>,
    pub(crate) presence: Presence,
    /// The platform of the messages, such as `webmessaging`, else the medium, such as `call`.
    pub(crate) media: Option<Cow<'static, str>>,
    /// The legs of calls.
    pub(crate) call_legs: Vec<CallLeg>,
    pub(crate) involvement: Involvement,
    /// The reason of the disconnect, such as `transfer`, in lower case.
    pub(crate) disconnect_type: Option<String>,
    pub(crate) connected_at: Option<DateTime<Utc>>,
    pub(crate) disconnected_at: Option<DateTime<Utc>>,
    /// The messages that the participant sent, in the order of the server.
    pub(crate) messages: Vec<MessageRef>,
}

/// The part of a call that belongs to one participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallLeg {
    pub(crate) id: String,
    pub(crate) has_ended: bool,
}

/// A user or a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityRef {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

/// The way in which a participant takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Involvement {
    Full,
    /// An agent asks it for advice.
    Consulted,
    /// A supervisor who listens, or whom only the agent hears.
    Supervising,
}

/// The connection state of a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Not connected yet.
    Alerting,
    Connected,
    /// Away, and expected back.
    Parked,
    Disconnected,
    /// A missing or unknown state.
    Unknown,
}

/// A message in the list of a participant, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MessageRef {
    pub(crate) id: String,
    pub(crate) sent_at: Option<DateTime<Utc>>,
    pub(crate) kind: MessageKind,
    pub(crate) outcome: ListedOutcome,
}

/// The delivery of a listed message, as far as the list tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ListedOutcome {
    pub(crate) status: Option<DeliveryStatus>,
    /// The reason why it was not delivered.
    pub(crate) failure: Option<String>,
}

/// The kind of a listed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MessageKind {
    /// A message with a body, which has to be fetched.
    Text,
    /// An event or receipt, as text to show behind a name, such as `joined`.
    Event(String),
}

impl ListedOutcome {
    /// Returns whether the message was taken back.
    pub(crate) fn is_removed(&self) -> bool {
        self.status.as_ref().is_some_and(DeliveryStatus::is_removed)
    }
}

impl Snapshot {
    /// Parses a conversation. `None` if this is not a JSON object, or if it exceeds the limits on its size.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        if !json.trim_start().starts_with('{') || !within_limits(json) {
            return None;
        }
        // Fails on a member given twice and on a lone surrogate, which a `Value` accepts.
        let direct = serde_json::from_str(json).map(ConversationJson::into_snapshot).ok();
        direct.or_else(|| Some(Self::from_value(&parse(json).ok()?)))
    }

    /// Reads a conversation. A value that is not an object gives an empty one.
    pub(crate) fn from_value(value: &Value) -> Self {
        LenientObject::<ConversationJson<'_>>::deserialize(value).unwrap_or_default().0.into_snapshot()
    }

    /// Returns the snapshot as that of a call: the `…conversations.calls` topics name no medium.
    pub(crate) fn of_call(mut self) -> Self {
        self.has_calls = true;
        for participant in &mut self.participants {
            participant.media.get_or_insert(Cow::Borrowed(Medium::Call.as_str()));
        }
        self
    }

    /// Returns whether no more messages can come. A participant that is parked, or in an unknown state, may come back.
    pub(crate) fn has_ended(&self) -> bool {
        let all_disconnected =
            || self.participants.iter().all(|participant| participant.presence == Presence::Disconnected);
        self.ended_at.is_some() || (!self.participants.is_empty() && all_disconnected())
    }

    /// Returns when the last participant left, as far as the times are known.
    pub(crate) fn last_left_at(&self) -> Option<DateTime<Utc>> {
        self.participants.iter().filter_map(|participant| participant.disconnected_at).max()
    }
}
