//! The state of a conversation, in whichever of its four shapes it comes.
//!
//! `GET /conversations/{id}` and the `…conversations` topics put communications between a participant and its
//! messages; `GET /conversations/messages/{id}` and the `…conversations.messages` topics do not, and spell the id of a
//! message in two ways. All of them are read by shape, never by where they came from.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::sign;
use super::value::{at, first, items, parse, text, time};

/// A conversation at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// Its id.
    pub(crate) id: Option<String>,
    /// When it ended; `None` while it goes on, and in the shapes that do not say.
    pub(crate) ended: Option<DateTime<Utc>>,
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
    pub(crate) user: Option<Named>,
    /// The queue they wait in or work for.
    pub(crate) queue: Option<Named>,
    /// Whether they are there now.
    pub(crate) presence: Presence,
    /// How they went, such as `transfer`, in lower case.
    pub(crate) disconnect: Option<String>,
    /// When they came.
    pub(crate) connected: Option<DateTime<Utc>>,
    /// When they went.
    pub(crate) ended: Option<DateTime<Utc>>,
    /// The messages listed as theirs, in the order of the wire.
    pub(crate) messages: Vec<Entry>,
}

/// Something with an id that may have a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
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
    Arriving,
    /// Yes.
    Here,
    /// Away, and expected back.
    Parked,
    /// Not any more.
    Gone,
    /// The wire does not say.
    Unknown,
}

/// A message in the list of a participant. No list holds its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The id of the message.
    pub(crate) id: String,
    /// When it was sent.
    pub(crate) time: Option<DateTime<Utc>>,
    /// What it is.
    pub(crate) kind: EntryKind,
}

/// What a message in a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// Something said; the body has to be fetched.
    Words,
    /// Something that happened, in words such as `joined` that read behind a name.
    Sign(String),
}

impl Snapshot {
    /// Reads a conversation; `None` when this is no JSON object.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        let value = parse(json).ok()?;
        value.is_object().then(|| Self::of(&value))
    }

    /// Reads a conversation. What is no object is an empty one.
    pub(crate) fn of(value: &Value) -> Self {
        let participants = || items(value, "participants").filter(|participant| participant.is_object());
        Self {
            id: text(value, "id"),
            ended: time(value, "endTime"),
            has_messages: participants().any(has_messages),
            has_calls: participants().any(|participant| items(participant, "calls").next().is_some()),
            participants: participants().map(Participant::of).collect(),
        }
    }

    /// Whether nobody will say anything more. Who is parked may come back, and who is in a state that this program does
    /// not know may too.
    pub(crate) fn is_over(&self) -> bool {
        let all_gone = || self.participants.iter().all(|participant| participant.presence == Presence::Gone);
        self.ended.is_some() || (!self.participants.is_empty() && all_gone())
    }
}

impl Participant {
    fn of(value: &Value) -> Self {
        let purpose = Purpose::of(&text(value, "purpose").unwrap_or_default());
        let presence = presence(value);
        Self {
            id: text(value, "id").unwrap_or_default(),
            name: text(value, "name"),
            user: Named::of(value, "user", "userId"),
            queue: Named::of(value, "queue", "queueId"),
            disconnect: disconnect(value),
            connected: time(value, "connectedTime").or_else(|| edge(value, "connectedTime").min()),
            ended: time(value, "endTime")
                .or_else(|| edge(value, "disconnectedTime").max().filter(|_| presence == Presence::Gone)),
            messages: entries(value, purpose == Purpose::Customer),
            purpose,
            presence,
        }
    }
}

impl Named {
    /// From an object with an id and a name, else from a bare id.
    fn of(value: &Value, object: &str, bare: &str) -> Option<Self> {
        let named = at(value, object).unwrap_or(&Value::Null);
        let id = text(named, "id").or_else(|| text(value, bare))?;
        Some(Self { id, name: text(named, "name") })
    }
}

impl Purpose {
    fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "customer" | "external" => Self::Customer,
            "agent" | "user" => Self::Agent,
            "acd" => Self::Queue,
            "botflow" | "workflow" | "ivr" => Self::Bot,
            _ => Self::Other(word.to_owned()),
        }
    }
}

impl Presence {
    fn of(state: &str) -> Self {
        match state.to_ascii_lowercase().as_str() {
            "alerting" | "dialing" | "contacting" | "offering" | "scheduled" | "none" => Self::Arriving,
            "connected" | "converting" | "uploading" | "transmitting" => Self::Here,
            "parked" => Self::Parked,
            "disconnected" | "terminated" => Self::Gone,
            _ => Self::Unknown,
        }
    }
}

/// The lists of communications that a participant can have.
const MEDIA: [&str; 11] = [
    "messages",
    "calls",
    "callbacks",
    "chats",
    "cobrowsesessions",
    "emails",
    "internalMessages",
    "screenMonitorings",
    "screenshares",
    "socialExpressions",
    "videos",
];

fn communications(participant: &Value) -> impl Iterator<Item = &Value> {
    MEDIA.iter().flat_map(|media| items(participant, media)).filter(|item| message_id(item).is_none())
}

/// Of several communications the liveliest counts: who has hung up and still writes is there.
fn presence(participant: &Value) -> Presence {
    if time(participant, "endTime").is_some() {
        return Presence::Gone;
    }
    if let Some(state) = text(participant, "state") {
        return Presence::of(&state);
    }
    let states: Vec<Presence> = communications(participant)
        .map(|communication| Presence::of(&text(communication, "state").unwrap_or_default()))
        .collect();
    let by_liveliness = [Presence::Here, Presence::Parked, Presence::Arriving, Presence::Unknown, Presence::Gone];
    by_liveliness.into_iter().find(|presence| states.contains(presence)).unwrap_or(Presence::Unknown)
}

fn disconnect(participant: &Value) -> Option<String> {
    let of_communication = || communications(participant).filter_map(|item| text(item, "disconnectType")).last();
    text(participant, "disconnectType").or_else(of_communication).map(|kind| kind.to_ascii_lowercase())
}

fn edge(participant: &Value, member: &str) -> impl Iterator<Item = DateTime<Utc>> {
    communications(participant).filter_map(move |communication| time(communication, member))
}

/// The flat shapes give every participant a `state` and a `messages`, which may still be empty.
fn has_messages(participant: &Value) -> bool {
    let messages = at(participant, "messages").and_then(Value::as_array);
    messages.is_some_and(|messages| !messages.is_empty() || participant.get("state").is_some())
}

/// The messages of a participant, from a flat list or through its communications.
fn entries(participant: &Value, of_reader: bool) -> Vec<Entry> {
    let mut entries = Vec::new();
    for item in items(participant, "messages") {
        match message_id(item) {
            Some(id) => entries.push(Entry::of(id, item, of_reader)),
            None => entries.extend(items(item, "messages").filter_map(|message| {
                let id = message_id(message).or_else(|| text(message, "id"))?;
                Some(Entry::of(id, message, of_reader))
            })),
        }
    }
    entries
}

fn message_id(item: &Value) -> Option<String> {
    first(item, &["messageId", "message.id", "message"])
}

impl Entry {
    fn of(id: String, item: &Value, of_reader: bool) -> Self {
        let status = text(item, "messageStatus");
        let metadata = at(item, "messageMetadata").unwrap_or(&Value::Null);
        let sign = sign::words(metadata, status.as_deref(), of_reader);
        Self { id, time: time(item, "messageTime"), kind: sign.map_or(EntryKind::Words, EntryKind::Sign) }
    }
}
