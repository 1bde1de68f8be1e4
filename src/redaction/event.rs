//! Redaction of events: of everything in them that people or systems outside wrote, but not of ids (SVC-12).

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::Redaction;
use super::boundary::is_uuid;
use super::json::is_id;
use crate::event::{Attachment, EventBody, EventContext, Gap, Message, MessageDetails, Party, TranscriptEvent};

impl Redaction {
    /// Returns a redacted copy of an event. Its identity changes with it, so repeats are sorted out before.
    pub(crate) fn event<'a>(&self, event: &TranscriptEvent<'a>) -> TranscriptEvent<'a> {
        let TranscriptEvent { conversation, at, received, body, context } = event;
        TranscriptEvent {
            conversation,
            at: *at,
            received: *received,
            body: self.body(body),
            context: context.as_ref().map(|context| Arc::new(self.context(context))),
        }
    }

    fn body<'a>(&self, body: &EventBody<'a>) -> EventBody<'a> {
        match body {
            EventBody::Message(message) => EventBody::Message(self.message(message)),
            EventBody::Update { description } => EventBody::Update { description: self.optional(description.as_ref()) },
            EventBody::Closed => EventBody::Closed,
            EventBody::Gap(gap) => EventBody::Gap(Gap { reason: self.apply(&gap.reason).into_owned(), ..gap.clone() }),
        }
    }

    fn message<'a>(&self, message: &Message<'a>) -> Message<'a> {
        Message {
            from: self.party(&message.from),
            to: self.party(&message.to),
            text: self.optional(message.text.as_ref()),
            attachments: message.attachments.iter().map(|attachment| self.attachment(attachment)).collect(),
            details: message.details.as_deref().map(|details| Box::new(self.details(details))),
            ..message.clone()
        }
    }

    fn party<'a>(&self, party: &Party<'a>) -> Party<'a> {
        let id = party.id.as_ref().map(|id| if is_uuid(id) { id.clone() } else { self.text(id) });
        Party { id, name: self.optional(party.name.as_ref()) }
    }

    fn attachment<'a>(&self, attachment: &Attachment<'a>) -> Attachment<'a> {
        Attachment {
            name: self.optional(attachment.name.as_ref()),
            url: self.optional(attachment.url.as_ref()),
            content: attachment.content.as_ref().map(|content| self.value(content)),
            ..attachment.clone()
        }
    }

    fn details(&self, details: &MessageDetails) -> MessageDetails {
        let mut details = details.clone();
        let quoted = details.reply_to.as_mut().and_then(|quoted| quoted.text.as_mut());
        for text in [Some(&mut details.brackets), details.failure.as_mut(), quoted].into_iter().flatten() {
            if let Cow::Owned(redacted) = self.apply(text) {
                *text = redacted;
            }
        }
        details
    }

    /// Returns redacted surroundings of an event.
    pub(crate) fn context(&self, context: &EventContext) -> EventContext {
        EventContext {
            media: context.media.clone(),
            queue: context.queue.as_ref().map(|queue| self.party(queue)),
            agent: context.agent.as_ref().map(|agent| self.party(agent)),
        }
    }

    /// Redacts the strings of a structured part, except ids.
    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.apply(text).into_owned()),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => {
                let redacted = |(name, member): (&String, &Value)| {
                    let kept = is_id(name) && member.is_string();
                    (name.clone(), if kept { member.clone() } else { self.value(member) })
                };
                members.iter().map(redacted).collect()
            }
            other => other.clone(),
        }
    }

    fn optional<'a>(&self, text: Option<&Cow<'a, str>>) -> Option<Cow<'a, str>> {
        text.map(|text| self.text(text))
    }

    fn text<'a>(&self, text: &Cow<'a, str>) -> Cow<'a, str> {
        match self.apply(text) {
            Cow::Owned(redacted) => Cow::Owned(redacted),
            Cow::Borrowed(_) => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::super::RedactionKind;
    use super::*;
    use crate::event::{Origin, QuotedMessage, Role};

    const USER: &str = "d41e6f0a-93b8-4c57-8e21-5a7f0c3b9d62";

    fn redacted(body: EventBody<'static>) -> TranscriptEvent<'static> {
        let received = DateTime::from_timestamp(1_767_323_045, 0).unwrap();
        let queue = Party { id: None, name: Some("Desk sam@example.com".into()) };
        let context = Some(Arc::new(EventContext { queue: Some(queue), ..EventContext::default() }));
        let redaction = Redaction::new(RedactionKind::ALL.to_vec(), Vec::new());
        redaction.event(&TranscriptEvent { conversation: "c1", at: None, received, body, context })
    }

    #[test]
    fn every_part_of_a_message_is_redacted_and_ids_are_kept() {
        let details = MessageDetails {
            brackets: "[attachment: sam@example.com.png]".into(),
            failure: Some("no such user +15555550140".into()),
            reply_to: Some(QuotedMessage { id: Some("q1".into()), text: Some("a@example.com?".into()) }),
            ..MessageDetails::default()
        };
        let attachment = Attachment {
            name: Some("sam@example.com.png".into()),
            url: Some("https://files.example/?to=sam@example.com".into()),
            content: Some(json!({"id": "sam@example.com", "list": ["sam@example.com"], "mediaId": "+15555550140"})),
            ..Attachment::default()
        };
        let message = Message {
            id: Some("+15555550141".into()),
            role: Role::Customer,
            from: Party { id: Some("+15555550140".into()), name: Some("Ada +15555550140".into()) },
            to: Party { id: Some(USER.into()), name: None },
            text: Some("4111 1111 1111 1111".into()),
            attachments: vec![attachment],
            origin: Origin::Live,
            status: None,
            details: Some(Box::new(details)),
        };
        let event = redacted(EventBody::Message(message));
        let EventBody::Message(message) = event.body else { panic!("no message") };
        assert_eq!(message.text.as_deref(), Some("[card]"));
        assert_eq!(message.from, Party { id: Some("[phone]".into()), name: Some("Ada [phone]".into()) });
        assert_eq!((message.to.id.as_deref(), message.id.as_deref()), (Some(USER), Some("+15555550141")));
        let attachment = &message.attachments[0];
        assert_eq!(attachment.name.as_deref(), Some("[email]"));
        assert_eq!(attachment.url.as_deref(), Some("https://files.example/?to=[email]"));
        let content = json!({"id": "sam@example.com", "list": ["[email]"], "mediaId": "+15555550140"});
        assert_eq!(attachment.content, Some(content));
        let details = message.details.unwrap();
        assert_eq!(details.brackets, "[attachment: [email]]");
        assert_eq!(details.failure.as_deref(), Some("no such user [phone]"));
        assert_eq!(details.reply_to.unwrap().text.as_deref(), Some("[email]?"));
        assert_eq!(event.context.unwrap().queue.as_ref().unwrap().name.as_deref(), Some("Desk [email]"));
    }

    #[test]
    fn updates_and_gaps_are_redacted() {
        let update = redacted(EventBody::Update { description: Some("sam@example.com joined".into()) });
        assert_eq!(update.body, EventBody::Update { description: Some("[email] joined".into()) });
        let at = DateTime::from_timestamp(1, 0).unwrap();
        let gap = redacted(EventBody::Gap(Gap { from: at, to: at, reason: "closed (sam@example.com)".into() }));
        assert!(matches!(gap.body, EventBody::Gap(Gap { reason, .. }) if reason == "closed ([email])"));
    }
}
