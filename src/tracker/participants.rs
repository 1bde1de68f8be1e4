//! The participants of a conversation: membership changes, and names that must be looked up.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::protocol::TimedEvent;
use crate::event::{EventBody, Role};
use crate::wire::conversation::{Participant, Presence, Purpose};

/// The maximum number of participants. A year of transfers has a few hundred.
const MAX_PARTICIPANTS: usize = 10_000;

/// Everyone who takes or took part. An agent who returns is another participant.
#[derive(Debug, Default)]
pub(super) struct Participants {
    records: HashMap<String, ParticipantRecord>,
    /// The keys of the records, oldest first.
    order: Vec<String>,
    /// Look-ups of the names that the lists of participants lack, by user id.
    lookups: HashMap<String, NameLookup>,
}

/// A participant that was noted.
#[derive(Debug)]
pub(super) struct RecordedParticipant {
    /// The key of the participant.
    pub(super) key: String,
    /// The membership change that this is.
    pub(super) change: Option<TimedEvent>,
}

/// A speaker on a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speaker<'a> {
    pub(super) role: Role,
    pub(super) participant: &'a Participant,
}

/// The ids of queues and users that a conversation involves now.
#[derive(Debug, Default)]
pub(super) struct ActiveIds<'a> {
    pub(super) queues: HashSet<&'a str>,
    pub(super) users: HashSet<&'a str>,
}

#[derive(Debug)]
enum NameLookup {
    InFlight,
    /// A user may have no name.
    Completed(Option<String>),
}

#[derive(Debug)]
struct ParticipantRecord {
    participant: Participant,
    reported: Membership,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Membership {
    NotJoined,
    Joined,
    Left,
}

impl Participants {
    /// Records a participant as a list describes it. With `is_quiet` there is no membership change.
    pub(super) fn record(&mut self, mut participant: Participant, is_quiet: bool) -> RecordedParticipant {
        self.complete_name(&mut participant);
        let key = key(&participant);
        if !self.records.contains_key(&key) {
            if self.order.len() >= MAX_PARTICIPANTS {
                return RecordedParticipant { key, change: None };
            }
            self.order.push(key.clone());
        }
        let before = self.records.get(&key).map_or(Membership::NotJoined, |record| record.reported);
        let now = membership(&participant);
        let change = if is_quiet { None } else { membership_change(&participant, before, now) };
        self.records.insert(key.clone(), ParticipantRecord { participant, reported: before.max(now) });
        RecordedParticipant { key, change }
    }

    /// Returns the participant with this key.
    pub(super) fn get(&self, key: &str) -> Option<&Participant> {
        self.records.get(key).map(|record| &record.participant)
    }

    /// Returns the ids of agents whose names are unknown and were not looked up.
    pub(super) fn unresolved_users(&self) -> Vec<String> {
        let unnamed = self.with_purpose(&Purpose::Agent).filter(|agent| agent.name.is_none());
        let users = unnamed.filter_map(|agent| agent.user.as_ref().filter(|user| user.name.is_none()));
        let unresolved: BTreeSet<&String> =
            users.map(|user| &user.id).filter(|user| !self.lookups.contains_key(*user)).collect();
        unresolved.into_iter().cloned().collect()
    }

    /// Records that the name of a user is being looked up. No message is emitted until the look-up ends.
    pub(super) fn lookup_started(&mut self, user: &str) {
        self.lookups.insert(user.to_owned(), NameLookup::InFlight);
    }

    /// Records the name of a user, if there is one.
    pub(super) fn lookup_completed(&mut self, user: &str, name: Option<&String>) {
        self.lookups.insert(user.to_owned(), NameLookup::Completed(name.cloned()));
        let users = self.records.values_mut().filter_map(|record| record.participant.user.as_mut());
        for unnamed in users.filter(|known| known.id == user && known.name.is_none()) {
            unnamed.name = name.cloned();
        }
    }

    /// Records that the look-up failed and is to be repeated.
    pub(super) fn lookup_failed(&mut self, user: &str) {
        if let Some(NameLookup::InFlight) = self.lookups.get(user) {
            self.lookups.remove(user);
        }
    }

    /// Returns whether a name is being looked up.
    pub(super) fn has_pending_lookups(&self) -> bool {
        self.lookups.values().any(|lookup| matches!(lookup, NameLookup::InFlight))
    }

    /// Returns whether there were customers and all have left.
    pub(super) fn customer_has_left(&self) -> bool {
        let mut customers = self.with_purpose(&Purpose::Customer).peekable();
        customers.peek().is_some() && customers.all(|customer| customer.presence == Presence::Disconnected)
    }

    /// Returns the latest customer, preferably a connected one.
    pub(super) fn customer(&self) -> Option<&Participant> {
        let is_connected = |customer: &&Participant| customer.presence == Presence::Connected;
        let connected = self.with_purpose(&Purpose::Customer).filter(is_connected).last();
        connected.or_else(|| self.with_purpose(&Purpose::Customer).last())
    }

    /// Returns the agent, else the bot, that joined last and was connected at that time.
    pub(super) fn speaker_at(&self, at: Option<DateTime<Utc>>) -> Option<Speaker<'_>> {
        let was_connected = |one: &&Participant| match at {
            Some(at) => {
                one.connected_at.is_some_and(|joined| joined <= at) && one.disconnected_at.is_none_or(|left| at <= left)
            }
            None => one.presence == Presence::Connected,
        };
        let latest = |purpose| self.with_purpose(purpose).filter(was_connected).max_by_key(|one| one.connected_at);
        let agent = latest(&Purpose::Agent).map(Speaker::agent);
        agent.or_else(|| latest(&Purpose::Bot).map(Speaker::bot))
    }

    /// Returns the agent or bot that joined nearest to that time.
    pub(super) fn nearest_speaker(&self, at: Option<DateTime<Utc>>) -> Option<Speaker<'_>> {
        let agents = self.with_purpose(&Purpose::Agent).map(Speaker::agent);
        let speakers = agents.chain(self.with_purpose(&Purpose::Bot).map(Speaker::bot));
        let distance =
            |speaker: &Speaker<'_>| at.zip(speaker.participant.connected_at).map(|(at, joined)| (joined - at).abs());
        speakers.filter(|speaker| speaker.participant.connected_at.is_some()).min_by_key(distance)
    }

    /// Returns the queues and users of the participants that have not left.
    pub(super) fn active_queues_and_users(&self) -> ActiveIds<'_> {
        let mut active = ActiveIds::default();
        let participants = self.records.values().map(|record| &record.participant);
        for participant in participants.filter(|one| one.presence != Presence::Disconnected) {
            active.queues.extend(participant.queue.as_ref().map(|queue| queue.id.as_str()));
            active.users.extend(participant.user.as_ref().map(|user| user.id.as_str()));
        }
        active
    }

    fn with_purpose(&self, purpose: &Purpose) -> impl Iterator<Item = &Participant> {
        let all = self.order.iter().filter_map(|key| self.get(key));
        all.filter(move |participant| participant.purpose == *purpose)
    }

    fn complete_name(&self, participant: &mut Participant) {
        if let Some(user) = participant.user.as_mut().filter(|user| user.name.is_none())
            && let Some(NameLookup::Completed(name)) = self.lookups.get(&user.id)
        {
            user.name.clone_from(name);
        }
    }
}

impl<'a> Speaker<'a> {
    fn agent(participant: &'a Participant) -> Self {
        Self { role: Role::Agent, participant }
    }

    fn bot(participant: &'a Participant) -> Self {
        Self { role: Role::Bot, participant }
    }
}

/// Returns the id of a participant. Without ids, participants with the same purpose, user and name are one.
fn key(participant: &Participant) -> String {
    if !participant.id.is_empty() {
        return participant.id.clone();
    }
    let user = participant.user.as_ref().map(|user| &user.id);
    format!("{:?} {:?} {:?}", participant.purpose, user, participant.name)
}

fn membership(participant: &Participant) -> Membership {
    match participant.presence {
        Presence::Alerting | Presence::Unknown => Membership::NotJoined,
        Presence::Connected | Presence::Parked => Membership::Joined,
        Presence::Disconnected => Membership::Left,
    }
}

/// Returns the update of a membership change (EVT-11). A participant joins and leaves once, and leaves only after joining.
fn membership_change(participant: &Participant, before: Membership, now: Membership) -> Option<TimedEvent> {
    use Membership::{Joined, Left, NotJoined};
    let Participant { purpose, connected_at, disconnected_at, .. } = participant;
    let (at, what) = match (before, now, purpose) {
        (NotJoined, Joined, Purpose::Queue) => (*connected_at, waiting_text(participant)),
        (_, _, Purpose::Queue | Purpose::Other(_)) => return None,
        (NotJoined, Joined, _) => (*connected_at, format!("{} joined", display_name(participant))),
        (Joined, Left, Purpose::Agent) if was_transferred(participant) => {
            (*disconnected_at, format!("{} transferred the conversation", display_name(participant)))
        }
        (Joined, Left, _) => (*disconnected_at, format!("{} left", display_name(participant))),
        _ => return None,
    };
    Some(TimedEvent { at, body: EventBody::Update { description: Some(what.into()) } })
}

fn waiting_text(participant: &Participant) -> String {
    let queue = participant.queue.as_ref().and_then(|queue| queue.name.as_deref()).or_else(|| name(participant));
    queue.map_or_else(|| "waiting in a queue".to_owned(), |name| format!("waiting in the queue {name}"))
}

fn was_transferred(participant: &Participant) -> bool {
    participant.disconnect_type.as_deref().is_some_and(|kind| kind.contains("transfer"))
}

fn name(participant: &Participant) -> Option<&str> {
    participant.user.as_ref().and_then(|user| user.name.as_deref()).or(participant.name.as_deref())
}

fn display_name(participant: &Participant) -> &str {
    name(participant).unwrap_or(match participant.purpose {
        Purpose::Customer => Role::Customer.label(),
        Purpose::Bot => Role::Bot.label(),
        Purpose::Agent | Purpose::Queue | Purpose::Other(_) => Role::Agent.label(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::wire::conversation::Snapshot;

    fn participant(value: &Value) -> Participant {
        Snapshot::from_value(&json!({ "participants": [value] })).participants.pop().expect("a participant")
    }

    fn record(participants: &mut Participants, value: &Value) -> Option<String> {
        participants.record(participant(value), false).change.map(|event| match event.body {
            EventBody::Update { description } => description.expect("a text").into_owned(),
            body => panic!("{body:?}"),
        })
    }

    #[test]
    fn membership_changes_have_a_text() {
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
        for (value, expected) in cases {
            assert_eq!(record(&mut Participants::default(), &value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_participant_joins_and_leaves_once_and_a_returning_agent_is_another() {
        let mut participants = Participants::default();
        let sam = |id: &str, state: &str, disconnect: &str| json!({ "id": id, "purpose": "agent", "name": "Sam", "state": state, "disconnectType": disconnect });
        let steps = [
            ("p1", "connected", "", Some("Sam joined")),
            ("p1", "connected", "", None),
            ("p1", "disconnected", "transfer.noAnswer", Some("Sam transferred the conversation")),
            ("p1", "connected", "", None),
            ("p1", "disconnected", "client", None),
            ("p2", "connected", "", Some("Sam joined")),
            ("p2", "terminated", "client", Some("Sam left")),
        ];
        for (id, state, disconnect, expected) in steps {
            assert_eq!(record(&mut participants, &sam(id, state, disconnect)).as_deref(), expected, "{id} {state}");
        }
        let quiet = participants.record(participant(&sam("p3", "connected", "")), true);
        assert_eq!((quiet.key.as_str(), quiet.change), ("p3", None));
        assert_eq!(record(&mut participants, &sam("p3", "connected", "")), None, "the quiet join counts");
    }

    #[test]
    fn a_bounded_number_of_participants_is_kept() {
        let mut participants = Participants::default();
        for number in 0..MAX_PARTICIPANTS + 5 {
            record(&mut participants, &json!({ "id": number, "purpose": "agent", "state": "connected" }));
        }
        let late = participants.record(participant(&json!({ "id": "late", "state": "connected" })), false);
        assert_eq!((late.key.as_str(), late.change), ("late", None));
        assert_eq!((participants.order.len(), participants.records.len()), (MAX_PARTICIPANTS, MAX_PARTICIPANTS));
        let left =
            record(&mut participants, &json!({ "id": 0, "purpose": "agent", "name": "Sam", "state": "disconnected" }));
        assert_eq!(left.as_deref(), Some("Sam left"), "known participants are still updated");
    }

    #[test]
    fn the_customer_has_left_when_no_customer_is_connected() {
        let mut participants = Participants::default();
        let customer = |id: &str, state: &str| json!({ "id": id, "purpose": "customer", "state": state });
        assert!(!participants.customer_has_left(), "there was none");
        record(&mut participants, &customer("a", "disconnected"));
        assert!(participants.customer_has_left());
        record(&mut participants, &customer("b", "connected"));
        assert!(!participants.customer_has_left());
    }

    #[test]
    fn a_name_is_looked_up_once_for_all_participants_of_a_user() {
        let mut participants = Participants::default();
        let agent = |id: &str| json!({ "id": id, "purpose": "agent", "state": "connected", "userId": "u1" });
        record(&mut participants, &agent("p1"));
        record(&mut participants, &agent("p2"));
        let lookups =
            |participants: &Participants| (participants.unresolved_users(), participants.has_pending_lookups());
        assert_eq!(lookups(&participants), (vec!["u1".to_owned()], false));
        participants.lookup_started("u1");
        assert_eq!(lookups(&participants), (vec![], true));
        participants.lookup_failed("u1");
        assert_eq!(lookups(&participants), (vec!["u1".to_owned()], false));
        participants.lookup_started("u1");
        participants.lookup_completed("u1", Some(&"Sam".to_owned()));
        record(&mut participants, &agent("p3"));
        let name = |key| participants.get(key).and_then(|one| one.user.as_ref()?.name.clone());
        assert_eq!(["p1", "p2", "p3"].map(name), [(); 3].map(|()| Some("Sam".to_owned())));
        assert_eq!(lookups(&participants), (vec![], false));
    }

    #[test]
    fn active_queues_and_users_are_those_of_participants_that_have_not_left() {
        let mut participants = Participants::default();
        let agent = |id: &str, state: &str| json!({ "id": id, "purpose": "agent", "state": state, "userId": format!("u{id}"), "queueId": format!("q{id}") });
        for (id, state) in [("1", "alerting"), ("2", "disconnected"), ("3", "parked"), ("4", "levitating")] {
            record(&mut participants, &agent(id, state));
        }
        let active = participants.active_queues_and_users();
        assert_eq!(active.queues, HashSet::from(["q1", "q3", "q4"]));
        assert_eq!(active.users, HashSet::from(["u1", "u3", "u4"]));
    }

    #[test]
    fn the_speaker_is_the_agent_who_joined_last_before_any_bot() {
        let mut participants = Participants::default();
        let at = |second: i64| DateTime::from_timestamp(second, 0).expect("in range");
        for (id, purpose, joined, left) in [("bot", "ivr", 1, 90), ("Sam", "agent", 10, 20), ("Noor", "agent", 15, 40)]
        {
            let value = json!({ "id": id, "purpose": purpose, "name": id, "state": "disconnected",
                "connectedTime": at(joined), "endTime": at(left) });
            record(&mut participants, &value);
        }
        let id = |speaker: Speaker<'_>| speaker.participant.id.clone();
        let speaker = |second| participants.speaker_at(Some(at(second))).map(id);
        let speakers = [0, 5, 12, 17, 30, 50, 95].map(speaker);
        let expected = [None, Some("bot"), Some("Sam"), Some("Noor"), Some("Noor"), Some("bot"), None];
        assert_eq!(speakers.each_ref().map(Option::as_deref), expected);
        let nearest = [0, 14, 95].map(|second| participants.nearest_speaker(Some(at(second))).map(id));
        assert_eq!(nearest.each_ref().map(Option::as_deref), [Some("bot"), Some("Noor"), Some("Noor")]);
    }
}
