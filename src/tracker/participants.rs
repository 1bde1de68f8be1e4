//! Who takes part in a conversation, and what changes about that.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::event::{EventBody, Role};
use crate::source::TimedEvent;
use crate::wire::conversation::{Participant, Presence, Purpose};

/// Participants of one conversation that are known. A year of transfers has a few hundred.
const MOST: usize = 10_000;

/// Everybody who takes part or did. An agent who comes back is another participant.
#[derive(Debug, Default)]
pub(super) struct Participants {
    known: HashMap<String, Known>,
    /// In the order of their coming.
    order: Vec<String>,
    /// Agents whose names the lists do not say and who were asked for.
    names: HashMap<String, Name>,
}

/// What has become of the question for a name.
#[derive(Debug)]
enum Name {
    Asked,
    /// There may be none.
    Answered(Option<String>),
}

#[derive(Debug)]
struct Known {
    participant: Participant,
    said: Change,
}

/// What the reader knows of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Nothing,
    Came,
    Went,
}

impl Participants {
    /// Takes what a list says of somebody: what they are known by, and what that changes for the reader, which is
    /// nothing where it is to be `quiet`.
    pub(super) fn note(&mut self, mut participant: Participant, quiet: bool) -> (String, Option<TimedEvent>) {
        self.lend_name(&mut participant);
        let id = key(&participant);
        if !self.known.contains_key(&id) {
            if self.order.len() >= MOST {
                return (id, None);
            }
            self.order.push(id.clone());
        }
        let before = self.known.get(&id).map_or(Change::Nothing, |known| known.said);
        let now = stage(&participant);
        let told = if quiet { None } else { change(&participant, before, now) };
        self.known.insert(id.clone(), Known { participant, said: before.max(now) });
        (id, told)
    }

    /// Somebody by the id of the participant.
    pub(super) fn get(&self, id: &str) -> Option<&Participant> {
        self.known.get(id).map(|known| &known.participant)
    }

    /// Agents whose names nobody has said or asked for yet.
    pub(super) fn nameless(&self) -> Vec<String> {
        let agents = self.order.iter().filter_map(|id| self.known.get(id)).map(|known| &known.participant);
        let nameless: HashSet<String> = agents
            .filter(|agent| agent.purpose == Purpose::Agent && agent.name.is_none())
            .filter_map(|agent| agent.user.as_ref().filter(|user| user.name.is_none()).map(|user| user.id.clone()))
            .filter(|user| !self.names.contains_key(user))
            .collect();
        nameless.into_iter().collect()
    }

    /// The name of an agent is asked for; nothing the agent said is told until there is an answer.
    pub(super) fn ask(&mut self, user: &str) {
        self.names.insert(user.to_owned(), Name::Asked);
    }

    /// The answer about a name, where there is one.
    pub(super) fn name(&mut self, user: &str, name: Option<&String>) {
        self.names.insert(user.to_owned(), Name::Answered(name.cloned()));
        let users = self.known.values_mut().filter_map(|known| known.participant.user.as_mut());
        for nameless in users.filter(|known| known.id == user && known.name.is_none()) {
            nameless.name = name.cloned();
        }
    }

    /// There was no answer, and there will be one.
    pub(super) fn ask_again(&mut self, user: &str) {
        if let Some(Name::Asked) = self.names.get(user) {
            self.names.remove(user);
        }
    }

    /// Whether the name of somebody is being asked for.
    pub(super) fn awaits_names(&self) -> bool {
        self.names.values().any(|name| matches!(name, Name::Asked))
    }

    /// Whether there was a customer, and there is none any more.
    pub(super) fn customer_has_left(&self) -> bool {
        let mut customers = self.present_or_gone(&Purpose::Customer).peekable();
        customers.peek().is_some() && customers.all(|customer| customer.presence == Presence::Disconnected)
    }

    /// The customer, the one who is here before one who was.
    pub(super) fn customer(&self) -> Option<&Participant> {
        self.latest(&Purpose::Customer)
    }

    /// Who spoke for the organisation then: whoever of its agents and bots had come last and not gone.
    pub(super) fn host(&self, at: Option<DateTime<Utc>>) -> Option<(Role, &Participant)> {
        let was_here = |one: &&Participant| match at {
            Some(at) => {
                one.connected_at.is_some_and(|came| came <= at) && one.disconnected_at.is_none_or(|went| at <= went)
            }
            None => one.presence == Presence::Connected,
        };
        let there = |purpose| self.present_or_gone(purpose).filter(was_here).max_by_key(|one| one.connected_at);
        let agent = there(&Purpose::Agent).map(|one| (Role::Agent, one));
        agent.or_else(|| there(&Purpose::Bot).map(|one| (Role::Bot, one)))
    }

    /// Who spoke for the organisation where nobody was there: whoever came at the time nearest to it.
    pub(super) fn nearest_host(&self, at: Option<DateTime<Utc>>) -> Option<(Role, &Participant)> {
        let agents = self.present_or_gone(&Purpose::Agent).map(|one| (Role::Agent, one));
        let bots = self.present_or_gone(&Purpose::Bot).map(|one| (Role::Bot, one));
        let distance = |one: &Participant| at.zip(one.connected_at).map(|(at, came)| (came - at).abs());
        agents.chain(bots).filter(|(_, one)| one.connected_at.is_some()).min_by_key(|(_, one)| distance(one))
    }

    /// The ids of the queues that have to do with it now, and of the agents.
    pub(super) fn places(&self) -> (HashSet<&str>, HashSet<&str>) {
        let present =
            self.known.values().map(|known| &known.participant).filter(|one| one.presence != Presence::Disconnected);
        let (mut queues, mut users) = (HashSet::new(), HashSet::new());
        for one in present {
            queues.extend(one.queue.as_ref().map(|queue| queue.id.as_str()));
            users.extend(one.user.as_ref().map(|user| user.id.as_str()));
        }
        (queues, users)
    }

    fn present_or_gone(&self, purpose: &Purpose) -> impl Iterator<Item = &Participant> {
        let all = self.order.iter().filter_map(|id| self.get(id));
        all.filter(move |participant| participant.purpose == *purpose)
    }

    fn latest(&self, purpose: &Purpose) -> Option<&Participant> {
        let here = self.present_or_gone(purpose).filter(|one| one.presence == Presence::Connected).last();
        here.or_else(|| self.present_or_gone(purpose).last())
    }

    fn lend_name(&self, participant: &mut Participant) {
        if let Some(user) = participant.user.as_mut().filter(|user| user.name.is_none())
            && let Some(Name::Answered(name)) = self.names.get(&user.id)
        {
            user.name.clone_from(name);
        }
    }
}

/// The id of the stay. Where the wire has none, everybody with the same purpose and name is one.
fn key(participant: &Participant) -> String {
    if !participant.id.is_empty() {
        return participant.id.clone();
    }
    let user = participant.user.as_ref().map(|user| &user.id);
    format!("{:?} {:?} {:?}", participant.purpose, user, participant.name)
}

fn stage(participant: &Participant) -> Change {
    match participant.presence {
        Presence::Alerting | Presence::Unknown => Change::Nothing,
        Presence::Connected | Presence::Parked => Change::Came,
        Presence::Disconnected => Change::Went,
    }
}

/// What there is to say. Somebody who never came does not leave, and nobody comes or leaves twice.
fn change(participant: &Participant, before: Change, now: Change) -> Option<TimedEvent> {
    let name = participant.user.as_ref().and_then(|user| user.name.as_deref()).or(participant.name.as_deref());
    let transferred = participant.disconnect_type.as_deref().is_some_and(|how| how.contains("transfer"));
    let (at, what) = match (before, now, &participant.purpose) {
        (Change::Nothing, Change::Came, Purpose::Queue) => {
            let queue = participant.queue.as_ref().and_then(|queue| queue.name.as_deref()).or(name);
            (participant.connected_at, format!("waiting in the queue {}", queue.unwrap_or("of somebody")))
        }
        (_, _, Purpose::Queue | Purpose::Other(_)) => return None,
        (Change::Nothing, Change::Came, purpose) => {
            (participant.connected_at, format!("{} joined", who(name, purpose)))
        }
        (Change::Came, Change::Went, Purpose::Agent) if transferred => {
            (participant.disconnected_at, format!("{} transferred the conversation", who(name, &participant.purpose)))
        }
        (Change::Came, Change::Went, purpose) => (participant.disconnected_at, format!("{} left", who(name, purpose))),
        _ => return None,
    };
    Some(TimedEvent { at, body: EventBody::Update { description: Some(what.into()) } })
}

fn who<'a>(name: Option<&'a str>, purpose: &Purpose) -> &'a str {
    name.unwrap_or(match purpose {
        Purpose::Customer => Role::Customer.label(),
        Purpose::Bot => Role::Bot.label(),
        Purpose::Agent | Purpose::Queue | Purpose::Other(_) => Role::Agent.label(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::conversation::Snapshot;
    use serde_json::{Value, json};

    fn participant(value: &Value) -> Participant {
        Snapshot::from_value(&json!({ "participants": [value] })).participants.pop().expect("somebody")
    }

    fn note(people: &mut Participants, value: &Value) -> Option<String> {
        let (_, told) = people.note(participant(value), false);
        told.map(|told| match told.body {
            EventBody::Update { description } => description.expect("words").into_owned(),
            body => panic!("{body:?}"),
        })
    }

    #[test]
    fn changes_have_words() {
        let cases = [
            (json!({ "purpose": "customer", "state": "connected" }), Some("Customer joined")),
            (json!({ "purpose": "customer", "state": "disconnected", "name": "Ada" }), None),
            (
                json!({ "purpose": "agent", "state": "connected", "user": { "id": "u", "name": "Sam" } }),
                Some("Sam joined"),
            ),
            (json!({ "purpose": "agent", "state": "alerting", "name": "Sam" }), None),
            (json!({ "purpose": "agent", "state": "parked" }), Some("Agent joined")),
            (json!({ "purpose": "botflow", "state": "connected" }), Some("Bot joined")),
            (
                json!({ "purpose": "acd", "state": "connected", "queue": { "id": "q", "name": "Billing" } }),
                Some("waiting in the queue Billing"),
            ),
            (json!({ "purpose": "acd", "state": "terminated", "name": "Billing" }), None),
            (json!({ "purpose": "oracle", "state": "connected", "name": "Pythia" }), None),
            (json!({ "purpose": "customer", "state": "levitating" }), None),
        ];
        for (value, wanted) in cases {
            assert_eq!(note(&mut Participants::default(), &value).as_deref(), wanted, "{value}");
        }
    }

    #[test]
    fn nobody_comes_or_goes_twice_and_who_comes_back_is_another() {
        let mut people = Participants::default();
        let sam = |id: &str, state: &str, how: &str| json!({ "id": id, "purpose": "agent", "name": "Sam", "state": state, "disconnectType": how });
        let steps = [
            ("p1", "connected", "", Some("Sam joined")),
            ("p1", "connected", "", None),
            ("p1", "disconnected", "transfer.noAnswer", Some("Sam transferred the conversation")),
            ("p1", "connected", "", None),
            ("p1", "disconnected", "client", None),
            ("p2", "connected", "", Some("Sam joined")),
            ("p2", "terminated", "client", Some("Sam left")),
        ];
        for (id, state, how, wanted) in steps {
            assert_eq!(note(&mut people, &sam(id, state, how)).as_deref(), wanted, "{id} {state}");
        }
        let (by, told) = people.note(participant(&sam("p3", "connected", "")), true);
        assert_eq!((by.as_str(), told, note(&mut people, &sam("p3", "connected", ""))), ("p3", None, None), "quietly");
    }

    #[test]
    fn a_crowd_without_end_is_not_kept() {
        let mut people = Participants::default();
        for number in 0..MOST + 5 {
            note(&mut people, &json!({ "id": number, "purpose": "agent", "state": "connected" }));
        }
        let (by, told) = people.note(participant(&json!({ "id": "late", "state": "connected" })), false);
        assert_eq!((people.order.len(), people.known.len(), by.as_str(), told), (MOST, MOST, "late", None));
        let left = note(&mut people, &json!({ "id": 0, "purpose": "agent", "name": "Sam", "state": "disconnected" }));
        assert_eq!(left.as_deref(), Some("Sam left"), "who is known still is");
    }

    #[test]
    fn the_customer_has_left_when_none_is_there() {
        let mut people = Participants::default();
        let customer = |id: &str, state: &str| json!({ "id": id, "purpose": "customer", "state": state });
        assert!(!people.customer_has_left(), "there was none");
        note(&mut people, &customer("a", "disconnected"));
        assert!(people.customer_has_left());
        note(&mut people, &customer("b", "connected"));
        assert!(!people.customer_has_left());
    }

    #[test]
    fn names_are_asked_for_once_and_lent_to_all_stays() {
        let mut people = Participants::default();
        let agent = |id: &str| json!({ "id": id, "purpose": "agent", "state": "connected", "userId": "u1" });
        note(&mut people, &agent("p1"));
        note(&mut people, &agent("p2"));
        assert_eq!((people.nameless(), people.awaits_names()), (vec!["u1".to_owned()], false));
        people.ask("u1");
        assert_eq!((people.nameless().len(), people.awaits_names()), (0, true));
        people.ask_again("u1");
        assert_eq!((people.nameless().len(), people.awaits_names()), (1, false));
        people.ask("u1");
        people.name("u1", Some(&"Sam".to_owned()));
        note(&mut people, &agent("p3"));
        let names: Vec<_> = ["p1", "p2", "p3"]
            .map(|id| people.get(id).and_then(|one| one.user.as_ref()?.name.clone()))
            .into_iter()
            .flatten()
            .collect();
        assert_eq!((names, people.awaits_names(), people.nameless().len()), (vec!["Sam".to_owned(); 3], false, 0));
    }

    #[test]
    fn places_are_those_of_who_is_not_gone() {
        let mut people = Participants::default();
        let one = |id: &str, state: &str| json!({ "id": id, "purpose": "agent", "state": state, "userId": format!("u{id}"), "queueId": format!("q{id}") });
        for (id, state) in [("1", "alerting"), ("2", "disconnected"), ("3", "parked"), ("4", "levitating")] {
            note(&mut people, &one(id, state));
        }
        let (queues, users) = people.places();
        assert_eq!(queues, HashSet::from(["q1", "q3", "q4"]));
        assert_eq!(users, HashSet::from(["u1", "u3", "u4"]));
    }

    #[test]
    fn who_speaks_for_the_organisation_is_the_last_agent_to_come_before_any_bot() {
        let mut people = Participants::default();
        let at = |second: i64| DateTime::from_timestamp(second, 0).expect("in range");
        for (id, purpose, came, went) in [("bot", "ivr", 1, 90), ("Sam", "agent", 10, 20), ("Noor", "agent", 15, 40)] {
            let one = json!({ "id": id, "purpose": purpose, "name": id, "state": "disconnected",
                "connectedTime": at(came), "endTime": at(went) });
            note(&mut people, &one);
        }
        let host = |second| people.host(Some(at(second))).map(|(_, one)| one.id.as_str());
        let hosts = [0, 5, 12, 17, 30, 50, 95].map(host);
        assert_eq!(hosts, [None, Some("bot"), Some("Sam"), Some("Noor"), Some("Noor"), Some("bot"), None]);
        let nearest = |second| people.nearest_host(Some(at(second))).map(|(_, one)| one.id.as_str());
        assert_eq!([0, 14, 95].map(nearest), [Some("bot"), Some("Noor"), Some("Noor")]);
    }
}
