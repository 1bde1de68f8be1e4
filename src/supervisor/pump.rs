//! Delivers what a connection yields, in fair turns.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::Supervision;
use super::announcement::Announcement;
use crate::dedup::OccurrenceCounter;
use crate::delivery::sink::Admitted;
use crate::output::WriterHandle;
use crate::source::{ConnectionRole, Item, Source, SourceError, SourceEvent};
use crate::status::connection_status::ConnectionStatus;

/// A connection that was open this long, or delivered a new event, resets the retries (CONN-3).
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// The number of items, and of their bytes, after which other sources and signals get a turn: a server that sends without a
/// pause would starve them.
const MAX_ITEMS_PER_TURN: usize = 4096;
const MAX_BYTES_PER_TURN: usize = 256 * 1024;

/// Delivers what one connection, and those that take its place in time, yield.
pub(super) struct EventPump<'r, 'a, T> {
    pub(super) source: &'r mut Source<'a, T>,
    deliveries: Deliveries<'r>,
    writer: WriterHandle,
    opened_at: Instant,
    /// The line about the connection, until the server has accepted it.
    announcement: Option<Announcement<'r>>,
}

/// The effect of an event on the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There may be more.
    More,
    /// The source has renewed its connection.
    Renewed,
    /// The source has finished. Frames in flight may still arrive.
    Finished,
}

impl<'r, 'a, T: AsyncRead + AsyncWrite + Unpin> EventPump<'r, 'a, T> {
    /// Starts to read a connection that was just opened.
    pub(super) fn new(
        source: &'r mut Source<'a, T>,
        supervision: Supervision<'r>,
        announcement: Announcement<'r>,
    ) -> Self {
        supervision.status.report(ConnectionStatus::connected(source.last_activity_cell()));
        let writer = supervision.sink.borrow().output.handle();
        let (deliveries, opened_at) = (Deliveries::new(supervision), Instant::now());
        Self { source, deliveries, writer, opened_at, announcement: Some(announcement) }
    }

    /// Returns whether the server has accepted the connection, which was logged.
    pub(super) fn was_accepted(&self) -> bool {
        self.announcement.is_none()
    }

    /// Returns whether the connection was open for 10 s or delivered a new event.
    pub(super) fn was_productive(&self) -> bool {
        self.deliveries.delivered_new || self.opened_at.elapsed() >= STABLE_AFTER
    }

    /// Waits for the next event and delivers it, and whatever else is ready. Everything is handed to the writer before the
    /// next wait. Waits while the reader of stdout is too slow (OUT-41). Cancel safe: what was read is delivered.
    ///
    /// # Errors
    ///
    /// The end of the connection.
    pub(super) async fn advance(&mut self) -> Result<Progress, SourceError> {
        if self.deliveries.is_writer_behind() {
            self.source.pause_reading(self.writer.wait_for_capacity()).await;
        }
        let mut progress = self.deliveries.deliver(self.source.next().await?);
        while progress.is_none() && !self.deliveries.quota.is_used_up() {
            progress = match self.source.try_next() {
                Some(Ok(event)) => self.deliveries.deliver(event),
                Some(Err(error)) => {
                    self.announce_if_accepted();
                    self.deliveries.flush();
                    return Err(error);
                }
                None => Some(Progress::More),
            };
        }
        self.announce_if_accepted();
        self.deliveries.flush();
        if progress == Some(Progress::Renewed) {
            self.on_renewed();
        }
        if self.deliveries.quota.is_used_up() {
            self.deliveries.quota = Quota::default();
            tokio::task::yield_now().await;
        }
        Ok(progress.unwrap_or(Progress::More))
    }

    /// Delivers the next event that precedes the end and whose body is missing. Returns `false` if there is none. Cancel
    /// safe.
    pub(super) async fn advance_pending(&mut self) -> bool {
        self.deliveries.flush();
        match self.source.next_pending().await {
            Some(event) => {
                self.deliveries.deliver(event);
                true
            }
            None => false,
        }
    }

    /// Hands everything that was delivered to the writer.
    pub(super) fn flush(&mut self) {
        self.deliveries.flush();
    }

    /// Logs the connection at the end of the turn in which the server has accepted it.
    fn announce_if_accepted(&mut self) {
        if let Some(announcement) = self.announcement
            && self.deliveries.has_peer_sent()
            && let Some(peer) = self.source.peer()
        {
            announcement.log(peer);
            let status = ConnectionStatus::connected(self.source.last_activity_cell());
            self.deliveries.supervision.status.report(status.accepted_by(peer));
            self.announcement = None;
        }
    }

    fn on_renewed(&mut self) {
        self.deliveries.on_renewed();
        let status = ConnectionStatus::connected(self.source.last_activity_cell());
        let peer = self.source.peer().filter(|_| self.was_accepted());
        let status = peer.map_or_else(|| status.clone(), |peer| status.clone().accepted_by(peer));
        self.deliveries.supervision.status.report(status);
    }
}

/// The state of delivering what a connection yields.
struct Deliveries<'r> {
    supervision: Supervision<'r>,
    live_occurrences: OccurrenceCounter,
    retiring_occurrences: OccurrenceCounter,
    delivered_new: bool,
    is_accepted: bool,
    quota: Quota,
}

/// The items that were read since others had a turn.
#[derive(Debug, Default)]
struct Quota {
    items: usize,
    bytes: usize,
}

impl Quota {
    fn count(&mut self, item: &Item<'_>) {
        self.items += 1;
        self.bytes += item.raw.map_or(0, |raw| raw.len());
    }

    fn is_used_up(&self) -> bool {
        self.items >= MAX_ITEMS_PER_TURN || self.bytes >= MAX_BYTES_PER_TURN
    }
}

impl<'r> Deliveries<'r> {
    fn new(supervision: Supervision<'r>) -> Self {
        Self {
            supervision,
            live_occurrences: supervision.sink.borrow_mut().on_connection_opened(),
            retiring_occurrences: OccurrenceCounter::default(),
            delivered_new: false,
            is_accepted: false,
            quota: Quota::default(),
        }
    }

    /// Delivers an event. Returns the progress at which the turn ends.
    fn deliver(&mut self, event: SourceEvent<'_>) -> Option<Progress> {
        let item = match event {
            SourceEvent::Item(item) => item,
            SourceEvent::Accepted => {
                self.is_accepted = true;
                return Some(Progress::More);
            }
            SourceEvent::Renewed => return Some(Progress::Renewed),
            SourceEvent::Finished => return Some(Progress::Finished),
        };
        self.quota.count(&item);
        let occurrences = match item.connection {
            ConnectionRole::Live => &mut self.live_occurrences,
            ConnectionRole::Retiring => &mut self.retiring_occurrences,
        };
        let Supervision { sink, dedup, .. } = self.supervision;
        let mut sink = sink.borrow_mut();
        let is_new = sink.deliver(item, &mut dedup.borrow_mut(), occurrences) == Admitted::New;
        self.delivered_new |= is_new;
        (is_new && sink.output.is_over_limit()).then_some(Progress::More)
    }

    fn on_renewed(&mut self) {
        let live = self.supervision.sink.borrow_mut().on_connection_opened();
        self.retiring_occurrences = std::mem::replace(&mut self.live_occurrences, live);
    }

    /// Returns whether the server has accepted the connection. A frame of this turn shows it too.
    fn has_peer_sent(&self) -> bool {
        self.is_accepted || self.quota.bytes > 0
    }

    fn is_writer_behind(&self) -> bool {
        self.supervision.sink.borrow().output.is_over_limit()
    }

    fn flush(&mut self) {
        self.supervision.sink.borrow_mut().flush();
    }
}
