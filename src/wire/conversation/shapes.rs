//! The JSON of a conversation: one set of types for all four shapes, with every member optional.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use super::{
    CallLeg, EntityRef, Involvement, ListedOutcome, Medium, MessageKind, MessageRef, Participant, Presence, Purpose,
    Snapshot,
};
use crate::event::DeliveryStatus;
use crate::wire::lenient::{LenientList, LenientObject, LenientString};
use crate::wire::message_event::MessageMetadata;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ConversationJson<'a> {
    #[serde(borrow)]
    id: LenientString<'a>,
    #[serde(borrow)]
    end_time: LenientString<'a>,
    participants: LenientList<ParsedParticipant>,
}

/// A participant, converted while the JSON is parsed: the result is a fraction of the size of [`ParticipantJson`].
#[derive(Debug)]
struct ParsedParticipant {
    participant: Participant,
    has_messages: bool,
    media: Vec<Medium>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ParticipantJson<'a> {
    #[serde(borrow)]
    id: LenientString<'a>,
    #[serde(borrow)]
    purpose: LenientString<'a>,
    #[serde(borrow)]
    name: LenientString<'a>,
    #[serde(borrow)]
    address: LenientString<'a>,
    #[serde(borrow)]
    user: LenientObject<EntityJson<'a>>,
    #[serde(borrow)]
    user_id: LenientString<'a>,
    #[serde(borrow)]
    queue: LenientObject<EntityJson<'a>>,
    #[serde(borrow)]
    queue_id: LenientString<'a>,
    #[serde(borrow)]
    queue_name: LenientString<'a>,
    /// The platform of the messages, in the shapes without communications.
    #[serde(borrow, rename = "type")]
    platform: LenientString<'a>,
    #[serde(borrow)]
    consult_participant_id: LenientString<'a>,
    #[serde(borrow)]
    monitored_participant_id: LenientString<'a>,
    #[serde(borrow)]
    coached_participant_id: LenientString<'a>,
    #[serde(borrow)]
    state: LenientString<'a>,
    #[serde(borrow)]
    disconnect_type: LenientString<'a>,
    #[serde(borrow)]
    connected_time: LenientString<'a>,
    #[serde(borrow)]
    end_time: LenientString<'a>,
    #[serde(borrow)]
    messages: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    calls: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    callbacks: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    chats: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    cobrowsesessions: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    emails: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    internal_messages: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    screen_monitorings: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    screenshares: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    social_expressions: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    videos: LenientList<ListItem<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EntityJson<'a> {
    #[serde(borrow)]
    id: LenientString<'a>,
    #[serde(borrow)]
    name: LenientString<'a>,
}

/// An item of `messages`: a communication in two of the shapes, a message in the other two.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListItem<'a> {
    #[serde(borrow)]
    state: LenientString<'a>,
    #[serde(borrow)]
    disconnect_type: LenientString<'a>,
    #[serde(borrow)]
    connected_time: LenientString<'a>,
    #[serde(borrow)]
    disconnected_time: LenientString<'a>,
    #[serde(borrow)]
    end_time: LenientString<'a>,
    #[serde(borrow, rename = "type")]
    platform: LenientString<'a>,
    #[serde(borrow)]
    messages: LenientList<ListItem<'a>>,
    #[serde(borrow)]
    id: LenientString<'a>,
    #[serde(borrow)]
    message_id: LenientString<'a>,
    #[serde(borrow)]
    message: LenientObject<EntityJson<'a>>,
    #[serde(borrow)]
    message_time: LenientString<'a>,
    #[serde(borrow)]
    message_status: LenientString<'a>,
    #[serde(borrow)]
    message_metadata: LenientObject<MessageMetadata<'a>>,
    #[serde(borrow)]
    error_info: LenientObject<ErrorJson<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorJson<'a> {
    #[serde(borrow)]
    code: LenientString<'a>,
    #[serde(borrow)]
    message: LenientString<'a>,
}

impl ConversationJson<'_> {
    pub(super) fn into_snapshot(self) -> Snapshot {
        let parsed = self.participants.into_vec();
        let media: BTreeSet<Medium> = parsed.iter().flat_map(|parsed| &parsed.media).copied().collect();
        Snapshot {
            id: self.id.into_string(),
            ended_at: self.end_time.time(),
            has_messages: parsed.iter().any(|parsed| parsed.has_messages),
            has_calls: media.contains(&Medium::Call),
            other_media: media.into_iter().filter(|medium| !medium.is_printed()).collect(),
            participants: parsed.into_iter().map(|parsed| parsed.participant).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for ParsedParticipant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ParticipantJson::deserialize(deserializer).map(|json| Self {
            has_messages: json.has_messages(),
            media: json.media().collect(),
            participant: json.into_participant(),
        })
    }
}

impl<'a> ParticipantJson<'a> {
    /// The shapes without communications give every participant a `state` and a list of messages, which may be empty.
    fn has_messages(&self) -> bool {
        !self.messages.as_slice().is_empty() || (self.messages.is_list() && self.state.0.is_some())
    }

    fn into_participant(self) -> Participant {
        let purpose = Purpose::parse(self.purpose.as_str());
        let presence = self.presence();
        let has_left = presence == Presence::Disconnected;
        let first = || self.communications().filter_map(|item| item.connected_time.time()).min();
        let last = || self.communications().filter(|_| has_left).filter_map(ListItem::ended_at).max();
        Participant {
            connected_at: self.connected_time.time().or_else(first),
            disconnected_at: self.end_time.time().or_else(last),
            disconnect_type: self.disconnect_type(has_left),
            messages: messages(self.messages.as_slice(), purpose.is_customer()),
            media: self.media_name(),
            call_legs: self.calls.as_slice().iter().filter_map(|leg| leg.to_call_leg(has_left)).collect(),
            involvement: self.involvement(),
            id: self.id.into_string().unwrap_or_default(),
            name: self.name.into_name(),
            address: self.address.into_string(),
            user: entity(self.user, self.user_id, LenientString::default()),
            queue: entity(self.queue, self.queue_id, self.queue_name),
            purpose,
            presence,
        }
    }

    fn lists(&self) -> [(Medium, &[ListItem<'a>]); 11] {
        [
            (Medium::Message, &self.messages),
            (Medium::Call, &self.calls),
            (Medium::Callback, &self.callbacks),
            (Medium::Chat, &self.chats),
            (Medium::CoBrowsing, &self.cobrowsesessions),
            (Medium::Email, &self.emails),
            (Medium::InternalMessage, &self.internal_messages),
            (Medium::ScreenMonitoring, &self.screen_monitorings),
            (Medium::ScreenShare, &self.screenshares),
            (Medium::SocialPost, &self.social_expressions),
            (Medium::Video, &self.videos),
        ]
        .map(|(medium, list)| (medium, list.as_slice()))
    }

    fn communications(&self) -> impl Iterator<Item = &ListItem<'a>> {
        self.lists().into_iter().flat_map(|(_, list)| list).filter(|item| !item.is_message())
    }

    fn media(&self) -> impl Iterator<Item = Medium> {
        self.lists().into_iter().filter(|(_, list)| !list.is_empty()).map(|(medium, _)| medium)
    }

    /// Returns the platform of the messages, else the first medium.
    fn media_name(&self) -> Option<Cow<'static, str>> {
        let of_messages = || self.messages.as_slice().iter().find_map(|item| item.platform.0.as_deref());
        let platform = self.platform.0.as_deref().filter(|_| self.has_messages()).or_else(of_messages);
        match platform.map(str::to_ascii_lowercase).filter(|platform| platform != "unknown") {
            Some(platform) => Some(Cow::Owned(platform)),
            None => self.media().find(|medium| *medium != Medium::Message).map(|medium| Cow::Borrowed(medium.as_str())),
        }
    }

    fn involvement(&self) -> Involvement {
        if self.monitored_participant_id.0.is_some() || self.coached_participant_id.0.is_some() {
            Involvement::Supervising
        } else if self.consult_participant_id.0.is_some() {
            Involvement::Consulted
        } else {
            Involvement::Full
        }
    }

    /// Returns the most active state of all communications: a customer who hung up and still writes is connected.
    fn presence(&self) -> Presence {
        if self.end_time.time().is_some() {
            return Presence::Disconnected;
        }
        if self.state.0.is_some() {
            return Presence::parse(self.state.as_str());
        }
        let states = || self.communications().map(ListItem::presence);
        let by_activity =
            [Presence::Connected, Presence::Parked, Presence::Alerting, Presence::Unknown, Presence::Disconnected];
        let most_active = by_activity.into_iter().find(|presence| states().any(|state| state == *presence));
        most_active.unwrap_or(Presence::Unknown)
    }

    /// The disconnect type of a communication counts only when the participant has left, not while another one goes on.
    fn disconnect_type(&self, has_left: bool) -> Option<String> {
        let ended = self.communications().filter(|_| has_left);
        let of_communication = || ended.filter_map(|item| item.disconnect_type.0.as_deref()).last();
        self.disconnect_type.0.as_deref().or_else(of_communication).map(str::to_ascii_lowercase)
    }
}

/// Returns the entity of an object with an id, else of a bare id and name.
fn entity(
    object: LenientObject<EntityJson<'_>>,
    bare_id: LenientString<'_>,
    bare_name: LenientString<'_>,
) -> Option<EntityRef> {
    let EntityJson { id, name } = object.0;
    let id = id.into_string().or_else(|| bare_id.into_string())?;
    Some(EntityRef { id, name: name.into_name().or_else(|| bare_name.into_name()) })
}

/// Returns the messages of a participant, from a list of messages or of communications.
fn messages(items: &[ListItem<'_>], by_customer: bool) -> Vec<MessageRef> {
    let mut found = Vec::new();
    for item in items {
        let messages = if item.is_message() { std::slice::from_ref(item) } else { item.messages.as_slice() };
        found.extend(messages.iter().filter_map(|message| message.to_message(by_customer)));
    }
    found
}

impl ListItem<'_> {
    /// A communication has an `id` as well, but neither of these.
    fn is_message(&self) -> bool {
        self.message_id.0.is_some() || self.message.0.id.0.is_some()
    }

    /// During the work after a call, a communication that has ended may still be called connected.
    fn presence(&self) -> Presence {
        if self.ended_at().is_some() { Presence::Disconnected } else { Presence::parse(self.state.as_str()) }
    }

    fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.disconnected_time.time().or_else(|| self.end_time.time())
    }

    fn to_call_leg(&self, has_left: bool) -> Option<CallLeg> {
        let has_ended = has_left || self.presence() == Presence::Disconnected;
        Some(CallLeg { id: self.id.0.as_deref()?.to_owned(), has_ended })
    }

    fn to_message(&self, by_customer: bool) -> Option<MessageRef> {
        let ids = [&self.message_id, &self.message.0.id, &self.id];
        let id = ids.into_iter().find_map(|id| id.0.as_deref())?.to_owned();
        let event_text = self.message_metadata.0.event_text(self.message_status.as_str(), by_customer);
        let kind = event_text.map_or(MessageKind::Text, MessageKind::Event);
        Some(MessageRef { id, sent_at: self.message_time.time(), kind, outcome: self.outcome() })
    }

    fn outcome(&self) -> ListedOutcome {
        let ErrorJson { code, message } = &self.error_info.0;
        ListedOutcome {
            status: self.message_status.0.as_deref().map(DeliveryStatus::new),
            failure: message.0.as_deref().or(code.0.as_deref()).map(ToOwned::to_owned),
        }
    }
}

impl Presence {
    fn parse(state: &str) -> Self {
        match state.to_ascii_lowercase().as_str() {
            "alerting" | "dialing" | "contacting" | "offering" | "scheduled" | "none" => Self::Alerting,
            "connected" | "converting" | "uploading" | "transmitting" => Self::Connected,
            "parked" => Self::Parked,
            "disconnected" | "terminated" => Self::Disconnected,
            _ => Self::Unknown,
        }
    }
}
