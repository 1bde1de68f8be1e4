//! The state machine of everything that is followed: what is known of each conversation, what must be requested, and what
//! can be told to the user.
//!
//! The tracker performs no I/O and reads no clock. The caller (`source`) feeds it with [`Input`]s and the current time, asks it for
//! [`Request`]s as long as one may be sent, takes its [`Event`]s, and calls again at [`Tracker::poll_timeout`] at the latest:
//!
//! ```text
//! notification, response ──► handle() ──► poll_event()   ──► user
//!                                    └──► poll_request() ──► REST
//! ```
//!
//! Both sources use it: `notifications` for everything, `transcript` for the history and the events of outages.

mod attribution;
mod call_events;
mod call_log;
mod call_responses;
mod call_speakers;
mod call_transcripts;
mod channel;
mod connections;
mod conversation;
mod discovery;
mod end_detector;
mod event_stream;
mod follow_event;
mod media_notice;
mod notifications;
mod participants;
mod pending_messages;
mod poll_timer;
mod protocol;
mod request_budget;
mod responses;
mod schedule;
mod search;
mod stream_calls;
mod subscriptions;
mod surroundings;
mod warning;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

pub(crate) use self::attribution::message as message_from_body;
pub(crate) use self::call_responses::NOT_AVAILABLE;
use self::channel::ChannelState;
use self::conversation::{CallPolicy, Conversation};
use self::discovery::Discovery;
use self::event_stream::StreamState;
pub(crate) use self::follow_event::FollowEvent;
pub(crate) use self::participants::Participants;
pub(crate) use self::protocol::{
    BackfillProgress, BackfillReason, CreatedChannel, DiscoveryQuery, Event, Input, Mention, Now, Outage, Refusal,
    RefusedPart, Request, Response, Status, Subscribed, TimedEvent,
};
pub(crate) use self::schedule::Lane;
pub(crate) use self::stream_calls::{StreamCalls, StreamOptions};
use self::subscriptions::Subscriptions;
pub(crate) use self::surroundings::Surroundings;
pub(crate) use self::warning::Warning;
use crate::api::rest::RestError;
use crate::config::{History, Retries, Targets};
use crate::dedup::{BoundedSet, Dedup};
use crate::event::EventBody;
use crate::wire::channel::Channel;

/// The assumed maximum difference between the clock of the service and the local one: a time that is older by more than this
/// is really in the past.
const MAX_CLOCK_DIFFERENCE: TimeDelta = TimeDelta::minutes(10);

/// The maximum number of conversations of queues and users that are followed at a time. No queue has as many, and each takes
/// memory.
const MAX_CONVERSATIONS: usize = 10_000;

/// The maximum number of topics of a channel. The service refuses more.
const MAX_TOPICS: usize = 1000;

/// The maximum number of remembered names of agents.
const MAX_NAMES: usize = 10_000;

/// The conversations that are no longer followed, so that a late notification does not start one anew. The service mentions
/// a conversation for minutes after its end, not for days.
type RecentlyClosed = BoundedSet<String, 10_000>;

/// The scope of a tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// History and the events of outages. Live events come over the transcript socket.
    HistoryOnly,
    /// Everything.
    Full,
}

/// The settings of a tracker.
#[derive(Debug, Clone)]
pub(crate) struct TrackerOptions {
    /// The scope.
    pub(crate) mode: Mode,
    /// The followed queues and users.
    pub(crate) targets: Targets,
    /// The wanted history.
    pub(crate) history: History,
    /// The maximum number of refusals in a row after a success (CONN-20).
    pub(crate) retries: Retries,
    /// A run of several conversations goes on without one of them.
    pub(crate) follows_several: bool,
    /// An event stream tells of conversations.
    pub(crate) has_stream: bool,
}

/// The completeness of a list of messages and participants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SnapshotKind {
    /// The response to a request: everything until now.
    Complete,
    /// A notification, which may hold the latest messages only.
    Partial,
}

/// The beginning of a followed conversation.
#[derive(Debug, Clone, Copy)]
struct ConversationStart {
    /// Older messages are not wanted.
    not_before: Option<DateTime<Utc>>,
    /// The reason of the first backfill.
    reason: BackfillReason,
}

/// The availability of history by REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HistoryAccess {
    Available,
    Unavailable,
}

/// The state of everything that is followed.
///
/// Each conversation is boxed: a node of the map has room for eleven values, and the tracker of a transcript source holds one.
pub(crate) struct Tracker {
    options: TrackerOptions,
    history: HistoryAccess,
    conversations: BTreeMap<String, Box<Conversation>>,
    channel: ChannelState,
    subscriptions: Subscriptions,
    discovery: Discovery,
    stream: StreamState,
    /// The calls of the stream whose participants may have changed.
    changed_calls: BTreeSet<String>,
    names: HashMap<String, Option<String>>,
    recently_closed: RecentlyClosed,
    has_reported_limit: bool,
    requests_per_minute: Option<u32>,
    /// The number of urgent requests since another one.
    urgent_in_row: u32,
    /// The latest time for which a periodic snapshot was scheduled.
    last_poll_due: Option<Instant>,
    events: VecDeque<Event>,
    warnings: VecDeque<Warning>,
    refusals: VecDeque<Refusal>,
    follow_events: VecDeque<FollowEvent>,
}

impl Tracker {
    /// Creates a tracker that follows nothing but the targets of its options.
    pub(crate) fn new(options: TrackerOptions, now: Instant) -> Self {
        let discovery = Discovery::new(&options.targets, now);
        let stream = if options.has_stream { StreamState::Open } else { StreamState::None };
        Self {
            options,
            history: HistoryAccess::Available,
            conversations: BTreeMap::new(),
            channel: ChannelState::default(),
            subscriptions: Subscriptions::default(),
            discovery,
            stream,
            changed_calls: BTreeSet::new(),
            names: HashMap::new(),
            recently_closed: RecentlyClosed::default(),
            has_reported_limit: false,
            requests_per_minute: None,
            urgent_in_row: 0,
            last_poll_due: None,
            events: VecDeque::new(),
            warnings: VecDeque::new(),
            refusals: VecDeque::new(),
            follow_events: VecDeque::new(),
        }
    }

    /// Applies a fact. `dedup` tells what was delivered already.
    ///
    /// Returns the error of a response whose request will be repeated: the caller pauses before the next request, or gives
    /// up.
    #[must_use]
    pub(crate) fn handle(&mut self, input: Input, now: Now, dedup: &Dedup) -> Option<RestError> {
        match input {
            Input::Follow(id) => self.follow(&id, now, dedup),
            Input::PollAll => self.on_poll_all(now),
            Input::Reconnected(outage) => self.on_reconnected(&outage, now),
            Input::SocketClosed => self.on_socket_closed(now),
            Input::ChannelCreated(created) => self.on_channel_created(created, now),
            Input::ChannelForgotten => self.channel.discard(),
            Input::TokenInvalidated => self.channel.on_token_invalidated(),
            Input::RateLimit(per_minute) => self.requests_per_minute = Some(per_minute),
            Input::Mentioned(mention) => self.on_mentioned(mention, now, dedup),
            Input::StreamEnded => self.on_stream_ended(),
            Input::Notification(notification) => self.on_notification(notification, now, dedup),
            Input::Response(response) => return self.on_response(response, now, dedup),
        }
        None
    }

    /// Takes the next event.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let Event::Live(id, TimedEvent { body: EventBody::Closed, .. }) = &event {
            let id = id.clone();
            self.report_end(&event);
            self.stop_following(&id);
        }
        Some(event)
    }

    /// Takes the next warning. Warnings are independent of the order of events.
    pub(crate) fn poll_warning(&mut self) -> Option<Warning> {
        self.warnings.pop_front()
    }

    /// Takes the next refusal. Refusals are independent of the order of events.
    pub(crate) fn poll_refusal(&mut self) -> Option<Refusal> {
        self.refusals.pop_front()
    }

    /// Returns the progress of everything that is followed.
    pub(crate) fn status(&self) -> Status {
        if self.is_done() {
            Status::Done
        } else if !self.expects_conversations()
            && self.conversations.values().all(|conversation| conversation.is_ending())
        {
            Status::Ending
        } else if self.is_backfilling() {
            Status::Backfilling
        } else {
            Status::Following
        }
    }

    /// Returns whether nothing is left to follow.
    pub(crate) fn is_done(&self) -> bool {
        !self.expects_conversations() && self.conversations.is_empty()
    }

    /// Returns whether history, or the events of an outage, are being read.
    pub(crate) fn is_backfilling(&self) -> bool {
        self.history == HistoryAccess::Available
            && self.conversations.values().any(|conversation| conversation.is_backfilling())
    }

    /// Returns the progress of all backfills that are being read; `None` if there is none.
    pub(crate) fn backfill_progress(&self) -> Option<BackfillProgress> {
        if self.history == HistoryAccess::Unavailable {
            return None;
        }
        let progress = self.conversations.values().filter_map(|conversation| conversation.backfill_progress());
        progress.reduce(|all, one| BackfillProgress { read: all.read + one.read, listed: all.listed + one.listed })
    }

    /// Returns whether everything known was emitted and open conversations were searched for.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.discovery.has_searched()
            && self.events.is_empty()
            && self.conversations.values().all(|conversation| conversation.is_caught_up())
    }

    /// Returns whether known messages lack their bodies and may still get them.
    pub(crate) fn has_pending_bodies(&self) -> bool {
        self.history == HistoryAccess::Available
            && !self.conversations.values().all(|conversation| conversation.is_caught_up())
    }

    /// Returns the number of followed conversations.
    pub(crate) fn conversation_count(&self) -> usize {
        self.conversations.len()
    }

    /// Returns whether queues or users are followed, which never ends.
    pub(crate) fn follows_targets(&self) -> bool {
        !self.options.targets.is_empty()
    }

    /// Returns whether conversations come and go: those of queues, users or an event stream.
    pub(crate) fn has_changing_conversations(&self) -> bool {
        self.follows_targets() || self.options.has_stream
    }

    /// Returns whether there may be further conversations.
    fn expects_conversations(&self) -> bool {
        self.follows_targets() || self.stream == StreamState::Open
    }

    /// Returns a conversation of which nothing is known, unless another one is known: the first snapshot decides whether a
    /// channel is needed.
    pub(crate) fn first_unknown(&self) -> Option<&str> {
        let is_any_known = self.conversations.values().any(|conversation| conversation.is_known());
        let unknown = || self.conversations.values().find(|conversation| !conversation.is_known());
        if is_any_known { None } else { unknown().map(|conversation| conversation.id()) }
    }

    /// Returns the notification channel, if there is one.
    pub(crate) fn channel(&self) -> Option<&Channel> {
        self.channel.channel()
    }

    /// Returns the topics for a new channel.
    pub(crate) fn topics_for_new_channel(&self) -> Vec<String> {
        let mut topics = self.wanted_topics();
        topics.truncate(MAX_TOPICS);
        topics
    }

    /// Returns when the next socket is to be opened, because the service announced the close of this one.
    pub(crate) fn reconnect_at(&self) -> Option<Instant> {
        self.channel.reconnect_at()
    }

    fn follow(&mut self, id: &str, now: Now, dedup: &Dedup) {
        // A cursor has to know every message that is skipped.
        let skips_history = self.options.history.lines == Some(0) && !dedup.has_cursor();
        let not_before = if skips_history { Some(DateTime::<Utc>::MAX_UTC) } else { self.options.history.since };
        self.start_following(id, ConversationStart { not_before, reason: BackfillReason::Startup }, now, dedup);
    }

    fn start_following(&mut self, id: &str, start: ConversationStart, now: Now, dedup: &Dedup) {
        self.subscriptions.mark_stale();
        let mode = self.options.mode;
        let new = || match dedup.resume_point(id) {
            Some(resume_point) => Conversation::resumed(id.to_owned(), mode, resume_point, start.reason, now),
            None => Conversation::new(id.to_owned(), mode, start, now),
        };
        let policy = self.call_policy(id, start, dedup);
        self.conversations.entry(id.to_owned()).or_insert_with(|| {
            let mut conversation = Box::new(new());
            conversation.set_call_policy(policy);
            conversation
        });
    }

    /// Returns the wishes about calls. A conversation that an earlier run has followed to its end has no more history.
    fn call_policy(&self, id: &str, start: ConversationStart, dedup: &Dedup) -> CallPolicy {
        let History { follow, call_transcript_wait: wait, .. } = self.options.history;
        let was_closed = dedup.resume_point(id).is_some_and(|resume_point| resume_point.closed);
        let skips_history = start.not_before == Some(DateTime::<Utc>::MAX_UTC);
        CallPolicy {
            wants_history: start.reason == BackfillReason::Startup && !was_closed && !skips_history,
            is_followed: follow,
            wait,
            is_required: !self.options.follows_several && !self.has_changing_conversations(),
        }
    }

    fn stop_following(&mut self, id: &str) {
        self.conversations.remove(id);
        self.recently_closed.insert(id.to_owned());
    }

    fn wanted_topics(&self) -> Vec<String> {
        let conversations = self.conversations.values().map(AsRef::as_ref);
        self.subscriptions.wanted(&self.options.targets, conversations)
    }

    /// Changes a conversation, if it is followed, and takes its events.
    fn update(&mut self, id: &str, change: impl FnOnce(&mut Conversation)) {
        self.subscriptions.mark_stale();
        if let Some(conversation) = self.conversations.get_mut(id) {
            let was_known = conversation.is_known();
            change(conversation);
            let is_denied = self.subscriptions.denies_transcriptions() && conversation.is_call_of_target();
            let joined = (!was_known && conversation.is_known() && !is_denied).then(|| FollowEvent::Joined {
                conversation: id.to_owned(),
                description: follow_event::describe(conversation),
                is_new: conversation.is_new(),
            });
            self.events.extend(conversation.take_events());
            let call_notice = conversation.take_call_notice();
            let notice = conversation.take_media_notice();
            let warning = |media| Warning::NothingPrinted { conversation: id.to_owned(), media };
            self.warnings.extend(notice.map(warning));
            if conversation.take_empty_notice() {
                self.warnings.push_back(Warning::NoMessages { conversation: id.to_owned() });
            }
            if let Some(joined) = joined {
                self.report(joined);
            }
            if is_denied {
                self.stop_following(id);
            }
            if let Some(notice) = call_notice {
                self.on_call_notice(id, notice);
            }
        }
    }
}

impl std::fmt::Debug for Tracker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tracker").field("conversations", &self.conversations).finish_non_exhaustive()
    }
}
