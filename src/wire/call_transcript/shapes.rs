//! The JSON of a stored transcript, with every member optional.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use super::{CallParty, CallTranscript, Phrase};
use crate::wire::conversation::Purpose;
use crate::wire::lenient::{LenientList, LenientObject, LenientString};
use crate::wire::timestamp;
use crate::wire::transcription::Side;

/// Smaller numbers are not milliseconds since 1970: they would lie before 2001. They are offsets into the call.
const FIRST_EPOCH_MILLIS: f64 = 1e12;

/// A longer offset is none: no call lasts for a year.
const MAX_OFFSET_MILLIS: f64 = 365.0 * 24.0 * 3_600_000.0;

/// The maximum length of a language tag in bytes. Each phrase has a copy of it.
const MAX_LANGUAGE: usize = 35;

/// The maximum length of the id of a user or queue in bytes. Each phrase of the party has a copy of it.
const MAX_ID: usize = 128;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FileJson<'a> {
    #[serde(borrow)]
    start_time: LenientString<'a>,
    #[serde(borrow)]
    conversation_start_time: LenientString<'a>,
    transcripts: LenientList<TranscriptJson>,
    #[serde(borrow)]
    participants: LenientList<PartyJson<'a>>,
}

/// The phrases of one language or program.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TranscriptJson {
    language: OwnedText,
    start_time: OwnedText,
    phrases: LenientList<ParsedPhrase>,
}

/// A string that outlives its JSON.
#[derive(Debug, Default)]
struct OwnedText(Option<String>);

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PhraseJson<'a> {
    #[serde(borrow)]
    phrase_index: LenientString<'a>,
    #[serde(borrow)]
    participant_purpose: LenientString<'a>,
    #[serde(borrow)]
    text: LenientString<'a>,
    #[serde(borrow)]
    decorated_text: LenientString<'a>,
    #[serde(borrow)]
    confidence: LenientString<'a>,
    #[serde(borrow)]
    start_time_ms: LenientString<'a>,
    #[serde(borrow)]
    offset: LenientObject<MillisecondsJson<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MillisecondsJson<'a> {
    #[serde(borrow)]
    milliseconds: LenientString<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartyJson<'a> {
    #[serde(borrow)]
    participant_purpose: LenientString<'a>,
    #[serde(borrow)]
    user_id: LenientString<'a>,
    #[serde(borrow)]
    queue_id: LenientString<'a>,
    #[serde(borrow)]
    start_time_ms: LenientString<'a>,
    #[serde(borrow)]
    end_time_ms: LenientString<'a>,
}

/// A phrase, converted while the JSON is parsed: the result is a fraction of the size of [`PhraseJson`].
#[derive(Debug)]
struct ParsedPhrase {
    index: Option<i64>,
    side: Side,
    text: Option<String>,
    moment: Option<Moment>,
    confidence: Option<f64>,
}

/// A time, or an offset from the start of the call.
#[derive(Debug, Clone, Copy)]
enum Moment {
    At(DateTime<Utc>),
    /// In milliseconds.
    Offset(i64),
}

impl<'a> FileJson<'a> {
    pub(super) fn read(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<LenientObject<Self>>(json).map(|file| file.0)
    }

    /// Returns the transcript; `None` without a list of transcripts.
    pub(super) fn into_transcript(self) -> Option<CallTranscript> {
        if !self.transcripts.is_list() {
            return None;
        }
        let (start, conversation_start) = (self.start_time.time(), self.conversation_start_time.time());
        let base = start.or(conversation_start);
        let parties = self.participants.into_vec().into_iter().map(|party| party.into_party(base)).collect();
        let mut phrases = Vec::new();
        for transcript in self.transcripts.into_vec() {
            let base = start.or_else(|| timestamp::parse(transcript.start_time.0.as_deref()?)).or(conversation_start);
            let language = transcript.language.0.filter(|language| language.len() <= MAX_LANGUAGE);
            let parsed = transcript.phrases.into_vec().into_iter();
            phrases.extend(parsed.filter_map(|phrase| phrase.into_phrase(base, language.as_deref())));
        }
        phrases.sort_by_key(|(index, phrase)| (phrase.spoken_at, *index));
        let phrases = phrases.into_iter().map(|(_, phrase)| phrase).collect();
        Some(CallTranscript { phrases: without_repeats(phrases), parties })
    }
}

/// Removes phrases with the time, side and text of an earlier one: two programs may transcribe one call. A phrase without
/// a time is no repeat: the same may be said twice.
fn without_repeats(phrases: Vec<Phrase>) -> Vec<Phrase> {
    let mut is_first = Vec::with_capacity(phrases.len());
    let mut seen = HashSet::new();
    for Phrase { spoken_at, side, text, .. } in &phrases {
        is_first.push(spoken_at.is_none_or(|at| seen.insert((at, *side, text.as_str()))));
    }
    let mut is_first = is_first.into_iter();
    phrases.into_iter().filter(|_| is_first.next() == Some(true)).collect()
}

impl PartyJson<'_> {
    fn into_party(self, base: Option<DateTime<Utc>>) -> CallParty {
        let id = |text: LenientString<'_>| text.into_string().filter(|id| id.len() <= MAX_ID);
        let time = |text: &LenientString<'_>| moment(text.0.as_deref()?)?.resolve(base);
        CallParty {
            purpose: Purpose::parse(self.participant_purpose.as_str()),
            from: time(&self.start_time_ms),
            to: time(&self.end_time_ms),
            user: id(self.user_id),
            queue: id(self.queue_id),
        }
    }
}

impl ParsedPhrase {
    fn into_phrase(self, base: Option<DateTime<Utc>>, language: Option<&str>) -> Option<(Option<i64>, Phrase)> {
        let phrase = Phrase {
            side: self.side,
            text: self.text?,
            spoken_at: self.moment.and_then(|moment| moment.resolve(base)),
            confidence: self.confidence,
            language: language.map(str::to_owned),
        };
        Some((self.index, phrase))
    }
}

impl Moment {
    fn resolve(self, base: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(at),
            Self::Offset(millis) => base?.checked_add_signed(chrono::TimeDelta::milliseconds(millis)),
        }
    }
}

impl<'de> Deserialize<'de> for OwnedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LenientString::deserialize(deserializer).map(|text| Self(text.into_string()))
    }
}

impl<'de> Deserialize<'de> for ParsedPhrase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PhraseJson::deserialize(deserializer).map(PhraseJson::into_parsed)
    }
}

impl PhraseJson<'_> {
    fn into_parsed(self) -> ParsedPhrase {
        let Self { phrase_index, participant_purpose, text, decorated_text, confidence, start_time_ms, offset } = self;
        let offset = || offset.0.milliseconds.0.as_deref().and_then(self::offset);
        let confidence = confidence.0.and_then(|text| text.parse().ok());
        let texts = [decorated_text, text].into_iter().filter_map(LenientString::into_string);
        ParsedPhrase {
            index: phrase_index.0.and_then(|text| text.parse().ok()),
            side: side(participant_purpose.as_str()),
            text: texts.into_iter().find(|text| !text.trim().is_empty()),
            moment: start_time_ms.0.as_deref().and_then(moment).or_else(offset),
            confidence: confidence.filter(|confidence| (0.0..=1.0).contains(confidence)),
        }
    }
}

fn side(purpose: &str) -> Side {
    match purpose.to_ascii_lowercase().as_str() {
        "external" | "customer" => Side::Customer,
        "internal" | "agent" | "user" | "ivr" | "acd" => Side::Agent,
        _ => Side::Unknown,
    }
}

/// Reads a time in milliseconds since 1970, another form of time, or an offset.
fn moment(text: &str) -> Option<Moment> {
    match text.trim().parse::<f64>() {
        Ok(millis) if millis >= FIRST_EPOCH_MILLIS => timestamp::parse(text.trim()).map(Moment::At),
        Ok(_) => offset(text),
        Err(_) => timestamp::parse(text).map(Moment::At),
    }
}

fn offset(text: &str) -> Option<Moment> {
    let millis: f64 = text.trim().parse().ok().filter(|millis: &f64| millis.abs() <= MAX_OFFSET_MILLIS)?;
    #[expect(clippy::cast_possible_truncation, reason = "at most a year; the fraction is not wanted")]
    Some(Moment::Offset(millis as i64))
}
