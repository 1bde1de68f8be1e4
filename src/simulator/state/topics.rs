//! The topics of notifications, and the permission for each.

/// A kind of topic.
#[derive(Debug)]
pub(crate) struct Topic {
    /// The name, with `{id}` as a placeholder.
    pub(crate) name: &'static str,
    pub(crate) permission: &'static str,
}

/// The result of the check of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TopicAccess {
    Permitted,
    Unknown,
    MissingPermission(&'static str),
    /// Rejected by a fault.
    Rejected,
}

const USER: &str = "conversation:communication:view";
const QUEUE: &str = "routing:queue:view";
const DETAIL: &str = "analytics:conversationDetail:view";

/// The published names. Except for transcriptions, no publication names the permission for a topic.
pub(crate) const TOPICS: &[Topic] = &[
    Topic { name: "v2.users.{id}.conversations.messages", permission: USER },
    Topic { name: "v2.users.{id}.conversations.calls", permission: USER },
    Topic { name: "v2.users.{id}.conversations", permission: USER },
    Topic { name: "v2.users.{id}.conversations.inbound.typing.event", permission: USER },
    Topic { name: "v2.routing.queues.{id}.conversations.messages", permission: QUEUE },
    Topic { name: "v2.routing.queues.{id}.conversations.calls", permission: QUEUE },
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

impl Topic {
    /// Finds the kind of a topic. Upper and lower case are equal.
    pub(crate) fn find(topic: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|kind| kind.matches(topic))
    }

    fn matches(&self, topic: &str) -> bool {
        let mut words = topic.split('.');
        let matches_pattern = |pattern: &str| {
            let word = words.next().unwrap_or_default();
            if pattern == "{id}" { is_id(word) } else { word.eq_ignore_ascii_case(pattern) }
        };
        self.name.split('.').all(matches_pattern) && words.next().is_none()
    }
}

fn is_id(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_found_by_its_words_in_any_case() {
        for topic in ["v2.users.a-1.conversations.messages", "V2.Detail.Events.Conversation.a.User.Start"] {
            assert!(Topic::find(topic).is_some(), "{topic}");
        }
        for topic in [
            "v2.conversations.a.messages",
            "v2.users..conversations",
            "v2.users.a.conversations.messages.more",
            "v2.users.a",
            "v2.users.a?b.conversations",
            "",
        ] {
            assert!(Topic::find(topic).is_none(), "{topic}");
        }
    }
}
