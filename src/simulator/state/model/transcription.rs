//! What is heard in a phone call: `v2.conversations.{id}.transcription`.

use serde_json::{Value, json};

use super::publish::{EventPublisher, raw};
use super::{ConversationModel, Purpose, SentMessage, uuid};
use crate::simulator::script::Line;
use crate::simulator::state::transcript_frames::stamp;

/// How long it takes to say a letter.
const MILLIS_PER_LETTER: usize = 60;

/// How much later than the call its transcription begins.
const TRANSCRIPTION_BEGINS: i64 = 1_500;

impl ConversationModel {
    /// A spoken line: what was understood on the way to it, and then the line itself.
    pub(super) fn publish_utterance(
        &mut self,
        by: usize,
        line: &Line,
        spoken: &SentMessage,
        publisher: &mut EventPublisher<'_>,
    ) {
        self.utterances += 1;
        let id = uuid(&format!("utterance {} of {}", self.utterances, self.id));
        let heard = line.partials.iter().map(|partial| (partial.as_str(), false));
        for (words, is_final) in heard.chain([(spoken.text.as_str(), true)]) {
            let utterance = self.utterance(by, &id, words, is_final, spoken);
            publisher.transcription(self, json!({ "transcripts": [utterance] }));
        }
    }

    fn utterance(&self, by: usize, id: &str, words: &str, is_final: bool, spoken: &SentMessage) -> Value {
        let outside = self.people[by].purpose == Purpose::Customer;
        json!({
            "utteranceId": id,
            "isFinal": is_final,
            "channel": if outside { "EXTERNAL" } else { "INTERNAL" },
            "alternatives": [self.alternative(words, is_final, spoken)],
            "engineProvider": "GENESYS",
            "engineId": "r2d2",
            "engineName": "Native",
            "dialect": "en-US",
            "speechTextAnalyticsProgramId": uuid("program"),
            "agentAssistEnabled": false,
            "voiceTranscriptionEnabled": true,
        })
    }

    /// The words as an engine hears them and, once they are final, as people write them.
    fn alternative(&self, words: &str, is_final: bool, spoken: &SentMessage) -> Value {
        let plain: String =
            words.to_lowercase().chars().filter(|letter| letter.is_alphanumeric() || letter.is_whitespace()).collect();
        let begins = spoken.at.timestamp_millis();
        let word = |word: &str| {
            json!({
                "confidence": 0.97,
                "startTimeMs": begins,
                "offsetMs": begins - self.started.timestamp_millis(),
                "durationMs": word.len() * MILLIS_PER_LETTER,
                "word": word,
            })
        };
        let mut alternative = json!({
            "confidence": if is_final { 0.93 } else { 0.41 },
            "offsetMs": begins - self.started.timestamp_millis(),
            "durationMs": words.len() * MILLIS_PER_LETTER,
            "transcript": plain,
            "words": plain.split_whitespace().map(word).collect::<Vec<_>>(),
        });
        if is_final {
            alternative["decoratedTranscript"] = words.into();
            alternative["decoratedWords"] = words.split_whitespace().map(word).collect();
        }
        alternative
    }
}

impl EventPublisher<'_> {
    /// The transcription goes on, or is over.
    pub(super) fn session(&mut self, model: &ConversationModel, status: &str) {
        let offset = (self.now - model.started).num_milliseconds();
        self.transcription(model, json!({ "transcripts": [], "status": { "offsetMs": offset, "status": status } }));
    }

    fn transcription(&mut self, model: &ConversationModel, mut body: Value) {
        let began = model.started.timestamp_millis();
        body["eventTime"] = stamp(self.now).into();
        body["organizationId"] = uuid("organization").into();
        body["conversationId"] = model.id.as_str().into();
        body["communicationId"] = model.people[0].communication.as_str().into();
        body["sessionStartTimeMs"] = began.into();
        body["transcriptionStartTimeMs"] = (began + TRANSCRIPTION_BEGINS).into();
        body["speechTextAnalyticsProgramId"] = uuid("program").into();
        self.publish(vec![format!("v2.conversations.{}.transcription", model.id)], || raw(&body));
    }
}
