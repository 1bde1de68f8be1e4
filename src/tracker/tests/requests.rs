//! The order and the times of requests.

use super::*;

#[test]
fn requests_are_ordered_by_importance() {
    let mut scenario = Scenario::of_queue();
    for id in ["c1", "c2"] {
        scenario.follow(id);
    }
    for _ in 0..2 {
        scenario.tracker.poll_request(scenario.now, Lane::All).expect("a search, then a snapshot");
    }
    scenario.requests();
    scenario.snapshot("c1", &[customer(&["m1"])]);
    scenario.snapshot("c2", &[customer(&["m2"]), agent("u1")]);
    scenario.follow("c3");
    scenario.create_channel("first");
    let topics = scenario.tracker.wanted_topics();
    assert_eq!(scenario.time_to_request(), Some(Duration::ZERO));
    let expected = [
        Request::Subscribe { channel: "first".into(), topics, mode: SubscribeMode::Add },
        look_up("u1"),
        request_messages("c1", &["m1"]),
        Request::Snapshot("c3".into()),
    ];
    assert_eq!(scenario.requests(), expected);
    assert_eq!(scenario.time_to_request(), Some(Duration::from_secs(15)), "the next snapshots of c1 and c2");
}

#[test]
fn the_oldest_due_snapshot_is_requested_first() {
    let mut scenario = Scenario::of(Mode::Full, &["c2"]);
    scenario.advance(1000);
    scenario.follow("c1");
    assert_eq!(scenario.requests(), [Request::Snapshot("c2".into()), Request::Snapshot("c1".into())]);
}

#[test]
fn a_new_socket_polls_everything() {
    let mut scenario = Scenario::of(Mode::Full, &["c1", "c2"]);
    scenario.requests();
    for id in ["c1", "c2"] {
        scenario.snapshot(id, &[customer(&[])]);
    }
    scenario.advance(5000);
    assert_eq!(scenario.requests(), []);
    scenario.handle(Input::PollAll);
    assert_eq!(scenario.requests(), [Request::Snapshot("c1".into()), Request::Snapshot("c2".into())]);
}

#[test]
fn many_conversations_are_polled_less_often_within_half_of_the_rate_limit() {
    for (conversations, limit, seconds) in [
        (1, None, 15),
        (37, None, 15),
        (50, None, 20),
        (500, None, 200),
        (50, Some(600), 15),
        (50, Some(60), 100),
        (2, Some(0), 120),
    ] {
        let mut scenario = Scenario::of(Mode::Full, &[]);
        if let Some(limit) = limit {
            scenario.handle(Input::RateLimit(limit));
        }
        (0..conversations).for_each(|number| scenario.follow(&number.to_string()));
        let period = scenario.tracker.poll_period("0");
        assert_eq!(period, Duration::from_secs(seconds), "{conversations} conversations, limit {limit:?}");
    }
}

#[test]
fn history_needs_no_snapshot_after_the_first() {
    let mut scenario = Scenario::of(Mode::HistoryOnly, &["c1"]);
    assert_eq!(scenario.time_to_request(), Some(Duration::ZERO));
    assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())]);
    assert_eq!(scenario.time_to_request(), None, "while it is in flight");
    scenario.snapshot("c1", &[customer(&[])]);
    assert_eq!(scenario.time_to_request(), None);
}

#[test]
fn a_cursor_needs_the_messages_that_the_wanted_history_leaves_out() {
    let history = History { lines: Some(0), since: None, follow: true, call_transcript_wait: Duration::ZERO };
    for (dedup, count) in [(Dedup::default(), 0), (Dedup::resumed(FingerprintKey::default(), []), 1)] {
        let mut scenario = Scenario { dedup, ..Scenario::with(TrackerOptions { history, ..options() }) };
        scenario.follow("c1");
        scenario.requests();
        scenario.snapshot("c1", &[customer(&["m1"])]);
        assert_eq!(scenario.requests().len(), count);
    }
}

#[test]
fn conversations_and_polls_take_turns_when_the_rate_limit_delays_requests() {
    let mut scenario = Scenario::of(Mode::Full, &["c1", "c2"]);
    scenario.requests();
    let mut served = [0; 3];
    for id in ["c1", "c2"] {
        scenario.snapshot(id, &[customer(&[])]);
    }
    for round in 0..60 {
        for id in ["c1", "c2"] {
            scenario.notify(notification(id, &[customer(&[&format!("{id}-{round}")])]));
        }
        scenario.advance(1000);
        match scenario.tracker.poll_request(scenario.now, Lane::All).expect("a request") {
            Request::Messages { conversation, ids } => {
                served[usize::from(conversation == "c2")] += 1;
                scenario.bodies(&conversation, &ids.iter().map(String::as_str).collect::<Vec<_>>());
            }
            Request::Snapshot(id) => {
                served[2] += 1;
                scenario.snapshot(&id, &[customer(&[])]);
            }
            request => panic!("{request:?}"),
        }
    }
    assert_eq!(served, [27, 27, 6]);
}
