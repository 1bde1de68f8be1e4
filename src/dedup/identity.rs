//! The properties that identify an event, fed to a [`Fingerprinter`].

use chrono::{DateTime, Utc};

use super::fingerprint::{FingerprintKey, Fingerprinter};
use crate::event::{EventBody, Message, Origin, Role, TranscriptEvent};

/// The unit of the times of utterances.
const UTTERANCE_STEP_MILLIS: i64 = 100;

/// The differences in steps of the times of an utterance and its stored phrase, the smallest first. They cover 400 ms at
/// least, the difference within which a phrase that fills a gap is a printed utterance whatever its text.
pub(crate) const UTTERANCE_STEPS: [i64; 9] = [0, -1, 1, -2, 2, -3, 3, -4, 4];

/// The way in which an event is recognised.
pub(super) enum EventIdentity {
    /// The fingerprint identifies it within its conversation.
    Unique,
    /// The fingerprint is shared by like events; their order on a connection tells them apart.
    Occurrence,
    /// The event cannot be recognised.
    Unidentified,
}

/// The kind of message that an id stands for. A receipt has the id of its message, and never hides it (EVT-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdKind {
    /// A message with a text of its own.
    Text,
    /// A system message: an event or a receipt.
    System,
}

impl IdKind {
    fn of(role: Role) -> Self {
        if role == Role::System { Self::System } else { Self::Text }
    }

    pub(super) fn add(self, id: &str, fingerprinter: &mut Fingerprinter) {
        match self {
            Self::Text => fingerprinter.add_id(id),
            Self::System => fingerprinter.add_system_id(id),
        }
    }
}

/// Adds the identity of `event` to the fingerprint (SRC-15).
pub(super) fn identify(event: &TranscriptEvent<'_>, fingerprinter: &mut Fingerprinter) -> EventIdentity {
    match &event.body {
        EventBody::Message(Message { id: Some(id), role, .. }) => {
            IdKind::of(*role).add(id, fingerprinter);
            EventIdentity::Unique
        }
        EventBody::Gap(_) => EventIdentity::Unidentified,
        EventBody::Message(message) => {
            let text = message.display_text();
            for part in [Some("message"), message.from.id.as_deref(), Some(&text)] {
                fingerprinter.add_text(part);
            }
            occurrence_identity(event, fingerprinter)
        }
        EventBody::Update { description } => {
            fingerprinter.add_text(Some("update"));
            fingerprinter.add_text(description.as_deref());
            occurrence_identity(event, fingerprinter)
        }
        // A conversation ends once, even if a connection reports the end repeatedly.
        EventBody::Closed if event.at.is_some() => {
            fingerprinter.add_text(Some("closed"));
            occurrence_identity(event, fingerprinter);
            EventIdentity::Unique
        }
        EventBody::Closed => EventIdentity::Unidentified,
    }
}

/// Returns whether the customer has spoken a live utterance of a call; `None` for other events.
pub(super) fn live_utterance(event: &TranscriptEvent<'_>) -> Option<bool> {
    let EventBody::Message(message) = &event.body else { return None };
    let is_call = event.context.as_ref().is_some_and(|context| context.media.as_deref() == Some("call"));
    let is_live = message.origin == Origin::Live && message.role != Role::System;
    (is_call && is_live).then_some(message.role == Role::Customer)
}

/// Returns the fingerprint of the side and time of an utterance, or of a time some steps away.
pub(super) fn utterance_fingerprint(key: FingerprintKey, by_customer: bool, at: DateTime<Utc>, steps: i64) -> u64 {
    let mut fingerprinter = key.fingerprinter();
    fingerprinter.add_text(Some(if by_customer { "spoken by the customer" } else { "spoken to the customer" }));
    let time = at.timestamp_millis().div_euclid(UTTERANCE_STEP_MILLIS) + steps;
    fingerprinter.add_number(time.cast_unsigned());
    fingerprinter.finish()
}

/// Adds the time of an event without an id. Without a time such an event cannot be recognised.
fn occurrence_identity(event: &TranscriptEvent<'_>, fingerprinter: &mut Fingerprinter) -> EventIdentity {
    let Some(at) = event.at else { return EventIdentity::Unidentified };
    fingerprinter.add_number(at.timestamp().cast_unsigned());
    fingerprinter.add_number(at.timestamp_subsec_nanos().into());
    EventIdentity::Occurrence
}
