//! The stored transcript of a call: the file that the service makes after its end.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::ConversationModel;
use super::participants::{Participant, Purpose};
use crate::simulator::state::ids::uuid;
use crate::simulator::state::transcript_frames::TRANSIT;

/// The duration of a spoken word.
const MILLIS_PER_WORD: usize = 300;

/// An utterance as it was spoken.
#[derive(Debug)]
pub(super) struct SpokenUtterance {
    /// The index of its participant.
    pub(super) participant: usize,
    pub(super) text: String,
    pub(super) at: DateTime<Utc>,
}

impl ConversationModel {
    /// Returns whether this leg of an ended call has a stored transcript `delay` after the end: that of the customer.
    pub(crate) fn has_stored_transcript(&self, leg: &str, delay: TimeDelta) -> bool {
        let is_ready = self.ended_at.is_some_and(|end| Utc::now() - end >= delay);
        is_ready && self.is_call && self.participants[0].communication_id == leg
    }

    /// Returns the stored transcript of an ended call. `filler` words follow those of the utterances.
    pub(crate) fn stored_transcript(&self, filler: usize) -> Value {
        let start = self.started_at.timestamp_millis();
        let end = self.ended_at.unwrap_or_else(Utc::now).timestamp_millis();
        let duration = json!({ "milliseconds": end - start });
        let share = filler / self.utterance_log.len().max(1);
        let phrases: Vec<Value> = self
            .utterance_log
            .iter()
            .enumerate()
            .map(|(index, utterance)| self.phrase(index, utterance, share))
            .collect();
        json!({
            "organizationId": uuid("organization"),
            "conversationId": self.id,
            "communicationId": self.participants[0].communication_id,
            "mediaType": "call",
            "conversationStartTime": start,
            "startTime": start,
            "duration": duration,
            "transcripts": [{
                "transcriptId": uuid(&format!("transcript of {}", self.id)),
                "language": "en-us",
                "programId": uuid("program"),
                "engineId": "r2d2",
                "startTime": start,
                "duration": duration,
                "phrases": phrases,
                "analytics": { "sentiment": [], "topics": [], "acoustic": [] },
            }],
            "participants": self.participants.iter().map(Self::call_party).collect::<Vec<_>>(),
        })
    }

    fn phrase(&self, index: usize, utterance: &SpokenUtterance, filler: usize) -> Value {
        let is_external = self.participants[utterance.participant].purpose == Purpose::Customer;
        let plain: String = utterance
            .text
            .to_lowercase()
            .chars()
            .filter(|char| char.is_alphanumeric() || char.is_whitespace())
            .collect();
        let start = utterance.at.timestamp_millis();
        let offset = start - self.started_at.timestamp_millis();
        let word = |word: &str| {
            json!({
                "word": word,
                "confidence": 0.93,
                "startTimeMs": start,
                "offset": { "milliseconds": offset },
                "duration": { "milliseconds": MILLIS_PER_WORD },
            })
        };
        let words = plain.split_whitespace().chain(std::iter::repeat_n("hm", filler)).map(word);
        json!({
            "phraseIndex": index,
            "participantPurpose": if is_external { "external" } else { "internal" },
            "text": plain,
            "decoratedText": utterance.text,
            "stability": 1.0,
            "confidence": 0.93,
            "startTimeMs": start,
            "offset": { "milliseconds": offset },
            "duration": { "milliseconds": MILLIS_PER_WORD * plain.split_whitespace().count() },
            "words": words.collect::<Vec<_>>(),
            "alternatives": [],
        })
    }

    fn call_party(participant: &Participant) -> Value {
        // An utterance is dated before its event, and so may precede the join in front of it.
        let start = participant.connected_at.unwrap_or(participant.started_at) - TRANSIT;
        let mut party = json!({
            "participantPurpose": participant.purpose_name(true),
            "startTimeMs": start.timestamp_millis(),
        });
        let end = participant.disconnection.map(|end| end.at.timestamp_millis());
        let members = [
            ("endTimeMs", end.map(Value::from)),
            ("userId", participant.user.as_ref().map(|user| user.id.as_str().into())),
            ("queueId", participant.queue.as_ref().map(|queue| queue.id.as_str().into())),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                party[name] = value;
            }
        }
        party
    }
}
