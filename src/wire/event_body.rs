//! The body of a transcription or of a detail event, in one shape: the topic decides which of its members count.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json;
use super::lenient::{LenientFloat, LenientInteger, LenientList, LenientObject, LenientString};
use super::transcription::{Side, Transcription, Utterance};

/// Smaller numbers are not milliseconds since 1970: they would lie before 1974.
const FIRST_EPOCH_MILLIS: i64 = 100_000_000_000;

/// The members of the bodies.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EventBody<'a> {
    #[serde(borrow)]
    pub(super) conversation_id: LenientString<'a>,
    #[serde(borrow)]
    pub(super) event_time: LenientString<'a>,
    #[serde(borrow)]
    communication_id: LenientString<'a>,
    session_start_time_ms: LenientInteger,
    transcription_start_time_ms: LenientInteger,
    #[serde(borrow)]
    transcripts: LenientList<Transcript<'a>>,
    #[serde(borrow)]
    status: LenientObject<SessionStatus<'a>>,
    #[serde(borrow)]
    pub(super) participant_id: LenientString<'a>,
    #[serde(borrow)]
    pub(super) session_id: LenientString<'a>,
    #[serde(borrow)]
    media_type: LenientString<'a>,
    #[serde(borrow)]
    pub(super) user_id: LenientString<'a>,
    #[serde(borrow)]
    pub(super) queue_id: LenientString<'a>,
    #[serde(borrow)]
    communications: LenientList<Communication<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Communication<'a> {
    #[serde(borrow)]
    media_type: LenientString<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SessionStatus<'a> {
    #[serde(borrow)]
    status: LenientString<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Transcript<'a> {
    #[serde(borrow)]
    utterance_id: LenientString<'a>,
    #[serde(borrow)]
    is_final: LenientString<'a>,
    #[serde(borrow)]
    channel: LenientString<'a>,
    #[serde(borrow)]
    dialect: LenientString<'a>,
    #[serde(borrow)]
    alternatives: LenientList<Alternative<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Alternative<'a> {
    confidence: LenientFloat,
    offset_ms: LenientInteger,
    #[serde(borrow)]
    transcript: LenientString<'a>,
    #[serde(borrow)]
    decorated_transcript: LenientString<'a>,
    /// The words are most of an event, and are read only if they have times of their own.
    #[serde(borrow)]
    words: Option<&'a RawValue>,
    #[serde(borrow)]
    decorated_words: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Word {
    start_time_ms: LenientInteger,
}

/// Reads the transcription in the body of an event. A value that is not an object gives an empty one.
pub(super) fn transcription(body: &str) -> Transcription {
    let read = |body: &str| {
        let body: LenientObject<EventBody<'_>> = serde_json::from_str(body).ok()?;
        Some(body.0.into_transcription())
    };
    read_repaired(body, read).unwrap_or_default()
}

#[cfg(test)]
impl Transcription {
    /// Reads the body of an event.
    pub(crate) fn from_value(body: &serde_json::Value) -> Self {
        transcription(&body.to_string())
    }
}

impl EventBody<'_> {
    /// Returns the transcription that the body holds.
    pub(super) fn into_transcription(mut self) -> Transcription {
        let transcripts = std::mem::take(&mut self.transcripts).into_vec();
        let mut utterances: Vec<_> =
            transcripts.into_iter().filter_map(|transcript| transcript.into_utterance(&self)).collect();
        // The offset decides where the start of the call is unknown (CALL-6).
        utterances.sort_by_key(|(offset, utterance)| (utterance.spoken_at, *offset));
        Transcription {
            session_ended: self.status.0.status.as_str().eq_ignore_ascii_case("SESSION_ENDED"),
            conversation: self.conversation_id.into_string(),
            utterances: utterances.into_iter().map(|(_, utterance)| utterance).collect(),
        }
    }

    /// Returns the medium, of which an event about a conversation as a whole has a list.
    pub(super) fn medium(&self) -> &str {
        let of_communications = || self.communications.as_slice().first().map(|one| one.media_type.as_str());
        match self.media_type.as_str() {
            "" => of_communications().unwrap_or_default(),
            medium => medium,
        }
    }

    /// Returns the time of the first word, else of the offset into the call, else of the event.
    fn spoken_at(&self, alternative: &Alternative<'_>) -> Option<DateTime<Utc>> {
        let first_word = || [alternative.words, alternative.decorated_words].into_iter().find_map(start_of_first_word);
        let start =
            || epoch_millis(self.session_start_time_ms).or_else(|| epoch_millis(self.transcription_start_time_ms));
        let offset = || start()?.checked_add(alternative.offset_ms.0?);
        let at = first_word().or_else(offset).and_then(DateTime::from_timestamp_millis);
        at.or_else(|| self.event_time.time())
    }
}

impl Transcript<'_> {
    /// Returns the offset into the call, and the utterance. Without `isFinal`, a transcript counts as final: another one is
    /// unlikely to follow.
    fn into_utterance(self, body: &EventBody<'_>) -> Option<(Option<i64>, Utterance)> {
        let (alternative, text) = best(self.alternatives.as_slice())?;
        let confidence = alternative.confidence.0.filter(|confidence| (0.0..=1.0).contains(confidence));
        let utterance = Utterance {
            is_final: !self.is_final.as_str().eq_ignore_ascii_case("false"),
            side: side(self.channel.as_str()),
            text: text.to_owned(),
            spoken_at: body.spoken_at(alternative),
            leg: body.communication_id.0.clone().map(Cow::into_owned),
            confidence,
            language: self.dialect.into_string(),
            id: self.utterance_id.into_string(),
        };
        Some((alternative.offset_ms.0, utterance))
    }
}

/// Returns the alternative of the highest confidence among those with text, and its text. The first of equals wins.
fn best<'l, 'a>(alternatives: &'l [Alternative<'a>]) -> Option<(&'l Alternative<'a>, &'l str)> {
    let confidence = |alternative: &Alternative<'_>| alternative.confidence.0.unwrap_or_default();
    let with_text = alternatives.iter().filter_map(|alternative| Some((alternative, alternative.text()?)));
    with_text.reduce(|best, next| if confidence(next.0) > confidence(best.0) { next } else { best })
}

impl Alternative<'_> {
    fn text(&self) -> Option<&str> {
        let mut texts = [&self.decorated_transcript, &self.transcript].into_iter().map(LenientString::as_str);
        texts.find(|text| !text.trim().is_empty())
    }
}

fn side(channel: &str) -> Side {
    if channel.eq_ignore_ascii_case("EXTERNAL") {
        Side::Customer
    } else if channel.eq_ignore_ascii_case("INTERNAL") {
        Side::Agent
    } else {
        Side::Unknown
    }
}

fn start_of_first_word(words: Option<&RawValue>) -> Option<i64> {
    let words = words?.get();
    memchr::memmem::find(words.as_bytes(), b"startTimeMs")?;
    let words: LenientList<Word> = serde_json::from_str(words).ok()?;
    epoch_millis(words.as_slice().first()?.start_time_ms)
}

fn epoch_millis(number: LenientInteger) -> Option<i64> {
    number.0.filter(|millis| *millis >= FIRST_EPOCH_MILLIS)
}

/// Reads a value with `read`, which refuses a member given twice and a lone surrogate, else the same value without them.
///
/// # Errors
///
/// The reason why it is no JSON that can be read.
pub(super) fn read_repaired<T>(text: &str, mut read: impl FnMut(&str) -> Option<T>) -> Result<T, String> {
    if let Some(value) = read(text) {
        return Ok(value);
    }
    let repaired = json::parse(text).map_err(|error| error.to_string())?.to_string();
    read(&repaired).ok_or_else(|| "not of the expected shape".to_owned())
}

#[cfg(test)]
mod tests;
