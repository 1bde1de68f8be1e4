//! The participants of a conversation: membership changes, and names that must be looked up.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::protocol::TimedEvent;
use crate::event::{EventBody, EventContext, Party, Role};
use crate::wire::conversation::{Medium, Participant, Presence, Purpose};

/// The maximum number of participants. A year of transfers has a few hundred.
const MAX_PARTICIPANTS: usize = 10_000;

/// Everyone who takes or took part. An agent who returns is another participant.
#[derive(Debug, Default, Clone)]
pub(crate) struct Participants {
    records: HashMap<String, ParticipantRecord>,
    /// The keys of the records, oldest first.
    order: Vec<String>,
    /// The first medium that a participant had.
    media: Option<Cow<'static, str>>,
    /// Look-ups of the names that the lists of participants lack, by user id.
    lookups: HashMap<String, NameLookup>,
}

/// A participant that was noted.
#[derive(Debug)]
pub(super) struct RecordedParticipant {
    /// The key of the participant.
    pub(super) key: String,
    /// The membership changes that this is.
    pub(super) changes: Vec<TimedEvent>,
}

/// The ids of queues and users that a conversation involves now.
#[derive(Debug, Default)]
pub(super) struct ActiveIds<'a> {
    pub(super) queues: HashSet<&'a str>,
    pub(super) users: HashSet<&'a str>,
}

#[derive(Debug, Clone)]
enum NameLookup {
    InFlight,
    /// A user may have no name.
    Completed(Option<String>),
}

#[derive(Debug, Clone)]
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
    /// Records a participant as a list describes it. With `is_quiet` there are no membership changes.
    pub(super) fn record(&mut self, mut participant: Participant, is_quiet: bool) -> RecordedParticipant {
        self.complete_name(&mut participant);
        self.media = self.media.take().or_else(|| participant.media.clone());
        let key = key(&participant);
        if !self.records.contains_key(&key) {
            if self.order.len() >= MAX_PARTICIPANTS {
                return RecordedParticipant { key, changes: Vec::new() };
            }
            self.order.push(key.clone());
        }
        let before = self.records.get(&key).map_or(Membership::NotJoined, |record| record.reported);
        let now = membership(&participant);
        let changes = if is_quiet { Vec::new() } else { self.changes(&participant, before, now) };
        self.records.insert(key.clone(), ParticipantRecord { participant, reported: before.max(now) });
        RecordedParticipant { key, changes }
    }

    /// Returns the participant with this key.
    pub(super) fn get(&self, key: &str) -> Option<&Participant> {
        self.records.get(key).map(|record| &record.participant)
    }

    /// Returns the ids of agents whose names are unknown and were not looked up.
    pub(super) fn unresolved_users(&self) -> Vec<String> {
        let agents = self.all().filter(|participant| participant.purpose == Purpose::Agent);
        let unnamed = agents.filter(|agent| agent.name.is_none());
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

    /// Returns whether no name is missing that a look-up may tell.
    pub(super) fn are_named(&self) -> bool {
        !self.has_pending_lookups() && self.unresolved_users().is_empty()
    }

    /// Returns whether there were customers and all have left.
    pub(super) fn customer_has_left(&self) -> bool {
        let mut customers = self.all().filter(|participant| participant.purpose.is_customer()).peekable();
        customers.peek().is_some() && customers.all(|customer| customer.presence == Presence::Disconnected)
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

    /// Returns all participants, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Participant> {
        self.order.iter().filter_map(|key| self.get(key))
    }

    /// Returns the surroundings of a message of this participant.
    pub(super) fn message_context(&self, participant: &Participant) -> Option<Arc<EventContext>> {
        self.context(self.media_of(participant), Some(participant), None)
    }

    /// Returns the surroundings of an utterance on a call.
    pub(super) fn call_context(&self, participant: Option<&Participant>) -> Option<Arc<EventContext>> {
        self.context(Some(Cow::Borrowed(Medium::Call.as_str())), participant, None)
    }

    /// Returns the surroundings of the end of the conversation.
    pub(super) fn closed_context(&self) -> Option<Arc<EventContext>> {
        self.context(self.media.clone(), None, None)
    }

    /// Returns the medium of a participant, else of the conversation.
    fn media_of(&self, participant: &Participant) -> Option<Cow<'static, str>> {
        participant.media.clone().or_else(|| self.media.clone())
    }

    fn update_context(&self, participant: &Participant) -> Option<Arc<EventContext>> {
        let is_agent = participant.purpose == Purpose::Agent;
        let agent = is_agent.then(|| Party {
            id: participant.user.as_ref().map(|user| user.id.clone().into()),
            name: name(participant).map(|name| name.to_owned().into()),
        });
        self.context(self.media_of(participant), Some(participant), agent.filter(|agent| *agent != Party::default()))
    }

    fn context(
        &self,
        media: Option<Cow<'static, str>>,
        participant: Option<&Participant>,
        agent: Option<Party<'static>>,
    ) -> Option<Arc<EventContext>> {
        let queue = participant.and_then(|participant| self.queue_party(participant));
        let context = EventContext { media, queue, agent };
        (context != EventContext::default()).then(|| Arc::new(context))
    }

    /// Returns the queue of a participant with its name, which another participant may know.
    fn queue_party(&self, participant: &Participant) -> Option<Party<'static>> {
        let queue = participant.queue.as_ref()?;
        let name = own_queue_name(participant).or_else(|| self.queue_name(&queue.id));
        Some(Party { id: Some(queue.id.clone().into()), name: name.map(|name| name.to_owned().into()) })
    }

    /// Returns the name of a queue, which any participant may know.
    pub(super) fn queue_name(&self, id: &str) -> Option<&str> {
        let has_queue = |participant: &&Participant| participant.queue.as_ref().is_some_and(|queue| queue.id == id);
        self.all().filter(has_queue).find_map(own_queue_name)
    }

    /// Returns the updates of a membership change (EVT-11). A participant joins and leaves once. It may have done both since
    /// the last list.
    fn changes(&self, participant: &Participant, before: Membership, now: Membership) -> Vec<TimedEvent> {
        let has_answered = now != Membership::Left || participant.connected_at.is_some();
        let joined = (before == Membership::NotJoined && now >= Membership::Joined && has_answered)
            .then(|| joined_text(participant));
        let left = (now == Membership::Left && (before == Membership::Joined || joined.is_some()))
            .then(|| left_text(participant));
        let timed = [(participant.connected_at, joined.flatten()), (participant.disconnected_at, left.flatten())];
        let update = |(at, text): (_, Option<String>)| {
            let body = EventBody::Update { description: Some(text?.into()) };
            Some(TimedEvent { at, body, context: self.update_context(participant) })
        };
        if before == now { Vec::new() } else { timed.into_iter().filter_map(update).collect() }
    }

    fn complete_name(&self, participant: &mut Participant) {
        if let Some(user) = participant.user.as_mut().filter(|user| user.name.is_none())
            && let Some(NameLookup::Completed(name)) = self.lookups.get(&user.id)
        {
            user.name.clone_from(name);
        }
    }
}

/// Returns the name of the queue of a participant, as far as the participant tells.
fn own_queue_name(participant: &Participant) -> Option<&str> {
    let name = participant.queue.as_ref()?.name.as_deref();
    name.or_else(|| participant.name.as_deref().filter(|_| participant.purpose == Purpose::Queue))
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

/// Returns the update of a participant who has joined. The API and campaigns are no people to join.
fn joined_text(participant: &Participant) -> Option<String> {
    match participant.purpose {
        Purpose::Queue => Some(waiting_text(participant)),
        Purpose::Automatic | Purpose::Other(_) => None,
        _ => Some(format!("{} joined", display_name(participant))),
    }
}

fn left_text(participant: &Participant) -> Option<String> {
    let name = display_name(participant);
    match participant.purpose {
        Purpose::Queue | Purpose::Automatic | Purpose::Other(_) => None,
        Purpose::Agent if was_transferred(participant) => Some(format!("{name} transferred the conversation")),
        _ => Some(format!("{name} left")),
    }
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
        Purpose::Customer | Purpose::External => Role::Customer.label(),
        Purpose::Bot | Purpose::Automatic => Role::Bot.label(),
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
        let changes = participants.record(participant(value), false).changes;
        let texts: Vec<String> = changes.into_iter().map(|event| text_of(event.body)).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }

    fn text_of(body: EventBody<'static>) -> String {
        match body {
            EventBody::Update { description } => description.expect("a text").into_owned(),
            body => panic!("{body:?}"),
        }
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
            (json!({ "purpose": "external", "state": "connected", "name": "Ada " }), Some("Ada joined")),
            (json!({ "purpose": "ivr", "state": "connected", "name": "Main menu " }), Some("Main menu joined")),
            (json!({ "purpose": "api", "state": "connected", "name": "Sender" }), None),
            (json!({ "purpose": "campaign", "state": "connected", "name": "Spring" }), None),
            (json!({ "purpose": "voicemail", "state": "connected", "name": "Mailbox" }), None),
            (json!({ "purpose": "agent", "endTime": "2026-01-02T03:04:05Z", "name": "Sam" }), None),
            (
                json!({ "purpose": "agent", "name": "Sam", "calls": [{ "state": "terminated", "disconnectType": "transfer.noanswer", "disconnectedTime": "2026-01-02T03:04:05Z" }] }),
                None,
            ),
            (
                json!({ "purpose": "agent", "name": "Sam", "connectedTime": "2026-01-02T03:04:05Z", "endTime": "2026-01-02T03:04:09Z" }),
                Some("Sam joined, Sam left"),
            ),
            (
                json!({ "purpose": "agent", "name": "Sam", "connectedTime": "2026-01-02T03:04:05Z", "endTime": "2026-01-02T03:04:09Z", "disconnectType": "transfer.consult" }),
                Some("Sam joined, Sam transferred the conversation"),
            ),
            (
                json!({ "purpose": "acd", "name": "Billing", "connectedTime": "2026-01-02T03:04:05Z", "endTime": "2026-01-02T03:04:09Z" }),
                Some("waiting in the queue Billing"),
            ),
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
        assert_eq!((quiet.key.as_str(), quiet.changes.len()), ("p3", 0));
        assert_eq!(record(&mut participants, &sam("p3", "connected", "")), None, "the quiet join counts");
    }

    #[test]
    fn a_bounded_number_of_participants_is_kept() {
        let mut participants = Participants::default();
        for number in 0..MAX_PARTICIPANTS + 5 {
            record(&mut participants, &json!({ "id": number, "purpose": "agent", "state": "connected" }));
        }
        let late = participants.record(participant(&json!({ "id": "late", "state": "connected" })), false);
        assert_eq!((late.key.as_str(), late.changes.len()), ("late", 0));
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
}
