//! The order of requests where there are more than the rate limit allows.

use std::collections::BTreeSet;

use super::*;

/// The time between two requests at the usual limit of 300 a minute.
const SLOT: u64 = 200;

/// A queue with this many open conversations of which nothing is known yet.
fn of_open(count: usize) -> Scenario {
    let mut scenario = Scenario::of_queue();
    let ids: Vec<String> = (0..count).map(id).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    scenario.tracker.poll_request(scenario.now, Lane::All).expect("a search");
    scenario.find(&ids);
    scenario
}

fn id(number: usize) -> String {
    format!("c{number:04}")
}

/// A queue whose open conversations are known and have no messages.
fn of_known(count: usize) -> Scenario {
    let mut scenario = of_open(count);
    for request in scenario.requests() {
        let Request::Snapshot(id) = request else { panic!("{request:?}") };
        scenario.snapshot(&id, &[customer(&[])]);
    }
    scenario
}

/// Returns the next request that is no search.
fn next(scenario: &mut Scenario) -> Option<Request> {
    loop {
        match scenario.tracker.poll_request(scenario.now, Lane::All) {
            Some(Request::OpenConversations(_)) => scenario.find(&[]),
            request => return request,
        }
    }
}

fn next_urgent(scenario: &mut Scenario) -> Option<Request> {
    scenario.tracker.poll_request(scenario.now, Lane::Urgent)
}

/// Answers a request: snapshots with this message, and bodies.
fn answer(scenario: &mut Scenario, request: &Request, message: &str) {
    match request {
        Request::Snapshot(id) => scenario.snapshot(id, &[customer(&[message])]),
        Request::Messages { conversation, ids } => {
            scenario.bodies(conversation, &ids.iter().map(String::as_str).collect::<Vec<_>>());
        }
        request => panic!("{request:?}"),
    }
}

#[test]
fn a_live_message_precedes_a_thousand_snapshots_of_the_start() {
    let mut scenario = of_open(1000);
    assert_eq!(next(&mut scenario), Some(Request::Snapshot(id(0))));
    scenario.snapshot(&id(0), &[customer(&[])]);
    let (known, unknown) = (id(0), id(999));
    scenario.notify(notification(&known, &[customer(&["m1"])]));
    scenario.notify(notification(&unknown, &[customer(&["m2"])]));
    scenario.notify(notification("new", &[customer(&["m3"])]));
    scenario.advance(SLOT);
    for expected in
        [request_messages(&known, &["m1"]), Request::Snapshot(unknown.clone()), Request::Snapshot("new".into())]
    {
        assert_eq!(next(&mut scenario), Some(expected));
    }
    scenario.bodies(&known, &["m1"]);
    scenario.snapshot(&unknown, &[customer(&["m2"])]);
    assert_eq!(next(&mut scenario), Some(Request::Snapshot(id(1))), "the others have their turn");
    assert_eq!(next(&mut scenario), Some(request_messages(&unknown, &["m2"])), "its history is urgent too");
    scenario.bodies(&unknown, &["m2"]);
    assert_eq!(scenario.events(), ["c0000: m1", "c0999 Startup: [m2]"]);
}

#[test]
fn conversations_with_live_messages_are_printed_one_after_the_other() {
    let mut scenario = of_open(100);
    for number in 0..100 {
        scenario.notify(notification(&id(number), &[customer(&["m1"])]));
    }
    for number in 0..3 {
        assert_eq!(next_urgent(&mut scenario), Some(Request::Snapshot(id(number))));
        scenario.advance(SLOT);
        scenario.snapshot(&id(number), &[customer(&["m1"])]);
        assert_eq!(next_urgent(&mut scenario), Some(request_messages(&id(number), &["m1"])));
    }
}

#[test]
fn after_an_outage_a_conversation_with_a_new_message_is_read_first() {
    let mut scenario = of_known(100);
    scenario.reconnect(5);
    assert_eq!(next(&mut scenario), Some(Request::Snapshot(id(0))));
    scenario.notify(notification(&id(70), &[customer(&["m1"])]));
    assert_eq!(next(&mut scenario), Some(request_messages(&id(70), &["m1"])));
    assert_eq!(next(&mut scenario), Some(Request::Snapshot(id(70))), "other messages may precede it");
    scenario.reconnect(6);
    assert_eq!(next(&mut scenario), Some(Request::Snapshot(id(1))), "the message is a part of the next outage");
}

#[test]
fn the_first_history_is_printed_before_the_other_snapshots() {
    let mut scenario = of_open(1000);
    let first = next(&mut scenario).expect("a snapshot");
    answer(&mut scenario, &first, "m1");
    assert_eq!(next(&mut scenario), Some(request_messages(&id(0), &["m1"])));
    scenario.bodies(&id(0), &["m1"]);
    assert_eq!(scenario.events(), ["c0000 Startup: [m1]"]);
}

/// More live messages than the rate limit allows requests, for ten minutes.
#[test]
fn no_conversation_starves_while_live_messages_take_every_slot() {
    let (mut scenario, slots) = (of_open(50), 3000);
    let (mut polled, mut polls) = (BTreeSet::new(), 0);
    let mut waiting: HashMap<String, Instant> = HashMap::new();
    let mut longest = Duration::ZERO;
    for slot in 0..slots {
        scenario.advance(SLOT);
        // Every second slot has a message, in one of ten conversations of which most are busy all the time.
        for number in [slot % 9, 9 + slot % 3] {
            let conversation = id(number);
            waiting.entry(conversation.clone()).or_insert(scenario.now.mono);
            scenario.notify(notification(&conversation, &[customer(&[&format!("m{slot}-{number}")])]));
        }
        let request = next(&mut scenario).expect("a request");
        answer(&mut scenario, &request, "m");
        match request {
            Request::Messages { conversation, .. } => {
                if let Some(since) = waiting.remove(&conversation) {
                    longest = longest.max(scenario.now.mono - since);
                }
            }
            Request::Snapshot(id) => {
                polls += 1;
                polled.insert(id);
            }
            request => panic!("{request:?}"),
        }
        scenario.events();
    }
    assert_eq!(polled.len(), 50, "every conversation was read");
    assert!(polls >= 50 * 2, "{polls}");
    assert!(longest < Duration::from_secs(10), "{longest:?}");
}

#[test]
fn the_lane_for_urgent_requests_has_no_others() {
    let mut scenario = of_open(10);
    let urgent = |scenario: &mut Scenario| {
        let request = scenario.tracker.poll_request(scenario.now, Lane::Urgent);
        (request, scenario.tracker.poll_timeout(scenario.now.mono, Lane::Urgent))
    };
    assert_eq!(urgent(&mut scenario), (None, None));
    scenario.notify(notification(&id(7), &[customer(&["m1"])]));
    assert_eq!(urgent(&mut scenario).0, Some(Request::Snapshot(id(7))));
    scenario.snapshot(&id(7), &[customer(&["m1"])]);
    assert_eq!(urgent(&mut scenario), (Some(request_messages(&id(7), &["m1"])), None));
    scenario.bodies(&id(7), &["m1"]);
    scenario.notify(notification(&id(7), &[left(customer(&["m1"]))]));
    assert_eq!(
        scenario.tracker.poll_timeout(scenario.now.mono, Lane::Urgent),
        Some(scenario.now.mono + Duration::from_secs(3))
    );
    scenario.advance(3000);
    assert_eq!(urgent(&mut scenario), (Some(Request::Snapshot(id(7))), None), "the end is printed after it");
}

#[test]
fn urgent_requests_are_repeated_first_after_a_pause() {
    let mut scenario = of_known(20);
    for number in [8, 3] {
        scenario.advance(1);
        scenario.notify(notification(&id(number), &[customer(&["m1"])]));
    }
    scenario.notify(notification("new", &[customer(&["m1"])]));
    scenario.handle(Input::PollAll);
    let expected =
        [request_messages(&id(8), &["m1"]), request_messages(&id(3), &["m1"]), Request::Snapshot("new".into())];
    for _ in 0..2 {
        scenario.advance(1000);
        let requests = [(); 3].map(|()| scenario.tracker.poll_request(scenario.now, Lane::Urgent).expect("a request"));
        assert_eq!(requests, expected);
        // A 429 pauses all requests. The caller repeats none itself.
        for number in [8, 3] {
            assert_eq!(scenario.fail_bodies(&id(number), rate_limited()), Some(rate_limited()));
        }
        assert_eq!(scenario.fail_snapshot("new", rate_limited()), Some(rate_limited()));
    }
    scenario.advance(1000);
    let [first, second] =
        [(); 2].map(|()| scenario.tracker.poll_request(scenario.now, Lane::Urgent).expect("a request"));
    assert_eq!([first, second], expected[..2]);
}

/// NTF-9.
#[test]
fn the_snapshots_of_a_thousand_conversations_are_spread_over_their_period() {
    let mut scenario = of_known(1000);
    let mut per_minute = Vec::new();
    for _ in 0..14 {
        let mut snapshots = 0;
        for _ in 0..300 {
            scenario.advance(SLOT);
            for request in scenario.requests() {
                if let Request::Snapshot(id) = request {
                    snapshots += 1;
                    scenario.snapshot(&id, &[customer(&[])]);
                } else {
                    scenario.find(&[]);
                }
            }
        }
        per_minute.push(snapshots);
    }
    assert!(per_minute.iter().all(|snapshots| *snapshots <= 151), "{per_minute:?}");
    let total: i32 = per_minute[7..].iter().sum();
    assert!(total >= 1000, "each within its period of 400 s: {per_minute:?}");
}

#[test]
fn the_names_of_all_agents_are_one_request() {
    let mut scenario = of_open(120);
    scenario.requests();
    for number in 0..120 {
        let users = [agent(&format!("u{number:03}")), agent(&format!("u{:03}", (number + 1) % 120))];
        scenario.snapshot(&id(number), &users);
    }
    let lookups: Vec<usize> = scenario
        .requests()
        .iter()
        .map(|request| match request {
            Request::UserNames(users) => users.len(),
            request => panic!("{request:?}"),
        })
        .collect();
    assert_eq!(lookups, [100, 20], "each once");
}
