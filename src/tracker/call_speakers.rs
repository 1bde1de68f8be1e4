//! The speakers on a call (CALL-2).
//!
//! A transcription tells the side of an utterance: `EXTERNAL` is the party of the transcribed leg, usually the customer, and
//! `INTERNAL` is everyone at its other end.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::attribution;
use super::participants::Participants;
use super::protocol::TimedEvent;
use crate::event::{EventBody, EventContext, Message, MessageDetails, Origin, Party, Role};
use crate::wire::call_transcript::{CallParty, CallTranscript, Phrase};
use crate::wire::conversation::{Involvement, Participant, Presence, Purpose};
use crate::wire::transcription::{Side, Utterance};

/// Makes an event of an utterance: of the customer, or of the agent or bot who spoke then.
pub(super) fn utterance(utterance: Utterance, participants: &Participants) -> TimedEvent {
    let participant = speaker(&utterance, participants).or_else(|| likely_speaker(&utterance, participants));
    let speaker = match participant {
        Some(participant) => Speaker::of(participant),
        None => Speaker { role: role_of_side(utterance.side, participants), from: Party::default() },
    };
    to_event(utterance, speaker, participants.call_context(participant), Origin::Live)
}

/// Makes an event of a phrase of a stored transcript of this leg. Its file tells who took part in the call; without that, the
/// speaker is found like that of a live utterance.
pub(super) fn stored_phrase(
    phrase: &Phrase,
    transcript: &CallTranscript,
    leg: &str,
    participants: &Participants,
) -> TimedEvent {
    let utterance_of_phrase = Utterance {
        id: None,
        is_final: true,
        side: phrase.side,
        text: phrase.text.clone(),
        spoken_at: phrase.spoken_at,
        leg: Some(leg.to_owned()),
        confidence: phrase.confidence,
        language: phrase.language.clone(),
    };
    let party = transcript.speaker(phrase);
    let participant = match party {
        Some(party) => known_party(party, phrase.spoken_at, participants),
        None if transcript.parties.is_empty() => speaker(&utterance_of_phrase, participants),
        None => None,
    };
    let speaker = match (participant, party) {
        (Some(participant), _) => Speaker::of(participant),
        (None, Some(party)) => Speaker::of_party(party, participants),
        (None, None) => Speaker { role: role_of_side(phrase.side, participants), from: Party::default() },
    };
    to_event(utterance_of_phrase, speaker, participants.call_context(participant), Origin::History)
}

/// The role and name of a speaker.
struct Speaker {
    role: Role,
    from: Party<'static>,
}

impl Speaker {
    fn of(participant: &Participant) -> Self {
        Self { role: role(&participant.purpose), from: party(participant) }
    }

    /// Returns the speaker of whom only the stored transcript tells.
    fn of_party(party: &CallParty, participants: &Participants) -> Self {
        let queue = || participants.queue_name(party.queue.as_deref()?).map(|name| name.to_owned().into());
        let name = if party.purpose == Purpose::Queue { queue() } else { None };
        Self { role: role(&party.purpose), from: Party { id: party.user.clone().map(Into::into), name } }
    }
}

/// Returns the participant that a party of a stored transcript is: the same user, else the one of the same kind that joined
/// nearest to the party.
fn known_party<'a>(
    party: &CallParty,
    spoken_at: Option<DateTime<Utc>>,
    participants: &'a Participants,
) -> Option<&'a Participant> {
    let joined = party.from.or(spoken_at);
    let distance = |one: &&Participant| joined.zip(one.connected_at).map(|(at, joined)| (joined - at).abs());
    let rank = |one: &&Participant| (distance(one).is_none(), distance(one));
    let candidates = || participants.all().filter(|one| role(&one.purpose) == role(&party.purpose));
    match (&party.user, &party.queue) {
        (Some(user), _) => candidates().filter(|one| self::user(one) == user).min_by_key(rank),
        (None, Some(queue)) if party.purpose == Purpose::Queue => {
            let has_queue = |one: &&Participant| one.queue.as_ref().is_some_and(|own| own.id == *queue);
            candidates().filter(|one| one.purpose == Purpose::Queue).filter(has_queue).min_by_key(rank)
        }
        (None, _) => candidates().filter(|one| one.purpose == party.purpose).min_by_key(rank),
    }
}

fn to_event(utterance: Utterance, speaker: Speaker, context: Option<Arc<EventContext>>, origin: Origin) -> TimedEvent {
    let details = MessageDetails {
        confidence: utterance.confidence,
        language: utterance.language.clone(),
        ..MessageDetails::default()
    };
    let message = Message {
        role: speaker.role,
        id: utterance.id.map(Into::into),
        from: speaker.from,
        to: Party::default(),
        text: Some(utterance.text.into()),
        attachments: Vec::new(),
        origin,
        status: None,
        details: (details != MessageDetails::default()).then(|| Box::new(details)),
    };
    TimedEvent { at: utterance.spoken_at, body: EventBody::Message(message), context }
}

/// Returns the speaker of an utterance as far as the participants tell.
pub(super) fn speaker<'a>(utterance: &Utterance, participants: &'a Participants) -> Option<&'a Participant> {
    let owner = leg_owner(utterance, participants);
    match utterance.side {
        Side::Customer if is_internal(participants) => owner,
        Side::Customer => owner.filter(|owner| owner.purpose.is_customer()).or_else(|| customer(participants)),
        Side::Agent if is_internal(participants) => other_end(utterance, owner?, participants),
        Side::Agent => connected_at(utterance.spoken_at, participants.all().filter(|one| !one.purpose.is_customer())),
        Side::Unknown => None,
    }
}

/// Returns the agent or bot who joined nearest to the time of an utterance of their side.
fn likely_speaker<'a>(utterance: &Utterance, participants: &'a Participants) -> Option<&'a Participant> {
    if utterance.side != Side::Agent || is_internal(participants) {
        return None;
    }
    let distance =
        |one: &&Participant| utterance.spoken_at.zip(one.connected_at).map(|(at, joined)| (joined - at).abs());
    let speakers =
        participants.all().filter(|one| matches!(one.purpose, Purpose::Agent | Purpose::Bot) && may_speak(one));
    speakers.filter(|one| one.connected_at.is_some()).min_by_key(distance)
}

/// Returns whether the call is between agents, without a customer.
fn is_internal(participants: &Participants) -> bool {
    let mut users = participants.all().filter(|one| one.purpose == Purpose::Agent && may_speak(one)).map(user);
    let first = users.next();
    first.is_some_and(|first| users.any(|user| user != first)) && customer(participants).is_none()
}

/// Returns the participant whose leg is transcribed.
fn leg_owner<'a>(utterance: &Utterance, participants: &'a Participants) -> Option<&'a Participant> {
    let leg = utterance.leg.as_deref()?;
    participants.all().find(|one| one.call_legs.iter().any(|own| own.id == leg))
}

/// Returns the party that the owner of the transcribed leg talks to.
fn other_end<'a>(
    utterance: &Utterance,
    owner: &Participant,
    participants: &'a Participants,
) -> Option<&'a Participant> {
    connected_at(utterance.spoken_at, participants.all().filter(|one| user(one) != user(owner)))
}

/// Returns the agent, else the flow, else the queue that was connected at that time: an agent who was not only consulted
/// first, and then the one who joined last.
fn connected_at<'a>(
    at: Option<DateTime<Utc>>,
    candidates: impl Iterator<Item = &'a Participant>,
) -> Option<&'a Participant> {
    let was_connected = |one: &&Participant| match at {
        Some(at) => {
            one.connected_at.is_some_and(|joined| joined <= at) && one.disconnected_at.is_none_or(|left| at <= left)
        }
        None => one.presence == Presence::Connected,
    };
    let rank = |one: &&Participant| {
        let kind = match one.purpose {
            Purpose::Agent => 2,
            Purpose::Bot => 1,
            _ => 0,
        };
        (kind, one.involvement == Involvement::Full, one.connected_at)
    };
    candidates.filter(|one| may_speak(one)).filter(was_connected).max_by_key(rank)
}

/// Returns the latest customer, preferably a connected one. A party that an agent consults is none, if there is another.
fn customer(participants: &Participants) -> Option<&Participant> {
    let rank = |one: &&Participant| (one.purpose == Purpose::Customer, one.presence == Presence::Connected);
    participants.all().filter(|one| one.purpose.is_customer()).max_by_key(rank)
}

fn may_speak(participant: &Participant) -> bool {
    participant.involvement != Involvement::Supervising && !matches!(participant.purpose, Purpose::Other(_))
}

/// Returns what identifies a person who comes back as another participant.
fn user(participant: &Participant) -> &str {
    participant.user.as_ref().map_or(&participant.id, |user| &user.id)
}

fn role_of_side(side: Side, participants: &Participants) -> Role {
    match side {
        Side::Customer if is_internal(participants) => Role::Agent,
        Side::Customer => Role::Customer,
        Side::Agent => Role::Agent,
        Side::Unknown => Role::Unknown,
    }
}

fn role(purpose: &Purpose) -> Role {
    match purpose {
        Purpose::Customer | Purpose::External => Role::Customer,
        Purpose::Agent => Role::Agent,
        Purpose::Bot | Purpose::Queue | Purpose::Automatic | Purpose::Other(_) => Role::Bot,
    }
}

fn party(participant: &Participant) -> Party<'static> {
    let user = participant.user.as_ref();
    let name = user.and_then(|user| user.name.as_deref()).or_else(|| attribution::bot_name(participant));
    Party { id: user.map(|user| user.id.clone().into()), name: name.map(|name| name.to_owned().into()) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::wire::conversation::Snapshot;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("in range")
    }

    fn participants(values: &Value) -> Participants {
        let mut participants = Participants::default();
        for participant in Snapshot::from_value(&json!({ "participants": values })).participants {
            participants.record(participant, true);
        }
        participants
    }

    /// A participant on the call from one second to another; an agent is a user of that name.
    fn leg(purpose: &str, name: &str, from: i64, to: Option<i64>) -> Value {
        let state = if to.is_some() { "disconnected" } else { "connected" };
        let mut value = json!({ "id": format!("{purpose} {name} {from}"), "purpose": purpose, "name": name,
            "connectedTime": at(from), "endTime": to.map(at),
            "calls": [{ "id": format!("leg {name}"), "state": state, "peerId": "leg Ada" }] });
        if purpose == "agent" {
            value["user"] = json!({ "id": format!("u {name}"), "name": name });
        }
        value
    }

    fn with(mut participant: Value, member: &str, value: &str) -> Value {
        participant[member] = value.into();
        participant
    }

    /// The role and name of a speaker at a time.
    fn label(side: Side, leg: Option<&str>, second: i64, participants: &Participants) -> String {
        let utterance_of_phrase = Utterance {
            id: Some("u".into()),
            is_final: true,
            side,
            text: "hello".into(),
            spoken_at: Some(at(second)),
            leg: leg.map(str::to_owned),
            confidence: None,
            language: None,
        };
        let event = utterance(utterance_of_phrase, participants);
        assert_eq!(event.context.and_then(|context| context.media.clone()).as_deref(), Some("call"));
        let EventBody::Message(message) = event.body else { panic!("a message") };
        format!("{} {}", message.role.label(), message.from.name.as_deref().unwrap_or("-"))
    }

    #[test]
    fn an_utterance_belongs_to_the_customer_or_to_the_agent_or_bot_of_that_time() {
        let participants = participants(&json!([
            leg("customer", "Ada", 5, None),
            leg("ivr", "Welcome Line ", 10, Some(20)),
            leg("agent", "Sam", 30, None),
        ]));
        let cases = [
            (Side::Customer, 15, "Customer Ada"),
            (Side::Agent, 15, "Bot Welcome Line"),
            (Side::Agent, 40, "Agent Sam"),
            (Side::Agent, 5, "Bot Welcome Line"),
            (Side::Agent, 28, "Agent Sam"),
            (Side::Unknown, 40, "Unknown -"),
        ];
        for (side, second, expected) in cases {
            assert_eq!(label(side, None, second, &participants), expected, "{second}");
        }
        let unknown = Participants::default();
        let labels = [Side::Customer, Side::Agent].map(|side| label(side, None, 1, &unknown));
        assert_eq!(labels, ["Customer -", "Agent -"]);
    }

    #[test]
    fn the_speaker_is_the_agent_who_joined_last_before_any_flow_and_any_queue() {
        let participants = participants(&json!([
            leg("customer", "Ada", 0, None),
            leg("ivr", "bot", 1, Some(90)),
            leg("acd", "Billing", 5, Some(100)),
            leg("agent", "Sam", 10, Some(20)),
            leg("agent", "Noor", 15, Some(40)),
            leg("voicemail", "Mailbox", 110, Some(120)),
        ]));
        let speakers = [0, 5, 12, 17, 30, 50, 95, 115].map(|second| label(Side::Agent, None, second, &participants));
        let expected =
            ["Bot bot", "Bot bot", "Agent Sam", "Agent Noor", "Agent Noor", "Bot bot", "Bot Billing", "Bot Mailbox"];
        assert_eq!(speakers, expected);
    }

    #[test]
    fn those_who_only_listen_or_advise_do_not_speak_to_the_customer() {
        let ada = leg("customer", "Ada", 1, None);
        let sam = leg("agent", "Sam", 2, Some(50));
        for (other, expected) in [
            (leg("agent", "Noor", 5, None), ["Agent Noor", "Agent Noor"]),
            (with(leg("agent", "Noor", 5, None), "consultParticipantId", "p"), ["Agent Sam", "Agent Noor"]),
            (with(leg("agent", "Noor", 5, None), "monitoredParticipantId", "p"), ["Agent Sam", "Agent Sam"]),
            (with(leg("agent", "Noor", 5, None), "coachedParticipantId", "p"), ["Agent Sam", "Agent Sam"]),
            (with(leg("agent", "Noor", 5, None), "bargedParticipantId", "p"), ["Agent Noor", "Agent Noor"]),
            (leg("external", "Bank", 5, None), ["Agent Sam", "Agent Sam"]),
        ] {
            let participants = participants(&json!([ada, sam, other]));
            let speakers = [20, 60].map(|second| label(Side::Agent, None, second, &participants));
            assert_eq!(speakers, expected, "{other}");
            assert_eq!(label(Side::Customer, None, 20, &participants), "Customer Ada", "{other}");
        }
        let participants = participants(&json!([ada, sam, leg("external", "Bank", 5, None)]));
        assert_eq!(label(Side::Customer, Some("leg Bank"), 20, &participants), "Customer Bank", "the leg is known");
    }

    #[test]
    fn the_confidence_and_the_language_are_details() {
        let utterance_of_phrase = Utterance {
            id: None,
            is_final: true,
            side: Side::Customer,
            text: "hola".into(),
            spoken_at: None,
            leg: None,
            confidence: Some(0.985),
            language: Some("es-us".into()),
        };
        let EventBody::Message(message) = utterance(utterance_of_phrase, &Participants::default()).body else {
            panic!("a message")
        };
        let details = message.details.as_ref().expect("details");
        assert_eq!((details.confidence, details.language.as_deref()), (Some(0.985), Some("es-us")));
        assert_eq!(message.display_text(), "hola", "the line is unchanged");
    }

    #[test]
    fn an_agent_who_was_called_and_did_not_answer_never_speaks() {
        let mut missed = leg("agent", "Noor", 5, Some(9));
        missed["connectedTime"] = Value::Null;
        let participants =
            participants(&json!([leg("customer", "Ada", 1, None), missed, leg("agent", "Sam", 20, None)]));
        assert_eq!([6, 25].map(|second| label(Side::Agent, None, second, &participants)), ["Agent Sam", "Agent Sam"]);
    }

    #[test]
    fn an_agent_who_returns_is_the_same_person() {
        let sam = |from, to| leg("agent", "Sam", from, to);
        let participants = participants(&json!([
            leg("customer", "Ada", 1, None),
            sam(5, Some(10)),
            leg("agent", "Noor", 10, Some(20)),
            sam(21, None)
        ]));
        let speakers = [7, 15, 25].map(|second| label(Side::Agent, None, second, &participants));
        assert_eq!(speakers, ["Agent Sam", "Agent Noor", "Agent Sam"]);
    }

    #[test]
    fn on_a_call_between_agents_the_transcribed_leg_decides() {
        let call = participants(&json!([leg("agent", "Sam", 1, None), leg("agent", "Noor", 2, None)]));
        for (transcribed, customer_side, agent_side) in [
            (Some("leg Sam"), "Agent Sam", "Agent Noor"),
            (Some("leg Noor"), "Agent Noor", "Agent Sam"),
            (Some("leg of another"), "Agent -", "Agent -"),
            (None, "Agent -", "Agent -"),
        ] {
            let sides = [Side::Customer, Side::Agent].map(|side| label(side, transcribed, 20, &call));
            assert_eq!(sides, [customer_side, agent_side], "{transcribed:?}");
        }
        let returned = participants(&json!([leg("agent", "Sam", 1, Some(5)), leg("agent", "Sam", 6, None)]));
        assert_eq!(label(Side::Agent, None, 20, &returned), "Agent Sam", "one agent alone");
    }
}
