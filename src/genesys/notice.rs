//! A frame of the notification socket.

use std::borrow::Cow;

use serde_json::Value;

use super::conversation::Snapshot;
use super::transcription::Transcription;
use super::value::{self, at, first, says, text};
use crate::event::RawFrame;

/// What a frame turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Notice {
    /// A conversation has changed, and is now like this.
    Conversation(Snapshot),
    /// Somebody came or went.
    Detail {
        /// The conversation.
        conversation: String,
        /// What happened, such as `user.start`.
        event: String,
    },
    /// Something was heard in a call.
    Transcription(Transcription),
    /// The customer is typing.
    Typing {
        /// The conversation.
        conversation: String,
        /// The customer's name.
        who: Option<String>,
    },
    /// The service will close this socket within a minute.
    Closing,
    /// The channel is no more, or another socket has it; why, in words.
    ChannelGone(String),
    /// The token behind the channel is no longer good.
    TokenRevoked,
    /// A sign of life.
    Heartbeat,
    /// The answer to a ping.
    Pong,
    /// A request over the socket was carried out.
    Acknowledged,
    /// A request over the socket was refused; why, in words.
    Refused(String),
    /// A topic this program does not know; its name, empty where there is none.
    Other(String),
    /// No JSON object, or an event without the body it has to have; the reason.
    Unreadable(Cow<'static, str>),
}

/// Reads a frame. No words in it are redacted or escaped yet.
pub(crate) fn read(frame: RawFrame<'_>) -> Notice {
    let text = match value::object_text(frame) {
        Ok(text) => text,
        Err(reason) => return Notice::Unreadable(reason.into()),
    };
    match value::parse(text) {
        Ok(frame) => of(&frame),
        Err(error) => Notice::Unreadable(error.to_string().into()),
    }
}

fn of(frame: &Value) -> Notice {
    let body = at(frame, "eventBody").unwrap_or(&Value::Null);
    match (text(frame, "topicName"), text(frame, "result")) {
        (Some(topic), _) => of_topic(topic, body),
        (None, Some(result)) => of_result(&result, frame),
        (None, None) => of_metadata(frame).unwrap_or(Notice::Other(String::new())),
    }
}

fn of_topic(topic: String, body: &Value) -> Notice {
    let name = topic.to_ascii_lowercase();
    if name == "channel.metadata" {
        return of_metadata(body).unwrap_or(Notice::Other(topic));
    }
    if let Some(event) = name.strip_prefix("v2.system.") {
        return of_system(event, body).unwrap_or(Notice::Other(topic));
    }
    if name.starts_with(DETAIL) {
        return detail(&topic, body).unwrap_or(Notice::Other(topic));
    }
    if name.ends_with(".conversations") || name.ends_with(".conversations.messages") {
        return with_object(body, |body| Notice::Conversation(Snapshot::of(body)));
    }
    if name.ends_with(".transcription") {
        return with_object(body, |body| Notice::Transcription(transcription(&topic, body)));
    }
    if name.ends_with(".typing.event") {
        return typing(body).unwrap_or(Notice::Other(topic));
    }
    Notice::Other(topic)
}

const DETAIL: &str = "v2.detail.events.conversation.";

fn with_object(body: &Value, read: impl FnOnce(&Value) -> Notice) -> Notice {
    if body.is_object() { read(body) } else { Notice::Unreadable("an event without a body".into()) }
}

fn of_metadata(body: &Value) -> Option<Notice> {
    let message = text(body, "message")?.to_ascii_lowercase();
    if message.contains("heartbeat") {
        return Some(Notice::Heartbeat);
    }
    (message == "pong").then_some(Notice::Pong)
}

/// By its name, else by the kind in its body: there is a topic of two ids that does not say more.
fn of_system(event: &str, body: &Value) -> Option<Notice> {
    let kind = text(body, "systemTopicType").unwrap_or_default().to_ascii_lowercase();
    let is = |name: &str| event.starts_with(name) || kind == name;
    if is("socket_closing") {
        Some(Notice::Closing)
    } else if is("no_longer_subscribed") {
        Some(Notice::ChannelGone(gone(body)))
    } else if is("token_revoked") {
        Some(Notice::TokenRevoked)
    } else {
        None
    }
}

fn gone(body: &Value) -> String {
    if says(body, "reason", "another_channel_subscribed") {
        return "another socket has taken the channel".to_owned();
    }
    first(body, &["message", "reason"]).unwrap_or_else(|| "the channel is no longer subscribed".to_owned())
}

fn of_result(result: &str, frame: &Value) -> Notice {
    let words = || first(frame, &["message", "status"]);
    match result.parse() {
        Ok(200..=299) => Notice::Acknowledged,
        Ok(404) => Notice::ChannelGone(words().unwrap_or_else(|| "the channel has expired".to_owned())),
        Ok(code @ 0_u16..) => Notice::Refused(words().map_or(code.to_string(), |words| format!("{code} ({words})"))),
        Err(_) => Notice::Refused(words().unwrap_or_else(|| result.to_owned())),
    }
}

/// The id may hold dots, and so does the event: where the body names the conversation, it decides where the id ends.
fn detail(topic: &str, body: &Value) -> Option<Notice> {
    let rest = topic.get(DETAIL.len()..)?;
    let named = text(body, "conversationId").and_then(|id| Some((rest.strip_prefix(&id)?.strip_prefix('.')?, id)));
    let (event, conversation) = named.or_else(|| rest.split_once('.').map(|(id, event)| (event, id.to_owned())))?;
    Some(Notice::Detail { conversation, event: event.to_ascii_lowercase() })
}

fn transcription(topic: &str, body: &Value) -> Transcription {
    let mut transcription = Transcription::of(body);
    if transcription.conversation.is_none() {
        transcription.conversation = conversation_of(topic);
    }
    transcription
}

fn conversation_of(topic: &str) -> Option<String> {
    let (start, end) = ("v2.conversations.".len(), topic.len().checked_sub(".transcription".len())?);
    topic.get(start..end).filter(|id| !id.is_empty()).map(ToOwned::to_owned)
}

fn typing(body: &Value) -> Option<Notice> {
    let from = |member: &str| text(body, &format!("normalizedMessage.channel.from.{member}"));
    let who = from("nickname").or_else(|| from("firstName")).or_else(|| from("lastName"));
    Some(Notice::Typing { conversation: text(body, "conversationId")?, who })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::samples::{FLAT, NESTED, TRANSCRIPTION, mangled};
    use super::*;

    fn told(frame: &str) -> Notice {
        read(RawFrame::Text(frame))
    }

    fn event(topic: &str, body: &str) -> Notice {
        told(&format!(r#"{{"topicName":"{topic}","version":"2","eventBody":{body},"metadata":{{}}}}"#))
    }

    #[test]
    fn conversations_come_on_four_topics() {
        for (topic, body) in [
            ("v2.users.u1.conversations", NESTED),
            ("v2.routing.queues.q1.conversations", NESTED),
            ("v2.Users.u1.Conversations.Messages", FLAT),
            ("v2.routing.queues.q1.conversations.messages", FLAT),
        ] {
            let Notice::Conversation(snapshot) = event(topic, body) else { panic!("{topic}") };
            assert_eq!((snapshot.id.as_deref(), snapshot.has_messages), (Some("c1"), true));
        }
        for bodiless in ["null", "7", "[]"] {
            assert!(matches!(event("v2.users.u1.conversations", bodiless), Notice::Unreadable(_)), "{bodiless}");
        }
    }

    #[test]
    fn the_service_speaks_of_itself_with_and_without_an_envelope() {
        for (frame, expected) in [
            (r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#, Notice::Heartbeat),
            (r#"{"topicName":"Channel.Metadata","eventBody":{"message":"WEBSOCKET HEARTBEAT"}}"#, Notice::Heartbeat),
            (r#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#, Notice::Pong),
            (r#"{"message":"pong"}"#, Notice::Pong),
            (r#"{"topicName":"channel.metadata","eventBody":{}}"#, Notice::Other("channel.metadata".into())),
            (r#"{"topicName":"v2.system.socket_closing"}"#, Notice::Closing),
            (r#"{"topicName":"v2.system.token_revoked.x"}"#, Notice::TokenRevoked),
            (r#"{"topicName":"v2.system.a.b","eventBody":{"systemTopicType":"TOKEN_REVOKED"}}"#, Notice::TokenRevoked),
            (
                r#"{"topicName":"v2.system.no_longer_subscribed.x","eventBody":{"reason":"another_channel_subscribed"}}"#,
                Notice::ChannelGone("another socket has taken the channel".into()),
            ),
            (
                r#"{"topicName":"v2.system.no_longer_subscribed.x"}"#,
                Notice::ChannelGone("the channel is no longer subscribed".into()),
            ),
            (r#"{"topicName":"v2.system.a.b"}"#, Notice::Other("v2.system.a.b".into())),
            (r#"{"result":"200","status":"subscribed"}"#, Notice::Acknowledged),
            (r#"{"result":200}"#, Notice::Acknowledged),
            (r#"{"result":"404","message":"expired"}"#, Notice::ChannelGone("expired".into())),
            (r#"{"result":404}"#, Notice::ChannelGone("the channel has expired".into())),
            (r#"{"result":"400","status":"failure","message":"no topic"}"#, Notice::Refused("400 (no topic)".into())),
            (r#"{"result":500}"#, Notice::Refused("500".into())),
            (r#"{"result":"odd"}"#, Notice::Refused("odd".into())),
            (r#"{"topicName":"v2.new.thing","eventBody":7}"#, Notice::Other("v2.new.thing".into())),
            ("{}", Notice::Other(String::new())),
        ] {
            assert_eq!(told(frame), expected, "{frame}");
        }
    }

    #[test]
    fn details_tell_where_the_id_ends() {
        for (topic, body, conversation, event_name) in [
            ("v2.detail.events.conversation.c1.user.start", "{}", "c1", "user.start"),
            ("v2.detail.events.conversation.a.b.user.start", r#"{"conversationId":"a.b"}"#, "a.b", "user.start"),
            ("V2.Detail.Events.Conversation.c1.Customer.End", "null", "c1", "customer.end"),
            ("v2.detail.events.conversation.c1.acw", r#"{"conversationId":"c2"}"#, "c1", "acw"),
        ] {
            let expected = Notice::Detail { conversation: conversation.into(), event: event_name.into() };
            assert_eq!(event(topic, body), expected, "{topic}");
        }
        let nameless = "v2.detail.events.conversation.";
        assert_eq!(event(nameless, "{}"), Notice::Other(nameless.into()));
    }

    #[test]
    fn transcriptions_and_typing_name_their_conversation() {
        let conversation = |body| match event("v2.conversations.c1.transcription", body) {
            Notice::Transcription(transcription) => transcription.conversation,
            other => panic!("{other:?}"),
        };
        assert_eq!(conversation(TRANSCRIPTION).as_deref(), Some("call-1"));
        assert_eq!(conversation("{}").as_deref(), Some("c1"));
        let topic = "v2.users.u1.conversations.inbound.typing.event";
        let body = json!({"conversationId": "c1", "normalizedMessage": {"channel": {"from": {"nickname": "Casey"}}}});
        let typing = |who: Option<&str>| Notice::Typing { conversation: "c1".into(), who: who.map(ToOwned::to_owned) };
        assert_eq!(event(topic, &body.to_string()), typing(Some("Casey")));
        assert_eq!(event(topic, r#"{"conversationId":"c1"}"#), typing(None));
        assert_eq!(event(topic, "{}"), Notice::Other(topic.into()));
        assert!(matches!(event(".transcription", "{}"), Notice::Transcription(_)), "no id in between, and no panic");
    }

    #[test]
    fn garbage_is_unreadable() {
        for garbage in ["", "pong", "[]", "null", "{", r#"{"topicName":}"#] {
            assert!(matches!(told(garbage), Notice::Unreadable(_)), "{garbage}");
        }
        assert!(matches!(read(RawFrame::Binary(b"{\xff}")), Notice::Unreadable(_)));
        assert_eq!(read(RawFrame::Binary(br#"{"result":200}"#)), Notice::Acknowledged);
    }

    const ENVELOPE: &str = r#"{"topicName":"v2.users.u1.conversations.messages","version":"2","result":"200",
        "eventBody":{"id":"c1","message":"pong","participants":[]},"metadata":{"CorrelationId":"x"}}"#;

    proptest! {
        #[test]
        fn anything_in_an_envelope_is_read(frame in mangled(ENVELOPE)) {
            let value: Value = serde_json::from_str(&frame).unwrap();
            let bodiless = !value["eventBody"].is_object();
            prop_assert!(bodiless || !matches!(told(&frame), Notice::Unreadable(_)));
        }

        #[test]
        fn any_topic_is_read(topic in "(v2\\.)?(detail\\.events\\.conversation\\.|conversations\\.|système\\.)?.{0,6}(\\.transcription)?") {
            let frame = json!({"topicName": topic, "eventBody": {}}).to_string();
            prop_assert!(!matches!(told(&frame), Notice::Unreadable(_)));
        }
    }
}
