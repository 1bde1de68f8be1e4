//! What a channel listens to, and what it may not.

use std::collections::HashSet;

use super::conversation::Conversation;
use crate::config::Targets;
use crate::wire::channel::TopicState;

/// Topics on one channel; the service refuses more.
const MOST: usize = 1000;

/// Different refusals that are told. Their words are the service's, and need not come to an end.
const MOST_WARNINGS: usize = 100;

/// Events that tell of somebody new, or of an end, before the lists of messages do.
const DETAILS: [&str; 4] = ["acd.start", "user.start", "user.end", "customer.end"];

/// The topics of the channel.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// Whether an answer about some of them is awaited.
    pub(super) are_asked_for: bool,
    /// Whether a conversation may have agents or queues that the channel does not listen to yet.
    pub(super) are_stale: bool,
    subscribed: HashSet<String>,
    refused: HashSet<String>,
    /// What was said about refusals, so that it is said once.
    warned: HashSet<String>,
    crowded: bool,
}

impl Subscriptions {
    /// A new channel listens to nothing yet, and may be permitted what another was not.
    pub(super) fn start_over(&mut self) {
        self.are_stale = true;
        self.subscribed.clear();
        self.refused.clear();
    }

    /// What it should listen to besides what it does.
    pub(super) fn missing<'a>(
        &mut self,
        groups: &Targets,
        watches: impl Iterator<Item = &'a Conversation>,
    ) -> Vec<String> {
        let mut missing = wanted(groups, watches);
        missing.retain(|topic| !self.subscribed.contains(topic) && !self.refused.contains(topic));
        let room = MOST.saturating_sub(self.subscribed.len());
        if missing.len() > room && !std::mem::replace(&mut self.crowded, true) {
            tracing::warn!(
                "a channel holds {MOST} topics and these conversations have more; the rest is looked at from time to time"
            );
        }
        missing.truncate(room);
        missing
    }

    /// Everything it should listen to, when that is to be said anew.
    pub(super) fn all<'a>(&self, groups: &Targets, watches: impl Iterator<Item = &'a Conversation>) -> Vec<String> {
        let mut all = wanted(groups, watches);
        all.retain(|topic| !self.refused.contains(topic));
        all.truncate(MOST);
        all
    }

    /// Takes what became of topics that were asked for; with `replaced`, of all there are.
    pub(super) fn note(&mut self, asked: &[String], states: &[TopicState], replaced: bool) {
        if replaced {
            self.subscribed.clear();
        }
        let refused: Vec<&TopicState> = states.iter().filter(|state| !state.is_permitted).collect();
        let is = |state: &TopicState, topic: &str| state.id.eq_ignore_ascii_case(topic);
        for topic in asked {
            if refused.iter().any(|state| is(state, topic)) {
                self.refused.insert(topic.clone());
            } else {
                self.subscribed.insert(topic.clone());
            }
        }
        for state in refused {
            self.warn(state);
        }
    }

    /// None of these may be listened to, as the service says.
    pub(super) fn refuse(&mut self, asked: &[String], reason: &str) {
        self.refused.extend(asked.iter().cloned());
        if self.is_new(reason.to_owned()) {
            tracing::warn!(
                "some events cannot be subscribed: {reason}; the conversation is looked at from time to time"
            );
        }
    }

    /// Whether messages of this conversation are announced: some topic about its agents or queues is permitted.
    pub(super) fn announce(&self, groups: &Targets, watch: &Conversation) -> bool {
        let mut topics = messages(watch).chain(of_groups(groups)).chain(of_call(watch));
        topics.any(|topic| self.subscribed.contains(&topic))
    }

    fn is_new(&mut self, warning: String) -> bool {
        self.warned.len() < MOST_WARNINGS && self.warned.insert(warning)
    }

    fn warn(&mut self, state: &TopicState) {
        let kind = kind(&state.id);
        let why = match state.missing_permissions.as_slice() {
            [] => state.rejection_reason.clone().unwrap_or_else(|| "no reason is given".to_owned()),
            missing => format!("the OAuth client lacks the permission {}", missing.join(", ")),
        };
        if self.is_new(format!("{kind} {why}")) {
            tracing::warn!(
                topic = state.id,
                "events of {kind} cannot be subscribed: {why}; the conversation is looked at from time to time"
            );
        }
    }
}

/// The most important first: what brings messages, then what only hints.
fn wanted<'a>(groups: &Targets, watches: impl Iterator<Item = &'a Conversation>) -> Vec<String> {
    let mut seen = HashSet::new();
    let (mut first, mut then): (Vec<_>, Vec<_>) = (of_groups(groups).collect(), Vec::new());
    for watch in watches.filter(|watch| !watch.is_ending()) {
        first.extend(messages(watch).chain(of_call(watch)));
        let detail = |event| format!("v2.detail.events.conversation.{}.{event}", watch.id);
        then.extend(DETAILS.into_iter().map(detail));
    }
    first.append(&mut then);
    first.retain(|topic| seen.insert(topic.clone()));
    first
}

fn messages(watch: &Conversation) -> impl Iterator<Item = String> + use<> {
    let (queues, users) = watch.people.places();
    let mut topics: Vec<String> = queues.into_iter().map(queue).chain(users.into_iter().map(user)).collect();
    topics.sort_unstable();
    topics.into_iter()
}

fn of_call(watch: &Conversation) -> impl Iterator<Item = String> + use<> {
    watch.has_calls().then(|| format!("v2.conversations.{}.transcription", watch.id)).into_iter()
}

fn of_groups(groups: &Targets) -> impl Iterator<Item = String> {
    let queues = groups.queues.iter().map(|id| queue(id));
    queues.chain(groups.users.iter().map(|id| user(id)))
}

fn queue(id: &str) -> String {
    format!("v2.routing.queues.{id}.conversations.messages")
}

fn user(id: &str) -> String {
    format!("v2.users.{id}.conversations.messages")
}

/// A topic without its id, in words.
fn kind(topic: &str) -> &'static str {
    let topic = topic.to_ascii_lowercase();
    let starts = |start| topic.starts_with(start);
    if starts("v2.routing.queues.") {
        "queues"
    } else if starts("v2.users.") {
        "agents"
    } else if topic.ends_with(".transcription") {
        "the transcription of calls"
    } else {
        "joins and leaves"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::source::BackfillReason;
    use crate::tracker::Mode;
    use crate::wire::conversation::Snapshot;

    /// A conversation with this many agents, of whom none is gone.
    fn watch(id: &str, agents: usize) -> Conversation {
        let agent =
            |number| json!({ "id": number, "purpose": "agent", "state": "connected", "userId": format!("u{number}") });
        let people: Vec<Value> = (0..agents).map(agent).collect();
        let mut watch = Conversation::new(id.into(), Mode::Full, None, BackfillReason::Startup);
        watch.see(Snapshot::from_value(&json!({ "id": id, "participants": people })), true, |_, _| false);
        watch
    }

    fn groups() -> Targets {
        Targets { queues: vec!["q".into()], users: vec!["u".into()] }
    }

    fn state(id: &str, missing: &[&str]) -> TopicState {
        let missing = missing.iter().map(|&name| name.to_owned()).collect();
        TopicState { id: id.to_owned(), is_permitted: false, rejection_reason: None, missing_permissions: missing }
    }

    #[test]
    fn what_brings_messages_comes_first_and_what_hints_after_it() {
        let watches = [watch("c1", 1), watch("c2", 2)];
        let missing = Subscriptions::default().missing(&groups(), watches.iter());
        let wanted = [
            "v2.routing.queues.q.",
            "v2.users.u.",
            "v2.users.u0.",
            "v2.users.u1.",
            "v2.detail.events.conversation.c1.",
        ];
        assert_eq!(missing.len(), 4 + 2 * DETAILS.len(), "each once");
        for (topic, start) in missing.iter().zip(wanted) {
            assert!(topic.starts_with(start), "{topic}");
        }
    }

    #[test]
    fn a_channel_holds_a_thousand() {
        let mut topics = Subscriptions::default();
        let many = watch("c1", 1500);
        let first = topics.missing(&Targets::default(), std::iter::once(&many));
        assert_eq!(first.len(), MOST);
        topics.note(&first[..900], &[], false);
        assert_eq!(topics.missing(&Targets::default(), std::iter::once(&many)).len(), 100);
        topics.note(&first[900..], &[], false);
        assert!(topics.missing(&Targets::default(), std::iter::once(&many)).is_empty());
        assert_eq!(topics.all(&Targets::default(), std::iter::once(&many)).len(), MOST);
    }

    #[test]
    fn refusals_without_end_are_not_all_told() {
        let mut topics = Subscriptions::default();
        let told = (0..2 * MOST_WARNINGS).filter(|number| topics.is_new(number.to_string())).count();
        assert_eq!((told, topics.warned.len()), (MOST_WARNINGS, MOST_WARNINGS));
    }

    #[test]
    fn what_is_refused_is_not_asked_for_again_on_this_channel() {
        let (mut topics, watch) = (Subscriptions::default(), watch("c1", 1));
        let missing = topics.missing(&Targets::default(), std::iter::once(&watch));
        assert!(!topics.announce(&Targets::default(), &watch));
        topics.note(&missing, &[state(&missing[0].to_uppercase(), &["routing:queue:view"])], false);
        assert!(!topics.announce(&Targets::default(), &watch), "only hints were permitted");
        assert!(topics.missing(&Targets::default(), std::iter::once(&watch)).is_empty());
        assert_eq!(topics.all(&Targets::default(), std::iter::once(&watch)).len(), missing.len() - 1);
        topics.start_over();
        assert_eq!(topics.missing(&Targets::default(), std::iter::once(&watch)), missing);
        topics.note(&missing, &[], false);
        assert!(topics.announce(&Targets::default(), &watch));
        topics.note(&missing[1..], &[], true);
        assert!(!topics.announce(&Targets::default(), &watch), "what is not named again is gone");
        topics.refuse(&missing, "no");
        assert!(topics.missing(&Targets::default(), std::iter::once(&watch)).is_empty());
    }
}
