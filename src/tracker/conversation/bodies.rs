//! The requests for the bodies of the messages of a conversation (NTF-8 to NTF-12).

use tokio::time::Instant;

use super::Conversation;
use crate::event::EventBody;
use crate::tracker::attribution;
use crate::tracker::participants::Participants;
use crate::tracker::pending_messages::PendingMessage;
use crate::tracker::protocol::{Now, TimedEvent};
use crate::wire::conversation::MessageKind;
use crate::wire::message::MessageBody;

impl Conversation {
    /// Starts a request for bodies if one is due, and returns its ids. [`Conversation::on_messages`] or
    /// [`Conversation::messages_failed`] ends it.
    pub(in crate::tracker) fn start_messages_request(&mut self, now: Now) -> Option<Vec<String>> {
        if self.participants.has_pending_lookups() {
            return None;
        }
        let ids = self.pending.start_request(now.mono)?;
        if ids.is_empty() {
            // Message events only: the list itself holds their text.
            self.on_messages(Vec::new(), now);
            return None;
        }
        Some(ids)
    }

    /// Applies the requested bodies that the service has.
    pub(in crate::tracker) fn on_messages(&mut self, bodies: Vec<MessageBody>, now: Now) {
        let participants = &self.participants;
        let mut events = self.pending.complete(bodies, now, |message, body| to_event(message, body, participants));
        events.sort_by_key(|event| event.at);
        self.emit(events);
        self.advance_state(now);
    }

    /// Records that a request for bodies failed.
    pub(in crate::tracker) fn messages_failed(&mut self) {
        self.pending.request_failed();
    }

    /// Returns when bodies are to be requested.
    pub(in crate::tracker) fn next_messages_request_at(&self, now: Instant) -> Option<Instant> {
        if self.participants.has_pending_lookups() { None } else { self.pending.next_at(now) }
    }

    /// Returns since when bodies are to be requested.
    pub(in crate::tracker) fn messages_waiting_since(&self) -> Option<Instant> {
        let news_since = self.news_since.filter(|_| self.is_backfilling());
        news_since.into_iter().chain(self.pending.waiting_since()).min()
    }
}

/// Makes the event of a message: with its body, the text of a message event, or without text.
fn to_event(message: &PendingMessage, body: Option<MessageBody>, participants: &Participants) -> TimedEvent {
    let participant = participants.get(&message.participant);
    let (id, origin, outcome) = (&message.id, message.origin, message.outcome.clone());
    let (at, content) = match (body, &message.kind, participant) {
        (Some(body), ..) => {
            (body.sent_at.or(message.time), attribution::message(body.with_listed(outcome), participant, origin))
        }
        (None, MessageKind::Event(text), Some(participant)) => {
            (message.time, attribution::message_event(id, text, participant, origin))
        }
        (None, ..) => (message.time, attribution::missing(id, outcome, participant, origin)),
    };
    let surroundings = participant.and_then(|participant| participants.message_context(participant));
    TimedEvent { at, body: EventBody::Message(content), context: surroundings }
}
