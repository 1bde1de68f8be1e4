//! The properties that identify an event, fed to a [`Fingerprinter`].

use super::fingerprint::Fingerprinter;
use crate::event::{EventBody, Message, Role, TranscriptEvent};

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

/// Adds the time of an event without an id. Without a time such an event cannot be recognised.
fn occurrence_identity(event: &TranscriptEvent<'_>, fingerprinter: &mut Fingerprinter) -> EventIdentity {
    let Some(at) = event.at else { return EventIdentity::Unidentified };
    fingerprinter.add_number(at.timestamp().cast_unsigned());
    fingerprinter.add_number(at.timestamp_subsec_nanos().into());
    EventIdentity::Occurrence
}
