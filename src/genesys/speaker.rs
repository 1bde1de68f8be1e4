//! Who speaks: a body and the participant whose list it is in, put together for the reader.

use std::borrow::Cow;

use super::conversation::{Participant, Purpose};
use super::message_data::{Direction, Said};
use crate::event::{Message, Origin, Party, Role};

/// As much of an id as stands in for a name.
const SHORT_ID: usize = 8;

/// The message as the reader sees it.
pub(crate) fn message(said: Said, by: Option<&Participant>, origin: Origin) -> Message<'static> {
    let speaker = role(&said, by);
    let from = sender(&said, by, speaker);
    let (role, from, text) = match said.sign {
        Some(words) => (Role::System, labelled(from, speaker), Some(words)),
        None => (speaker, from, said.text),
    };
    Message {
        id: Some(Cow::Owned(said.id)),
        role,
        from,
        to: said.addressee,
        text: text.map(Cow::Owned),
        attachments: said.attachments,
        origin,
    }
}

/// A system message made of the words of a sign in a list.
pub(crate) fn sign(id: &str, words: &str, by: &Participant, origin: Origin) -> Message<'static> {
    message(Said { id: id.to_owned(), sign: Some(words.to_owned()), ..Said::default() }, Some(by), origin)
}

/// A line for a body that never came.
pub(crate) fn missing(id: &str, by: Option<&Participant>, origin: Origin) -> Message<'static> {
    message(Said { id: id.to_owned(), ..Said::default() }, by, origin)
}

/// The user whose name has to be looked up before the message can say who wrote it; to be put into `said.author`.
pub(crate) fn nameless<'a>(said: &'a Said, by: Option<&'a Participant>) -> Option<&'a str> {
    let known = agent_name(said, by).is_some() || role(said, by) != Role::Agent;
    if known { None } else { user_id(said, by) }
}

/// The list that holds the message says it best; the direction has to do for one that is in no list of a person.
fn role(said: &Said, by: Option<&Participant>) -> Role {
    match by.map(|participant| &participant.purpose) {
        Some(Purpose::Customer) => Role::Customer,
        Some(Purpose::Bot) => Role::Bot,
        Some(Purpose::Agent) if said.is_bot => Role::Bot,
        Some(Purpose::Agent) => Role::Agent,
        Some(Purpose::Queue | Purpose::Other(_)) | None => role_by_direction(said),
    }
}

fn role_by_direction(said: &Said) -> Role {
    match said.direction {
        Some(Direction::Inbound) => Role::Customer,
        _ if said.is_bot => Role::Bot,
        Some(Direction::Outbound) => Role::Agent,
        None if said.author.is_some() => Role::Agent,
        None => Role::Unknown,
    }
}

fn sender(said: &Said, by: Option<&Participant>, role: Role) -> Party<'static> {
    match role {
        Role::Customer => customer(said, of_purpose(by, &Purpose::Customer)),
        Role::Agent => agent(said, by),
        Role::Bot => bot(said, of_purpose(by, &Purpose::Bot)),
        Role::System | Role::Unknown => said.sender.clone(),
    }
}

/// The id is left out where it would have to stand for the name: nobody is called like a participant.
fn customer(said: &Said, by: Option<&Participant>) -> Party<'static> {
    let name = by.and_then(|customer| cow(customer.name.as_deref())).or_else(|| said.sender.name.clone());
    let stay = by.filter(|customer| name.is_some() && !customer.id.is_empty());
    let id = said.sender.id.clone().or_else(|| cow(stay.map(|customer| customer.id.as_str())));
    Party { id, name }
}

fn agent(said: &Said, by: Option<&Participant>) -> Party<'static> {
    let id = user_id(said, by);
    let short = || id.map(|id| Cow::Owned(id.chars().take(SHORT_ID).collect()));
    let name = cow(agent_name(said, by)).or_else(|| said.sender.name.clone()).or_else(short);
    Party { id: cow(id), name }
}

fn bot(said: &Said, by: Option<&Participant>) -> Party<'static> {
    let name = by.and_then(|bot| cow(bot.name.as_deref())).or_else(|| said.sender.name.clone());
    let stay = by.filter(|bot| name.is_some() && !bot.id.is_empty());
    Party { id: cow(stay.map(|bot| bot.id.as_str())), name }
}

fn agent_name<'a>(said: &'a Said, by: Option<&'a Participant>) -> Option<&'a str> {
    let author = said.author.as_ref().and_then(|author| author.name.as_deref());
    let agent = of_purpose(by, &Purpose::Agent);
    let user = || agent?.user.as_ref()?.name.as_deref();
    author.or_else(user).or_else(|| agent?.name.as_deref())
}

fn user_id<'a>(said: &'a Said, by: Option<&'a Participant>) -> Option<&'a str> {
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
