//! The conversations of the service.

use super::super::*;
use super::ResponseKind;

/// A conversation as the service has it.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceConversation {
    pub(super) messages: Vec<ServiceMessage>,
    pub(super) has_ended: bool,
}

/// A message, whose number tells its sender and its kind.
#[derive(Debug, Clone)]
pub(super) struct ServiceMessage {
    pub(super) number: usize,
    pub(super) sent_at: DateTime<Utc>,
}

impl ServiceConversation {
    /// Returns the state as a snapshot or a notification has it. The agents have no names.
    pub(super) fn snapshot(&self, id: &str) -> Snapshot {
        let state = if self.has_ended { "disconnected" } else { "connected" };
        let mut participants = vec![
            json!({ "id": "ada", "purpose": "customer", "name": "Ada", "state": state, "messages": self.list(false) }),
            json!({ "id": "a1", "purpose": "agent", "state": state, "userId": "u1", "messages": self.list(true) }),
        ];
        for user in ["u2", "u3", "u4"] {
            let agent = json!({ "id": user, "purpose": "agent", "state": state, "userId": user, "queueId": user });
            participants.push(agent);
        }
        snapshot(id, &participants)
    }

    /// Returns the requested bodies as far as the response has them.
    pub(super) fn bodies(&self, ids: &[String], kind: &ResponseKind) -> Vec<MessageBody> {
        let (missing, empty) = match *kind {
            ResponseKind::Partial { missing, empty } => (missing, empty),
            _ => (0, 0),
        };
        let is_in = |mask: u8, message: &ServiceMessage| (mask >> (message.number % 8)) & 1 == 1;
        let requested = self.messages.iter().filter(|message| ids.contains(&message.id()));
        let present = requested.filter(|message| !is_in(missing, message));
        present.map(|message| message.body(!is_in(empty, message))).collect()
    }

    fn list(&self, of_agent: bool) -> Vec<Value> {
        let messages = self.messages.iter().filter(|message| message.is_of_agent() == of_agent);
        messages.map(ServiceMessage::list_entry).collect()
    }
}

impl ServiceMessage {
    pub(super) fn id(&self) -> String {
        format!("m{}", self.number)
    }

    fn is_of_agent(&self) -> bool {
        self.number % 2 == 1
    }

    /// Every fifth message is an event, whose text is in the list.
    fn list_entry(&self) -> Value {
        let mut entry = json!({ "messageId": self.id(), "messageTime": self.sent_at });
        if self.number.is_multiple_of(5) {
            entry["messageMetadata"] = json!({ "type": "Event", "events": [{ "eventType": "Typing" }] });
        }
        entry
    }

    fn body(&self, has_text: bool) -> MessageBody {
        let text = has_text.then(|| "hello".to_owned());
        MessageBody { id: self.id(), sent_at: Some(self.sent_at), text, ..MessageBody::default() }
    }
}

/// Returns the id of a message that was emitted.
pub(super) fn message_id<'a>(event: &'a EventBody<'static>) -> Option<&'a str> {
    match event {
        EventBody::Message(message) => message.id.as_deref(),
        EventBody::Update { .. } | EventBody::Gap(_) | EventBody::Closed => None,
    }
}
