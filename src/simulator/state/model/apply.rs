//! What each act of a script changes.

use super::messages::{Content, Event, Said, Spoken};
use super::{Post, Purpose, SAID_KEPT, State, World};
use crate::simulator::script::{Act, Line, Who};

/// What the system says of somebody, as far as the published API knows of such a thing.
enum Sign {
    Joined,
    Left,
    Typing,
    Read,
    Other,
}

impl World {
    /// Makes an act happen; `spoken` is what a line of it became.
    pub(crate) fn apply(&mut self, act: &Act, spoken: Option<Spoken>, post: &mut Post<'_>) {
        match act {
            Act::Say(line) => {
                if let Some(spoken) = spoken {
                    self.say(line, spoken, post);
                }
            }
            Act::Update(changes) => self.update(changes, post),
            Act::Join(who, name) => {
                self.attend(*who, name, post);
            }
            Act::Alert(name) => {
                self.ring(name, post);
            }
            Act::Leave(who, name) => self.leave(*who, name, "client", post),
            Act::Transfer(name) => self.transfer(name, post),
            Act::Park => self.park(State::Connected, State::Parked, post),
            Act::Resume => self.park(State::Parked, State::Connected, post),
            Act::Call | Act::KeepAlive => post.session(self, "SESSION_ONGOING"),
            Act::Close => self.close(post),
        }
    }

    fn say(&mut self, line: &Line, spoken: Spoken, post: &mut Post<'_>) {
        if line.who == Who::System {
            return self.sign(line, spoken, post);
        }
        let by = self.attend(line.who, &line.name, post);
        if self.is_call {
            return self.utter(by, line, &spoken, post);
        }
        self.keep(by, spoken, Content::of(line), post);
        if line.who != Who::Customer && post.updates_status() {
            for status in ["delivery-success", "read"] {
                if let Some(last) = self.said.back_mut() {
                    last.set_status(status, &self.id);
                }
                post.changed(self);
            }
        }
    }

    /// What the system says is about somebody, whose presence it may change.
    fn sign(&mut self, line: &Line, spoken: Spoken, post: &mut Post<'_>) {
        let who = self.who_is(&line.name);
        let sign = Sign::read(&line.text);
        if self.is_call || who != Who::Customer {
            match sign {
                Sign::Joined => {
                    self.attend(who, &line.name, post);
                    return;
                }
                Sign::Left => return self.leave(who, &line.name, "client", post),
                _ if self.is_call => return,
                _ => {}
            }
        }
        let by = self.attend(who, &line.name, post);
        let event = match sign {
            Sign::Joined => Event::Presence("Join"),
            Sign::Left => Event::Presence("Disconnect"),
            Sign::Typing => Event::Typing,
            Sign::Read => return self.read(by, spoken, post),
            Sign::Other => Event::Unknown,
        };
        if event == Event::Typing && who == Who::Customer {
            post.typing(self, by, &spoken);
        }
        self.keep(by, spoken, Content::Event(event), post);
        if matches!(sign, Sign::Left) {
            self.leave(who, &line.name, "peer", post);
        }
    }

    /// A receipt, and for the customer's the new status of everything the organisation said.
    fn read(&mut self, by: usize, spoken: Spoken, post: &mut Post<'_>) {
        if self.people[by].purpose == Purpose::Customer {
            for said in self.said.iter_mut().filter(|said| said.is_outbound() && said.status != "read") {
                said.set_status("read", &self.id);
            }
        }
        self.keep(by, spoken, Content::Receipt("Read"), post);
    }

    fn keep(&mut self, by: usize, spoken: Spoken, content: Content, post: &mut Post<'_>) {
        if self.said.len() == SAID_KEPT {
            self.said.pop_front();
        }
        let outbound = self.people[by].purpose != Purpose::Customer;
        self.said.push_back(Said::new(by, outbound, spoken, content, &self.id));
        post.changed(self);
    }

    fn who_is(&self, name: &str) -> Who {
        if self.customers.iter().any(|customer| customer == name) {
            return Who::Customer;
        }
        let bot = self.people.iter().any(|participant| participant.purpose == Purpose::Bot && participant.name == name);
        if bot { Who::Bot } else { Who::Agent }
    }

    /// Sees to it that somebody is here, and says where in the list.
    fn attend(&mut self, who: Who, name: &str, post: &mut Post<'_>) -> usize {
        if let Some(place) = self.ended.and_then(|_| self.latest(purpose(who), name)) {
            // What comes after the end was said by somebody who is gone.
            return place;
        }
        match who {
            Who::Agent => self.serve(name, post),
            Who::Bot => self.host(name, post),
            Who::Customer | Who::System => self.welcome(name, post),
        }
    }

    fn welcome(&mut self, name: &str, post: &mut Post<'_>) -> usize {
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
        let place = self.add(Purpose::Customer, name, State::Connected, post.now);
        post.detail(self, "customer.start", place);
        post.changed(self);
        place
    }

    fn host(&mut self, name: &str, post: &mut Post<'_>) -> usize {
        self.present(Purpose::Bot, name).unwrap_or_else(|| {
            let place = self.add(Purpose::Bot, name, State::Connected, post.now);
            post.detail(self, "flow.start", place);
            post.changed(self);
            place
        })
    }

    fn ring(&mut self, name: &str, post: &mut Post<'_>) -> usize {
        if self.queue.is_none() {
            let queue = self.first_queue.clone();
            self.queue_up(&queue, post);
        }
        let place = self.add(Purpose::Agent, name, State::Alerting, post.now);
        post.changed(self);
        place
    }

    fn serve(&mut self, name: &str, post: &mut Post<'_>) -> usize {
        let place = self.present(Purpose::Agent, name).unwrap_or_else(|| self.ring(name, post));
        if self.people[place].state == State::Alerting {
            self.people[place].state = State::Connected;
            self.people[place].connected = Some(post.now);
            if let Some(queue) = self.present(Purpose::Acd, "") {
                self.people[queue].end("transfer", post.now);
                post.detail(self, "acd.end", queue);
            }
            post.detail(self, "user.start", place);
            post.changed(self);
        }
        place
    }

    fn queue_up(&mut self, name: &str, post: &mut Post<'_>) {
        let place = self.enter(name, post.now);
        post.detail(self, "acd.start", place);
        post.changed(self);
    }

    fn update(&mut self, changes: &[(String, String)], post: &mut Post<'_>) {
        let queue = changes.iter().find(|(key, _)| key == "queue").map(|(_, name)| name);
        match queue.filter(|name| self.queue.as_ref().is_none_or(|queue| queue.name != **name)) {
            Some(name) => self.queue_up(name, post),
            None => post.changed(self),
        }
    }

    fn transfer(&mut self, name: &str, post: &mut Post<'_>) {
        while let Some(place) = self.present(Purpose::Agent, "") {
            self.depart(place, "transfer", post);
        }
        let queue = self.queue.as_ref().map_or_else(|| self.first_queue.clone(), |queue| queue.name.clone());
        self.queue_up(&queue, post);
        self.serve(name, post);
    }

    fn leave(&mut self, who: Who, name: &str, how: &'static str, post: &mut Post<'_>) {
        if let Some(place) = self.present(purpose(who), name) {
            self.depart(place, how, post);
            post.changed(self);
        }
    }

    fn depart(&mut self, place: usize, how: &'static str, post: &mut Post<'_>) {
        self.people[place].end(how, post.now);
        let event = match self.people[place].purpose {
            Purpose::Customer => "customer.end",
            Purpose::Agent => "user.end",
            Purpose::Bot => "flow.end",
            Purpose::Acd => "acd.end",
        };
        post.detail(self, event, place);
    }

    fn park(&mut self, from: State, to: State, post: &mut Post<'_>) {
        for participant in self.people.iter_mut().filter(|one| one.purpose == Purpose::Agent && one.state == from) {
            participant.state = to;
            participant.parked = (to == State::Parked).then_some(post.now);
        }
        post.changed(self);
    }

    fn close(&mut self, post: &mut Post<'_>) {
        if self.ended.is_some() {
            return;
        }
        // The customer comes first in the list and leaves last.
        for place in (0..self.people.len()).rev() {
            if self.people[place].is_present() {
                self.depart(place, "client", post);
            }
        }
        self.ended = Some(post.now);
        if self.is_call {
            post.session(self, "SESSION_ENDED");
        }
        post.changed(self);
    }
}

fn purpose(who: Who) -> Purpose {
    match who {
        Who::Customer => Purpose::Customer,
        Who::Bot => Purpose::Bot,
        Who::Agent | Who::System => Purpose::Agent,
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
