//! Frames and closes of the sockets, and the items made of them.

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::frame_buffer::SocketFrame;
use super::reading::{LiveEvent, Step};
use super::{
    ConnectionRole, CurrentFrame, Item, ItemKind, Phase, Protocol, Source, SourceError, SourceEvent, notifications,
    transcript,
};
use crate::api::websocket::CloseReason;
use crate::event::{EventBody, RawFrame, TranscriptEvent};
use crate::tracker::{Input, TimedEvent};
use crate::wire::notification::{self, Notification};

impl<T: AsyncRead + AsyncWrite + Unpin> Source<'_, T> {
    /// Sorts a frame, or the end of the live socket. `None` if it needs no item, or not yet.
    pub(super) fn on_frame(&mut self, result: Result<SocketFrame, CloseReason>) -> Result<Option<Step>, SourceError> {
        if let Err(reason) = &result {
            self.drop_dead_connections(reason);
        }
        match (self.protocol, result) {
            (Protocol::Transcript, Ok(frame)) if self.tracker.is_backfilling() => {
                self.connection.buffer(frame);
                Ok(None)
            }
            (Protocol::Transcript, Err(reason)) if self.is_replaced_by_server(&reason) => {
                let reason = self.redacted(reason);
                if let Some(live) = &mut self.connection.live {
                    live.set_closed(reason);
                }
                Ok(None)
            }
            (Protocol::Transcript, Err(reason)) if self.tracker.is_backfilling() => {
                self.connection.buffer_end(reason);
                Ok(None)
            }
            (Protocol::Transcript, Ok(frame)) => Ok(Some(Step::Frame(frame))),
            (Protocol::Transcript, Err(reason)) => Err(self.on_transcript_closed(reason)),
            (Protocol::Notifications { .. }, Ok(frame)) => {
                // The live socket tells everything that the retiring one could.
                let is_live = self.connection.role(&frame) == ConnectionRole::Live;
                Ok(is_live.then_some(Step::Frame(frame)))
            }
            (Protocol::Notifications { .. }, Err(reason)) => self.on_notifications_closed(reason).map(|()| None),
        }
    }

    /// Drops the pooled connections if they are as dead as the socket (CONN-32).
    fn drop_dead_connections(&self, reason: &CloseReason) {
        let is_silent = matches!(reason, CloseReason::IdleTimeout(_) | CloseReason::Suspended(_));
        if let Some(activity) = self.connection.last_activity_cell().filter(|_| is_silent) {
            self.requests.rest().http().drop_connections(activity.get());
        }
    }

    /// Returns whether the server has closed the live socket because its successor is open, as a server does that allows one
    /// for each conversation.
    fn is_replaced_by_server(&self, reason: &CloseReason) -> bool {
        self.connection.successor.is_some() && matches!(reason, CloseReason::Closed { code: 1000 | 1001, .. })
    }

    fn on_transcript_closed(&mut self, reason: CloseReason) -> SourceError {
        let error = SourceError::from(self.redacted(reason));
        if error.is_policy_close()
            && let Some(token) = self.connection.live.as_ref().and_then(|live| live.token.as_ref())
        {
            token.invalidate();
        }
        error
    }

    /// Waits for the next socket if the close was announced. Any other close is an outage.
    fn on_notifications_closed(&mut self, reason: CloseReason) -> Result<(), SourceError> {
        let is_announced = self.tracker.reconnect_at().is_some();
        let is_close_frame = matches!(reason, CloseReason::Closed { .. });
        let reason = self.redacted(reason);
        if let Some(live) = self.connection.live.as_mut().filter(|_| is_announced) {
            live.set_closed(reason);
            return Ok(());
        }
        if is_close_frame {
            self.handle(Input::SocketClosed);
        }
        Err(SourceError::ConnectionLost(reason))
    }

    /// Ends the connection if the successor of a closed socket takes too long.
    pub(super) fn check_handover(&mut self) -> Result<(), SourceError> {
        let now = Instant::now();
        let live = self.connection.live.as_mut();
        match live.and_then(|live| live.closed.take_if(|closed| closed.deadline <= now)) {
            Some(closed) => Err(SourceError::ConnectionLost(closed.reason)),
            None => Ok(()),
        }
    }

    /// Returns whether frames are read only until the server closes: nothing new can come after the end of notifications.
    pub(super) fn is_discarding(&self) -> bool {
        self.phase == Phase::Closing && self.protocol != Protocol::Transcript
    }

    /// Reads and discards frames until the server closes. Cancel safe.
    pub(super) async fn discard_until_closed(&mut self) -> SourceError {
        let Some(live) = &mut self.connection.live else {
            return SourceError::ConnectionLost(CloseReason::ConnectionLost("no socket".to_owned()));
        };
        if let Some(closed) = &live.closed {
            return SourceError::ConnectionLost(closed.reason.clone());
        }
        loop {
            if let Err(reason) = live.socket.next().await {
                return SourceError::ConnectionLost(reason);
            }
        }
    }

    /// Makes the event of a step, which borrows from the source.
    pub(super) fn make_event(&mut self, step: Step) -> SourceEvent<'_> {
        match step {
            Step::Accepted => SourceEvent::Accepted,
            Step::Renewed => SourceEvent::Renewed,
            Step::Finished => SourceEvent::Finished,
            Step::Frame(frame) => SourceEvent::Item(match self.protocol {
                Protocol::Transcript => self.transcript_item(frame),
                Protocol::Notifications { .. } => self.notification_item(frame),
            }),
            Step::Live(live) => {
                let LiveEvent { conversation, event } = *live;
                let received = event.received_at(Utc::now());
                let TimedEvent { at, body, context } = event;
                self.conversation = conversation;
                let event = TranscriptEvent { conversation: &self.conversation, at, received, body, context };
                SourceEvent::Item(read_item(&self.conversation, received, ItemKind::Event(event)))
            }
            Step::Backfill { conversation, events, reason } => {
                self.conversation = conversation;
                SourceEvent::Item(read_item(&self.conversation, Utc::now(), ItemKind::Backfill(events, reason)))
            }
        }
    }

    fn transcript_item(&mut self, frame: SocketFrame) -> Item<'_> {
        let connection = self.connection.role(&frame);
        let CurrentFrame { frame, .. } = self.frame.insert(CurrentFrame { frame: frame.frame, redacted: None });
        let mut item =
            transcript::item(frame.raw(), &self.conversation, frame.received, connection, self.context.templates);
        if let (Some(surroundings), ItemKind::Event(event)) = (&mut self.surroundings, &mut item.kind) {
            event.context = surroundings.of(&event.body);
        }
        self.pending.finished = matches!(&item.kind, ItemKind::Event(event) if event.body == EventBody::Closed);
        item
    }

    fn notification_item(&mut self, frame: SocketFrame) -> Item<'_> {
        let connection = self.connection.role(&frame);
        let frame = frame.frame;
        let notification = notification::decode(frame.raw());
        notifications::conversation_of(&notification).unwrap_or_default().clone_into(&mut self.conversation);
        let secrets = self.requests.rest().http().secrets();
        let kind = notifications::item_kind(&notification, secrets);
        let redacted = notifications::redact_channel(frame.raw(), secrets);
        self.on_notification(notification);
        let CurrentFrame { frame, redacted } = self.frame.insert(CurrentFrame { frame, redacted });
        let raw = match (frame.raw(), redacted.as_deref()) {
            (RawFrame::Text(_), Some(redacted)) => RawFrame::Text(redacted),
            (RawFrame::Binary(_), Some(redacted)) => RawFrame::Binary(redacted.as_bytes()),
            (raw, None) => raw,
        };
        Item { conversation: &self.conversation, received: frame.received, raw: Some(raw), kind, connection }
    }

    fn on_notification(&mut self, notification: Notification) {
        let notification = match notification {
            Notification::ChannelLost(reason) => {
                Notification::ChannelLost(self.requests.rest().http().secrets().redact(&reason).into_owned())
            }
            notification => notification,
        };
        match &notification {
            Notification::SocketClosing => {
                tracing::debug!("the service announced the close of the notification socket");
            }
            Notification::TokenRevoked => self.requests.rest().auth().invalidate(),
            _ => {}
        }
        self.handle(Input::Notification(notification));
    }

    /// Returns the reason without secrets: a server may repeat a token in it, and it is shown on both streams.
    pub(super) fn redacted(&self, reason: CloseReason) -> CloseReason {
        match reason {
            CloseReason::Closed { code, reason } => {
                let secrets = self.requests.rest().http().secrets();
                CloseReason::Closed { code, reason: secrets.redact(&reason).into_owned() }
            }
            reason => reason,
        }
    }
}

/// Makes an item of what was read by REST.
fn read_item<'a>(conversation: &'a str, received: DateTime<Utc>, kind: ItemKind<'a>) -> Item<'a> {
    Item { conversation, received, raw: None, kind, connection: ConnectionRole::Live }
}
