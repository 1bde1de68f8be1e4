//! The shapes in which a whole conversation is told.
//!
//! Two families: participants with their messages in one flat list, and participants with communications that hold
//! them. Each comes as an event and as an answer, which differ a little; a message list never holds text.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::messages::StoredMessage;
use super::participants::{Participant, Purpose};
use super::{ConversationModel, uuid};
use crate::simulator::state::transcript_frames::stamp;

/// Whom a conversation is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Subscriber,
    Reader,
}

#[derive(Serialize)]
struct Conversation<P> {
    #[serde(flatten)]
    head: Value,
    participants: Vec<P>,
}

#[derive(Serialize)]
struct Listing<'a> {
    #[serde(flatten)]
    head: Value,
    messages: Vec<&'a RawValue>,
}

#[derive(Serialize)]
struct Nested<'a> {
    #[serde(flatten)]
    head: Value,
    messages: Vec<Listing<'a>>,
}

/// The division everything belongs to.
pub(crate) fn division() -> Value {
    let id = uuid("division");
    json!({ "id": id, "selfUri": format!("/api/v2/authorization/divisions/{id}") })
}

impl ConversationModel {
    /// The body of an event of `…conversations.messages`, with the latest `listed` messages of each participant.
    pub(super) fn flat_event(&self, listed: usize) -> Box<RawValue> {
        self.flat(Told::Subscriber, listed)
    }

    /// The answer of `GET /api/v2/conversations/messages/{id}`.
    pub(crate) fn flat_answer(&self) -> Box<RawValue> {
        self.flat(Told::Reader, usize::MAX)
    }

    /// The body of an event of `…conversations`.
    pub(super) fn nested_event(&self, listed: usize) -> Box<RawValue> {
        self.nested(Told::Subscriber, listed)
    }

    /// The answer of `GET /api/v2/conversations/{id}`.
    pub(crate) fn nested_answer(&self) -> Box<RawValue> {
        self.nested(Told::Reader, usize::MAX)
    }

    /// What the analytics query knows of it.
    pub(crate) fn detail(&self) -> Value {
        let mut detail = json!({
            "conversationId": self.id,
            "conversationStart": stamp(self.started),
            "originatingDirection": "inbound",
            "divisionIds": [uuid("division")],
            "participants": self.people.iter().map(|one| self.detail_participant(one)).collect::<Vec<_>>(),
        });
        set(&mut detail, "conversationEnd", self.ended.map(stamp));
        detail
    }

    /// `message` or `voice`.
    pub(crate) fn media(&self) -> &'static str {
        if self.is_call { "voice" } else { "message" }
    }

    fn detail_participant(&self, one: &Participant) -> Value {
        let mut segment = json!({ "segmentStart": stamp(one.started), "segmentType": "interact", "conference": false });
        set(&mut segment, "segmentEnd", one.ended.map(|(at, _)| stamp(at)));
        set(&mut segment, "queueId", one.queue.as_ref().map(|queue| queue.id.as_str()));
        let mut participant = json!({
            "participantId": one.id,
            "participantName": one.name,
            "purpose": one.purpose(self.is_call),
            "sessions": [{
                "sessionId": one.communication,
                "mediaType": self.media(),
                "direction": "inbound",
                "segments": [segment],
            }],
        });
        set(&mut participant, "userId", one.user.as_ref().map(|user| user.id.as_str()));
        participant
    }

    fn flat(&self, told: Told, listed: usize) -> Box<RawValue> {
        let lists = self.lists(listed, |said| if told == Told::Reader { &said.in_answer } else { &said.in_event });
        let participants = self.people.iter().zip(lists);
        let participants: Vec<_> =
            participants.map(|(one, messages)| Listing { head: self.flat_head(one, told), messages }).collect();
        let mut head =
            json!({ "id": self.id, "otherMediaUris": [], "utilizationLabelId": "", "divisions": divisions() });
        if told == Told::Reader {
            head["recentTransfers"] = json!([]);
            head["selfUri"] = format!("/api/v2/conversations/messages/{}", self.id).into();
        }
        raw(&Conversation { head, participants })
    }

    fn flat_head(&self, participant: &Participant, told: Told) -> Value {
        let mut head = self.common(participant);
        set(&mut head, "startTime", Some(stamp(participant.started)));
        set(&mut head, "state", Some(participant.flat_state()));
        set(&mut head, "initialState", Some(participant.initial.name()));
        set(&mut head, "user", participant.user.as_ref().map(|user| json!(user)));
        set(&mut head, "queue", participant.queue.as_ref().map(|queue| json!(queue)));
        for (key, value) in self.communication(participant) {
            set(&mut head, key, Some(value));
        }
        if participant.purpose == Purpose::Customer {
            match told {
                Told::Subscriber => set(&mut head, "address", Some(self.address())),
                Told::Reader => set(&mut head, "fromAddress", Some(json!({ "addressNormalized": self.address() }))),
            }
        }
        head
    }

    fn nested(&self, told: Told, listed: usize) -> Box<RawValue> {
        let lists = self.lists(listed, |said| &said.in_answer);
        let participants = self.people.iter().zip(lists);
        let participants = participants.map(|(one, messages)| self.nested_participant(one, told, messages)).collect();
        let state = if told == Told::Reader { "NONE" } else { "none" };
        let mut head = json!({ "id": self.id, "recordingState": state, "divisions": divisions() });
        if told == Told::Reader {
            head["startTime"] = stamp(self.started).into();
            head["selfUri"] = format!("/api/v2/conversations/{}", self.id).into();
            set(&mut head, "endTime", self.ended.map(stamp));
        }
        raw(&Conversation { head, participants })
    }

    fn nested_participant<'a>(&self, one: &Participant, told: Told, messages: Vec<&'a RawValue>) -> Nested<'a> {
        let mut head = self.common(one);
        if told == Told::Reader {
            set(&mut head, "startTime", Some(stamp(one.started)));
        }
        set(&mut head, "userId", one.user.as_ref().map(|user| user.id.as_str()));
        set(&mut head, "queueId", one.queue.as_ref().map(|queue| queue.id.as_str()));
        for media in ["callbacks", "chats", "cobrowsesessions", "emails", "screenshares", "socialExpressions", "videos"]
        {
            head[media] = json!([]);
        }
        let mut communication = json!({
            "id": one.communication,
            "state": one.state.name(),
            "initialState": one.initial.name(),
        });
        set(&mut communication, "connectedTime", one.connected.map(stamp));
        set(&mut communication, "disconnectedTime", one.ended.map(|(at, _)| stamp(at)));
        set(&mut communication, "disconnectType", one.ended.map(|(_, how)| how));
        for (key, value) in self.communication(one) {
            communication[key] = value;
        }
        let calls = if self.is_call { vec![communication.clone()] } else { Vec::new() };
        head["calls"] = calls.into();
        let messages = if self.is_call { Vec::new() } else { vec![Listing { head: communication, messages }] };
        Nested { head, messages }
    }

    /// What a participant is in every shape.
    fn common(&self, participant: &Participant) -> Value {
        let mut head = json!({
            "id": participant.id,
            "purpose": participant.purpose(self.is_call),
            "wrapupRequired": participant.purpose == Purpose::Agent,
            "attributes": {},
        });
        // A name that nobody gave is absent, as it often is.
        set(&mut head, "name", Some(participant.name.as_str()).filter(|name| !name.is_empty()));
        set(&mut head, "connectedTime", participant.connected.map(stamp));
        set(&mut head, "endTime", participant.ended.map(|(at, _)| stamp(at)));
        head
    }

    /// What its communication is in every shape.
    fn communication(&self, participant: &Participant) -> Vec<(&'static str, Value)> {
        let kind = if self.is_call { "call" } else { "webmessaging" };
        let provider = if self.is_call { "Edge" } else { "PureCloud Messaging" };
        let mut parts = vec![
            ("direction", "inbound".into()),
            ("held", false.into()),
            ("provider", provider.into()),
            ("type", kind.into()),
        ];
        parts.extend(participant.ended.map(|(_, how)| ("disconnectType", how.into())));
        parts.extend(participant.parked.map(|at| ("parkTime", stamp(at).into())));
        parts
    }

    /// The latest messages of each participant, oldest first.
    fn lists<'a>(&'a self, listed: usize, form: impl Fn(&'a StoredMessage) -> &'a RawValue) -> Vec<Vec<&'a RawValue>> {
        let mut lists = vec![Vec::new(); self.people.len()];
        for said in self.said.iter().rev() {
            let list = &mut lists[said.by];
            if list.len() < listed {
                list.push(form(said));
            }
        }
        for list in &mut lists {
            list.reverse();
        }
        lists
    }
}

fn divisions() -> Value {
    json!([{ "division": division(), "entities": [] }])
}

fn set(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[key] = value.into();
    }
}

fn raw(conversation: &impl Serialize) -> Box<RawValue> {
    to_raw_value(conversation).expect("values and raw JSON are always JSON")
}
