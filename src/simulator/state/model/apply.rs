//! What each act of a script changes.

use super::messages::{Content, Event, SentMessage, StoredMessage};
use super::{ConversationModel, EventPublisher, Purpose, SAID_KEPT, State};
use crate::simulator::script::{Action, Line, Speaker};

/// What the system says of somebody, as far as the published API knows of such a thing.
enum Sign {
    Joined,
    Left,
    Typing,
    Read,
    Other,
}

impl ConversationModel {
    /// Makes an act happen; `spoken` is what a line of it became.
    pub(crate) fn apply(&mut self, act: &Action, spoken: Option<SentMessage>, publisher: &mut EventPublisher<'_>) {
        match act {
            Action::Say(line) => {
                if let Some(spoken) = spoken {
                    self.say(line, spoken, publisher);
                }
            }
            Action::Update(changes) => self.update(changes, publisher),
            Action::Join(who, name) => {
                self.attend(*who, name, publisher);
            }
            Action::Alert(name) => {
                self.ring(name, publisher);
            }
            Action::Leave(who, name) => self.leave(*who, name, "client", publisher),
            Action::Transfer(name) => self.transfer(name, publisher),
            Action::Park => self.park(State::Connected, State::Parked, publisher),
            Action::Resume => self.park(State::Parked, State::Connected, publisher),
            Action::Call | Action::KeepAlive => publisher.session(self, "SESSION_ONGOING"),
            Action::Close => self.close(publisher),
        }
    }

    fn say(&mut self, line: &Line, spoken: SentMessage, publisher: &mut EventPublisher<'_>) {
        if line.who == Speaker::System {
            return self.sign(line, spoken, publisher);
        }
        let by = self.attend(line.who, &line.name, publisher);
        if self.is_call {
            return self.publish_utterance(by, line, &spoken, publisher);
        }
        self.keep(by, spoken, Content::of(line), publisher);
        if line.who != Speaker::Customer && publisher.updates_status() {
            for status in ["delivery-success", "read"] {
                if let Some(last) = self.said.back_mut() {
                    last.set_status(status, &self.id);
                }
                publisher.changed(self);
            }
        }
    }

    /// What the system says is about somebody, whose presence it may change.
    fn sign(&mut self, line: &Line, spoken: SentMessage, publisher: &mut EventPublisher<'_>) {
        let who = self.who_is(&line.name);
        let sign = Sign::read(&line.text);
        if self.is_call || who != Speaker::Customer {
            match sign {
                Sign::Joined => {
                    self.attend(who, &line.name, publisher);
                    return;
                }
                Sign::Left => return self.leave(who, &line.name, "client", publisher),
                _ if self.is_call => return,
                _ => {}
            }
        }
        let by = self.attend(who, &line.name, publisher);
        let event = match sign {
            Sign::Joined => Event::Presence("Join"),
            Sign::Left => Event::Presence("Disconnect"),
            Sign::Typing => Event::Typing,
            Sign::Read => return self.read(by, spoken, publisher),
            Sign::Other => Event::Unknown,
        };
        if event == Event::Typing && who == Speaker::Customer {
            publisher.typing(self, by, &spoken);
        }
        self.keep(by, spoken, Content::Event(event), publisher);
        if matches!(sign, Sign::Left) {
            self.leave(who, &line.name, "peer", publisher);
        }
    }

    /// A receipt, and for the customer's the new status of everything the organisation said.
    fn read(&mut self, by: usize, spoken: SentMessage, publisher: &mut EventPublisher<'_>) {
        if self.people[by].purpose == Purpose::Customer {
            for said in self.said.iter_mut().filter(|said| said.is_outbound() && said.status != "read") {
                said.set_status("read", &self.id);
            }
        }
        self.keep(by, spoken, Content::Receipt("Read"), publisher);
    }

    fn keep(&mut self, by: usize, spoken: SentMessage, content: Content, publisher: &mut EventPublisher<'_>) {
        if self.said.len() == SAID_KEPT {
            self.said.pop_front();
        }
        let outbound = self.people[by].purpose != Purpose::Customer;
        self.said.push_back(StoredMessage::new(by, outbound, spoken, content, &self.id));
        publisher.changed(self);
    }

    fn who_is(&self, name: &str) -> Speaker {
        if self.customers.iter().any(|customer| customer == name) {
            return Speaker::Customer;
        }
        let bot = self.people.iter().any(|participant| participant.purpose == Purpose::Bot && participant.name == name);
        if bot { Speaker::Bot } else { Speaker::Agent }
    }

    /// Sees to it that somebody is here, and says where in the list.
    fn attend(&mut self, who: Speaker, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        if let Some(place) = self.ended.and_then(|_| self.latest(purpose(who), name)) {
            // What comes after the end was said by somebody who is gone.
            return place;
        }
        match who {
            Speaker::Agent => self.serve(name, publisher),
            Speaker::Bot => self.host(name, publisher),
            Speaker::Customer | Speaker::System => self.welcome(name, publisher),
        }
    }

    fn welcome(&mut self, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        if let Some(there) = self.present(Purpose::Customer, name) {
            return there;
        }
        if !self.customers.iter().any(|known| known == name) {
            self.customers.push(name.to_owned());
        }
        let nameless = self.present(Purpose::Customer, "").filter(|place| self.people[*place].name.is_empty());
        if let Some(place) = nameless {
            name.clone_into(&mut self.people[place].name);
            return place;
        }
        let place = self.add(Purpose::Customer, name, State::Connected, publisher.now);
        publisher.detail(self, "customer.start", place);
        publisher.changed(self);
        place
    }

    fn host(&mut self, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        self.present(Purpose::Bot, name).unwrap_or_else(|| {
            let place = self.add(Purpose::Bot, name, State::Connected, publisher.now);
            publisher.detail(self, "flow.start", place);
            publisher.changed(self);
            place
        })
    }

    fn ring(&mut self, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        if self.queue.is_none() {
            let queue = self.first_queue.clone();
            self.queue_up(&queue, publisher);
        }
        let place = self.add(Purpose::Agent, name, State::Alerting, publisher.now);
        publisher.changed(self);
        place
    }

    fn serve(&mut self, name: &str, publisher: &mut EventPublisher<'_>) -> usize {
        let place = self.present(Purpose::Agent, name).unwrap_or_else(|| self.ring(name, publisher));
        if self.people[place].state == State::Alerting {
            self.people[place].state = State::Connected;
            self.people[place].connected = Some(publisher.now);
            if let Some(queue) = self.present(Purpose::Acd, "") {
                self.people[queue].end("transfer", publisher.now);
                publisher.detail(self, "acd.end", queue);
            }
            publisher.detail(self, "user.start", place);
            publisher.changed(self);
        }
        place
    }

    fn queue_up(&mut self, name: &str, publisher: &mut EventPublisher<'_>) {
        let place = self.enter(name, publisher.now);
        publisher.detail(self, "acd.start", place);
        publisher.changed(self);
    }

    fn update(&mut self, changes: &[(String, String)], publisher: &mut EventPublisher<'_>) {
        let queue = changes.iter().find(|(key, _)| key == "queue").map(|(_, name)| name);
        match queue.filter(|name| self.queue.as_ref().is_none_or(|queue| queue.name != **name)) {
            Some(name) => self.queue_up(name, publisher),
            None => publisher.changed(self),
        }
    }

    fn transfer(&mut self, name: &str, publisher: &mut EventPublisher<'_>) {
        while let Some(place) = self.present(Purpose::Agent, "") {
            self.depart(place, "transfer", publisher);
        }
        let queue = self.queue.as_ref().map_or_else(|| self.first_queue.clone(), |queue| queue.name.clone());
        self.queue_up(&queue, publisher);
        self.serve(name, publisher);
    }

    fn leave(&mut self, who: Speaker, name: &str, how: &'static str, publisher: &mut EventPublisher<'_>) {
        if let Some(place) = self.present(purpose(who), name) {
            self.depart(place, how, publisher);
            publisher.changed(self);
        }
    }

    fn depart(&mut self, place: usize, how: &'static str, publisher: &mut EventPublisher<'_>) {
        self.people[place].end(how, publisher.now);
        let event = match self.people[place].purpose {
            Purpose::Customer => "customer.end",
            Purpose::Agent => "user.end",
            Purpose::Bot => "flow.end",
            Purpose::Acd => "acd.end",
        };
        publisher.detail(self, event, place);
    }

    fn park(&mut self, from: State, to: State, publisher: &mut EventPublisher<'_>) {
        for participant in self.people.iter_mut().filter(|one| one.purpose == Purpose::Agent && one.state == from) {
            participant.state = to;
            participant.parked = (to == State::Parked).then_some(publisher.now);
        }
        publisher.changed(self);
    }

    fn close(&mut self, publisher: &mut EventPublisher<'_>) {
        if self.ended.is_some() {
            return;
        }
        // The customer comes first in the list and leaves last.
        for place in (0..self.people.len()).rev() {
            if self.people[place].is_present() {
                self.depart(place, "client", publisher);
            }
        }
        self.ended = Some(publisher.now);
        if self.is_call {
            publisher.session(self, "SESSION_ENDED");
        }
        publisher.changed(self);
    }
}

fn purpose(who: Speaker) -> Purpose {
    match who {
        Speaker::Customer => Purpose::Customer,
        Speaker::Bot => Purpose::Bot,
        Speaker::Agent | Speaker::System => Purpose::Agent,
    }
}

impl Sign {
    fn read(text: &str) -> Self {
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
