//! What the published API knows of a conversation: who takes part, what was said, and whether it is over.
//!
//! The same acts that make frames on the transcript socket change it. Everything that a subscriber may hear of goes to
//! the [`EventPublisher`] at the moment it happens.

mod apply;
mod detail_events;
mod messages;
mod participants;
mod publish;
mod shapes;
mod transcription;

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use crate::simulator::script::Script;
pub(crate) use messages::SentMessage;
use messages::StoredMessage;
pub(crate) use participants::{NamedEntity, Purpose, person, queue, uuid};
use participants::{Participant, State};
pub(crate) use publish::EventPublisher;
pub(crate) use shapes::division;

/// The latest messages that are kept.
const SAID_KEPT: usize = 10_000;

/// Where a customer is brought when the script names no queue.
const USUAL_QUEUE: &str = "Support";

#[derive(Debug)]
pub(crate) struct ConversationModel {
    pub(crate) id: String,
    pub(crate) is_call: bool,
    pub(crate) started: DateTime<Utc>,
    pub(crate) ended: Option<DateTime<Utc>>,
    people: Vec<Participant>,
    said: VecDeque<StoredMessage>,
    /// The queue the conversation belongs to.
    queue: Option<NamedEntity>,
    /// The queue it comes to when somebody is to serve it and none was named.
    first_queue: String,
    /// The names of those outside, so that what the system says of them is theirs.
    customers: Vec<String>,
    utterances: u64,
}

impl ConversationModel {
    /// A customer has come, and a queue has received them unless a bot will.
    pub(crate) fn new(id: &str, script: &Script) -> Self {
        let customers = script.customers();
        let mut model = Self {
            id: id.to_owned(),
            is_call: script.is_call(),
            started: Utc::now(),
            ended: None,
            people: Vec::new(),
            said: VecDeque::new(),
            queue: None,
            first_queue: script.queues().into_iter().next().unwrap_or_else(|| USUAL_QUEUE.to_owned()),
            utterances: 0,
            customers,
        };
        let name = model.customers.first().cloned().unwrap_or_default();
        model.add(Purpose::Customer, &name, State::Connected, model.started);
        if !script.begins_with_a_bot() {
            let name = model.first_queue.clone();
            model.enter(&name, model.started);
        }
        model
    }

    /// Users and queues of this conversation that somebody may ask for.
    pub(crate) fn users(&self) -> impl Iterator<Item = &NamedEntity> {
        self.people.iter().filter_map(|participant| participant.user.as_ref())
    }

    pub(crate) fn queues(&self) -> impl Iterator<Item = &NamedEntity> {
        self.people.iter().filter_map(|participant| participant.queue.as_ref())
    }

    fn add(&mut self, purpose: Purpose, name: &str, state: State, now: DateTime<Utc>) -> usize {
        let number = self.people.len();
        let part = |what| uuid(&format!("{what} {number} of {}", self.id));
        self.people.push(Participant {
            id: part("participant"),
            communication: part("communication"),
            purpose,
            name: name.to_owned(),
            user: (purpose == Purpose::Agent).then(|| person(name)),
            queue: self.queue.clone().filter(|_| purpose != Purpose::Bot),
            state,
            initial: state,
            started: now,
            connected: (state == State::Connected).then_some(now),
            ended: None,
            parked: None,
            end_is_known: false,
        });
        number
    }

    /// Brings the conversation to a queue, which takes it over from the bots.
    fn enter(&mut self, name: &str, now: DateTime<Utc>) -> usize {
        let queue = queue(name);
        self.queue = Some(queue.clone());
        for participant in self.people.iter_mut().filter(|participant| participant.is_present()) {
            match participant.purpose {
                Purpose::Customer => participant.queue = Some(queue.clone()),
                Purpose::Bot | Purpose::Acd => participant.end("transfer", now),
                Purpose::Agent => {}
            }
        }
        self.add(Purpose::Acd, name, State::Connected, now)
    }

    /// Speaker is here with that purpose and, where one is given, that name.
    fn present(&self, purpose: Purpose, name: &str) -> Option<usize> {
        self.people.iter().rposition(|participant| participant.is_present() && participant.is(purpose, name))
    }

    /// As [`ConversationModel::present`], here or gone.
    fn latest(&self, purpose: Purpose, name: &str) -> Option<usize> {
        self.people.iter().rposition(|participant| participant.is(purpose, name))
    }
}
