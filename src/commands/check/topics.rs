//! The notification topics: which the API offers, which permissions they require, and whether they can be subscribed.

use std::collections::BTreeSet;
use std::io;

use super::CheckContext;
use super::messages;
use super::permissions::ProbedConversation;
use super::report::{CheckResult, Report};
use crate::api::calls;
use crate::api::hints::{ASK_PERMISSION, GRANT_PERMISSION};
use crate::config::Targets;
use crate::wire::channel::{AvailableTopic, Channel, SubscribeMode, TopicState};

/// The maximum number of topics per kind to subscribe: enough to see whether they are permitted.
const MAX_PROBED: usize = 100;

/// The consequence of missing message topics.
const SLOWER: &str =
    "messages are then polled every 15 to 30 s, and --queue and --user find new conversations within 60 s";

/// The remedy for topics that the API does not know.
const CHECK_API: &str = "check --region and --api-url";

/// A kind of topic that a tail subscribes.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    /// Topic names, with `{id}` in place of an id.
    patterns: &'static [&'static str],
    /// The reason why there is no topic of this kind to subscribe.
    lack: &'static str,
    /// The consequence for a tail without these topics.
    without: &'static str,
}

const QUEUES: Kind = Kind {
    name: "queue messages",
    patterns: &["v2.routing.queues.{id}.conversations.messages"],
    lack: "no queue yet",
    without: SLOWER,
};

const AGENTS: Kind = Kind {
    name: "agent messages",
    patterns: &["v2.users.{id}.conversations.messages"],
    lack: "no agent yet",
    without: SLOWER,
};

/// The consequence of missing topics for the calls of a queue or user to follow.
const LATER_CALLS: &str = "--queue and --user then find new calls within 60 s";

const QUEUE_CALLS: Kind = Kind {
    name: "queue calls",
    patterns: &["v2.routing.queues.{id}.conversations.calls"],
    lack: "no queue yet",
    without: LATER_CALLS,
};

const AGENT_CALLS: Kind = Kind {
    name: "agent calls",
    patterns: &["v2.users.{id}.conversations.calls"],
    lack: "no agent yet",
    without: LATER_CALLS,
};

const CHANGES: Kind = Kind {
    name: "joins and leaves",
    patterns: &[
        "v2.detail.events.conversation.{id}.acd.start",
        "v2.detail.events.conversation.{id}.user.start",
        "v2.detail.events.conversation.{id}.user.end",
        "v2.detail.events.conversation.{id}.customer.end",
    ],
    lack: "no conversation yet",
    without: "joins and leaves are then printed some seconds later",
};

const CALLS: Kind = Kind {
    name: "calls",
    patterns: &["v2.conversations.{id}.transcription"],
    lack: "no call yet",
    without: "calls are then not printed",
};

/// The topics of a kind that a tail would subscribe.
struct WantedTopics {
    kind: Kind,
    topics: Vec<String>,
}

/// Subscribes the topics of the conversations, queues and users, and prints a line about each kind.
pub(super) async fn check(
    context: &CheckContext<'_>,
    conversations: &[ProbedConversation],
    targets: &Targets,
    channel: Option<&Channel>,
    report: &mut Report<'_>,
) -> io::Result<()> {
    let available = calls::available_topics(&context.rest).await;
    if let Err(error) = &available {
        let message = format!("topics: the list of topics is not available: {error}");
        report.print(&CheckResult::warn(message, messages::remedy(error)))?;
    }
    let kinds = wanted_topics(conversations, targets);
    let topics: Vec<String> = kinds.iter().flat_map(|wanted| wanted.topics.iter().cloned()).collect();
    let states = match channel.filter(|_| !topics.is_empty()) {
        Some(channel) => calls::subscribe(&context.rest, &channel.id, SubscribeMode::Add, &topics).await.map(Some),
        None => Ok(None),
    };
    if let Err(error) = &states {
        let message = format!("topics: subscription failed: {error}; {SLOWER}");
        report.print(&CheckResult::warn(message, messages::remedy(error)))?;
    }
    let (available, states) = (available.ok(), states.ok().flatten());
    let results = kinds.iter().filter_map(|wanted| result(wanted, available.as_deref(), states.as_deref()));
    results.into_iter().try_for_each(|result| report.print(&result))
}

fn wanted_topics(conversations: &[ProbedConversation], targets: &Targets) -> Vec<WantedTopics> {
    // Only those of queues and users to follow announce calls.
    let (queue_calls, agent_calls) = (as_set(&targets.queues), as_set(&targets.users));
    let (mut queues, mut users) = (as_set(&targets.queues), as_set(&targets.users));
    let (mut known, mut calls) = (BTreeSet::new(), BTreeSet::new());
    for ProbedConversation { id, snapshot } in conversations {
        let Ok(snapshot) = snapshot else { continue };
        known.insert(id.as_str());
        calls.extend(snapshot.has_calls.then_some(id.as_str()));
        for participant in &snapshot.participants {
            queues.extend(participant.queue.as_ref().map(|queue| queue.id.as_str()));
            users.extend(participant.user.as_ref().map(|user| user.id.as_str()));
        }
    }
    let of_targets = [(QUEUE_CALLS, queue_calls), (AGENT_CALLS, agent_calls)];
    let of_targets = of_targets.into_iter().filter(|(_, ids)| !ids.is_empty());
    let of_messages = [(QUEUES, queues), (AGENTS, users)].into_iter();
    let kinds = of_messages.chain(of_targets).chain([(CHANGES, known), (CALLS, calls)]);
    let wanted = kinds.map(|(kind, ids)| {
        let topics = ids.iter().flat_map(|id| kind.patterns.iter().map(|pattern| pattern.replace("{id}", id)));
        let topics = topics.take(MAX_PROBED).collect();
        WantedTopics { kind, topics }
    });
    wanted.collect()
}

fn as_set(ids: &[String]) -> BTreeSet<&str> {
    ids.iter().map(String::as_str).collect()
}

/// Returns the result for a kind; `None` if nothing about it is known. `available` and `states` are `None` if their requests
/// failed or were not sent.
fn result(
    WantedTopics { kind, topics }: &WantedTopics,
    available: Option<&[AvailableTopic]>,
    states: Option<&[TopicState]>,
) -> Option<CheckResult> {
    let name = kind.name;
    let permissions = available.map_or_else(Vec::new, |available| required_permissions(kind, available));
    let is_of_kind = |state: &&TopicState| topics.iter().any(|topic| topic.eq_ignore_ascii_case(&state.id));
    let rejected: Vec<&TopicState> =
        states.unwrap_or_default().iter().filter(is_of_kind).filter(|state| !state.is_permitted).collect();
    if let Some(first) = rejected.first() {
        let (number, all, reason) = (rejected.len(), topics.len(), rejection_reason(first, &permissions));
        let message = format!("topics for {name}: {number} of {all} rejected: {reason}; {}", kind.without);
        return Some(CheckResult::warn(message, rejection_remedy(first, &permissions)));
    }
    if available.is_some_and(|available| !kind.patterns.iter().any(|pattern| find(pattern, available).is_some())) {
        let message = format!("topics for {name}: not offered by this API; {}", kind.without);
        return Some(CheckResult::warn(message, CHECK_API));
    }
    let needs = if permissions.is_empty() { String::new() } else { format!("; needs {}", permissions.join(", ")) };
    let finding = match (topics.len(), states) {
        (subscribed @ 1.., Some(_)) => format!("{subscribed} subscribed"),
        (0, _) if available.is_some() => format!("offered, not subscribed: {}", kind.lack),
        (_, None) if available.is_some() => "offered, not subscribed: no channel".to_owned(),
        _ => return None,
    };
    Some(CheckResult::ok(format!("topics for {name}: {finding}{needs}")))
}

/// Returns the reason of a rejection: the missing permissions, or else the server's message and the required ones.
fn rejection_reason(rejected: &TopicState, required: &[String]) -> String {
    match (rejected.missing_permissions.as_slice(), &rejected.rejection_reason) {
        ([], Some(reason)) if required.is_empty() => reason.clone(),
        ([], Some(reason)) => format!("{reason} Needs {}", required.join(", ")),
        ([], None) if required.is_empty() => "the server states no reason".to_owned(),
        ([], None) => format!("needs {}", required.join(", ")),
        (missing, _) => format!("missing permission {}", missing.join(", ")),
    }
}

fn rejection_remedy(rejected: &TopicState, required: &[String]) -> &'static str {
    let is_known = !rejected.missing_permissions.is_empty() || !required.is_empty();
    if is_known { GRANT_PERMISSION } else { ASK_PERMISSION }
}

/// Returns the permissions that the topics of a kind require, without duplicates.
fn required_permissions(kind: &Kind, available: &[AvailableTopic]) -> Vec<String> {
    let topics = kind.patterns.iter().filter_map(|pattern| find(pattern, available));
    let permissions: BTreeSet<&String> = topics.flat_map(|topic| &topic.permissions).collect();
    permissions.into_iter().cloned().collect()
}

fn find<'a>(pattern: &str, available: &'a [AvailableTopic]) -> Option<&'a AvailableTopic> {
    available.iter().find(|topic| topic.id.eq_ignore_ascii_case(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::conversation::Snapshot;

    fn available(permissions: &[&str]) -> Vec<AvailableTopic> {
        let permissions = permissions.iter().map(|&name| name.to_owned()).collect();
        vec![AvailableTopic { id: AGENTS.patterns[0].to_owned(), permissions }]
    }

    fn rejected_state(id: &str, missing: &[&str], reason: Option<&str>) -> TopicState {
        let missing = missing.iter().map(|&name| name.to_owned()).collect();
        TopicState {
            id: id.to_owned(),
            is_permitted: false,
            rejection_reason: reason.map(str::to_owned),
            missing_permissions: missing,
        }
    }

    fn line(topics: &[&str], available: Option<&[AvailableTopic]>, states: Option<&[TopicState]>) -> String {
        let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
        result(&WantedTopics { kind: AGENTS, topics }, available, states)
            .map_or_else(String::new, |result| result.to_string())
    }

    #[test]
    fn the_required_permissions_are_shown_whether_or_not_a_kind_was_tried() {
        let available = available(&["a:b:view", "c:d:view"]);
        let needs = "needs a:b:view, c:d:view";
        for (topics, states, expected) in [
            (&[][..], None, format!("ok    topics for agent messages: offered, not subscribed: no agent yet; {needs}")),
            (&["t"], None, format!("ok    topics for agent messages: offered, not subscribed: no channel; {needs}")),
            (&["t"], Some(&[][..]), format!("ok    topics for agent messages: 1 subscribed; {needs}")),
        ] {
            assert_eq!(line(topics, Some(&available), states), expected);
        }
        assert_eq!(line(&["t"], None, Some(&[])), "ok    topics for agent messages: 1 subscribed");
        assert_eq!([line(&["t"], None, None), line(&[], None, None)], ["", ""], "no line about what was not tested");
    }

    #[test]
    fn a_rejection_names_the_missing_permissions_or_else_the_required_ones() {
        let available = available(&["a:b:view"]);
        let rejected = |state, available| line(&["t", "u"], available, Some(&[state]));
        let named = rejected(rejected_state("T", &["x:y:view"], Some("No.")), Some(available.as_slice()));
        assert!(
            named.starts_with(
                "warn  topics for agent messages: 1 of 2 rejected: missing permission x:y:view; messages are then polled"
            ),
            "{named}"
        );
        let taken = rejected(rejected_state("t", &[], Some("No.")), Some(&available));
        assert!(taken.contains("1 of 2 rejected: No. Needs a:b:view; messages are then polled"), "{taken}");
        assert!(
            [named, taken].iter().all(|line| line.ends_with(&format!("; {GRANT_PERMISSION}"))),
            "the remedy is last"
        );
        let unknown = rejected(rejected_state("t", &[], None), None);
        assert!(unknown.contains("rejected: the server states no reason; messages are then polled"), "{unknown}");
        let other = rejected(rejected_state("another", &["x:y:view"], None), None);
        assert!(other.starts_with("ok "), "{other}");
    }

    #[test]
    fn a_kind_that_is_not_offered_is_a_warning() {
        assert!(line(&[], Some(&[]), None).starts_with("warn  topics for agent messages: not offered by this API; "));
    }

    #[test]
    fn topics_cover_the_participants_the_targets_and_the_conversations() {
        let json = r#"{"participants":[{"queueId":"q1","purpose":"agent","userId":"u1","calls":[{"state":"connected"}]},
            {"purpose":"acd","queueId":"q1"}]}"#;
        let conversation =
            ProbedConversation { id: "c1".to_owned(), snapshot: Ok(Snapshot::parse(json).expect("a conversation")) };
        let targets = Targets { queues: vec!["q2".to_owned()], users: Vec::new(), ..Targets::default() };
        let wanted: Vec<(&str, Vec<String>)> =
            wanted_topics(&[conversation], &targets).into_iter().map(|one| (one.kind.name, one.topics)).collect();
        let topics = |name: &str| wanted.iter().find(|(of, _)| *of == name).map(|(_, topics)| topics.as_slice());
        assert_eq!(
            topics("queue messages").unwrap(),
            ["v2.routing.queues.q1.conversations.messages", "v2.routing.queues.q2.conversations.messages"]
        );
        assert_eq!(topics("queue calls").unwrap(), ["v2.routing.queues.q2.conversations.calls"]);
        assert_eq!(topics("agent messages").unwrap(), ["v2.users.u1.conversations.messages"]);
        assert_eq!(topics("agent calls"), None, "no user is to be followed");
        let changes = topics("joins and leaves").unwrap();
        assert_eq!((changes.len(), changes[0].as_str()), (4, "v2.detail.events.conversation.c1.acd.start"));
        assert_eq!(topics("calls").unwrap(), ["v2.conversations.c1.transcription"]);
        assert!(wanted_topics(&[], &Targets::default()).iter().all(|wanted| wanted.topics.is_empty()));
    }
}
