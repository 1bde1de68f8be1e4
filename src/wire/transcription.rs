//! Utterances of a call, from the events of a transcription topic.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::json::{items_at, text_at, text_equals, time_at, value_at};

/// Smaller numbers are not milliseconds since 1970: they would lie before 1974.
const FIRST_EPOCH_MILLIS: i64 = 100_000_000_000;

/// An event of a transcription topic.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Transcription {
    /// The id of the conversation.
    pub(crate) conversation: Option<String>,
    /// `true` in the last event of the call.
    pub(crate) session_ended: bool,
    /// The utterances with text; empty in a keep-alive.
    pub(crate) utterances: Vec<Utterance>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Utterance {
    /// The id, the same in every hypothesis of the speech recognition for this utterance.
    pub(crate) id: Option<String>,
    /// `true` if no better hypothesis follows.
    pub(crate) is_final: bool,
    pub(crate) side: Side,
    /// The recognised text, never empty.
    pub(crate) text: String,
    pub(crate) spoken_at: Option<DateTime<Utc>>,
    /// The leg of the call that is transcribed, usually that of the customer.
    pub(crate) leg: Option<String>,
    /// The confidence of the speech recognition, from 0 to 1.
    pub(crate) confidence: Option<f64>,
    /// The language tag.
    pub(crate) language: Option<String>,
}

/// The end of the call that an utterance comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Customer,
    Agent,
    /// A missing or unknown channel, or both at once.
    Unknown,
}

impl Transcription {
    /// Reads the body of an event. A value that is not an object gives an empty one.
    pub(crate) fn from_value(body: &Value) -> Self {
        let transcripts = items_at(body, "transcripts");
        let mut utterances: Vec<_> =
            transcripts.filter_map(|transcript| Utterance::from_value(transcript, body)).collect();
        // The offset decides where the start of the call is unknown (CALL-6).
        utterances.sort_by_key(|(offset, utterance)| (utterance.spoken_at, *offset));
        Self {
            conversation: text_at(body, "conversationId"),
            session_ended: text_equals(body, "status.status", "SESSION_ENDED"),
            utterances: utterances.into_iter().map(|(_, utterance)| utterance).collect(),
        }
    }
}

impl Utterance {
    /// Returns the offset into the call, and the utterance. Without `isFinal`, a transcript counts as final: another one is
    /// unlikely to follow.
    fn from_value(transcript: &Value, body: &Value) -> Option<(Option<i64>, Self)> {
        let (alternative, text) = best_alternative(transcript)?;
        let utterance = Self {
            id: text_at(transcript, "utteranceId"),
            is_final: text_at(transcript, "isFinal").is_none_or(|flag| !flag.eq_ignore_ascii_case("false")),
            side: side(transcript),
            text,
            spoken_at: spoken_at(alternative, body),
            leg: text_at(body, "communicationId"),
            confidence: confidence(alternative).filter(|confidence| (0.0..=1.0).contains(confidence)),
            language: text_at(transcript, "dialect"),
        };
        Some((integer_at(alternative, "offsetMs"), utterance))
    }
}

/// Returns the alternative of the highest confidence among those with text, and its text. The first of equals wins.
fn best_alternative(transcript: &Value) -> Option<(&Value, String)> {
    let confidence = |alternative: &Value| confidence(alternative).unwrap_or_default();
    let with_text = items_at(transcript, "alternatives")
        .filter_map(|alternative| Some((alternative, transcript_text(alternative)?)));
    with_text.reduce(|best, next| if confidence(next.0) > confidence(best.0) { next } else { best })
}

fn confidence(alternative: &Value) -> Option<f64> {
    alternative.get("confidence").and_then(Value::as_f64)
}

fn transcript_text(alternative: &Value) -> Option<String> {
    let mut texts = ["decoratedTranscript", "transcript"].into_iter().filter_map(|member| text_at(alternative, member));
    texts.find(|text| !text.trim().is_empty())
}

fn side(transcript: &Value) -> Side {
    if text_equals(transcript, "channel", "EXTERNAL") {
        Side::Customer
    } else if text_equals(transcript, "channel", "INTERNAL") {
        Side::Agent
    } else {
        Side::Unknown
    }
}

/// Returns the time of the first word, else of the offset into the call, else of the event.
fn spoken_at(alternative: &Value, body: &Value) -> Option<DateTime<Utc>> {
    let first_word = || {
        let mut lists = ["words", "decoratedWords"].iter();
        lists.find_map(|list| epoch_millis_at(items_at(alternative, list).next()?, "startTimeMs"))
    };
    let offset = || {
        let start = epoch_millis_at(body, "sessionStartTimeMs")
            .or_else(|| epoch_millis_at(body, "transcriptionStartTimeMs"))?;
        start.checked_add(integer_at(alternative, "offsetMs")?)
    };
    let at = first_word().or_else(offset).and_then(DateTime::from_timestamp_millis);
    at.or_else(|| time_at(body, "eventTime"))
}

fn epoch_millis_at(value: &Value, path: &str) -> Option<i64> {
    integer_at(value, path).filter(|millis| *millis >= FIRST_EPOCH_MILLIS)
}

fn integer_at(value: &Value, path: &str) -> Option<i64> {
    match value_at(value, path)? {
        Value::String(text) => text.trim().parse().ok(),
        #[expect(clippy::cast_possible_truncation, reason = "a cast saturates; the fraction is not wanted")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|number| number as i64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::fixtures::{TRANSCRIPTION, mangled};
    use super::*;

    const START: i64 = 1_791_472_180_000;

    fn utterance_of(alternatives: &Value) -> Option<Utterance> {
        let body = json!({"sessionStartTimeMs": START, "transcripts": [{"alternatives": alternatives}]});
        Transcription::from_value(&body).utterances.pop()
    }

    fn time_of(mut body: Value, mut alternative: Value) -> Option<i64> {
        alternative["transcript"] = json!("x");
        body["transcripts"] = json!([{"alternatives": [alternative]}]);
        Transcription::from_value(&body)
            .utterances
            .pop()
            .expect("an utterance")
            .spoken_at
            .map(|at| at.timestamp_millis())
    }

    #[test]
    fn an_event_is_read() {
        let transcription = Transcription::from_value(&serde_json::from_str(TRANSCRIPTION).unwrap());
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
            let texts = Transcription::from_value(&body).utterances.into_iter().map(|utterance| utterance.text);
            assert_eq!(texts.collect::<Vec<_>>(), ["2300", "2300.0", "20000", "\"23280\""], "{start}");
        }
        let status_only = json!({"status": {"offsetMs": 23280, "status": "SESSION_ONGOING"}});
        assert_eq!(Transcription::from_value(&status_only).utterances, []);
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
            assert_eq!(
                utterance_of(&alternatives).map(|utterance| utterance.text).as_deref(),
                expected,
                "{alternatives}"
            );
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
            (
                json!({"sessionStartTimeMs": START}),
                json!({"words": [{"startTimeMs": 5}], "offsetMs": 1}),
                Some(START + 1),
            ),
            (json!({"transcriptionStartTimeMs": START}), json!({"words": [], "offsetMs": 2.5}), Some(START + 2)),
            (
                json!({"sessionStartTimeMs": START, "eventTime": "2026-10-08T15:10:07Z"}),
                json!({}),
                Some(1_791_472_207_000),
            ),
            (
                json!({"sessionStartTimeMs": 5, "eventTime": 1_791_472_207}),
                json!({"offsetMs": 1}),
                Some(1_791_472_207_000),
            ),
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
            let (_, utterance) = Utterance::from_value(&transcript, &Value::Null).expect("an utterance");
            (utterance.side, utterance.is_final)
        };
        assert_eq!(utterance(json!("external"), json!(true)), (Side::Customer, true));
        assert_eq!(utterance(json!("INTERNAL"), json!(false)), (Side::Agent, false));
        assert_eq!(utterance(json!("BOTH"), json!("False")), (Side::Unknown, false));
        assert_eq!(utterance(json!(null), json!(null)), (Side::Unknown, true));
        for (status, ended) in
            [(json!({"status": "SESSION_ENDED"}), true), (json!({"status": "SESSION_ONGOING"}), false)]
        {
            assert_eq!(Transcription::from_value(&json!({"transcripts": [], "status": status})).session_ended, ended);
        }
    }

    proptest! {
        #[test]
        fn any_value_in_any_place_is_read(json in mangled(TRANSCRIPTION)) {
            let transcription = Transcription::from_value(&serde_json::from_str(&json).unwrap());
            prop_assert!(transcription.utterances.iter().all(|utterance| !utterance.text.trim().is_empty()));
        }
    }
}
