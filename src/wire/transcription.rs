//! Utterances of a call. `event_body` reads them from the events of a transcription topic.

use chrono::{DateTime, Utc};

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
