//! The participants of a call, as far as its detail events tell.

use super::participants::Participants;
use crate::wire::conversation::{CallLeg, EntityRef, Involvement, Medium, Participant, Presence, Purpose};
use crate::wire::event_stream::DetailEvent;

/// The beginning or the end of the session of a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Start,
    End,
}

/// Applies the start or the end of a session. Names and other facts that are known stay.
pub(super) fn apply(event: &DetailEvent, participants: &mut Participants) {
    let (Some((purpose, moment)), Some(id)) = (session(&event.name), &event.participant) else { return };
    let mut participant = participants.get(id).cloned().unwrap_or_else(|| absent(id, purpose));
    let entity = |id: &Option<String>| id.clone().map(|id| EntityRef { id, name: None });
    participant.user = participant.user.or_else(|| entity(&event.user));
    participant.queue = participant.queue.or_else(|| entity(&event.queue));
    if let Some(leg) = &event.session
        && !participant.call_legs.iter().any(|known| known.id == *leg)
    {
        participant.call_legs.push(CallLeg { id: leg.clone(), has_ended: moment == Moment::End });
    }
    match moment {
        Moment::Start => start(event, &mut participant),
        Moment::End => end(event, &mut participant),
    }
    participants.record(participant, true);
}

/// Returns whether a snapshot tells more than the event: the first name of a speaker, or the end of the call.
pub(super) fn brings_name(event: &DetailEvent) -> bool {
    matches!(event.name.as_str(), "customer.start" | "user.start" | "customer.end")
}

/// Returns whether a participant came or left, or the conversation is in another queue.
pub(super) fn is_change(event: &DetailEvent) -> bool {
    session(&event.name).is_some()
}

fn session(name: &str) -> Option<(Purpose, Moment)> {
    let (kind, moment) = name.split_once('.')?;
    let purpose = match kind {
        "customer" => Purpose::Customer,
        "user" => Purpose::Agent,
        "acd" => Purpose::Queue,
        "flow" => Purpose::Bot,
        _ => return None,
    };
    match moment {
        "start" => Some((purpose, Moment::Start)),
        "end" => Some((purpose, Moment::End)),
        _ => None,
    }
}

/// Events may arrive in any order: a start that precedes a known end changes nothing of the end.
fn start(event: &DetailEvent, participant: &mut Participant) {
    let has_ended_before = participant.disconnected_at.is_some_and(|left| event.at.is_some_and(|at| left <= at));
    if participant.presence != Presence::Disconnected || has_ended_before {
        participant.presence = Presence::Connected;
        participant.disconnected_at = None;
    }
    if participant.connected_at.is_none() || has_ended_before {
        participant.connected_at = event.at;
    }
}

fn end(event: &DetailEvent, participant: &mut Participant) {
    let is_of_earlier_session = participant.connected_at.is_some_and(|joined| event.at.is_some_and(|at| at < joined));
    if !is_of_earlier_session {
        participant.presence = Presence::Disconnected;
        participant.disconnected_at = event.at;
    }
}

fn absent(id: &str, purpose: Purpose) -> Participant {
    Participant {
        id: id.to_owned(),
        purpose,
        name: None,
        address: None,
        user: None,
        queue: None,
        presence: Presence::Unknown,
        media: Some(Medium::Call.as_str().into()),
        call_legs: Vec::new(),
        involvement: Involvement::Full,
        disconnect_type: None,
        connected_at: None,
        disconnected_at: None,
        messages: Vec::new(),
    }
}
