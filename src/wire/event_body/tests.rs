//! The transcription of a body.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::fixtures::{TRANSCRIPTION, mangled};
use super::*;

const START: i64 = 1_791_472_180_000;

fn utterance_of(alternatives: &Value) -> Option<Utterance> {
    let body = json!({"sessionStartTimeMs": START, "transcripts": [{"alternatives": alternatives}]});
    transcription(&body.to_string()).utterances.pop()
}

fn time_of(mut body: Value, mut alternative: Value) -> Option<i64> {
    alternative["transcript"] = json!("x");
    body["transcripts"] = json!([{"alternatives": [alternative]}]);
    transcription(&body.to_string()).utterances.pop().expect("an utterance").spoken_at.map(|at| at.timestamp_millis())
}

#[test]
fn an_event_is_read() {
    let transcription = transcription(TRANSCRIPTION);
    assert_eq!((transcription.conversation.as_deref(), transcription.session_ended), (Some("call-1"), false));
    let expected = Utterance {
        id: Some("u1".into()),
        is_final: true,
        side: Side::Customer,
        text: "My order number is 427.".into(),
        spoken_at: DateTime::from_timestamp_millis(START + 21_540),
        leg: None,
        confidence: Some(0.93),
        language: Some("en-us".into()),
    };
    assert_eq!(transcription.utterances, [expected]);
}

#[test]
fn the_utterances_of_one_event_are_sorted_by_offset() {
    let transcript = |channel: &str, offset: &Value| {
        let alternative = json!({"transcript": offset.to_string(), "offsetMs": offset});
        json!({"channel": channel, "alternatives": [alternative]})
    };
    let transcripts = json!([
        transcript("INTERNAL", &json!(2300)),
        transcript("INTERNAL", &json!("23280")),
        transcript("EXTERNAL", &json!(20000)),
        transcript("EXTERNAL", &json!(2300.0)),
    ]);
    for start in [json!(START), json!(null)] {
        let body =
            json!({"sessionStartTimeMs": start, "eventTime": "2026-10-08T15:10:07Z", "transcripts": transcripts});
        let texts = transcription(&body.to_string()).utterances.into_iter().map(|utterance| utterance.text);
        assert_eq!(texts.collect::<Vec<_>>(), ["2300", "2300.0", "20000", "\"23280\""], "{start}");
    }
    let status_only = json!({"status": {"offsetMs": 23280, "status": "SESSION_ONGOING"}});
    assert_eq!(transcription(&status_only.to_string()).utterances, []);
}

#[test]
fn the_confidence_is_that_of_the_chosen_alternative() {
    for (alternatives, expected) in [
        (json!([{"transcript": "a", "confidence": 0.1}, {"transcript": "b", "confidence": 0.9}]), Some(0.9)),
        (json!([{"transcript": "", "confidence": 1}, {"transcript": "b", "confidence": 0}]), Some(0.0)),
        (json!([{"transcript": "a", "confidence": 97}]), None),
        (json!([{"transcript": "a", "confidence": "high"}]), None),
        (json!([{"transcript": "a"}]), None),
    ] {
        let utterance = utterance_of(&alternatives).expect("an utterance");
        assert_eq!((utterance.confidence, utterance.language), (expected, None), "{alternatives}");
    }
}

#[test]
fn the_decorated_text_of_the_most_confident_alternative_is_taken() {
    for (alternatives, expected) in [
        (json!([{"transcript": "a", "confidence": 0.1}, {"transcript": "b", "confidence": 0.9}]), Some("b")),
        (json!([{"transcript": "a", "confidence": 0.9}, {"transcript": "b", "confidence": 0.9}]), Some("a")),
        (json!([{"transcript": "a"}, {"transcript": "b"}]), Some("a")),
        (json!([{"transcript": "a"}, {"decoratedTranscript": "B", "transcript": "b", "confidence": 1}]), Some("B")),
        (json!([{"transcript": "", "confidence": 1}, {"transcript": "b"}]), Some("b")),
        (json!([{"transcript": "a", "decoratedTranscript": " "}]), Some("a")),
        (json!([{"transcript": " "}, {}, 7, null]), None),
        (json!("a"), None),
    ] {
        assert_eq!(utterance_of(&alternatives).map(|utterance| utterance.text).as_deref(), expected, "{alternatives}");
    }
}

#[test]
fn the_time_is_that_of_the_first_word_else_of_the_offset_else_of_the_event() {
    for (body, alternative, expected) in [
        (
            json!({"sessionStartTimeMs": START}),
            json!({"words": [{"startTimeMs": START + 5}], "offsetMs": 1}),
            Some(START + 5),
        ),
        (json!({}), json!({"decoratedWords": [{"startTimeMs": (START + 5).to_string()}]}), Some(START + 5)),
        (json!({"sessionStartTimeMs": START}), json!({"words": [{"startTimeMs": 5}], "offsetMs": 1}), Some(START + 1)),
        (json!({"transcriptionStartTimeMs": START}), json!({"words": [], "offsetMs": 2.5}), Some(START + 2)),
        (json!({"sessionStartTimeMs": START, "eventTime": "2026-10-08T15:10:07Z"}), json!({}), Some(1_791_472_207_000)),
        (json!({"sessionStartTimeMs": 5, "eventTime": 1_791_472_207}), json!({"offsetMs": 1}), Some(1_791_472_207_000)),
        (json!({"sessionStartTimeMs": i64::MAX}), json!({"offsetMs": 1}), None),
        (json!({"sessionStartTimeMs": 1e300}), json!({"offsetMs": -1}), None),
    ] {
        assert_eq!(time_of(body.clone(), alternative.clone()), expected, "{body} {alternative}");
    }
}

#[test]
fn channel_finality_and_session_end_are_read_in_any_case() {
    let utterance = |channel: Value, is_final: Value| {
        let transcript = json!({"channel": channel, "isFinal": is_final, "alternatives": [{"transcript": "x"}]});
        let body = json!({"transcripts": [transcript]}).to_string();
        let utterance = transcription(&body).utterances.pop().expect("an utterance");
        (utterance.side, utterance.is_final)
    };
    assert_eq!(utterance(json!("external"), json!(true)), (Side::Customer, true));
    assert_eq!(utterance(json!("INTERNAL"), json!(false)), (Side::Agent, false));
    assert_eq!(utterance(json!("BOTH"), json!("False")), (Side::Unknown, false));
    assert_eq!(utterance(json!(null), json!(null)), (Side::Unknown, true));
    for (status, ended) in [(json!({"status": "SESSION_ENDED"}), true), (json!({"status": "SESSION_ONGOING"}), false)] {
        let body = json!({"transcripts": [], "status": status}).to_string();
        assert_eq!(transcription(&body).session_ended, ended);
    }
}

proptest! {
    #[test]
    fn any_value_in_any_place_is_read(json in mangled(TRANSCRIPTION)) {
        let transcription = transcription(&json);
        prop_assert!(transcription.utterances.iter().all(|utterance| !utterance.text.trim().is_empty()));
    }
}
