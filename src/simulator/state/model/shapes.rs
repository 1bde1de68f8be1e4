//! The shapes of a whole conversation.
//!
//! There are two families: flat participants with a single list of messages, and nested ones with communications that
//! hold the messages. Each exists as an event and as a REST response, which differ slightly. Message lists hold no
//! text.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::ConversationModel;
use super::json::raw_json;
use super::messages::StoredMessage;
use super::participants::{Participant, Purpose};
use crate::simulator::state::ids::{division, uuid};
use crate::simulator::state::message::format_time;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Event,
    Response,
}

#[derive(Serialize)]
struct Conversation<P> {
    #[serde(flatten)]
    fields: Value,
    participants: Vec<P>,
}

/// A flat participant, or a communication of a nested one.
#[derive(Serialize)]
struct WithMessages<'a> {
    #[serde(flatten)]
    fields: Value,
    messages: Vec<&'a RawValue>,
}

#[derive(Serialize)]
struct NestedParticipant<'a> {
    #[serde(flatten)]
    fields: Value,
    messages: Vec<WithMessages<'a>>,
}

impl ConversationModel {
    /// Returns the body of a `…conversations.messages` event, with at most the latest `max_listed` messages of each
    /// participant.
    pub(super) fn flat_event(&self, max_listed: usize) -> Box<RawValue> {
        self.flat(Form::Event, max_listed)
    }

    /// Returns the body of a `…conversations.calls` event.
    pub(super) fn call_event(&self) -> Box<RawValue> {
        let participants = self.participants.iter();
        let participants = participants.map(|participant| self.flat_fields(participant, Form::Event)).collect();
        let fields = json!({ "id": self.id, "recordingState": "none", "otherMediaUris": [], "divisions": divisions() });
        raw_json(&Conversation { fields, participants })
    }

    /// Returns the response of `GET /api/v2/conversations/messages/{id}`.
    pub(crate) fn flat_response(&self) -> Box<RawValue> {
        self.flat(Form::Response, usize::MAX)
    }

    /// Returns the body of a `…conversations` event, with at most the latest `max_listed` messages of each participant.
    pub(super) fn nested_event(&self, max_listed: usize) -> Box<RawValue> {
        self.nested(Form::Event, max_listed)
    }

    /// Returns the response of `GET /api/v2/conversations/{id}`.
    pub(crate) fn nested_response(&self) -> Box<RawValue> {
        self.nested(Form::Response, usize::MAX)
    }

    /// Returns the entry of the analytics query.
    pub(crate) fn analytics_detail(&self) -> Value {
        let participants = self.participants.iter().map(|participant| self.analytics_participant(participant));
        let mut detail = json!({
            "conversationId": self.id,
            "conversationStart": format_time(self.started_at),
            "originatingDirection": "inbound",
            "divisionIds": [uuid("division")],
            "participants": participants.collect::<Vec<_>>(),
        });
        set(&mut detail, "conversationEnd", self.ended_at.map(format_time));
        detail
    }

    /// Returns `message`, `voice` or `email`.
    pub(crate) fn media_type(&self) -> &'static str {
        match (self.is_call, self.is_email) {
            (true, _) => "voice",
            (false, true) => "email",
            (false, false) => "message",
        }
    }

    pub(super) fn provider(&self) -> &'static str {
        match (self.is_call, self.is_email) {
            (true, _) => "Edge",
            (false, true) => "PureCloud Email",
            (false, false) => "PureCloud Messaging",
        }
    }

    fn analytics_participant(&self, participant: &Participant) -> Value {
        let mut segment = json!({
            "segmentStart": format_time(participant.started_at),
            "segmentType": if participant.connected_at.is_some() { "interact" } else { "alert" },
            "conference": false,
        });
        set(&mut segment, "segmentEnd", participant.disconnection.map(|end| format_time(end.at)));
        set(&mut segment, "queueId", queue_id(participant));
        let mut session = json!({
            "sessionId": participant.communication_id,
            "mediaType": self.media_type(),
            "direction": "inbound",
            "segments": [segment],
        });
        set(&mut session, "messageType", (self.media_type() == "message").then_some("webmessaging"));
        let is_customer = participant.purpose == Purpose::Customer;
        if self.is_call {
            set(&mut session, "ani", is_customer.then_some("tel:+15555550123"));
        } else {
            set(&mut session, "addressFrom", is_customer.then(|| self.customer_address()));
        }
        let customer = self.participants.first().map(|customer| customer.name.clone());
        set(&mut session, "remote", customer.filter(|_| !is_customer));
        let mut detail = json!({
            "participantId": participant.id,
            "purpose": participant.purpose_name(self.is_call),
            "sessions": [session],
        });
        // The service gives the names of agents by another request.
        let is_named = participant.purpose != Purpose::Agent;
        set(&mut detail, "participantName", Some(participant.name.as_str()).filter(|_| is_named));
        set(&mut detail, "userId", user_id(participant));
        detail
    }

    fn flat(&self, form: Form, max_listed: usize) -> Box<RawValue> {
        let lists = self.message_lists(max_listed, |message| match form {
            Form::Response => &message.response_entry,
            Form::Event => &message.event_entry,
        });
        let participants = self.participants.iter().zip(lists);
        let participants = participants
            .map(|(participant, messages)| WithMessages { fields: self.flat_fields(participant, form), messages })
            .collect();
        let mut fields =
            json!({ "id": self.id, "otherMediaUris": [], "utilizationLabelId": "", "divisions": divisions() });
        if form == Form::Response {
            fields["recentTransfers"] = json!([]);
            fields["selfUri"] = format!("/api/v2/conversations/messages/{}", self.id).into();
        }
        raw_json(&Conversation { fields, participants })
    }

    fn flat_fields(&self, participant: &Participant, form: Form) -> Value {
        let mut fields = self.participant_fields(participant);
        set(&mut fields, "startTime", Some(format_time(participant.started_at)));
        set(&mut fields, "state", Some(participant.flat_state()));
        set(&mut fields, "initialState", Some(participant.initial_state.name()));
        set(&mut fields, "user", participant.user.as_ref().map(|user| json!(user)));
        set(&mut fields, "queue", participant.queue.as_ref().map(|queue| json!(queue)));
        for (key, value) in self.communication_fields(participant) {
            set(&mut fields, key, Some(value));
        }
        if participant.purpose == Purpose::Customer {
            let address = self.customer_address();
            match form {
                Form::Event => set(&mut fields, "address", Some(address)),
                Form::Response => set(&mut fields, "fromAddress", Some(json!({ "addressNormalized": address }))),
            }
        }
        fields
    }

    fn nested(&self, form: Form, max_listed: usize) -> Box<RawValue> {
        let lists = self.message_lists(max_listed, |message| &message.response_entry);
        let participants = self.participants.iter().zip(lists);
        let participants =
            participants.map(|(participant, messages)| self.nested_participant(participant, form, messages)).collect();
        let recording_state = if form == Form::Response { "NONE" } else { "none" };
        let mut fields = json!({ "id": self.id, "recordingState": recording_state, "divisions": divisions() });
        if form == Form::Response {
            fields["startTime"] = format_time(self.started_at).into();
            fields["selfUri"] = format!("/api/v2/conversations/{}", self.id).into();
            set(&mut fields, "endTime", self.ended_at.map(format_time));
        }
        raw_json(&Conversation { fields, participants })
    }

    fn nested_participant<'a>(
        &self,
        participant: &Participant,
        form: Form,
        messages: Vec<&'a RawValue>,
    ) -> NestedParticipant<'a> {
        let mut fields = self.participant_fields(participant);
        if form == Form::Response {
            set(&mut fields, "startTime", Some(format_time(participant.started_at)));
        }
        set(&mut fields, "userId", user_id(participant));
        set(&mut fields, "queueId", queue_id(participant));
        for media in ["callbacks", "chats", "cobrowsesessions", "emails", "screenshares", "socialExpressions", "videos"]
        {
            fields[media] = json!([]);
        }
        let communication = self.communication(participant);
        fields["calls"] = json!([]);
        if self.is_call || self.is_email {
            fields[if self.is_call { "calls" } else { "emails" }] = json!([communication]);
            return NestedParticipant { fields, messages: Vec::new() };
        }
        NestedParticipant { fields, messages: vec![WithMessages { fields: communication, messages }] }
    }

    fn communication(&self, participant: &Participant) -> Value {
        let mut communication = json!({
            "id": participant.communication_id,
            "state": participant.state.name(),
            "initialState": participant.initial_state.name(),
        });
        set(&mut communication, "connectedTime", participant.connected_at.map(format_time));
        set(&mut communication, "disconnectedTime", participant.disconnection.map(|end| format_time(end.at)));
        set(&mut communication, "disconnectType", participant.disconnection.map(|end| end.kind));
        for (key, value) in self.communication_fields(participant) {
            communication[key] = value;
        }
        communication
    }

    /// Returns the fields of a participant in every shape.
    fn participant_fields(&self, participant: &Participant) -> Value {
        let mut fields = json!({
            "id": participant.id,
            "purpose": participant.purpose_name(self.is_call),
            "wrapupRequired": participant.purpose == Purpose::Agent,
            "attributes": {},
        });
        // The service often omits the name.
        set(&mut fields, "name", Some(participant.name.as_str()).filter(|name| !name.is_empty()));
        set(&mut fields, "connectedTime", participant.connected_at.map(format_time));
        set(&mut fields, "endTime", participant.disconnection.map(|end| format_time(end.at)));
        fields
    }

    /// Returns the fields of a communication in every shape.
    fn communication_fields(&self, participant: &Participant) -> Vec<(&'static str, Value)> {
        let kind = if self.is_call { "call" } else { "webmessaging" };
        let mut fields =
            vec![("direction", "inbound".into()), ("held", false.into()), ("provider", self.provider().into())];
        if !self.is_email {
            fields.push(("type", kind.into()));
        }
        fields.extend(participant.disconnection.map(|end| ("disconnectType", end.kind.into())));
        fields.extend(participant.parked_at.map(|at| ("parkTime", format_time(at).into())));
        fields
    }

    /// Returns the latest `max_listed` messages of each participant, oldest first.
    fn message_lists<'a>(
        &'a self,
        max_listed: usize,
        entry: impl Fn(&'a StoredMessage) -> &'a RawValue,
    ) -> Vec<Vec<&'a RawValue>> {
        let mut lists = vec![Vec::new(); self.participants.len()];
        for message in self.messages.iter().rev() {
            let list = &mut lists[message.participant];
            if list.len() < max_listed {
                list.push(entry(message));
            }
        }
        for list in &mut lists {
            list.reverse();
        }
        lists
    }
}

fn user_id(participant: &Participant) -> Option<&str> {
    participant.user.as_ref().map(|user| user.id.as_str())
}

fn queue_id(participant: &Participant) -> Option<&str> {
    participant.queue.as_ref().map(|queue| queue.id.as_str())
}

fn divisions() -> Value {
    json!([{ "division": division(), "entities": [] }])
}

fn set(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[key] = value.into();
    }
}
