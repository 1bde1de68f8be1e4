//! What is said in a call, as speech recognition hears it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::json::{at, items, says, text, time};

/// Numbers below are no milliseconds since 1970: that would be before 1974.
const FIRST_EPOCH_MILLIS: i64 = 100_000_000_000;

/// One event of a transcription topic.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Transcription {
    /// The conversation it belongs to.
    pub(crate) conversation: Option<String>,
    /// Whether no more will come.
    pub(crate) session_ended: bool,
    /// What was heard; nothing in a keep-alive.
    pub(crate) utterances: Vec<Utterance>,
}

/// Something that was said in one go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Utterance {
    /// The same in every hypothesis about it.
    pub(crate) id: Option<String>,
    /// Whether no better hypothesis will follow.
    pub(crate) is_final: bool,
    /// Who said it.
    pub(crate) side: Side,
    /// What was said, never empty.
    pub(crate) text: String,
    /// When it was said.
    pub(crate) spoken_at: Option<DateTime<Utc>>,
}

/// The two ends of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The person outside.
    Customer,
    /// The organisation.
    Agent,
    /// The wire does not say, or says both.
    Unknown,
}

impl Transcription {
    /// Reads the body of an event. What is no object is an empty one.
    pub(crate) fn from_value(body: &Value) -> Self {
        Self {
            conversation: text(body, "conversationId"),
            session_ended: says(body, "status.status", "SESSION_ENDED"),
            utterances: items(body, "transcripts").filter_map(|heard| Utterance::of(heard, body)).collect(),
        }
    }
}

impl Utterance {
    /// What does not say whether it is final will hardly be said again.
    fn of(heard: &Value, body: &Value) -> Option<Self> {
        let (alternative, words) = best(heard)?;
        Some(Self {
            id: text(heard, "utteranceId"),
            is_final: text(heard, "isFinal").is_none_or(|flag| !flag.eq_ignore_ascii_case("false")),
            side: side(heard),
            text: words,
            spoken_at: said_at(alternative, body),
        })
    }
}

/// The alternative with words that the engine is surest of; the first of equals.
fn best(heard: &Value) -> Option<(&Value, String)> {
    let confidence = |alternative: &Value| alternative.get("confidence").and_then(Value::as_f64).unwrap_or_default();
    let worded = items(heard, "alternatives").filter_map(|alternative| Some((alternative, words(alternative)?)));
    worded.reduce(|best, next| if confidence(next.0) > confidence(best.0) { next } else { best })
}

fn words(alternative: &Value) -> Option<String> {
    let mut spellings =
        ["decoratedTranscript", "transcript"].into_iter().filter_map(|member| text(alternative, member));
    spellings.find(|words| !words.trim().is_empty())
}

fn side(heard: &Value) -> Side {
    if says(heard, "channel", "EXTERNAL") {
        Side::Customer
    } else if says(heard, "channel", "INTERNAL") {
        Side::Agent
    } else {
        Side::Unknown
    }
}

fn said_at(alternative: &Value, body: &Value) -> Option<DateTime<Utc>> {
    let word =
        || ["words", "decoratedWords"].iter().find_map(|list| epoch(items(alternative, list).next()?, "startTimeMs"));
    let offset = || {
        let start = epoch(body, "sessionStartTimeMs").or_else(|| epoch(body, "transcriptionStartTimeMs"))?;
        start.checked_add(millis(alternative, "offsetMs")?)
    };
    let at = word().or_else(offset).and_then(DateTime::from_timestamp_millis);
    at.or_else(|| time(body, "eventTime"))
}

fn epoch(value: &Value, path: &str) -> Option<i64> {
    millis(value, path).filter(|millis| *millis >= FIRST_EPOCH_MILLIS)
}

fn millis(value: &Value, path: &str) -> Option<i64> {
    match at(value, path)? {
        Value::String(text) => text.trim().parse().ok(),
        #[expect(clippy::cast_possible_truncation, reason = "a cast saturates; the fraction is not wanted")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|millis| millis as i64)),
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

    fn heard(alternatives: &Value) -> Option<Utterance> {
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
    fn a_whole_event_is_read() {
        let transcription = Transcription::from_value(&serde_json::from_str(TRANSCRIPTION).unwrap());
        assert_eq!((transcription.conversation.as_deref(), transcription.session_ended), (Some("call-1"), false));
        let expected = Utterance {
            id: Some("u1".into()),
            is_final: true,
            side: Side::Customer,
            text: "My order number is 427.".into(),
            spoken_at: DateTime::from_timestamp_millis(START + 21_540),
        };
        assert_eq!(transcription.utterances, [expected]);
    }

    #[test]
    fn the_surest_alternative_in_its_best_spelling_is_taken() {
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
            assert_eq!(heard(&alternatives).map(|heard| heard.text).as_deref(), expected, "{alternatives}");
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
    fn sides_finality_and_the_end_are_told_in_any_case() {
        let utterance = |channel: Value, is_final: Value| {
            let heard = json!({"channel": channel, "isFinal": is_final, "alternatives": [{"transcript": "x"}]});
            let utterance = Utterance::of(&heard, &Value::Null).expect("an utterance");
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
        fn anything_anywhere_is_read(json in mangled(TRANSCRIPTION)) {
            let transcription = Transcription::from_value(&serde_json::from_str(&json).unwrap());
            prop_assert!(transcription.utterances.iter().all(|utterance| !utterance.text.trim().is_empty()));
        }
    }
}
