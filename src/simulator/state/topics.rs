//! The topics there are, and who may have them.

use crate::simulator::state::SimulatorState;

/// A kind of topic.
pub(crate) struct Topic {
    /// Its name, with `{id}` where an id belongs.
    pub(crate) name: &'static str,
    pub(crate) permission: &'static str,
}

const USER: &str = "conversation:communication:view";
const QUEUE: &str = "routing:queue:view";
const DETAIL: &str = "analytics:conversationDetail:view";

/// The published names; which permission each needs is published nowhere, except for transcriptions.
pub(crate) const TOPICS: &[Topic] = &[
    Topic { name: "v2.users.{id}.conversations.messages", permission: USER },
    Topic { name: "v2.users.{id}.conversations", permission: USER },
    Topic { name: "v2.users.{id}.conversations.inbound.typing.event", permission: USER },
    Topic { name: "v2.routing.queues.{id}.conversations.messages", permission: QUEUE },
    Topic { name: "v2.routing.queues.{id}.conversations", permission: QUEUE },
    Topic { name: "v2.conversations.{id}.transcription", permission: "conversation:transcription:view" },
    Topic { name: "v2.detail.events.conversation.{id}.acd.start", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.acd.end", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.acw", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.attributes", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.contact", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.customer.start", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.customer.end", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.flow.start", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.flow.end", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.flow.outcome", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.outbound", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.user.start", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.user.end", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.voicemail.start", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.voicemail.end", permission: DETAIL },
    Topic { name: "v2.detail.events.conversation.{id}.wrapup", permission: DETAIL },
];

/// What becomes of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TopicPermission {
    Permitted,
    /// There is no such topic.
    Invalid,
    /// It takes this permission.
    Missing(&'static str),
    /// It is refused because a fault says so.
    Refused,
}

/// Whether a topic may be subscribed now.
pub(crate) fn judge(state: &SimulatorState, topic: &str) -> TopicPermission {
    let Some(known) = TOPICS.iter().find(|known| known.is(topic)) else { return TopicPermission::Invalid };
    if !state.grants(known.permission) {
        return TopicPermission::Missing(known.permission);
    }
    if state.faults.rejects(topic) { TopicPermission::Refused } else { TopicPermission::Permitted }
}

impl Topic {
    fn is(&self, topic: &str) -> bool {
        let mut words = topic.split('.');
        let fits = |pattern: &str| {
            let word = words.next().unwrap_or_default();
            if pattern == "{id}" { is_id(word) } else { word.eq_ignore_ascii_case(pattern) }
        };
        self.name.split('.').all(fits) && words.next().is_none()
    }
}

fn is_id(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_known_by_its_words_in_any_case() {
        let known = |topic: &str| TOPICS.iter().any(|known| known.is(topic));
        for topic in ["v2.users.a-1.conversations.messages", "V2.Detail.Events.Conversation.a.User.Start"] {
            assert!(known(topic), "{topic}");
        }
        for topic in [
            "v2.conversations.a.messages",
            "v2.users..conversations",
            "v2.users.a.conversations.messages.more",
            "v2.users.a",
            "v2.users.a?b.conversations",
            "",
        ] {
            assert!(!known(topic), "{topic}");
        }
    }
}
