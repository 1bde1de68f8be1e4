//! Attribution: who wrote a message or spoke on a call, and under which name (SRC-11, EVT-12, CALL-2).

use std::borrow::Cow;

use super::participants::{Participants, Speaker};
use super::protocol::TimedEvent;
use crate::event::{EventBody, Message, Origin, Party, Role};
use crate::wire::conversation::{ListedOutcome, Participant, Purpose};
use crate::wire::message::{Direction, MessageBody};
use crate::wire::transcription::{Side, Utterance};

/// The length of the part of a user id that stands in for a name.
const SHORT_ID: usize = 8;

/// Makes a message of a body and the participant whose list holds it.
pub(crate) fn message(body: MessageBody, participant: Option<&Participant>, origin: Origin) -> Message<'static> {
    let sender_role = role(&body, participant);
    let from = sender(&body, participant, sender_role);
    let is_event = body.event_text.is_some();
    let (role, from, text) = match body.event_text {
        Some(text) => (Role::System, or_label(from, sender_role), Some(text)),
        None => (sender_role, from, body.text),
    };
    let mut message = Message {
        id: Some(Cow::Owned(body.id)),
        role,
        from,
        to: body.recipient,
        text: text.map(Cow::Owned),
        attachments: body.attachments,
        origin,
        status: None,
        details: body.details,
    };
    if !is_event {
        message.set_status(body.status, body.failure);
    }
    message
}

/// Makes a system message of a message event in a list.
pub(super) fn message_event(id: &str, text: &str, participant: &Participant, origin: Origin) -> Message<'static> {
    let body = MessageBody { id: id.to_owned(), event_text: Some(text.to_owned()), ..MessageBody::default() };
    message(body, Some(participant), origin)
}

/// Makes a message whose body never arrived. The list may tell that it was removed or not delivered.
pub(super) fn missing(
    id: &str,
    outcome: ListedOutcome,
    participant: Option<&Participant>,
    origin: Origin,
) -> Message<'static> {
    let ListedOutcome { status, failure } = outcome;
    message(MessageBody { id: id.to_owned(), status, failure, ..MessageBody::default() }, participant, origin)
}

/// Makes an event of an utterance on a call: of the customer, or of the agent or bot who spoke then.
pub(super) fn utterance(utterance: Utterance, participants: &Participants) -> TimedEvent {
    let (role, participant) = match (speaker(&utterance, participants), utterance.side) {
        (Some(speaker), _) => (speaker.role, Some(speaker.participant)),
        (None, Side::Customer) => (Role::Customer, None),
        (None, Side::Agent) => match participants.nearest_speaker(utterance.spoken_at) {
            Some(speaker) => (speaker.role, Some(speaker.participant)),
            None => (Role::Agent, None),
        },
        (None, Side::Unknown) => (Role::Unknown, None),
    };
    let message = Message {
        id: utterance.id.map(Into::into),
        role,
        from: participant.map_or_else(Party::default, caller),
        to: Party::default(),
        text: Some(utterance.text.into()),
        attachments: Vec::new(),
        origin: Origin::Live,
        status: None,
        details: None,
    };
    TimedEvent { at: utterance.spoken_at, body: EventBody::Message(message) }
}

/// Returns the speaker of an utterance as far as the participants tell.
pub(super) fn speaker<'a>(utterance: &Utterance, participants: &'a Participants) -> Option<Speaker<'a>> {
    match utterance.side {
        Side::Customer => participants.customer().map(|participant| Speaker { role: Role::Customer, participant }),
        Side::Agent => participants.speaker_at(utterance.spoken_at),
        Side::Unknown => None,
    }
}

fn caller(participant: &Participant) -> Party<'static> {
    let user = participant.user.as_ref();
    let name = user.and_then(|user| user.name.clone()).or_else(|| participant.name.clone());
    Party { id: user.map(|user| user.id.clone().into()), name: name.map(Into::into) }
}

/// Returns the role by the participant whose list holds the message, else by its direction.
fn role(body: &MessageBody, participant: Option<&Participant>) -> Role {
    match participant.map(|participant| &participant.purpose) {
        Some(Purpose::Customer) => Role::Customer,
        Some(Purpose::Bot) => Role::Bot,
        Some(Purpose::Agent) if body.is_bot => Role::Bot,
        Some(Purpose::Agent) => Role::Agent,
        Some(Purpose::Queue | Purpose::Other(_)) | None => role_by_direction(body),
    }
}

fn role_by_direction(body: &MessageBody) -> Role {
    match body.direction {
        Some(Direction::Inbound) => Role::Customer,
        _ if body.is_bot => Role::Bot,
        Some(Direction::Outbound) => Role::Agent,
        None if body.author.is_some() => Role::Agent,
        None => Role::Unknown,
    }
}

fn sender(body: &MessageBody, participant: Option<&Participant>, role: Role) -> Party<'static> {
    match role {
        Role::Customer => customer(body, with_purpose(participant, &Purpose::Customer)),
        Role::Agent => agent(body, participant),
        Role::Bot => bot(body, with_purpose(participant, &Purpose::Bot)),
        Role::System | Role::Unknown => body.sender.clone(),
    }
}

/// Returns the customer. The address is the last resort for a name. Without a name the label stands in, and no id is given:
/// the id of a participant alone tells a user nothing.
fn customer(body: &MessageBody, customer: Option<&Participant>) -> Party<'static> {
    let participant_name = customer.and_then(|customer| owned(customer.name.as_deref()));
    let name = participant_name.or_else(|| body.sender.name.clone()).or_else(|| body.sender.id.clone());
    let Some(name) = name else { return Party::default() };
    Party { id: participant_id(customer).or_else(|| body.sender.id.clone()), name: Some(name) }
}

fn agent(body: &MessageBody, participant: Option<&Participant>) -> Party<'static> {
    let id = user_id(body, participant);
    let short_id = || id.map(|id| Cow::Owned(id.chars().take(SHORT_ID).collect()));
    let name = owned(agent_name(body, participant)).or_else(|| body.sender.name.clone()).or_else(short_id);
    Party { id: owned(id), name }
}

/// Returns the bot. The address is that of the organisation and never a name.
fn bot(body: &MessageBody, bot: Option<&Participant>) -> Party<'static> {
    let participant_name = bot.and_then(|bot| owned(bot.name.as_deref()));
    let name = participant_name.or_else(|| body.sender.name.clone());
    name.map_or_else(Party::default, |name| Party { id: participant_id(bot), name: Some(name) })
}

/// Returns the id of a participant, if the list holds one.
fn participant_id(participant: Option<&Participant>) -> Option<Cow<'static, str>> {
    owned(participant.map(|participant| participant.id.as_str()).filter(|id| !id.is_empty()))
}

fn agent_name<'a>(body: &'a MessageBody, participant: Option<&'a Participant>) -> Option<&'a str> {
    let author = body.author.as_ref().and_then(|author| author.name.as_deref());
    let agent = with_purpose(participant, &Purpose::Agent);
    let user = || agent?.user.as_ref()?.name.as_deref();
    author.or_else(user).or_else(|| agent?.name.as_deref())
}

fn user_id<'a>(body: &'a MessageBody, participant: Option<&'a Participant>) -> Option<&'a str> {
    let author = body.author.as_ref().and_then(|author| author.id.as_deref());
    author.or_else(|| Some(with_purpose(participant, &Purpose::Agent)?.user.as_ref()?.id.as_str()))
}

/// Returns the participant if it has this purpose. A queue has a name too, which is not that of a speaker.
fn with_purpose<'a>(participant: Option<&'a Participant>, purpose: &Purpose) -> Option<&'a Participant> {
    participant.filter(|participant| participant.purpose == *purpose)
}

/// Names the sender of a system message after its role if it has no name: `[SYSTEM] Bot: joined`.
fn or_label(from: Party<'static>, role: Role) -> Party<'static> {
    let is_unnamed = from == Party::default() && role != Role::Unknown;
    if is_unnamed { Party { id: None, name: Some(Cow::Borrowed(role.label())) } } else { from }
}

fn owned(text: Option<&str>) -> Option<Cow<'static, str>> {
    text.map(|text| Cow::Owned(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::{Value, json};

    use super::*;
    use crate::wire::conversation::Snapshot;
    use crate::wire::message::parse_bulk;

    fn participant(value: &Value) -> Option<Participant> {
        Snapshot::from_value(&json!({ "participants": [value] })).participants.pop()
    }

    fn body(mut data: Value) -> MessageBody {
        data["id"] = json!("m1");
        if data.get("textBody").is_none() {
            data["textBody"] = json!("hi");
        }
        parse_bulk(&serde_json::json!({ "entities": [data] }).to_string())
            .and_then(|mut bodies| bodies.pop())
            .expect("a body")
    }

    /// Formats a message as in a transcript line, with the id of the sender.
    fn line(message: &Message<'_>) -> String {
        let id = message.from.id.as_deref().unwrap_or("-");
        format!("[{}] {} ({id}): {}", message.role.label(), message.sender_label(), message.display_text())
    }

    fn line_of_body(data: Value, participant: &Value) -> String {
        line(&message(body(data), self::participant(participant).as_ref(), Origin::Live))
    }

    #[test]
    fn the_list_decides_the_role_and_without_one_the_direction() {
        let bot = json!({"originatingEntity": "Bot"});
        for (data, participant, role) in [
            (json!({"direction": "outbound"}), json!({"purpose": "customer"}), Role::Customer),
            (json!({"direction": "inbound"}), json!({"purpose": "agent"}), Role::Agent),
            (json!({"normalizedMessage": bot}), json!({"purpose": "agent"}), Role::Bot),
            (json!({"direction": "inbound"}), json!({"purpose": "workflow"}), Role::Bot),
            (json!({"direction": "inbound"}), json!({"purpose": "acd"}), Role::Customer),
            (json!({"direction": "outbound"}), json!({"purpose": "dialer"}), Role::Agent),
            (json!({"direction": "outbound", "normalizedMessage": bot}), json!({"purpose": "acd"}), Role::Bot),
            (json!({"direction": "inbound"}), Value::Null, Role::Customer),
            (json!({"direction": "outbound", "normalizedMessage": bot}), Value::Null, Role::Bot),
            (json!({"direction": "outbound"}), Value::Null, Role::Agent),
            (json!({"normalizedMessage": bot}), Value::Null, Role::Bot),
            (json!({"createdBy": {"id": "u1"}}), Value::Null, Role::Agent),
            (json!({}), Value::Null, Role::Unknown),
        ] {
            assert_eq!(
                message(body(data.clone()), self::participant(&participant).as_ref(), Origin::Live).role,
                role,
                "{data} {participant}"
            );
        }
    }

    #[test]
    fn an_agent_has_its_best_name_and_its_user_id() {
        let user = json!({"purpose": "agent", "name": "participant", "user": {"id": "u1", "name": "user"}});
        for (data, participant, expected) in [
            (json!({"createdBy": {"id": "u2", "name": "author"}}), user.clone(), "[Agent] author (u2): hi"),
            (json!({"createdBy": {"id": "u2"}}), user.clone(), "[Agent] user (u2): hi"),
            (json!({}), user, "[Agent] user (u1): hi"),
            (
                json!({}),
                json!({"purpose": "agent", "name": "participant", "userId": "u1"}),
                "[Agent] participant (u1): hi",
            ),
            (
                json!({"normalizedMessage": {"channel": {"from": {"nickname": "nick", "id": "org"}}}}),
                json!({"purpose": "agent", "userId": "u1"}),
                "[Agent] nick (u1): hi",
            ),
            (json!({}), json!({"purpose": "agent", "userId": "0123456789"}), "[Agent] 01234567 (0123456789): hi"),
            (json!({"fromAddress": "org"}), json!({"purpose": "agent"}), "[Agent] Agent (-): hi"),
            (json!({"direction": "outbound"}), json!({"purpose": "acd", "name": "Support"}), "[Agent] Agent (-): hi"),
        ] {
            assert_eq!(line_of_body(data.clone(), &participant), expected, "{data} {participant}");
        }
    }

    #[test]
    fn a_customer_has_its_name_else_its_address() {
        let nick = json!({"fromAddress": "+1555", "normalizedMessage": {"channel": {"from": {"nickname": "nick"}}}});
        for (data, participant, expected) in [
            (nick.clone(), json!({"id": "p1", "purpose": "customer", "name": "Casey"}), "[Customer] Casey (p1): hi"),
            (nick.clone(), json!({"id": "p1", "purpose": "customer", "name": ""}), "[Customer] nick (p1): hi"),
            (json!({"fromAddress": "+1555"}), json!({"id": "p1", "purpose": "external"}), "[Customer] +1555 (p1): hi"),
            (json!({}), json!({"id": "p1", "purpose": "customer"}), "[Customer] Customer (-): hi"),
            (json!({"fromAddress": "+1555", "direction": "inbound"}), Value::Null, "[Customer] +1555 (+1555): hi"),
        ] {
            assert_eq!(line_of_body(data.clone(), &participant), expected, "{data} {participant}");
        }
    }

    #[test]
    fn a_bot_without_a_name_has_the_label() {
        let outbound = json!({"direction": "outbound", "fromAddress": "org"});
        assert_eq!(line_of_body(outbound.clone(), &json!({"id": "p1", "purpose": "botflow"})), "[Bot] Bot (-): hi");
        assert_eq!(
            line_of_body(outbound, &json!({"id": "p1", "purpose": "ivr", "name": "Quill"})),
            "[Bot] Quill (p1): hi"
        );
    }

    #[test]
    fn message_events_are_system_messages_with_a_sender() {
        for (participant, expected) in [
            (json!({"id": "p1", "purpose": "customer", "name": "Casey"}), "[SYSTEM] Casey (p1): joined"),
            (json!({"id": "p1", "purpose": "customer"}), "[SYSTEM] Customer (-): joined"),
            (json!({"id": "p1", "purpose": "botflow"}), "[SYSTEM] Bot (-): joined"),
            (json!({"id": "p1", "purpose": "acd", "name": "Support"}), "[SYSTEM] SYSTEM (-): joined"),
        ] {
            let participant = self::participant(&participant).expect("a participant");
            assert_eq!(line(&message_event("m1", "joined", &participant, Origin::History)), expected);
        }
        let typing = json!({"direction": "inbound", "fromAddress": "a1",
            "normalizedMessage": {"type": "Event", "events": [{"eventType": "Typing"}]}});
        assert_eq!(line_of_body(typing, &Value::Null), "[SYSTEM] a1 (a1): is typing");
    }

    #[test]
    fn a_message_without_a_body_still_has_its_sender() {
        let agent = participant(&json!({"purpose": "agent", "user": {"id": "u1", "name": "Dana"}}));
        let line_of = |participant: Option<&Participant>| {
            line(&missing("m1", ListedOutcome::default(), participant, Origin::History))
        };
        assert_eq!(line_of(agent.as_ref()), "[Agent] Dana (u1): [message text not available]");
        assert_eq!(line_of(None), "[Unknown] Unknown (-): [message text not available]");
    }

    #[test]
    fn the_recipient_has_the_known_address() {
        let to = message(body(json!({"toAddress": "+1555"})), None, Origin::Live).to;
        assert_eq!((to.id.as_deref(), to.name), (Some("+1555"), None));
        assert_eq!(message(body(json!({})), None, Origin::Live).to, Party::default());
    }

    fn participants(values: &Value) -> Participants {
        let mut participants = Participants::default();
        for participant in Snapshot::from_value(&json!({ "participants": values })).participants {
            participants.record(participant, true);
        }
        participants
    }

    fn speaker_label(side: Side, second: i64, participants: &Participants) -> String {
        let spoken_at = DateTime::from_timestamp(second, 0);
        let spoken = Utterance { id: Some("u".into()), is_final: true, side, text: "hello".into(), spoken_at };
        let EventBody::Message(message) = utterance(spoken, participants).body else { panic!("a message") };
        format!("{} {}", message.role.label(), message.from.name.as_deref().unwrap_or("-"))
    }

    #[test]
    fn an_utterance_belongs_to_the_customer_or_to_the_agent_or_bot_of_that_time() {
        let at = |second: i64| DateTime::from_timestamp(second, 0);
        let participants = participants(&json!([
            { "id": "1", "purpose": "customer", "state": "connected", "name": "Ada" },
            { "id": "2", "purpose": "ivr", "state": "disconnected", "name": "Welcome Line", "connectedTime": at(10), "endTime": at(20) },
            { "id": "3", "purpose": "agent", "state": "connected", "user": { "id": "u", "name": "Sam" }, "connectedTime": at(30) },
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
            assert_eq!(speaker_label(side, second, &participants), expected, "{second}");
        }
        let unknown = Participants::default();
        let labels = [Side::Customer, Side::Agent].map(|side| speaker_label(side, 1, &unknown));
        assert_eq!(labels, ["Customer -", "Agent -"]);
    }
}
