//! What was said on a call, as a message.

use super::participants::Participants;
use crate::event::{EventBody, Message, Origin, Party, Role};
use crate::source::TimedEvent;
use crate::wire::conversation::Participant;
use crate::wire::transcription::{Side, Utterance};

/// An utterance as the reader sees it: from the customer, or from whoever speaks for the organisation now.
pub(super) fn told(utterance: Utterance, people: &Participants) -> TimedEvent {
    let known = speaker(&utterance, people);
    let (role, by) = match (known, utterance.side) {
        (Some((role, by)), _) => (role, Some(by)),
        (None, Side::Customer) => (Role::Customer, None),
        (None, Side::Agent) => match people.nearest_host(utterance.spoken_at) {
            Some((role, by)) => (role, Some(by)),
            None => (Role::Agent, None),
        },
        (None, Side::Unknown) => (Role::Unknown, None),
    };
    let message = Message {
        id: utterance.id.map(Into::into),
        role,
        from: by.map_or_else(Party::default, party),
        to: Party::default(),
        text: Some(utterance.text.into()),
        attachments: Vec::new(),
        origin: Origin::Live,
    };
    TimedEvent { at: utterance.spoken_at, body: EventBody::Message(message) }
}

/// Who said it, as far as that can be told from who is there.
pub(super) fn speaker<'a>(utterance: &Utterance, people: &'a Participants) -> Option<(Role, &'a Participant)> {
    match utterance.side {
        Side::Customer => people.customer().map(|by| (Role::Customer, by)),
        Side::Agent => people.host(utterance.spoken_at),
        Side::Unknown => None,
    }
}

fn party(by: &Participant) -> Party<'static> {
    let user = by.user.as_ref();
    let name = user.and_then(|user| user.name.clone()).or_else(|| by.name.clone());
    Party { id: user.map(|user| user.id.clone().into()), name: name.map(Into::into) }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::wire::conversation::Snapshot;

    fn people(participants: &serde_json::Value) -> Participants {
        let mut people = Participants::default();
        for participant in Snapshot::from_value(&json!({ "participants": participants })).participants {
            people.note(participant, true);
        }
        people
    }

    fn by(side: Side, second: i64, people: &Participants) -> String {
        let at = DateTime::from_timestamp(second, 0);
        let utterance = Utterance { id: Some("u".into()), is_final: true, side, text: "hello".into(), spoken_at: at };
        let EventBody::Message(message) = told(utterance, people).body else { panic!("a message") };
        format!("{} {}", message.role.label(), message.from.name.as_deref().unwrap_or("-"))
    }

    #[test]
    fn a_side_is_the_customer_or_who_spoke_for_the_organisation_then() {
        let at = |second: i64| DateTime::from_timestamp(second, 0);
        let people = people(&json!([
            { "id": "1", "purpose": "customer", "state": "connected", "name": "Ada" },
            { "id": "2", "purpose": "ivr", "state": "disconnected", "name": "Welcome ChannelState", "connectedTime": at(10), "endTime": at(20) },
            { "id": "3", "purpose": "agent", "state": "connected", "user": { "id": "u", "name": "Sam" }, "connectedTime": at(30) },
        ]));
        let cases = [
            (Side::Customer, 15, "Customer Ada"),
            (Side::Agent, 15, "Bot Welcome ChannelState"),
            (Side::Agent, 40, "Agent Sam"),
            (Side::Agent, 5, "Bot Welcome ChannelState"),
            (Side::Agent, 28, "Agent Sam"),
            (Side::Unknown, 40, "Unknown -"),
        ];
        for (side, second, wanted) in cases {
            assert_eq!(by(side, second, &people), wanted, "{second}");
        }
        let nobody = Participants::default();
        assert_eq!([Side::Customer, Side::Agent].map(|side| by(side, 1, &nobody)), ["Customer -", "Agent -"]);
    }
}
