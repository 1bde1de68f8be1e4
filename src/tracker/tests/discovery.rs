//! The search for open conversations of the followed queues and users.

use super::*;

fn found(ids: &[&str]) -> Response {
    let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
    let counts = vec![ids.len()];
    Response::OpenConversations(Ok(OpenConversations { ids, counts }))
}

#[test]
fn the_first_search_finds_the_history_and_later_ones_find_new_conversations() {
    let mut scenario = Scenario::of_queue();
    assert_eq!(scenario.requests(), [Request::OpenConversations]);
    assert!(!scenario.tracker.is_caught_up());
    assert_eq!(scenario.respond(found(&["c1", "not/an/id"])), None);
    assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
    scenario.snapshot("c1", &[customer(&["m1"])]);
    scenario.requests();
    scenario.bodies("c1", &["m1"]);
    assert_eq!(scenario.events(), ["c1 Startup: [m1]"]);
    assert!(scenario.tracker.is_caught_up());

    scenario.advance(60_000);
    assert_eq!(scenario.requests(), [Request::Snapshot("c1".into()), Request::OpenConversations]);
    scenario.tracker.recently_closed.insert("c3".to_owned());
    assert_eq!(scenario.respond(found(&["c1", "c2", "c3"])), None);
    assert_eq!(scenario.requests(), [Request::Snapshot("c2".into())]);
    scenario.snapshot("c2", &[customer(&["m2"])]);
    scenario.requests();
    scenario.bodies("c2", &["m2"]);
    assert_eq!(scenario.events(), ["c2 Joined: m2"]);
}

#[test]
fn only_the_first_search_respects_the_wanted_history() {
    let history = History { lines: Some(0), since: None, follow: true };
    let mut scenario = Scenario::with(TrackerOptions { targets: queue(), history, ..options() });
    for (id, expected) in [("c1", vec![]), ("c2", vec![request_messages("c2", &["m1"])])] {
        scenario.requests();
        assert_eq!(scenario.respond(found(&[id])), None);
        assert_eq!(scenario.requests(), [Request::Snapshot(id.into())]);
        scenario.snapshot(id, &[customer(&["m1"])]);
        assert_eq!(scenario.requests(), expected, "{id}");
        scenario.advance(60_000);
    }
}

#[test]
fn a_failed_search_is_repeated_and_a_forbidden_one_is_reported_once() {
    let mut scenario = Scenario::of_queue();
    for error in [unavailable(), unauthorized()] {
        assert_eq!(scenario.requests(), [Request::OpenConversations]);
        assert_eq!(scenario.respond(Response::OpenConversations(Err(error.clone()))), Some(error));
    }
    for error in [forbidden(), not_found(), unexpected()] {
        let mut scenario = Scenario::of_queue();
        scenario.requests();
        assert_eq!(scenario.respond(Response::OpenConversations(Err(error.clone()))), None);
        let reason = if error == forbidden() { "403 Forbidden".to_owned() } else { error.to_string() };
        assert_eq!(scenario.warnings(), [Warning::DiscoveryUnavailable { reason, has_topics: true }]);
        assert!(scenario.tracker.is_caught_up());
        scenario.reconnect(5);
        assert_eq!((scenario.requests(), scenario.time_to_request()), (vec![], None));
    }
}

/// (CONN-19)
#[test]
fn a_search_that_is_refused_after_a_success_is_repeated() {
    for (error, is_paused) in [(forbidden(), false), (not_found(), false), (unexpected(), true), (unauthorized(), true)]
    {
        let mut scenario = Scenario::of_queue();
        scenario.requests();
        scenario.respond(found(&[]));
        for _ in 0..10 {
            scenario.advance(60_000);
            assert_eq!(scenario.requests(), [Request::OpenConversations], "{error}");
            let repeated = scenario.respond(Response::OpenConversations(Err(error.clone())));
            assert_eq!(repeated.is_some(), is_paused, "{error}");
        }
        assert!(scenario.warnings().is_empty());
    }
}

#[test]
fn a_search_follows_each_outage() {
    let mut scenario = Scenario::of_queue();
    scenario.requests();
    assert_eq!(scenario.respond(found(&[])), None);
    assert_eq!(scenario.time_to_request(), Some(Duration::from_secs(60)));
    scenario.reconnect(5);
    assert_eq!(scenario.requests(), [Request::OpenConversations]);
}

fn follow_events(scenario: &mut Scenario) -> Vec<FollowEvent> {
    std::iter::from_fn(|| scenario.tracker.poll_follow_event()).collect()
}

fn target() -> Target {
    Target::Queue("q".to_owned())
}

/// TGT-13.
#[test]
fn the_number_of_open_conversations_and_each_new_and_ended_one_are_noticed() {
    let mut scenario = Scenario::of_queue();
    scenario.requests();
    scenario.respond(found(&["c1"]));
    assert_eq!(follow_events(&mut scenario), [FollowEvent::Following { target: target(), open: Some(1) }]);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&[])]);
    let joined = |id: &str, description: &str, is_new| FollowEvent::Joined {
        conversation: id.into(),
        description: description.into(),
        is_new,
    };
    assert_eq!(follow_events(&mut scenario), [joined("c1", "Ada", false)]);

    let waiting = json!({ "id": "acd", "purpose": "acd", "name": "Billing", "state": "connected", "queueId": "q2" });
    let ada = json!({ "id": "ada", "purpose": "customer", "name": "Ada", "state": "connected", "type": "webmessaging",
        "messages": [{ "messageId": "m2", "messageTime": at(0) }] });
    scenario.notify(notification("c2", std::slice::from_ref(&ada)));
    assert_eq!(follow_events(&mut scenario), [], "nothing is known yet");
    scenario.requests();
    scenario.snapshot("c2", &[ada, waiting]);
    assert_eq!(follow_events(&mut scenario), [joined("c2", "Ada, web messaging, queue Billing", true)]);

    scenario.advance(60_000);
    scenario.requests();
    scenario.snapshot("c1", &[left(customer(&[]))]);
    scenario.respond(found(&["c2"]));
    scenario.advance(3_000);
    scenario.requests();
    scenario.snapshot("c1", &[left(customer(&[]))]);
    assert_eq!(follow_events(&mut scenario), [], "the end was not told yet");
    scenario.events();
    assert_eq!(
        follow_events(&mut scenario),
        [FollowEvent::Ended { conversation: "c1".into(), description: "Ada".into() }]
    );
}

#[test]
fn a_queue_whose_open_conversations_cannot_be_counted_is_noticed_too() {
    let mut scenario = Scenario::of_queue();
    scenario.requests();
    scenario.respond(Response::OpenConversations(Err(forbidden())));
    assert_eq!(follow_events(&mut scenario), [FollowEvent::Following { target: target(), open: None }]);
}

#[test]
fn single_conversations_and_history_are_not_noticed() {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&[])]);
    assert_eq!(follow_events(&mut scenario), []);
    let history = History { follow: false, ..options().history };
    let mut scenario = Scenario::with(TrackerOptions { targets: queue(), history, ..options() });
    scenario.requests();
    scenario.respond(found(&["c1"]));
    assert_eq!(follow_events(&mut scenario), []);
}

/// A call with this customer.
fn call() -> Value {
    json!({ "id": "ada", "purpose": "customer", "name": "Ada", "calls": [{ "id": "leg", "state": "connected" }] })
}

fn transcription_topics(scenario: &Scenario) -> Vec<String> {
    scenario.tracker.wanted_topics().into_iter().filter(|topic| topic.ends_with(".transcription")).collect()
}

/// TGT-10, CLI-12.
#[test]
fn a_call_of_a_queue_is_joined_and_transcribed_if_calls_are_wanted() {
    for (calls, joins) in [(true, true), (false, false)] {
        let media = FollowedMedia { calls, ..FollowedMedia::default() };
        let mut scenario = Scenario::with(TrackerOptions { targets: Targets { media, ..queue() }, ..options() });
        scenario.requests();
        scenario.respond(found(&[]));
        let topics = scenario.tracker.wanted_topics();
        assert_eq!(topics.contains(&"v2.routing.queues.q.conversations.calls".to_owned()), calls);
        scenario.notify(notification("c1", &[call()]));
        assert_eq!(scenario.tracker.conversation_count() == 1, joins, "{media:?}");
        if joins {
            scenario.requests();
            scenario.snapshot("c1", &[call()]);
            assert_eq!(transcription_topics(&scenario), ["v2.conversations.c1.transcription"]);
        }
    }
    // A conversation with both is joined for its messages.
    let media = FollowedMedia { messages: true, calls: false };
    let mut scenario = Scenario::with(TrackerOptions { targets: Targets { media, ..queue() }, ..options() });
    scenario.requests();
    scenario.respond(found(&["c1"]));
    scenario.requests();
    scenario.snapshot("c1", &[call(), customer(&[])]);
    assert_eq!(transcription_topics(&scenario), [""; 0]);
    scenario.follow("c2");
    scenario.requests();
    scenario.snapshot("c2", &[call()]);
    assert_eq!(transcription_topics(&scenario), ["v2.conversations.c2.transcription"], "it is followed by its id");
}

/// TGT-11.
#[test]
fn without_the_permission_for_transcriptions_only_messages_are_followed_after_one_warning() {
    let mut scenario = Scenario::of_queue();
    scenario.create_channel("first");
    scenario.requests();
    scenario.respond(found(&["c1"]));
    scenario.follow("c9");
    scenario.requests();
    for id in ["c1", "c9"] {
        scenario.snapshot(id, &[call()]);
    }
    let refused = |topic: &str| TopicState {
        id: topic.to_owned(),
        is_permitted: false,
        rejection_reason: None,
        missing_permissions: vec!["conversation:transcription:view".to_owned()],
    };
    let topics: Vec<String> = ["c1", "c9"].map(|id| format!("v2.conversations.{id}.transcription")).into();
    let states = topics.iter().map(|topic| refused(topic)).collect();
    let result = Ok(Subscribed { states, token_renew_at: None });
    scenario.respond(Response::Subscribe { channel: "first".into(), topics, mode: SubscribeMode::Add, result });
    assert_eq!(scenario.warnings().len(), 1);
    assert_eq!(scenario.tracker.conversation_count(), 1, "the one that was named stays");
    scenario.notify(notification("c2", &[call()]));
    assert_eq!(scenario.tracker.conversation_count(), 1);
    scenario.advance(60_000);
    scenario.requests();
    scenario.respond(found(&["c3"]));
    scenario.requests();
    scenario.snapshot("c3", &[call()]);
    assert_eq!((scenario.tracker.conversation_count(), scenario.warnings().len()), (1, 0));
    scenario.notify(notification("c4", &[customer(&["m1"])]));
    assert_eq!(scenario.tracker.conversation_count(), 2);
}
