//! What can be listened to: what each kind of topic takes, and what becomes of subscribing it.

use std::collections::BTreeSet;
use std::io;

use super::Visit;
use super::permissions::Look;
use super::report::Report;
use super::step::Step;
use super::words;
use crate::api::calls::{self, SubscribeMode};
use crate::config::Targets;
use crate::wire::channel::{AvailableTopic, Channel, TopicState};

/// Topics of a kind to try: enough to see whether they are permitted.
const TRIED: usize = 100;

/// What a tail is that is not told of messages.
const SLOWER: &str =
    "without them a tail looks for messages every 15 to 30 s, and --queue and --user miss new conversations";

/// A kind of topic that a tail listens to.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    /// Names, with `{id}` where an id goes.
    patterns: &'static [&'static str],
    /// What there is none of when there is nothing to subscribe.
    lack: &'static str,
    /// What a tail is without them.
    without: &'static str,
}

const QUEUES: Kind = Kind {
    name: "queue messages",
    patterns: &["v2.routing.queues.{id}.conversations.messages"],
    lack: "no queue is known",
    without: SLOWER,
};

const AGENTS: Kind = Kind {
    name: "agent messages",
    patterns: &["v2.users.{id}.conversations.messages"],
    lack: "no agent is known",
    without: SLOWER,
};

const CHANGES: Kind = Kind {
    name: "joins and leaves",
    patterns: &[
        "v2.detail.events.conversation.{id}.acd.start",
        "v2.detail.events.conversation.{id}.user.start",
        "v2.detail.events.conversation.{id}.user.end",
        "v2.detail.events.conversation.{id}.customer.end",
    ],
    lack: "no conversation is known",
    without: "without them a tail learns of joins and leaves some seconds later",
};

const CALLS: Kind = Kind {
    name: "the words of calls",
    patterns: &["v2.conversations.{id}.transcription"],
    lack: "no call is known",
    without: "without them nothing of a call is printed",
};

/// A kind, and the topics of it that a tail would subscribe.
type Wanted = (Kind, Vec<String>);

/// Reads what topics take, subscribes those of the conversations and groups, and says a line a kind.
pub(super) async fn check(
    visit: &Visit<'_>,
    looks: &[Look],
    channel: Option<&Channel>,
    report: &mut Report<'_>,
) -> io::Result<()> {
    let offered = calls::available_topics(&visit.rest).await;
    if let Err(error) = &offered {
        report.say(&Step::warn(format!("what topics take cannot be read: {error}"), words::mend(error)))?;
    }
    let wanted = wanted(looks, &visit.check.targets);
    let topics: Vec<String> = wanted.iter().flat_map(|(_, topics)| topics.iter().cloned()).collect();
    let states = match channel.filter(|_| !topics.is_empty()) {
        Some(channel) => calls::subscribe(&visit.rest, &channel.id, SubscribeMode::Add, &topics).await.map(Some),
        None => Ok(None),
    };
    if let Err(error) = &states {
        report.say(&Step::warn(format!("topics cannot be subscribed: {error}"), SLOWER))?;
    }
    let (offered, states) = (offered.ok(), states.ok().flatten());
    for (kind, topics) in &wanted {
        report.say(&judge(kind, topics, offered.as_deref(), states.as_deref()))?;
    }
    Ok(())
}

fn wanted(looks: &[Look], groups: &Targets) -> [Wanted; 4] {
    let (mut queues, mut users) = (ids(&groups.queues), ids(&groups.users));
    let (mut conversations, mut calls) = (BTreeSet::new(), BTreeSet::new());
    for Look { id, found } in looks {
        let Ok(found) = found else { continue };
        conversations.insert(id.as_str());
        calls.extend(found.has_calls.then_some(id.as_str()));
        for participant in &found.participants {
            queues.extend(participant.queue.as_ref().map(|queue| queue.id.as_str()));
            users.extend(participant.user.as_ref().map(|user| user.id.as_str()));
        }
    }
    [(QUEUES, queues), (AGENTS, users), (CHANGES, conversations), (CALLS, calls)].map(|(kind, ids)| {
        let topics = ids.iter().flat_map(|id| kind.patterns.iter().map(|pattern| pattern.replace("{id}", id)));
        let topics = topics.take(TRIED).collect();
        (kind, topics)
    })
}

fn ids(ids: &[String]) -> BTreeSet<&str> {
    ids.iter().map(String::as_str).collect()
}

/// One line about a kind, from what the service offers and what became of the subscriptions, as far as that is known.
fn judge(kind: &Kind, topics: &[String], offered: Option<&[AvailableTopic]>, states: Option<&[TopicState]>) -> Step {
    let name = kind.name;
    let needs = offered.map_or_else(Vec::new, |offered| needs(kind, offered));
    let is_asked = |state: &&TopicState| topics.iter().any(|topic| topic.eq_ignore_ascii_case(&state.id));
    let refused: Vec<&TopicState> =
        states.unwrap_or_default().iter().filter(is_asked).filter(|state| !state.is_permitted).collect();
    if let Some(first) = refused.first() {
        let (count, all, why) = (refused.len(), topics.len(), reason(first, &needs));
        return Step::warn(format!("topics for {name}: {count} of {all} rejected: {why}"), advice(kind, first, &needs));
    }
    if offered.is_some_and(|offered| !kind.patterns.iter().any(|pattern| find(pattern, offered).is_some())) {
        return Step::warn(format!("topics for {name} are not offered"), kind.without);
    }
    let takes = if needs.is_empty() { String::new() } else { format!(", which takes {}", needs.join(", ")) };
    match (topics.len(), states) {
        (0, _) => Step::ok(format!("topics for {name}: not tried{takes}; {}", kind.lack)),
        (_, None) => Step::ok(format!("topics for {name}: not tried{takes}; there is no channel")),
        (subscribed, Some(_)) => {
            Step::ok(format!("topics for {name}: {} subscribed{takes}", words::count(subscribed, "topic")))
        }
    }
}

fn reason(refused: &TopicState, needs: &[String]) -> String {
    match (refused.missing_permissions.as_slice(), &refused.rejection_reason) {
        ([], Some(reason)) if needs.is_empty() => reason.clone(),
        ([], Some(reason)) => format!("{reason} It takes {}", needs.join(", ")),
        ([], None) if needs.is_empty() => "no reason is given".to_owned(),
        ([], None) => format!("it takes {}", needs.join(", ")),
        (missing, _) => format!("the OAuth client lacks the permission {}", missing.join(", ")),
    }
}

fn advice(kind: &Kind, refused: &TopicState, needs: &[String]) -> String {
    if refused.missing_permissions.is_empty() && needs.is_empty() {
        return kind.without.to_owned();
    }
    format!("{}; {}", words::PERMIT, kind.without)
}

/// The permissions that topics of a kind take, each once.
fn needs(kind: &Kind, offered: &[AvailableTopic]) -> Vec<String> {
    let topics = kind.patterns.iter().filter_map(|pattern| find(pattern, offered));
    let needs: BTreeSet<&String> = topics.flat_map(|topic| &topic.permissions).collect();
    needs.into_iter().cloned().collect()
}

fn find<'a>(pattern: &str, offered: &'a [AvailableTopic]) -> Option<&'a AvailableTopic> {
    offered.iter().find(|topic| topic.id.eq_ignore_ascii_case(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::conversation::Snapshot;

    fn offer(permissions: &[&str]) -> Vec<AvailableTopic> {
        let permissions = permissions.iter().map(|&name| name.to_owned()).collect();
        vec![AvailableTopic { id: AGENTS.patterns[0].to_owned(), permissions }]
    }

    fn state(id: &str, missing: &[&str], reason: Option<&str>) -> TopicState {
        let missing = missing.iter().map(|&name| name.to_owned()).collect();
        TopicState {
            id: id.to_owned(),
            is_permitted: false,
            rejection_reason: reason.map(str::to_owned),
            missing_permissions: missing,
        }
    }

    fn line(topics: &[&str], offered: Option<&[AvailableTopic]>, states: Option<&[TopicState]>) -> String {
        let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
        judge(&AGENTS, &topics, offered, states).to_string()
    }

    #[test]
    fn a_kind_says_what_it_takes_whether_or_not_it_was_tried() {
        let offered = offer(&["a:b:view", "c:d:view"]);
        let takes = "which takes a:b:view, c:d:view";
        for (topics, states, expected) in [
            (&[][..], None, format!("ok    topics for agent messages: not tried, {takes}; no agent is known")),
            (&["t"], None, format!("ok    topics for agent messages: not tried, {takes}; there is no channel")),
            (&["t"], Some(&[][..]), format!("ok    topics for agent messages: 1 topic subscribed, {takes}")),
        ] {
            assert_eq!(line(topics, Some(&offered), states), expected);
        }
        assert_eq!(line(&["t"], None, Some(&[])), "ok    topics for agent messages: 1 topic subscribed");
    }

    #[test]
    fn a_rejection_names_the_permission_that_is_missing_or_else_those_it_takes() {
        let offered = offer(&["a:b:view"]);
        let rejected = |state, offered| line(&["t", "u"], offered, Some(&[state]));
        let named = rejected(state("T", &["x:y:view"], Some("No.")), Some(offered.as_slice()));
        assert!(
            named.starts_with(
                "warn  topics for agent messages: 1 of 2 rejected: the OAuth client lacks the permission x:y:view; give"
            ),
            "{named}"
        );
        let taken = rejected(state("t", &[], Some("No.")), Some(&offered));
        assert!(taken.contains("1 of 2 rejected: No. It takes a:b:view; give"), "{taken}");
        let unknown = rejected(state("t", &[], None), None);
        assert!(unknown.contains("rejected: no reason is given; without them"), "{unknown}");
        let foreign = rejected(state("another", &["x:y:view"], None), None);
        assert!(foreign.starts_with("ok "), "{foreign}");
    }

    #[test]
    fn a_kind_that_is_not_offered_is_a_warning() {
        assert!(line(&[], Some(&[]), None).starts_with("warn  topics for agent messages are not offered; "));
    }

    #[test]
    fn the_topics_are_those_of_the_people_and_groups() {
        let json = r#"{"participants":[{"queueId":"q1","purpose":"agent","userId":"u1","calls":[{"state":"connected"}]},
            {"purpose":"acd","queueId":"q1"}]}"#;
        let look = Look { id: "c1".to_owned(), found: Ok(Snapshot::parse(json).expect("a conversation")) };
        let groups = Targets { queues: vec!["q2".to_owned()], users: Vec::new() };
        let topics = wanted(&[look], &groups).map(|(_, topics)| topics);
        assert_eq!(
            topics[0],
            ["v2.routing.queues.q1.conversations.messages", "v2.routing.queues.q2.conversations.messages"]
        );
        assert_eq!(topics[1], ["v2.users.u1.conversations.messages"]);
        assert_eq!((topics[2].len(), topics[2][0].as_str()), (4, "v2.detail.events.conversation.c1.acd.start"));
        assert_eq!(topics[3], ["v2.conversations.c1.transcription"]);
        assert_eq!(wanted(&[], &Targets::default()).map(|(_, topics)| topics.len()), [0; 4]);
    }
}
