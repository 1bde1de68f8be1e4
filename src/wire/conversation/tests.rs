//! All shapes, and what is in none of them.

use proptest::prelude::*;
use serde_json::json;

use super::super::fixtures::{FLAT, NESTED, mangled};
use super::*;

fn participant(value: &Value) -> Participant {
    Snapshot::from_value(&json!({ "participants": [value] })).participants.pop().expect("a participant")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// The ids, and the words of signs: `m1 joined, m2`.
fn shown(messages: &[MessageRef]) -> String {
    let words = |entry: &MessageRef| match &entry.kind {
        MessageKind::Text => entry.id.clone(),
        MessageKind::Event(words) => format!("{} {words}", entry.id),
    };
    messages.iter().map(words).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_nested_shape_is_read_through_its_communications() {
    let snapshot = Snapshot::parse(NESTED).expect("a conversation");
    assert_eq!((snapshot.id.as_deref(), snapshot.ended_at), (Some("c1"), None));
    assert!(snapshot.has_messages && !snapshot.has_calls && !snapshot.has_ended());
    let [casey, dana] = snapshot.participants.as_slice() else { panic!("{snapshot:?}") };
    assert_eq!((&casey.purpose, casey.presence, casey.user.as_ref()), (&Purpose::Customer, Presence::Connected, None));
    assert_eq!(shown(&casey.messages), "m1 joined, m2");
    assert_eq!(casey.messages[1].sent_at, Some(at("2026-10-08T14:01:20.310Z")));
    assert_eq!(dana.user, Some(EntityRef { id: "u1".into(), name: None }));
    assert_eq!((dana.presence, dana.disconnect_type.as_deref()), (Presence::Disconnected, Some("transfer.noanswer")));
    assert_eq!(dana.connected_at, Some(at("2026-10-08T14:02:04.480Z")));
    assert_eq!(dana.disconnected_at, Some(at("2026-10-08T14:03:00Z")));
    assert_eq!(shown(&dana.messages), "m3");
}

#[test]
fn the_flat_shape_is_read_the_same() {
    let snapshot = Snapshot::parse(FLAT).expect("a conversation");
    assert!(snapshot.has_messages && !snapshot.has_calls && !snapshot.has_ended());
    let [casey, queue, dana] = snapshot.participants.as_slice() else { panic!("{snapshot:?}") };
    assert_eq!(casey.queue, Some(EntityRef { id: "q1".into(), name: Some("Web Support".into()) }));
    assert_eq!(shown(&casey.messages), "m1 joined, m2");
    assert_eq!((&queue.purpose, queue.presence), (&Purpose::Queue, Presence::Disconnected));
    assert_eq!((queue.disconnected_at, queue.connected_at), (Some(at("2026-10-08T14:02:04.500Z")), None));
    assert_eq!(
        (dana.presence, dana.user.as_ref().and_then(|user| user.name.as_deref())),
        (Presence::Parked, Some("Dana Reyes"))
    );
    assert_eq!(shown(&dana.messages), "m3");
    let rest = json!({"id": "p", "state": "connected", "messages": [{"messageId": "m9", "messageURI": "/x"}]});
    assert_eq!(shown(&participant(&rest).messages), "m9");
}

#[test]
fn purposes_come_in_any_case() {
    for (word, expected) in [
        ("customer", Purpose::Customer),
        ("EXTERNAL", Purpose::Customer),
        ("Agent", Purpose::Agent),
        ("user", Purpose::Agent),
        ("acd", Purpose::Queue),
        ("botflow", Purpose::Bot),
        ("Workflow", Purpose::Bot),
        ("ivr", Purpose::Bot),
        ("Dialer", Purpose::Other("Dialer".into())),
    ] {
        assert_eq!(participant(&json!({"purpose": word})).purpose, expected, "{word}");
    }
    assert_eq!(participant(&json!({})).purpose, Purpose::Other(String::new()));
}

#[test]
fn the_liveliest_communication_is_where_somebody_is() {
    for (states, expected) in [
        (json!({"messages": [{"state": "disconnected"}, {"state": "Connected"}]}), Presence::Connected),
        (json!({"messages": [{"state": "disconnected"}], "calls": [{"state": "transmitting"}]}), Presence::Connected),
        (json!({"emails": [{"state": "parked"}], "chats": [{"state": "alerting"}]}), Presence::Parked),
        (json!({"callbacks": [{"state": "scheduled"}, {"state": "terminated"}]}), Presence::Alerting),
        (json!({"messages": [{"state": "disconnected"}, {"state": "levitating"}]}), Presence::Unknown),
        (json!({"messages": [{"state": "disconnected"}, {"state": "TERMINATED"}]}), Presence::Disconnected),
        (json!({"messages": [{"state": "connected"}], "endTime": "2026-10-08T14:03:00Z"}), Presence::Disconnected),
        (json!({"state": "none", "messages": [{"messageId": "m1"}]}), Presence::Alerting),
        (json!({"state": "terminated"}), Presence::Disconnected),
        (json!({"state": 7, "messages": []}), Presence::Unknown),
        (json!({}), Presence::Unknown),
    ] {
        assert_eq!(participant(&states).presence, expected, "{states}");
    }
}

#[test]
fn who_is_here_has_not_left_another_way() {
    let ended =
        json!({"state": "disconnected", "disconnectType": "Transfer", "disconnectedTime": "2026-10-08T14:03:00Z"});
    let gone = participant(&json!({ "messages": [ended] }));
    assert_eq!((gone.disconnect_type.as_deref(), gone.disconnected_at.is_some()), (Some("transfer"), true));
    let here = participant(&json!({"messages": [ended, {"state": "connected", "message": null, "id": "comm"}]}));
    assert_eq!((here.presence, here.disconnect_type, here.disconnected_at), (Presence::Connected, None, None));
    assert!(here.messages.is_empty(), "a communication is no message");
}

#[test]
fn it_is_over_when_it_says_so_or_everybody_has_gone() {
    let state = |states: &[&str]| {
        let participants: Vec<Value> = states.iter().map(|state| json!({ "state": state })).collect();
        json!({ "participants": participants })
    };
    for (conversation, expected) in [
        (json!({"endTime": "2026-10-08T14:03:00Z", "participants": [{"state": "connected"}]}), true),
        (json!({"endTime": null, "participants": []}), false),
        (json!({"endTime": "soon"}), false),
        (state(&["disconnected", "terminated"]), true),
        (state(&["disconnected", "connected"]), false),
        (state(&["disconnected", "parked"]), false),
        (state(&["disconnected", "alerting"]), false),
        (state(&["disconnected", "levitating"]), false),
    ] {
        assert_eq!(Snapshot::from_value(&conversation).has_ended(), expected, "{conversation}");
    }
}

#[test]
fn media_are_told_apart_before_the_first_message() {
    for (participant, messages, calls) in [
        (json!({"messages": [{"id": "comm", "state": "alerting", "messages": []}], "calls": []}), true, false),
        (json!({"messages": [], "state": "connected"}), true, false),
        (json!({"messages": [], "calls": [{"state": "connected"}]}), false, true),
        (json!({"messages": {}, "calls": "many"}), false, false),
    ] {
        let snapshot = Snapshot::from_value(&json!({ "participants": [participant] }));
        assert_eq!((snapshot.has_messages, snapshot.has_calls), (messages, calls), "{participant}");
    }
}

#[test]
fn a_receipt_reads_by_whose_list_it_is_in() {
    let receipt = json!([{"messageId": "m1", "messageStatus": "read", "messageMetadata": {"type": "Receipt"}}]);
    for (purpose, words) in [("customer", "read the message"), ("agent", "message read")] {
        let participant = participant(&json!({"purpose": purpose, "messages": receipt}));
        assert_eq!(shown(&participant.messages), format!("m1 {words}"));
    }
}

#[test]
fn what_the_quick_way_refuses_is_read_with_care() {
    let twice = Snapshot::parse(r#"{"id":"c0","id":"c1","participants":[{"id":"p","name":"\ud83d"}]}"#);
    let [participant] = twice.as_ref().expect("a conversation").participants.as_slice() else { panic!("{twice:?}") };
    assert_eq!(participant.name.as_deref(), Some("\u{fffd}"));
    assert_eq!(twice.as_ref().and_then(|snapshot| snapshot.id.as_deref()), Some("c1"));
}

#[test]
fn what_is_no_object_is_no_conversation() {
    for garbage in ["", "null", "[]", "7", "\"x\"", "{", "not found"] {
        assert_eq!(Snapshot::parse(garbage), None, "{garbage}");
    }
    assert_eq!(Snapshot::parse("{}"), Some(Snapshot::default()));
}

proptest! {
    #[test]
    fn anything_anywhere_is_read(nested in mangled(NESTED), flat in mangled(FLAT)) {
        for json in [nested, flat] {
            let snapshot = Snapshot::parse(&json).expect("an object");
            prop_assert_eq!(&snapshot, &Snapshot::from_value(&serde_json::from_str(&json).unwrap()));
            snapshot.has_ended();
            let entries = snapshot.participants.iter().flat_map(|participant| &participant.messages);
            prop_assert!(entries.clone().all(|entry| !entry.id.is_empty()));
        }
    }
}
