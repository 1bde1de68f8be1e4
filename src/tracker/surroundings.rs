//! The surroundings of events that come over a transcript socket, whose frames do not state them (OUT-14, OUT-15).

use std::sync::Arc;

use super::Tracker;
use super::participants::Participants;
use crate::event::{EventBody, EventContext, Message};
use crate::wire::conversation::{Participant, Presence};

/// The surroundings of the events of one conversation, as far as its latest snapshot tells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// The medium alone: of everything whose queue is unknown.
    conversation: Option<Arc<EventContext>>,
    /// Of messages of the customer.
    customer: Option<Arc<EventContext>>,
    /// Of messages of agents and bots, by the id of the user or participant.
    senders: Vec<(String, Option<Arc<EventContext>>)>,
}

impl Tracker {
    /// Returns the surroundings of the events of a conversation. All are unknown before the first snapshot.
    pub(crate) fn surroundings(&self, conversation: &str) -> Surroundings {
        let conversation = self.conversations.get(conversation);
        conversation.map_or_else(Surroundings::default, |known| Surroundings::new(known.participants()))
    }
}

impl Surroundings {
    fn new(participants: &Participants) -> Self {
        let is_present = |one: &&Participant| one.presence != Presence::Disconnected;
        let customers = || participants.all().filter(|one| one.purpose.is_customer());
        let customer = customers().filter(is_present).last().or_else(|| customers().last());
        let others = participants.all().filter(|one| !one.purpose.is_customer());
        let senders = others.flat_map(|one| {
            let ids = [Some(one.id.clone()), one.user.as_ref().map(|user| user.id.clone())];
            ids.into_iter().flatten().map(|id| (id, participants.message_context(one)))
        });
        Self {
            conversation: participants.closed_context(),
            customer: customer.and_then(|customer| participants.message_context(customer)),
            senders: senders.collect(),
        }
    }

    /// Returns the surroundings of an event. An update changes what is known of queues.
    pub(crate) fn of(&mut self, body: &EventBody<'_>) -> Option<Arc<EventContext>> {
        match body {
            EventBody::Message(message) => self.of_sender(message).or_else(|| self.conversation.clone()),
            EventBody::Update { .. } => {
                self.forget_queues();
                self.conversation.clone()
            }
            EventBody::Closed => self.conversation.clone(),
            EventBody::Gap(_) => None,
        }
    }

    fn of_sender(&self, message: &Message<'_>) -> Option<Arc<EventContext>> {
        match message.from.id.as_deref()? {
            "external" => self.customer.clone(),
            // An agent who returns is another participant: the last one counts.
            id => self.senders.iter().rev().find(|(known, _)| known == id)?.1.clone(),
        }
    }

    /// Forgets the queues: the conversation may be in another one until the next snapshot.
    pub(crate) fn forget_queues(&mut self) {
        self.customer = None;
        self.senders.clear();
    }
}
