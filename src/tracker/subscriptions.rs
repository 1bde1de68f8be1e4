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
mod tests;
