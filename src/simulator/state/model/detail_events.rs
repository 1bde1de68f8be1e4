//! Events that mark the segments of a conversation: `v2.detail.events.conversation.{id}.*`.

use serde_json::{Value, json};

use super::publish::{EventPublisher, raw};
use super::{ConversationModel, Purpose, uuid};

impl EventPublisher<'_> {
    /// Somebody came or went, such as `user.start`.
    pub(super) fn detail(&mut self, model: &ConversationModel, kind: &str, place: usize) {
        let topic = format!("v2.detail.events.conversation.{}.{kind}", model.id);
        let now = self.now.timestamp_millis();
        self.publish(vec![topic], || {
            let mut body = common(model, place, now);
            particular(&mut body, model, place, now);
            raw(&body)
        });
    }
}

/// Times are in milliseconds here, and words in capitals.
fn common(model: &ConversationModel, place: usize, now: i64) -> Value {
    let participant = &model.people[place];
    let mut body = json!({
        "eventTime": now,
        "conversationId": model.id,
        "participantId": participant.id,
        "sessionId": participant.communication,
        "mediaType": if model.is_call { "VOICE" } else { "MESSAGE" },
        "provider": if model.is_call { "Edge" } else { "PureCloud Messaging" },
        "direction": "INBOUND",
        "divisionId": uuid("division"),
    });
    if !model.is_call {
        body["messageType"] = "WEBMESSAGING".into();
    }
    body
}

fn particular(body: &mut Value, model: &ConversationModel, place: usize, now: i64) {
    let participant = &model.people[place];
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
    if let Some((_, how)) = participant.ended {
        body["disconnectType"] = how.to_uppercase().into();
        body["interactingDurationMs"] = (now - participant.started.timestamp_millis()).into();
    }
}
