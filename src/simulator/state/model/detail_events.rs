//! Events that mark the segments of a conversation: `v2.detail.events.conversation.{id}.*`.

use serde_json::{Value, json};

use super::publish::{Post, raw};
use super::{Purpose, World, uuid};

impl Post<'_> {
    /// Somebody came or went, such as `user.start`.
    pub(super) fn detail(&mut self, world: &World, kind: &str, place: usize) {
        let topic = format!("v2.detail.events.conversation.{}.{kind}", world.id);
        let now = self.now.timestamp_millis();
        self.publish(vec![topic], || {
            let mut body = common(world, place, now);
            particular(&mut body, world, place, now);
            raw(&body)
        });
    }
}

/// Times are in milliseconds here, and words in capitals.
fn common(world: &World, place: usize, now: i64) -> Value {
    let participant = &world.people[place];
    let mut body = json!({
        "eventTime": now,
        "conversationId": world.id,
        "participantId": participant.id,
        "sessionId": participant.communication,
        "mediaType": if world.is_call { "VOICE" } else { "MESSAGE" },
        "provider": if world.is_call { "Edge" } else { "PureCloud Messaging" },
        "direction": "INBOUND",
        "divisionId": uuid("division"),
    });
    if !world.is_call {
        body["messageType"] = "WEBMESSAGING".into();
    }
    body
}

fn particular(body: &mut Value, world: &World, place: usize, now: i64) {
    let participant = &world.people[place];
    if let Some(user) = &participant.user {
        body["userId"] = user.id.as_str().into();
    }
    if let Some(queue) = participant.queue.as_ref().filter(|_| participant.purpose != Purpose::Customer) {
        body["queueId"] = queue.id.as_str().into();
    }
    if participant.purpose == Purpose::Bot {
        body["flowType"] = if world.is_call { "INBOUNDCALL" } else { "INBOUNDSHORTMESSAGE" }.into();
        body["flowId"] = uuid(&format!("flow {}", participant.name)).into();
        body["flowVersion"] = "1.0".into();
    }
    if let Some((_, how)) = participant.ended {
        body["disconnectType"] = how.to_uppercase().into();
        body["interactingDurationMs"] = (now - participant.started.timestamp_millis()).into();
    }
}
