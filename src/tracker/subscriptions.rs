//! The topics of the notification channel: wanted, subscribed and refused (NTF-2, NTF-10).

use std::collections::HashSet;

use super::MAX_TOPICS;
use super::conversation::Conversation;
use super::protocol::Subscribed;
use super::warning::{TopicKind, Warning};
use crate::config::Targets;
use crate::decision::RefusalRow;
use crate::wire::channel::{SubscribeMode, TopicState};

/// The maximum number of different refusals that are reported. Their texts are the service's, in any number.
const MAX_REPORTED_REFUSALS: usize = 100;

/// Detail events that announce a participant or an end before the lists of messages do.
const DETAIL_EVENTS: [&str; 4] = ["acd.start", "user.start", "user.end", "customer.end"];

/// The beginning of the topics of detail events.
const DETAIL_TOPIC: &str = "v2.detail.events.conversation.";

/// The permission for a kind of topic.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Permission {
    /// No topic was refused.
    #[default]
    Assumed,
    Denied,
}

/// The topics of the channel.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// A conversation may have agents or queues that are not subscribed yet.
    needs_update: bool,
    request_in_flight: bool,
    subscribed: HashSet<String>,
    refused: HashSet<String>,
    reported: HashSet<String>,
    has_reported_overflow: bool,
    transcriptions: Permission,
    renewal_refusals: RefusalRow,
}

impl Subscriptions {
    /// Records that the participants of a conversation may have changed.
    pub(super) fn mark_stale(&mut self) {
        self.needs_update = true;
    }

    /// Records that no wanted topic is missing.
    pub(super) fn mark_complete(&mut self) {
        self.needs_update = false;
    }

    /// Returns whether topics may be missing.
    pub(super) fn needs_update(&self) -> bool {
        self.needs_update
    }

    /// Returns whether a subscription was requested and not answered yet.
    pub(super) fn request_in_flight(&self) -> bool {
        self.request_in_flight
    }

    /// Records that a subscription was requested, or answered.
    pub(super) fn set_request_in_flight(&mut self, in_flight: bool) {
        self.request_in_flight = in_flight;
    }

    /// Returns the refused renewals in a row.
    pub(super) fn renewal_refusals(&mut self) -> &mut RefusalRow {
        &mut self.renewal_refusals
    }

    /// Forgets everything about the previous channel. A new one may have topics that the previous one had not.
    pub(super) fn reset(&mut self) {
        self.needs_update = true;
        self.subscribed.clear();
        self.refused.clear();
        self.transcriptions = Permission::Assumed;
    }

    /// Returns whether the transcriptions of calls are not permitted (TGT-11).
    pub(super) fn denies_transcriptions(&self) -> bool {
        self.transcriptions == Permission::Denied
    }

    /// Returns whether one of these topics announces what is written or said in this conversation.
    pub(super) fn concern(topics: &HashSet<&str>, conversation: &Conversation, targets: &Targets) -> bool {
        let mut announced = of_participants(conversation).chain(of_call(conversation, targets));
        announced.any(|topic| topics.contains(topic.as_str()))
    }

    /// Returns all topics for these targets and conversations, the most important first: what announces conversations, calls,
    /// which cannot be polled, what announces messages, and the detail events.
    ///
    /// The topic of a followed queue announces what its agents write: a thousand conversations need no topic of an agent.
    pub(super) fn wanted<'a>(
        &self,
        targets: &Targets,
        conversations: impl Iterator<Item = &'a Conversation>,
    ) -> Vec<String> {
        let mut topics: Vec<String> = of_targets(targets).collect();
        let (mut of_messages, mut details) = (Vec::new(), Vec::new());
        for conversation in conversations.filter(|conversation| !conversation.is_ending()) {
            topics.extend(of_call(conversation, targets));
            if !self.announce(conversation, targets) {
                of_messages.extend(of_participants(conversation));
            }
            if !conversation.is_streamed() {
                details.extend(DETAIL_EVENTS.map(|event| format!("{DETAIL_TOPIC}{}.{event}", conversation.id())));
            }
        }
        topics.append(&mut of_messages);
        topics.append(&mut details);
        let mut seen = HashSet::new();
        topics.retain(|topic| seen.insert(topic.clone()));
        topics
    }

    /// Returns whether the topics of followed queues announce the messages of this conversation: it is in no other queue.
    fn announce(&self, conversation: &Conversation, targets: &Targets) -> bool {
        let queues = conversation.participants().active_queues_and_users().queues;
        let is_announced = |queue: &&str| {
            targets.media.messages
                && targets.queues.iter().any(|target| target == queue)
                && self.subscribed.contains(&queue_topic(queue))
        };
        !queues.is_empty() && queues.iter().all(is_announced)
    }

    /// Returns the next change of the subscriptions, if topics are missing, and a warning if not all find room.
    ///
    /// In a full channel, topics that are no longer wanted, and detail events, give way.
    pub(super) fn next_change(
        &mut self,
        wanted: Vec<String>,
    ) -> (Option<(SubscribeMode, Vec<String>)>, Option<Warning>) {
        let is_missing = |topic: &&String| !self.subscribed.contains(*topic) && !self.refused.contains(*topic);
        let mut missing: Vec<String> = wanted.iter().filter(is_missing).cloned().collect();
        let capacity = MAX_TOPICS.saturating_sub(self.subscribed.len());
        if missing.len() <= capacity {
            return ((!missing.is_empty()).then_some((SubscribeMode::Add, missing)), None);
        }
        let wanted_count = wanted.iter().filter(|topic| !self.refused.contains(*topic)).count();
        let overflows = wanted_count > MAX_TOPICS && !std::mem::replace(&mut self.has_reported_overflow, true);
        let still_wanted = wanted.iter().filter(|topic| self.subscribed.contains(*topic)).count();
        let best = self.all(wanted);
        let is_urgent = |topic: &String| !topic.starts_with(DETAIL_TOPIC) && !self.subscribed.contains(topic);
        let replaces = still_wanted < self.subscribed.len() || (capacity == 0 && best.iter().any(is_urgent));
        missing.truncate(capacity);
        let change = match (replaces, missing.is_empty()) {
            (true, _) => Some((SubscribeMode::Replace, best)),
            (false, false) => Some((SubscribeMode::Add, missing)),
            (false, true) => None,
        };
        (change, overflows.then_some(Warning::TooManyTopics))
    }

    /// Returns the wanted topics that are not refused, as far as a channel has capacity.
    pub(super) fn all(&self, mut wanted: Vec<String>) -> Vec<String> {
        wanted.retain(|topic| !self.refused.contains(topic));
        wanted.truncate(MAX_TOPICS);
        wanted
    }

    /// Records the answer to a subscription and returns its new refusals. With `replaces`, topics that were not requested
    /// are no longer subscribed.
    pub(super) fn on_subscribed(
        &mut self,
        requested_topics: &[String],
        answer: &Subscribed,
        replaces: bool,
        targets: &Targets,
    ) -> Vec<Warning> {
        self.renewal_refusals.reset();
        if replaces {
            self.subscribed.clear();
        }
        let refused: Vec<&TopicState> = answer.states.iter().filter(|state| !state.is_permitted).collect();
        for topic in requested_topics {
            if refused.iter().any(|state| state.id.eq_ignore_ascii_case(topic)) {
                self.refused.insert(topic.clone());
            } else {
                self.subscribed.insert(topic.clone());
            }
        }
        let refusals: Vec<Refusal> = refused.into_iter().map(|state| Refusal::of(state, targets)).collect();
        refusals.iter().filter_map(|refusal| self.report(refusal, &refusals)).collect()
    }

    /// Records that the service refused a subscription as a whole.
    pub(super) fn on_refused(&mut self, requested_topics: &[String], reason: &str) -> Option<Warning> {
        self.refused.extend(requested_topics.iter().cloned());
        self.is_new(reason.to_owned()).then(|| Warning::SubscriptionRefused(reason.to_owned()))
    }

    /// Returns whether notifications announce the messages of this conversation.
    pub(super) fn covers(&self, targets: &Targets, conversation: &Conversation) -> bool {
        // Those of calls tell of no message.
        let of_targets = of_targets(targets).filter(|topic| topic.ends_with(".messages"));
        let mut topics = of_participants(conversation).chain(of_targets).chain(of_call(conversation, targets));
        topics.any(|topic| self.subscribed.contains(&topic))
    }

    /// Returns whether notifications announce new conversations of all targets.
    pub(super) fn cover_targets(&self, targets: &Targets) -> bool {
        !of_targets(targets).any(|topic| self.refused.contains(&topic))
    }

    /// Returns whether the topics of all targets are subscribed.
    pub(super) fn has_targets(&self, targets: &Targets) -> bool {
        of_targets(targets).all(|topic| self.subscribed.contains(&topic))
    }

    /// Returns whether a topic of a target is among these, and is subscribed.
    pub(super) fn include_targets(&self, topics: &[String], targets: &Targets) -> bool {
        of_targets(targets).any(|topic| topics.contains(&topic) && self.subscribed.contains(&topic))
    }

    fn is_new(&mut self, refusal: String) -> bool {
        self.reported.len() < MAX_REPORTED_REFUSALS && self.reported.insert(refusal)
    }

    /// Returns the warning about a refusal, unless there was one. One is enough for both media of a target.
    fn report(
        &mut self,
        Refusal { topic, kind, reason, lacks_permission }: &Refusal,
        all: &[Refusal],
    ) -> Option<Warning> {
        if *kind == TopicKind::CallTranscription && *lacks_permission {
            self.transcriptions = Permission::Denied;
        }
        let is_refused =
            |kind: Option<TopicKind>| all.iter().any(|one| Some(one.kind) == kind && one.reason == *reason);
        let kind = match kind.of_both() {
            Some(both) if is_refused(kind.of_other()) => both,
            _ => *kind,
        };
        let warning = || Warning::TopicRefused { topic: topic.clone(), kind, reason: reason.clone() };
        self.is_new(format!("{kind:?} {reason}")).then(warning)
    }
}

/// The refusal of a topic.
struct Refusal {
    topic: String,
    kind: TopicKind,
    reason: String,
    lacks_permission: bool,
}

impl Refusal {
    fn of(state: &TopicState, targets: &Targets) -> Self {
        let is_target = of_targets(targets).any(|topic| topic.eq_ignore_ascii_case(&state.id));
        let reason = match state.missing_permissions.as_slice() {
            [] => state.rejection_reason.clone().unwrap_or_else(|| "no reason given".to_owned()),
            missing => format!("missing permission {}", missing.join(", ")),
        };
        let (kind, lacks_permission) = (TopicKind::of(&state.id, is_target), !state.missing_permissions.is_empty());
        Self { topic: state.id.clone(), kind, reason, lacks_permission }
    }
}

fn of_participants(conversation: &Conversation) -> impl Iterator<Item = String> + use<> {
    let active = conversation.participants().active_queues_and_users();
    // An event stream may tell of thousands of conversations, in few queues. Its calls have no messages to announce.
    let needs_users = !conversation.is_streamed() || active.queues.is_empty();
    let users = active.users.into_iter().filter(|_| needs_users).map(user_topic);
    let mut topics: Vec<String> = active.queues.into_iter().map(queue_topic).chain(users).collect();
    topics.retain(|_| !conversation.is_streamed_call());
    topics.sort_unstable();
    topics.into_iter()
}

/// Returns the topic of the transcription. Of queues and users, calls are followed only if that is wanted; those of an event
/// stream come with it.
fn of_call(conversation: &Conversation, targets: &Targets) -> impl Iterator<Item = String> + use<> {
    let is_wanted = targets.media.calls || !conversation.is_of_target();
    let is_followed = conversation.has_calls() && is_wanted && !conversation.is_streamed();
    let topic = || format!("v2.conversations.{}.transcription", conversation.id());
    is_followed.then(topic).into_iter()
}

fn of_targets(targets: &Targets) -> impl Iterator<Item = String> {
    let queues = targets.queues.iter().map(|id| format!("v2.routing.queues.{id}.conversations."));
    let users = targets.users.iter().map(|id| format!("v2.users.{id}.conversations."));
    let media = [("messages", targets.media.messages), ("calls", targets.media.calls)];
    let topics = move |start: String| {
        media.into_iter().filter(|(_, is_followed)| *is_followed).map(move |(media, _)| format!("{start}{media}"))
    };
    queues.chain(users).flat_map(topics)
}

fn queue_topic(id: &str) -> String {
    format!("v2.routing.queues.{id}.conversations.messages")
}

fn user_topic(id: &str) -> String {
    format!("v2.users.{id}.conversations.messages")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tracker::protocol::{BackfillReason, Now};
    use crate::tracker::{ConversationStart, Mode, SnapshotKind};
    use crate::wire::conversation::Snapshot;

    /// A conversation with this many connected agents.
    fn conversation(id: &str, agents: usize) -> Conversation {
        let agent =
            |number| json!({ "id": number, "purpose": "agent", "state": "connected", "userId": format!("u{number}") });
        let participants: Vec<Value> = (0..agents).map(agent).collect();
        let start = ConversationStart { not_before: None, reason: BackfillReason::Startup };
        let mut conversation = Conversation::new(id.into(), Mode::Full, start, Now::read());
        let snapshot = Snapshot::from_value(&json!({ "id": id, "participants": participants }));
        conversation.apply_snapshot(snapshot, SnapshotKind::Complete, Now::read(), |_, _, _| false);
        conversation
    }

    fn wanted_of(conversation: &Conversation) -> Vec<String> {
        Subscriptions::default().wanted(&Targets::default(), std::iter::once(conversation))
    }

    fn refusal(id: &str, missing: &[&str]) -> Subscribed {
        let missing = missing.iter().map(|&name| name.to_owned()).collect();
        let state =
            TopicState { id: id.to_owned(), is_permitted: false, rejection_reason: None, missing_permissions: missing };
        Subscribed { states: vec![state], token_renew_at: None }
    }

    #[test]
    fn topics_that_announce_messages_precede_detail_events() {
        let conversations = [conversation("c1", 1), conversation("c2", 2)];
        let targets = Targets { queues: vec!["q".into()], users: vec!["u".into()], ..Targets::default() };
        let topics = Subscriptions::default().wanted(&targets, conversations.iter());
        let expected = [
            "v2.routing.queues.q.conversations.messages",
            "v2.routing.queues.q.conversations.calls",
            "v2.users.u.conversations.messages",
            "v2.users.u.conversations.calls",
            "v2.users.u0.",
            "v2.users.u1.",
            "v2.detail.events.conversation.c1.",
        ];
        assert_eq!(topics.len(), 6 + 2 * DETAIL_EVENTS.len(), "each once");
        for (topic, start) in topics.iter().zip(expected) {
            assert!(topic.starts_with(start), "{topic}");
        }
    }

    /// A conversation in this queue, with an agent.
    fn in_queue(id: &str, queue: &str) -> Conversation {
        let start = ConversationStart { not_before: None, reason: BackfillReason::Startup };
        let mut conversation = Conversation::new(id.into(), Mode::Full, start, Now::read());
        let agent = json!({ "id": "p", "purpose": "agent", "state": "connected", "userId": id, "queueId": queue });
        let snapshot = Snapshot::from_value(&json!({ "id": id, "participants": [agent] }));
        conversation.apply_snapshot(snapshot, SnapshotKind::Complete, Now::read(), |_, _, _| false);
        conversation
    }

    #[test]
    fn the_agents_of_a_followed_queue_need_no_topics_once_the_queue_has_one() {
        let mut subscriptions = Subscriptions::default();
        let targets = Targets { queues: vec!["q".into()], ..Targets::default() };
        let conversations = [in_queue("c1", "q"), in_queue("c2", "other")];
        let users = |subscriptions: &Subscriptions, targets: &Targets| -> Vec<String> {
            let topics = subscriptions.wanted(targets, conversations.iter());
            topics.into_iter().filter(|topic| topic.starts_with("v2.users.")).collect()
        };
        let [of_c1, of_c2] = ["c1", "c2"].map(user_topic);
        assert_eq!(users(&subscriptions, &targets), [of_c1.clone(), of_c2.clone()], "the queue may be refused");
        subscriptions.on_subscribed(&[queue_topic("q")], &Subscribed::default(), false, &targets);
        assert_eq!(users(&subscriptions, &targets), std::slice::from_ref(&of_c2), "the other one was transferred away");
        assert_eq!(users(&subscriptions, &Targets::default()), [of_c1, of_c2], "the queue is not followed");
    }

    #[test]
    fn a_channel_has_at_most_a_thousand_topics_and_the_overflow_is_reported_once() {
        let mut subscriptions = Subscriptions::default();
        let wanted = wanted_of(&conversation("c1", 1500));
        let added = |(change, warning): (Option<(SubscribeMode, Vec<String>)>, _)| match change {
            Some((SubscribeMode::Add, topics)) => (topics, warning),
            change => panic!("{change:?}"),
        };
        let (first, warning) = added(subscriptions.next_change(wanted.clone()));
        assert_eq!((first.len(), warning), (MAX_TOPICS, Some(Warning::TooManyTopics)));
        subscriptions.on_subscribed(&first[..900], &Subscribed::default(), false, &Targets::default());
        let (next, warning) = added(subscriptions.next_change(wanted.clone()));
        assert_eq!((next.len(), warning), (100, None));
        subscriptions.on_subscribed(&first[900..], &Subscribed::default(), false, &Targets::default());
        assert_eq!(subscriptions.next_change(wanted.clone()), (None, None));
        assert_eq!(subscriptions.all(wanted).len(), MAX_TOPICS);
    }

    /// NTF-10.
    #[test]
    fn in_a_full_channel_ended_conversations_and_detail_events_give_way_to_calls() {
        let topics = |start: &str, count: usize| -> Vec<String> { (0..count).map(|n| format!("{start}{n}")).collect() };
        let (call, details) = ("v2.conversations.new.transcription".to_owned(), topics(DETAIL_TOPIC, MAX_TOPICS));
        let full = || {
            let mut subscriptions = Subscriptions::default();
            subscriptions.on_subscribed(&details, &Subscribed::default(), false, &Targets::default());
            subscriptions
        };
        let of_ended = [std::slice::from_ref(&call), &details[..MAX_TOPICS - 1]].concat();
        let replaced = (Some((SubscribeMode::Replace, of_ended.clone())), None);
        assert_eq!(full().next_change(of_ended.clone()), replaced, "one topic is no longer wanted");
        let all = [&[call], &details[..]].concat();
        let replaced = (Some((SubscribeMode::Replace, of_ended)), Some(Warning::TooManyTopics));
        assert_eq!(full().next_change(all), replaced, "the last detail event gives way");
        let more_details = [&details[..], &["v2.detail.events.conversation.more".to_owned()]].concat();
        assert_eq!(full().next_change(more_details), (None, Some(Warning::TooManyTopics)));
    }

    #[test]
    fn a_bounded_number_of_different_refusals_is_reported() {
        let mut subscriptions = Subscriptions::default();
        let reported = (0..2 * MAX_REPORTED_REFUSALS).filter(|number| subscriptions.is_new(number.to_string())).count();
        assert_eq!((reported, subscriptions.reported.len()), (MAX_REPORTED_REFUSALS, MAX_REPORTED_REFUSALS));
    }

    #[test]
    fn a_refused_topic_is_not_requested_again_on_the_same_channel() {
        let (mut subscriptions, conversation) = (Subscriptions::default(), conversation("c1", 1));
        let wanted = wanted_of(&conversation);
        assert!(!subscriptions.covers(&Targets::default(), &conversation));
        let answer = refusal(&wanted[0].to_uppercase(), &["routing:queue:view"]);
        assert_eq!(subscriptions.on_subscribed(&wanted, &answer, false, &Targets::default()).len(), 1);
        assert!(!subscriptions.covers(&Targets::default(), &conversation), "only detail events are permitted");
        assert_eq!(subscriptions.next_change(wanted.clone()), (None, None));
        assert_eq!(subscriptions.all(wanted.clone()).len(), wanted.len() - 1);
        subscriptions.reset();
        assert_eq!(subscriptions.next_change(wanted.clone()).0, Some((SubscribeMode::Add, wanted)));
    }

    #[test]
    fn a_replacing_subscription_ends_the_topics_that_it_does_not_name() {
        let (mut subscriptions, conversation) = (Subscriptions::default(), conversation("c1", 1));
        let wanted = wanted_of(&conversation);
        subscriptions.on_subscribed(&wanted, &Subscribed::default(), false, &Targets::default());
        assert!(subscriptions.covers(&Targets::default(), &conversation));
        subscriptions.on_subscribed(&wanted[1..], &Subscribed::default(), true, &Targets::default());
        assert!(!subscriptions.covers(&Targets::default(), &conversation));
        assert_eq!(subscriptions.on_refused(&wanted, "no"), Some(Warning::SubscriptionRefused("no".into())));
        assert_eq!(subscriptions.next_change(wanted), (None, None));
    }
}
