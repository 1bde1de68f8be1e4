//! Events that concern no conversation. The stream of an organization has them too.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::envelope::Envelope;
use crate::simulator::faults::StreamShape;
use crate::simulator::state::ids::{NamedEntity, user, uuid};
use crate::simulator::state::message::format_time;

/// The person whose presence the events are about.
const USER: &str = "Lee Chen";

/// Returns an event about the presence of a user: an audit if the number is odd, else a notification.
pub(super) fn presence_event(number: u64, seed: u64, at: DateTime<Utc>, shape: StreamShape) -> String {
    let user = user(USER);
    let (topic, topic_template, body) = if number % 2 == 1 {
        let topic = format!("v2.audits.entitytype.UserPresence.entityid.{}", user.id);
        (topic, "v2.audits.entitytype.{id}.entityid.{id}", audit(&user, number, at))
    } else {
        (format!("v2.users.{}.presence", user.id), "v2.users.{id}.presence", presence(at))
    };
    let envelope = Envelope {
        id: uuid(&format!("presence event {number} with seed {seed}")),
        topic_template: topic_template.to_owned(),
        topic: &topic,
        body: &body.to_string(),
        correlation_id: uuid(&format!("correlation of presence event {number}")),
        at,
    };
    envelope.to_json(shape)
}

fn audit(user: &NamedEntity, number: u64, at: DateTime<Utc>) -> Value {
    json!({
        "id": uuid(&format!("audit {number}")),
        "userId": user.id,
        "serviceName": "Presence",
        "eventTime": format_time(at),
        "action": "Update",
        "entityType": "UserPresence",
        "entity": { "id": user.id, "name": user.name },
        "propertyChanges": [{ "property": "PRESENCE", "oldValues": ["Break"], "newValues": ["Available"] }],
    })
}

fn presence(at: DateTime<Utc>) -> Value {
    json!({
        "source": "PURECLOUD",
        "presenceDefinition": { "id": uuid("presence Break"), "systemPresence": "BREAK" },
        "presenceMessage": "",
        "modifiedDate": format_time(at),
    })
}
