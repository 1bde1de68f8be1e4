//! Calls, names, and message events that need no request.

use super::*;
use crate::wire::transcription::Transcription;

fn transcription(id: &str, side: &str, is_final: bool) -> Transcription {
    let utterance = json!({ "utteranceId": id, "isFinal": is_final, "channel": side,
        "alternatives": [{ "decoratedTranscript": id, "words": [{ "startTimeMs": at(second(id)).timestamp_millis() }] }] });
    Transcription::from_value(&json!({ "transcripts": [utterance] }))
}

/// A conversation whose customer is on a call with Sam.
fn call() -> Scenario {
    let mut scenario = Scenario::new();
    let mut ada = ada(&[]);
    ada["calls"] = json!([{ "id": "x", "state": "connected" }]);
    scenario.snapshot(&[ada, participant("Sam", "agent", "connected", &[])]);
    assert!(scenario.conversation.has_calls() && scenario.events().is_empty());
    scenario
}

#[test]
fn a_final_utterance_is_emitted_with_its_speaker() {
    let mut scenario = call();
    scenario.advance(1000);
    let hear = |scenario: &mut Scenario, id, side, is_final| {
        scenario.conversation.handle_transcription(transcription(id, side, is_final), scenario.now);
    };
    hear(&mut scenario, "1a", "EXTERNAL", false);
    assert!(scenario.events().is_empty(), "a hypothesis");
    hear(&mut scenario, "1a", "EXTERNAL", true);
    hear(&mut scenario, "2a", "INTERNAL", true);
    hear(&mut scenario, "3a", "BOTH", true);
    assert_eq!(scenario.events(), ["Ada: 1a", "Sam: 2a"], "a snapshot may tell the speaker of the third");
    scenario.snapshot(&[ada(&[])]);
    assert_eq!(scenario.events(), ["-: 3a"]);
    scenario.advance(1000);
    hear(&mut scenario, "4a", "INTERNAL", true);
    assert_eq!(scenario.events(), ["Sam: 4a"]);
}

#[test]
fn an_outage_during_a_call_is_a_gap_and_after_its_end_is_none() {
    let mut scenario = call();
    for second in [5, 10] {
        scenario.reconnect(second);
        assert_eq!(scenario.events(), [format!("gap from {second}")]);
    }
    scenario.abandon_backfill();
    assert!(scenario.events().is_empty(), "once");
    let end = Transcription { session_ended: true, ..Transcription::default() };
    scenario.conversation.handle_transcription(end, scenario.now);
    scenario.reconnect(15);
    assert!(scenario.events().is_empty());
}

#[test]
fn no_body_is_requested_during_a_name_look_up() {
    let mut scenario = Scenario::new();
    let mut unnamed = participant("p", "agent", "connected", &["1a"]);
    (unnamed["name"], unnamed["userId"]) = (json!(null), json!("u1"));
    scenario.snapshot(&[unnamed]);
    let participants = scenario.conversation.participants_mut();
    assert_eq!(participants.unresolved_users(), ["u1"]);
    participants.lookup_started("u1");
    assert_eq!(scenario.start_request(), None);
    assert_eq!(scenario.conversation.next_messages_request_at(scenario.now.mono), None);
    scenario.conversation.participants_mut().lookup_completed("u1", Some(&"Sam".to_owned()));
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["<Startup", "Sam: 1a (old)", ">"]);
}

#[test]
fn many_ids_that_no_list_holds_any_more_are_forgotten() {
    let mut scenario = Scenario::live();
    let ids: Vec<String> = (2..MAX_UNLISTED_IDS + 100).map(|number| format!("{number}a")).collect();
    let list = snapshot(&[ada_with(&ids)]);
    scenario.conversation.apply_snapshot(list, SnapshotKind::Partial, scenario.now, |_, _, _| true);
    assert!(scenario.conversation.seen_ids.len() > MAX_UNLISTED_IDS);
    scenario.snapshot(&[ada(&["1a"])]);
    assert_eq!(scenario.conversation.seen_ids.len(), 1);
}

#[test]
fn a_message_event_is_emitted_without_a_request() {
    let mut scenario = Scenario::live();
    scenario.advance(250);
    let mut ada = ada(&["2a"]);
    ada["messages"][0]["messageMetadata"] = json!({ "type": "Event", "events": [{ "eventType": "Typing" }] });
    scenario.notification(&[ada]);
    assert_eq!(scenario.start_request(), None);
    let event = scenario.conversation.take_events().pop();
    let Some(Event::Live(_, TimedEvent { body: EventBody::Message(message), .. })) = event else {
        panic!("{event:?} is no message")
    };
    assert_eq!(message.role, Role::System);
}

/// A participant whose list holds a receipt with this id.
fn with_receipt(mut participant: Value, id: &str) -> Value {
    participant["messages"] =
        json!([{ "messageId": id, "messageTime": at(second(id)), "messageMetadata": { "type": "Receipt" } }]);
    participant
}

#[test]
fn a_receipt_never_hides_the_text_with_its_id() {
    let sam = |ids: &[&str]| participant("Sam", "agent", "connected", ids);
    let receipt = |id| with_receipt(ada(&[]), id);
    for lists in [
        vec![vec![receipt("2a"), sam(&["2a"])]],
        vec![vec![sam(&["2a"]), receipt("2a")]],
        vec![vec![receipt("2a")], vec![receipt("2a"), sam(&["2a"])]],
    ] {
        let mut scenario = Scenario::live();
        scenario.notification(&[sam(&[])]);
        assert_eq!(scenario.events(), ["[Sam joined]"]);
        scenario.advance(250);
        for list in &lists {
            scenario.notification(list);
        }
        assert_eq!(scenario.answer_requests(), [["2a"]], "{lists:?}");
        assert_eq!(scenario.events(), ["Sam: 2a"], "{lists:?}");
        scenario.notification(&lists[lists.len() - 1]);
        assert_eq!((scenario.start_request(), scenario.events().len()), (None, 0), "{lists:?}");
    }
}

#[test]
fn a_text_follows_a_receipt_that_was_emitted() {
    let mut scenario = Scenario::live();
    scenario.advance(250);
    scenario.notification(&[with_receipt(ada(&[]), "2a")]);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["Ada: message receipt"]);
    scenario.notification(&[participant("Sam", "agent", "connected", &[])]);
    assert_eq!(scenario.events(), ["[Sam joined]"]);
    scenario.notification(&[with_receipt(ada(&[]), "2a"), participant("Sam", "agent", "connected", &["2a"])]);
    scenario.answer_requests();
    assert_eq!(scenario.events(), ["Sam: 2a"]);
}
