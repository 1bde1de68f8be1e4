//! The transcription of a call: `v2.conversations.{id}.transcription`.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::ConversationModel;
use super::json::raw_json;
use super::participants::Purpose;
use super::publish::EventPublisher;
use super::stored_transcript::SpokenUtterance;
use crate::simulator::script::MessageLine;
use crate::simulator::state::ids::uuid;
use crate::simulator::state::message::{SentMessage, format_time};

/// The duration of a spoken letter.
const MILLIS_PER_LETTER: usize = 60;

/// The delay between the start of a call and the start of its transcription.
const TRANSCRIPTION_DELAY_MILLIS: i64 = 1_500;

impl ConversationModel {
    /// Publishes an utterance: its partial transcripts, then the final one.
    pub(super) fn publish_utterance(
        &mut self,
        participant: usize,
        line: &MessageLine,
        message: &SentMessage,
        publisher: &mut EventPublisher<'_>,
    ) {
        self.utterances += 1;
        self.utterance_log.push(SpokenUtterance { participant, text: message.text.clone(), at: message.sent_at });
        let id = uuid(&format!("utterance {} of {}", self.utterances, self.id));
        let partial = line.partial_transcripts.iter().map(|text| (text.as_str(), false));
        for (text, is_final) in partial.chain([(message.text.as_str(), true)]) {
            let transcript = self.transcript(participant, &id, text, is_final, message);
            let status = session_status(self, "SESSION_ONGOING", publisher.now);
            publisher.publish_transcription(self, json!({ "transcripts": [transcript], "status": status }));
        }
    }

    fn transcript(&self, participant: usize, id: &str, text: &str, is_final: bool, message: &SentMessage) -> Value {
        let is_external = self.participants[participant].purpose == Purpose::Customer;
        json!({
            "utteranceId": id,
            "isFinal": is_final,
            "channel": if is_external { "EXTERNAL" } else { "INTERNAL" },
            "alternatives": [self.alternative(text, is_final, message)],
            "engineProvider": "GENESYS",
            "engineId": "r2d2",
            "dialect": "en-US",
            "speechTextAnalyticsProgramId": uuid("program"),
            "agentAssistEnabled": false,
            "voiceTranscriptionEnabled": true,
        })
    }

    /// Returns the plain words of a transcript and, if it is final, the text with case and punctuation.
    fn alternative(&self, text: &str, is_final: bool, message: &SentMessage) -> Value {
        let plain: String =
            text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric() || letter.is_whitespace()).collect();
        let offset = (message.sent_at - self.started_at).num_milliseconds();
        let word = |word: &str| {
            json!({
                "confidence": 0.97,
                "offsetMs": offset,
                "durationMs": word.len() * MILLIS_PER_LETTER,
                "word": word,
            })
        };
        let mut alternative = json!({
            "confidence": if is_final { 0.93 } else { 0.41 },
            "offsetMs": offset,
            "durationMs": text.len() * MILLIS_PER_LETTER,
            "transcript": plain,
            "words": plain.split_whitespace().map(word).collect::<Vec<_>>(),
        });
        if is_final {
            alternative["decoratedTranscript"] = text.into();
            alternative["decoratedWords"] = text.split_whitespace().map(word).collect();
        }
        alternative
    }
}

fn session_status(model: &ConversationModel, status: &str, now: DateTime<Utc>) -> Value {
    json!({ "offsetMs": (now - model.started_at).num_milliseconds(), "status": status })
}

impl EventPublisher<'_> {
    /// Publishes the status of the transcription session, such as `SESSION_ONGOING`.
    pub(super) fn publish_session_status(&mut self, model: &ConversationModel, status: &str) {
        let status = session_status(model, status, self.now);
        self.publish_transcription(model, json!({ "status": status }));
    }

    fn publish_transcription(&mut self, model: &ConversationModel, mut body: Value) {
        let started_at = model.started_at.timestamp_millis();
        body["eventTime"] = format_time(self.now).into();
        body["organizationId"] = uuid("organization").into();
        body["conversationId"] = model.id.as_str().into();
        body["communicationId"] = model.participants[0].communication_id.as_str().into();
        body["sessionStartTimeMs"] = started_at.into();
        body["transcriptionStartTimeMs"] = (started_at + TRANSCRIPTION_DELAY_MILLIS).into();
        body["speechTextAnalyticsProgramId"] = uuid("program").into();
        self.publish_on_stream(format!("v2.conversations.{}.transcription", model.id), || raw_json(&body));
    }
}
