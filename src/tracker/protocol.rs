//! The values that go into the [`Tracker`](super::Tracker) and come out of it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::api::rest::RestError;
use crate::event::{EventBody, EventContext};
use crate::wire::call_transcript::CallTranscript;
use crate::wire::channel::{Channel, SubscribeMode, TopicState};
use crate::wire::conversation::Snapshot;
use crate::wire::message::MessageBody;
use crate::wire::notification::Notification;
use crate::wire::open_conversations::OpenConversations;

/// One moment on both clocks: deadlines use the monotonic one, events the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// The monotonic clock.
    pub(crate) mono: Instant,
    /// The wall clock.
    pub(crate) wall: DateTime<Utc>,
}

impl Now {
    /// Reads both clocks.
    pub(crate) fn read() -> Self {
        Self { mono: Instant::now(), wall: Utc::now() }
    }
}

/// An input of the tracker.
#[derive(Debug)]
pub(crate) enum Input {
    /// Follow this conversation from now on.
    Follow(String),
    /// Poll every conversation: the socket that is open now pushes nothing that happened before.
    PollAll,
    /// A new connection replaces a lost one.
    Reconnected(Outage),
    /// The service sent a close frame that no notification had announced.
    SocketClosed,
    /// A channel was created, and asked for topics.
    ChannelCreated(CreatedChannel),
    /// The channel does not exist any more.
    ChannelForgotten,
    /// The token of the latest subscription was refused.
    TokenInvalidated,
    /// The service allows this many requests a minute.
    RateLimit(u32),
    /// The event stream mentions a conversation.
    Mentioned(Mention),
    /// The event stream has ended.
    StreamEnded,
    /// The service pushed a notification.
    Notification(Notification),
    /// A [`Request`] has ended.
    Response(Response),
}

/// A conversation that an event stream mentions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// The id.
    pub(crate) conversation: String,
    /// It has just begun.
    pub(crate) is_new: bool,
    /// A snapshot tells more than the events so far.
    pub(crate) is_changed: bool,
}

/// A REST request that the tracker needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// The participants and message ids of a conversation.
    Snapshot(String),
    /// The bodies of messages.
    Messages { conversation: String, ids: Vec<String> },
    /// The stored transcript of a leg of a call.
    CallTranscript { conversation: String, leg: String },
    /// The names of agents.
    UserNames(Vec<String>),
    /// Open conversations of the followed queues and users.
    OpenConversations(DiscoveryQuery),
    /// Subscriptions of the channel.
    Subscribe { channel: String, topics: Vec<String>, mode: SubscribeMode },
}

/// A request for open conversations of the followed queues and users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiscoveryQuery {
    /// The observations of the queues, of any age.
    Observations,
    /// A page of the conversations that started within a month, newest first. Pages are counted from 1.
    Rows { page: usize },
}

/// The result of a [`Request`], one variant for each.
#[derive(Debug)]
pub(crate) enum Response {
    /// Result of [`Request::Snapshot`].
    Snapshot { conversation: String, result: Result<Snapshot, RestError> },
    /// Result of [`Request::Messages`].
    Messages { conversation: String, result: Result<Vec<MessageBody>, RestError> },
    /// Result of [`Request::CallTranscript`].
    CallTranscript { conversation: String, leg: String, result: Result<CallTranscript, RestError> },
    /// Result of [`Request::UserNames`]. A user may have no name.
    UserNames { users: Vec<String>, result: Result<HashMap<String, String>, RestError> },
    /// Result of [`Request::OpenConversations`].
    OpenConversations { search: DiscoveryQuery, result: Result<OpenConversations, RestError> },
    /// Result of [`Request::Subscribe`].
    Subscribe { channel: String, topics: Vec<String>, mode: SubscribeMode, result: Result<Subscribed, RestError> },
    /// Result of a [`Request::Subscribe`] that was not sent, because the token could not be renewed before.
    SubscribePostponed,
}

/// The answer to a subscription.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subscribed {
    /// One state for each topic that the service names.
    pub(crate) states: Vec<TopicState>,
    /// The renewal time of the token that the subscription was made with.
    pub(crate) token_renew_at: Option<Instant>,
}

/// A new channel and its first subscription.
#[derive(Debug)]
pub(crate) struct CreatedChannel {
    /// The channel.
    pub(crate) channel: Channel,
    /// The topics that were asked for.
    pub(crate) topics: Vec<String>,
    /// The answer, the reason of a refusal, or `None` if the request failed otherwise or there was no topic.
    pub(crate) subscription: Option<Result<Subscribed, String>>,
}

/// An output of the tracker.
#[derive(Debug)]
pub(crate) enum Event {
    /// An event that happened now.
    Live(String, TimedEvent),
    /// Events that were read by REST, in order.
    Backfill(String, Vec<TimedEvent>, BackfillReason),
    /// The notification channel is of no more use, and why.
    ChannelLost(String),
}

/// A conversation that the service refuses. It is no longer followed.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The id.
    pub(crate) conversation: String,
    /// The reason.
    pub(crate) error: RestError,
    /// The part that is refused.
    pub(crate) part: RefusedPart,
}

/// The part of a conversation that the service refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusedPart {
    Conversation,
    /// The stored transcript of its call.
    CallTranscript,
}

/// The reason why events were read by REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BackfillReason {
    /// The events precede the start of the program.
    Startup,
    /// The events precede the discovery of a new conversation.
    Joined,
    /// The events happened during an outage.
    Outage,
}

/// The progress of reading history, or the events of an outage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct BackfillProgress {
    /// The messages that were read.
    pub(crate) read: usize,
    /// The messages that were listed; 0 until a snapshot lists them.
    pub(crate) listed: usize,
}

/// An event and its time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimedEvent {
    /// The time by the clock of the service.
    pub(crate) at: Option<DateTime<Utc>>,
    /// The content.
    pub(crate) body: EventBody<'static>,
    /// The surroundings, as far as they are known.
    pub(crate) context: Option<Arc<EventContext>>,
}

impl TimedEvent {
    /// Creates an event whose surroundings are unknown.
    pub(crate) fn new(at: Option<DateTime<Utc>>, body: EventBody<'static>) -> Self {
        Self { at, body, context: None }
    }

    /// Returns the time of arrival of an event that is emitted at `now`. A gap arrives when it ends, even if it is emitted
    /// a moment later.
    pub(crate) fn received_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match &self.body {
            EventBody::Gap(gap) => gap.to,
            _ => now,
        }
    }
}

/// A time without a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outage {
    /// The wall-clock time of the last activity before it.
    pub(crate) last_activity: DateTime<Utc>,
    /// The cause, as in the status line.
    pub(crate) reason: String,
}

/// The progress of everything that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// History, or the events of an outage, are being read.
    Backfilling,
    /// Events are expected.
    Following,
    /// Every conversation has ended or seems to; some may have pending events.
    Ending,
    /// Nothing is left to follow.
    Done,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Gap;

    #[test]
    fn a_gap_arrives_when_it_ends_so_that_a_recording_has_its_length() {
        let (from, to) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(42));
        let gap = TimedEvent::new(Some(to), EventBody::Gap(Gap { from, to, reason: String::new() }));
        let later = to + chrono::TimeDelta::seconds(1);
        assert_eq!(gap.received_at(later), to);
        assert_eq!(TimedEvent::new(Some(to), EventBody::Closed).received_at(later), later);
    }
}
