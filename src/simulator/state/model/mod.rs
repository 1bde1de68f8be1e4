//! The published API's view of a conversation: participants, messages and the end.
//!
//! The actions that produce frames on the transcript socket also change this model. Events for subscribers go to the
//! [`EventPublisher`](publish::EventPublisher) at the time of the change.

mod apply;
mod detail_events;
mod json;
mod message_bodies;
mod messages;
mod participants;
pub(super) mod publish;
mod shapes;
mod stored_transcript;
mod transcription;

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::ids::{NamedEntity, queue, user, uuid};
use crate::simulator::script::Script;
use messages::StoredMessage;
use participants::{Participant, ParticipantState, Purpose};
use stored_transcript::SpokenUtterance;

/// The queue of a customer if the script names none.
pub(super) const DEFAULT_QUEUE: &str = "Support";

#[derive(Debug)]
pub(crate) struct ConversationModel {
    pub(crate) id: String,
    pub(crate) is_call: bool,
    is_email: bool,
    /// False while the conversation is unknown to the service.
    pub(crate) has_begun: bool,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    participants: Vec<Participant>,
    messages: VecDeque<StoredMessage>,
    queue: Option<NamedEntity>,
    /// The queue that the conversation enters if an agent is needed before the script names one.
    first_queue: String,
    /// The names of all customers, to attribute system messages about them.
    customers: Vec<String>,
    utterances: u64,
    utterance_log: Vec<SpokenUtterance>,
}

impl ConversationModel {
    /// Creates a conversation with a customer, who is in a queue unless a bot receives them.
    pub(crate) fn new(id: &str, script: &Script) -> Self {
        let mut model = Self {
            id: id.to_owned(),
            is_call: script.is_call(),
            is_email: script.is_email(),
            has_begun: !script.begins_later(),
            started_at: Utc::now(),
            ended_at: None,
            participants: Vec::new(),
            messages: VecDeque::new(),
            queue: None,
            first_queue: script.queues().into_iter().next().unwrap_or_else(|| DEFAULT_QUEUE.to_owned()),
            customers: script.customers(),
            utterances: 0,
            utterance_log: Vec::new(),
        };
        let name = model.customers.first().cloned().unwrap_or_default();
        model.add_participant(Purpose::Customer, &name, ParticipantState::Connected, model.started_at);
        if !script.begins_with_bot() {
            let name = model.first_queue.clone();
            model.add_queue(&name, model.started_at);
        }
        model
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &NamedEntity> {
        self.participants.iter().filter_map(|participant| participant.user.as_ref())
    }

    pub(crate) fn queues(&self) -> impl Iterator<Item = &NamedEntity> {
        self.participants.iter().filter_map(|participant| participant.queue.as_ref())
    }

    /// Returns the queue that the conversation is in, or was in last.
    pub(crate) fn current_queue(&self) -> Option<&NamedEntity> {
        self.queue.as_ref()
    }

    /// Adds a participant and returns their index.
    fn add_participant(&mut self, purpose: Purpose, name: &str, state: ParticipantState, now: DateTime<Utc>) -> usize {
        let index = self.participants.len();
        let id_of = |part| uuid(&format!("{part} {index} of {}", self.id));
        self.participants.push(Participant {
            id: id_of("participant"),
            communication_id: id_of("communication"),
            purpose,
            name: name.to_owned(),
            user: (purpose == Purpose::Agent).then(|| user(name)),
            queue: self.queue.clone().filter(|_| !matches!(purpose, Purpose::Bot | Purpose::Automatic(_))),
            state,
            initial_state: state,
            started_at: now,
            connected_at: (state == ParticipantState::Connected).then_some(now),
            disconnection: None,
            parked_at: None,
            is_end_published: false,
        });
        index
    }

    /// Moves the conversation to a queue, which takes it over from bots and other queues.
    fn add_queue(&mut self, name: &str, now: DateTime<Utc>) -> usize {
        let queue = queue(name);
        self.queue = Some(queue.clone());
        for participant in self.participants.iter_mut().filter(|participant| participant.is_present()) {
            match participant.purpose {
                Purpose::Customer => participant.queue = Some(queue.clone()),
                Purpose::Bot | Purpose::Acd => participant.disconnect("transfer", now),
                Purpose::Agent | Purpose::Automatic(_) => {}
            }
        }
        self.add_participant(Purpose::Acd, name, ParticipantState::Connected, now)
    }

    /// Returns the index of the latest present participant with this purpose and name. An empty name matches all.
    fn find_present(&self, purpose: Purpose, name: &str) -> Option<usize> {
        self.participants.iter().rposition(|participant| participant.is_present() && participant.is(purpose, name))
    }

    /// Returns the index of the latest participant with this purpose and name, present or not.
    fn find_latest(&self, purpose: Purpose, name: &str) -> Option<usize> {
        self.participants.iter().rposition(|participant| participant.is(purpose, name))
    }
}
