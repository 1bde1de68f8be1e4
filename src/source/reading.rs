//! Reading a source: what is ready, and waiting for more.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::connection::Activity;
use super::frame_buffer::SocketFrame;
use super::{
    DialResult, Follow, MAX_NOTIFICATIONS_PER_TURN, Protocol, Source, SourceError, SourceEvent, StreamLink, sleep_until,
};
use crate::event::EventBody;
use crate::tracker::{BackfillReason, Event, Input, Mention, Response, TimedEvent};

/// The next thing to yield, before it borrows from the source. It is returned for every frame and therefore small.
pub(super) enum Step {
    Accepted,
    Renewed,
    Finished,
    Frame(SocketFrame),
    Live(Box<LiveEvent>),
    Backfill { conversation: String, events: Vec<TimedEvent>, reason: BackfillReason },
}

/// An event that the tracker emitted.
pub(super) struct LiveEvent {
    pub(super) conversation: String,
    pub(super) event: TimedEvent,
}

/// The reason for the end of a wait.
enum Wakeup<T> {
    Response(Response),
    Dialed(DialResult<T>),
    RenewalDue,
    Follow(Option<Follow>),
    Mentions(Vec<Mention>),
    StreamEnded,
    Socket(Activity),
    Timeout,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Source<'_, T> {
    /// Returns the next event that needs no waiting. After some events it returns `None` even if more are ready, so that
    /// requests and renewals get their turn in [`Source::next`].
    pub(crate) fn try_next(&mut self) -> Option<Result<SourceEvent<'_>, SourceError>> {
        match self.try_step() {
            Ok(step) => step.map(|step| Ok(self.make_event(step))),
            Err(error) => Some(Err(error)),
        }
    }

    /// Waits for the next event. Cancel safe.
    ///
    /// # Errors
    ///
    /// The end of the connection, or a refusal. The connection is of no use after that.
    pub(crate) async fn next(&mut self) -> Result<SourceEvent<'_>, SourceError> {
        self.notifications_in_turn = 0;
        let step = loop {
            if self.is_discarding() {
                return Err(self.discard_until_closed().await);
            }
            self.start_requests();
            self.complete_takeover().await;
            if let Some(step) = self.ready_step()? {
                break step;
            }
            if self.connection.take_acceptance() {
                break Step::Accepted;
            }
            self.check_handover()?;
            if self.has_read_everything() {
                break Step::Finished;
            }
            if let Some(step) = self.wait().await? {
                break step;
            }
        };
        Ok(self.make_event(step))
    }

    /// Waits for the next event that precedes the end and whose body is missing; `None` if there is none. An error ends the
    /// wait. Reads no socket. Cancel safe.
    pub(crate) async fn next_pending(&mut self) -> Option<SourceEvent<'_>> {
        if self.protocol != Protocol::Transcript {
            // The end of notifications follows everything else.
            return None;
        }
        let step = loop {
            self.start_requests();
            if let Some(step) = self.next_tracker_event().ok()? {
                break step;
            }
            if !self.tracker.has_pending_bodies() {
                return None;
            }
            let request_at = self.requests.next_start_at(&self.tracker);
            tokio::select! {
                response = self.requests.next() => self.on_response(response).ok()?,
                () = sleep_until(request_at) => {}
            }
        };
        Some(self.make_event(step))
    }

    /// Reads nothing until `until` is over. The connection is kept alive, and renewed, meanwhile. Cancel safe.
    pub(crate) async fn pause_reading(&mut self, until: impl Future<Output = ()>) {
        let mut until = std::pin::pin!(until);
        loop {
            let renew_at = self.renewal.next_at(self.renewal_due());
            let dialed = {
                let Self { renewal, connection, .. } = self;
                tokio::select! {
                    biased;
                    dialed = renewal.opened() => Some(dialed),
                    () = sleep_until(renew_at) => None,
                    () = connection.pause_reading(&mut until) => break,
                }
            };
            match dialed {
                Some(dialed) => self.on_renewal_dialed(dialed).await,
                None => self.start_renewal(),
            }
        }
        self.connection.resume_reading();
    }

    fn try_step(&mut self) -> Result<Option<Step>, SourceError> {
        if self.is_discarding() {
            return Ok(None);
        }
        if let Some(step) = self.ready_step()? {
            return Ok(Some(step));
        }
        // A frame that is kept holds the buffer that the next one is read into.
        self.frame = None;
        while self.take_read() {
            let Some(result) = self.connection.try_next() else { return Ok(None) };
            if let Some(step) = self.on_frame(result)? {
                return Ok(Some(step));
            }
        }
        Ok(None)
    }

    /// Returns whether the socket may be read now. For notifications, each call uses up one of the reads of a turn.
    fn take_read(&mut self) -> bool {
        match self.protocol {
            Protocol::Transcript => !self.tracker.is_backfilling(),
            Protocol::Notifications { .. } => {
                self.notifications_in_turn += 1;
                self.notifications_in_turn <= MAX_NOTIFICATIONS_PER_TURN
            }
        }
    }

    /// Returns a step that needs no socket: a renewal, the end, an event of the tracker, or a buffered frame.
    fn ready_step(&mut self) -> Result<Option<Step>, SourceError> {
        if std::mem::take(&mut self.pending.renewed) {
            return Ok(Some(Step::Renewed));
        }
        if std::mem::take(&mut self.pending.finished) {
            return Ok(Some(Step::Finished));
        }
        if let Some(step) = self.next_tracker_event()? {
            return Ok(Some(step));
        }
        match self.protocol {
            Protocol::Transcript if self.tracker.is_backfilling() => Ok(None),
            Protocol::Transcript => match self.connection.next_buffered() {
                Some(result) => self.on_frame(result),
                None => Ok(None),
            },
            Protocol::Notifications { .. } => Ok(self.tracker.is_done().then_some(Step::Finished)),
        }
    }

    /// Returns the next event of the tracker, or the error that ends the connection after the last one.
    fn next_tracker_event(&mut self) -> Result<Option<Step>, SourceError> {
        self.forget_closed_conversation();
        match self.tracker.poll_event() {
            Some(Event::Live(conversation, event)) => {
                if event.body == EventBody::Closed {
                    self.ended_conversations += 1;
                    self.closed_conversation = Some(conversation.clone());
                }
                Ok(Some(Step::Live(Box::new(LiveEvent { conversation, event }))))
            }
            Some(Event::Backfill(conversation, events, reason)) => {
                Ok(Some(Step::Backfill { conversation, events, reason }))
            }
            Some(Event::ChannelLost(reason)) => Err(SourceError::ChannelLost(reason)),
            // An error follows the events of its response.
            None => self.pending.failure.take().map_or(Ok(None), Err),
        }
    }

    /// Returns whether history, or an event stream that has ended, is all that is followed and all of it was read.
    fn has_read_everything(&self) -> bool {
        let has_read_history =
            self.protocol == Protocol::Notifications { is_live: false } && self.tracker.is_caught_up();
        has_read_history || self.tracker.is_stream_complete()
    }

    async fn wait(&mut self) -> Result<Option<Step>, SourceError> {
        match self.next_wakeup().await {
            Wakeup::Response(response) => self.pending.failure = self.on_response(response).err(),
            Wakeup::Dialed(result) => self.on_renewal_dialed(result).await,
            Wakeup::RenewalDue => self.start_renewal(),
            Wakeup::Follow(Some(follow)) => self.follow(follow),
            Wakeup::Follow(None) => self.follows = None,
            Wakeup::Mentions(mentions) => mentions.into_iter().for_each(|one| self.handle(Input::Mentioned(one))),
            Wakeup::StreamEnded => self.handle(Input::StreamEnded),
            Wakeup::Socket(Activity::Frame(result)) => return self.on_frame(result),
            Wakeup::Socket(Activity::SuccessorEnded(reason)) => self.on_successor_ended(reason),
            Wakeup::Socket(Activity::StateChanged) | Wakeup::Timeout => {}
        }
        Ok(None)
    }

    /// Waits for the first of everything that can happen. Requests and renewals precede frames: a socket that always has a
    /// frame ready would starve them.
    async fn next_wakeup(&mut self) -> Wakeup<T> {
        let request_at = self.requests.next_start_at(&self.tracker);
        let renew_at = self.renewal.next_at(self.renewal_due());
        let handover_at =
            self.connection.live.as_ref().and_then(|live| live.closed.as_ref()).map(|close| close.deadline);
        let accepted_at = self.connection.accepted_at();
        let reads =
            self.protocol != Protocol::Transcript || !self.tracker.is_backfilling() || self.connection.has_room();
        self.frame = None;
        let stream = self.context.stream.filter(|_| self.protocol != Protocol::Transcript);
        let Self { requests, renewal, connection, follows, .. } = self;
        tokio::select! {
            biased;
            response = requests.next() => Wakeup::Response(response),
            result = renewal.opened() => Wakeup::Dialed(result),
            () = sleep_until(renew_at) => Wakeup::RenewalDue,
            follow = receive(follows) => Wakeup::Follow(follow),
            mentions = receive_mentions(stream) => mentions.map_or(Wakeup::StreamEnded, Wakeup::Mentions),
            activity = connection.next(), if reads => Wakeup::Socket(activity),
            () = sleep_until([request_at, handover_at, accepted_at].into_iter().flatten().min()) => Wakeup::Timeout,
        }
    }
}

/// Waits for what the event stream mentions; `None` once at its end.
async fn receive_mentions(stream: Option<&StreamLink>) -> Option<Vec<Mention>> {
    match stream {
        Some(stream) => stream.next_mentions().await,
        None => std::future::pending().await,
    }
}

async fn receive(follows: &mut Option<mpsc::UnboundedReceiver<Follow>>) -> Option<Follow> {
    match follows {
        Some(follows) => follows.recv().await,
        None => std::future::pending().await,
    }
}
