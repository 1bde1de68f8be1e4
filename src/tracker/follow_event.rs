//! Facts about what is followed that are no problem (TGT-13).

use super::conversation::Conversation;
use super::participants::Participants;
use super::{Event, Tracker};
use crate::config::Target;
use crate::wire::conversation::{Participant, Presence};

/// A fact about what is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FollowEvent {
    /// A queue or user is followed. The number of its open conversations is `None` if they cannot be searched for.
    Following { target: Target, open: Option<usize> },
    /// A conversation was joined: at the start, or because it is new.
    Joined { conversation: String, description: String, is_new: bool },
    /// A conversation has ended.
    Ended { conversation: String, description: String },
}

impl Tracker {
    /// Takes the next of them. They are independent of the order of events.
    pub(crate) fn poll_follow_event(&mut self) -> Option<FollowEvent> {
        self.follow_events.pop_front()
    }

    /// Reports a fact, if conversations come and go.
    pub(super) fn report(&mut self, fact: FollowEvent) {
        if self.has_changing_conversations() && self.options.history.follow {
            self.follow_events.push_back(fact);
        }
    }

    /// Reports the end of the conversation whose last event this is.
    pub(super) fn report_end(&mut self, event: &Event) {
        if let Event::Live(id, _) = event
            && let Some(conversation) = self.conversations.get(id)
        {
            let (conversation, description) = (id.clone(), describe(conversation));
            self.report(FollowEvent::Ended { conversation, description });
        }
    }
}

/// Describes a conversation in a few words: customer, medium and queue, as far as they are known.
pub(super) fn describe(conversation: &Conversation) -> String {
    let participants = conversation.participants();
    let customer = participants.all().filter(|one| one.purpose.is_customer()).find_map(|one| one.name.clone());
    let medium = participants.all().find_map(|one| one.media.as_deref()).map(medium_name);
    let queue = queue(participants).map(|queue| format!("queue {queue}"));
    [customer, medium, queue].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Returns the name, else the id, of the queue that the conversation is in, or was in last.
fn queue(participants: &Participants) -> Option<String> {
    let has_queue = |one: &&Participant| one.queue.is_some();
    let current = participants.all().filter(has_queue).filter(|one| one.presence != Presence::Disconnected).last();
    let queue = current.or_else(|| participants.all().filter(has_queue).last())?.queue.as_ref()?;
    let name = queue.name.as_deref().or_else(|| participants.queue_name(&queue.id));
    Some(name.unwrap_or(&queue.id).to_owned())
}

/// Returns the usual name of a value of `media`.
fn medium_name(media: &str) -> String {
    let name = match media {
        "webmessaging" => "web messaging",
        "sms" => "SMS",
        "whatsapp" => "WhatsApp",
        "open" => "open messaging",
        "facebook" => "Facebook",
        "instagram" => "Instagram",
        "twitter" => "X",
        "line" => "LINE",
        "apple" => "Apple Messages",
        other => other,
    };
    name.to_owned()
}
