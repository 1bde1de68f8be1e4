//! Who speaks: a body and the participant whose list it is in, put together for the reader.

use std::borrow::Cow;

use crate::event::{Message, Origin, Party, Role};
use crate::wire::conversation::{Participant, Purpose};
use crate::wire::message::{Direction, MessageBody};

/// As much of an id as stands in for a name.
const SHORT_ID: usize = 8;

/// The message as the reader sees it.
pub(crate) fn message(said: MessageBody, by: Option<&Participant>, origin: Origin) -> Message<'static> {
    let speaker = role(&said, by);
    let from = sender(&said, by, speaker);
    let (role, from, text) = match said.event_text {
        Some(words) => (Role::System, labelled(from, speaker), Some(words)),
        None => (speaker, from, said.text),
    };
    Message {
        id: Some(Cow::Owned(said.id)),
        role,
        from,
        to: said.recipient,
        text: text.map(Cow::Owned),
        attachments: said.attachments,
        origin,
    }
}

/// A system message made of the words of a sign in a list.
pub(crate) fn sign(id: &str, words: &str, by: &Participant, origin: Origin) -> Message<'static> {
    message(
        MessageBody { id: id.to_owned(), event_text: Some(words.to_owned()), ..MessageBody::default() },
        Some(by),
        origin,
    )
}

/// A line for a body that never came.
pub(crate) fn missing(id: &str, by: Option<&Participant>, origin: Origin) -> Message<'static> {
    message(MessageBody { id: id.to_owned(), ..MessageBody::default() }, by, origin)
}

/// The list that holds the message says it best; the direction has to do for one that is in no list of a person.
fn role(said: &MessageBody, by: Option<&Participant>) -> Role {
    match by.map(|participant| &participant.purpose) {
        Some(Purpose::Customer) => Role::Customer,
        Some(Purpose::Bot) => Role::Bot,
        Some(Purpose::Agent) if said.is_bot => Role::Bot,
        Some(Purpose::Agent) => Role::Agent,
        Some(Purpose::Queue | Purpose::Other(_)) | None => role_by_direction(said),
    }
}

fn role_by_direction(said: &MessageBody) -> Role {
    match said.direction {
        Some(Direction::Inbound) => Role::Customer,
        _ if said.is_bot => Role::Bot,
        Some(Direction::Outbound) => Role::Agent,
        None if said.author.is_some() => Role::Agent,
        None => Role::Unknown,
    }
}

fn sender(said: &MessageBody, by: Option<&Participant>, role: Role) -> Party<'static> {
    match role {
        Role::Customer => customer(said, of_purpose(by, &Purpose::Customer)),
        Role::Agent => agent(said, by),
        Role::Bot => bot(said, of_purpose(by, &Purpose::Bot)),
        Role::System | Role::Unknown => said.sender.clone(),
    }
}

/// The address is the last resort for a name. Without one the label stands in, and no id does: that of a participant
/// would tell a reader nothing.
fn customer(said: &MessageBody, by: Option<&Participant>) -> Party<'static> {
    let named = by.and_then(|customer| cow(customer.name.as_deref())).or_else(|| said.sender.name.clone());
    let Some(name) = named.or_else(|| said.sender.id.clone()) else { return Party::default() };
    Party { id: stay(by).or_else(|| said.sender.id.clone()), name: Some(name) }
}

fn agent(said: &MessageBody, by: Option<&Participant>) -> Party<'static> {
    let id = user_id(said, by);
    let short = || id.map(|id| Cow::Owned(id.chars().take(SHORT_ID).collect()));
    let name = cow(agent_name(said, by)).or_else(|| said.sender.name.clone()).or_else(short);
    Party { id: cow(id), name }
}

/// As with a customer, without the address, which is that of the organisation.
fn bot(said: &MessageBody, by: Option<&Participant>) -> Party<'static> {
    let named = by.and_then(|bot| cow(bot.name.as_deref())).or_else(|| said.sender.name.clone());
    named.map_or_else(Party::default, |name| Party { id: stay(by), name: Some(name) })
}

/// The id of a participant, where the wire gives one.
fn stay(by: Option<&Participant>) -> Option<Cow<'static, str>> {
    cow(by.map(|participant| participant.id.as_str()).filter(|id| !id.is_empty()))
}

fn agent_name<'a>(said: &'a MessageBody, by: Option<&'a Participant>) -> Option<&'a str> {
    let author = said.author.as_ref().and_then(|author| author.name.as_deref());
    let agent = of_purpose(by, &Purpose::Agent);
    let user = || agent?.user.as_ref()?.name.as_deref();
    author.or_else(user).or_else(|| agent?.name.as_deref())
}

fn user_id<'a>(said: &'a MessageBody, by: Option<&'a Participant>) -> Option<&'a str> {
    let author = said.author.as_ref().and_then(|author| author.id.as_deref());
    author.or_else(|| Some(of_purpose(by, &Purpose::Agent)?.user.as_ref()?.id.as_str()))
}

/// A queue has a name too, and it is not that of who speaks.
fn of_purpose<'a>(by: Option<&'a Participant>, purpose: &Purpose) -> Option<&'a Participant> {
    by.filter(|participant| participant.purpose == *purpose)
}

/// `[SYSTEM] Bot: joined` rather than `[SYSTEM] SYSTEM: joined`.
fn labelled(from: Party<'static>, role: Role) -> Party<'static> {
    let nobody = from == Party::default() && role != Role::Unknown;
    if nobody { Party { id: None, name: Some(Cow::Borrowed(role.label())) } } else { from }
}

fn cow(text: Option<&str>) -> Option<Cow<'static, str>> {
    text.map(|text| Cow::Owned(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::conversation::Snapshot;
    use crate::wire::message::parse_bulk;
    use serde_json::{Value, json};

    fn by(value: &Value) -> Option<Participant> {
        Snapshot::from_value(&json!({ "participants": [value] })).participants.pop()
    }

    fn body(mut data: Value) -> MessageBody {
        data["id"] = json!("m1");
        if data.get("textBody").is_none() {
            data["textBody"] = json!("hi");
        }
        parse_bulk(&serde_json::json!({ "entities": [data] }).to_string())
            .and_then(|mut said| said.pop())
            .expect("a body")
    }

    /// As in a transcript line, with the id of the sender.
    fn line(message: &Message<'_>) -> String {
        let id = message.from.id.as_deref().unwrap_or("-");
        format!("[{}] {} ({id}): {}", message.role.label(), message.sender_label(), message.display_text())
    }

    fn told(data: Value, participant: &Value) -> String {
        line(&message(body(data), by(participant).as_ref(), Origin::Live))
    }

    #[test]
    fn the_list_decides_who_speaks_and_the_direction_where_there_is_none() {
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
                message(body(data.clone()), by(&participant).as_ref(), Origin::Live).role,
                role,
                "{data} {participant}"
            );
        }
    }

    #[test]
    fn agents_go_by_their_best_name_and_their_user_id() {
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
            assert_eq!(told(data.clone(), &participant), expected, "{data} {participant}");
        }
    }

    #[test]
    fn customers_go_by_name_else_by_address() {
        let nick = json!({"fromAddress": "+1555", "normalizedMessage": {"channel": {"from": {"nickname": "nick"}}}});
        for (data, participant, expected) in [
            (nick.clone(), json!({"id": "p1", "purpose": "customer", "name": "Casey"}), "[Customer] Casey (p1): hi"),
            (nick.clone(), json!({"id": "p1", "purpose": "customer", "name": ""}), "[Customer] nick (p1): hi"),
            (json!({"fromAddress": "+1555"}), json!({"id": "p1", "purpose": "external"}), "[Customer] +1555 (p1): hi"),
            (json!({}), json!({"id": "p1", "purpose": "customer"}), "[Customer] Customer (-): hi"),
            (json!({"fromAddress": "+1555", "direction": "inbound"}), Value::Null, "[Customer] +1555 (+1555): hi"),
        ] {
            assert_eq!(told(data.clone(), &participant), expected, "{data} {participant}");
        }
    }

    #[test]
    fn a_bot_without_a_name_is_bot() {
        let outbound = json!({"direction": "outbound", "fromAddress": "org"});
        assert_eq!(told(outbound.clone(), &json!({"id": "p1", "purpose": "botflow"})), "[Bot] Bot (-): hi");
        assert_eq!(told(outbound, &json!({"id": "p1", "purpose": "ivr", "name": "Quill"})), "[Bot] Quill (p1): hi");
    }

    #[test]
    fn signs_are_system_messages_of_somebody() {
        for (participant, expected) in [
            (json!({"id": "p1", "purpose": "customer", "name": "Casey"}), "[SYSTEM] Casey (p1): joined"),
            (json!({"id": "p1", "purpose": "customer"}), "[SYSTEM] Customer (-): joined"),
            (json!({"id": "p1", "purpose": "botflow"}), "[SYSTEM] Bot (-): joined"),
            (json!({"id": "p1", "purpose": "acd", "name": "Support"}), "[SYSTEM] SYSTEM (-): joined"),
        ] {
            let by = by(&participant).expect("a participant");
            assert_eq!(line(&sign("m1", "joined", &by, Origin::History)), expected);
        }
        let typing = json!({"direction": "inbound", "fromAddress": "a1",
            "normalizedMessage": {"type": "Event", "events": [{"eventType": "Typing"}]}});
        assert_eq!(told(typing, &Value::Null), "[SYSTEM] a1 (a1): is typing");
    }

    #[test]
    fn a_body_that_never_came_still_says_who() {
        let agent = by(&json!({"purpose": "agent", "user": {"id": "u1", "name": "Dana"}}));
        let line_of = |by: Option<&Participant>| line(&missing("m1", by, Origin::History));
        assert_eq!(line_of(agent.as_ref()), "[Agent] Dana (u1): [message text not available]");
        assert_eq!(line_of(None), "[Unknown] Unknown (-): [message text not available]");
    }

    #[test]
    fn the_addressee_is_what_is_known_of_it() {
        let to = message(body(json!({"toAddress": "+1555"})), None, Origin::Live).to;
        assert_eq!((to.id.as_deref(), to.name), (Some("+1555"), None));
        assert_eq!(message(body(json!({})), None, Origin::Live).to, Party::default());
    }
}
