//! Conversations that an event stream mentions.

use super::*;

/// A tracker whose run has an event stream.
fn scenario(history: History, media: FollowedMedia) -> Scenario {
    let targets = Targets { media, ..Targets::default() };
    let mut scenario = Scenario::with(TrackerOptions { history, targets, has_stream: true, ..options() });
    scenario.create_channel("ch");
    scenario
}

fn of_all() -> Scenario {
    scenario(options().history, FollowedMedia::default())
}

fn mention(scenario: &mut Scenario, id: &str, is_new: bool, is_changed: bool) {
    scenario.handle(Input::Mentioned(Mention { conversation: id.to_owned(), is_new, is_changed }));
}

/// The snapshots that are due.
fn snapshots(scenario: &mut Scenario) -> Vec<String> {
    let id = |request| match request {
        Request::Snapshot(id) => Some(id),
        _ => None,
    };
    scenario.requests().into_iter().filter_map(id).collect()
}

fn call(end: Option<i64>) -> Vec<Value> {
    let leg = json!([{"id": "leg", "state": if end.is_some() { "disconnected" } else { "connected" }}]);
    let state = if end.is_some() { "disconnected" } else { "connected" };
    vec![json!({"id": "p1", "purpose": "customer", "name": "Ada", "state": state, "connectedTime": at(0),
        "endTime": end.map(at), "calls": leg, "queueId": "q1"})]
}

#[test]
fn a_mentioned_conversation_is_followed_and_the_run_expects_more() {
    let mut scenario = of_all();
    assert_eq!(scenario.tracker.status(), Status::Following);
    mention(&mut scenario, "c1", false, false);
    mention(&mut scenario, "not/an/id", false, false);
    assert_eq!(snapshots(&mut scenario), ["c1"]);
    scenario.snapshot("c1", &[customer(&["m1"])]);
    scenario.requests();
    scenario.bodies("c1", &["m1"]);
    assert_eq!(scenario.events(), ["c1 Startup: [m1]"]);
    mention(&mut scenario, "c1", false, false);
    assert_eq!(snapshots(&mut scenario), Vec::<String>::new());
    scenario.advance(1_000);
    mention(&mut scenario, "c1", false, true);
    assert_eq!(snapshots(&mut scenario), ["c1"]);
}

#[test]
fn a_conversation_that_has_just_begun_is_printed_whatever_the_wanted_history() {
    let history = History { lines: Some(0), ..options().history };
    for (is_new, expected) in [(true, vec![request_messages("c1", &["m1"])]), (false, vec![])] {
        let mut scenario = scenario(history, FollowedMedia::default());
        mention(&mut scenario, "c1", is_new, false);
        snapshots(&mut scenario);
        scenario.snapshot("c1", &[customer(&["m1"])]);
        let mut requests = scenario.requests();
        requests.retain(|request| matches!(request, Request::Messages { .. }));
        assert_eq!(requests, expected, "{is_new}");
    }
}

#[test]
fn a_change_is_read_before_what_nothing_waits_for() {
    let mut scenario = of_all();
    for (id, is_changed) in [("c1", false), ("c2", true)] {
        mention(&mut scenario, id, false, is_changed);
    }
    let request = scenario.tracker.poll_request(scenario.now, Lane::Urgent);
    assert_eq!(request, Some(Request::Snapshot("c2".into())));
    assert_eq!(scenario.tracker.poll_request(scenario.now, Lane::Urgent), None);
}

#[test]
fn messages_are_not_followed_if_only_calls_are_wanted() {
    let mut scenario = scenario(options().history, FollowedMedia { messages: false, calls: true });
    mention(&mut scenario, "c1", false, false);
    snapshots(&mut scenario);
    scenario.snapshot("c1", &[customer(&["m1"])]);
    assert!(!scenario.requests().iter().any(|request| matches!(request, Request::Messages { .. })));
}

#[test]
fn a_call_gives_its_participants_and_needs_neither_topics_nor_a_transcript_nor_a_gap() {
    let mut scenario = of_all();
    mention(&mut scenario, "c1", false, false);
    snapshots(&mut scenario);
    assert!(scenario.tracker.poll_participants().is_none());
    scenario.snapshot("c1", &call(None));
    assert_eq!(scenario.requests(), []);
    let (id, participants) = scenario.tracker.poll_participants().expect("participants");
    let names: Vec<_> = participants.all().filter_map(|one| one.name.clone()).collect();
    assert_eq!((id.as_str(), names), ("c1", vec!["Ada".to_owned()]));
    assert!(scenario.tracker.poll_participants().is_none());
    scenario.reconnect(1);
    assert_eq!(snapshots(&mut scenario), ["c1"]);
    scenario.snapshot("c1", &call(None));
    assert_eq!(scenario.events(), Vec::<String>::new(), "no gap");
}

#[test]
fn the_participants_of_a_call_wait_for_the_names_of_agents() {
    let mut scenario = of_all();
    mention(&mut scenario, "c1", false, false);
    snapshots(&mut scenario);
    let mut participants = call(None);
    participants.push(json!({"id": "p2", "purpose": "agent", "userId": "u1", "state": "connected"}));
    scenario.snapshot("c1", &participants);
    assert!(scenario.tracker.poll_participants().is_none());
    assert_eq!(scenario.requests(), [Request::UserNames(vec!["u1".into()])]);
    let names = [("u1".to_owned(), "Sam".to_owned())].into();
    scenario.respond(Response::UserNames { users: vec!["u1".into()], result: Ok(names) });
    let (_, participants) = scenario.tracker.poll_participants().expect("participants");
    let sam = participants.all().find_map(|one| one.user.as_ref()?.name.clone());
    assert_eq!(sam.as_deref(), Some("Sam"));
}

#[test]
fn a_call_is_polled_seldom_since_the_stream_tells_its_changes() {
    let mut scenario = of_all();
    mention(&mut scenario, "c1", false, false);
    snapshots(&mut scenario);
    scenario.snapshot("c1", &call(None));
    scenario.advance(300_000);
    assert_eq!(snapshots(&mut scenario), ["c1"], "the period of the first one");
    scenario.snapshot("c1", &call(None));
    scenario.advance(599_999);
    assert_eq!(snapshots(&mut scenario), Vec::<String>::new());
    scenario.advance(1);
    assert_eq!(snapshots(&mut scenario), ["c1"]);
}

#[test]
fn messages_in_a_queue_are_announced_by_its_topic_alone() {
    let mut scenario = of_all();
    mention(&mut scenario, "c1", false, false);
    snapshots(&mut scenario);
    let mut participants = vec![customer(&[])];
    participants[0]["queueId"] = "q1".into();
    participants.push(json!({"id": "p2", "purpose": "agent", "name": "Sam", "state": "connected",
        "user": {"id": "u1", "name": "Sam"}, "queueId": "q1", "messages": []}));
    scenario.snapshot("c1", &participants);
    let requests = scenario.requests();
    let topics = vec!["v2.routing.queues.q1.conversations.messages".to_owned()];
    assert_eq!(requests, [Request::Subscribe { channel: "ch".into(), topics, mode: SubscribeMode::Add }]);
}

#[test]
fn an_ended_conversation_is_closed_and_forgotten_and_not_followed_again() {
    let mut scenario = of_all();
    mention(&mut scenario, "c1", true, false);
    snapshots(&mut scenario);
    scenario.snapshot("c1", &call(Some(5)));
    scenario.advance(3_000);
    assert_eq!(snapshots(&mut scenario), ["c1"]);
    scenario.snapshot("c1", &call(Some(5)));
    assert_eq!(scenario.events(), ["c1: closed"]);
    assert_eq!(scenario.tracker.conversation_count(), 0);
    mention(&mut scenario, "c1", false, true);
    assert_eq!(scenario.tracker.conversation_count(), 0);
    assert_eq!(scenario.tracker.status(), Status::Following, "the stream is open");
}

#[test]
fn after_the_end_of_the_stream_everything_known_is_emitted_first() {
    let mut scenario = of_all();
    mention(&mut scenario, "c1", false, true);
    scenario.handle(Input::StreamEnded);
    let is_complete = |scenario: &Scenario| scenario.tracker.is_stream_complete();
    assert!(!is_complete(&scenario), "nothing is known of it");
    snapshots(&mut scenario);
    scenario.snapshot("c1", &[customer(&["m1"])]);
    assert!(!is_complete(&scenario), "the body is missing");
    scenario.requests();
    scenario.bodies("c1", &["m1"]);
    assert!(!is_complete(&scenario), "the event was not taken");
    assert_eq!(scenario.events(), ["c1 Startup: [m1]"]);
    assert!(is_complete(&scenario));
    let mut scenario = of_all();
    mention(&mut scenario, "c1", false, false);
    snapshots(&mut scenario);
    scenario.snapshot("c1", &[customer(&[])]);
    scenario.advance(1_000);
    mention(&mut scenario, "c1", false, true);
    scenario.handle(Input::StreamEnded);
    assert!(!is_complete(&scenario), "a change was announced");
    snapshots(&mut scenario);
    scenario.snapshot("c1", &[customer(&[])]);
    assert!(is_complete(&scenario));
}

#[test]
fn named_conversations_and_queues_are_followed_beyond_the_end_of_the_stream() {
    let mut scenario = of_all();
    scenario.follow("c1");
    scenario.handle(Input::StreamEnded);
    snapshots(&mut scenario);
    scenario.snapshot("c1", &[customer(&[])]);
    assert!(!scenario.tracker.is_stream_complete());
    let mut scenario = Scenario::with(TrackerOptions { targets: queue(), has_stream: true, ..options() });
    scenario.handle(Input::StreamEnded);
    scenario.requests();
    scenario.find(&[]);
    assert!(!scenario.tracker.is_stream_complete() && !scenario.tracker.is_done());
}

#[test]
fn at_most_the_maximum_of_conversations_is_followed_and_a_warning_says_so() {
    let mut scenario = of_all();
    for number in 0..=MAX_CONVERSATIONS {
        mention(&mut scenario, &format!("c{number}"), false, false);
    }
    assert_eq!(scenario.tracker.conversation_count(), MAX_CONVERSATIONS);
    assert_eq!(scenario.warnings(), [Warning::TooManyConversations]);
}
