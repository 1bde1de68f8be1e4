//! The events of outages.

use super::*;
use crate::event::Gap;

#[test]
fn the_events_of_an_outage_are_emitted_in_order_before_newer_ones() {
    let mut scenario = Scenario::live();
    scenario.reconnect(5);
    assert_eq!(scenario.time_to_poll(), Some(Duration::ZERO));
    scenario.notification(&[ada(&["9a"])]);
    scenario.advance(250);
    scenario.answer_requests();
    assert!(scenario.events().is_empty(), "an earlier message may be missing");
    scenario.snapshot(&[ada(&["1a", "7a", "6a", "9a"]), participant("Sam", "agent", "connected", &["8a"])]);
    scenario.advance(250);
    scenario.answer_requests();
    let missed = ["<Outage", "[Sam joined]", "Ada: 6a (old)", "Ada: 7a (old)", "Sam: 8a (old)", "Ada: 9a (old)", ">"];
    assert_eq!(scenario.events(), missed);
    scenario.reconnect(20);
    scenario.snapshot(&[ada(&["1a", "7a", "6a", "9a"])]);
    assert!(scenario.events().is_empty() && scenario.conversation.is_caught_up(), "nothing was missed");
}

#[test]
fn a_message_from_before_an_outage_precedes_those_of_the_outage() {
    for is_in_flight in [false, true] {
        let mut scenario = Scenario::live();
        scenario.advance(250);
        scenario.notification(&[ada(&["2a"])]);
        if is_in_flight {
            scenario.start_request().expect("a request");
        }
        scenario.reconnect(5);
        scenario.snapshot(&[ada(&["1a", "2a", "6a"])]);
        if is_in_flight {
            scenario.answer(&["2a"]);
            scenario.advance(250);
        }
        scenario.answer_requests();
        assert_eq!(scenario.events(), ["<Outage", "Ada: 2a", "Ada: 6a (old)", ">"]);
    }
}

#[test]
fn a_snapshot_from_before_an_outage_does_not_complete_its_backfill() {
    let mut scenario = Scenario::live();
    scenario.start_poll();
    scenario.reconnect(5);
    scenario.apply(snapshot(&[ada(&["1a"])]), SnapshotKind::Complete);
    assert!(scenario.conversation.is_recovering());
    scenario.snapshot(&[ada(&["1a", "6a"])]);
    scenario.advance(250);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["<Outage", "Ada: 6a (old)", ">"]);
}

#[test]
fn an_outage_during_the_startup_extends_the_history() {
    let mut scenario = Scenario::new();
    scenario.snapshot(&[ada(&["1a"])]);
    scenario.start_request().expect("a request");
    scenario.conversation.messages_failed();
    scenario.reconnect(5);
    scenario.advance(250);
    scenario.snapshot(&[ada(&["1a", "6a"])]);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["<Startup", "Ada: 1a (old)", "Ada: 6a (old)", ">"]);
}

#[test]
fn bodies_that_arrive_do_not_reset_the_count_of_failed_snapshots() {
    let mut scenario = Scenario::live();
    scenario.conversation.poll_failed(scenario.now.mono);
    scenario.reconnect(5);
    for failures in 1..=6 {
        assert_eq!(scenario.conversation.failures(), failures - 1);
        scenario.start_poll();
        scenario.conversation.poll_failed(scenario.now.mono);
        scenario.notification(&[ada(&[&format!("{failures}b")])]);
        scenario.advance(250);
        scenario.answer_requests();
    }
    assert_eq!(scenario.conversation.failures(), 6);
    scenario.abandon_backfill();
    let lines = scenario.events();
    assert_eq!((lines.len(), lines[0].as_str(), lines[1].as_str()), (9, "gap from 5", "<Outage"));
}

#[test]
fn each_outage_whose_backfill_is_abandoned_is_one_gap() {
    let mut scenario = Scenario::of(Mode::HistoryOnly);
    scenario.abandon_backfill();
    assert!(scenario.events().is_empty() && !scenario.conversation.is_backfilling(), "none at the start");
    for second in [5, 10] {
        scenario.reconnect(second);
        let reconnected_at = scenario.now.wall;
        scenario.advance(5_000);
        scenario.abandon_backfill();
        scenario.abandon_backfill();
        let reason = "reset".to_owned();
        let gap = EventBody::Gap(Gap { from: at(second), to: reconnected_at, reason });
        let events = scenario.conversation.take_events();
        let [Event::Live(_, event)] = &events[..] else { panic!("not one event: {events:?}") };
        assert_eq!((event.at, &event.body), (Some(reconnected_at), &gap));
    }
    assert_eq!(scenario.time_to_poll(), None, "a later message would stand among newer ones");
}

#[test]
fn an_abandoned_backfill_emits_what_was_read_after_its_gap_and_the_rest_with_the_next_outage() {
    let mut scenario = Scenario::of(Mode::HistoryOnly);
    scenario.snapshot(&[ada(&[])]);
    scenario.reconnect(5);
    let mut ids: Vec<String> = (6..206).map(|number| format!("{number}a")).collect();
    ids.push("300a".into());
    scenario.snapshot(&[ada_with(&ids)]);
    scenario.start_request().expect("the first two hundred");
    scenario.answer(&ids[..200]);
    scenario.abandon_backfill();
    let lines = scenario.events();
    assert_eq!((lines.len(), &lines[..3]), (203, &["gap from 5".into(), "<Outage".into(), "Ada: 6a (old)".into()][..]));
    let next_request = scenario.conversation.next_messages_request_at(scenario.now.mono);
    assert_eq!(next_request, None, "a message after the gap would be out of order");
    scenario.reconnect(400);
    scenario.snapshot(&[ada(&["300a", "401a"])]);
    scenario.advance(250);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["<Outage", "Ada: 300a (old)", "Ada: 401a (old)", ">"]);
}

#[test]
fn a_message_from_before_the_start_is_not_missed_in_a_later_outage() {
    let mut scenario = Scenario::of(Mode::HistoryOnly);
    scenario.abandon_backfill();
    scenario.reconnect(5);
    let mut ada = ada(&["1a", "2a"]);
    ada["messages"][1]["messageTime"] = json!(scenario.now.wall + Duration::from_secs(1));
    scenario.snapshot(&[ada]);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["<Outage", "Ada: 2a (old)", ">"]);
}
