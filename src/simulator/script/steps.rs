//! The steps of a script.

use std::time::Duration;

use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// The time since the previous step.
    pub(crate) pause: Duration,
    pub(crate) action: Action,
}

/// An action in a conversation. Names of queues and people are those of the script.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Message(MessageLine),
    Update(Vec<(String, String)>),
    Join {
        speaker: Speaker,
        name: String,
    },
    Alert(String),
    Leave {
        speaker: Speaker,
        name: String,
    },
    Transfer(String),
    Park,
    Resume,
    /// The conversation begins, and was unknown before.
    Begin,
    Call,
    Email,
    KeepAlive,
    Close,
}

/// A line of a conversation: a message, or an utterance in a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MessageLine {
    pub(crate) speaker: Speaker,
    /// Empty if the script gives no name.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) quick_replies: Vec<String>,
    pub(crate) attachments: Vec<Attachment>,
    /// Earlier, partial results of the transcription of an utterance.
    pub(crate) partial_transcripts: Vec<String>,
    /// Further parts of the content, as the service sends them.
    pub(crate) parts: Vec<Value>,
    /// Further members of the message body, as the service sends them.
    pub(crate) members: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    Customer,
    Agent,
    Bot,
    System,
    /// Another sender without a person: one of [`AUTOMATIC_PURPOSES`].
    Automatic(&'static str),
}

/// The purposes of participants without a person, other than bots. Their messages name no author.
pub(super) const AUTOMATIC_PURPOSES: [&str; 7] = ["acd", "api", "botflow", "campaign", "external", "ivr", "voicemail"];

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) size: u64,
}

/// A loop over the first `steps` of a script.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Repeat {
    pub(super) steps: usize,
    /// The number of lines to play; `None` is endless.
    pub(super) lines: Option<usize>,
}

impl Action {
    /// Returns the new queue of an update that names one.
    pub(crate) fn queue(&self) -> Option<&str> {
        let Self::Update(changes) = self else { return None };
        changes.iter().find(|(key, _)| key == "queue").map(|(_, name)| name.as_str())
    }
}
