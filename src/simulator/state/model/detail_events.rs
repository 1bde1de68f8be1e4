//! Events for the start and end of each participant: `v2.detail.events.conversation.{id}.*`.

use serde_json::{Value, json};

use super::ConversationModel;
use super::json::raw_json;
use super::participants::Purpose;
use super::publish::EventPublisher;
use crate::simulator::state::ids::uuid;

impl EventPublisher<'_> {
    /// Publishes an event of a participant, such as `user.start`.
    pub(super) fn publish_detail(&mut self, model: &ConversationModel, kind: &str, participant: usize) {
        let now = self.now.timestamp_millis();
        self.publish_on_stream(detail_topic(model, kind), || {
            let mut body = common_fields(model, participant, now);
            add_fields(&mut body, model, participant, now);
            if kind == "wrapup" {
                body["wrapupCode"] = uuid("wrap-up code").into();
                body["wrapupNotes"] = "".into();
            }
            raw_json(&body)
        });
    }

    /// Publishes the events of a conversation that begins: the customer, the attributes that a flow stores, and the queue.
    pub(in crate::simulator::state) fn publish_beginning(&mut self, model: &ConversationModel) {
        self.publish_detail(model, "customer.start", 0);
        let now = self.now.timestamp_millis();
        self.publish_on_stream(detail_topic(model, "attributes"), || raw_json(&attributes(model, now)));
        if model.participants.get(1).is_some_and(|participant| participant.purpose == Purpose::Acd) {
            self.publish_detail(model, "acd.start", 1);
        }
    }
}

fn detail_topic(model: &ConversationModel, kind: &str) -> String {
    format!("v2.detail.events.conversation.{}.{kind}", model.id)
}

/// Returns the attributes of the customer, which are personal data.
fn attributes(model: &ConversationModel, now: i64) -> Value {
    let customer = &model.participants[0];
    json!({
        "organizationId": uuid("organization"),
        "eventTime": now,
        "conversationId": model.id,
        "participantId": customer.id,
        "communications": [{ "id": customer.communication_id, "mediaType": model.media_type().to_uppercase() }],
        "attributes": { "customerNumber": "004711", "menuChoice": "invoices" },
    })
}

/// Returns the fields of every event. Times are in milliseconds here, and enum values in upper case.
fn common_fields(model: &ConversationModel, participant: usize, now: i64) -> Value {
    let participant = &model.participants[participant];
    let mut body = json!({
        "eventTime": now,
        "conversationId": model.id,
        "participantId": participant.id,
        "sessionId": participant.communication_id,
        "mediaType": model.media_type().to_uppercase(),
        "provider": model.provider(),
        "direction": "INBOUND",
        "divisionId": uuid("division"),
    });
    if !model.is_call && !model.is_email {
        body["messageType"] = "WEBMESSAGING".into();
    }
    body
}

/// Adds the fields that depend on the kind of participant.
fn add_fields(body: &mut Value, model: &ConversationModel, participant: usize, now: i64) {
    let participant = &model.participants[participant];
    if let Some(user) = &participant.user {
        body["userId"] = user.id.as_str().into();
    }
    if let Some(queue) = participant.queue.as_ref().filter(|_| participant.purpose != Purpose::Customer) {
        body["queueId"] = queue.id.as_str().into();
    }
    if participant.purpose == Purpose::Bot {
        body["flowType"] = if model.is_call { "INBOUNDCALL" } else { "INBOUNDSHORTMESSAGE" }.into();
        body["flowId"] = uuid(&format!("flow {}", participant.name)).into();
        body["flowVersion"] = "1.0".into();
    }
    if let Some(disconnection) = participant.disconnection {
        body["disconnectType"] = disconnection.kind.to_uppercase().into();
        body["interactingDurationMs"] = (now - participant.started_at.timestamp_millis()).into();
    }
}
