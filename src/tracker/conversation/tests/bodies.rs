//! Bodies that are requested, and arrive late or never.

use super::*;
use crate::event::KnownStatus;

#[test]
fn a_message_is_emitted_once_however_often_it_is_listed() {
    let mut scenario = Scenario::live();
    let mut sam = participant("Sam", "agent", "connected", &["2a"]);
    for status in ["sent", "delivery-success", "read", "removed"] {
        sam["messages"][0]["messageStatus"] = json!(status);
        scenario.notification(&[sam.clone()]);
        scenario.advance(300);
        scenario.answer_requests();
        scenario.snapshot(&[ada(&["1a"]), sam.clone(), participant("Noor", "agent", "alerting", &["2a"])]);
        scenario.answer_requests();
    }
    assert_eq!(scenario.events(), ["[Sam joined]", "Sam: 2a"]);
}

#[test]
fn a_message_that_was_delivered_already_is_not_requested() {
    let mut scenario = Scenario::live();
    let list = snapshot(&[ada(&["3a"])]);
    scenario.conversation.apply_snapshot(list, SnapshotKind::Partial, scenario.now, |_, id, _| id == "3a");
    scenario.advance(300);
    assert_eq!((scenario.answer_requests().len(), scenario.events().len()), (0, 0));
}

#[test]
fn a_burst_of_messages_shares_a_request_and_a_failed_request_is_repeated() {
    let mut scenario = Scenario::live();
    scenario.advance(250);
    scenario.notification(&[ada(&["5a"])]);
    assert_eq!(scenario.start_request().expect("a request"), ["5a"]);
    scenario.notification(&[ada(&["4a", "2a"])]);
    assert_eq!(scenario.start_request(), None, "one request at a time");
    scenario.conversation.messages_failed();
    assert_eq!(scenario.conversation.failures(), 1);
    assert_eq!(scenario.start_request().expect("a request"), ["2a", "4a", "5a"]);
    scenario.answer(&["5a", "4a", "2a"]);
    assert_eq!(scenario.events(), ["Ada: 2a", "Ada: 4a", "Ada: 5a"]);
    assert_eq!(scenario.conversation.failures(), 0);
}

#[test]
fn a_late_body_is_requested_for_a_minute_and_delays_no_other_message() {
    let mut scenario = Scenario::live();
    let start = scenario.now.mono;
    scenario.advance(250);
    scenario.notification(&[ada(&["2a"])]);
    assert_eq!(scenario.start_request().expect("a request"), ["2a"]);
    scenario.answer(&[""; 0]);
    scenario.notification(&[ada(&["3a"])]);
    scenario.advance(250);
    assert_eq!(scenario.start_request().expect("a request"), ["3a"]);
    scenario.answer(&["3a"]);
    assert_eq!(scenario.events(), ["Ada: 3a"]);
    assert!(!scenario.conversation.is_caught_up());

    let mut requested = 0;
    let mut events = Vec::new();
    while events.is_empty() {
        let due = scenario.conversation.next_messages_request_at(scenario.now.mono).expect("a next request");
        let delay = due - scenario.now.mono;
        scenario.now = Now { mono: due, wall: scenario.now.wall + delay };
        requested += scenario.start_request().map_or(0, |ids| ids.len());
        assert!(due - start < Duration::from_secs(70));
        let empty = r#"{"entities": [{"id": "2a", "normalizedMessage": null, "textBody": ""}]}"#;
        scenario.conversation.on_messages(parse_bulk(empty).expect("a list of bodies"), scenario.now);
        events = scenario.events();
    }
    assert_eq!(events, ["Ada: no text"]);
    let elapsed = scenario.now.mono - start;
    assert!((Duration::from_secs(60)..Duration::from_secs(70)).contains(&elapsed), "{elapsed:?}");
    assert!((8..15).contains(&requested), "{requested}");
    assert!(scenario.conversation.is_caught_up());
    scenario.advance(100_000);
    assert!(scenario.start_request().is_none());
}

#[test]
fn a_body_without_content_is_emitted_at_once() {
    let mut scenario = Scenario::live();
    scenario.advance(250);
    scenario.notification(&[ada(&["2a", "3a"])]);
    scenario.start_request().expect("a request");
    let bodies = r#"{"entities": [{"id": "2a", "normalizedMessage": {"type": "Unknown"}},
        {"id": "3a", "normalizedMessage": {"type": "Text", "text": "", "content": []}}]}"#;
    scenario.conversation.on_messages(parse_bulk(bodies).expect("a list of bodies"), scenario.now);
    assert_eq!(scenario.events(), ["Ada: [unsupported message]", "Ada: [unsupported message]"]);
    assert_eq!((scenario.start_request(), scenario.conversation.is_caught_up()), (None, true));
}

#[test]
fn a_removed_message_without_a_body_is_emitted_at_once() {
    let mut scenario = Scenario::live();
    scenario.advance(250);
    let mut ada = ada(&["2a"]);
    ada["messages"][0]["messageStatus"] = json!("removed");
    scenario.notification(&[ada]);
    scenario.start_request().expect("a request");
    scenario.answer(&[""; 0]);
    assert_eq!(scenario.events(), ["Ada: [message removed]"]);
    assert!(scenario.conversation.is_caught_up());
}

#[test]
fn the_list_tells_that_a_message_was_not_delivered() {
    let mut scenario = Scenario::live();
    scenario.advance(250);
    let mut ada = ada(&["2a"]);
    ada["messages"][0]["messageStatus"] = json!("delivery-failed");
    ada["messages"][0]["errorInfo"] = json!({"code": "bad.address", "message": "Bad address"});
    scenario.notification(&[ada]);
    scenario.answer_requests();
    let events = scenario.conversation.take_events();
    let [Event::Live(_, TimedEvent { body: EventBody::Message(message), .. })] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(message.display_text(), "2a [not delivered: Bad address]");
    assert_eq!(message.status, Some(KnownStatus::Failed));
}

#[test]
fn an_old_message_without_a_body_is_emitted_without_text_at_once() {
    let mut scenario = Scenario::new();
    scenario.snapshot(&[ada(&["1a", "2a"])]);
    scenario.start_request().expect("a request");
    scenario.answer(&["2a"]);
    assert_eq!(scenario.events(), ["<Startup", "Ada: no text (old)", "Ada: 2a (old)", ">"]);
}

#[test]
fn a_late_body_of_a_recent_message_does_not_delay_the_history() {
    let mut scenario = Scenario::new();
    let mut ada = ada(&["1a", "2a"]);
    ada["messages"][1]["messageTime"] = json!(scenario.now.wall);
    scenario.snapshot(&[ada]);
    scenario.start_request().expect("a request");
    scenario.answer(&["1a"]);
    assert_eq!(scenario.events(), ["<Startup", "Ada: 1a (old)", ">"]);
    scenario.advance(500);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["Ada: 2a (old)"]);
}
