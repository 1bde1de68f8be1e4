//! What was said on a call, as a message.

use super::people::People;
use crate::event::{Body, Message, Origin, Party, Role};
use crate::genesys::conversation::Participant;
use crate::genesys::transcription::{Side, Utterance};
use crate::source::Told;

/// An utterance as the reader sees it: from the customer, or from whoever speaks for the organisation now.
pub(super) fn told(utterance: Utterance, people: &People) -> Told {
    let (role, by) = match utterance.side {
        Side::Customer => (Role::Customer, people.customer()),
        Side::Agent => people.host().map_or((Role::Agent, None), |(role, by)| (role, Some(by))),
        Side::Unknown => (Role::Unknown, None),
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

fn party(by: &Participant) -> Party<'static> {
    let user = by.user.as_ref();
    let name = user.and_then(|user| user.name.clone()).or_else(|| by.name.clone());
    Party { id: user.map(|user| user.id.clone().into()), name: name.map(Into::into) }
}
