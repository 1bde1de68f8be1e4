//! What was said on a call, as a message.

use super::people::People;
use crate::event::{Body, Message, Origin, Party, Role};
use crate::genesys::conversation::Participant;
use crate::genesys::transcription::{Side, Utterance};
use crate::source::Told;

/// An utterance as the reader sees it: from the customer, or from whoever speaks for the organisation now.
pub(super) fn told(utterance: Utterance, people: &People) -> Told {
    let known = speaker(&utterance, people);
    let (role, by) = match (known, utterance.side) {
        (Some((role, by)), _) => (role, Some(by)),
        (None, Side::Customer) => (Role::Customer, None),
        (None, Side::Agent) => match people.nearest_host(utterance.at) {
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
    Told { at: utterance.at, body: Body::Message(message) }
}

/// Who said it, as far as that can be told from who is there.
pub(super) fn speaker<'a>(utterance: &Utterance, people: &'a People) -> Option<(Role, &'a Participant)> {
    match utterance.side {
        Side::Customer => people.customer().map(|by| (Role::Customer, by)),
        Side::Agent => people.host(utterance.at),
        Side::Unknown => None,
    }
}

fn party(by: &Participant) -> Party<'static> {
    let user = by.user.as_ref();
    let name = user.and_then(|user| user.name.clone()).or_else(|| by.name.clone());
    Party { id: user.map(|user| user.id.clone().into()), name: name.map(Into::into) }
}
