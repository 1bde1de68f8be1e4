//! The notification channel and its subscriptions.

use super::*;
use crate::tracker::warning::TopicKind;
use crate::wire::channel::TopicState;

/// A known conversation with the agent `u1`, and the channel `first`.
fn scenario() -> Scenario {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.tracker.names.insert("u1".into(), None);
    scenario.requests();
    scenario.snapshot("c1", &[customer(&[]), agent("u1")]);
    scenario.create_channel("first");
    scenario
}

/// Starts the only request that is due, a subscription.
fn start_subscription(scenario: &mut Scenario) -> (String, Vec<String>, SubscribeMode) {
    match scenario.requests().as_slice() {
        [Request::Subscribe { channel, topics, mode }] => (channel.clone(), topics.clone(), *mode),
        requests => panic!("{requests:?} is no subscription"),
    }
}

/// Answers the subscription that is in flight.
fn answer(scenario: &mut Scenario, mode: SubscribeMode, result: Result<Subscribed, RestError>) -> Option<RestError> {
    let topics = scenario.tracker.wanted_topics();
    scenario.respond(Response::Subscribe { channel: "first".into(), topics, mode, result })
}

#[test]
fn a_new_channel_is_subscribed_and_the_subscription_is_followed_by_a_snapshot() {
    let mut scenario = scenario();
    let (channel, topics, mode) = start_subscription(&mut scenario);
    assert_eq!(
        (channel.as_str(), mode, topics[0].as_str()),
        ("first", SubscribeMode::Add, "v2.users.u1.conversations.messages")
    );
    assert_eq!(scenario.requests(), [], "one subscription at a time");
    scenario.advance(5000);
    assert_eq!(answer(&mut scenario, SubscribeMode::Add, Ok(Subscribed::default())), None);
    assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
    scenario.snapshot("c1", &[customer(&[]), agent("u1")]);
    assert_eq!(scenario.time_to_request(), Some(Duration::from_secs(25)), "an announced conversation");
}

#[test]
fn an_expired_channel_is_lost() {
    let mut scenario = scenario();
    start_subscription(&mut scenario);
    assert_eq!(answer(&mut scenario, SubscribeMode::Add, Err(not_found())), None);
    assert_eq!(scenario.events(), ["channel lost: the service no longer knows it"]);
    assert!(scenario.tracker.channel().is_none());
}

#[test]
fn the_answer_about_a_replaced_channel_is_ignored() {
    for result in [Ok(Subscribed::default()), Err(not_found()), Err(forbidden()), Err(unavailable())] {
        let mut scenario = scenario();
        start_subscription(&mut scenario);
        scenario.create_channel("second");
        assert_eq!(answer(&mut scenario, SubscribeMode::Add, result), None);
        assert!(scenario.events().is_empty() && scenario.tracker.channel().is_some());
        assert_eq!(start_subscription(&mut scenario).0, "second");
    }
}

#[test]
fn a_refused_subscription_leaves_polling() {
    for (error, reason) in [(forbidden(), "403 Forbidden"), (unexpected(), "HTML")] {
        let mut scenario = scenario();
        start_subscription(&mut scenario);
        assert_eq!(answer(&mut scenario, SubscribeMode::Add, Err(error)), None);
        let warning = Warning::SubscriptionRefused(reason.to_owned());
        assert_eq!(scenario.warnings(), [warning]);
        assert_eq!(scenario.requests(), [], "the topics are not requested again");
        assert_eq!(scenario.time_to_request(), Some(Duration::from_secs(15)));
        assert!(scenario.tracker.channel().is_some());
    }
}

#[test]
fn a_refused_topic_is_reported_and_others_are_subscribed() {
    let mut scenario = scenario();
    let (_, topics, _) = start_subscription(&mut scenario);
    let missing_permissions = vec!["conversation:message:view".to_owned()];
    let refused =
        TopicState { id: topics[0].clone(), is_permitted: false, rejection_reason: None, missing_permissions };
    let subscribed = Subscribed { states: vec![refused], token_renew_at: None };
    assert_eq!(answer(&mut scenario, SubscribeMode::Add, Ok(subscribed)), None);
    let reason = "missing permission conversation:message:view".to_owned();
    let warning = Warning::TopicRefused { topic: topics[0].clone(), kind: TopicKind::AgentMessages, reason };
    assert_eq!(scenario.warnings(), [warning]);
}

/// The search finds new conversations of a queue whose topic is refused. Without it they are missed, and the warning says so.
#[test]
fn a_refused_queue_is_told_with_its_cost() {
    let mut scenario = Scenario::of_queue();
    let topics = scenario.tracker.topics_for_new_channel();
    let states = vec![TopicState {
        id: topics[0].to_uppercase(),
        is_permitted: false,
        rejection_reason: Some("No.".to_owned()),
        missing_permissions: Vec::new(),
    }];
    let subscribed = Subscribed { states, token_renew_at: None };
    scenario.tracker.on_subscribed(&topics, &subscribed, false, Now::read());
    scenario.refuse_search(&forbidden());
    let expected = [
        "cannot subscribe to messages of queues (No.); polling instead; new conversations are found within 60 s",
        "cannot search for open conversations (403 Forbidden); new conversations are missed",
    ];
    assert_eq!(scenario.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

/// NTF-2. One warning for each reason, which names all that is refused.
#[test]
fn a_warning_names_the_refused_media_of_a_queue() {
    let (polling, later) =
        ("polling instead; new conversations are found within 60 s", "new calls are found within 60 s");
    for (refused, expected) in [
        (vec![(0, "x:y:view")], vec![format!("messages of queues (missing permission x:y:view); {polling}")]),
        (vec![(1, "x:y:view")], vec![format!("calls of queues (missing permission x:y:view); {later}")]),
        (
            vec![(0, "x:y:view"), (1, "x:y:view")],
            vec![format!("messages and calls of queues (missing permission x:y:view); {polling}")],
        ),
        (
            vec![(1, "a:b:view"), (0, "x:y:view")],
            vec![
                format!("calls of queues (missing permission a:b:view); {later}"),
                format!("messages of queues (missing permission x:y:view); {polling}"),
            ],
        ),
    ] {
        let mut scenario = Scenario::of_queue();
        let topics = scenario.tracker.topics_for_new_channel();
        let state = |(index, permission): (usize, &str)| TopicState {
            id: topics[index].clone(),
            is_permitted: false,
            rejection_reason: None,
            missing_permissions: vec![permission.to_owned()],
        };
        let answer = Subscribed { states: refused.into_iter().map(state).collect(), token_renew_at: None };
        for _ in 0..2 {
            scenario.tracker.on_subscribed(&topics, &answer, false, Now::read());
        }
        let warnings: Vec<String> = scenario.warnings().iter().map(ToString::to_string).collect();
        let expected: Vec<String> = expected.iter().map(|text| format!("cannot subscribe to {text}")).collect();
        assert_eq!(warnings, expected);
    }
}

/// NTF-9. The topics of calls announce no message.
#[test]
fn without_a_topic_of_messages_a_queue_is_polled_every_15_seconds() {
    for (refused, seconds) in [(0, 15), (1, 25)] {
        let mut scenario = Scenario::of_queue();
        let topics = scenario.tracker.topics_for_new_channel();
        let state = TopicState {
            id: topics[refused].clone(),
            is_permitted: false,
            rejection_reason: None,
            missing_permissions: Vec::new(),
        };
        let answer = Subscribed { states: vec![state], token_renew_at: None };
        scenario.tracker.on_subscribed(&topics, &answer, false, Now::read());
        scenario.follow("c1");
        assert_eq!(scenario.tracker.poll_period("c1"), Duration::from_secs(seconds), "{}", topics[refused]);
    }
}

#[test]
fn a_failed_subscription_is_repeated() {
    let mut scenario = scenario();
    let first = start_subscription(&mut scenario);
    assert_eq!(answer(&mut scenario, SubscribeMode::Add, Err(unavailable())), Some(unavailable()));
    assert_eq!(start_subscription(&mut scenario), first);
}

#[test]
fn an_invalid_token_renews_all_subscriptions_and_a_renewal_that_stays_refused_loses_the_channel() {
    for error in [forbidden(), unexpected()] {
        let mut scenario = scenario();
        let (_, topics, _) = start_subscription(&mut scenario);
        answer(&mut scenario, SubscribeMode::Add, Ok(Subscribed::default()));
        scenario.advance(1000);
        scenario.requests();
        scenario.snapshot("c1", &[customer(&[]), agent("u1")]);
        scenario.handle(Input::TokenInvalidated);
        assert_eq!(scenario.time_to_request(), Some(Duration::from_secs(9)), "not twice within ten seconds");
        scenario.advance(9000);
        for seconds in [1, 2, 4, 8, 16] {
            let subscription = ("first".to_owned(), topics.clone(), SubscribeMode::Replace);
            let Some(Request::Subscribe { channel, topics, mode }) =
                scenario.tracker.subscribe_request(scenario.now.mono)
            else {
                panic!("no renewal after {seconds} s")
            };
            assert_eq!((channel, topics, mode), subscription);
            assert_eq!(answer(&mut scenario, SubscribeMode::Replace, Err(error.clone())), None);
            assert!(scenario.events().is_empty() && scenario.tracker.channel().is_some(), "{seconds}");
            assert_eq!(scenario.warnings().len(), usize::from(seconds == 1), "once");
            scenario.advance(seconds * 1000);
        }
        assert!(scenario.tracker.subscribe_request(scenario.now.mono).is_some());
        assert_eq!(answer(&mut scenario, SubscribeMode::Replace, Err(error)), None);
        assert_eq!(scenario.events(), ["channel lost: the service refused to renew it"]);
    }
}

#[test]
fn notifications_about_the_channel_lose_it_or_announce_the_next_socket() {
    let mut scenario = scenario();
    scenario.notify(Notification::SocketClosing);
    assert_eq!(scenario.tracker.reconnect_at(), Some(scenario.now.mono));
    scenario.handle(Input::PollAll);
    assert_eq!(scenario.tracker.reconnect_at(), None);
    scenario.notify(Notification::ChannelLost("taken".to_owned()));
    assert!(scenario.tracker.channel().is_none());
    scenario.create_channel("second");
    scenario.notify(Notification::TokenRevoked);
    assert!(scenario.tracker.channel().is_none());
    assert_eq!(scenario.events(), ["channel lost: taken", "channel lost: its token was revoked"]);
}

#[test]
fn three_unannounced_closes_within_a_minute_mean_a_shared_channel() {
    let mut scenario = scenario();
    for _ in 0..3 {
        assert!(scenario.warnings().is_empty() && scenario.tracker.channel().is_some());
        scenario.handle(Input::SocketClosed);
    }
    assert_eq!(scenario.warnings(), [Warning::ChannelShared]);
    assert!(scenario.tracker.channel().is_none());
}

#[test]
fn a_forgotten_channel_is_discarded_without_a_report() {
    let mut scenario = scenario();
    scenario.handle(Input::ChannelForgotten);
    assert!(scenario.tracker.channel().is_none() && scenario.events().is_empty());
}

#[test]
fn a_channel_and_its_first_subscription_arrive_together() {
    for (subscription, warnings, requests) in
        [(Some(Ok(Subscribed::default())), 0, 0), (Some(Err("no".to_owned())), 1, 0), (None, 0, 1)]
    {
        let mut scenario = scenario();
        let channel = scenario.tracker.channel().expect("a channel").clone();
        let topics = scenario.tracker.topics_for_new_channel();
        scenario.handle(Input::ChannelCreated(CreatedChannel { channel, topics, subscription }));
        assert_eq!((scenario.warnings().len(), scenario.requests().len()), (warnings, requests));
    }
}
