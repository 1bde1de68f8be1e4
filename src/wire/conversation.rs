//! The state of a conversation, in whichever of its four shapes it comes.
//!
//! `GET /conversations/{id}` and the `…conversations` topics put communications between a participant and its
//! messages; `GET /conversations/messages/{id}` and the `…conversations.messages` topics do not, and spell the id of a
//! message in two ways. All of them are read by shape, never by where they came from.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use self::shapes::Conversation;
use super::json::parse;
use super::lenient::Object;
use super::weight::is_bearable;

mod shapes;
#[cfg(test)]
mod tests;

/// A conversation at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// Its id.
    pub(crate) id: Option<String>,
    /// When it ended; `None` while it goes on, and in the shapes that do not say.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// Whether it is one of messages.
    pub(crate) has_messages: bool,
    /// Whether somebody is or was called in it.
    pub(crate) has_calls: bool,
    /// Everybody who took part, in the order of the wire.
    pub(crate) participants: Vec<Participant>,
}

/// Somebody, or something, that takes part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Participant {
    /// The id of this stay; empty where the wire has none. Who comes back gets a new one.
    pub(crate) id: String,
    /// What they are there for.
    pub(crate) purpose: Purpose,
    /// The display name.
    pub(crate) name: Option<String>,
    /// The user of the organisation, for agents.
    pub(crate) user: Option<EntityRef>,
    /// The queue they wait in or work for.
    pub(crate) queue: Option<EntityRef>,
    /// Whether they are there now.
    pub(crate) presence: Presence,
    /// How they went, such as `transfer`, in lower case.
    pub(crate) disconnect_type: Option<String>,
    /// When they came.
    pub(crate) connected_at: Option<DateTime<Utc>>,
    /// When they went.
    pub(crate) disconnected_at: Option<DateTime<Utc>>,
    /// The messages listed as theirs, in the order of the wire.
    pub(crate) messages: Vec<MessageRef>,
}

/// Something with an id that may have a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityRef {
    /// The id.
    pub(crate) id: String,
    /// The display name.
    pub(crate) name: Option<String>,
}

/// What a participant is there for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The person outside.
    Customer,
    /// Somebody of the organisation.
    Agent,
    /// A queue, in which others wait.
    Queue,
    /// A program.
    Bot,
    /// A word this program does not know, as it came; empty where there is none.
    Other(String),
}

/// Whether a participant is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Not yet.
    Alerting,
    /// Yes.
    Connected,
    /// Away, and expected back.
    Parked,
    /// Not any more.
    Disconnected,
    /// The wire does not say.
    Unknown,
}

/// A message in the list of a participant. No list holds its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MessageRef {
    /// The id of the message.
    pub(crate) id: String,
    /// When it was sent.
    pub(crate) sent_at: Option<DateTime<Utc>>,
    /// What it is.
    pub(crate) kind: MessageKind,
}

/// What a message in a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MessageKind {
    /// Something said; the body has to be fetched.
    Text,
    /// Something that happened, in words such as `joined` that read behind a name.
    Event(String),
}

impl Snapshot {
    /// Reads a conversation; `None` when this is no JSON object, or one that holds more than a conversation can.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        if !json.trim_start().starts_with('{') || !is_bearable(json) {
            return None;
        }
        // The quick way refuses a member given twice, and a lone surrogate.
        serde_json::from_str(json)
            .map(Conversation::into_snapshot)
            .ok()
            .or_else(|| Some(Self::from_value(&parse(json).ok()?)))
    }

    /// Reads a conversation. What is no object is an empty one.
    pub(crate) fn from_value(value: &Value) -> Self {
        Object::<Conversation<'_>>::deserialize(value).unwrap_or_default().0.into_snapshot()
    }

    /// Whether nobody will say anything more. Who is parked may come back, and who is in a state that this program does
    /// not know may too.
    pub(crate) fn has_ended(&self) -> bool {
        let all_gone = || self.participants.iter().all(|participant| participant.presence == Presence::Disconnected);
        self.ended_at.is_some() || (!self.participants.is_empty() && all_gone())
    }
}
