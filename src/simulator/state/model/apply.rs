//! The effect of each action of a script.

use super::ConversationModel;
use super::messages::{Direction, MessageContent, MessageEvent, StoredMessage};
use super::participants::{ParticipantState, Purpose};
use super::publish::EventPublisher;
use crate::simulator::script::{Action, MessageLine, Speaker};
use crate::simulator::state::message::SentMessage;

/// The number of latest messages that are kept.
const MAX_MESSAGES: usize = 10_000;

/// The meaning of a system line, as far as the published API has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SystemEvent {
    Joined,
    Left,
    Typing,
    Read,
    Other,
}

impl ConversationModel {
    /// Applies an action; `message` is its message, if it has one.
    pub(crate) fn apply(&mut self, action: &Action, message: Option<SentMessage>, publisher: &mut EventPublisher<'_>) {
        match action {
            Action::Message(line) => {
                if let Some(message) = message {
                    self.apply_line(line, message, publisher);
                }
            }
            Action::Update(_) => self.update(action.queue(), publisher),
            Action::Join { speaker, name } => {
                self.ensure_present(*speaker, name, publisher);
            }
            Action::Alert(name) => {
                self.alert_agent(name, publisher);
            }
            Action::Leave { speaker, name } => self.leave(purpose(*speaker), name, "client", publisher),
            Action::Transfer(name) => self.transfer(name, publisher),
            Action::Park => self.change_agents(ParticipantState::Connected, ParticipantState::Parked, publisher),
            Action::Resume => self.change_agents(ParticipantState::Parked, ParticipantState::Connected, publisher),
            Action::Begin => self.begin(publisher),
            Action::Email => publisher.publish_conversation(self),
            Action::Call | Action::KeepAlive => publisher.publish_session_status(self, "SESSION_ONGOING"),
            Action::Close => self.close(publisher),
        }
    }

    fn begin(&mut self, publisher: &mut EventPublisher<'_>) {
        (self.has_begun, self.started_at) = (true, publisher.now);
        for participant in &mut self.participants {
            participant.started_at = publisher.now;
            participant.connected_at = participant.connected_at.map(|_| publisher.now);
        }
        publisher.publish_beginning(self);
        publisher.publish_conversation(self);
    }

    fn apply_line(&mut self, line: &MessageLine, message: SentMessage, publisher: &mut EventPublisher<'_>) {
        if line.speaker == Speaker::System {
            return self.apply_system_line(line, message, publisher);
        }
        let participant = self.ensure_present(line.speaker, &line.name, publisher);
        if self.is_call {
            return self.publish_utterance(participant, line, &message, publisher);
        }
        if self.is_email {
            return publisher.publish_conversation(self);
        }
        self.store(participant, message, MessageContent::of(line), publisher);
        if line.speaker != Speaker::Customer && publisher.publishes_status_updates() {
            for status in ["delivery-success", "read"] {
                if let Some(last) = self.messages.back_mut() {
                    last.set_status(status, &self.id);
                }
                publisher.publish_conversation(self);
            }
        }
    }

    /// Applies a system line, which may change the presence of the participant that it names.
    fn apply_system_line(&mut self, line: &MessageLine, message: SentMessage, publisher: &mut EventPublisher<'_>) {
        let speaker = self.role_of(&line.name);
        let event = SystemEvent::parse(&line.text);
        if self.is_call || speaker != Speaker::Customer {
            match event {
                SystemEvent::Joined => {
                    self.ensure_present(speaker, &line.name, publisher);
                    return;
                }
                SystemEvent::Left => return self.leave(purpose(speaker), &line.name, "client", publisher),
                _ if self.is_call => return,
                _ => {}
            }
        }
        let participant = self.ensure_present(speaker, &line.name, publisher);
        let message_event = match event {
            SystemEvent::Joined => MessageEvent::Presence("Join"),
            SystemEvent::Left => MessageEvent::Presence("Disconnect"),
            SystemEvent::Typing => MessageEvent::Typing,
            SystemEvent::Read => return self.store_receipt(participant, message, publisher),
            SystemEvent::Other => MessageEvent::Unknown,
        };
        if message_event == MessageEvent::Typing && speaker == Speaker::Customer {
            publisher.publish_typing(self, participant, &message);
        }
        self.store(participant, message, MessageContent::Event(message_event), publisher);
        if event == SystemEvent::Left {
            self.leave(purpose(speaker), &line.name, "peer", publisher);
        }
    }

    /// Stores a receipt. A customer's receipt also marks all outbound messages as read.
    fn store_receipt(&mut self, participant: usize, message: SentMessage, publisher: &mut EventPublisher<'_>) {
        if self.participants[participant].purpose == Purpose::Customer {
            let outbound = self.messages.iter_mut().filter(|message| message.direction == Direction::Outbound);
            for message in outbound.filter(|message| message.status != "read") {
                message.set_status("read", &self.id);
            }
        }
        self.store(participant, message, MessageContent::Receipt("Read"), publisher);
    }

    fn store(
        &mut self,
        participant: usize,
        message: SentMessage,
        content: MessageContent,
        publisher: &mut EventPublisher<'_>,
    ) {
        if self.messages.len() == MAX_MESSAGES {
            self.messages.pop_front();
        }
        let direction = match self.participants[participant].purpose {
            Purpose::Customer => Direction::Inbound,
            Purpose::Agent | Purpose::Bot | Purpose::Acd | Purpose::Automatic(_) => Direction::Outbound,
        };
        self.messages.push_back(StoredMessage::new(participant, direction, message, content, &self.id));
        publisher.publish_conversation(self);
    }

    /// Returns the role of the participant with this name; unknown names are agents.
    fn role_of(&self, name: &str) -> Speaker {
        if self.customers.iter().any(|customer| customer == name) {
            return Speaker::Customer;
        }
        let mut bots = self.participants.iter().filter(|participant| participant.purpose == Purpose::Bot);
        if bots.any(|bot| bot.name == name) { Speaker::Bot } else { Speaker::Agent }
    }

    /// Adds a participant unless they are present, and returns their index.
    fn ensure_present(&mut self, speaker: Speaker, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        // A message after the end belongs to a participant who has left.
        if let Some(index) = self.ended_at.and_then(|_| self.find_latest(purpose(speaker), name)) {
            return index;
        }
        match speaker {
            Speaker::Agent => self.connect_agent(name, publisher),
            Speaker::Bot => self.ensure_bot(name, publisher),
            Speaker::Automatic("acd") => self.ensure_queue(name, publisher),
            Speaker::Automatic(purpose) => self.ensure_automatic(purpose, name, publisher),
            Speaker::Customer | Speaker::System => self.ensure_customer(name, publisher),
        }
    }

    fn ensure_customer(&mut self, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        if let Some(index) = self.find_present(Purpose::Customer, name) {
            return index;
        }
        if !self.customers.iter().any(|known| known == name) {
            self.customers.push(name.to_owned());
        }
        let unnamed =
            self.find_present(Purpose::Customer, "").filter(|index| self.participants[*index].name.is_empty());
        if let Some(index) = unnamed {
            name.clone_into(&mut self.participants[index].name);
            return index;
        }
        let index = self.add_participant(Purpose::Customer, name, ParticipantState::Connected, publisher.now);
        publisher.publish_detail(self, "customer.start", index);
        publisher.publish_conversation(self);
        index
    }

    fn ensure_bot(&mut self, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        self.find_present(Purpose::Bot, name).unwrap_or_else(|| {
            let index = self.add_participant(Purpose::Bot, name, ParticipantState::Connected, publisher.now);
            publisher.publish_detail(self, "flow.start", index);
            publisher.publish_conversation(self);
            index
        })
    }

    fn ensure_queue(&mut self, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        self.find_present(Purpose::Acd, name).unwrap_or_else(|| {
            self.enter_queue(name, publisher);
            self.participants.len() - 1
        })
    }

    fn ensure_automatic(&mut self, purpose: &'static str, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        let purpose = Purpose::Automatic(purpose);
        self.find_present(purpose, name).unwrap_or_else(|| {
            let index = self.add_participant(purpose, name, ParticipantState::Connected, publisher.now);
            publisher.publish_conversation(self);
            index
        })
    }

    fn alert_agent(&mut self, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        if self.queue.is_none() {
            let queue = self.first_queue.clone();
            self.enter_queue(&queue, publisher);
        }
        let index = self.add_participant(Purpose::Agent, name, ParticipantState::Alerting, publisher.now);
        publisher.publish_conversation(self);
        index
    }

    fn connect_agent(&mut self, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        let index = self.find_present(Purpose::Agent, name).unwrap_or_else(|| self.alert_agent(name, publisher));
        if self.participants[index].state == ParticipantState::Alerting {
            self.participants[index].state = ParticipantState::Connected;
            self.participants[index].connected_at = Some(publisher.now);
            if let Some(queue) = self.find_present(Purpose::Acd, "") {
                self.participants[queue].disconnect("transfer", publisher.now);
                publisher.publish_detail(self, "acd.end", queue);
            }
            publisher.publish_detail(self, "user.start", index);
            publisher.publish_conversation(self);
        }
        index
    }

    fn enter_queue(&mut self, name: &str, publisher: &mut EventPublisher<'_>) {
        let index = self.add_queue(name, publisher.now);
        publisher.publish_detail(self, "acd.start", index);
        publisher.publish_conversation(self);
    }

    fn update(&mut self, queue: Option<&str>, publisher: &mut EventPublisher<'_>) {
        let current = self.queue.as_ref().map(|queue| queue.name.as_str());
        match queue.filter(|name| current != Some(*name)) {
            Some(name) => self.enter_queue(name, publisher),
            None => publisher.publish_conversation(self),
        }
    }

    fn transfer(&mut self, name: &str, publisher: &mut EventPublisher<'_>) {
        while let Some(index) = self.find_present(Purpose::Agent, "") {
            self.disconnect(index, "transfer", publisher);
        }
        let queue = self.queue.as_ref().map_or_else(|| self.first_queue.clone(), |queue| queue.name.clone());
        self.enter_queue(&queue, publisher);
        self.connect_agent(name, publisher);
    }

    fn leave(&mut self, purpose: Purpose, name: &str, kind: &'static str, publisher: &mut EventPublisher<'_>) {
        if let Some(index) = self.find_present(purpose, name) {
            self.disconnect(index, kind, publisher);
            publisher.publish_conversation(self);
        }
    }

    fn disconnect(&mut self, index: usize, kind: &'static str, publisher: &mut EventPublisher<'_>) {
        self.participants[index].disconnect(kind, publisher.now);
        let event = match self.participants[index].purpose {
            Purpose::Customer => "customer.end",
            Purpose::Agent => "user.end",
            Purpose::Bot | Purpose::Automatic("botflow" | "ivr") => "flow.end",
            Purpose::Automatic("voicemail") => "voicemail.end",
            Purpose::Automatic(_) => "outbound",
            Purpose::Acd => "acd.end",
        };
        publisher.publish_detail(self, event, index);
        if self.participants[index].purpose == Purpose::Agent {
            publisher.publish_detail(self, "wrapup", index);
        }
    }

    fn change_agents(&mut self, from: ParticipantState, to: ParticipantState, publisher: &mut EventPublisher<'_>) {
        let agents = self.participants.iter_mut().filter(|participant| participant.purpose == Purpose::Agent);
        for agent in agents.filter(|agent| agent.state == from) {
            agent.state = to;
            agent.parked_at = (to == ParticipantState::Parked).then_some(publisher.now);
        }
        publisher.publish_conversation(self);
    }

    fn close(&mut self, publisher: &mut EventPublisher<'_>) {
        if self.ended_at.is_some() {
            return;
        }
        // The customer is first in the list and leaves last.
        for index in (0..self.participants.len()).rev() {
            if self.participants[index].is_present() {
                self.disconnect(index, "client", publisher);
            }
        }
        self.ended_at = Some(publisher.now);
        if self.is_call {
            publisher.publish_session_status(self, "SESSION_ENDED");
        }
        publisher.publish_conversation(self);
    }
}

fn purpose(speaker: Speaker) -> Purpose {
    match speaker {
        Speaker::Customer => Purpose::Customer,
        Speaker::Bot => Purpose::Bot,
        Speaker::Automatic("acd") => Purpose::Acd,
        Speaker::Automatic(purpose) => Purpose::Automatic(purpose),
        Speaker::Agent | Speaker::System => Purpose::Agent,
    }
}

impl SystemEvent {
    fn parse(text: &str) -> Self {
        let text = text.to_lowercase();
        match text.split_whitespace().next() {
            Some("joined") => Self::Joined,
            Some("left") => Self::Left,
            Some("read") => Self::Read,
            _ if text.contains("typing") => Self::Typing,
            _ => Self::Other,
        }
    }
}
