//! A participant, told by the shape it has: with communications between it and its messages, or without.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::sign;
use super::super::value::{at, first, items, text, time};
use super::{Entry, EntryKind, Named, Participant, Presence, Purpose};

impl Participant {
    pub(super) fn of(value: &Value) -> Self {
        let purpose = Purpose::of(&text(value, "purpose").unwrap_or_default());
        let presence = presence(value);
        Self {
            id: text(value, "id").unwrap_or_default(),
            name: text(value, "name"),
            user: Named::of(value, "user", "userId"),
            queue: Named::of(value, "queue", "queueId"),
            disconnect: disconnect(value, presence),
            connected: time(value, "connectedTime").or_else(|| times(value, "connectedTime").min()),
            ended: time(value, "endTime")
                .or_else(|| times(value, "disconnectedTime").max().filter(|_| presence == Presence::Gone)),
            messages: entries(value, purpose == Purpose::Customer),
            purpose,
            presence,
        }
    }
}

/// The flat shapes give every participant a `state` and a `messages`, which may still be empty.
pub(super) fn has_messages(participant: &Value) -> bool {
    let messages = at(participant, "messages").and_then(Value::as_array);
    messages.is_some_and(|messages| !messages.is_empty() || participant.get("state").is_some())
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
    MEDIA.iter().flat_map(|media| items(participant, media)).filter(|item| !is_message(item))
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

/// One communication that was ended says nothing about who is still there.
fn disconnect(participant: &Value, presence: Presence) -> Option<String> {
    let ended = communications(participant).filter(|_| presence == Presence::Gone);
    let of_communication = || ended.filter_map(|item| text(item, "disconnectType")).last();
    text(participant, "disconnectType").or_else(of_communication).map(|kind| kind.to_ascii_lowercase())
}

fn times(participant: &Value, member: &str) -> impl Iterator<Item = DateTime<Utc>> {
    communications(participant).filter_map(move |communication| time(communication, member))
}

/// The messages of a participant, from a flat list or through its communications.
fn entries(participant: &Value, of_reader: bool) -> Vec<Entry> {
    let mut entries = Vec::new();
    for item in items(participant, "messages") {
        if is_message(item) {
            entries.extend(Entry::of(item, of_reader));
        } else {
            entries.extend(items(item, "messages").filter_map(|message| Entry::of(message, of_reader)));
        }
    }
    entries
}

/// A communication has neither of these members.
fn is_message(item: &Value) -> bool {
    ["messageId", "message"].iter().any(|member| item.get(member).is_some_and(|value| !value.is_null()))
}

impl Entry {
    fn of(item: &Value, of_reader: bool) -> Option<Self> {
        let id = first(item, &["messageId", "message.id", "message", "id"])?;
        let status = text(item, "messageStatus");
        let metadata = at(item, "messageMetadata").unwrap_or(&Value::Null);
        let sign = sign::words(metadata, status.as_deref(), of_reader);
        Some(Self { id, time: time(item, "messageTime"), kind: sign.map_or(EntryKind::Words, EntryKind::Sign) })
    }
}
