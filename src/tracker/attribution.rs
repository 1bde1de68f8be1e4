//! Attribution: the role and name of the sender of a message (EVT-1, EVT-2, EVT-12).

use std::borrow::Cow;

use crate::event::{Message, Origin, Party, Role};
use crate::wire::conversation::{ListedOutcome, Participant, Purpose};
use crate::wire::message::{Direction, MessageBody};

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

/// Returns the role by the participant whose list holds the message, else by its direction.
fn role(body: &MessageBody, participant: Option<&Participant>) -> Role {
    let Some(purpose) = participant.map(|participant| &participant.purpose) else { return role_by_direction(body) };
    match purpose {
        Purpose::Customer => Role::Customer,
        Purpose::External if body.direction != Some(Direction::Outbound) => Role::Customer,
        Purpose::Queue | Purpose::Automatic if body.direction == Some(Direction::Inbound) => Role::Customer,
        Purpose::Agent if body.is_bot => Role::Bot,
        Purpose::Agent => Role::Agent,
        Purpose::Bot | Purpose::External | Purpose::Queue | Purpose::Automatic if is_by_person(body) => Role::Agent,
        Purpose::Bot | Purpose::External | Purpose::Queue | Purpose::Automatic => Role::Bot,
        Purpose::Other(_) => role_by_direction(body),
    }
}

/// Returns whether a user of the organisation wrote the message. A bot may write in the name of a user.
fn is_by_person(body: &MessageBody) -> bool {
    !body.is_bot && (body.is_human || body.author.is_some()) && body.direction != Some(Direction::Inbound)
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
        Role::Customer => customer(body, participant.filter(|participant| participant.purpose.is_customer())),
        Role::Agent => agent(body, participant),
        Role::Bot => bot(body, participant),
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
fn bot(body: &MessageBody, participant: Option<&Participant>) -> Party<'static> {
    // An agent, in whose name the bot writes, and the customer have names too, which are not that of the bot.
    let may_be_bot = |one: &&Participant| !matches!(one.purpose, Purpose::Agent | Purpose::Customer);
    let bot = participant.filter(may_be_bot).filter(|participant| !is_recipient(body, participant));
    let name = bot.and_then(bot_name).map(|name| Cow::Owned(name.to_owned())).or_else(|| body.sender.name.clone());
    name.map_or_else(Party::default, |name| Party { id: participant_id(bot), name: Some(name) })
}

/// Returns whether this is the party that the message was sent to.
fn is_recipient(body: &MessageBody, participant: &Participant) -> bool {
    let Party { id, name } = &body.recipient;
    let is = |own: &Option<String>, other: &Option<Cow<'_, str>>| own.is_some() && own.as_deref() == other.as_deref();
    participant.purpose == Purpose::External && (is(&participant.address, id) || is(&participant.name, name))
}

/// Returns the name of a flow, a queue or another participant without a person.
pub(super) fn bot_name(participant: &Participant) -> Option<&str> {
    let queue = || participant.queue.as_ref()?.name.as_deref();
    match participant.purpose {
        Purpose::Queue => queue().or(participant.name.as_deref()),
        _ => participant.name.as_deref(),
    }
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
            (json!({"direction": "outbound"}), json!({"purpose": "station"}), Role::Agent),
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
        ] {
            assert_eq!(line_of_body(data.clone(), &participant), expected, "{data} {participant}");
        }
    }

    #[test]
    fn an_outbound_message_without_a_human_author_is_of_a_bot() {
        let automatic = ["acd", "api", "campaign", "dialer", "workflow", "botflow", "ivr", "voicemail", "external"];
        let human = json!({"originatingEntity": "Human", "channel": {"from": {"nickname": "Dana"}}});
        for purpose in automatic {
            let sender = json!({"id": "p1", "purpose": purpose, "name": " Billing "});
            let unnamed = json!({"id": "p1", "purpose": purpose});
            for (data, participant, expected) in [
                (json!({"direction": "outbound"}), &sender, "[Bot] Billing (p1): hi"),
                (json!({"direction": "outbound", "fromAddress": "org"}), &unnamed, "[Bot] Bot (-): hi"),
                (
                    json!({"normalizedMessage": {"originatingEntity": "Bot", "direction": "Outbound"}}),
                    &sender,
                    "[Bot] Billing (p1): hi",
                ),
                (
                    json!({"direction": "outbound", "createdBy": {"id": "u1", "name": "Dana "}}),
                    &sender,
                    "[Agent] Dana (u1): hi",
                ),
                (json!({"direction": "outbound", "normalizedMessage": human}), &sender, "[Agent] Dana (-): hi"),
                (
                    json!({"direction": "outbound", "createdBy": {"id": "u1", "name": "Dana"}, "normalizedMessage": {"originatingEntity": "Bot"}}),
                    &sender,
                    "[Bot] Billing (p1): hi",
                ),
            ] {
                assert_eq!(line_of_body(data.clone(), participant), expected, "{data} {participant}");
            }
        }
    }

    #[test]
    fn a_bot_never_has_the_name_of_the_party_that_it_writes_to() {
        let ada = json!({"id": "p1", "purpose": "external", "name": "Ada", "address": "+15555550123"});
        let to = |id: &str, name: &str| {
            let to = json!({"id": id, "nickname": name});
            json!({"direction": "outbound", "normalizedMessage": {"type": "Text", "text": "hi", "channel": {"to": to}}})
        };
        for (data, participant, expected) in [
            (json!({"direction": "outbound", "toAddress": "+15555550123"}), &ada, "[Bot] Bot (-): hi"),
            (to("+15555550123", ""), &ada, "[Bot] Bot (-): hi"),
            (to("", "Ada"), &ada, "[Bot] Bot (-): hi"),
            (json!({"direction": "outbound", "toAddress": "+1777"}), &ada, "[Bot] Ada (p1): hi"),
            (
                json!({"direction": "outbound", "toAddress": "+15555550123",
                    "normalizedMessage": {"channel": {"from": {"nickname": "Kettle Ltd"}}}}),
                &ada,
                "[Bot] Kettle Ltd (-): hi",
            ),
        ] {
            assert_eq!(line_of_body(data.clone(), participant), expected, "{data} {participant}");
        }
    }

    #[test]
    fn a_message_in_the_list_of_a_queue_or_of_the_api_has_the_name_of_the_queue_or_sender() {
        let queue = json!({"id": "q", "name": "Billing"});
        for (participant, expected) in [
            (json!({"id": "p1", "purpose": "acd", "name": "Support", "queue": queue}), "[Bot] Billing (p1): hi"),
            (json!({"id": "p1", "purpose": "acd", "queueId": "q", "queueName": "Billing"}), "[Bot] Billing (p1): hi"),
            (json!({"id": "p1", "purpose": "acd", "queueId": "q", "name": "Support"}), "[Bot] Support (p1): hi"),
            (json!({"id": "p1", "purpose": "ivr", "name": "Menu", "queue": queue}), "[Bot] Menu (p1): hi"),
            (json!({"id": "p1", "purpose": "api", "queue": queue}), "[Bot] Bot (-): hi"),
        ] {
            assert_eq!(line_of_body(json!({"direction": "outbound"}), &participant), expected, "{participant}");
            let has_no_body =
                missing("m1", ListedOutcome::default(), self::participant(&participant).as_ref(), Origin::Live);
            assert_eq!(has_no_body.role, Role::Bot, "{participant}");
        }
        for purpose in ["acd", "api", "campaign", "voicemail", "external"] {
            let data = json!({"direction": "inbound", "fromAddress": "+1555"});
            let participant = json!({"purpose": purpose, "name": "Casey"});
            let expected = if purpose == "external" { "[Customer] Casey" } else { "[Customer] +1555" };
            assert!(line_of_body(data, &participant).starts_with(expected), "{purpose}");
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
            (json!({"id": "p1", "purpose": "acd", "name": "Support"}), "[SYSTEM] Support (p1): joined"),
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
}
