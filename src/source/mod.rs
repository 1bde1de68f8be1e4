//! The sources of events: sockets and REST requests. Decisions about conversations are the tracker's.
//!
//! [`Source`] owns its sockets, its tracker and the driver of the tracker's requests. It renews its connection by itself,
//! and yields items and the changes of its connection.

mod connecting;
mod connection;
mod dial;
mod error;
mod event_stream;
mod frame_buffer;
mod frames;
mod item;
mod name_error;
mod notifications;
mod reading;
mod renewal;
mod requests;
mod rest_backoff;
mod successor;
mod target_lookup;
mod transcript;
mod upkeep;

use std::cell::RefCell;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::connection::Connection;
use self::dial::ChannelChange;
pub(crate) use self::dial::{Dial, DialRequest, DialResult, Opened, Peer};
pub(crate) use self::error::{Retry, SourceError};
pub(crate) use self::event_stream::{EventStream, EventStreamError, EventStreamSettings, StreamLink, StreamProgress};
pub(crate) use self::item::{ConnectionRole, Item, ItemKind, SourceEvent};
use self::renewal::Renewal;
use self::requests::Requests;
pub(crate) use self::target_lookup::{TargetLookup, find_target};
pub(crate) use self::transcript::{TranscriptEndpoint, endpoint as transcript_endpoint, item as transcript_item};
use crate::api::rest::Rest;
use crate::api::websocket::Upgraded;
use crate::config::{FollowedMedia, History, NamedTarget, Retries, SocketLimits, Targets};
use crate::dedup::Dedup;
use crate::rate_limited_warning::RateLimitedWarning;
use crate::status::work::{Work, WorkReporter};
use crate::system::last_activity::LastActivity;
use crate::tracker::{BackfillProgress, Input, Mode, Surroundings, Tracker, TrackerOptions};
pub(crate) use crate::tracker::{BackfillReason, Outage, TimedEvent};
use crate::wire::transcript::fast_path::TemplateCache;

/// The number of notifications that are read before requests get a turn.
const MAX_NOTIFICATIONS_PER_TURN: u32 = 16;

/// The state that all sources of a run share.
#[derive(Clone, Copy)]
pub(crate) struct SourceContext<'a> {
    /// The events delivered so far.
    pub(crate) dedup: &'a RefCell<Dedup>,
    /// The templates of transcript frames.
    pub(crate) templates: &'a TemplateCache,
    /// Refusals of conversations are logged, because others are followed.
    pub(crate) reports_refusals: bool,
    /// Events of transcript sockets carry their surroundings, which text output does not show.
    pub(crate) adds_surroundings: bool,
    /// Connects the notifications source to the event stream of the run.
    pub(crate) stream: Option<&'a StreamLink>,
}

/// A conversation that a running source is to follow.
#[derive(Debug)]
pub(crate) struct Follow {
    /// The id.
    pub(crate) conversation: String,
    /// The refusal of its transcript socket, if that was tried.
    pub(crate) transcript_refusal: Option<SourceError>,
}

/// The protocol of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// The transcript socket of one conversation.
    Transcript,
    /// The notifications of all conversations. Without `is_live`, history is read and no socket is opened.
    Notifications { is_live: bool },
}

/// A source of events: its sockets, its tracker, and the requests of the tracker.
pub(crate) struct Source<'a, T> {
    protocol: Protocol,
    context: SourceContext<'a>,
    tracker: Tracker,
    requests: Requests,
    retries: Retries,
    connection: Connection<T>,
    renewal: Renewal<'a, T>,
    dial: Dial<'a, T>,
    peer: Option<Peer>,
    /// The changes of the notification channel that dials report.
    channel_changes: Option<mpsc::UnboundedReceiver<ChannelChange>>,
    follows: Option<mpsc::UnboundedReceiver<Follow>>,
    transcript_refusals: HashMap<String, SourceError>,
    refused: Vec<SourceError>,
    /// The names of the followed queues and users.
    target_names: Vec<NamedTarget>,
    ended_conversations: usize,
    phase: Phase,
    pending: Pending,
    service_messages: RateLimitedWarning,
    notifications_in_turn: u32,
    /// The conversation of the latest item, which borrows it. A transcript source has only one.
    conversation: String,
    /// The frame of the latest item, which borrows it.
    frame: Option<CurrentFrame>,
    /// The conversation whose end was the latest event.
    closed_conversation: Option<String>,
    /// Reports the progress of reading history.
    progress: WorkReporter,
    /// The surroundings of the events of the transcript socket, if they are wanted.
    surroundings: Option<Surroundings>,
}

/// The phase of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No connection was opened yet.
    NeverConnected,
    /// A connection was opened, or none was needed.
    Connected,
    /// The caller has asked to close.
    Closing,
}

/// The events that were not yielded yet.
#[derive(Debug, Default)]
struct Pending {
    renewed: bool,
    finished: bool,
    /// The error that ends the connection, after the events that precede it.
    failure: Option<SourceError>,
}

/// A frame that was yielded as an item.
#[derive(Debug)]
struct CurrentFrame {
    frame: crate::api::websocket::Frame,
    /// The text without the channel id, if that differs.
    redacted: Option<String>,
}

/// The settings of a transcript source.
pub(crate) struct TranscriptOptions {
    /// The id of the conversation.
    pub(crate) conversation: String,
    /// The wanted history.
    pub(crate) history: History,
    /// The maximum number of retries in a row.
    pub(crate) retries: Retries,
    /// Reports the progress of reading history.
    pub(crate) progress: WorkReporter,
}

/// The settings of the notifications source.
pub(crate) struct NotificationOptions {
    /// The followed queues and users.
    pub(crate) targets: Vec<NamedTarget>,
    /// The media of their conversations.
    pub(crate) media: FollowedMedia,
    /// The wanted history, and whether live events follow it.
    pub(crate) history: History,
    /// The limits of the socket.
    pub(crate) limits: SocketLimits,
    /// The maximum number of retries in a row.
    pub(crate) retries: Retries,
    /// Further conversations to follow.
    pub(crate) follows: mpsc::UnboundedReceiver<Follow>,
    /// Reports the progress of reading history.
    pub(crate) progress: WorkReporter,
}

impl<'a, T: AsyncRead + AsyncWrite + Unpin> Source<'a, T> {
    /// Creates the source of one conversation on its transcript socket, which `dial` opens.
    pub(crate) fn transcript(
        options: TranscriptOptions,
        rest: Rest,
        context: SourceContext<'a>,
        dial: Dial<'a, T>,
    ) -> Self {
        let TranscriptOptions { conversation, history, retries, progress } = options;
        let tracker = TrackerOptions {
            mode: Mode::HistoryOnly,
            targets: Targets::default(),
            history,
            retries,
            follows_several: context.reports_refusals,
            has_stream: false,
        };
        let mut source = Self::new(Protocol::Transcript, tracker, rest, context, dial);
        source.surroundings = context.adds_surroundings.then(Surroundings::default);
        source.handle(Input::Follow(conversation.clone()));
        Self { conversation, progress, ..source }
    }

    /// Answers the first snapshot with a refusal, as a service without history does.
    #[cfg(test)]
    pub(crate) fn refuse_history(&mut self) {
        let (host, conversation) = (self.requests.rest().host(), self.conversation.clone());
        let body = crate::api::error_body::ErrorBody::new(
            reqwest::StatusCode::FORBIDDEN,
            &reqwest::header::HeaderMap::new(),
            b"",
            self.requests.rest().http().secrets(),
        );
        let result = Err(crate::api::rest::RestError::Forbidden { host, body });
        self.handle(Input::Response(crate::tracker::Response::Snapshot { conversation, result }));
    }

    fn new(
        protocol: Protocol,
        options: TrackerOptions,
        rest: Rest,
        context: SourceContext<'a>,
        dial: Dial<'a, T>,
    ) -> Self {
        Self {
            protocol,
            context,
            requests: Requests::new(rest, options.mode, options.targets.clone()),
            retries: options.retries,
            tracker: Tracker::new(options, Instant::now()),
            connection: Connection::default(),
            renewal: Renewal::default(),
            dial,
            peer: None,
            channel_changes: None,
            follows: None,
            transcript_refusals: HashMap::new(),
            refused: Vec::new(),
            target_names: Vec::new(),
            ended_conversations: 0,
            phase: Phase::NeverConnected,
            pending: Pending::default(),
            service_messages: RateLimitedWarning::default(),
            notifications_in_turn: 0,
            conversation: String::new(),
            frame: None,
            closed_conversation: None,
            progress: WorkReporter::default(),
            surroundings: None,
        }
    }

    /// Returns the only conversation of a transcript source, which its status lines concern.
    fn followed_conversation(&self) -> Option<&str> {
        (self.protocol == Protocol::Transcript).then_some(&self.conversation)
    }

    /// Drops the connection.
    pub(crate) fn disconnect(&mut self) {
        self.connection.reset();
        self.renewal.reset();
        self.apply_channel_changes();
        self.peer = None;
        self.progress.report(Work::None);
        self.frame = None;
        self.pending = Pending::default();
        if self.phase == Phase::Closing {
            self.phase = Phase::Connected;
        }
    }

    /// Returns the server of the connection; `None` without a socket.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// Returns the wall-clock time of the last activity of the server.
    pub(crate) fn last_activity(&self) -> DateTime<Utc> {
        self.connection.last_activity()
    }

    /// Returns the shared cell with the time of the last activity; `None` without a socket.
    pub(crate) fn last_activity_cell(&self) -> Option<LastActivity> {
        self.connection.last_activity_cell()
    }

    /// Returns whether frames in flight matter after the end: the tracker of notifications knows that none is missing.
    pub(crate) fn drains_after_end(&self) -> bool {
        self.protocol == Protocol::Transcript
    }

    /// Returns whether a conversation has ended while it was followed.
    pub(crate) fn has_ended_conversations(&self) -> bool {
        self.ended_conversations > 0
    }

    /// Returns whether a conversation was refused since [`Source::take_refused`].
    pub(crate) fn has_refusals(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Returns the number of followed conversations.
    pub(crate) fn conversation_count(&self) -> usize {
        self.tracker.conversation_count()
    }

    /// Returns the number of conversations that are queued to be followed.
    pub(crate) fn queued_follows(&self) -> usize {
        self.follows.as_ref().map_or(0, mpsc::UnboundedReceiver::len)
    }

    /// Takes the refusals of conversations, oldest first. They were logged if there are several conversations.
    pub(crate) fn take_refused(&mut self) -> Vec<SourceError> {
        std::mem::take(&mut self.refused)
    }

    /// Asks the server to close the connection. What is in flight can still be read. Cancel safe.
    pub(crate) async fn close(&mut self) {
        self.phase = Phase::Closing;
        self.renewal.reset();
        self.connection.close().await;
    }

    /// Sends the close frame that `error` calls for (1002, 1007 or 1009), if any. Cancel safe.
    pub(crate) async fn send_close_for(&mut self, error: &SourceError) {
        if let SourceError::ClosedByServer(reason) | SourceError::ConnectionLost(reason) = error {
            self.connection.send_close_for(reason).await;
        }
    }

    /// Reports the progress of reading history, or the messages of an outage.
    fn report_progress(&self) {
        let progress = self.tracker.backfill_progress();
        let work = progress.map(|BackfillProgress { read, listed }| Work::ReadingHistory { read, listed });
        self.progress.report(work.unwrap_or_default());
    }

    /// Hands the tracker an input whose request is not repeated.
    fn handle(&mut self, input: Input) {
        let failure = self.update_tracker(input);
        debug_assert!(
            failure.is_none(),
            "a response whose request may be repeated goes through on_response: {failure:?}"
        );
    }
}

impl<'a> Source<'a, Upgraded> {
    /// Creates the source of notifications.
    pub(crate) fn notifications(options: NotificationOptions, rest: Rest, context: SourceContext<'a>) -> Self {
        let NotificationOptions { targets, media, history, limits, retries, follows, progress } = options;
        let protocol = Protocol::Notifications { is_live: history.follow };
        let followed = Targets { media, ..Targets::of(&targets) };
        let tracker = TrackerOptions {
            mode: Mode::Full,
            targets: followed,
            history,
            retries,
            follows_several: context.reports_refusals,
            has_stream: context.stream.is_some(),
        };
        let (changes, channel_changes) = mpsc::unbounded_channel();
        let dialer = notifications::ChannelDialer { rest: rest.clone(), limits, changes };
        let dial: Dial<'a, Upgraded> = Box::new(move |request| dialer.dial(request));
        let source = Self::new(protocol, tracker, rest, context, dial);
        Self {
            target_names: targets,
            follows: Some(follows),
            channel_changes: Some(channel_changes),
            progress,
            ..source
        }
    }
}

impl<T> std::fmt::Debug for Source<'_, T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Source").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

/// Waits until then, or forever.
async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
