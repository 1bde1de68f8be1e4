//! What is said in a call, as speech recognition hears it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::value::{at, first, items, says, text, time};

/// Numbers below are no milliseconds since 1970: that would be before 1974.
const FIRST_EPOCH_MILLIS: i64 = 100_000_000_000;

/// One event of a transcription topic.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Transcription {
    /// The conversation it belongs to.
    pub(crate) conversation: Option<String>,
    /// Whether no more will come.
    pub(crate) ended: bool,
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
    pub(crate) at: Option<DateTime<Utc>>,
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
    pub(crate) fn of(body: &Value) -> Self {
        Self {
            conversation: text(body, "conversationId"),
            ended: says(body, "status.status", "SESSION_ENDED"),
            utterances: items(body, "transcripts").filter_map(|heard| Utterance::of(heard, body)).collect(),
        }
    }
}

impl Utterance {
    fn of(heard: &Value, body: &Value) -> Option<Self> {
        let (alternative, text) = best(heard)?;
        Some(Self {
            id: super::value::text(heard, "utteranceId"),
            is_final: !says_no(heard, "isFinal"),
            side: side(heard),
            text,
            at: said_at(alternative, body),
        })
    }
}

/// The alternative with words that the engine is surest of; the first of equals.
fn best(heard: &Value) -> Option<(&Value, String)> {
    let confidence = |alternative: &Value| alternative.get("confidence").and_then(Value::as_f64).unwrap_or_default();
    let worded = items(heard, "alternatives")
        .filter_map(|alternative| Some((alternative, first(alternative, &["decoratedTranscript", "transcript"])?)));
    worded.reduce(|best, next| if confidence(next.0) > confidence(best.0) { next } else { best })
}

/// What does not say whether it is final will not be said again.
fn says_no(heard: &Value, path: &str) -> bool {
    text(heard, path).is_some_and(|flag| flag.eq_ignore_ascii_case("false"))
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
