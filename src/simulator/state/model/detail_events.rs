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
        let topic = format!("v2.detail.events.conversation.{}.{kind}", model.id);
        let now = self.now.timestamp_millis();
        self.publish(vec![topic], || {
            let mut body = common_fields(model, participant, now);
            add_fields(&mut body, model, participant, now);
            raw_json(&body)
        });
    }
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
