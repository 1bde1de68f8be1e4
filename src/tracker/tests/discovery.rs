//! The search for open conversations of the followed queues and users.

use super::*;

#[test]
fn the_first_search_finds_the_history_and_later_ones_find_new_conversations() {
    let mut scenario = Scenario::of_queue();
    assert_eq!(scenario.requests(), [observe()]);
    assert!(!scenario.tracker.is_caught_up());
    scenario.find(&["c1", "not/an/id"]);
    assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
    scenario.snapshot("c1", &[customer(&["m1"])]);
    scenario.requests();
    scenario.bodies("c1", &["m1"]);
    assert_eq!(scenario.events(), ["c1 Startup: [m1]"]);
    assert!(scenario.tracker.is_caught_up());

    scenario.advance(60_000);
    assert_eq!(scenario.requests(), [observe(), Request::Snapshot("c1".into())]);
    scenario.tracker.recently_closed.insert("c3".to_owned());
    scenario.find(&["c1", "c2", "c3"]);
    assert_eq!(scenario.requests(), [Request::Snapshot("c2".into())]);
    scenario.snapshot("c2", &[customer(&["m2"])]);
    scenario.requests();
    scenario.bodies("c2", &["m2"]);
    assert_eq!(scenario.events(), ["c2 Joined: m2"]);
}

#[test]
fn only_the_first_search_respects_the_wanted_history() {
    let history = History { lines: Some(0), since: None, follow: true, call_transcript_wait: Duration::ZERO };
    let mut scenario = Scenario::with(TrackerOptions { targets: queue(), history, ..options() });
    for (id, expected) in [("c1", vec![]), ("c2", vec![request_messages("c2", &["m1"])])] {
        scenario.requests();
        scenario.find(&[id]);
        assert_eq!(scenario.requests(), [Request::Snapshot(id.into())]);
        scenario.snapshot(id, &[customer(&["m1"])]);
        assert_eq!(scenario.requests(), expected, "{id}");
        scenario.advance(60_000);
    }
}

fn respond(
    scenario: &mut Scenario,
    search: DiscoveryQuery,
    result: Result<OpenConversations, RestError>,
) -> Option<RestError> {
    scenario.respond(Response::OpenConversations { search, result })
}

fn rows(page: usize) -> Request {
    Request::OpenConversations(DiscoveryQuery::Rows { page })
}

/// Rows that fill a page.
fn full_page(ids: &[&str]) -> OpenConversations {
    OpenConversations { is_complete: false, ..open_conversations(ids) }
}

#[test]
fn a_failed_search_is_repeated_and_a_forbidden_one_is_reported_once() {
    let mut scenario = Scenario::of_queue();
    for error in [unavailable(), unauthorized()] {
        assert_eq!(scenario.requests(), [observe()]);
        assert_eq!(respond(&mut scenario, DiscoveryQuery::Observations, Err(error.clone())), Some(error));
    }
    for error in [forbidden(), not_found(), unexpected()] {
        let mut scenario = Scenario::of_queue();
        scenario.requests();
        assert_eq!(respond(&mut scenario, DiscoveryQuery::Observations, Err(error.clone())), None);
        assert_eq!(scenario.warnings(), [], "the other one may be permitted");
        assert_eq!(scenario.requests(), [rows(1)]);
        assert_eq!(respond(&mut scenario, DiscoveryQuery::Rows { page: 1 }, Err(error.clone())), None);
        let reason = if error == forbidden() { "403 Forbidden".to_owned() } else { error.to_string() };
        assert_eq!(scenario.warnings(), [Warning::DiscoveryUnavailable { reason, has_topics: true }]);
        assert!(scenario.tracker.is_caught_up());
        scenario.reconnect(5);
        assert_eq!((scenario.requests(), scenario.time_to_request()), (vec![], None));
    }
}

/// TGT-10.
#[test]
fn either_search_is_enough_for_queues_and_only_rows_find_those_of_users() {
    let users = Targets { queues: Vec::new(), users: vec!["u".into()], ..Targets::default() };
    let both = Targets { users: vec!["u".into()], ..queue() };
    for (targets, observations, rows, open) in [
        (queue(), true, false, vec![Some(1)]),
        (queue(), false, true, vec![Some(1)]),
        (queue(), true, true, vec![Some(1)]),
        (users.clone(), false, true, vec![Some(0)]),
        (users, false, false, vec![None]),
        (both.clone(), true, false, vec![Some(1), None]),
        (both, false, true, vec![Some(1), Some(0)]),
    ] {
        let mut scenario = Scenario::with(TrackerOptions { targets: targets.clone(), ..options() });
        while let Some(search) = scenario.tracker.discovery.start(scenario.now.mono) {
            let is_granted = if search == DiscoveryQuery::Observations { observations } else { rows };
            let result = if is_granted { Ok(open_conversations(&["c1"])) } else { Err(forbidden()) };
            assert_eq!(respond(&mut scenario, search, result), None);
        }
        let counts = follow_events(&mut scenario).into_iter().map(|event| match event {
            FollowEvent::Following { open, .. } => open,
            other => panic!("{other:?}"),
        });
        assert_eq!(counts.collect::<Vec<_>>(), open, "{targets:?} {observations} {rows}");
        assert_eq!(scenario.warnings().len(), usize::from(open.contains(&None)), "{targets:?} {observations} {rows}");
        assert_eq!(scenario.tracker.conversation_count(), usize::from(observations || rows));
    }
}

/// A thousand conversations cost eleven requests at first, and one for each repeat.
#[test]
fn the_first_search_reads_everything_and_a_repeat_is_one_request() {
    let mut scenario = Scenario::of_queue();
    assert_eq!(scenario.requests(), [observe()]);
    respond(&mut scenario, DiscoveryQuery::Observations, Ok(open_conversations(&["c1"])));
    for page in 1..=9 {
        assert_eq!(scenario.tracker.discovery.start(scenario.now.mono), Some(DiscoveryQuery::Rows { page }));
        respond(&mut scenario, DiscoveryQuery::Rows { page }, Ok(full_page(&["c1"])));
        assert!(!scenario.tracker.discovery.has_searched());
    }
    assert_eq!(scenario.tracker.discovery.start(scenario.now.mono), Some(DiscoveryQuery::Rows { page: 10 }));
    respond(&mut scenario, DiscoveryQuery::Rows { page: 10 }, Ok(open_conversations(&["c2"])));
    assert_eq!(
        follow_events(&mut scenario),
        [FollowEvent::Following { target: target(), open: Some(2) }],
        "each is counted once"
    );
    scenario.reconnect(5);
    assert_eq!(scenario.tracker.discovery.start(scenario.now.mono), Some(DiscoveryQuery::Observations));
    respond(&mut scenario, DiscoveryQuery::Observations, Ok(open_conversations(&["c1", "c2", "c3"])));
    assert_eq!(scenario.tracker.discovery.start(scenario.now.mono), None);
    assert_eq!(scenario.tracker.conversation_count(), 3);
}

#[test]
fn a_truncated_list_of_observations_is_completed_by_rows() {
    let mut scenario = Scenario::of_queue();
    scenario.requests();
    scenario.find(&[]);
    for is_truncated in [true, false] {
        scenario.reconnect(5);
        assert_eq!(scenario.tracker.discovery.start(scenario.now.mono), Some(DiscoveryQuery::Observations));
        let observed = OpenConversations { is_complete: !is_truncated, ..open_conversations(&["c1"]) };
        respond(&mut scenario, DiscoveryQuery::Observations, Ok(observed));
        let next = scenario.tracker.discovery.start(scenario.now.mono);
        assert_eq!(next, is_truncated.then_some(DiscoveryQuery::Rows { page: 1 }));
        if is_truncated {
            respond(&mut scenario, DiscoveryQuery::Rows { page: 1 }, Ok(open_conversations(&["c1"])));
        }
    }
}

#[test]
fn a_repeat_reads_rows_until_a_page_holds_known_conversations_only() {
    let users = Targets { queues: Vec::new(), users: vec!["u".into()], ..Targets::default() };
    let mut scenario = Scenario::with(TrackerOptions { targets: users, ..options() });
    assert_eq!(scenario.requests(), [rows(1)]);
    respond(&mut scenario, DiscoveryQuery::Rows { page: 1 }, Ok(open_conversations(&["c1"])));
    scenario.tracker.recently_closed.insert("c0".to_owned());
    scenario.reconnect(5);
    for (page, ids) in [(1, ["c3", "c1"]), (2, ["c2", "c1"]), (3, ["c1", "c0"])] {
        assert_eq!(scenario.tracker.discovery.start(scenario.now.mono), Some(DiscoveryQuery::Rows { page }));
        respond(&mut scenario, DiscoveryQuery::Rows { page }, Ok(full_page(&ids)));
    }
    assert_eq!(scenario.tracker.discovery.start(scenario.now.mono), None);
    assert_eq!(scenario.tracker.conversation_count(), 3);
}

#[test]
fn at_most_ten_thousand_conversations_are_followed_from_the_start_on() {
    let mut scenario = Scenario::of_queue();
    let ids: Vec<String> = (0..=MAX_CONVERSATIONS).map(|number| number.to_string()).collect();
    scenario.requests();
    scenario.find(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(scenario.tracker.conversation_count(), MAX_CONVERSATIONS);
    assert_eq!(scenario.warnings(), [Warning::TooManyConversations]);
}

#[test]
fn a_repeat_reads_no_more_rows_if_there_is_no_room() {
    let users = Targets { queues: Vec::new(), users: vec!["u".into()], ..Targets::default() };
    let mut scenario = Scenario::with(TrackerOptions { targets: users, ..options() });
    scenario.requests();
    respond(&mut scenario, DiscoveryQuery::Rows { page: 1 }, Ok(open_conversations(&[])));
    let Scenario { tracker, now, dedup } = &mut scenario;
    (1..MAX_CONVERSATIONS).for_each(|number| tracker.follow_discovered(&number.to_string(), *now, dedup));
    scenario.reconnect(5);
    for (page, ids) in [(1, ["c1", "c2"]), (2, ["c3", "c4"])] {
        assert_eq!(scenario.tracker.discovery.start(scenario.now.mono), Some(DiscoveryQuery::Rows { page }));
        respond(&mut scenario, DiscoveryQuery::Rows { page }, Ok(full_page(&ids)));
    }
    assert_eq!(scenario.tracker.discovery.start(scenario.now.mono), None, "none of the second page was followed");
    assert_eq!(scenario.tracker.conversation_count(), MAX_CONVERSATIONS);
}

/// (CONN-19)
#[test]
fn a_search_that_is_refused_after_a_success_is_repeated() {
    for (error, is_paused) in [(forbidden(), false), (not_found(), false), (unexpected(), true), (unauthorized(), true)]
    {
        let mut scenario = Scenario::of_queue();
        scenario.requests();
        scenario.find(&[]);
        for _ in 0..10 {
            scenario.advance(60_000);
            assert_eq!(scenario.requests(), [observe()], "{error}");
            let repeated = respond(&mut scenario, DiscoveryQuery::Observations, Err(error.clone()));
            assert_eq!(repeated.is_some(), is_paused, "{error}");
            if !is_paused {
                assert_eq!(scenario.requests(), [rows(1)], "the other one in its place");
                assert_eq!(respond(&mut scenario, DiscoveryQuery::Rows { page: 1 }, Err(error.clone())), None);
            }
        }
        assert!(scenario.warnings().is_empty());
    }
}

/// Notifications tell of new conversations, except of those from before the socket and the topics.
#[test]
fn a_search_is_repeated_where_notifications_may_be_missing() {
    let mut scenario = Scenario::of_queue();
    let topics = scenario.tracker.topics_for_new_channel();
    let refused = TopicState {
        id: topics[1].clone(),
        is_permitted: false,
        rejection_reason: None,
        missing_permissions: Vec::new(),
    };
    let after_search = |scenario: &mut Scenario| {
        scenario.requests();
        scenario.find(&[]);
        scenario.time_to_request()
    };
    assert_eq!(after_search(&mut scenario), Some(Duration::from_secs(60)), "without topics");
    let some = Subscribed { states: vec![refused], token_renew_at: None };
    scenario.tracker.on_subscribed(&topics, &some, false, scenario.now);
    scenario.advance(60_000);
    assert_eq!(after_search(&mut scenario), Some(Duration::from_secs(60)), "a topic is refused");

    scenario.create_channel("second");
    let request = scenario.tracker.poll_request(scenario.now, Lane::Urgent);
    let Some(Request::Subscribe { channel, topics, mode }) = request else { panic!("{request:?}") };
    let result = Ok(Subscribed::default());
    scenario.respond(Response::Subscribe { channel, topics, mode, result });
    assert_eq!(scenario.time_to_request(), Some(Duration::ZERO), "the topics are new");
    assert_eq!(after_search(&mut scenario), Some(Duration::from_secs(600)), "all topics are permitted");
    scenario.handle(Input::PollAll);
    assert_eq!(scenario.requests(), [observe()], "the socket is new");
    scenario.handle(Input::PollAll);
    respond(&mut scenario, DiscoveryQuery::Observations, Ok(open_conversations(&[])));
    assert_eq!(scenario.requests(), [observe()], "the socket was opened during the search");
}

#[test]
fn a_search_follows_each_outage() {
    let mut scenario = Scenario::of_queue();
    scenario.requests();
    scenario.find(&[]);
    assert_eq!(scenario.time_to_request(), Some(Duration::from_secs(60)));
    scenario.reconnect(5);
    assert_eq!(scenario.requests(), [observe()]);
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
    scenario.find(&["c1"]);
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
    scenario.find(&["c2"]);
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
    scenario.refuse_search(&forbidden());
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
    scenario.find(&["c1"]);
    assert_eq!(follow_events(&mut scenario), []);
}

/// A call with this customer.
fn call() -> Value {
    call_of("ada")
}

fn call_of(id: &str) -> Value {
    json!({ "id": id, "purpose": "customer", "name": "Ada", "calls": [{ "id": "leg", "state": "connected" }] })
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
        scenario.find(&[]);
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
    scenario.find(&["c1"]);
    scenario.requests();
    scenario.snapshot("c1", &[call(), customer(&[])]);
    assert_eq!(transcription_topics(&scenario), [""; 0]);
    scenario.follow("c2");
    scenario.requests();
    scenario.snapshot("c2", &[call()]);
    assert_eq!(transcription_topics(&scenario), ["v2.conversations.c2.transcription"], "it is followed by its id");
}

/// CLI-12. A conversation with both media is followed for the one that is wanted.
#[test]
fn only_the_wanted_medium_of_a_mixed_conversation_is_printed() {
    use crate::wire::transcription::Transcription;

    for (messages, calls, printed) in
        [(true, true, vec!["c1: m1", "c1: u1"]), (true, false, vec!["c1: m1"]), (false, true, vec!["c1: u1"])]
    {
        let targets = Targets { media: FollowedMedia { messages, calls }, ..queue() };
        let mut scenario = Scenario::with(TrackerOptions { targets, ..options() });
        scenario.requests();
        scenario.find(&["c1"]);
        scenario.requests();
        let mixed = |messages: &[&str]| [customer(messages), call_of("leg")];
        scenario.snapshot("c1", &mixed(&[]));
        scenario.notify(notification("c1", &mixed(&["m1"])));
        for request in scenario.requests() {
            if let Request::Messages { conversation, ids } = request {
                scenario.bodies(&conversation, &ids.iter().map(String::as_str).collect::<Vec<_>>());
            }
        }
        let utterance = json!({ "conversationId": "c1", "transcripts": [{ "utteranceId": "u1", "isFinal": true,
            "channel": "EXTERNAL", "alternatives": [{ "confidence": 1.0, "transcript": "hi" }] }] });
        scenario.notify(Notification::Transcription(Transcription::from_value(&utterance)));
        scenario.advance(2_000);
        if scenario.requests().contains(&Request::Snapshot("c1".into())) {
            scenario.snapshot("c1", &mixed(&["m1"]));
        }
        assert_eq!(scenario.events(), printed, "messages {messages}, calls {calls}");
    }
}

/// TGT-11.
#[test]
fn without_the_permission_for_transcriptions_only_messages_are_followed_after_one_warning() {
    let mut scenario = Scenario::of_queue();
    scenario.create_channel("first");
    scenario.requests();
    scenario.find(&["c1"]);
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
    scenario.find(&["c3"]);
    scenario.requests();
    scenario.snapshot("c3", &[call()]);
    assert_eq!((scenario.tracker.conversation_count(), scenario.warnings().len()), (1, 0));
    scenario.notify(notification("c4", &[customer(&["m1"])]));
    assert_eq!(scenario.tracker.conversation_count(), 2);
}
