//! All four shapes, and JSON that has none of them.

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

/// The ids of messages, with the text of events: `m1 joined, m2`.
fn shown(messages: &[MessageRef]) -> String {
    let shown = |message: &MessageRef| match &message.kind {
        MessageKind::Text => message.id.clone(),
        MessageKind::Event(text) => format!("{} {text}", message.id),
    };
    messages.iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[test]
fn messages_below_communications_are_read() {
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
fn messages_below_participants_are_read() {
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
fn purposes_are_read_in_any_case() {
    for (purpose, expected) in [
        ("customer", Purpose::Customer),
        ("EXTERNAL", Purpose::External),
        ("Agent", Purpose::Agent),
        ("user", Purpose::Agent),
        ("acd", Purpose::Queue),
        ("botflow", Purpose::Bot),
        ("Workflow", Purpose::Bot),
        ("ivr", Purpose::Bot),
        ("voicesurveyflow", Purpose::Bot),
        ("api", Purpose::Automatic),
        ("Campaign", Purpose::Automatic),
        ("dialer", Purpose::Automatic),
        ("voicemail", Purpose::Automatic),
        ("Station", Purpose::Other("Station".into())),
    ] {
        assert_eq!(participant(&json!({"purpose": purpose})).purpose, expected, "{purpose}");
    }
    assert_eq!(participant(&json!({})).purpose, Purpose::Other(String::new()));
}

#[test]
fn the_most_active_communication_decides_the_presence() {
    for (communications, expected) in [
        (json!({"messages": [{"state": "disconnected"}, {"state": "Connected"}]}), Presence::Connected),
        (json!({"messages": [{"state": "disconnected"}], "calls": [{"state": "transmitting"}]}), Presence::Connected),
        (json!({"emails": [{"state": "parked"}], "chats": [{"state": "alerting"}]}), Presence::Parked),
        (json!({"callbacks": [{"state": "scheduled"}, {"state": "terminated"}]}), Presence::Alerting),
        (json!({"messages": [{"state": "disconnected"}, {"state": "levitating"}]}), Presence::Unknown),
        (json!({"messages": [{"state": "disconnected"}, {"state": "TERMINATED"}]}), Presence::Disconnected),
        (json!({"messages": [{"state": "connected"}], "endTime": "2026-10-08T14:03:00Z"}), Presence::Disconnected),
        (
            json!({"calls": [{"state": "connected", "disconnectedTime": "2026-10-08T14:03:00Z", "afterCallWork": {"state": "pending"}}]}),
            Presence::Disconnected,
        ),
        (json!({"calls": [{"state": "connected", "endTime": "2026-10-08T14:03:00Z"}]}), Presence::Disconnected),
        (json!({"state": "none", "messages": [{"messageId": "m1"}]}), Presence::Alerting),
        (json!({"state": "terminated"}), Presence::Disconnected),
        (json!({"state": 7, "messages": []}), Presence::Unknown),
        (json!({}), Presence::Unknown),
    ] {
        assert_eq!(participant(&communications).presence, expected, "{communications}");
    }
}

#[test]
fn a_participant_with_a_connected_communication_has_not_disconnected() {
    let ended =
        json!({"state": "disconnected", "disconnectType": "Transfer", "disconnectedTime": "2026-10-08T14:03:00Z"});
    let left = participant(&json!({ "messages": [ended] }));
    assert_eq!((left.disconnect_type.as_deref(), left.disconnected_at.is_some()), (Some("transfer"), true));
    let connected = participant(&json!({"messages": [ended, {"state": "connected", "message": null, "id": "comm"}]}));
    assert_eq!(
        (connected.presence, connected.disconnect_type, connected.disconnected_at),
        (Presence::Connected, None, None)
    );
    assert!(connected.messages.is_empty(), "a communication is no message");
}

#[test]
fn a_conversation_has_ended_with_an_end_time_or_without_connected_participants() {
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
fn messaging_and_calls_are_recognised_before_the_first_message() {
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
fn every_medium_is_recognised_and_named() {
    for (list, medium, media, description) in [
        ("callbacks", Medium::Callback, "callback", "a callback"),
        ("chats", Medium::Chat, "chat", "a chat"),
        ("cobrowsesessions", Medium::CoBrowsing, "cobrowse", "co-browsing"),
        ("emails", Medium::Email, "email", "an e-mail"),
        ("internalMessages", Medium::InternalMessage, "internalmessage", "an internal message"),
        ("screenMonitorings", Medium::ScreenMonitoring, "screenmonitoring", "screen monitoring"),
        ("screenshares", Medium::ScreenShare, "screenshare", "a screen share"),
        ("socialExpressions", Medium::SocialPost, "social", "a social post"),
        ("videos", Medium::Video, "video", "a video call"),
    ] {
        let participant = json!({ list: [{"id": "c", "state": "connected"}], "messages": [], "calls": [] });
        let snapshot = Snapshot::from_value(&json!({ "participants": [participant, {}] }));
        assert_eq!((snapshot.has_messages, snapshot.has_calls), (false, false), "{list}");
        assert_eq!(snapshot.other_media, [medium], "{list}");
        assert_eq!(snapshot.participants[0].media.as_deref(), Some(media));
        assert_eq!((join_media(&[medium]).as_str(), snapshot.has_ended()), (description, false));
    }
    let all = [Medium::Callback, Medium::CoBrowsing, Medium::Email];
    assert_eq!(join_media(&all), "a callback, co-browsing and an e-mail");
}

#[test]
fn the_platform_of_messages_is_read_in_every_shape() {
    for (participant_value, expected) in [
        (json!({"messages": [{"id": "c", "type": "WebMessaging"}], "calls": [{"id": "l"}]}), Some("webmessaging")),
        (json!({"state": "connected", "type": "sms", "messages": []}), Some("sms")),
        (json!({"state": "connected", "type": "unknown", "messages": [{"messageId": "m"}]}), None),
        (json!({"calls": [{"id": "l"}], "callbacks": [{"id": "b"}], "messages": []}), Some("call")),
        (json!({"messages": [{"id": "c"}], "cobrowsesessions": [{"id": "b"}]}), Some("cobrowse")),
        (json!({"type": "sms"}), None),
        (json!({}), None),
    ] {
        assert_eq!(participant(&participant_value).media.as_deref(), expected, "{participant_value}");
    }
}

#[test]
fn call_legs_and_the_way_of_taking_part_are_read() {
    let leg = |id: &str, has_ended| CallLeg { id: id.to_owned(), has_ended };
    let calls = json!([{"id": "l1", "peerId": "l0"}, {"state": "alerting"}, {"id": "l2", "state": "terminated"},
        {"id": "l3", "state": "connected", "disconnectedTime": "2026-01-02T03:04:05Z"}]);
    let sam = participant(&json!({ "calls": calls }));
    assert_eq!(sam.call_legs, [leg("l1", false), leg("l2", true), leg("l3", true)]);
    let left = participant(&json!({"calls": [{"id": "l1"}], "endTime": "2026-01-02T03:04:05Z"}));
    assert_eq!(left.call_legs, [leg("l1", true)]);
    for (member, expected) in [
        ("consultParticipantId", Involvement::Consulted),
        ("monitoredParticipantId", Involvement::Supervising),
        ("coachedParticipantId", Involvement::Supervising),
        ("bargedParticipantId", Involvement::Full),
    ] {
        assert_eq!(participant(&json!({ member: "p" })).involvement, expected, "{member}");
    }
}

#[test]
fn names_have_no_outer_blanks() {
    let menu =
        participant(&json!({"purpose": "ivr", "name": "Main menu ", "queueId": "q", "queueName": "\tBilling\n"}));
    assert_eq!(menu.name.as_deref(), Some("Main menu"));
    assert_eq!(menu.queue, Some(EntityRef { id: "q".into(), name: Some("Billing".into()) }));
    let sam = participant(
        &json!({"name": " ", "user": {"id": "u", "name": " Sam\u{a0}"}, "queue": {"id": "q", "name": "  "}}),
    );
    let user = sam.user.and_then(|user| user.name);
    assert_eq!((sam.name, user.as_deref(), sam.queue.and_then(|queue| queue.name)), (None, Some("Sam"), None));
}

#[test]
fn the_text_of_a_receipt_depends_on_the_participant_that_lists_it() {
    let receipt = json!([{"messageId": "m1", "messageStatus": "read", "messageMetadata": {"type": "Receipt"}}]);
    for (purpose, text) in [("customer", "read the message"), ("agent", "message read")] {
        let participant = participant(&json!({"purpose": purpose, "messages": receipt}));
        assert_eq!(shown(&participant.messages), format!("m1 {text}"));
    }
}

#[test]
fn members_given_twice_and_lone_surrogates_are_read() {
    let twice = Snapshot::parse(r#"{"id":"c0","id":"c1","participants":[{"id":"p","name":"\ud83d"}]}"#);
    let [participant] = twice.as_ref().expect("a conversation").participants.as_slice() else { panic!("{twice:?}") };
    assert_eq!(participant.name.as_deref(), Some("\u{fffd}"));
    assert_eq!(twice.as_ref().and_then(|snapshot| snapshot.id.as_deref()), Some("c1"));
}

#[test]
fn only_an_object_is_a_conversation() {
    for other in ["", "null", "[]", "7", "\"x\"", "{", "not found"] {
        assert_eq!(Snapshot::parse(other), None, "{other}");
    }
    assert_eq!(Snapshot::parse("{}"), Some(Snapshot::default()));
}

proptest! {
    #[test]
    fn any_value_in_any_place_is_read(nested in mangled(NESTED), flat in mangled(FLAT)) {
        for json in [nested, flat] {
            let snapshot = Snapshot::parse(&json).expect("an object");
            prop_assert_eq!(&snapshot, &Snapshot::from_value(&serde_json::from_str(&json).unwrap()));
            snapshot.has_ended();
            let mut messages = snapshot.participants.iter().flat_map(|participant| &participant.messages);
            prop_assert!(messages.all(|message| !message.id.is_empty()));
        }
    }
}
