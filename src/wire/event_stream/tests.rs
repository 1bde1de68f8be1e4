//! Every envelope, and lines that hold no event or several.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::fixtures::{TRANSCRIPTION, mangled};
use super::*;

const CALL: &str = "1d5c0b7e-62aa-4f1b-9c3d-8e0f2a4b6c81";

const TOPIC: &str = "v2.conversations.1d5c0b7e-62aa-4f1b-9c3d-8e0f2a4b6c81.transcription";

fn notification(topic: &str, body: &Value) -> Value {
    json!({"topicName": topic, "version": "2", "eventBody": body, "metadata": {"CorrelationId": "c"}})
}

fn envelope(detail: &Value) -> Value {
    json!({"version": "0", "id": "e1", "detail-type": "v2.conversations.{id}.transcription",
        "source": "aws.partner/genesys.com/cloud/x/y", "resources": [], "detail": detail})
}

fn spoken(text: &str) -> Value {
    json!({"conversationId": CALL, "transcripts": [
        {"utteranceId": text, "channel": "EXTERNAL", "alternatives": [{"transcript": text, "words": [{"word": "x"}]}]}]})
}

/// Returns each event with the id of its envelope and its notification.
fn read(line: &str) -> Vec<(Option<String>, String, StreamEvent)> {
    let mut events = Vec::new();
    read_line(line, &mut |object| {
        let text = notification_text(object.text).to_owned();
        events.push((object.id.map(ToOwned::to_owned), text, object.event));
    });
    events
}

fn events(line: &str) -> Vec<StreamEvent> {
    read(line).into_iter().map(|(_, _, event)| event).collect()
}

/// Describes an event: the text of the utterances, or its name.
fn described(event: &StreamEvent) -> String {
    match event {
        StreamEvent::Transcription(transcription) => {
            let texts: Vec<&str> = transcription.utterances.iter().map(|utterance| utterance.text.as_str()).collect();
            format!("{} said {}", transcription.conversation.as_deref().unwrap_or_default(), texts.join("|"))
        }
        StreamEvent::Detail(detail) => format!("{} {} {:?}", detail.conversation, detail.name, detail.medium),
        StreamEvent::Other(topic) => format!("other {topic}"),
        StreamEvent::Malformed(reason) => format!("malformed: {reason}"),
    }
}

fn descriptions(line: &str) -> Vec<String> {
    events(line).iter().map(described).collect()
}

#[test]
fn an_object_that_is_no_json_takes_no_other_with_it() {
    let [one, two] = ["one", "two"].map(|text| notification(TOPIC, &spoken(text)).to_string());
    for bad in [r#"{"bad":tru}"#, r#"{"a":{"b":"}","c":1 2}}"#] {
        let expected = [format!("{CALL} said one"), "malformed: invalid JSON".to_owned(), format!("{CALL} said two")];
        assert_eq!(descriptions(&format!("{one}{bad}{two}")), expected, "{bad}");
    }
    let cut = format!(r#"{one}{{"id":"e1","detail":{{"#);
    assert_eq!(descriptions(&cut), [format!("{CALL} said one"), "malformed: invalid JSON".to_owned()]);
}

#[test]
fn a_byte_order_mark_precedes_a_line_or_the_body_of_a_message() {
    let marked = format!("\u{feff}{}", notification(TOPIC, &spoken("one")));
    for line in [marked.clone(), json!({"MessageId": "m1", "Body": marked}).to_string()] {
        assert_eq!(descriptions(&line), [format!("{CALL} said one")], "{line}");
    }
}

#[test]
fn an_event_is_the_same_in_each_envelope() {
    let bare = notification(TOPIC, &spoken("hello"));
    let whole = envelope(&bare);
    let sqs = json!({"MessageId": "m", "ReceiptHandle": "r", "Body": whole.to_string()});
    let of_sqs_bare = json!({"Body": bare.to_string()});
    let received = json!({"Messages": [sqs, of_sqs_bare]});
    let said = format!("{CALL} said hello");
    for (line, ids) in [
        (bare.to_string(), &[None][..]),
        (whole.to_string(), &[Some("e1")]),
        (sqs.to_string(), &[Some("e1")]),
        (of_sqs_bare.to_string(), &[None]),
        (received.to_string(), &[Some("e1"), None]),
        (format!("\u{feff}{bare}\r"), &[None]),
    ] {
        let read = read(&line);
        assert_eq!(read.iter().map(|(id, ..)| id.as_deref()).collect::<Vec<_>>(), ids, "{line}");
        for (_, text, event) in read {
            assert_eq!((text, described(&event)), (bare.to_string(), said.clone()), "{line}");
        }
    }
}

#[test]
fn objects_may_follow_each_other_on_a_line() {
    let (one, two) = (notification(TOPIC, &spoken("one")), envelope(&notification(TOPIC, &spoken("t{w}\"o"))));
    let said = [format!("{CALL} said one"), format!("{CALL} said t{{w}}\"o")];
    for line in [format!("{one}{two}"), format!(" {one} \t{two}\r\n"), format!("{one}{two}{one}{two}")] {
        let expected: Vec<_> = said.iter().cycle().take(events(&line).len()).cloned().collect();
        assert!(expected.len() >= 2 && descriptions(&line) == expected, "{line}");
    }
    assert_eq!(descriptions(&format!("{one}{{]{two}")), [said[0].as_str(), "malformed: invalid JSON"]);
}

#[test]
fn a_line_without_an_event_is_malformed_or_empty() {
    for (line, expected) in [
        ("", &[][..]),
        (" \t\r", &[]),
        ("hello", &["malformed: not a JSON object"]),
        ("[]", &["malformed: not a JSON object"]),
        ("7", &["malformed: not a JSON object"]),
        ("{", &["malformed: invalid JSON"]),
        (r#"{"detail":{"topicName":"x""#, &["malformed: invalid JSON"]),
        ("{}", &["malformed: no topic"]),
        (r#"{"detail":7}"#, &["malformed: no topic"]),
        (r#"{"Body":"{}"}"#, &["malformed: no topic"]),
        (r#"{"Body":"x"}"#, &["malformed: not a JSON object"]),
        (r#"{"Body":""}"#, &["malformed: no topic"]),
        (r#"{"Body":"{\"Body\":\"{}\"}"}"#, &["malformed: no topic"]),
        (r#"{"Messages":[]}"#, &[]),
        (r#"{"topicName":"v2.conversations..transcription","eventBody":{}}"#, &["malformed: no conversation"]),
        (r#"{"detail-type":"v2.conversations.{id}.transcription"}"#, &["malformed: no conversation"]),
        (r#"{"detail-type":"v2.detail.events.conversation.{id}.acw"}"#, &["malformed: no conversation"]),
        (r#"{"detail-type":"EC2 Instance State-change","detail":{"state":"x"}}"#, &["other EC2 Instance State-change"]),
        (r#"{"topicName":"v2.users.u1.presence","eventBody":7}"#, &["other v2.users.u1.presence"]),
        (
            r#"{"topicName":"v2.users.u1.conversations.messages","eventBody":{"id":"c"}}"#,
            &["other v2.users.u1.conversations.messages"],
        ),
    ] {
        assert_eq!(descriptions(line), expected, "{line}");
    }
}

#[test]
fn a_detail_event_has_its_conversation_medium_and_participant() {
    let body = json!({"eventTime": 1_791_468_124_480_i64, "conversationId": "c1", "participantId": "p1",
        "sessionId": "s1", "mediaType": "VOICE", "userId": "u1", "queueId": "q1", "ani": "tel:+15555550100"});
    let expected = DetailEvent {
        conversation: "c1".into(),
        name: "user.start".into(),
        at: DateTime::from_timestamp_millis(1_791_468_124_480),
        medium: StreamMedium::Call,
        participant: Some("p1".into()),
        session: Some("s1".into()),
        user: Some("u1".into()),
        queue: Some("q1".into()),
    };
    let line = notification("v2.detail.events.conversation.c1.user.start", &body).to_string();
    assert_eq!(events(&line), [StreamEvent::Detail(expected.clone())]);
    let templated = json!({"id": "e", "detail-type": "v2.detail.events.conversation.{id}.user.start",
        "detail": {"eventBody": body}});
    assert_eq!(events(&templated.to_string()), [StreamEvent::Detail(expected)]);
    for (body, expected) in [
        (json!({"mediaType": "message"}), "c1 acw Message"),
        (json!({"mediaType": "EMAIL"}), "c1 acw Other"),
        (json!({"mediaType": "UNKNOWN"}), "c1 acw Unknown"),
        (json!({}), "c1 acw Unknown"),
        (json!(null), "c1 acw Unknown"),
        (json!({"communications": [{"id": "x", "mediaType": "VOICE"}]}), "c1 acw Call"),
    ] {
        let line = notification("V2.Detail.Events.Conversation.c1.ACW", &body).to_string();
        assert_eq!(descriptions(&line), [expected], "{body}");
    }
}

#[test]
fn a_member_given_twice_and_a_lone_surrogate_are_read() {
    let body = spoken("hello").to_string();
    let twice = format!(r#"{{"topicName":"x","topicName":"{TOPIC}","eventBody":{body}}}"#);
    let lone = notification(TOPIC, &spoken("SURROGATE")).to_string().replace("SURROGATE", r"\ud83d");
    let said = [format!("{CALL} said hello"), format!("{CALL} said \u{fffd}")];
    assert_eq!(descriptions(&format!("{twice}{lone}{twice}")), [&said[0], &said[1], &said[0]].map(String::as_str));
    assert_eq!(read(&twice)[0].1, twice, "the notification is as it came");
}

/// An envelope of a transcription, as one of SQS.
const ENVELOPE: &str = r#"{"version":"0","id":"e1","detail-type":"v2.conversations.{id}.transcription","Messages":null,"Body":null,
    "detail":{"topicName":"v2.conversations.call-1.transcription","eventBody":{"conversationId":"call-1","transcripts":[
        {"utteranceId":"u1","channel":"EXTERNAL","alternatives":[{"confidence":0.9,"offsetMs":1,"transcript":"x"}]}]}}}"#;

proptest! {
    #[test]
    fn an_object_with_any_value_in_any_place_is_one_event(line in mangled(ENVELOPE)) {
        let holds_messages = serde_json::from_str::<Value>(&line).unwrap()["Messages"].is_array();
        prop_assert_eq!(events(&line).len(), usize::from(!holds_messages));
    }

    #[test]
    fn a_transcription_is_read_as_on_the_websocket(body in mangled(TRANSCRIPTION)) {
        let line = format!(r#"{{"topicName":"{TOPIC}","eventBody":{body}}}"#);
        let on_websocket = super::super::notification::decode(crate::event::RawFrame::Text(&line));
        let super::super::notification::Notification::Transcription(expected) = on_websocket else {
            return Err(TestCaseError::fail(format!("{on_websocket:?}")));
        };
        prop_assert_eq!(events(&line), [StreamEvent::Transcription(expected)]);
    }

    #[test]
    fn a_broken_line_is_read_without_a_panic(cut in 0usize..400, junk in ".{0,20}") {
        let mut line = ENVELOPE.to_owned();
        let at = (0..=cut.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap();
        line.insert_str(at, &junk);
        prop_assert!(!events(&line).is_empty());
    }
}
