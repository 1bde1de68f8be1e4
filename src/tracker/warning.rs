//! Facts about a run that the user should know and that end nothing.

use super::{MAX_CONVERSATIONS, MAX_TOPICS};

/// A fact that the user should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Warning {
    /// History is not available here.
    #[error("what was said before cannot be read: {0}")]
    HistoryUnavailable(String),
    /// The service refused topics of one kind.
    #[error("events of {kind} cannot be subscribed: {reason}; the conversation is looked at from time to time")]
    TopicRefused {
        /// The first refused topic.
        topic: String,
        /// The kind of its events.
        kind: &'static str,
        /// The reason.
        reason: String,
    },
    /// The service refused all topics of a subscription.
    #[error("some events cannot be subscribed: {0}; the conversation is looked at from time to time")]
    SubscriptionRefused(String),
    /// The conversations have more topics than a channel holds.
    #[error(
        "a channel holds {MAX_TOPICS} topics and these conversations have more; the rest is looked at from time to time"
    )]
    TooManyTopics,
    /// No more conversations are joined.
    #[error("{MAX_CONVERSATIONS} conversations are followed already; no more are joined until some end")]
    TooManyConversations,
    /// Open conversations of queues and users cannot be found.
    #[error("open conversations cannot be searched for: {0}; each is joined with its next message")]
    DiscoveryUnavailable(String),
    /// Another process uses the same channel.
    #[error("another process seems to use the same notification channel; making a new one")]
    ChannelShared,
    /// The notification service sent an error message.
    #[error("the notification service complains: {0}")]
    ServiceMessage(String),
}
