//! The four shapes in one: members that a shape does not have are just missing.

use serde::{Deserialize, Deserializer};

use super::super::lenient::{Loose, Object};
use super::super::message_event::MessageMetadata;
use super::super::objects::Objects;
use super::{EntityRef, MessageKind, MessageRef, Participant, Presence, Purpose, Snapshot};

/// A conversation.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Conversation<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
    #[serde(borrow)]
    end_time: Loose<'a>,
    participants: Objects<Read>,
}

/// A participant, read while its JSON goes by: what is kept is a fraction of that.
#[derive(Debug)]
struct Read {
    participant: Participant,
    has_messages: bool,
    has_calls: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireParticipant<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
    #[serde(borrow)]
    purpose: Loose<'a>,
    #[serde(borrow)]
    name: Loose<'a>,
    #[serde(borrow)]
    user: Object<WireNamed<'a>>,
    #[serde(borrow)]
    user_id: Loose<'a>,
    #[serde(borrow)]
    queue: Object<WireNamed<'a>>,
    #[serde(borrow)]
    queue_id: Loose<'a>,
    #[serde(borrow)]
    state: Loose<'a>,
    #[serde(borrow)]
    disconnect_type: Loose<'a>,
    #[serde(borrow)]
    connected_time: Loose<'a>,
    #[serde(borrow)]
    end_time: Loose<'a>,
    #[serde(borrow)]
    messages: Objects<Item<'a>>,
    #[serde(borrow)]
    calls: Objects<Item<'a>>,
    #[serde(borrow)]
    callbacks: Objects<Item<'a>>,
    #[serde(borrow)]
    chats: Objects<Item<'a>>,
    #[serde(borrow)]
    cobrowsesessions: Objects<Item<'a>>,
    #[serde(borrow)]
    emails: Objects<Item<'a>>,
    #[serde(borrow)]
    internal_messages: Objects<Item<'a>>,
    #[serde(borrow)]
    screen_monitorings: Objects<Item<'a>>,
    #[serde(borrow)]
    screenshares: Objects<Item<'a>>,
    #[serde(borrow)]
    social_expressions: Objects<Item<'a>>,
    #[serde(borrow)]
    videos: Objects<Item<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireNamed<'a> {
    #[serde(borrow)]
    id: Loose<'a>,
    #[serde(borrow)]
    name: Loose<'a>,
}

/// A communication, or a message: `messages` holds either.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    state: Loose<'a>,
    #[serde(borrow)]
    disconnect_type: Loose<'a>,
    #[serde(borrow)]
    connected_time: Loose<'a>,
    #[serde(borrow)]
    disconnected_time: Loose<'a>,
    #[serde(borrow)]
    messages: Objects<Item<'a>>,
    #[serde(borrow)]
    id: Loose<'a>,
    #[serde(borrow)]
    message_id: Loose<'a>,
    #[serde(borrow)]
    message: Object<WireNamed<'a>>,
    #[serde(borrow)]
    message_time: Loose<'a>,
    #[serde(borrow)]
    message_status: Loose<'a>,
    #[serde(borrow)]
    message_metadata: Object<MessageMetadata<'a>>,
}

impl Conversation<'_> {
    pub(super) fn into_snapshot(self) -> Snapshot {
        let participants = self.participants.into_vec();
        Snapshot {
            id: self.id.into_string(),
            ended_at: self.end_time.time(),
            has_messages: participants.iter().any(|read| read.has_messages),
            has_calls: participants.iter().any(|read| read.has_calls),
            participants: participants.into_iter().map(|read| read.participant).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WireParticipant::deserialize(deserializer).map(|wire| Self {
            has_messages: wire.has_messages(),
            has_calls: !wire.calls.as_slice().is_empty(),
            participant: wire.into_participant(),
        })
    }
}

impl<'a> WireParticipant<'a> {
    /// The flat shapes give every participant a `state` and a list of messages, which may still be empty.
    fn has_messages(&self) -> bool {
        !self.messages.as_slice().is_empty() || (self.messages.is_list() && self.state.0.is_some())
    }

    fn into_participant(self) -> Participant {
        let purpose = Purpose::of(self.purpose.as_str());
        let presence = self.presence();
        let is_gone = presence == Presence::Disconnected;
        let first = || self.communications().filter_map(|item| item.connected_time.time()).min();
        let last = || self.communications().filter(|_| is_gone).filter_map(|item| item.disconnected_time.time()).max();
        Participant {
            connected_at: self.connected_time.time().or_else(first),
            disconnected_at: self.end_time.time().or_else(last),
            disconnect_type: self.disconnect_type(is_gone),
            messages: entries(self.messages.as_slice(), purpose == Purpose::Customer),
            id: self.id.into_string().unwrap_or_default(),
            name: self.name.into_string(),
            user: named(self.user, self.user_id),
            queue: named(self.queue, self.queue_id),
            purpose,
            presence,
        }
    }

    fn communications(&self) -> impl Iterator<Item = &Item<'a>> {
        let media = [
            &self.messages,
            &self.calls,
            &self.callbacks,
            &self.chats,
            &self.cobrowsesessions,
            &self.emails,
            &self.internal_messages,
            &self.screen_monitorings,
            &self.screenshares,
            &self.social_expressions,
            &self.videos,
        ];
        media.into_iter().flat_map(Objects::as_slice).filter(|item| !item.is_message())
    }

    /// Of several communications the liveliest counts: who has hung up and still writes is there.
    fn presence(&self) -> Presence {
        if self.end_time.time().is_some() {
            return Presence::Disconnected;
        }
        if self.state.0.is_some() {
            return Presence::of(self.state.as_str());
        }
        let states = || self.communications().map(|item| Presence::of(item.state.as_str()));
        let by_liveliness =
            [Presence::Connected, Presence::Parked, Presence::Alerting, Presence::Unknown, Presence::Disconnected];
        let liveliest = by_liveliness.into_iter().find(|presence| states().any(|state| state == *presence));
        liveliest.unwrap_or(Presence::Unknown)
    }

    /// One communication that was ended says nothing about who is still there.
    fn disconnect_type(&self, is_gone: bool) -> Option<String> {
        let ended = self.communications().filter(|_| is_gone);
        let of_communication = || ended.filter_map(|item| item.disconnect_type.0.as_deref()).last();
        self.disconnect_type.0.as_deref().or_else(of_communication).map(str::to_ascii_lowercase)
    }
}

/// From an object with an id and a name, else from a bare id.
fn named(object: Object<WireNamed<'_>>, bare: Loose<'_>) -> Option<EntityRef> {
    let WireNamed { id, name } = object.0;
    let id = id.into_string().or_else(|| bare.into_string())?;
    Some(EntityRef { id, name: name.into_string() })
}

/// The messages of a participant, from a flat list or through its communications.
fn entries(items: &[Item<'_>], of_reader: bool) -> Vec<MessageRef> {
    let mut entries = Vec::new();
    for item in items {
        let messages = if item.is_message() { std::slice::from_ref(item) } else { item.messages.as_slice() };
        entries.extend(messages.iter().filter_map(|message| message.entry(of_reader)));
    }
    entries
}

impl Item<'_> {
    /// A communication has an id too, and neither of these.
    fn is_message(&self) -> bool {
        self.message_id.0.is_some() || self.message.0.id.0.is_some()
    }

    fn entry(&self, of_reader: bool) -> Option<MessageRef> {
        let ids = [&self.message_id, &self.message.0.id, &self.id];
        let id = ids.into_iter().find_map(|id| id.0.as_deref())?.to_owned();
        let sign = self.message_metadata.0.event_text(self.message_status.as_str(), of_reader);
        Some(MessageRef {
            id,
            sent_at: self.message_time.time(),
            kind: sign.map_or(MessageKind::Text, MessageKind::Event),
        })
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
            "alerting" | "dialing" | "contacting" | "offering" | "scheduled" | "none" => Self::Alerting,
            "connected" | "converting" | "uploading" | "transmitting" => Self::Connected,
            "parked" => Self::Parked,
            "disconnected" | "terminated" => Self::Disconnected,
            _ => Self::Unknown,
        }
    }
}
