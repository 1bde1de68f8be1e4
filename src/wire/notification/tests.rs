//! Every kind of frame, and malformed ones.

use proptest::prelude::*;
use serde_json::json;

use super::super::fixtures::{FLAT, NESTED, TRANSCRIPTION, mangled};
use super::*;

fn decoded(frame: &str) -> Notification {
    decode(RawFrame::Text(frame))
}

fn event(topic: &str, body: &str) -> Notification {
    decoded(&format!(r#"{{"topicName":"{topic}","version":"2","eventBody":{body},"metadata":{{}}}}"#))
}

#[test]
fn conversation_events_have_four_topics() {
    for (topic, body) in [
        ("v2.users.u1.conversations", NESTED),
        ("v2.routing.queues.q1.conversations", NESTED),
        ("v2.Users.u1.Conversations.Messages", FLAT),
        ("v2.routing.queues.q1.conversations.messages", FLAT),
    ] {
        let Notification::Conversation(snapshot) = event(topic, body) else { panic!("{topic}") };
        assert_eq!((snapshot.id.as_deref(), snapshot.has_messages), (Some("c1"), true));
    }
    for bodiless in ["null", "7", "[]"] {
        assert!(matches!(event("v2.users.u1.conversations", bodiless), Notification::Malformed(_)), "{bodiless}");
    }
}

#[test]
fn messages_about_the_channel_are_decoded_with_and_without_a_topic() {
    for (frame, expected) in [
        (r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#, Notification::Heartbeat),
        (r#"{"topicName":"Channel.Metadata","eventBody":{"message":"WEBSOCKET HEARTBEAT"}}"#, Notification::Heartbeat),
        (r#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#, Notification::Pong),
        (r#"{"message":"pong"}"#, Notification::Pong),
        (r#"{"topicName":"channel.metadata","eventBody":{}}"#, Notification::Unknown("channel.metadata".into())),
        (r#"{"topicName":"v2.system.socket_closing"}"#, Notification::SocketClosing),
        (r#"{"topicName":"v2.system.token_revoked.x"}"#, Notification::TokenRevoked),
        (
            r#"{"topicName":"v2.system.a.b","eventBody":{"systemTopicType":"TOKEN_REVOKED"}}"#,
            Notification::TokenRevoked,
        ),
        (
            r#"{"topicName":"v2.system.no_longer_subscribed.x","eventBody":{"reason":"another_channel_subscribed"}}"#,
            Notification::ChannelLost("another socket took over the channel".into()),
        ),
        (
            r#"{"topicName":"v2.system.no_longer_subscribed.x"}"#,
            Notification::ChannelLost("the channel is no longer subscribed".into()),
        ),
        (r#"{"topicName":"v2.system.a.b"}"#, Notification::Unknown("v2.system.a.b".into())),
        (r#"{"result":"200","status":"subscribed"}"#, Notification::Acknowledged),
        (r#"{"result":200}"#, Notification::Acknowledged),
        (r#"{"result":"404","message":"expired"}"#, Notification::ChannelLost("expired".into())),
        (r#"{"result":404}"#, Notification::ChannelLost("the channel has expired".into())),
        (
            r#"{"result":"400","status":"failure","message":"no topic"}"#,
            Notification::RequestRefused("400 (no topic)".into()),
        ),
        (r#"{"result":500}"#, Notification::RequestRefused("500".into())),
        (r#"{"result":"odd"}"#, Notification::RequestRefused("odd".into())),
        (r#"{"topicName":"v2.new.thing","eventBody":7}"#, Notification::Unknown("v2.new.thing".into())),
        ("{}", Notification::Unknown(String::new())),
    ] {
        assert_eq!(decoded(frame), expected, "{frame}");
    }
}

#[test]
fn the_conversation_of_a_detail_event_is_split_off_its_topic() {
    for (topic, body, conversation, event_name) in [
        ("v2.detail.events.conversation.c1.user.start", "{}", "c1", "user.start"),
        ("v2.detail.events.conversation.a.b.user.start", r#"{"conversationId":"a.b"}"#, "a.b", "user.start"),
        ("V2.Detail.Events.Conversation.c1.Customer.End", "null", "c1", "customer.end"),
        ("v2.detail.events.conversation.c1.acw", r#"{"conversationId":"c2"}"#, "c1", "acw"),
    ] {
        let expected = Notification::DetailEvent { conversation: conversation.into(), event: event_name.into() };
        assert_eq!(event(topic, body), expected, "{topic}");
    }
    let nameless = "v2.detail.events.conversation.";
    assert_eq!(event(nameless, "{}"), Notification::Unknown(nameless.into()));
}

#[test]
fn transcription_and_typing_events_have_the_id_of_their_conversation() {
    let conversation = |body| match event("v2.conversations.c1.transcription", body) {
        Notification::Transcription(transcription) => transcription.conversation,
        other => panic!("{other:?}"),
    };
    assert_eq!(conversation(TRANSCRIPTION).as_deref(), Some("call-1"));
    assert_eq!(conversation("{}").as_deref(), Some("c1"));
    let topic = "v2.users.u1.conversations.inbound.typing.event";
    let body = json!({"conversationId": "c1", "normalizedMessage": {"channel": {"from": {"nickname": "Casey"}}}});
    let typing =
        |name: Option<&str>| Notification::Typing { conversation: "c1".into(), name: name.map(ToOwned::to_owned) };
    assert_eq!(event(topic, &body.to_string()), typing(Some("Casey")));
    assert_eq!(event(topic, r#"{"conversationId":"c1"}"#), typing(None));
    assert_eq!(event(topic, "{}"), Notification::Unknown(topic.into()));
    assert!(matches!(event(".transcription", "{}"), Notification::Transcription(_)), "a topic without an id");
}

#[test]
fn members_given_twice_and_lone_surrogates_are_read() {
    let twice = r#"{"topicName":"x","topicName":"v2.users.u1.conversations","eventBody":{"id":"c0","id":"c1"}}"#;
    assert!(matches!(decoded(twice), Notification::Conversation(snapshot) if snapshot.id.as_deref() == Some("c1")));
    let lone = event("v2.users.u1.conversations", r#"{"participants":[{"name":"\ud83d"}]}"#);
    let Notification::Conversation(snapshot) = lone else { panic!("{lone:?}") };
    assert_eq!(snapshot.participants[0].name.as_deref(), Some("\u{fffd}"));
}

#[test]
fn a_frame_without_a_json_object_is_malformed() {
    for frame in ["", "pong", "[]", "null", "{", r#"{"topicName":}"#] {
        assert!(matches!(decoded(frame), Notification::Malformed(_)), "{frame}");
    }
    assert!(matches!(decode(RawFrame::Binary(b"{\xff}")), Notification::Malformed(_)));
    assert_eq!(decode(RawFrame::Binary(br#"{"result":200}"#)), Notification::Acknowledged);
}

const ENVELOPE: &str = r#"{"topicName":"v2.users.u1.conversations.messages","version":"2","result":"200",
    "eventBody":{"id":"c1","message":"pong","participants":[]},"metadata":{"CorrelationId":"x"}}"#;

proptest! {
    #[test]
    fn an_envelope_with_any_value_in_any_place_is_decoded(frame in mangled(ENVELOPE)) {
        let value: Value = serde_json::from_str(&frame).unwrap();
        let bodiless = !value["eventBody"].is_object();
        prop_assert!(bodiless || !matches!(decoded(&frame), Notification::Malformed(_)));
    }

    #[test]
    fn any_topic_is_decoded(topic in "(v2\\.)?(detail\\.events\\.conversation\\.|conversations\\.|système\\.)?.{0,6}(\\.transcription)?") {
        let frame = json!({"topicName": topic, "eventBody": {}}).to_string();
        prop_assert!(!matches!(decoded(&frame), Notification::Malformed(_)));
    }
}
