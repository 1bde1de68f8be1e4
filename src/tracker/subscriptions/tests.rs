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
