//! Facts about a run that the user should know and that end nothing.

use std::time::Duration;

use super::{MAX_CONVERSATIONS, MAX_TOPICS};
use crate::wire::conversation::{Medium, join_media};

/// A fact that the user should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Warning {
    /// History is not available here.
    #[error("conversation history is not available: {0}")]
    HistoryUnavailable(String),
    /// The service refuses a conversation that it did not refuse before.
    #[error("cannot read conversation {conversation}: {reason}; retrying in {:.1} s", delay.as_secs_f64())]
    ReadRefused { conversation: String, reason: String, delay: Duration },
    /// A conversation has neither messages nor calls.
    #[error(
        "conversation {conversation} has no messages and no calls, only {}: nothing of it is printed",
        join_media(media)
    )]
    NothingPrinted { conversation: String, media: Vec<Medium> },
    /// The service lists no messages of a conversation that has ended.
    #[error("conversation {conversation} has ended, and the service lists no messages of it (any more)")]
    NoMessages { conversation: String },
    /// A call in progress has no history.
    #[error(
        "the call {conversation} is in progress: its text is printed live, or after its end; run without --no-follow"
    )]
    CallInProgress { conversation: String },
    /// The stored transcript of a call is not available.
    #[error("the call {conversation} is not printed: {reason}")]
    CallTranscriptMissing { conversation: String, reason: String },
    /// The utterances of the gaps of a call are not available.
    #[error("the gap in the call {conversation} is not filled: {reason}")]
    CallGapNotFilled { conversation: String, reason: String },
    /// The service refuses to renew subscriptions.
    #[error("cannot renew the subscriptions: {reason}; retrying in {:.1} s", delay.as_secs_f64())]
    RenewalRefused { reason: String, delay: Duration },
    /// The service refused a topic.
    #[error("cannot subscribe to {} ({reason}); {}", kind.description(), kind.without())]
    TopicRefused {
        /// The first refused topic.
        topic: String,
        /// The kind of its events.
        kind: TopicKind,
        /// The reason.
        reason: String,
    },
    /// The service refused all topics of a subscription.
    #[error("cannot subscribe to some events ({0}); polling the conversation instead")]
    SubscriptionRefused(String),
    /// The conversations have more topics than a channel holds.
    #[error("these conversations have more than {MAX_TOPICS} topics, the maximum of a channel; polling the rest")]
    TooManyTopics,
    /// No more conversations are joined.
    #[error("following {MAX_CONVERSATIONS} conversations, the maximum; others are joined when some end")]
    TooManyConversations,
    /// Open conversations of queues and users cannot be found.
    #[error("cannot search for open conversations ({reason}); {}", without_search(*.has_topics))]
    DiscoveryUnavailable {
        /// The reason.
        reason: String,
        /// The topics of all followed queues and users are permitted.
        has_topics: bool,
    },
    /// The server closed the socket several times: another process may use the channel.
    #[error("the server closed the notification socket 3 times within 60 s; creating a new channel")]
    ChannelShared,
    /// The notification service sent an error message.
    #[error("error message of the notification service: {0}")]
    ServiceMessage(String),
}

/// The kind of the events of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TopicKind {
    QueueMessages,
    AgentMessages,
    /// Those of a queue to follow.
    TargetQueue,
    /// Those of a user to follow.
    TargetUser,
    TargetQueueCalls,
    TargetUserCalls,
    /// Messages and calls of a queue, or a user, to follow.
    TargetQueueBoth,
    TargetUserBoth,
    CallTranscription,
    Membership,
}

impl TopicKind {
    /// Returns the kind of the events of this topic, which is one of a target or of a participant.
    pub(super) fn of(topic: &str, is_target: bool) -> Self {
        let topic = topic.to_ascii_lowercase();
        let is_of_calls = is_target && topic.rsplit('.').next() == Some("calls");
        if topic.starts_with("v2.routing.queues.") {
            if is_of_calls {
                Self::TargetQueueCalls
            } else if is_target {
                Self::TargetQueue
            } else {
                Self::QueueMessages
            }
        } else if topic.starts_with("v2.users.") {
            if is_of_calls {
                Self::TargetUserCalls
            } else if is_target {
                Self::TargetUser
            } else {
                Self::AgentMessages
            }
        } else if topic.ends_with(".transcription") {
            Self::CallTranscription
        } else {
            Self::Membership
        }
    }

    /// Returns the kind of the other medium of a queue or user to follow.
    pub(super) fn of_other(self) -> Option<Self> {
        match self {
            Self::TargetQueue => Some(Self::TargetQueueCalls),
            Self::TargetQueueCalls => Some(Self::TargetQueue),
            Self::TargetUser => Some(Self::TargetUserCalls),
            Self::TargetUserCalls => Some(Self::TargetUser),
            _ => None,
        }
    }

    /// Returns the kind for both media of a queue or user to follow.
    pub(super) fn of_both(self) -> Option<Self> {
        match self {
            Self::TargetQueue | Self::TargetQueueCalls => Some(Self::TargetQueueBoth),
            Self::TargetUser | Self::TargetUserCalls => Some(Self::TargetUserBoth),
            _ => None,
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::QueueMessages | Self::TargetQueue => "messages of queues",
            Self::AgentMessages | Self::TargetUser => "messages of agents",
            Self::TargetQueueCalls => "calls of queues",
            Self::TargetUserCalls => "calls of agents",
            Self::TargetQueueBoth => "messages and calls of queues",
            Self::TargetUserBoth => "messages and calls of agents",
            Self::CallTranscription => "transcriptions of calls",
            Self::Membership => "joins and leaves",
        }
    }

    /// Returns the effect of the missing topic. A call cannot be polled.
    fn without(self) -> &'static str {
        match self {
            Self::QueueMessages | Self::AgentMessages | Self::Membership => "polling the conversation instead",
            Self::TargetQueueCalls | Self::TargetUserCalls => "new calls are found within 60 s",
            Self::TargetQueue | Self::TargetUser | Self::TargetQueueBoth | Self::TargetUserBoth => {
                "polling instead; new conversations are found within 60 s"
            }
            Self::CallTranscription => "calls are not printed",
        }
    }
}

/// Returns the effect of a missing search.
fn without_search(has_topics: bool) -> &'static str {
    if has_topics { "each is joined with its next message" } else { "new conversations are missed" }
}
